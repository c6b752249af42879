#!/bin/sh
# pipelines/cluster.mk: shards as separate targets give the table of the whole; what a job loses is made again; also
# under a real Slurm, whose jobs train together, too.
. "$SRC/t/lib.sh"
export OMP_NUM_THREADS=1
ds-synth --set id --split train --n 200 -o train.images
ds-synth --set id --n 100 -o id.images
ds-synth --set textures --n 90 -o tx.images
um-train -q -a resnet-narrow:depth=8 -e 1 -b 20 --no-history -o my.ckpt train.images
mkdir folder && /usr/bin/python3 -c "
from PIL import Image
for i in range(20): Image.new('RGB', (32, 32), (i * 12, 99, 255 - i * 9)).save('folder/%02d.png' % i)"
cluster() {                            # OUT VARIABLE...
	out=$1; shift
	make -s -j${jobs:-2} -f "$SRC/pipelines/cluster.mk" OUT="$out" MODEL=my.ckpt TRAIN=train.images ID=id.images OOD='tx plain' \
		tx=tx.images plain=folder METHODS=msp,energy,knn,mahalanobis,vim "$@"
}
cluster whole >/dev/null 2>err || sed 's/^/# /' err
ok 'a table, of shards that are the whole' 'test $(grep -c "^[a-z]* *\(tx\|plain\) " whole/table.txt) = 10'
cluster eight SHARDS=8 >out 2>err || sed 's/^/# /' err
ok 'eight shards: the same bytes' 'cmp whole/table.txt eight/table.txt && sed \$d out | cmp - eight/table.txt && tail -n 1 out | grep -q ": eight/report.html$" && test $(ls eight/tx.*-of-8.scores | wc -l) = 8'
ok 'nothing to do is nothing done' '! cluster none SHARDS=8 -q none/table.txt && cluster eight SHARDS=8 -q eight/table.txt'
ok 'a set that is not said' 'fails 2 "needs MODEL=" make -s -f "$SRC/pipelines/cluster.mk"'
ok 'another set by the same name, other options, a file that is newer: made again' '
	ds-synth --set id --n 100 --seed 1 -o other.images && cluster fresh SHARDS=2 ID=other.images >/dev/null && cluster eight SHARDS=2 ID=other.images >/dev/null &&
	cmp fresh/table.txt eight/table.txt && ! cmp -s whole/table.txt eight/table.txt &&
	cp id.images other.images && cluster eight SHARDS=2 ID=other.images >/dev/null && cmp whole/table.txt eight/table.txt &&
	cluster eight SHARDS=2 ID=other.images METHODS=msp >/dev/null && test $(grep -c "^[a-z]* *\(tx\|plain\) " eight/table.txt) = 2'
um-train -q -a resnet-narrow:depth=8 -e 1 -b 20 --seed 1 --no-history -o other.ckpt train.images && touch -d 2001-01-01 other.ckpt
ok 'another model, though its file is older: made again' '
	cluster two SHARDS=2 >/dev/null && cmp whole/table.txt two/table.txt && cluster two SHARDS=2 MODEL=other.ckpt >/dev/null && ! cmp -s whole/table.txt two/table.txt &&
	cluster fresh2 SHARDS=2 MODEL=other.ckpt >/dev/null && cmp fresh2/table.txt two/table.txt'
# The first job that comes is lost.
cat >loses <<-END
	#!/bin/sh
	if mkdir "\$LOST" 2>/dev/null; then \${CANCEL:-false}; exit 1; fi
	exec "\$@"
END
chmod +x loses
ok 'a job that is lost fails, and the next make makes its shard' '
	! LOST=$PWD/lost cluster again SHARDS=8 RUN="$PWD/loses" >/dev/null 2>&1 && test ! -e again/table.txt &&
	LOST=$PWD/lost cluster again SHARDS=8 RUN="$PWD/loses" >/dev/null 2>err && cmp whole/table.txt again/table.txt'

# ---- Slurm ----
slurm() { PATH="$PATH" sh "$SRC/t/helper/slurm.sh" "$PWD/slurm" "$@"; }
slurm true 2>why
if [ $? = 77 ]; then
	n=$((n + 1)); echo "ok $n - Slurm # SKIP $(tail -n 1 why)"
	done_testing
fi
cat >array <<-END
	#!/bin/sh
	#SBATCH --array=0-3 --output=array.%a.log
	ts-cat --shard \$SLURM_ARRAY_TASK_ID/4 train.images | um-embed -m my.ckpt -o \$SLURM_ARRAY_TASK_ID.features
END
cat >work <<-END
	. "$SRC/t/lib.sh"                  # ok(), in a folder of its own; the plan is not said here
	planned=yes
	cd "$PWD"
	$(sed -n '/^cluster()/,/^}/p' "$SRC/t/4009-cluster.t")
	jobs=8                             # they wait for Slurm more than they work
	train="um-train -a densenet:depth=10,growth=2 -e 1 -b 20 --sync-bn --no-history --threads 1"
	if [ "$SLOW" = yes ]; then # a minute of waiting for Slurm
	LOST=$PWD/cancelled CANCEL='scancel \$SLURM_JOB_ID' cluster slurmed SHARDS=8 RUN="srun -n1 $PWD/loses" >/dev/null 2>&1; echo \$? >first
	LOST=$PWD/cancelled cluster slurmed SHARDS=8 RUN="srun -n1 $PWD/loses" >/dev/null 2>&1; echo \$? >second
	fi
	sbatch array >/dev/null; while squeue -h | grep -q .; do sleep 0.2; done
	srun -N 1 -n 2 \$train -o one-node.ckpt train.images 2>one-node
	MASTER_ADDR=localhost srun -N 2 -n 2 \$train -o two-nodes.ckpt train.images 2>two-nodes
	srun -n 2 sh -c "um-train -q --ranks 1 -a fc -e 1 --seed \\\$SLURM_PROCID -o apart.\\\$SLURM_PROCID train.images"
END
slurm sh ./work 2>why || sed 's/^/# /' why
[ "${SLOW:-}" = yes ] && ok 'Slurm: a job that was cancelled ends the first make, the second ends in the same table' \
	'test $(cat first) != 0 && test $(cat second) = 0 && cmp whole/table.txt slurmed/table.txt'
ok 'Slurm: an array of jobs, each a shard' '
	um-embed -q --no-history -m my.ckpt train.images | ts-dump --tsv | sort >a; test -s a && ts-cat -q --no-history [0-3].features | ts-dump --tsv | sort | cmp - a'
ok 'Slurm: two tasks are one training, on one node and on two' \
	'grep -q "^2 ranks" one-node && grep -q "^2 ranks" two-nodes && cmp one-node.ckpt two-nodes.ckpt'
ok 'Slurm: or, with --ranks 1, two' 'test -s apart.0 -a -s apart.1 && ! cmp -s apart.0 apart.1'
ok 'it is gone afterwards' 'test -s slurm/pids && for pid in $(cat slurm/pids); do ! kill -0 $pid 2>/dev/null || exit 1; done'
done_testing
