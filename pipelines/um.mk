# The experiment: a classifier scored before and after Unleashing Mask, and after the same fine-tuning without
# it, so that the effect of more training is not mistaken for the method's. Included by pipelines that set:
#
#   RUN      folder of the run; every file of the experiment is a target in it
#   SET      where the images come from, and its variables, see data.mk
#   ARCH, TRAIN, FINETUNE, ESTIMATE, METHODS, SEED   options, see below; METHODS are the methods in the tables
#   MODELS   the models in the tables: plain, early (plain's epoch of best validation accuracy), ce, um
#   VALIDATE the images that training is validated on; as they choose early, they must not be test images if it is used
#   REPORTED the model of report.html
#   BEST     how many methods to list, those with the highest average AUROC
#
# Files appear whole or not at all, so an interrupted run resumes.
.DEFAULT_GOAL := table
UM_HERE := $(dir $(lastword $(MAKEFILE_LIST)))
include $(UM_HERE)data.mk

ARCH     ?= densenet:depth=100,growth=12
TRAIN    ?=
FINETUNE ?= $(TRAIN)
ESTIMATE ?= --draws 5
METHODS  ?= msp,energy
BEST     ?= 6
SETS     := test $(OOD)
MODELS   ?= plain ce um
REPORTED ?= plain
VALIDATE ?= --val $(RUN)/test.images

PICTURES := $(foreach m,plain um,$(RUN)/$m-hist.$(FORMAT) $(RUN)/$m-roc.$(FORMAT)) $(RUN)/bars.$(FORMAT)

table: $(RUN)/table.txt $(RUN)/best.txt $(RUN)/report.html $(if $(shell command -v gnuplot),$(PICTURES))
	@for m in $(MODELS); do cat $(RUN)/$$m.txt; echo; done; cat $(RUN)/best.txt; echo; cat $<
	@$(if $(shell command -v gnuplot),:,echo "no gnuplot, so no pictures" >&2)
	@$(call said,$(RUN)/report.html)

# 1. A well-trained model, and what early stopping would have given. Interrupted training resumes.
$(RUN)/plain.ckpt: $(RUN)/train.images $(RUN)/test.images
	um-train $(TRAIN) --run $(RUN)/plain --print-run >/dev/null 2>&1 && resume=--resume; \
	um-train --arch $(ARCH) $(TRAIN) --seed $(SEED) $(VALIDATE) --run $(RUN)/plain $$resume -o $@ $< 2>$(RUN)/plain.log \
		|| { cat $(RUN)/plain.log >&2; exit 1; }
	@tail -n 1 $(RUN)/plain.log
$(RUN)/early.ckpt: $(RUN)/plain.ckpt
	run=$$(um-train $(TRAIN) --run $(RUN)/plain --print-run) && cp "$$run/checkpoints/best.ckpt" $@.tmp
	mv $@.tmp $@

# 2. Its loss when a small share of its weights is masked.
$(RUN)/loss: $(RUN)/plain.ckpt $(RUN)/train.images
	um-estimate $(ESTIMATE) --seed $(SEED) -m $^ >$@.tmp
	mv $@.tmp $@

# 3. The same model, fine-tuned to that loss: it forgets what it had to memorise.
$(RUN)/um.ckpt: $(RUN)/plain.ckpt $(RUN)/loss $(RUN)/train.images $(RUN)/test.images
	um-train --init $< --um $$(cat $(RUN)/loss) $(FINETUNE) --seed $(SEED) $(VALIDATE) \
		-o $@ $(RUN)/train.images 2>$(RUN)/um.log || { cat $(RUN)/um.log >&2; exit 1; }
	@tail -n 1 $(RUN)/um.log

# 4. The control: fine-tuned in the same way, with the plain loss.
$(RUN)/ce.ckpt: $(RUN)/plain.ckpt $(RUN)/train.images $(RUN)/test.images
	um-train --init $< $(FINETUNE) --seed $(SEED) $(VALIDATE) \
		-o $@ $(RUN)/train.images 2>$(RUN)/ce.log || { cat $(RUN)/ce.log >&2; exit 1; }
	@tail -n 1 $(RUN)/ce.log

# 5. What each model knows of its training data, and its scores on every set, by every method that a single forward pass
# allows. Labels of other sets mean other classes, and some methods cannot work; -q suppresses these warnings.
define scores_of
$(RUN)/$1.fit: $(RUN)/train.images $(RUN)/$1.ckpt
	um-embed -q -m $(RUN)/$1.ckpt $$< | ood-fit -o $$@
$(RUN)/$1-%.scores: $(RUN)/%.images $(RUN)/$1.ckpt $(RUN)/$1.fit
	um-embed -q -m $(RUN)/$1.ckpt $$< | ood-score -q --fit $(RUN)/$1.fit -o $$@
endef
$(foreach m,$(MODELS),$(eval $(call scores_of,$m)))

# 6. The tables: one row per set for each model, and the averages of all side by side.
sets = $(foreach s,$(OOD),$s=$(RUN)/$1-$s.scores)
$(RUN)/%.txt: $(RUN)/%-test.scores $(foreach s,$(OOD),$(RUN)/%-$s.scores) $(RUN)/tables.asked
	ood-metrics -q --method $(METHODS) --label $* --id $< $(call sets,$*) >$@.tmp
	mv $@.tmp $@
average = ood-metrics -q --method $(METHODS) --summary --label $1 $3 --id $(RUN)/$2-test.scores $(call sets,$2)
called = $(patsubst ce,+CE,$(patsubst um,+UM,$1))
$(RUN)/table.txt: $(foreach m,$(MODELS),$(RUN)/$m.txt $(foreach s,$(SETS),$(RUN)/$m-$s.scores)) $(RUN)/tables.asked
	{ :$(foreach m,$(MODELS), && $(call average,$(call called,$m),$m,$(if $(filter-out $(firstword $(MODELS)),$m),--no-heading))); } >$@.tmp
	mv $@.tmp $@

# 7. The methods with the highest average AUROC on these very sets (chosen in hindsight: it shows what is possible, not
# what to expect elsewhere), for the plain model and after UM.
best = ood-metrics -q --summary --format tsv --no-heading --label $1 $2 --id $(RUN)/$1-test.scores $(call sets,$1) | \
	sort -t'	' -k3,3gr | head -n $(BEST) | awk -F'	' '{ printf "%-8s %-14s %7.2f %7.2f\n", $$1, $$2, 100 * $$3, 100 * $$6 }'
$(RUN)/best.txt: $(foreach m,plain um,$(foreach s,$(SETS),$(RUN)/$m-$s.scores)) $(RUN)/tables.asked
	{ printf '%-8s %-14s %7s %7s\n' model 'best methods' AUROC FPR95 && $(call best,plain) && $(call best,um); } >$@.tmp
	mv $@.tmp $@

# 8. Pictures: histograms of the first of METHODS, ROC curves of these and the best, AUROC with DeLong's intervals.
shown = $(METHODS)$$(awk 'NR > 1 && !index(",$(METHODS),", "," $$2 ",") && !seen[$$2]++ { printf ",%s", $$2 }' $(RUN)/best.txt)
$(RUN)/%.curves.tsv: $(RUN)/best.txt $(RUN)/%.txt
	ood-metrics -q --method $(shown) --label $* --delong --format tsv --roc $(RUN)/$*.roc.tsv --hist $(RUN)/$*.hist.tsv \
		--id $(RUN)/$*-test.scores $(call sets,$*) >$@.tmp
	mv $@.tmp $@
comma := ,
PLOT = gnuplot -e "table='$1'; picture='$@.tmp'; format='$(FORMAT)'; method='$(firstword $(subst $(comma), ,$(METHODS)))'" -c $(UM_HERE)plots/$2.gp && \
	mv $@.tmp $@
$(RUN)/%-hist.$(FORMAT): $(RUN)/%.curves.tsv $(UM_HERE)plots/hist.gp
	$(call PLOT,$(RUN)/$*.hist.tsv,hist)
$(RUN)/%-roc.$(FORMAT): $(RUN)/%.curves.tsv $(UM_HERE)plots/roc.gp
	$(call PLOT,$(RUN)/$*.roc.tsv,roc)
$(RUN)/bars.tsv: $(RUN)/plain.curves.tsv $(RUN)/um.curves.tsv
	cat $^ >$@.tmp
	mv $@.tmp $@
$(RUN)/bars.$(FORMAT): $(RUN)/bars.tsv $(UM_HERE)plots/bars.gp
	$(call PLOT,$<,bars)

# 9. The page.
$(RUN)/report.html: $(call of_sets,$(RUN)/$(REPORTED)-%.scores,$(RUN)/%.images) $(RUN)/tables.asked
	$(call report,$(RUN)/$(REPORTED)-%.scores,$(RUN)/%.images,--method $(METHODS) --title "$(SET): the model $(REPORTED)")
.PHONY: table
SAME := $(DRAWN_FROM) ARCH TRAIN FINETUNE ESTIMATE VALIDATE
include $(UM_HERE)same.mk
