# The experiment: a classifier scored before and after Unleashing Mask. Included by pipelines that say
# where the images come from:
#
#   RUN      folder of the run; every file of the experiment is a target in it
#   OOD      names of the out-of-distribution sets
#   rules for $(RUN)/train.images, $(RUN)/test.images and $(RUN)/NAME.images of each set
#   ARCH, TRAIN, FINETUNE, ESTIMATE, METHODS, SEED   options, see below
#
# Files appear whole or not at all, so an interrupted run goes on where it was.
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := table

SEED     ?= 0
ARCH     ?= densenet:depth=100,growth=12
TRAIN    ?=
FINETUNE ?= $(TRAIN)
ESTIMATE ?= --draws 5
METHODS  ?= msp,energy
SETS     := test $(OOD)

table: $(RUN)/table.txt
	@cat $(RUN)/plain.txt; echo; cat $(RUN)/um.txt; echo; cat $<

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

# 4. Scores of both on every set. Labels of other sets mean other classes: -q, it need not be said.
$(RUN)/plain-%.scores: $(RUN)/%.images $(RUN)/plain.ckpt
	um-embed -q -m $(RUN)/plain.ckpt $< | ood-score --method $(METHODS) -o $@
$(RUN)/um-%.scores: $(RUN)/%.images $(RUN)/um.ckpt
	um-embed -q -m $(RUN)/um.ckpt $< | ood-score --method $(METHODS) -o $@

# 5. The tables: a set a row for each model, and the averages side by side.
sets = $(foreach s,$(OOD),$s=$(RUN)/$1-$s.scores)
$(RUN)/%.txt: $(RUN)/%-test.scores $(foreach s,$(OOD),$(RUN)/%-$s.scores)
	ood-metrics --label $* --id $< $(call sets,$*) >$@.tmp
	mv $@.tmp $@
$(RUN)/table.txt: $(foreach m,plain um,$(RUN)/$m.txt $(foreach s,$(SETS),$(RUN)/$m-$s.scores))
	{ ood-metrics --summary --label plain --id $(RUN)/plain-test.scores $(call sets,plain) && \
	  ood-metrics --summary --label +UM --no-heading --id $(RUN)/um-test.scores $(call sets,um); } >$@.tmp
	mv $@.tmp $@
.PHONY: table
