# The data of an experiment, included by the others. SET says which:
#
#   SET=synth     drawn by ds-synth, nothing to download (default)
#	N_TRAIN N_TEST N_OOD SEED	numbers of images; the seed
#	DRAWN     further options of ds-synth for every set, NOISE the share of training labels that are made wrong
#   SET=cifar10|cifar100   that set against every other set of sets.txt found in DATA
#	DATA      folder that holds what ds-pack reads, called as sets.txt says; each source can be named by itself:
#	CIFAR10 CIFAR100 TIN DTD MNIST SVHN LSUN LSUN_RESIZE ISUN PLACES SUN INATURALIST	empty: leave it out
#	X_SPLIT   the folder, or part, of set X that is tested on; TIN_EXCLUDE: classes that Tiny ImageNet is without
#	AUX AUX_SPLIT AUX_EXCLUDE AUX_LIMIT	outliers to train with: Tiny ImageNet's training images, or ImageNet's
#	EVAL_LIMIT that many images of each set that is scored, chosen at random, instead of all
#	LIMIT     that many training images, chosen at random, instead of all
#
# Sets COMMON, training options that suit the set, KEEP, the kept fraction that its constraint is estimated with,
# OOD, the names of the OOD sets, and rules for $(RUN)/train.images, $(RUN)/test.images and $(RUN)/NAME.images; with
# CIFAR also for $(RUN)/aux.images.
# FORMAT is the pictures' format: png, svg or pdf.
# by_set: $(call by_set,A,B) is A on the synthetic set and B on others.
.DELETE_ON_ERROR:
.SUFFIXES:
# Without this, OpenMP's threads spin for milliseconds at every barrier, which slows a busy machine to a crawl.
export GOMP_SPINCOUNT ?= 3000
# Programs' messages go to logs; their progress goes to the terminal, if make runs in one.
ifndef UNMASK_PROGRESS
export UNMASK_PROGRESS := $(shell test -t 2 && echo /dev/tty)
endif

SET  ?= synth
SEED ?= 0
FORMAT ?= png
by_set = $(if $(filter synth,$(SET)),$1,$2)
# Without augmentation the model memorises drawings within minutes. A mask affects a network of 22 layers more than one
# of 100: cutting 1 % here has the effect of 3.5 % there.
COMMON ?= $(call by_set,--batch-size 32 --lr 0.05 --nesterov --no-augment,--config $(PIPELINES)../configs/$(SET)-densenet.yaml)
KEEP   ?= $(call by_set,0.99,0.965)
PIPELINES := $(dir $(lastword $(MAKEFILE_LIST)))
# When installed, or in a bundle, the programs are three folders up.
INSTALLED := $(shell cd $(PIPELINES) && case $$PWD in (*/share/unmask/pipelines) cd ../../../bin && pwd ;; esac)
export PATH := $(if $(INSTALLED),$(INSTALLED):)$(PATH)

# Names that the images follow from, for SAME of same.mk, which has the rule for $(RUN).
DRAWN_FROM := SET SEED N_TRAIN N_TEST N_OOD DRAWN NOISE LIMIT PACK_LIMIT
ifneq ($(word 2,$(RUN)),)
$(error RUN='$(RUN)': rules of make cannot have a blank in a name)
endif

# $(call report,SCORES,IMAGES,OPTIONS): the recipe for a page, $@, about the test set and each set of OOD, whose name
# replaces % in the names of scores and images; sets of NEAR are near ones. $(call said,PAGE) prints where the page is.
named  = $(subst %,$2,$1)
report = ood-report -q $3 --images id=$(call named,$2,test) $(foreach s,$(OOD),--images $s=$(call named,$2,$s)) -o $@ \
	--id $(call named,$1,test) $(foreach s,$(OOD),$(if $(NEAR),$(if $(filter $(NEAR),$s),near:,far:))$s=$(call named,$1,$s))
of_sets = $(foreach s,test $(OOD),$(call named,$1,$s) $(call named,$2,$s))
said   = echo "A page to look at: $1"

ifeq ($(SET),synth)
N_TRAIN ?= 4000
N_TEST  ?= 2000
N_OOD   ?= 1000
OOD     ?= gaussian rademacher blobs textures unseen-shapes id-inverted

$(RUN)/train.images: | $(RUN)
	ds-synth --set id --split train --n $(N_TRAIN) --seed $(SEED) $(DRAWN) $(if $(NOISE),--label-noise $(NOISE)) -o $@
$(RUN)/test.images: | $(RUN)
	ds-synth --set id --split test --n $(N_TEST) --seed $(SEED) $(DRAWN) -o $@
$(OOD:%=$(RUN)/%.images): $(RUN)/%.images: | $(RUN)
	ds-synth --set $* --n $(N_OOD) --seed $(SEED) $(DRAWN) -o $@

else ifneq ($(filter cifar10 cifar100,$(SET)),)
DATA  ?= data
LIMIT ?=
upper  = $(if $(filter textures,$1),DTD,$(shell printf %s '$1' | tr a-z- A-Z_))
# sets.sh prints NAME:SPLIT:PATH for each; $(call part,1,...) is one of the three. Variables override it.
FOUND  := $(shell sh $(PIPELINES)sets.sh '$(DATA)' <$(PIPELINES)sets.txt)
part    = $(word $1,$(subst :, ,$2))
# Neither make nor these rules can handle them in a name.
$(foreach f,$(FOUND),$(if $(and $(findstring :,$f),$(if $(word 4,$(subst :, ,$f)),,yes)),,$(error DATA='$(DATA)': ':' or a blank in \
	the path of a set, at '$f', which rules of make cannot have: give it another name, or a link)))
TIN_EXCLUDE ?= $(PIPELINES)../configs/tiny-imagenet-like-$(SET).txt
define known_set
$(call part,1,$1)_VAR   := $(call upper,$(call part,1,$1))
$(call upper,$(call part,1,$1)) ?= $(call part,3,$1)
$(call upper,$(call part,1,$1))_SPLIT ?= $(filter-out -,$(call part,2,$1))
endef
$(foreach f,$(FOUND),$(eval $(call known_set,$f)))
KNOWN := $(foreach f,$(FOUND),$(call part,1,$f))
of     = $($($1_VAR)$2)
SOURCES := $(foreach s,$(KNOWN),$(if $(strip $(call of,$s)),$($s_VAR)))
DRAWN_FROM += $(SOURCES) $(SOURCES:%=%_SPLIT) TIN_EXCLUDE AUX_EXCLUDE AUX_LIMIT
there := $(strip $(foreach s,$(filter-out $(SET) aux,$(KNOWN)),$(if $(strip $(call of,$s)),$s)))
OOD   ?= $(there)
# Training outliers leave out the classes that SET has, too. ImageNet is too large to keep whole.
AUX_EXCLUDE ?= $(if $(shell echo '$(notdir $(AUX))' | grep -i ^tin),$(PIPELINES)../configs/tiny-imagenet-like-$(SET).txt)
AUX_LIMIT   ?= $(if $(AUX_EXCLUDE),,100000)
# How many images of each set are packed.
PACK_LIMIT  ?= $(EVAL_LIMIT)
packed       = $(if $(PACK_LIMIT),--sample $(PACK_LIMIT))

ifeq ($(and $(call of,$(SET)),$(strip $(OOD))),)
$(error no $(SET), or no other set, in DATA='$(DATA)'; name the folder that holds them: DATA=dir)
endif
SETS_SAID := $(SET), and to be told from it: $(OOD)$(if $(filter-out $(there) $(SET) aux,$(KNOWN)),; not in DATA='$(DATA)': $(filter-out $(there) $(SET) aux,$(KNOWN)))$(if $(AUX),; outliers: $(AUX),; no outliers to train with)
ifeq ($(MAKE_RESTARTS)$(QUIET),)
$(shell printf '%s\n' "$(SETS_SAID)" >&2)
endif

$(RUN)/train.images: $(call of,$(SET)) | $(RUN)
	ds-pack --split train $(if $(LIMIT),--sample $(LIMIT) --seed $(SEED)) -o $@ $<
$(RUN)/test.images: $(call of,$(SET)) | $(RUN)
	ds-pack --split $(call of,$(SET),_SPLIT) $(packed) -o $@ $<
define ood_set
$(RUN)/$1.images: $(call of,$1) | $(RUN)
	ds-pack $(addprefix --split ,$(call of,$1,_SPLIT)) --size 32 $(packed) \
		$(if $(and $(call of,$1,_EXCLUDE),$(filter-out test,$(call of,$1,_SPLIT))),--exclude-classes $(call of,$1,_EXCLUDE)) -o $$@ $$<
endef
$(foreach s,$(there),$(eval $(call ood_set,$s)))
$(RUN)/aux.images: $(AUX) $(AUX_EXCLUDE) | $(RUN)
	$(if $(AUX),,$(error no auxiliary images in DATA='$(DATA)'; name them: AUX=file))
	ds-pack --split $(AUX_SPLIT) --size 32 $(if $(AUX_EXCLUDE),--exclude-classes $(AUX_EXCLUDE)) \
		$(if $(AUX_LIMIT),--sample $(AUX_LIMIT)) -o $@ $<
else
$(error SET='$(SET)' is none of synth, cifar10, cifar100)
endif
