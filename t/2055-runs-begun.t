#!/bin/sh
# Runs killed before their first epoch's checkpoint, queries of a run's directory, outputs that cannot be written, and
# the end of a run.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
ds-synth --set id --n 60 -o images.ts; ds-synth --set id --n 60 --seed 1 -o other.ts
train='um-train -q -a fc -e 2 -b 20 --threads 1 --val-fraction 0.2 --no-history'
prune='um-prune -q -m base.ckpt -e 2 -b 20 --threads 1 --val-fraction 0.2 --um 1 --keep 0.5 --no-history'
$train --run whole -o base.ckpt images.ts && $prune --run whole -o whole.umap images.ts

# ---- killed early ----
again() { # TOOL's words, its result, what the kill left
	rm -rf r; mkdir r; cp -r whole r/run; dir=$(find r/run/$1 -name checkpoints); dir=${dir%/checkpoints}; want=$2; shift 2
	(cd $dir && for f; do rm -rf $f; done)
	case $want in base.ckpt) $train --run r/run --resume -o out images.ts ;; *) $prune --run r/run --resume -o out images.ts ;; esac 2>err &&
	cmp out $want && test -s $dir/settings.yaml && test -s $dir/checkpoints/initial.ckpt && test -s $dir/checkpoints/last.ckpt &&
	test $(wc -l <$dir/log.tsv) = 3 && test "$(find r -name "[0-9]" | wc -l)" = 0 || { cat err; false; }
}
for t in um-train:base.ckpt um-prune:whole.umap; do
	tool=${t%:*} result=${t#*:}
	ok "$tool: before the first epoch was over: initial.ckpt" 'again $tool $result checkpoints/last.ckpt checkpoints/best.ckpt'
	ok "$tool: before any log" 'again $tool $result checkpoints/last.ckpt checkpoints/best.ckpt log.tsv ds-synth_log.txt "logs/*"'
	ok "$tool: before initial.ckpt: from the beginning, in its directory" 'again $tool $result "checkpoints/*" "*.txt" log.tsv logs'
	ok "$tool: before its settings" 'again $tool $result "checkpoints/*" "*.txt" log.tsv logs settings.yaml'
done
cp -r whole early; find early/um-train -name last.ckpt -exec rm {} +
ok 'it says where it begins' '$train --run early --resume images.ts >out 2>err; cat early/um-train/*/*_log.txt | grep -q "starting again from initial.ckpt"'
cp -r whole data; find data/um-train -name last.ckpt -exec rm {} +
ok 'other images are refused there too' 'fails 1 "initial.ckpt.* was trained on other images" $train --run data --resume other.ts'
ok 'other options too' 'fails 1 "the options that it began with" $train --run data --lr 0.3 --resume images.ts'
um-train -q -a fc -e 1 --threads 1 -i base.ckpt -o from-initial images.ts --no-history && find whole/um-train -name initial.ckpt -exec cp {} initial \;
ok 'initial.ckpt is no state to resume from as a start' 'um-train -q -i initial -e 1 -b 20 --threads 1 --no-history -o x images.ts && ! ts-dump --header x | grep -q "train/"'
ok 'temporaries of kills go, other files stay' '
	d=$(find early -name checkpoints | head -n 1) && for f in last.ckpt.AbC123 epoch_0002.ckpt.zzzzzz initial.ckpt.aaaaaa mine.ckpt.aaaaaa last.ckpt.old; do echo x >$d/$f; done; echo x >$d/../settings.yaml.a1b2c3
	$train --run early --resume -o x images.ts && ls $d $d/.. | grep -v "initial.ckpt$\|best.ckpt\|last.ckpt$" | tr "\n" " " | grep -q "last.ckpt.old mine.ckpt.aaaaaa .*checkpoints .*logs settings.yaml $"'
ok 'log.tsv and settings.yaml are replaced whole' 'ln -f early/um-train/default/log.tsv old.log && cp old.log was && $train --run early --resume -o x images.ts && cmp old.log was'
odd=$(printf 'odd\nlr: 9')
ok 'a name with a newline is no option' 'cp images.ts "$odd" && $train --run odd "$odd" -o x && test "$(grep -c "^lr:" odd/um-train/*/settings.yaml)" = 1 && $train --run odd --resume -o x "$odd"'

# ---- more epochs ----
log() { cut -f 1-7 $1/um-train/*/log.tsv; }
long='um-train -q -a fc -b 20 --threads 1 --val-fraction 0.2 --no-history --lr-policy constant --ema 0.5'
$long -e 3 --run long5 images.ts && cp -r long5 killed && $long -e 5 --run five -o five.ckpt images.ts
ok '--resume with more --epochs goes on; with a constant rate it ends in the bytes of a run of so many' '
	$long -e 5 --run long5 --resume -o more.ckpt images.ts && cmp more.ckpt five.ckpt && log long5 >a && log five | cmp - a && cmp long5/um-train/*/checkpoints/best.ckpt five/um-train/*/checkpoints/best.ckpt'
ok 'settings.yaml records it; resumed again, it is a run of that many' '
	grep -q "^epochs: 5$" long5/um-train/*/settings.yaml && grep -qx "# epochs: 3 until it was resumed with more" long5/um-train/*/settings.yaml &&
	$long -e 5 --run long5 --resume -o more.ckpt images.ts && cmp more.ckpt five.ckpt'
ok 'fewer are refused, and other options with more' 'fails 1 "epochs: 5.*epochs: 4" $long -e 4 --run long5 --resume images.ts && fails 1 "lr: 0.1.*lr: 0.3" $long -e 9 --lr 0.3 --run long5 --resume images.ts'
ok 'killed between its settings and its checkpoint, and after: the same bytes' '
	cp killed/um-train/*/checkpoints/last.ckpt three.ckpt && $long -e 5 --run killed --resume -o more.ckpt images.ts && cp three.ckpt killed/um-train/*/checkpoints/last.ckpt && $long -e 5 --run killed --resume -o more.ckpt images.ts && cmp more.ckpt five.ckpt &&
	cmp killed/um-train/*/checkpoints/last.ckpt five/um-train/*/checkpoints/last.ckpt'
cosine='um-train -q -a fc -b 20 --threads 1'
$cosine -e 2 --run cos images.ts && $cosine -e 4 --run cos --resume -o more.ckpt images.ts
ok 'each further epoch has the learning rate of its number among all' 'cut -f 2 cos/um-train/*/log.tsv | tail -n +2 >a && printf "%s\n" 0.1 0.05 0.05 0.0146446609 >want && near 1e-8 a want'
ok 'the history has both calls' 'ts-dump --history more.ckpt | grep -c um-train | grep -qx 2'
cp -r whole begun; find begun/um-train -name last.ckpt -exec rm {} +
ok 'a run that was killed before its first epoch too' '$train -e 4 --run begun --resume -o more.ckpt images.ts && test $(wc -l <begun/um-train/default/log.tsv) = 5 && $train -e 4 --run four -o four.ckpt images.ts && cmp more.ckpt four.ckpt'

# ---- where is it ----
ok '--print-run: the newest, without images' '
	test "$(um-train --run whole --print-run)" = whole/um-train/default && test "$(um-prune -m base.ckpt --run whole --keep 0.5 --print-run)" = whole/um-prune/default/prune_rate=0.5 &&
	$train --run whole images.ts && test "$(um-train --run whole --print-run </dev/null)" = whole/um-train/default/0 &&
	test "$(um-train --config whole/um-train/default/settings.yaml --print-run | sed "s,.*/whole/,,")" = um-train/default'
ok 'none' 'fails 1 "nothing to resume in" um-train --run nowhere --print-run && ! test -e nowhere && fails 2 "needs --run" um-train --print-run'
ok 'a run of an earlier version, prune_rate=1.0, is found and goes on, and one that begins now is beside it' '
	mkdir -p old/um-train/default && cp -r whole/um-train/default old/um-train/default/prune_rate=1.0 && rm -r old/um-train/default/prune_rate=1.0/0 &&
	test "$(um-train --run old --print-run)" = old/um-train/default/prune_rate=1.0 && $train --run old --resume -o more.ckpt images.ts && cmp more.ckpt base.ckpt &&
	test "$(um-train --config old/um-train/default/prune_rate=1.0/settings.yaml --run new --name b --resume --print-run | sed "s,.*/old/,,")" = um-train/default/prune_rate=1.0 &&
	$train --run old images.ts && test "$(um-train --run old --print-run)" = old/um-train/default && ! test -e old/um-train/default/0'
ok 'settings.yaml of a run, old or new: CONFIG of a new one is its' '
	for d in um-train/default um-train/default/prune_rate=1.0; do um-train -q --config old/$d/settings.yaml --run again$d --name c images.ts && test -e again$d/um-train/c/log.tsv || exit 1; done
	um-train -q --config whole/um-train/default/0/settings.yaml --run again0 --name c images.ts && test -e again0/um-train/c/log.tsv'
ok 'pipelines ask, and guess no folders' '! grep -n "/\*/\*" $SRC/pipelines/*.mk'

# ---- outputs ----
for o in no/such/folder/x .; do
	ok "-o $o: before the work" 'fails 1 "cannot \(create\|open\|write\)" um-train -a fc -e 1 --run n -o $o images.ts && ! test -e n && fails 1 "cannot" um-prune -m base.ckpt --um 1 -o $o images.ts &&
		fails 1 "cannot" um-prune -m base.ckpt --method magnitude -o $o images.ts'
done
um-embed -q -m base.ckpt images.ts >features.ts
ok 'ood-fit too: it reads nothing' 'fails 1 "cannot create" ood-fit -o no/folder/x features.ts && ! { yes | ood-fit -o no/folder/x 2>err; } && grep -q "cannot create" err'
ok 'what was there stays until the end, and no temporary stays' 'echo old >kept && um-train -q -a fc --lr 1000 -b 5 -e 5 -o kept images.ts 2>err; test $? = 1 && grep -qx old kept && ! ls kept.* 2>/dev/null'

# ---- the end ----
mkfifo slow
$train --run term --ood slow=slow images.ts >out 2>err & pid=$!
while ! test -e term/um-train/default/checkpoints/last.ckpt || ! grep -q "^epoch=2 " term/*/*/*_log.txt; do sleep 0.1; done
sleep 0.5; kill -TERM $pid; n0=$(date +%s); wait $pid; rc=$?
ok 'SIGTERM while --ood is reported: at once' 'test $rc = 143 && test $(($(date +%s) - n0)) -lt 5'
ds-synth --set id --n 500 -o many.ts
ok 'an average that is still what training began with is reported, also after a resumed run, one that is not is not' '
	said() { um-train -a fc -e 1 -b 100 --lr 0.002 --threads 1 "$@" many.ts 2>&1 | grep "^um-train: --ema"; }
	said --ema 0.999 -o x | grep -q "ema 0.999 over [0-9]* steps: 9[0-9.]* % of what is written are the values before training; 0.[0-9]* would leave 1 %" &&
	! said --ema 0.3 -o x && said --ema 0.97 --run averaged | grep -q . && said --ema 0.97 --run averaged --resume -e 2 | grep -q "over $((2 * $(ts-dump many.ts | wc -l) / 100)) steps"'
ok 'a training that learns nothing reports it; one that learns does not' 'um-train -a fc -e 1 -b 100 --lr 1e-12 -o x many.ts 2>err && grep -q "nothing was learnt; try another --lr (it was 1e-12)" err &&
	um-train -a fc -e 4 -b 50 --lr 0.002 -o x many.ts 2>err && ! grep -q "nothing was learnt" err || { cat err; false; }'
done_testing
