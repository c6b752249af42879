# The experiment: a classifier scored before and after Unleashing Mask, and after the same fine-tuning without
# it, so that what more training does is not taken for what the method does. Included by pipelines that say:
#
#   RUN      folder of the run; every file of the experiment is a target in it
#   SET      where the images come from, and its variables, see data.mk
#   ARCH, TRAIN, FINETUNE, ESTIMATE, METHODS, SEED   options, see below
#
# Files appear whole or not at all, so an interrupted run goes on where it was.
.DEFAULT_GOAL := table
include $(dir $(lastword $(MAKEFILE_LIST)))data.mk

ARCH     ?= densenet:depth=100,growth=12
TRAIN    ?=
FINETUNE ?= $(TRAIN)
ESTIMATE ?= --draws 5
METHODS  ?= msp,energy
SETS     := test $(OOD)
MODELS   := plain ce um

table: $(RUN)/table.txt
	@for m in $(MODELS); do cat $(RUN)/$$m.txt; echo; done; cat $<

# 1. A well-trained model.
$(RUN)/plain.ckpt: $(RUN)/train.images $(RUN)/test.images
	um-train --arch $(ARCH) $(TRAIN) --seed $(SEED) --val $(RUN)/test.images -o $@ $< 2>$(RUN)/plain.log \
		|| { cat $(RUN)/plain.log >&2; exit 1; }
	@tail -n 1 $(RUN)/plain.log

# 2. The loss that it has when a small share of its weights is masked.
$(RUN)/loss: $(RUN)/plain.ckpt $(RUN)/train.images
	um-estimate $(ESTIMATE) --seed $(SEED) -m $^ >$@.tmp
	mv $@.tmp $@

# 3. The same model, fine-tuned to that loss: it forgets what it had to memorise.
$(RUN)/um.ckpt: $(RUN)/plain.ckpt $(RUN)/loss $(RUN)/train.images $(RUN)/test.images
	um-train --init $< --um $$(cat $(RUN)/loss) $(FINETUNE) --seed $(SEED) --val $(RUN)/test.images \
		-o $@ $(RUN)/train.images 2>$(RUN)/um.log || { cat $(RUN)/um.log >&2; exit 1; }
	@tail -n 1 $(RUN)/um.log

# 4. The control: fine-tuned just so, with the plain loss.
$(RUN)/ce.ckpt: $(RUN)/plain.ckpt $(RUN)/train.images $(RUN)/test.images
	um-train --init $< $(FINETUNE) --seed $(SEED) --val $(RUN)/test.images \
		-o $@ $(RUN)/train.images 2>$(RUN)/ce.log || { cat $(RUN)/ce.log >&2; exit 1; }
	@tail -n 1 $(RUN)/ce.log

# 5. Scores of each on every set. Labels of other sets mean other classes: -q, it need not be said.
define scores_of
$(RUN)/$1-%.scores: $(RUN)/%.images $(RUN)/$1.ckpt
	um-embed -q -m $(RUN)/$1.ckpt $$< | ood-score --method $(METHODS) -o $$@
endef
$(foreach m,$(MODELS),$(eval $(call scores_of,$m)))

# 6. The tables: a set a row for each model, and the averages of all side by side.
sets = $(foreach s,$(OOD),$s=$(RUN)/$1-$s.scores)
$(RUN)/%.txt: $(RUN)/%-test.scores $(foreach s,$(OOD),$(RUN)/%-$s.scores)
	ood-metrics --label $* --id $< $(call sets,$*) >$@.tmp
	mv $@.tmp $@
average = ood-metrics --summary --label $1 $3 --id $(RUN)/$2-test.scores $(call sets,$2)
$(RUN)/table.txt: $(foreach m,$(MODELS),$(RUN)/$m.txt $(foreach s,$(SETS),$(RUN)/$m-$s.scores))
	{ $(call average,plain,plain) && $(call average,+CE,ce,--no-heading) && \
	  $(call average,+UM,um,--no-heading); } >$@.tmp
	mv $@.tmp $@
.PHONY: table
