# make openood BENCH=cifar10|cifar100|imagenet200|imagenet1k DATA=dir: the benchmark of OpenOOD v1.5 with its own lists, its
# preprocessing, near and far OOD sets, its conventions for FPR and AUPR, and every score in one pass.
#
#   make openood BENCH=cifar10 DATA=OpenOOD/data           with the checkpoints in OpenOOD/results; rows are their means
#   make openood BENCH=imagenet1k DATA=OpenOOD/data MODELS=resnet50.pth METHODS=msp,energy,knn
#   make openood BENCH=cifar10 DATA=d MODELS='1.ckpt 2.ckpt' SKIP=yes TUNE=yes FULL=yes
#
#   DATA      folder with benchmark_imglist, images_classic and images_largescale, as OpenOOD's scripts/download lays it out
#   MODELS    a checkpoint for each seed, of ours or of OpenOOD; default: the base networks of OpenOOD in results/ beside DATA
#   METHODS   default all; those that need a fit get one of the training list, or of the validation list if meant to
#   SKIP=yes  skips sets whose list, or an image of it, is missing; otherwise that is an error. Either way it names them
#   FULL=yes  the full spectrum: ID images with a shifted look (csid) count as ID, too
#   TUNE=yes  parameters by OpenOOD's search: for each method, the setting in SWEEPS with the best AUROC of ID validation
#             images against OOD validation images, listed in RUN/sN/methods. Without it, every method uses its defaults,
#             for which no OOD image has been seen
#   EMBED     further options of um-embed, such as --odin
#   RUN       default runs/openood-BENCH. Gets table.txt, table.tex and table.csv with every set, and report.html about
#             the first network
#
# OpenOOD resizes the shorter side to 32 (256 for ImageNet) and crops the middle 32 (224); damaged JPEGs are read as far
# as possible. Its images and lists come from Google Drive, ImageNet from its own site. fetch.mk has what is public
# elsewhere.
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := table
HERE := $(dir $(lastword $(MAKEFILE_LIST)))
INSTALLED := $(shell cd $(HERE) && case $$PWD in (*/share/unmask/pipelines) cd ../../../bin && pwd ;; esac)
export PATH := $(if $(INSTALLED),$(INSTALLED):)$(PATH)
export GOMP_SPINCOUNT ?= 3000

BENCH   ?= cifar10
DATA    ?= data
RUN     ?= runs/openood-$(BENCH)
METHODS ?= all
RESULTS ?= $(dir $(DATA:%/=%))results
MODELS  ?= $(sort $(wildcard $(RESULTS)/$(BENCH)_resnet18_*_base_*/s*/best.ckpt))
ifeq ($(filter cifar10 cifar100 imagenet200 imagenet1k,$(BENCH)),)
$(error BENCH=$(BENCH) is no benchmark: cifar10, cifar100, imagenet200 or imagenet1k)
endif
ifeq ($(strip $(MODELS)),)
$(error there is no checkpoint in $(RESULTS): MODELS='1.ckpt 2.ckpt' names one for each seed)
endif

PREPARE_cifar10 := --size 32 --resize short --crop 32
PREPARE_cifar100 := $(PREPARE_cifar10)
PREPARE_imagenet200 := --size 256 --resize short --crop 224
PREPARE_imagenet1k := $(PREPARE_imagenet200)
IMPORT_cifar10 := --mean 0.4914,0.4822,0.4465 --std 0.2470,0.2435,0.2616
IMPORT_cifar100 := --mean 0.5071,0.4867,0.4408 --std 0.2675,0.2565,0.2761
IMPORT_imagenet200 := --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
IMPORT_imagenet1k := $(IMPORT_imagenet200)
SWEEPS ?= react:percentile=85,90,95,99 vra:high=85,90,95,99:low=1,5,10,15 ash-b:percentile=65,70,75,80,85,90,95 \
	scale:percentile=65,70,75,80,85,90,95 knn:k=50,100,200,500,1000 relation:power=1,2,4,6,8 \
	gen:gamma=0.01,0.1,0.5,1,2,5,10:top=10,50,100,200,500,1000 nci:alpha=0.0001,0.001,0.01,0.1

# FOUND: GROUP:NAME:ROOT:LIST of each set found.
FOUND := $(shell sh $(HERE)openood.sh $(BENCH) '$(DATA)' 'train val id near far $(if $(TUNE),oodval) $(if $(FULL),csid)' <$(HERE)openood.txt)
ifneq ($(.SHELLSTATUS),0)
ifeq ($(SKIP),)
$(error the benchmark is not whole: SKIP=yes goes on with what there is)
endif
endif
part  = $(word $1,$(subst :, ,$2))
names = $(strip $(foreach f,$(FOUND),$(if $(filter $1,$(call part,1,$f)),$(call part,2,$f))))
entry = $(firstword $(foreach f,$(FOUND),$(if $(filter $1,$(call part,2,$f)),$f)))
pack  = ds-pack -q --lenient $(PREPARE_$(BENCH)) --list '$(call part,4,$(call entry,$1))' --root '$(call part,3,$(call entry,$1))'
# Features of set $1 from the network of seed $2. A pipe's status is that of its last program, which also fails if an
# earlier one did: the END is missing then.
embed = $(call pack,$1) | um-embed -q $(EMBED) -m $(RUN)/s$2/model.ckpt
NEAR := $(call names,near)
FAR  := $(call names,far)
CSID := $(call names,csid)
ifeq ($(call names,id),)
$(error there is no ID test set: nothing can be measured)
endif
ifeq ($(NEAR)$(FAR),)
$(error there is no OOD set: nothing can be measured)
endif
ifneq ($(TUNE),)
ifneq ($(words $(call names,val oodval)),2)
$(error TUNE=yes needs both validation sets, val and oodval)
endif
endif
SEEDS := $(shell seq 1 $(words $(MODELS)))
# Another network, other methods or sets in the same RUN are made again, and not passed over for their times.
OUT   := $(RUN)
include $(HERE)asked.mk
$(shell mkdir -p $(RUN))
$(foreach s,$(SEEDS),$(call ASK,s$s,$(word $s,$(MODELS))))
$(call ASK,embed,$(EMBED))
$(call ASK,methods,$(METHODS)$(if $(TUNE), of $(SWEEPS)))
$(call ASK,sets,$(FOUND))
$(foreach f,$(FOUND),$(call ASK,set-$(call part,2,$f),$f))
$(call ASK,seeds,$(SEEDS))
FITS   = $(if $(call names,train),--fit $(RUN)/s$1/train.fit) $(if $(call names,val),--val $(RUN)/s$1/val.fit)
fits   = $(if $(call names,train),$(RUN)/s$1/train.fit) $(if $(call names,val),$(RUN)/s$1/val.fit)

define of_seed
$(RUN)/s$1:
	mkdir -p $$@
$(RUN)/s$1/model.ckpt: $(word $1,$(MODELS)) $(RUN)/s$1.asked | $(RUN)/s$1
	if ts-dump --header $$< >/dev/null 2>&1; then cp $$< $$@; else um-ckpt import -q $(IMPORT_$(BENCH)) -o $$@ $$<; fi
$(foreach s,train val,$(RUN)/s$1/$s.fit): $(RUN)/s$1/%.fit: $(RUN)/s$1/model.ckpt $(RUN)/embed.asked $(RUN)/set-%.asked
	$$(call embed,$$*,$1) | ood-fit -q -o $$@
$(foreach s,val oodval,$(RUN)/s$1/$s.swept): $(RUN)/s$1/%.swept: $(RUN)/s$1/model.ckpt $(RUN)/embed.asked $(RUN)/set-%.asked $(RUN)/methods.asked $(call fits,$1)
	$$(call embed,$$*,$1) | ood-score -q $(call FITS,$1) $(SWEEPS:%=--sweep %) -o $$@
# The best setting of each method of the sweeps, and the other methods unchanged.
$(RUN)/s$1/methods: $(RUN)/methods.asked $(if $(TUNE),$(RUN)/s$1/val.swept $(RUN)/s$1/oodval.swept) | $(RUN)/s$1
ifeq ($(TUNE),)
	echo '$(METHODS)' >$$@
else
	ood-score --list | sed -n 's/^\([a-z][^ ]*\) .*/- \1/p' >$$@.all
	ood-metrics -q -s -f tsv --no-heading --show auroc --id $(RUN)/s$1/val.swept $(RUN)/s$1/oodval.swept >>$$@.all
	awk -f $(HERE)openood.awk -v methods='$(METHODS)' $$@.all >$$@
	rm $$@.all
endif
$(foreach s,id $(NEAR) $(FAR) $(CSID),$(RUN)/s$1/$s.scores): $(RUN)/s$1/%.scores: $(RUN)/s$1/model.ckpt $(RUN)/embed.asked $(RUN)/set-%.asked $(RUN)/s$1/methods $(call fits,$1)
	$$(call embed,$$*,$1) | ood-score -q $(call FITS,$1) -m "$$$$(cat $(RUN)/s$1/methods)" -o $$@
$(RUN)/s$1/known.scores: $(RUN)/s$1/id.scores $(CSID:%=$(RUN)/s$1/%.scores) $(RUN)/sets.asked
	ts-cat -o $$@ $$(filter %.scores,$$^)
$(RUN)/s$1.tsv: $(RUN)/s$1/known.scores $(foreach s,$(NEAR) $(FAR),$(RUN)/s$1/$s.scores)
	ood-metrics -q -f tsv --fpr openood --aupr trapezoid --show auroc,fpr95,aupr_in,aupr_out,id_acc --id $$< \
		$(foreach s,$(NEAR),near:$s=$(RUN)/s$1/$s.scores) $(foreach s,$(FAR),far:$s=$(RUN)/s$1/$s.scores) >$$@.all
	$(if $(TUNE),awk -f $(HERE)openood.awk -v chosen="$$$$(cat $(RUN)/s$1/methods)",cat) $$@.all >$$@
	rm $$@.all
endef
$(foreach s,$(SEEDS),$(eval $(call of_seed,$s)))

TABLES := $(SEEDS:%=$(RUN)/s%.tsv)
$(RUN)/table.txt: $(TABLES) $(RUN)/seeds.asked
	ood-seeds -q --pivot --summary --show auroc,fpr95 $(TABLES) >$@
$(RUN)/table.tex: $(TABLES) $(RUN)/seeds.asked
	ood-seeds -q --pivot --show auroc,fpr95 -f latex $(TABLES) >$@
$(RUN)/table.csv: $(TABLES) $(RUN)/seeds.asked
	ood-seeds -q --pivot --show auroc,fpr95,aupr_in,aupr_out -f csv $(TABLES) >$@
$(RUN)/report.html: $(RUN)/s1/known.scores $(foreach s,$(NEAR) $(FAR),$(RUN)/s1/$s.scores)
	ood-report -q --title "$(BENCH): the first network" -o $@ --id $< \
		$(foreach s,$(NEAR),near:$s=$(RUN)/s1/$s.scores) $(foreach s,$(FAR),far:$s=$(RUN)/s1/$s.scores)
table: $(RUN)/table.txt $(RUN)/table.tex $(RUN)/table.csv $(RUN)/report.html
	@echo "$(BENCH): $(words $(SEEDS)) network(s); near: $(NEAR); far: $(FAR)$(if $(CSID),; ID too: $(CSID))"
	@cat $<
	@echo "every set: $(RUN)/table.tex, $(RUN)/table.csv"
	@echo "A page to look at: $(RUN)/report.html"
