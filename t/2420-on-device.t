#!/bin/sh
# The optimiser's step on a device with memory of its own, which t/shim/played.c plays: it agrees with the host's step
# for every optimiser and option; kills and moves from one to the other lose nothing; ranks add up on the device, by
# Gloo, if libtorch's headers have it; and what needs gradients on the host says so.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
[ -e "$BUILD/t/shim/played.so" ] || skip_all 'nothing plays a GPU in a build with sanitizers'
PATH=$BUILD/t/helper:$PATH
unset RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT
export PLAYED_SEAM=$BUILD/libunmask-th.so OMP_NUM_THREADS=1
mkdir gpu && cp "$BUILD/um-train" "$BUILD/um-prune" gpu && ln -s "$BUILD/t/shim/played.so" gpu/libunmask-th.so
ds-synth --set id --n 200 -o images.ts
ds-synth --set textures --n 200 -o aux.ts
net=densenet:depth=10,growth=2
options='--threads 1 --seed 5 --no-history'
host() { um-train --engine torch $options "$@"; }
device() { gpu/um-train --device cuda $options "$@"; }
losses() { tr " " "\n" <"$1" | sed -n "s/^\(loss\|folded\|oe\|val_loss\)=//p"; }
stays='^values, gradients and the optimiser stay on the device'
comes='^gradients come to the host at every step'
close() { um-ckpt diff "$1" "$2" | awk -v most=$3 '$2 > most { bad = 1; print "# " $0 } END { exit bad }'; }

# ---- 50 steps, on the host and on the device ----
host -a $net -e 1 -b 20 --lr 0.02 -o m.ckpt -q images.ts
same_as_host() {                       # OPTION...
	host -i m.ckpt -e 5 -b 20 --lr 0.01 "$@" -o host.ckpt images.ts 2>said && losses said >h &&
	device -i m.ckpt -e 5 -b 20 --lr 0.01 "$@" -o device.ckpt images.ts 2>said && losses said >d &&
	grep -q "$stays" said && test $(wc -l <h) -ge 5 && near 1e-5 h d && close host.ckpt device.ckpt ${near:-1e-4} || { sed 's/^/# /' said; false; }
}
for how in '--momentum 0 --weight-decay 0.05' '--weight-decay 0.05 --no-bn-decay --nesterov' '--clip-norm 0.1 --ema 0.9' \
	'--freeze-conv --um 2.2 --dropout 0.2' '--aux aux.ts --oe energy --separate-bn' '--aux aux.ts --oe poem'; do
	ok "SGD $how: losses as on the host to 1e-5, values to 1e-4" 'same_as_host $how'
done
for how in '' '--weight-decay 0.01 --no-bn-decay --clip-norm 0.1 --ema 0.9'; do
	ok "Adam $how: losses to 1e-5, values to 1e-3" 'near=1e-3 same_as_host --optimizer adam --lr 0.001 $how'
done
ok 'what is frozen does not change by a bit' '
	device -q -i m.ckpt -e 1 -b 20 --freeze-fc --weight-decay 0.1 --momentum 0.9 -o f.ckpt images.ts && um-ckpt diff m.ckpt f.ckpt >diff; grep -q "conv1.weight" diff && ! grep "^fc" diff'

# ---- what is on the device comes back, and goes up again ----
whole="-a $net -e 8 -b 20 --ema 0.9 --nesterov --dropout 0.1 --val-fraction 0.1 --save-every 3 --run run -o out.ckpt ../images.ts"
gpu=$PWD/gpu
resume() { [ -z "$(find run -name last.ckpt 2>/dev/null)" ] && rm -rf run || echo --resume; }
run() { "$gpu/um-train" --device cuda $options $whole $(resume) 2>>said; }
moment() { /usr/bin/python3 -c "import random; random.seed($1); print(round(random.uniform($2, $3), 3))"; }
( mkdir steady && cd steady && run )
for try in ${SLOW:+1 2} 3; do
	mkdir killed.$try
	for k in 1 2 3; do
		( cd killed.$try && { "$gpu/um-train" --device cuda $options $whole $(resume) & sleep $(moment $k$try 0.8 2.5); kill -9 $!; wait $!; } ) >out 2>&1
	done
	( cd killed.$try && run )
	ok "killed three times, then to the end ($try): the same bytes" 'cmp steady/out.ckpt killed.$try/out.ckpt &&
		for f in $(cd steady && find run -name "*.ckpt"); do cmp steady/$f killed.$try/$f || return 1; done'
done
( mkdir stopped && cd stopped && "$gpu/um-train" --device cuda $options $whole & pid=$!
  while [ -z "$(find stopped/run -name last.ckpt 2>/dev/null)" ]; do sleep 0.05; done; sleep 0.3; kill -TERM $pid; wait $pid
  cd stopped && run ) >out 2>&1
ok 'stopped by a signal, and resumed: the same bytes' 'cmp steady/out.ckpt stopped/out.ckpt'
ok 'a run moves from the device to the host and back: as on the host to 1e-4' '
	for e in 3 6 9; do
		go="gpu/um-train -q --device cuda $options -a $net -e $e -b 20 --nesterov --lr-policy constant --lr 0.005 --ema 0.9 $(test $e = 3 || echo --resume)"
		PLAYED_HOST=1 $go --run hosted -o h.ckpt images.ts && (test $e != 6 || export PLAYED_HOST=1; exec $go --run moved -o g.ckpt images.ts) || return 1
	done; close h.ckpt g.ckpt 1e-4'

# ---- what needs gradients on the host ----
ok '--oe doe: steps on the host, says so once, and gives the bytes of the host' '
	doe="-i m.ckpt -e 2 -b 20 --aux aux.ts --oe doe --doe-warmup 1"
	host -q $doe -o h.ckpt images.ts && device $doe -o d.ckpt images.ts 2>said && cmp h.ckpt d.ckpt && test $(grep -c "$comes.*DOE" said) = 1 && ! grep -q "$stays" said'
ok 'UMAP, likewise' '
	umap="-m m.ckpt --method umap -e 1 -b 20 --um 1 $options"
	um-prune -q --engine torch $umap -o h.ckpt images.ts && gpu/um-prune --device cuda $umap -o d.ckpt images.ts 2>said && cmp h.ckpt d.ckpt && test $(grep -c "$comes.*masks" said) = 1'
ok 'without a device nothing is said of it' 'host -e 1 -a $net -o x images.ts 2>said && ! grep -q "$stays\|$comes" said'

# ---- ranks ----
ranks() {                              # COMMAND...: two by hand, as torchrun starts them
	job=$((job + 1)) pids=
	for r in 0 1; do
		RANK=$r LOCAL_RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=$$.$job "$@" >out.$r 2>said.$r </dev/null &
		pids="$pids $!"
	done
	status=0
	for pid in $pids; do wait $pid || status=$?; done
	return $status
}
two="-i m.ckpt -e 3 -b 20 --lr 0.01"
ranks um-train --engine torch $options $two -o host.ckpt images.ts; losses said.0 >h
ok 'ranks of a seam that cannot add up: on the host, as it says, and the bytes of the host' '
	PLAYED_ALONE=1 ranks gpu/um-train --device cuda $options $two -o d.ckpt images.ts && cmp host.ckpt d.ckpt && test $(grep -c "$comes.*NCCL" said.0) = 1 && ! test -s said.1'
ok 'a rank of another build: all add up on the host' '
	ranks sh -c "test \$RANK = 0 || export PLAYED_ALONE=1; exec gpu/um-train --device cuda $options $two -o d.ckpt images.ts" && cmp host.ckpt d.ckpt'
ranks gpu/um-train --device cuda $options $two -o device.ckpt images.ts; status=$?
if [ $status = 0 ] && grep -q "$comes.*NCCL" said.0; then
	ok 'two ranks add up by Gloo # SKIP the seam was built without (libgloo-dev, with the distribution'"'"'s libtorch)' true
else
	losses said.0 >d
	ok 'two ranks add up by Gloo: the losses of the team'"'"'s own sum to 1e-6' '
		test $status = 0 && grep -q "$stays; ranks add up gradients with Gloo" said.0 && test $(wc -l <h) -ge 3 && near 1e-6 h d || { sed "s/^/# /" said.?; false; }'
	ok 'and its values to 1e-5' 'close host.ckpt device.ckpt 1e-5'
	ok 'with frozen values, clipping, averages and Adam likewise, whose values are to 1e-3 as above' '
		more="--freeze-fc --clip-norm 0.5 --ema 0.9 --optimizer adam --lr 0.001"
		ranks um-train --engine torch $options $two $more -o h.ckpt images.ts && ranks gpu/um-train --device cuda $options $two $more -o d.ckpt images.ts && close h.ckpt d.ckpt 1e-3'
	ok 'by TCP' '
		port=$((20000 + $$ % 20000)); export MASTER_ADDR=127.0.0.1 MASTER_PORT=$port
		ranks gpu/um-train --device cuda $options $two -o tcp.ckpt images.ts; rc=$?; unset MASTER_ADDR MASTER_PORT
		test $rc = 0 && cmp device.ckpt tcp.ckpt || { sed "s/^/# /" said.?; false; }'
	long="-a $net -e 12 -b 20 --run dead -o x images.ts"
	ok 'a rank that is killed ends the other, which says so' '
		for r in 0 1; do RANK=$r LOCAL_RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=$$.dead gpu/um-train --device cuda $options $long 2>said.$r & eval "pid$r=$!"; done
		while [ -z "$(find dead -name last.ckpt 2>/dev/null)" ]; do sleep 0.05; done; sleep 0.2
		kill -9 $pid1; wait $pid0; rc=$?; test $rc = 1 && grep -q "rank 1 of 2 is gone\|ranks_sum\|onnection" said.0'
	ok 'they resume to the same bytes' '
		ranks gpu/um-train --device cuda $options $long --resume && cp x dead.ckpt && rm -rf dead && ranks gpu/um-train --device cuda $options $long && cmp x dead.ckpt'
fi
done_testing
