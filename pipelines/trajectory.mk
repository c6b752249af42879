# make trajectory: OOD quality against training time, the picture of the "intermediate stage": every epoch of a plain
# training is scored, then every epoch of what follows it: Unleashing Mask (um), and the same without it (ce).
#
#	make -f pipelines/trajectory.mk [RUN=] [SEED=1] [SET=synth|cifar10 and its variables, see data.mk]
#
# $(RUN)/trajectory.tsv has a row for each epoch and set, $(RUN)/trajectory.png (FORMAT=svg, pdf) shows it if gnuplot is
# installed, and so does $(RUN)/report.html.
SET  ?= synth
RUN  ?= runs/trajectory-$(SET)
ARCH ?= densenet:depth=22,growth=12
SEED ?= 1
N_TRAIN ?= 1500
N_TEST  ?= 1000
N_OOD   ?= 300
EPOCHS  ?= $(call by_set,20,100)
TUNE_EPOCHS ?= $(call by_set,6,100)
DRAWS   ?= 5
METHOD  ?= energy
HERE    := $(dir $(lastword $(MAKEFILE_LIST)))

.DEFAULT_GOAL := picture
include $(HERE)data.mk

GNUPLOT := $(shell command -v gnuplot)
picture: $(RUN)/trajectory.tsv $(if $(GNUPLOT),$(RUN)/trajectory.$(FORMAT)) $(RUN)/report.html
	@echo "$(filter-out %.html,$^)"
	@$(if $(GNUPLOT),:,echo "no gnuplot, so no picture" >&2)
	@$(call said,$(RUN)/report.html)

EPOCH_NUMBERS = $(shell seq -f %04g 1 $1)
POINTS := $(addprefix base-,$(call EPOCH_NUMBERS,$(EPOCHS))) \
          $(addprefix um-,$(call EPOCH_NUMBERS,$(TUNE_EPOCHS))) $(addprefix ce-,$(call EPOCH_NUMBERS,$(TUNE_EPOCHS)))
# Training keeps every epoch; an interrupted run resumes.
TRAIN   = um-train $(COMMON) --run $(RUN)/$* --print-run >/dev/null 2>&1 && resume=--resume; \
          um-train $(COMMON) --seed $(SEED) --save-every 1 --run $(RUN)/$* $$resume -o $@
logged  = 2>$(RUN)/$*.log || { tail -n 3 $(RUN)/$*.log >&2; exit 1; }

$(RUN)/base.ckpt: $(RUN)/%.ckpt: $(RUN)/train.images
	$(TRAIN) --arch $(ARCH) --epochs $(EPOCHS) $< $(logged)
$(RUN)/loss: $(RUN)/base.ckpt $(RUN)/train.images
	um-estimate --keep $(KEEP) --draws $(DRAWS) --seed $(SEED) -m $^ >$@.tmp 2>$@.log
	mv $@.tmp $@
$(RUN)/um.ckpt: $(RUN)/%.ckpt: $(RUN)/base.ckpt $(RUN)/loss $(RUN)/train.images
	$(TRAIN) --init $< --um $$(cat $(RUN)/loss) --epochs $(TUNE_EPOCHS) $(RUN)/train.images $(logged)
$(RUN)/ce.ckpt: $(RUN)/%.ckpt: $(RUN)/base.ckpt $(RUN)/train.images
	$(TRAIN) --init $< --epochs $(TUNE_EPOCHS) $(RUN)/train.images $(logged)

# One point: the metrics of one epoch's checkpoint.
define of_run
$(RUN)/points/$1-%.tsv: $(RUN)/$1.ckpt $(RUN)/test.images $(OOD:%=$(RUN)/%.images) $(RUN)/tables.asked
	@mkdir -p $$(@D)
	run=$$$$(um-train $(COMMON) --run $(RUN)/$1 --print-run) && for s in test $(OOD); do \
		um-embed -q -m "$$$$run/checkpoints/epoch_$$*.ckpt" $(RUN)/$$$$s.images | \
		ood-score --method $(METHOD) -o $(RUN)/points/$1-$$*-$$$$s.scores || exit 1; done
	ood-metrics -q --format tsv --label $1-$$* --id $(RUN)/points/$1-$$*-test.scores \
		$(foreach o,$(OOD),$o=$(RUN)/points/$1-$$*-$o.scores) >$$@.tmp
	rm $(RUN)/points/$1-$$*-*.scores
	mv $$@.tmp $$@
endef
$(foreach r,base um ce,$(eval $(call of_run,$r)))

# Fine-tuning's epochs continue the base's numbers.
$(RUN)/trajectory.tsv: $(POINTS:%=$(RUN)/points/%.tsv)
	awk -F '\t' -v base=$(EPOCHS) 'BEGIN { OFS = FS; print "run", "epoch", "set", "auroc", "aupr_in", "fpr95", "id_acc" } \
		FNR == 1 { for (i = 1; i <= NF; i++) at[$$i] = i; next } \
		{ split($$at["model"], m, "-"); print m[1], m[2] + (m[1] == "base" ? 0 : base), $$at["set"], 100 * $$at["auroc"], \
		  100 * $$at["aupr_in"], 100 * $$at["fpr95"], 100 * $$at["id_acc"] }' $^ >$@.tmp
	mv $@.tmp $@
$(RUN)/trajectory.$(FORMAT): $(RUN)/trajectory.tsv $(HERE)plots/trajectory.gp
	gnuplot -e "table='$<'; picture='$@.tmp'; format='$(FORMAT)'; method='$(METHOD)'" -c $(HERE)plots/trajectory.gp
	mv $@.tmp $@

# The page shows the trajectory, and the final model of Unleashing Mask.
$(RUN)/um-%.scores: $(RUN)/%.images $(RUN)/um.ckpt
	um-embed -q -m $(RUN)/um.ckpt $< | ood-score -q --method $(METHOD) -o $@
$(RUN)/report.html: $(RUN)/trajectory.tsv $(RUN)/tables.asked $(call of_sets,$(RUN)/um-%.scores,$(RUN)/%.images)
	$(call report,$(RUN)/um-%.scores,$(RUN)/%.images,--trajectory $< --title "Along training; +UM at its end")
.PHONY: picture
SAME := $(DRAWN_FROM) ARCH COMMON EPOCHS TUNE_EPOCHS KEEP DRAWS METHOD
include $(HERE)same.mk
