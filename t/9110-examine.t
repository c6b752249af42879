#!/bin/sh
# t/gpu/examine on a CPU, with a toy: from what the bundle has of it and from the tree, stage by stage; killed at any
# moment, what it had measured is there.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
[ -z "$SANITIZE" ] || skip_all 'as it is, without sanitizers'
python=/usr/bin/python3

# ---- the bundle, as t/gpu/files has it; its seam is made by copying the one that is there
tab=$(printf '\t')
grep -v '^#' "$SRC/t/gpu/files" >files
while IFS=$tab read -r folder from; do
	case $from in build/*) from=$BUILD/${from#build/} ;; *) from=$SRC/$from ;; esac
	mkdir -p "bundle/$folder" && cp "$from" "bundle/$folder" || echo "$from" >>missing
done <files
ok 'all that t/gpu/files names is there' 'test -s files && ! test -e missing'
share=bundle/share/unmask examine=$PWD/bundle/share/unmask/gpu/examine
mkdir -p bundle/bin $share/configs $share/seam bundle/lib/unmask
for tool in ds-pack ts-cat ts-dump um-embed um-estimate um-train; do cp "$BUILD/$tool" bundle/bin; done
cp "$SRC/configs/cifar10-densenet.yaml" $share/configs
printf 'all:\n\ttest -d "$(LIBTORCH)" && cp "%s" ../../../lib/unmask\n' \
	"$(readlink -f "$BUILD/libunmask-th.so")" >$share/seam/Makefile
cat >$share/gpu/t/bad.t <<-'END'
	echo 'ok 1 - what holds'
	echo '# 3 numbers, largest difference 0.25'
	echo 'not ok 2 - what does not hold'
	exit 1
END

# ---- a CIFAR-10 of 80 images, in parts
mkdir data && /usr/bin/python3 - <<-'END'
	import io, random, tarfile
	from PIL import Image
	with tarfile.open("cifar10-png.tar.xz", "w:xz") as tar:
	    for i in range(80):
	        png = io.BytesIO()
	        Image.frombytes("RGB", (32, 32), random.Random(i).randbytes(3072)).save(png, "png")
	        info = tarfile.TarInfo(f"{'train' if i < 60 else 'test'}/{'abc'[i % 3]}/{i}.png")
	        info.size = len(png.getvalue())
	        tar.addfile(info, io.BytesIO(png.getvalue()))
END
split -b 90k cifar10-png.tar.xz data/cifar10-png.tar.xz.part
rm cifar10-png.tar.xz

toy="--toy --device cpu --minutes 3 --data data --out out --python $python"
start() {                              # examine, in a group of processes of its own
	setsid "$examine" $toy "$@" >said 2>&1 &
	pid=$!
}
wait_for() {                           # a pattern in a file, for a minute
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		kill -0 $pid 2>/dev/null && [ $i -lt 600 ] || return
		sleep 0.1; i=$((i + 1))
	done
}
end_it() { kill -9 "-$pid" 2>/dev/null; wait $pid 2>/dev/null; }
killed_after() { wait_for "stage $1 is done" said; end_it; sed 's/^/# /' said; grep -q "stage $1 is done" said; }
has() { awk -F '\t' "$1 { n++ } END { exit !n }" out/results.tsv; }
shown() { grep -q "$1" out/GPU.md; }
failed() { has '$2 == "failure"' && sed -n "s/.*${tab}failure$tab/# /p" out/results.tsv; }

start --libtorch data --tests 't/9100-gpu.t um_queue.t'
ok 'killed after stage 1: the machine is there' '
	killed_after 1 && has "\$1 == 1 && \$3 == \"processor\"" && shown "^| seam | built in" &&
	shown "^| device | cpu |" && ! failed'
start --stages 2345 --tests 't/9100-gpu.t um_queue.t'
ok 'after stage 2: what the tests said, and the differences' '
	killed_after 2 && shown "^| um_queue.t | 2[0-9] | 0 | 0 |" && shown "^| 9100-gpu.t | [0-9]" &&
	shown "f32, logits | [0-9].*e-0[6-9]" && shown "bf16, features | 0.00[0-9]" && shown "8 steps, losses | [0-9]" &&
	! failed'
ok 'and what stage 1 had found' 'shown "^| seam | built in" && shown "^| 1 | the seam and the machine |"'
start --stages 345
ok 'killed in the middle of stage 3: the first figures are there' '
	wait_for "forward toy f32 1 unmask" said; end_it
	has "\$2 == \"forward\" && \$3 == \"toy\" && \$6 == \"unmask\" && \$7 > 0"'
start --stages 345
ok 'after stage 3: images a second, none of them twice' '
	killed_after 3 && shown "^| DenseNet-10 | f32 | 1 | [0-9.]* ±" && ! failed &&
	shown "^| DenseNet-10 | bf16 | 4 | [0-9.]* ±" && shown "^| DenseNet-10 | bf16 | 400 | [0-9]" &&
	test $(grep -c "^3${tab}forward${tab}toy${tab}f32${tab}1${tab}unmask" out/results.tsv) = 1'
if $python -c 'import torch, torchvision' 2>/dev/null; then
	ok 'beside PyTorch' '
		has "\$6 == \"PyTorch eager\" && \$7 > 0 && \$10 == 3" && shown "| PyTorch eager | MiB | "'
else
	ok 'PyTorch is not there, which is said' '
		shown "^| PyTorch | none for $python" && ! shown "| PyTorch eager"'
fi
start --stages 45
ok 'after stage 4: the training step' '
	killed_after 4 && has "\$2 == \"train\" && \$6 == \"unmask\" && \$7 > 0 && \$10 == 4" &&
	shown "^## The training step" && ! failed'

# ---- training
start --stages 5
i=0
while ! test -s out/run.tar && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
ok 'in stage 5 the run is kept from the first epoch on' 'tar -tf out/run.tar | grep -q "checkpoints/last.ckpt"'
kill -TERM $pid
run=cifar10-densenet/default
ok 'SIGTERM: a last checkpoint, and the report' '
	wait $pid; test $? = 143 && tar -xf out/run.tar && grep -q "^stopped in epoch" $run/*_log.txt &&
	shown "^## The training step"'
before=$(ts-dump --header $run/checkpoints/last.ckpt | sed -n 's/.*"train\/epoch": \([0-9]*\).*/\1/p')
ok 'another examination goes on with it' '
	"$examine" $toy --stages 5 --resume out/run.tar >said 2>&1 && ! failed &&
	shown "^- said: resumed in epoch $((before + 1)) .*;stopped in epoch" &&
	awk -F"|" -v before=$before "/^[|] [0-9]+ [|]/ && \$2 > before {n++} END {exit !n}" out/GPU.md'
ok 'and from a folder' '
	"$examine" $toy --stages 5 --resume cifar10-densenet >said 2>&1 &&
	shown "^- said: resumed in epoch $((before + 1)) .*;stopped in epoch"'
ok 'four files are all there is' 'test "$(echo $(ls out))" = "GPU.md examine.log results.tsv run.tar"'

# ---- what fails
printf '#!/bin/sh\necho boom >&2\nexit 3\n' >bundle/libexec/nn-bench
ok 'what fails is told, the rest goes on, and the exit status is 1' '
	"$examine" --toy --device cpu --out out --python false --stages 23 --tests t/bad.t >said 2>&1
	test $? = 1 && shown "^    boom$" &&
	shown "^- not ok, bad.t: what does not hold" && shown "^| bad.t | 1 | 1 | 0 |" &&
	shown "^| bad.t | what does not hold | 0.25 |" &&
	shown "^| DenseNet-10 | f32 | 400 | [0-9]" && shown "^## A run"'
rm bundle/lib/unmask/libunmask-th.so
ok 'the training that is compared is by libtorch, on a CPU too' '
	! "$examine" --toy --device cpu --out bare --python false --stages 2 --tests t/bad.t >said 2>&1 &&
	grep -q "training by lib/nn and by libtorch on cpu" bare/GPU.md && grep -q "cannot find libunmask-th.so" bare/GPU.md'
ok 'without time nothing is measured, which is no failure' '
	"$examine" --toy --device cpu --minutes 0 --out none --python false --stages 23 >said 2>&1 &&
	grep -q "the time of the stage was over" none/GPU.md'
for wrong in '--minutes soon' --nonsense --out; do
	ok "misuse: $wrong" '"$examine" $wrong 2>err; test $? = 2 && test $(wc -l <err) = 1'
done

# ---- from the tree
ok 'from the tree, without PyTorch' '
	"$SRC/t/gpu/examine" --toy --device cpu --out tree --python false --stages 14 >said 2>&1 &&
	grep -q "^| seam | was there |" tree/GPU.md &&
	grep -q "^| PyTorch | none for false" tree/GPU.md && grep -q "^| DenseNet-10 | f32 | 8 | [0-9.]* ±" tree/GPU.md'
done_testing
