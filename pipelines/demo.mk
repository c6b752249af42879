# make demo: the whole method on synthetic data, in minutes on two cores. The same machine gives the same table again;
# another processor rounds otherwise, so that another network comes out, and with it other numbers.
#	make -f pipelines/demo.mk [RUN=runs/demo] [SEED=0]	(programs on PATH; `make demo` sees to it)
SET  := synth
RUN  ?= runs/demo
ARCH := densenet:depth=22,growth=12
# Without augmentation the model memorises within the minutes that a demo has. A network of 22 layers feels a
# mask more than one of 100: 1 % cut does here what 3.5 % do there.
TRAIN    := --epochs 18 --batch-size 32 --lr 0.05 --nesterov --no-augment
FINETUNE := --epochs 5 --batch-size 32 --lr 0.05 --nesterov --no-augment
ESTIMATE := --keep 0.99
include $(dir $(lastword $(MAKEFILE_LIST)))um.mk
