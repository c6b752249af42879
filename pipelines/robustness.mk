# What does a score really follow? Evaluates every score on deliberately distorted ID test images (ds-pack --distort),
# next to the OOD sets: a compressed image still shows the same thing, so a score that flags it follows the compression.
#
#	make -f pipelines/robustness.mk DATA=dir [SET=cifar10|cifar100] [MODEL=file] [EVAL_LIMIT=2000] [FIT_LIMIT=10000]
#		[DISTORT="jpeg=50 blur,jpeg=30 ..."] [METHODS=all] [RUN=runs/robustness-cifar10]	(programs on PATH)
#
# For DATA see data.mk; MODEL is a checkpoint of ours or of PyTorch, by default densenet100-$(SET).pth in DATA. RUN gets
#
#   robustness.tsv   one row per score: its AUROC of clean against distorted ID images for each distortion (50: it does
#                    not see it) and their mean; its AUROC against each OOD set and their mean; and by how much the
#                    first mean is below the second, which sorts the rows. The row `accuracy` is the network's accuracy
#                    on each, and how far their mean is below that on clean images.
#   robustness.png   the same as a map (FORMAT=svg, pdf); report.html  the page of ood-report
SET  ?= cifar10
RUN  ?= runs/robustness-$(SET)
.DEFAULT_GOAL := all
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
EVAL_LIMIT ?= 2000
FIT_LIMIT  ?= 10000
METHODS    ?= all
# For the report: pictures and images of all would be too many to look at.
SHOWN      ?= msp,energy
DISTORT    ?= jpeg=90 jpeg=75 jpeg=50 jpeg=25 bilinear=1.5 bicubic=1.5 bilinear=0.75 bicubic=0.75 blur=0.5 blur=1 \
	brightness=0.7 brightness=1.4
override LIMIT := $(FIT_LIMIT)
include $(HERE)data.mk
ifeq ($(SET),synth)
$(error ds-pack distorts pictures in files, so SET=cifar10 or SET=cifar100)
endif
MODEL      ?= $(firstword $(wildcard $(DATA)/densenet100-$(SET).pth))
MODEL_NORMALISE ?= $(SET)-narrow
ifeq ($(MODEL),)
$(error no network: MODEL=file names a checkpoint)
endif

comma  := ,
# A distortion's name, as the name of a file and a set.
called  = $(subst $(comma),+,$(subst =,-,$1))
WORSE  := $(foreach d,$(DISTORT),$(call called,$d))
GNUPLOT := $(shell command -v gnuplot)
all: $(RUN)/robustness.tsv $(RUN)/report.html $(if $(GNUPLOT),$(RUN)/robustness.$(FORMAT))
	@awk -f $(HERE)robustness.awk -v short=yes $<
	@$(if $(GNUPLOT),:,echo "no gnuplot, so no picture" >&2)
	@echo "Every column: $<$(if $(GNUPLOT), and $(RUN)/robustness.$(FORMAT))"
	@$(call said,$(RUN)/report.html)

$(RUN)/model.ckpt: $(MODEL) | $(RUN)
	if ts-dump --header $< >/dev/null 2>&1; then cp $< $@; else um-ckpt import -q --normalise $(MODEL_NORMALISE) -o $@ $<; fi
define distorted
$(RUN)/$(call called,$1).images: $(call of,$(SET)) | $(RUN)
	ds-pack -q --split $(call of,$(SET),_SPLIT) $(packed) --distort $1 -o $$@ $$<
endef
$(foreach d,$(DISTORT),$(eval $(call distorted,$d)))
$(RUN)/train.fit: $(RUN)/model.ckpt $(RUN)/train.images
	um-embed -q -m $^ | ood-fit -q -o $@
$(RUN)/%.scores: $(RUN)/%.images $(RUN)/model.ckpt $(RUN)/train.fit $(RUN)/methods.asked
	um-embed -q -m $(RUN)/model.ckpt $< | ood-score -q -m $(METHODS) --fit $(RUN)/train.fit -o $@
SCORED := $(foreach s,test $(WORSE) $(OOD),$(RUN)/$s.scores)
# Tables have groups near and far; here the distorted images are near, and the OOD sets far.
$(RUN)/metrics.tsv: $(SCORED) $(RUN)/tables.asked
	ood-metrics -q -f tsv --show auroc --id $(RUN)/test.scores $(foreach s,$(WORSE),near:$s=$(RUN)/$s.scores) \
		$(foreach s,$(OOD),far:$s=$(RUN)/$s.scores) >$@.tmp
	mv $@.tmp $@
$(RUN)/accuracy.tsv: $(SCORED) $(RUN)/tables.asked
	for s in test $(WORSE); do \
		ts-cat --select pred,label $(RUN)/$$s.scores | ts-dump --tsv | \
			awk -v set=$$s 'NR > 1 { right += $$1 == $$2 } END { print set "\t" right / (NR - 1) }' || exit 1; done >$@.tmp
	mv $@.tmp $@
$(RUN)/robustness.tsv: $(RUN)/accuracy.tsv $(RUN)/metrics.tsv $(HERE)robustness.awk
	awk -f $(HERE)robustness.awk -v worse="$(WORSE)" -v ood="$(OOD)" $(RUN)/accuracy.tsv $(RUN)/metrics.tsv >$@.tmp
	mv $@.tmp $@
$(RUN)/robustness.$(FORMAT): $(RUN)/robustness.tsv $(HERE)plots/robustness.gp
	gnuplot -e "table='$<'; picture='$@.tmp'; format='$(FORMAT)'" -c $(HERE)plots/robustness.gp
	mv $@.tmp $@
$(RUN)/report.html: $(SCORED) $(RUN)/tables.asked
	ood-report -m $(SHOWN) --title "What scores follow: distorted images, and OOD sets" \
		$(foreach s,id=test $(foreach w,$(WORSE) $(OOD),$w=$w),--images $(firstword $(subst =, ,$s))=$(RUN)/$(lastword $(subst =, ,$s)).images) \
		--id $(RUN)/test.scores -o $@ $(foreach s,$(WORSE),near:$s=$(RUN)/$s.scores) $(foreach s,$(OOD),far:$s=$(RUN)/$s.scores)
.SECONDARY:
.PHONY: all
SAME := $(DRAWN_FROM) MODEL MODEL_NORMALISE
include $(HERE)same.mk
