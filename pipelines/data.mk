# The data of an experiment, included by the others. SET says which:
#
#   SET=synth     drawn by ds-synth, nothing to download (default)
#	N_TRAIN N_TEST N_OOD SEED	numbers of images; the seed
#   SET=cifar10   CIFAR-10 against Tiny ImageNet, Textures and MNIST
#	DATA      folder that holds what ds-pack reads; each source can be named by itself:
#	CIFAR10   CIFAR-10, any form, with splits train and test
#	TIN DTD MNIST	the other sets; TIN_SPLIT and MNIST_SPLIT choose a folder of theirs
#	LIMIT     that many training images, chosen at random, instead of all
#
# Gives COMMON, training options that suit the set, KEEP, the kept fraction that its constraint is estimated with,
# OOD, the names of the OOD sets, and rules for $(RUN)/train.images, $(RUN)/test.images and $(RUN)/NAME.images.
# by_set: $(call by_set,A,B) is A on the synthetic set and B on others.
.DELETE_ON_ERROR:
.SUFFIXES:
# Else OpenMP's threads spin for milliseconds at every barrier, which stops a machine that has other things to do.
export GOMP_SPINCOUNT ?= 3000

SET  ?= synth
SEED ?= 0
by_set = $(if $(filter synth,$(SET)),$1,$2)
# Without augmentation the model memorises drawings within minutes. A network of 22 layers feels a mask more than
# one of 100: 1 % cut does here what 3.5 % do there.
COMMON ?= $(call by_set,--batch-size 32 --lr 0.05 --nesterov --no-augment,--config $(PIPELINES)../configs/cifar10-densenet.yaml)
KEEP   ?= $(call by_set,0.99,0.965)
PIPELINES := $(dir $(lastword $(MAKEFILE_LIST)))
# Installed, or in a bundle, the programs are those three folders up.
INSTALLED := $(shell cd $(PIPELINES) && case $$PWD in (*/share/unmask/pipelines) cd ../../../bin && pwd ;; esac)
export PATH := $(if $(INSTALLED),$(INSTALLED):)$(PATH)

$(RUN):
	mkdir -p $@

ifeq ($(SET),synth)
N_TRAIN ?= 4000
N_TEST  ?= 2000
N_OOD   ?= 1000
OOD     ?= gaussian rademacher blobs textures unseen-shapes id-inverted

$(RUN)/train.images: | $(RUN)
	ds-synth --set id --split train --n $(N_TRAIN) --seed $(SEED) -o $@
$(RUN)/test.images: | $(RUN)
	ds-synth --set id --split test --n $(N_TEST) --seed $(SEED) -o $@
$(OOD:%=$(RUN)/%.images): $(RUN)/%.images: | $(RUN)
	ds-synth --set $* --n $(N_OOD) --seed $(SEED) -o $@

else ifeq ($(SET),cifar10)
DATA      ?= data
LIMIT     ?=
first      = $(firstword $(wildcard $1))
CIFAR10   ?= $(call first,$(DATA)/cifar-10-binary.tar.gz $(DATA)/cifar-10-python.tar.gz $(DATA)/cifar10*)
TIN       ?= $(call first,$(DATA)/tin32-eval* $(DATA)/tiny-imagenet*)
TIN_SPLIT ?= test
DTD       ?= $(call first,$(DATA)/dtd*)
MNIST     ?= $(call first,$(DATA)/mnist*)
MNIST_SPLIT ?= test
OOD       := $(if $(TIN),tin) $(if $(DTD),textures) $(if $(MNIST),mnist)

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
else
$(error SET='$(SET)' is neither synth nor cifar10)
endif
