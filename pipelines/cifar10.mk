# make cifar10 DATA=dir: the experiment on CIFAR-10 against Tiny ImageNet, Textures and MNIST.
#
#   make cifar10 DATA=/data                       the published setting (configs/cifar10-densenet.yaml)
#   make cifar10 DATA=/data DEPTH=22 LIMIT=10000 EPOCHS=40 UM_EPOCHS=8 BATCH=64 DROPOUT=0    half an hour on two cores
#
# DATA holds what ds-pack reads; each source can be named by itself:
#   CIFAR10  CIFAR-10, any form, with splits train and test
#   TIN, DTD, MNIST  the other sets; TIN_SPLIT and MNIST_SPLIT choose a folder of theirs
DATA      ?= data
RUN       ?= runs/cifar10
SEED      ?= 0
DEPTH     ?= 100
LIMIT     ?=
EPOCHS    ?= 100
UM_EPOCHS ?= 100
BATCH     ?= 256
KEEP      ?= 0.965
DROPOUT   ?= 0.3
first      = $(firstword $(wildcard $1))
CIFAR10   ?= $(call first,$(DATA)/cifar-10-binary.tar.gz $(DATA)/cifar-10-python.tar.gz $(DATA)/cifar10*)
TIN       ?= $(call first,$(DATA)/tin32-eval* $(DATA)/tiny-imagenet*)
TIN_SPLIT ?= test
DTD       ?= $(call first,$(DATA)/dtd*)
MNIST     ?= $(call first,$(DATA)/mnist*)
MNIST_SPLIT ?= test

OOD      := $(if $(TIN),tin) $(if $(DTD),textures) $(if $(MNIST),mnist)
ARCH     := densenet:depth=$(DEPTH),growth=12
CONFIG   := $(dir $(lastword $(MAKEFILE_LIST)))../configs/cifar10-densenet.yaml
TRAIN    := --config $(CONFIG) --epochs $(EPOCHS) --batch-size $(BATCH) --dropout $(DROPOUT)
FINETUNE := --config $(CONFIG) --epochs $(UM_EPOCHS) --batch-size $(BATCH) --dropout $(DROPOUT)
ESTIMATE := --keep $(KEEP)
include $(dir $(lastword $(MAKEFILE_LIST)))um.mk

ifeq ($(and $(CIFAR10),$(strip $(OOD))),)
$(error no CIFAR-10, or no other set, in DATA='$(DATA)'; name the folder that holds them: DATA=dir)
endif

$(RUN)/train.images: $(CIFAR10) | $(RUN)
	ds-pack --split train $(if $(LIMIT),--sample $(LIMIT) --seed $(SEED)) -o $@ $<
$(RUN)/test.images: $(CIFAR10) | $(RUN)
	ds-pack --split test -o $@ $<
$(RUN)/tin.images: $(TIN) | $(RUN)
	ds-pack --split $(TIN_SPLIT) --size 32 -o $@ $<
$(RUN)/textures.images: $(DTD) | $(RUN)
	ds-pack --size 32 -o $@ $<
$(RUN)/mnist.images: $(MNIST) | $(RUN)
	ds-pack --split $(MNIST_SPLIT) --size 32 -o $@ $<
$(RUN):
	mkdir -p $@
