# make atypical: which training samples has the model only memorised? Those whose loss rises most under a mask. Makes
# contact sheets of the most and the least typical ones; on the synthetic set, where the atypical samples are known,
# also reports how many of them are found.
#
#	make -f pipelines/atypical.mk [RUN=] [SEED=1] [SET=synth|cifar10 and its variables, see data.mk]
SET  ?= synth
RUN  ?= runs/atypical-$(SET)
ARCH ?= densenet:depth=22,growth=12
SEED ?= 1
N_TRAIN ?= 3000
EPOCHS  ?= $(call by_set,20,100)
DRAWS   ?= 10
SHOW    ?= 200
HERE    := $(dir $(lastword $(MAKEFILE_LIST)))

.DEFAULT_GOAL := sheets
sheets: $(RUN)/atypical.png $(RUN)/typical.png $(if $(filter synth,$(SET)),$(RUN)/precision.txt)
	@echo $(RUN)/atypical.png $(RUN)/typical.png; $(if $(filter synth,$(SET)),cat $(RUN)/precision.txt)
include $(HERE)data.mk

$(RUN)/base.ckpt: $(RUN)/train.images
	um-train $(COMMON) --run $(RUN)/base --print-run >/dev/null 2>&1 && resume=--resume; \
	um-train $(COMMON) --seed $(SEED) --arch $(ARCH) --epochs $(EPOCHS) --run $(RUN)/base $$resume -o $@ $< \
		2>$(RUN)/base.log || { tail -n 3 $(RUN)/base.log >&2; exit 1; }
$(RUN)/typicality.scores: $(RUN)/base.ckpt $(RUN)/train.images
	um-estimate -q --keep $(KEEP) --draws $(DRAWS) --seed $(SEED) --per-sample $@ -m $^ >$(RUN)/loss
$(RUN)/atypical.png: $(RUN)/train.images $(RUN)/typicality.scores $(RUN)/tables.asked
	ds-view --scores $(RUN)/typicality.scores --sort typicality --bottom $(SHOW) -o $@ $<
$(RUN)/typical.png: $(RUN)/train.images $(RUN)/typicality.scores $(RUN)/tables.asked
	ds-view --scores $(RUN)/typicality.scores --sort typicality --top $(SHOW) -o $@ $<

# How many of the first K samples in each order are atypical by construction.
$(RUN)/known.tsv: $(RUN)/train.images
	ts-dump --tsv $< >$@.tmp
	mv $@.tmp $@
$(RUN)/typicality.tsv: $(RUN)/typicality.scores
	ts-dump --tsv $< >$@.tmp
	mv $@.tmp $@
$(RUN)/precision.txt: $(RUN)/known.tsv $(RUN)/typicality.tsv $(HERE)precision.sh
	sh $(HERE)precision.sh $(RUN)/known.tsv $(RUN)/typicality.tsv >$@.tmp
	mv $@.tmp $@
.PHONY: sheets
SAME := $(DRAWN_FROM) ARCH COMMON EPOCHS KEEP DRAWS
include $(HERE)same.mk
