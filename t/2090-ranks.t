#!/bin/sh
# Several processes as one training: the same numbers with any number of ranks, by any launcher; a failure of one is
# reported once and ends all; kills at any moment end in the same bytes.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMP_NUM_THREADS
ds-synth --set id --n 200 -o images.ts
ds-synth --set id --n 200 --seed 1 -o other.ts
ds-synth --set textures --n 200 -o aux.ts
net=densenet:depth=10,growth=2

# N COMMAND...: starts them by hand as torchrun would. Rank R's output is in said.R.
ranks() {
	size=$1 job=$((job + 1)) pids=; shift
	r=0; while [ $r -lt $size ]; do
		RANK=$r WORLD_SIZE=$size LOCAL_WORLD_SIZE=$size TORCHELASTIC_RUN_ID=$$.$job "$@" >out.$r 2>said.$r </dev/null &
		pids="$pids $!"; r=$((r + 1))
	done
	status=0
	for pid in $pids; do wait $pid || status=$?; done
	return $status
}
# All fail, one of them reports why, in one line, and nothing else is printed.
fail_once() {
	pattern=$1; shift
	rm -f said.*
	! ranks "$@" && cat said.* >all && [ $(wc -l <all) = 1 ] && grep -q -- "$pattern" all || { sed 's/^/# /' said.*; false; }
}
losses() { tr " " "\n" <"$1" | sed -n "s/^\(loss\|folded\|oe\|val_loss\)=//p"; }
train="um-train -a $net -b 20 --val-fraction 0.1 --seed 3 --threads 1 --no-history"

# ---- the same training ----
for size in 1 2 3; do
	ranks $size $train -e 6 --lr 0.05 --dropout 0.1 --sync-bn --run run.$size -o $size.ckpt images.ts || cat said.*
	tail -n +2 $(find run.$size -name log.tsv) | cut -f 1-7,10 >log.$size
done
ok '54 steps with --sync-bn: losses and accuracies of 1, 2 and 3 ranks are the same to 1e-5' \
	'near 1e-5 log.1 log.2 && near 1e-5 log.1 log.3 && test $(wc -l <log.3) = 6'
ok 'rank 0 alone writes and speaks' 'test -s said.0 -a ! -s said.1 -a ! -s said.2 && test $(find run.3 -name log.tsv | wc -l) = 1'
ok 'the log says whose statistics batch norms go by' 'grep -q "^3 ranks.*use the whole batch" said.0'
ranks 2 $train -e 1 -o x images.ts
ok 'and that without --sync-bn they are a rank'"'"'s' 'grep -q "^2 ranks.*use each rank.s part" said.0'
# A number within rounding of 0 may take a ReLU's other side, and then all that follows differs by more than rounding: with
# --seed 3 and smoothing one does, from one process to any number of ranks.
same_as_alone() {                      # OPTION...: two epochs with 3 ranks, and with one
	ranks 1 $train --seed 4 -e 2 --lr 0.02 "$@" -o one images.ts && losses said.0 >one && ranks 3 $train --seed 4 -e 2 --lr 0.02 --sync-bn "$@" -o three images.ts &&
		losses said.0 >three && test $(wc -l <three) -ge 4 && near ${tolerance:-1e-4} one three
}
for options in '--um 2.35' '--ema 0.9 --clip-norm 1 --label-smoothing 0.1' '--optimizer adam --lr 0.003' '--logit-norm 0.04' \
	'--aux aux.ts --oe oe' '--aux aux.ts --oe energy --separate-bn' '--aux aux.ts --oe mixoe --aux-ratio 0.5' \
	'--aux aux.ts --oe poem'; do
	ok "$options: as alone" 'same_as_alone $options'
done
tolerance=1e-3                         # it normalises a small gradient, rounding and all
ok '--oe doe: as alone' 'same_as_alone --aux aux.ts --oe doe --doe-warmup 1'
um-prune -q -m 1.ckpt -e 1 -b 20 --um 1 --no-history -o p1.ckpt images.ts
ok 'um-prune: as alone' '
	ranks 2 um-prune -m 1.ckpt -e 1 -b 20 --um 1 --no-history --sync-bn -o p2.ckpt images.ts &&
	um-ckpt diff p1.ckpt p2.ckpt | awk "\$2 > 1e-4 {bad = 1} END {exit bad}"'
for how in '' '--mode train --dropout 0.1 --augment both' '--val-fraction 0.1'; do
	ok "um-estimate $how: the same bytes" '
		um-estimate -q -m 1.ckpt --keep 0.9:0.99:0.03 $how images.ts >one &&
		ranks 3 um-estimate -m 1.ckpt --keep 0.9:0.99:0.03 $how images.ts && cmp one out.0 && test ! -s out.1 -a ! -s out.2'
done

# ---- a failure is reported once ----
ok 'a file that is not there' 'fail_once "cannot open .nowhere.ts.: No such file" 3 $train -o x nowhere.ts'
ok 'standard input' 'fail_once "standard input goes to one: give their FILE" 2 $train -o x'
ok 'other options' 'fail_once "rank 1 has other options than rank 0: .lr: 0.2., not .lr: 0.1." 2 sh -c "$train --lr 0.\$((RANK + 1)) -o x images.ts"'
ok 'other images' 'fail_once "rank 1 has other images than rank 0" 3 sh -c "test \$RANK = 1 && f=other || f=images; exec $train -o x \$f.ts"'
ok 'other outliers' 'fail_once "rank 2 has other images than rank 0" 3 sh -c "test \$RANK = 2 && f=other || f=aux; ts-cat -q --select image \$f.ts >\$RANK.ts;
	mkdir -p \$RANK && cd \$RANK && mv ../\$RANK.ts aux.ts && exec $train -o x --oe oe --aux aux.ts ../images.ts"'
ok 'um-estimate: other images' 'fail_once "rank 1 has other images than rank 0" 2 sh -c "test \$RANK = 1 && f=other || f=images; exec um-estimate -m 1.ckpt \$f.ts"'
ok 'fewer images than ranks in the last batch' 'fail_once "has 1, fewer than the 2 ranks; choose another --batch-size" 2 $train -b 179 -o x images.ts'
ok 'nothing to resume' 'fail_once "nothing to resume" 2 $train --run none --resume images.ts'
ok 'one rank fails: rank 0 says whose failure it was' 'mkdir d0 d1 && cp aux.ts d0 &&
	fail_once "^um-train: rank 1: cannot open .*aux.ts" 2 sh -c "cd d\$RANK && exec $train -o x --oe oe --aux aux.ts ../images.ts"'
ok 'a loss that is not finite' 'fail_once "training diverged" 2 $train --lr 1000 --weight-decay 1000 -e 30 -q -o x images.ts'
ok 'an output that cannot be written' 'fail_once "cannot create .*nowhere" 2 $train -o nowhere/x images.ts'
if have_torch; then
	ok 'libtorch has no common statistics' 'fail_once "sync-bn is for unmask.s own kernels" 2 $train --sync-bn --engine torch -o x images.ts'
	ok '--multigpu: a GPU for each rank' 'fails 1 "cannot use device .cuda:7." $train --multigpu 7,6 -o x images.ts &&
		fail_once "cannot use device .cuda:1." 2 sh -c "LOCAL_RANK=\$((1 - RANK)) exec $train --device cuda -o x images.ts"'
fi
ok '--multigpu: what it is not' '
	fails 2 "not a list of numbers of GPUs" $train --multigpu 0,x -o x images.ts && fails 2 "not a list of numbers" um-estimate -m 1.ckpt --multigpu , images.ts &&
	fails 2 "leave out --ranks 3" $train --multigpu 0,1 --ranks 3 -o x images.ts && fails 2 "both name GPUs" $train --multigpu 0,1 --device cuda:1 -o x images.ts'
ok 'a mask that one process computes: refused before anything is read or written' 'head -c 3000 images.ts >cut && echo kept >held &&
	fail_once "one process computes the mask" 2 um-prune -m 1.ckpt --method snip --val-fraction 0.2 --held held -o x cut && grep -qx kept held'
ok 'um-estimate --per-sample' 'fail_once "needs all masks in one process" 2 um-estimate -m 1.ckpt --per-sample x images.ts'
ok 'variables that make no sense' '
	fails 1 "RANK is .2., not a whole number from 0 to 1" env RANK=2 WORLD_SIZE=2 $train -o x images.ts &&
	fails 1 "WORLD_SIZE is .many." env WORLD_SIZE=many $train -o x images.ts &&
	fails 1 "on several machines, and MASTER_ADDR does not name" env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_SIZE=2 $train -o x images.ts'
ok '--ranks 1: alone, whatever the variables say' 'RANK=0 WORLD_SIZE=2 $train -q --ranks 1 -e 1 -o x images.ts'

# ---- kills ----
moment() { /usr/bin/python3 -c "import random; random.seed($1); print(round(random.uniform($2, $3), 3))"; }
long="$train -e 5 --save-every 2 --run run -o out.ckpt ../images.ts"
( mkdir whole && cd whole && ranks 2 $long )
# In the run's folder: resumes a killed run; does nothing if it was killed too early, and the run is gone.
going_on() { find run -name "*.ckpt" 2>/dev/null | grep -q . && echo --resume || rm -rf run; }
kill_one() {                           # SEED, in the run's folder: starts or resumes it, and kills one rank
	resume=$(going_on)
	job=$((job + 1)) pids=
	for r in 0 1; do
		RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=$$.k$1 $long $resume >out.$r 2>said.$r </dev/null &
		pids="$pids $!"
	done
	set -- $1 $pids
	sleep $(moment $1 0.1 0.7)
	[ $(($1 % 2)) = 0 ] && kill -9 $2 || kill -9 $3
	wait $2; wait $3
} 2>/dev/null
for seed in 1 2 3 4 5 6 ${SLOW:+7 8 9 10 11 12 13 14 15 16 17 18 19 20}; do
	( mkdir -p killed && cd killed && kill_one $seed; cat said.* >>../said.killed )
done
ok 'a rank that is killed ends the others, and one of them reports it' 'grep -q "^um-train: rank [01] of 2 is gone" said.killed'
ok 'where rank 0 is left, it names the checkpoint' 'grep -q "rank 1 of 2 is gone.*\(last\|initial\).ckpt" said.killed'
( cd killed; ranks 2 $long $(going_on) ) || cat killed/said.*
ok 'killed at random moments, then the same command: the same bytes' '
	cmp whole/out.ckpt killed/out.ckpt && (for f in $(cd whole && find run -name "*.ckpt"); do cmp whole/$f killed/$f || exit 1; done)'
ok 'stopped by a signal to one rank: all stop, and go on in the middle of an epoch to the same bytes' '
	mkdir stopped && ( cd stopped; slow=$(echo "$long" | sed "s/-e 5/-e 20/")
		for r in 0 1; do RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=$$.stop $slow >out.$r 2>said.$r </dev/null & eval "pid$r=$!"; done
		while [ -z "$(find run -name last.ckpt 2>/dev/null)" ]; do sleep 0.05; done
		kill -TERM $pid1; wait $pid0; wait $pid1
		grep -q "^stopped in epoch" said.0 && ranks 2 $slow --resume ) && mkdir steady &&
	( cd steady && ranks 2 $(echo "$long" | sed "s/-e 5/-e 20/") ) && cmp steady/out.ckpt stopped/out.ckpt'
ok 'a run of 2 ranks goes on with 3, and with one' '
	mkdir more && cd more && ranks 2 $train -e 1 --sync-bn --run run images.ts 2>&1; cd ..; rm -rf more
	ranks 2 $train -e 2 --sync-bn --run more images.ts && cp -r more fewer &&
	ranks 3 $train -e 3 --sync-bn --run more --resume -o 3.ckpt images.ts && $train -q --ranks 1 -e 3 --sync-bn --run fewer --resume -o 1.ckpt images.ts &&
	um-ckpt diff 1.ckpt 3.ckpt | awk "\$2 > 1e-4 {bad = 1} END {exit bad}"'

# ---- launchers ----
ranks 2 $train -e 1 --sync-bn -o by-hand.ckpt images.ts
ok '--ranks 2 starts them, and is through when all are' '$train -e 1 --sync-bn --ranks 2 -o started.ckpt images.ts 2>said && cmp by-hand.ckpt started.ckpt &&
	grep -q "^2 ranks" said && grep -q "^rank 0 sent [0-9.]* MB a step; [0-9.]* % of the time" said && test $(wc -l <said) = 3'
ok 'misuse is reported once, before they start' '
	(for tool in "um-train -o x" "um-prune -m 1.ckpt -o x" "um-estimate -m 1.ckpt"; do
		! $tool --ranks 2 images.ts aux.ts 2>said && test $(grep -c "at most one FILE" said) = 1 || exit 1; done)'
have_torch && ok 'libtorch, each rank with its own statistics: the losses of our own kernels' '
	$train -e 3 --lr 0.02 --ranks 2 -o x images.ts 2>said && losses said >own && $train -e 3 --lr 0.02 --ranks 2 --engine torch -o x images.ts 2>said && losses said >torch &&
	test $(wc -l <own) -ge 6 && near 1e-4 own torch &&
	um-estimate -q -m 1.ckpt images.ts >one && um-estimate -q -m 1.ckpt --engine torch --ranks 2 images.ts >two && near 1e-5 one two'
ok 'by TCP' '
	port=$((20000 + $$ % 20000))
	MASTER_ADDR=localhost MASTER_PORT=$port RANK=1 WORLD_SIZE=2 $train -e 1 --sync-bn -o x images.ts & pid=$!
	MASTER_ADDR=localhost MASTER_PORT=$port RANK=0 WORLD_SIZE=2 $train -q -e 1 --sync-bn -o tcp.ckpt images.ts && wait $pid && cmp by-hand.ckpt tcp.ckpt'
# Someone else's rank 0, under the name that ours would have.
cat >stranger.py <<-'END'
	import os, re, socket, subprocess, sys, time
	def start(rank):
	    return subprocess.Popen(sys.argv[1:], env=dict(os.environ, RANK=rank, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", TORCHELASTIC_RUN_ID="%d.stranger" % os.getpid()))
	def listens(pid):
	    try:
	        open_files = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
	    except OSError:
	        return None
	    names = [line.split() for line in open("/proc/net/unix") if "@unmask/" in line]
	    return next((n[7] for n in names if "socket:[%s]" % n[6] in open_files), None)
	zero = start("0")
	while not listens(zero.pid):
	    time.sleep(0.02)
	name = listens(zero.pid)
	zero.kill()
	zero.wait()
	os.seteuid(65534)
	s = socket.socket(socket.AF_UNIX)
	s.bind("\0" + name[1:])
	s.listen(4)
	os.seteuid(0)
	one = start("1")
	said = s.accept()[0].recv(1000)
	one.kill()
	sys.exit(len(said) > 0)
END
[ $(id -u) = 0 ] && ok 'a rank 0 of another user is told nothing' 'timeout 60 /usr/bin/python3 stranger.py $train -e 1 -o x images.ts'
# timeout plays the process that MPICH has on each machine.
ok 'by the variables of an MPICH that has several machines' '
	port=$((20000 + ($$ + 1) % 20000))
	MASTER_ADDR=localhost MASTER_PORT=$port PMI_RANK=1 PMI_SIZE=2 timeout 60 $train -e 1 --sync-bn -o x images.ts & pid=$!
	MASTER_ADDR=localhost MASTER_PORT=$port PMI_RANK=0 PMI_SIZE=2 timeout 60 $train -q -e 1 --sync-bn -o mpich.ckpt images.ts && wait $pid &&
	cmp by-hand.ckpt mpich.ckpt'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launcher() {                           # NAME COMMAND...: what the command starts is one training, and the same
	name=$1; shift
	launch=$*
	command -v "$1" >/dev/null 2>&1 || { n=$((n + 1)); echo "ok $n - $name # SKIP no $1"; return; }
	ok "$name" '$launch $train -e 1 --sync-bn -o launched.ckpt images.ts >said.launched 2>&1 && cmp by-hand.ckpt launched.ckpt || { sed "s/^/# /" said.launched; false; }'
}
launcher 'Open MPI' mpirun.openmpi --oversubscribe -n 2
launcher 'MPICH' mpirun.mpich -n 2
# Debian 12's torchrun cannot take its defaults of -r and -t apart under Python 3.11; newer ones need neither.
launcher 'torchrun' torchrun -r 1 -t 2 --log_dir torchrun --nproc_per_node 2 --no_python
ok 'threads: the processors are divided among the ranks' '
	ranks 2 um-train -q -a fc -e 1 --run threads images.ts && grep -qx "threads: $(($(nproc) > 1 ? $(nproc) / 2 : 1))" $(find threads -name settings.yaml)'
done_testing
