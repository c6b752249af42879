# make published DATA=dir: the published experiment from a given well-trained network: fine-tuned with Unleashing Mask,
# with a learnt mask, and without either (the control), against the OOD sets in DATA.
#
#	make published DATA=dir [SET=cifar10|cifar100] [MODEL=file] [SEEDS="1 2 3"] [EPOCHS=100] [LR=0.1] [BATCH=256]
#		[LIMIT=] [EVAL_LIMIT=] [ROWS="ce um ..."] [M="0.2 0.3 0.5"] [THREADS=]
#	make published-axes      ce and um on one seed, of each of AXIS_EPOCHS with each of AXIS_LR
#	make published-outliers  with outliers (OE), each without and with Unleashing Mask, at OE_EPOCHS and OE_LR
#	make published-base      the network as it is
#	make published-table     the tables of all that is finished, with what is not; SETS=all: a row for each set
#
# EPOCHS, LR, BATCH, LIMIT and DROPOUT may be lists: then every combination is run. LIMIT is the number of training
# images, chosen at random, for fine-tuning; EVAL_LIMIT is the number of images of each set to score. Rows:
#
#   ce, ema          the plain loss, the control; the moving average of its weights
#   um, umX          Unleashing Mask at um-estimate's level, or at X; M is a list of X
#   umap, umapX      a mask learnt to that level, weights unchanged: the masked network
#   umap-full        the full network of umap
#   oe, oe+um, ...   with outliers by a method of OE, without and with Unleashing Mask
#
# A row is a folder $(RUN)/SETTING/SEED/ROW: model.ckpt, its log, and eval-LIMIT/ with scores and metrics.tsv. Each row
# is a target, and a training run that was killed resumes: `make -j2 published THREADS=1` runs two rows at a time.
SET  ?= cifar10
RUN  ?= runs/published-$(SET)
.DEFAULT_GOAL := published
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
# All training images are packed; LIMIT of them are used.
override TUNE_LIMITS := $(or $(LIMIT),all)
override LIMIT :=
# All images are packed; EVAL_LIMIT of them are used.
PACK_LIMIT :=
include $(HERE)data.mk

ifeq ($(SET),synth)
$(error the published experiment is on SET=cifar10 or SET=cifar100)
endif
MODEL      ?= $(firstword $(wildcard $(DATA)/densenet100-$(SET).pth))
MODEL_MEAN ?= 0.4914,0.4822,0.4465
MODEL_STD  ?= 0.2023,0.1994,0.2010
MODEL_CLASSES ?= $(firstword $(wildcard $(DATA)/classes-$(SET).txt))
SEEDS    ?= 1 2 3
EPOCHS   ?= 100
LR       ?= 0.1
BATCH    ?= 256
DROPOUT  ?= 0
M        ?= 0.2 0.3 0.5
EMA      ?= 0.999
OE       ?= oe energy poem doe
# The margins of energy and poem; doe starts at half of the epochs, as published.
MARGINS  ?= --m-in=-25 --m-out=-7
ROWS     ?= ce um $(M:%=um%) umap umap-full ema
OE_ROWS  ?= ce um $(OE) $(OE:%=%+um)
OE_EPOCHS   ?= 10
OE_LR       ?= 0.01
AXIS_EPOCHS ?= 1 3 10
AXIS_LR     ?= 0.1 0.01
AXIS_ROWS   ?= ce um
UMAP_KEEP   ?= 0.8
DRAWS      ?= 10
ESTIMATE_LIMIT ?= 10000
FIT_LIMIT  ?= 10000
EVAL_LIMIT ?=
METHODS    ?= energy,msp,odin,mahalanobis
BOOTSTRAP  ?= 1000
BEST       ?= 6
SETS       ?= average
# Further options for every training and um-embed, such as --device cuda; ODIN= leaves out ODIN, which takes seven times
# as long as all other scores together.
DEVICE     ?=
ODIN       ?= yes
THREADS    ?=
ifneq ($(THREADS),)
export OMP_NUM_THREADS := $(THREADS)
endif

EVAL := eval-$(or $(EVAL_LIMIT),all)
each  = $(foreach e,$1,$(foreach l,$2,$(foreach b,$(BATCH),$(foreach d,$(DROPOUT),$(foreach n,$(TUNE_LIMITS),e$e_lr$l_b$b$(if $(filter-out 0,$d),_d$d)$(if $(filter-out all,$n),_n$n))))))
rows  = $(foreach t,$1,$(foreach s,$2,$(foreach r,$3,$t/$s/$r)))
BASE     := base/0/base
MAIN     := $(call rows,$(call each,$(EPOCHS),$(LR)),$(SEEDS),$(ROWS))
AXES     := $(call rows,$(call each,$(AXIS_EPOCHS),$(AXIS_LR)),$(firstword $(SEEDS)),$(AXIS_ROWS))
OUTLIERS := $(call rows,$(call each,$(OE_EPOCHS),$(OE_LR)),$(SEEDS),$(OE_ROWS))
ALL      := $(sort $(BASE) $(MAIN) $(AXES) $(OUTLIERS))
results   = $(1:%=$(RUN)/%/$(EVAL)/metrics.tsv)

# The page is about the given network.
REPORT := $(RUN)/$(BASE)/$(EVAL)/report.html
published: $(call results,$(BASE) $(MAIN)) $(RUN)/$(BASE)/memory.tsv $(REPORT)
	@$(table) && $(call said,$(REPORT))
published-axes: $(call results,$(BASE) $(AXES)) $(RUN)/$(BASE)/memory.tsv
	@$(table)
published-outliers: $(call results,$(BASE) $(OUTLIERS))
	@$(table)
published-base: $(call results,$(BASE)) $(REPORT)
	@$(table) && $(call said,$(REPORT))
published-table:
	@$(table)
table = sh $(HERE)published.sh $(RUN) $(EVAL) $(METHODS) $(SETS) $(BEST)
models: $(patsubst %,$(RUN)/%/model.ckpt,$(filter-out %/umap-full,$(BASE) $(MAIN)))

# The given network, its level under a mask, and the images.
$(RUN)/$(BASE)/model.ckpt: $(MODEL) | $(RUN)
	$(if $(MODEL),,$(error no densenet100-$(SET).pth in DATA='$(DATA)'; name a well-trained network: MODEL=file))
	mkdir -p $(@D)
	case $< in (*.ckpt) ts-cat -o $@ $< ;; (*) um-ckpt import -q --mean $(MODEL_MEAN) --std $(MODEL_STD) \
		$(if $(MODEL_CLASSES),--classes $(MODEL_CLASSES)) -o $@ $< ;; esac
INIT := $(RUN)/$(BASE)/model.ckpt
$(RUN)/loss: $(INIT) $(RUN)/train.images
	ts-cat --sample $(ESTIMATE_LIMIT) $(RUN)/train.images | \
		um-estimate --keep $(KEEP) --draws $(DRAWS) -m $(INIT) >$@.tmp 2>$@.log || { tail -n 3 $@.log >&2; exit 1; }
	mv $@.tmp $@
$(RUN)/tune-%.images: $(RUN)/train.images
	ts-cat --sample $* -o $@ $<
$(RUN)/fit.images: $(RUN)/train.images
	ts-cat --sample $(FIT_LIMIT) -o $@ $<
$(RUN)/$(EVAL)/%.images: $(RUN)/%.images
	@mkdir -p $(@D)
	ts-cat $(if $(EVAL_LIMIT),--sample $(EVAL_LIMIT)) -o $@ $<
.PRECIOUS: $(RUN)/$(EVAL)/%.images $(RUN)/tune-%.images

# What the network remembers of its training images, for make when.
KNOWN_LIMIT ?= 3000
$(RUN)/$(BASE)/memory.tsv: $(INIT) $(RUN)/train.images
	ts-cat --sample $(KNOWN_LIMIT) -o $(@D)/known.images $(RUN)/train.images
	um-estimate -q --keep $(KEEP) --draws 1 --per-sample $(@D)/known.scores -m $(INIT) $(@D)/known.images >$(@D)/known.m
	ts-cat --select label $(@D)/known.images | ts-dump --tsv >$(@D)/known.tsv
	ts-dump --tsv $(@D)/known.scores | cut -f 1-3 >$(@D)/loss.tsv
	um-embed -q -m $(INIT) $(@D)/known.images | ood-score -q --method msp | ts-cat --select pred | ts-dump --tsv >$(@D)/said.tsv
	paste $(@D)/known.tsv $(@D)/loss.tsv $(@D)/said.tsv | awk -F '\t' -f $(HERE)memory.awk >$@.tmp
	mv $@.tmp $@

# One row: $1 is SETTING/SEED/ROW. The first letters tell the setting's parts apart.
option   = $(patsubst $1%,%,$(filter $1%,$(subst _, ,$(word 1,$(subst /, ,$2)))))
seed_of  = $(word 2,$(subst /, ,$1))
row_of   = $(word 3,$(subst /, ,$1))
method   = $(patsubst %+um,%,$(call row_of,$1))
tune_on  = $(RUN)/$(if $(call option,n,$1),tune-$(call option,n,$1),train).images
with_aux = $(filter $(OE),$(call method,$1))
# The level from a row's name: um0.3 has its own, um and oe+um use the estimate, others have none.
own_m    = $(patsubst um%,%,$(patsubst umap%,um%,$(filter-out um umap,$(filter um%,$(call row_of,$1)))))
needs_m  = $(filter um umap %+um,$(call row_of,$1))
kind     = $(if $(call with_aux,$1),oe,$(if $(filter umap%,$(call row_of,$1)),umap,$(if $(filter um%,$(call row_of,$1)),um,densenet)))
settings = --config $(HERE)../configs/$(SET)-$(call kind,$1).yaml --epochs $(call option,e,$1) --lr $(call option,lr,$1) \
	--batch-size $(call option,b,$1) --dropout $(or $(call option,d,$1),0) --nesterov --seed $(call seed_of,$1) $(DEVICE)
program  = $(if $(filter umap%,$(call row_of,$1)),um-prune --keep $(UMAP_KEEP) --model,um-train --init) $(INIT)
special  = $(if $(filter ema,$(call row_of,$1)),--ema $(EMA)) \
	$(if $(call with_aux,$1),--aux $(RUN)/aux.images --oe $(call method,$1) $(if $(filter energy poem,$(call method,$1)),$(MARGINS)) \
	$(if $(filter doe,$(call method,$1)),--doe-warmup $$$$(($(call option,e,$1) / 2)))) \
	$(if $(call needs_m,$1),--um $$$$(cat $(RUN)/loss),$(addprefix --um ,$(call own_m,$1)))
define train_row
$(RUN)/$1/model.ckpt: $(INIT) $(call tune_on,$1) $(if $(call needs_m,$1),$(RUN)/loss) $(if $(call with_aux,$1),$(RUN)/aux.images)
	@mkdir -p $$(@D)
	set -- $(call program,$1) $(call settings,$1) $(call special,$1) --run $$(@D)/run; resume=; \
	"$$$$@" --print-run >/dev/null 2>&1 && resume=--resume; \
	"$$$$@" $$$$resume -o $$@ $(call tune_on,$1) 2>>$$(@D)/train.log || { tail -n 3 $$(@D)/train.log >&2; exit 1; }
endef
$(foreach r,$(filter-out $(BASE) %/umap-full,$(ALL)),$(eval $(call train_row,$r)))

# A row's model on each set: all scores in one pass, fitted to FIT_LIMIT training images; then the metrics, and the same
# without Tiny ImageNet, where outliers come from. umap-full is the full network of umap's checkpoint.
model_of = $(RUN)/$(patsubst %/umap-full,%/umap,$1)/model.ckpt
embed    = um-embed -q $(DEVICE) $(if $(filter %/umap-full,$1),--full) -m $(call model_of,$1)
metrics  = for part in '' $(if $(ODIN),odin-); do ood-metrics -q --format tsv --bootstrap $(BOOTSTRAP) --label $(call row_of,$1) \
	--id $$(@D)/$$$${part}test.scores $(foreach o,$2,$o=$$(@D)/$$$${part}$o.scores) || exit 1; done
define eval_row
$(RUN)/$1/fit: $(RUN)/fit.images $(call model_of,$1)
	@mkdir -p $$(@D)
	$(call embed,$1) $$< | ood-fit -q -o $$@
$(RUN)/$1/$(EVAL)/%.scores: $(RUN)/$(EVAL)/%.images $(RUN)/$1/fit
	@mkdir -p $$(@D)
	$(call embed,$1) $$< | ood-score -q --fit $(RUN)/$1/fit -o $$@
$(RUN)/$1/$(EVAL)/odin-%.scores: $(RUN)/$(EVAL)/%.images $(call model_of,$1)
	@mkdir -p $$(@D)
	$(call embed,$1) --odin '' $$< | ood-score -q --method odin -o $$@
$(RUN)/$1/$(EVAL)/metrics.tsv: $(foreach p,$(if $(ODIN),odin-) /,$(foreach o,test $(OOD),$(RUN)/$1/$(EVAL)/$(filter-out /,$p)$o.scores)) $(RUN)/tables.asked
	$(if $(filter tin,$(OOD)),{ $(call metrics,$1,$(filter-out tin,$(OOD))); } >$$(@D)/no-tin.tmp && mv $$(@D)/no-tin.tmp $$(@D)/no-tin.tsv)
	{ $(call metrics,$1,$(OOD)); } >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach r,$(ALL),$(eval $(call eval_row,$r)))
$(REPORT): $(call of_sets,$(RUN)/$(BASE)/$(EVAL)/%.scores,$(RUN)/$(EVAL)/%.images) $(RUN)/tables.asked
	$(call report,$(RUN)/$(BASE)/$(EVAL)/%.scores,$(RUN)/$(EVAL)/%.images,--method $$(echo $(METHODS) | tr , '\n' | grep -vx odin | paste -sd , -) --title "$(SET): the network as it is")
.PHONY: published published-axes published-outliers published-base published-table models
SAME := $(filter-out SEED,$(DRAWN_FROM)) MODEL MODEL_MEAN MODEL_STD KEEP DRAWS EMA MARGINS UMAP_KEEP ESTIMATE_LIMIT FIT_LIMIT KNOWN_LIMIT
include $(HERE)same.mk
