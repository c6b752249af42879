# make oe: a trained classifier fine-tuned with auxiliary outliers, by each method, alone and with Unleashing Mask, over
# seeds:
#
#   base unchanged
#   ce, um        fine-tuned without outliers: plainly (the control), with Unleashing Mask
#   oe, oe+um     fine-tuned with outliers by a method of OE, without and with Unleashing Mask
#
#	make -f pipelines/oe.mk [RUN=] [SEEDS="1 2 3"] [OE="oe energy poem doe mixoe"] [SET=synth|cifar10 and its variables]
#
# With SET=synth, the outliers are the sets AUX_SETS of ds-synth, and the OOD sets are other ones. With SET=cifar10, the
# outliers are the images of AUX (Tiny ImageNet's training images) without the classes named in the file AUX_EXCLUDE
# (empty: all classes), which CIFAR-10 shares, and the OOD sets are Textures and MNIST.
#
# TUNE_LIMIT is the number of training images for fine-tuning, chosen at random (default: all). EVAL_LIMIT is the number
# of images of each set to score, chosen at random (default: all). Fine-tuning uses the settings FINETUNE besides those
# of the set; MARGINS are the margins of energy and poem.
SET   ?= synth
RUN   ?= runs/oe-$(SET)
.DEFAULT_GOAL := table
SEEDS ?= 1 2 3
comma := ,
OE    ?= oe energy poem doe mixoe
ARCH  ?= densenet:$(call by_set,depth=16$(comma)growth=8,depth=22$(comma)growth=12)
N_TRAIN ?= 1500
N_TEST  ?= 500
N_OOD   ?= 200
N_AUX   ?= 1000
EPOCHS  ?= $(call by_set,20,100)
TUNE_EPOCHS ?= $(call by_set,1,10)
TUNE_LIMIT ?=
FINETUNE ?= --lr 0.01 --doe-warmup $(call by_set,0,5)
# The energies of a small network lie around -4: with the published margins, for a fully trained one, it would learn
# nothing else.
MARGINS ?= $(call by_set,--m-in=-6 --m-out=-3,--m-in=-25 --m-out=-7)
DRAWS   ?= 5
METHODS ?= msp,energy
EVAL_LIMIT ?=
HERE    := $(dir $(lastword $(MAKEFILE_LIST)))

REPORT = $(RUN)/$(firstword $(SEEDS))/report.html
table: $(RUN)/table.txt $(RUN)/wins.txt $(REPORT)
	@cat $(RUN)/table.txt; echo; cat $(RUN)/wins.txt; $(call said,$(REPORT))

# Outliers, and OOD sets unlike them.
AUX_SETS ?= textures blobs
ifeq ($(SET),synth)
OOD   ?= gaussian rademacher unseen-shapes id-inverted
COMMON ?= --batch-size 16 --lr 0.05 --nesterov --no-augment --threads 1
else
TIN   :=
endif
# All images are packed; EVAL_LIMIT of them are used.
PACK_LIMIT :=
include $(HERE)data.mk

ifeq ($(SET),synth)
$(RUN)/aux-%.part: | $(RUN)
	ds-synth --set $* --n $(N_AUX) --seed 1000 -o $@
$(RUN)/aux.images: $(AUX_SETS:%=$(RUN)/aux-%.part)
	ts-cat -o $@ $^
endif

$(RUN)/tune.images: $(RUN)/train.images
	ts-cat --sample $(TUNE_LIMIT) -o $@ $<
$(RUN)/%.eval: $(RUN)/%.images
	ts-cat $(if $(EVAL_LIMIT),--sample $(EVAL_LIMIT)) -o $@ $<

TUNED  := $(OE) $(OE:%=%+um)
MODELS := base ce um $(TUNED)
TRAIN   = um-train $(COMMON) --seed $(@D:$(RUN)/%=%)
TUNE    = $(TRAIN) --init $(@D)/base.ckpt --epochs $(TUNE_EPOCHS) $(FINETUNE)
WITH_UM = --um $$(cat $(@D)/loss)
margins = $(if $(filter energy poem,$1),$(MARGINS))
logged  = 2>$(@:.ckpt=.log) || { tail -n 3 $(@:.ckpt=.log) >&2; exit 1; }
TUNE_ON := $(RUN)/$(if $(TUNE_LIMIT),tune,train).images

define of_seed
$(RUN)/$1: | $(RUN)
	mkdir -p $$@
# Training takes longest: an interrupted run resumes.
$(RUN)/$1/base.ckpt: $(RUN)/train.images | $(RUN)/$1
	um-train $(COMMON) --run $$(@D)/base --print-run >/dev/null 2>&1 && resume=--resume; \
	$$(TRAIN) --arch $(ARCH) --epochs $(EPOCHS) --run $$(@D)/base $$$$resume -o $$@ $(RUN)/train.images $$(logged)
$(RUN)/$1/loss: $(RUN)/$1/base.ckpt $(RUN)/train.images
	um-estimate --keep $(KEEP) --draws $(DRAWS) --seed $1 -m $$^ >$$@.tmp 2>$$@.log
	mv $$@.tmp $$@
$(RUN)/$1/ce.ckpt: $(RUN)/$1/base.ckpt $(TUNE_ON)
	$$(TUNE) -o $$@ $(TUNE_ON) $$(logged)
$(RUN)/$1/um.ckpt: $(RUN)/$1/base.ckpt $(TUNE_ON) $(RUN)/$1/loss
	$$(TUNE) $$(WITH_UM) -o $$@ $(TUNE_ON) $$(logged)
$(foreach m,$(OE),
$(RUN)/$1/$m.ckpt: $(RUN)/$1/base.ckpt $(TUNE_ON) $(RUN)/aux.images
	$$(TUNE) --aux $(RUN)/aux.images --oe $m $(call margins,$m) -o $$@ $(TUNE_ON) $$(logged)
$(RUN)/$1/$m+um.ckpt: $(RUN)/$1/base.ckpt $(TUNE_ON) $(RUN)/$1/loss $(RUN)/aux.images
	$$(TUNE) --aux $(RUN)/aux.images --oe $m $(call margins,$m) $$(WITH_UM) -o $$@ $(TUNE_ON) $$(logged)
)
$(foreach m,$(MODELS),
$(RUN)/$1/$m-%.scores: $(RUN)/%.eval $(RUN)/$1/$m.ckpt $(RUN)/methods.asked
	um-embed -q -m $(RUN)/$1/$m.ckpt $$< | ood-score --method $(METHODS) -o $$@
$(RUN)/$1/$m.tsv: $(RUN)/$1/$m-test.scores $(OOD:%=$(RUN)/$1/$m-%.scores) $(RUN)/tables.asked
	ood-metrics -q --format tsv --label $m --id $$< $(foreach o,$(OOD),$o=$(RUN)/$1/$m-$o.scores) >$$@.tmp
	mv $$@.tmp $$@
)
$(RUN)/$1/all.tsv: $(MODELS:%=$(RUN)/$1/%.tsv)
	cat $$^ >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach s,$(SEEDS),$(eval $(call of_seed,$s)))
.PRECIOUS: $(RUN)/%.eval

# Averages over the OOD sets, mean (standard deviation, ddof 1) over the seeds, and whether outliers were used. Always
# made, because the table depends on SEEDS. sets.txt has the same for each set.
$(RUN)/table.txt: $(SEEDS:%=$(RUN)/%/all.tsv) FORCE
	ood-seeds $(SEEDS:%=$(RUN)/%/all.tsv) >$(RUN)/sets.txt
	ood-seeds --summary $(SEEDS:%=$(RUN)/%/all.tsv) | awk -v with=' $(TUNED) ' '\
		NR == 1 { at = index($$0, "method"); print substr($$0, 1, at - 1) "D_aux  " substr($$0, at); next } \
		{ print substr($$0, 1, at - 1) (index(with, " " $$1 " ") ? "w.     " : "w.o.   ") substr($$0, at) }' >$@.tmp
	mv $@.tmp $@
# For how many seeds FPR95 is below the base's, and below the control's, averaged over the sets and for each set.
$(RUN)/wins.txt: $(SEEDS:%=$(RUN)/%/all.tsv) $(HERE)wins.awk FORCE
	awk -f $(HERE)wins.awk $(SEEDS:%=$(RUN)/%/all.tsv) >$@.tmp
	mv $@.tmp $@
# About the first seed's model with outliers, by the first method.
FIRST := $(RUN)/$(firstword $(SEEDS))/$(firstword $(OE))-%.scores
$(REPORT): $(call of_sets,$(FIRST),$(RUN)/%.eval) $(RUN)/tables.asked
	$(call report,$(FIRST),$(RUN)/%.eval,--title "$(SET): +$(firstword $(OE)) of seed $(firstword $(SEEDS))")
.PHONY: table
SAME := $(DRAWN_FROM) ARCH COMMON EPOCHS TUNE_EPOCHS TUNE_LIMIT FINETUNE MARGINS KEEP DRAWS N_AUX AUX_SETS EVAL_LIMIT
include $(HERE)same.mk
