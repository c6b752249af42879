# A table of scores with the work divided: each shard of each set is packed, embedded, fitted and scored as its own
# target, with RUN put before each command, and the results are merged.
#
#   make -j8 -f cluster.mk SHARDS=8 RUN='srun -n1' MODEL=my.ckpt TRAIN='cifar.tar.gz --split train' \
#        ID='cifar.tar.gz --split test' OOD='dtd svhn' dtd=dtd.tar svhn='svhn --split test' PACK='--size 32'
#
# TRAIN, ID and the sets that OOD names are arguments of ds-pack, followed by PACK, or the name of a stream,
# X.images, which ts-cat divides. METHODS are ood-score's, FIT are options of ood-fit. Existing results are kept. The
# same command makes again a shard whose job or file was lost, and anything made from other sets, by another model, with
# other options or from files that are now newer. The table is that of SHARDS=1, except for the rounding of sums: man 7
# unmask-cluster.
SHARDS  ?= 1
RUN     ?=
OUT     ?= runs/cluster
METHODS ?= all
METRICS ?=
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all
all: $(OUT)/table.txt $(OUT)/report.html
	@cat $<; echo "A page to look at: $(OUT)/report.html"

NUMBERS := $(shell seq 0 $$(($(SHARDS) - 1)))
train   ?= $(TRAIN)
id      ?= $(ID)
$(foreach v,MODEL TRAIN ID OOD $(OOD),$(if $($v),,$(error cluster.mk needs $v=; its first lines say what that is)))

include $(dir $(lastword $(MAKEFILE_LIST)))asked.mk
$(shell mkdir -p $(OUT))
$(call ASK,model,$(MODEL))
$(call ASK,fit,$(FIT))
$(call ASK,scores,$(METHODS))
$(call ASK,table,$(METRICS) $(OOD))
$(foreach s,train id $(OOD),$(call ASK,images.$s,$($s) $(PACK)))

# $(call OF,SET,KIND): the files of its shards.
OF       = $(NUMBERS:%=$(OUT)/$1.%-of-$(SHARDS).$2)
# $(call DIVIDE,SET): the program that reads the set, with its arguments.
DIVIDE   = $(if $(filter %.images,$(firstword $($1))),ts-cat $($1),ds-pack $($1) $(PACK))
# $(call FILE,SET): the file that holds it, if it is a single file.
FILE     = $(if $(wildcard $(firstword $($1))/.),,$(wildcard $(firstword $($1))))

# $(call SHARD,SET,NUMBER)
define SHARD
$(OUT)/$1.$2-of-$(SHARDS).images: $(OUT)/images.$1.asked $(call FILE,$1)
	$(RUN) $(call DIVIDE,$1) --shard $2/$(SHARDS) -o $$@
endef
$(foreach s,train id $(OOD),$(foreach i,$(NUMBERS),$(eval $(call SHARD,$s,$i))))

$(OUT)/%.features: $(OUT)/%.images $(MODEL) $(OUT)/model.asked
	$(RUN) um-embed -m $(MODEL) $< -o $@
$(OUT)/train.%.fit: $(OUT)/train.%.features $(OUT)/fit.asked
	$(RUN) ood-fit $(FIT) $< -o $@
$(OUT)/train.fit: $(call OF,train,fit)
	$(RUN) ood-fit --merge $^ -o $@
$(OUT)/%.scores: $(OUT)/%.features $(OUT)/train.fit $(OUT)/scores.asked
	$(RUN) ood-score --fit $(OUT)/train.fit -m $(METHODS) $< -o $@
$(foreach s,id $(OOD),$(eval $(OUT)/$s.scores: $(call OF,$s,scores); $(RUN) ts-cat $$^ -o $$@))
$(OUT)/table.txt: $(OUT)/id.scores $(OOD:%=$(OUT)/%.scores) $(OUT)/table.asked
	ood-metrics $(METRICS) --id $< $(foreach s,$(OOD),$s=$(OUT)/$s.scores) >$@
$(OUT)/report.html: $(OUT)/id.scores $(OOD:%=$(OUT)/%.scores)
	ood-report -q --id $< -o $@ $(foreach s,$(OOD),$s=$(OUT)/$s.scores)
