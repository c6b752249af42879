# make um-vs-umap: what to do with a trained classifier so that it detects better, side by side, over seeds:
#
#   base unchanged
#   early      its epoch of best validation accuracy: stopping early
#   ce         fine-tuned with the plain loss: the control, for what more training alone does
#   um         fine-tuned with Unleashing Mask
#   umap       a mask learnt with Unleashing Mask, weights unchanged: the masked network
#   umap-full  the same checkpoint without its mask, which is the base again, to the byte
#   magnitude  the smallest weights are cut, once
#
#	make -f pipelines/um-vs-umap.mk [RUN=] [SEEDS="1 2 3"] [SET=synth|cifar10 and its variables, see data.mk]
#
# Validation images are held out of the training images; the test images are used for no choice.
SET   ?= synth
RUN   ?= runs/um-vs-umap-$(SET)
SEEDS ?= 1 2 3
ARCH  ?= densenet:depth=22,growth=12
N_TRAIN ?= 2500
N_TEST  ?= 1000
N_OOD   ?= 500
EPOCHS  ?= $(call by_set,18,100)
TUNE_EPOCHS ?= $(call by_set,4,100)
UMAP_KEEP ?= 0.8
DRAWS   ?= 5
VAL     ?= 0.1
METHODS ?= msp,energy
HERE    := $(dir $(lastword $(MAKEFILE_LIST)))

.DEFAULT_GOAL := table
REPORT = $(RUN)/$(firstword $(SEEDS))/report.html
table: $(RUN)/table.txt $(REPORT)
	@cat $<; $(call said,$(REPORT))
include $(HERE)data.mk

MODELS := base early ce um umap umap-full magnitude
TRAIN   = um-train $(COMMON) --val-fraction $(VAL) --seed $(@D:$(RUN)/%=%)
PRUNE   = um-prune --val-fraction $(VAL) --seed $(@D:$(RUN)/%=%) --keep $(UMAP_KEEP)
logged  = 2>$(@:.ckpt=.log) || { tail -n 3 $(@:.ckpt=.log) >&2; exit 1; }

define of_seed
$(RUN)/$1: | $(RUN)
	mkdir -p $$@
# Training takes longest: an interrupted run resumes.
$(RUN)/$1/base.ckpt: $(RUN)/train.images | $(RUN)/$1
	um-train $(COMMON) --run $$(@D)/base --print-run >/dev/null 2>&1 && resume=--resume; \
	$$(TRAIN) --arch $(ARCH) --epochs $(EPOCHS) --run $$(@D)/base $$$$resume -o $$@ $$< $$(logged)
$(RUN)/$1/early.ckpt: $(RUN)/$1/base.ckpt
	run=$$$$(um-train $(COMMON) --run $$(@D)/base --print-run) && cp "$$$$run/checkpoints/best.ckpt" $$@.tmp && mv $$@.tmp $$@
$(RUN)/$1/loss: $(RUN)/$1/base.ckpt $(RUN)/train.images
	um-estimate --keep $(KEEP) --draws $(DRAWS) --val-fraction $(VAL) --seed $1 -m $$^ >$$@.tmp 2>$$@.log
	mv $$@.tmp $$@
$(RUN)/$1/ce.ckpt: $(RUN)/$1/base.ckpt $(RUN)/train.images
	$$(TRAIN) --init $$< --epochs $(TUNE_EPOCHS) -o $$@ $(RUN)/train.images $$(logged)
$(RUN)/$1/um.ckpt: $(RUN)/$1/base.ckpt $(RUN)/$1/loss $(RUN)/train.images
	$$(TRAIN) --init $$< --um $$$$(cat $$(@D)/loss) --epochs $(TUNE_EPOCHS) -o $$@ $(RUN)/train.images $$(logged)
$(RUN)/$1/umap.ckpt: $(RUN)/$1/base.ckpt $(RUN)/$1/loss $(RUN)/train.images
	$$(PRUNE) $(COMMON) --model $$< --um $$$$(cat $$(@D)/loss) --epochs $(TUNE_EPOCHS) -o $$@ $(RUN)/train.images $$(logged)
$(RUN)/$1/magnitude.ckpt: $(RUN)/$1/base.ckpt $(RUN)/train.images
	$$(PRUNE) --model $$< --method magnitude -o $$@ $(RUN)/train.images $$(logged)
$(foreach m,$(filter-out umap-full,$(MODELS)),
$(RUN)/$1/$m-%.scores: $(RUN)/%.images $(RUN)/$1/$m.ckpt $(RUN)/methods.asked
	um-embed -q -m $(RUN)/$1/$m.ckpt $$< | ood-score --method $(METHODS) -o $$@
)
$(RUN)/$1/umap-full-%.scores: $(RUN)/%.images $(RUN)/$1/umap.ckpt $(RUN)/methods.asked
	um-embed -q --full -m $(RUN)/$1/umap.ckpt $$< | ood-score --method $(METHODS) -o $$@
$(foreach m,$(MODELS),
$(RUN)/$1/$m.tsv: $(RUN)/$1/$m-test.scores $(OOD:%=$(RUN)/$1/$m-%.scores) $(RUN)/tables.asked
	ood-metrics -q --format tsv --label $m --id $$< $(foreach o,$(OOD),$o=$(RUN)/$1/$m-$o.scores) >$$@.tmp
	mv $$@.tmp $$@
)
endef
$(foreach s,$(SEEDS),$(eval $(call of_seed,$s)))

# The averages over the OOD sets, mean (standard deviation, ddof 1) over the seeds; always made, because the table
# depends on SEEDS.
define all_of
$(RUN)/$1/all.tsv: $(MODELS:%=$(RUN)/$1/%.tsv)
	cat $$^ >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach s,$(SEEDS),$(eval $(call all_of,$s)))
$(RUN)/table.txt: $(SEEDS:%=$(RUN)/%/all.tsv) FORCE
	ood-seeds --summary $(SEEDS:%=$(RUN)/%/all.tsv) >$@.tmp
	mv $@.tmp $@
# About the first seed's model after Unleashing Mask.
FIRST := $(RUN)/$(firstword $(SEEDS))/um-%.scores
$(REPORT): $(call of_sets,$(FIRST),$(RUN)/%.images) $(RUN)/tables.asked
	$(call report,$(FIRST),$(RUN)/%.images,--title "$(SET): +UM of seed $(firstword $(SEEDS))")
.PHONY: table
SAME := $(DRAWN_FROM) ARCH COMMON EPOCHS TUNE_EPOCHS UMAP_KEEP KEEP DRAWS VAL
include $(HERE)same.mk
