# The picture and the verdicts at the top of README.md: textures, shown to a network trained on CIFAR-10.
#
#	make -f pipelines/verdicts.mk DATA=dir [MODEL=file] [RUN=runs/verdicts]	(programs on PATH)
#
# DATA holds cifar10-png.tar.xz (train/CLASS, test/CLASS), dtd-300.tar and densenet100-cifar10.pth. The fit comes from
# 5,000 training images, the threshold and the blue half of the picture from 2,000 test images.
RUN   ?= runs/verdicts
MODEL ?= $(DATA)/densenet100-cifar10.pth
HERE  := $(dir $(lastword $(MAKEFILE_LIST)))
SETS  := train val pictures
.DELETE_ON_ERROR:
# Another network is made again, even if its file is older.
OUT   := $(RUN)
include $(HERE)asked.mk
$(shell mkdir -p $(RUN))
$(call ASK,model,$(MODEL))
.SECONDARY:
all: $(RUN)/verdicts.txt $(RUN)/verdicts.svg $(RUN)/table.txt $(RUN)/report.html
	@cat $(RUN)/verdicts.txt $(RUN)/table.txt; echo "A page to look at: $(RUN)/report.html"

$(RUN)/my.ckpt: $(MODEL) $(RUN)/model.asked
	@mkdir -p $(@D)
	um-ckpt import -q --normalise cifar10-narrow --classes $(DATA)/classes-cifar10.txt -o $@ $<
$(RUN)/train.images $(RUN)/val.images: $(RUN)/my.ckpt
$(RUN)/train.images: ; ds-pack $(DATA)/cifar10-png.tar.xz --split train --per-class 500 -o $@
$(RUN)/val.images:   ; ds-pack $(DATA)/cifar10-png.tar.xz --split test --per-class 200 -o $@
$(RUN)/pictures.images: $(RUN)/my.ckpt
	ds-pack $(DATA)/dtd-300.tar --size 32 -o $@
$(RUN)/%.features: $(RUN)/%.images $(RUN)/my.ckpt
	um-embed -m $(RUN)/my.ckpt -o $@ $<
$(RUN)/my.fit: $(RUN)/train.features
	ood-fit -o $@ $<
$(RUN)/%.scores: $(RUN)/%.features $(RUN)/my.fit
	ood-score --fit $(RUN)/my.fit -m vim -o $@ $<
$(RUN)/my.threshold: $(RUN)/val.scores
	ood-threshold --false-alarm 0.05 -o $@ $<
$(RUN)/verdicts.txt: $(RUN)/pictures.features $(RUN)/my.threshold
	ood-score --fit $(RUN)/my.fit --threshold $(RUN)/my.threshold $< | ts-dump --tsv --class-names >$@
$(RUN)/table.txt: $(RUN)/val.scores $(RUN)/pictures.scores
	ood-metrics --delong --hist $(RUN)/hist.tsv --id $< textures=$(RUN)/pictures.scores >$@
$(RUN)/verdicts.svg: $(RUN)/table.txt $(RUN)/my.threshold
	gnuplot -e "table='$(RUN)/hist.tsv'; picture='$@'; method='vim'; \
		threshold=$$(ts-dump --tsv $(RUN)/my.threshold | cut -f 4 | tail -n 1)" -c $(HERE)plots/hist.gp
$(RUN)/report.html: $(RUN)/val.scores $(RUN)/pictures.scores
	ood-report -q --title "Textures, shown to a network that knows CIFAR-10" --images id=$(RUN)/val.images \
		--images textures=$(RUN)/pictures.images --id $< -o $@ textures=$(RUN)/pictures.scores
.PHONY: all
