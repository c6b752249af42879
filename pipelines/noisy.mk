# make noisy DATA=dir: the method with something to forget. Networks memorise wrong labels (ds-pack --label-noise);
# early stopping, averaging, Unleashing Mask and its control are compared on clean test labels.
#
#	make noisy DATA=dir [NOISE="0 10 20 40"] [SEEDS="1 2 3"] [SET=cifar10 and its variables] [LIMIT=10000] [EPOCHS=60]
#		[ROWS="base early first ema ce um"] [M="0.3 0.5 1"] [METHODS=energy,msp,knn,vim] [EVAL_LIMIT=] [THREADS=]
#	make noisy-table         the tables of all that is finished, with what is not; SETS=all: a row for each set
#
# NOISE is the percentage of training labels that are wrong, uniformly among the other classes. Rows:
#
#   base       trained for EPOCHS, to the end
#   early      its epoch of best accuracy on clean validation labels (a tenth of LIMIT, held out)
#   first      its epoch FIRST: early learning, chosen without any label
#   ema        trained again, keeping the moving average of the weights
#   ce, um     base fine-tuned for TUNE_EPOCHS: plainly (the control), and with Unleashing Mask at um-estimate's level
#   umX        at the level X, a number of M
#
# A row is a folder $(RUN)/noiseN/SEED/ROW: model.ckpt, eval-LIMIT/metrics.tsv, memory.tsv (its training images' loss,
# the shares of given and of wrong labels that it predicts), precision.txt (how well masks and losses find the wrong
# labels); noiseN/SEED/sweep.tsv has m for every ratio of SWEEP. A training run that was killed resumes.
SET   ?= cifar10
.DEFAULT_GOAL := noisy
HERE  := $(dir $(lastword $(MAKEFILE_LIST)))
override LIMIT := $(or $(LIMIT),10000)
NOISE ?= 0 10 20 40
SEEDS ?= 1 2 3
ARCH  ?= resnet-narrow:depth=20
comma := ,
EPOCHS ?= 60
RUN   ?= runs/noisy-$(SET)-$(subst =,,$(subst $(comma),-,$(subst :,-,$(ARCH))))-n$(LIMIT)-e$(EPOCHS)
COMMON ?= --batch-size 64 --lr 0.1 --nesterov --weight-decay 5e-4 --no-augment
FIRST  ?= 10
TUNE_EPOCHS ?= 10
TUNE   ?= --lr 0.05
EMA    ?= 0.999
M      ?=
ROWS   ?= base early first ema ce um $(M:%=um%)
KEEP   ?= 0.99
DRAWS  ?= 5
SWEEP  ?= 0.8:1:0.02
HELD   ?= 10
EVAL_LIMIT ?=
METHODS    ?= energy,msp,knn,vim
BOOTSTRAP  ?= 1000
BEST   ?= 0
SETS   ?= average
DEVICE ?=
THREADS ?=
ifneq ($(THREADS),)
export OMP_NUM_THREADS := $(THREADS)
endif
# All images are packed; EVAL_LIMIT of them are used.
PACK_LIMIT :=
include $(HERE)data.mk

EVAL  := eval-$(or $(EVAL_LIMIT),all)
CASES := $(foreach n,$(NOISE),$(foreach s,$(SEEDS),noise$n/$s))
ALL   := $(foreach c,$(CASES),$(foreach r,$(ROWS),$c/$r))
# The page is about the first row.
REPORT := $(RUN)/$(firstword $(ALL))/$(EVAL)/report.html
noisy: $(ALL:%=$(RUN)/%/$(EVAL)/metrics.tsv) $(ALL:%=$(RUN)/%/memory.tsv) $(CASES:%=$(RUN)/%/sweep.tsv) \
		$(patsubst %,$(RUN)/%/precision.txt,$(filter-out noise0/%,$(ALL))) $(REPORT)
	@$(table) && $(call said,$(REPORT))
noisy-table:
	@$(table)
table = sh $(HERE)published.sh $(RUN) $(EVAL) $(METHODS) $(SETS) $(BEST) && sh $(HERE)noisy.sh $(RUN)

$(RUN)/$(EVAL)/%.images: $(RUN)/%.images
	@mkdir -p $(@D)
	ts-cat $(if $(EVAL_LIMIT),--sample $(EVAL_LIMIT)) -o $@ $<
.PRECIOUS: $(RUN)/$(EVAL)/%.images

# Images of one case. The held-out ones are every HELD-th, with their true labels.
share     = $(shell awk 'BEGIN { print $(1:noise%=%) / 100 }')
option    = $(word $1,$(subst /, ,$2))
define case
$(RUN)/$1/all.images: $(call of,$(SET)) | $(RUN)
	@mkdir -p $$(@D)
	ds-pack -q --split train --sample $(LIMIT) --seed $(call option,2,$1) --label-noise $(call share,$(call option,1,$1)) -o $$@ $$<
$(RUN)/$1/val.images: $(call of,$(SET)) | $(RUN)
	@mkdir -p $$(@D)
	ds-pack -q --split train --sample $(LIMIT) --seed $(call option,2,$1) $$< | ts-cat --shard 0/$(HELD) -o $$@
$(RUN)/$1/train.images: $(RUN)/$1/all.images
	for i in $$$$(seq $$$$(($(HELD) - 1))); do ts-cat --shard $$$$i/$(HELD) -o $$@.$$$$i $$< || exit 1; done
	ts-cat -o $$@ $$$$(seq -f $$@.%g $$$$(($(HELD) - 1)))
	rm $$$$(seq -f $$@.%g $$$$(($(HELD) - 1)))
$(RUN)/$1/known.tsv: $(RUN)/$1/train.images
	ts-cat --select label,true-label,noisy $$< | ts-dump --tsv >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1/loss: $(RUN)/$1/base/model.ckpt $(RUN)/$1/train.images
	um-estimate --keep $(KEEP) --draws $(DRAWS) --seed $(call option,2,$1) -m $$^ >$$@.tmp 2>$$@.log || { tail -n 3 $$@.log >&2; exit 1; }
	mv $$@.tmp $$@
$(RUN)/$1/sweep.tsv: $(RUN)/$1/base/model.ckpt $(RUN)/$1/train.images
	um-estimate -q --keep $(SWEEP) --draws $(DRAWS) --seed $(call option,2,$1) -m $$^ >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach c,$(CASES),$(eval $(call case,$c)))

# Rows that are trained, and rows that are epochs of base.
from     = $(if $(filter base ema,$1),--arch $(ARCH) --epochs $(EPOCHS),--init $2/base/model.ckpt --epochs $(TUNE_EPOCHS) $(TUNE))
special  = $(if $(filter base,$1),--save-every $(FIRST))$(if $(filter ema,$1),--ema $(EMA))$(if $(filter um,$1),--um $$$$(cat $2/loss))$(addprefix --um ,$(patsubst um%,%,$(filter-out um,$(filter um%,$1))))
needs    = $(if $(filter base ema,$1),,$2/base/model.ckpt) $(if $(filter um,$1),$2/loss)
run      = um-train $(COMMON) --run $(RUN)/$1/base/run
# A run, and the file in its checkpoints/ that makes the row.
define train
$(RUN)/$1/$2/model.ckpt: $(RUN)/$1/train.images $(RUN)/$1/val.images $(call needs,$2,$(RUN)/$1)
	@mkdir -p $$(@D)
	set -- um-train $(COMMON) $(call from,$2,$(RUN)/$1) $(call special,$2,$(RUN)/$1) --seed $(call option,2,$1) --val $(RUN)/$1/val.images $(DEVICE) --run $$(@D)/run; resume=; \
	"$$$$@" --print-run >/dev/null 2>&1 && resume=--resume; \
	"$$$$@" $$$$resume -o $$@ $$< 2>>$$(@D)/train.log || { tail -n 3 $$(@D)/train.log >&2; exit 1; }
endef
define epoch
$(RUN)/$1/$2/model.ckpt: $(RUN)/$1/base/model.ckpt
	@mkdir -p $$(@D)
	run=$$$$(um-train $(COMMON) --run $(RUN)/$1/base/run --print-run) && cp "$$$$run/checkpoints/$3.ckpt" $$@.tmp && mv $$@.tmp $$@
endef
$(foreach c,$(CASES),$(foreach r,$(sort base $(filter-out early first,$(ROWS))),$(eval $(call train,$c,$r))))
$(foreach c,$(CASES),$(eval $(call epoch,$c,early,best)) $(eval $(call epoch,$c,first,epoch_$(shell printf %04d $(FIRST)))))

# Scores that need training data take the row's own, with the labels as given.
define eval_row
$(RUN)/$1/$2/fit: $(RUN)/$1/train.images $(RUN)/$1/$2/model.ckpt $(RUN)/methods.asked
	um-embed -q -m $(RUN)/$1/$2/model.ckpt $$< | ood-fit -q --method $(METHODS) -o $$@
$(RUN)/$1/$2/$(EVAL)/%.scores: $(RUN)/$(EVAL)/%.images $(RUN)/$1/$2/fit
	@mkdir -p $$(@D)
	um-embed -q -m $(RUN)/$1/$2/model.ckpt $$< | ood-score -q --method $(METHODS) --fit $(RUN)/$1/$2/fit -o $$@
$(RUN)/$1/$2/$(EVAL)/metrics.tsv: $(foreach o,test $(OOD),$(RUN)/$1/$2/$(EVAL)/$o.scores) $(RUN)/tables.asked
	ood-metrics -q --format tsv --bootstrap $(BOOTSTRAP) --label $2 --id $$< $(foreach o,$(OOD),$o=$$(@D)/$o.scores) >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1/$2/typicality.tsv: $(RUN)/$1/$2/model.ckpt $(RUN)/$1/train.images
	um-estimate -q --keep $(KEEP) --draws $(DRAWS) --seed $(call option,2,$1) --per-sample $$@.scores -m $$^ >$$@.m
	ts-dump --tsv $$@.scores >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1/$2/said.tsv: $(RUN)/$1/$2/model.ckpt $(RUN)/$1/train.images
	um-embed -q -m $$^ | ood-score -q --method msp | ts-cat --select pred | ts-dump --tsv >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1/$2/memory.tsv: $(RUN)/$1/known.tsv $(RUN)/$1/$2/typicality.tsv $(RUN)/$1/$2/said.tsv
	paste $$^ | awk -F '\t' -f $(HERE)memory.awk >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1/$2/precision.txt: $(RUN)/$1/known.tsv $(RUN)/$1/$2/typicality.tsv $(HERE)precision.sh
	sh $(HERE)precision.sh $(RUN)/$1/known.tsv $(RUN)/$1/$2/typicality.tsv noisy >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach c,$(CASES),$(foreach r,$(ROWS),$(eval $(call eval_row,$c,$r))))
FIRST_ROW := $(RUN)/$(firstword $(ALL))/$(EVAL)
$(REPORT): $(call of_sets,$(FIRST_ROW)/%.scores,$(RUN)/$(EVAL)/%.images) $(RUN)/tables.asked
	$(call report,$(FIRST_ROW)/%.scores,$(RUN)/$(EVAL)/%.images,--title "$(SET): $(firstword $(ALL))")
.PHONY: noisy noisy-table
# Shares of wrong labels are folders.
SAME := $(filter-out NOISE,$(DRAWN_FROM)) ARCH COMMON EPOCHS FIRST TUNE_EPOCHS TUNE EMA KEEP DRAWS SWEEP HELD
include $(HERE)same.mk
