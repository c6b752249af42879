# make demo: the method in a setting where its premise holds, in minutes on two cores. A network memorises drawings,
# some with wrong labels; then it is stopped early, trained further, or made to forget. The same machine gives the same
# table every time; another processor rounds differently, and gives other numbers.
#	make -f pipelines/demo.mk [RUN=runs/demo] [SEED=0] [NOISE=0.3]	(programs on PATH; `make demo` sees to it)
SET  := synth
SEED ?= 0
RUN  ?= runs/demo$(if $(filter-out 0,$(SEED)),-$(SEED))
N_TRAIN ?= 2000
N_TEST  ?= 1000
N_OOD   ?= 400
NOISE   ?= 0.3
DRAWN   := --plain --atypical 0
ARCH    := resnet-narrow:depth=8
METHODS := msp,energy,knn,vim
MODELS  := plain early ce um
REPORTED := early
NEAR    := unseen-shapes
# Without augmentation it memorises everything within a minute.
TRAIN    := --epochs 30 --batch-size 32 --lr 0.05 --nesterov --no-augment
# A batch's loss tells whether the network knows too much, so batches are larger; forgetting needs a learning rate at
# which the network leaves its minimum, and averaged weights.
FINETUNE := --epochs 8 --batch-size 128 --lr 0.1 --lr-policy constant --ema 0.97 --nesterov --no-augment
# A mask affects this small network less than the published one. Held-out images choose `early`.
VALIDATE := --val-fraction 0.1
ESTIMATE := --keep 0.95 --draws 10 $(VALIDATE)
HERE     := $(dir $(lastword $(MAKEFILE_LIST)))
include $(HERE)um.mk
.DEFAULT_GOAL := demo
demo: $(RUN)/demo.txt $(RUN)/table.txt $(RUN)/best.txt $(RUN)/report.html $(if $(shell command -v gnuplot),$(PICTURES))
	@cat $<; echo; cat $(RUN)/best.txt; echo; echo "Pictures, and tables set by set: $(RUN)/*.$(FORMAT) $(RUN)/*.txt"; \
		$(call said,$(RUN)/report.html)
	@$(if $(shell command -v gnuplot),:,echo "no gnuplot, so no pictures" >&2)

# For each model: metrics on the near set and the far ones, the wrong labels that it repeats, and how many images of
# each set it flags, at the thresholds that flag 5 % of other drawings like the test's.
$(RUN)/check.images: | $(RUN)
	ds-synth --set id --split test --n $(N_TEST) --seed $$(($(SEED) + 1000)) $(DRAWN) -o $@
$(RUN)/noisy.tsv: $(RUN)/train.images
	ts-cat --select noisy $< | ts-dump --tsv >$@.tmp
	mv $@.tmp $@
marked = $(foreach s,$(OOD),$(if $(filter $(NEAR),$s),near,far):$s=$(RUN)/$1-$s.scores)
define demo_of
$(RUN)/$1.tsv: $(SETS:%=$(RUN)/$1-%.scores) $(RUN)/tables.asked
	ood-metrics -q --method $(METHODS) --format tsv --label $(call called,$1) --id $$< $(call marked,$1) >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1.repeated: $(RUN)/noisy.tsv $(RUN)/$1-train.scores
	ts-cat --select pred,label $(RUN)/$1-train.scores | ts-dump --tsv | paste $(RUN)/noisy.tsv - | \
		awk -v model=$(call called,$1) '$$$$1 == 1 { n++; same += $$$$2 == $$$$3 } END { print model "\trepeated\t" (n ? same / n : 0) }' >$$@.tmp
	mv $$@.tmp $$@
$(RUN)/$1.threshold: $(RUN)/$1-check.scores $(RUN)/tables.asked
	ood-threshold -q --method $(METHODS) -o $$@ $$<
$(RUN)/$1.flagged: $(RUN)/$1.threshold $(SETS:%=$(RUN)/$1-%.scores)
	for s in $(SETS); do \
		{ ts-dump --tsv $$< | cut -f 1,4; ts-cat --select $(METHODS) $(RUN)/$1-$$$$s.scores | ts-dump --tsv; } | \
		awk -v model=$(call called,$1) -v set=$$$$s -f $(HERE)flagged.awk || exit 1; done >$$@.tmp
	mv $$@.tmp $$@
endef
$(foreach m,$(MODELS),$(eval $(call demo_of,$m)))

$(RUN)/demo.txt: $(RUN)/noisy.tsv $(RUN)/loss $(foreach m,$(MODELS),$(foreach e,tsv repeated flagged,$(RUN)/$m.$e))
	awk -v methods=$(METHODS) -v sets="$(SETS)" -v m=$$(cat $(RUN)/loss) -f $(HERE)demo.awk \
		$(RUN)/noisy.tsv $(foreach e,tsv repeated flagged,$(foreach m,$(MODELS),$(RUN)/$m.$e)) >$@.tmp
	mv $@.tmp $@
.PHONY: demo
