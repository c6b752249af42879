# A table of scores whose work is divided: each shard of each set is packed, embedded, fitted and scored as a target of its
# own, by whatever RUN puts before its command, and merged.
#
#   make -j8 -f cluster.mk SHARDS=8 RUN='srun -n1' MODEL=my.ckpt TRAIN='cifar.tar.gz --split train' \
#        ID='cifar.tar.gz --split test' OOD='dtd svhn' dtd=dtd.tar svhn='svhn --split test' PACK='--size 32'
#
# TRAIN, ID and the sets that OOD names are arguments of ds-pack, with PACK behind them, or the name of a stream,
# X.images, which ts-cat divides. METHODS are ood-score's, FIT are options of ood-fit. What is there is kept: a shard that
# was lost, with its job or its file, is made again by the same command. The table is that of SHARDS=1, but for the
# rounding of sums: man 7 unmask-cluster.
SHARDS  ?= 1
RUN     ?=
OUT     ?= runs/cluster
METHODS ?= all
METRICS ?=
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(OUT)/table.txt
	@cat $<

NUMBERS := $(shell seq 0 $$(($(SHARDS) - 1)))
train   ?= $(TRAIN)
id      ?= $(ID)
$(foreach v,MODEL TRAIN ID OOD $(OOD),$(if $($v),,$(error cluster.mk needs $v=; its first lines say what that is)))

# $(call OF,SET,KIND): the files of its shards.
OF       = $(NUMBERS:%=$(OUT)/$1.%-of-$(SHARDS).$2)
# $(call DIVIDE,SET): the program that reads the set, and what it is given.
DIVIDE   = $(if $(filter %.images,$(firstword $($1))),ts-cat $($1),ds-pack $($1) $(PACK))

# $(call SHARD,SET,NUMBER)
define SHARD
$(OUT)/$1.$2-of-$(SHARDS).images: | $(OUT)
	$(RUN) $(call DIVIDE,$1) --shard $2/$(SHARDS) -o $$@
endef
$(foreach s,train id $(OOD),$(foreach i,$(NUMBERS),$(eval $(call SHARD,$s,$i))))

$(OUT)/%.features: $(OUT)/%.images $(MODEL)
	$(RUN) um-embed -m $(MODEL) $< -o $@
$(OUT)/train.%.fit: $(OUT)/train.%.features
	$(RUN) ood-fit $(FIT) $< -o $@
$(OUT)/train.fit: $(call OF,train,fit)
	$(RUN) ood-fit --merge $^ -o $@
$(OUT)/%.scores: $(OUT)/%.features $(OUT)/train.fit
	$(RUN) ood-score --fit $(OUT)/train.fit -m $(METHODS) $< -o $@
$(foreach s,id $(OOD),$(eval $(OUT)/$s.scores: $(call OF,$s,scores); $(RUN) ts-cat $$^ -o $$@))
$(OUT)/table.txt: $(OUT)/id.scores $(OOD:%=$(OUT)/%.scores)
	ood-metrics $(METRICS) --id $< $(foreach s,$(OOD),$s=$(OUT)/$s.scores) >$@
$(OUT):
	mkdir -p $@
