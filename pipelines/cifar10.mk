# make cifar10 DATA=dir: the experiment on CIFAR-10 (or SET=cifar100) against every other set in DATA.
#
#   make cifar10 DATA=/data                       the published setting (configs/cifar10-densenet.yaml)
#   make cifar10 DATA=/data DEPTH=22 LIMIT=10000 EPOCHS=40 UM_EPOCHS=8 BATCH=64 DROPOUT=0    half an hour on two cores
#
# data.mk says what DATA must contain.
SET       := cifar10
RUN       ?= runs/$(SET)
DEPTH     ?= 100
EPOCHS    ?= 100
UM_EPOCHS ?= 100
BATCH     ?= 256
KEEP      ?= 0.965
DROPOUT   ?= 0.3
ARCH     := densenet:depth=$(DEPTH),growth=12
CONFIG   := $(dir $(lastword $(MAKEFILE_LIST)))../configs/$(SET)-densenet.yaml
TRAIN    := --config $(CONFIG) --epochs $(EPOCHS) --batch-size $(BATCH) --dropout $(DROPOUT)
FINETUNE := --config $(CONFIG) --epochs $(UM_EPOCHS) --batch-size $(BATCH) --dropout $(DROPOUT)
ESTIMATE := --keep $(KEEP)
include $(dir $(lastword $(MAKEFILE_LIST)))um.mk
