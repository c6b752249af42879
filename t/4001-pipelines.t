#!/bin/sh
# The experiment in small: from data to the table; killed on the way, it resumes and ends in the same table.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

small='N_TRAIN=60 N_TEST=40 N_OOD=20 ARCH=densenet:depth=10,growth=2'
demo() {
	make -s -f "$SRC/pipelines/demo.mk" RUN="$1" $small OOD='unseen-shapes blobs' TRAIN='--epochs 2 --batch-size 20 --threads 1' \
		FINETUNE='--epochs 1 --batch-size 20 --threads 1' ESTIMATE='--draws 2 --val-fraction 0.1'
}
# What comes next is wrong with the command, and not with the file: all of it was read.
ok 'every file of configs/ is taken by its program' '
	for f in "$SRC"/configs/*.yaml; do
		case $f in *umap*) tool="um-prune -m none" ;; *estimate*) tool="um-estimate -m none" ;; *) tool=um-train ;; esac
		$tool --config "$f" none 2>&1 | grep -q "cannot open .none." || echo "# $f"
	done >out; cat out; ! test -s out'
ok 'the demo runs' 'demo whole >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'it ends with a page, and where that is' '
	tail -n 1 out | grep -q ": whole/report.html$" && grep -q "false alarms" whole/report.html && grep -q "unseen-shapes: misses" whole/report.html && grep -q "<li><code>um-train" whole/report.html'
ok 'its first line says how the set was made' '
	wrong=$(ts-cat --select noisy whole/train.images | ts-dump --tsv | grep -cx 1); test $wrong -gt 5 &&
	grep -q "^60 drawings of ten shapes .*: $wrong of their labels are wrong" out'
ok 'a row for each model, AUROC and then FPR95, and two of what is flagged' '
	sed -n "/^AUROC/,/^model  *best/p" whole/demo.txt out | awk "{ print \$1 }" | sed "/^ *\$/d" | tr "\n" " " >rows
	four="model plain early +CE +UM " flags="Flagged, model plain plain early early +CE +CE +UM +UM "
	case $(cat rows) in "AUROC ${four}FPR95 $four$flags"*) ;; *) sed "s/^/# /" rows; false ;; esac'
ok 'they are the measures of ood-metrics' '
	awk "\$1 == \"+UM\" && \$2 == \"vim\" { print \$3, \$6 }" whole/table.txt >want && test -s want &&
	awk "\$1 == \"+UM\" && NF == 11 { printf \"%s%s\", (\$7 + \$11) / 2, n++ ? \"\\n\" : \" \" }" whole/demo.txt >got && near 1e-3 got want'
ok 'the wrong labels that are repeated, from logits' '
	um-embed -q -m whole/plain.ckpt whole/train.images | ts-cat --select noisy,label,logits | ts-dump | sed "s/\"[a-z]*\"://g; s/[][{},]//g" |
	awk "\$1 { top = 3; for (i = 4; i <= 12; i++) if (\$i > \$top) top = i; n++; same += top - 3 == \$2 } END { print same / n }" >got &&
	cut -f 3 whole/plain.repeated >want && near 1e-5 got want'
ok 'what is flagged, from verdicts' '
	um-embed -q -m whole/um.ckpt whole/blobs.images | ood-score -q --method all --fit whole/um.fit --threshold whole/um.threshold | ts-cat --select verdict:knn | ts-dump --tsv |
	awk "NR > 1 { n++; f += \$1 } END { print f / n }" >got && awk "\$3 == \"knn\" && \$4 == \"blobs\" { print \$5 }" whole/um.flagged >want && near 1e-5 got want'
ok 'columns as published' 'head -n 1 whole/table.txt | grep -q "AUROC.*AUPR-IN.*AUPR-OUT.*FPR95.*ID-ACC"'
ok 'early is the epoch of best validation' 'ts-cat --no-history whole/early.ckpt | cksum >a; ts-cat --no-history whole/plain/um-train/default/checkpoints/best.ckpt | cksum | cmp - a'
ok 'a second call does nothing anew' 'cp whole/um.ckpt before; touch -r whole/um.ckpt stamp; demo whole >again 2>&1; test ! whole/um.ckpt -nt stamp && head -n $(wc -l <whole/demo.txt) again | cmp - whole/demo.txt'
ok 'the same folder for another experiment is refused, with what differs' '
	! make -s -f "$SRC/pipelines/demo.mk" RUN=whole $small NOISE=0 >out2 2>err && grep -q "RUN=whole holds an experiment with other settings: NOISE was .0.3. and is .0. now; give another RUN" err && cp -r whole twin &&
	more() { make -s -f "$SRC/pipelines/demo.mk" RUN=twin $small OOD="unseen-shapes blobs" ESTIMATE="--draws 2 --val-fraction 0.1" TRAIN="--epochs 2 --batch-size 20 --threads 1" "$@" >out2 2>err; } &&
	! more FINETUNE="--epochs 1 --batch-size 10" && grep -q "FINETUNE was .--epochs 1 --batch-size 20 --threads 1. and is .--epochs 1 --batch-size 10. now" err &&
	rm twin/settings && more FINETUNE="--epochs 1 --batch-size 20 --threads 1" && cmp twin/demo.txt whole/demo.txt'
ok 'other methods are other tables, of the same networks' '
	METHODS=msp,gen && make -s -f "$SRC/pipelines/demo.mk" RUN=whole $small OOD="unseen-shapes blobs" TRAIN="--epochs 2 --batch-size 20 --threads 1" FINETUNE="--epochs 1 --batch-size 20 --threads 1" \
		ESTIMATE="--draws 2 --val-fraction 0.1" METHODS=$METHODS whole/table.txt >out2 2>err && awk "NR > 1 { print \$2 }" whole/table.txt | sort -u | paste -sd " " | grep -qx "gen msp" && ! test whole/um.ckpt -nt stamp && demo whole >again 2>&1 &&
	tail -n +2 whole/table.txt | awk "{ print \$2 }" | sort -u | paste -sd " " | grep -qx "energy knn msp vim"'
ok 'the estimate is what UM was given' 'ts-dump --history whole/um.ckpt | grep -q -- "--um $(cat whole/loss) "'
for wait in 0.3 1.2 2.6; do
	setsid make -s -f "$SRC/pipelines/demo.mk" RUN=killed $small OOD='unseen-shapes blobs' TRAIN='--epochs 2 --batch-size 20 --threads 1' \
		FINETUNE='--epochs 1 --batch-size 20 --threads 1' ESTIMATE='--draws 2 --val-fraction 0.1' >/dev/null 2>&1 &
	pid=$!
	sleep $wait
	kill -s KILL -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
done
demo killed >out2 2>&1
ok 'killed three times, it goes on to the same table' 'cmp killed/demo.txt whole/demo.txt && cmp killed/table.txt whole/table.txt'
ok 'and the same weights' 'ts-cat --no-history killed/um.ckpt | cksum >a; ts-cat --no-history whole/um.ckpt | cksum | cmp - a'
ok 'all programs on one pipe, which dies quietly when its reader goes away' '
	{ ds-synth --set id -n 3000 | um-embed -m whole/um.ckpt | ood-score -q --method all | ts-dump --tsv; } 2>err |
		head -n 3 >out; test $(wc -l <out) = 3 && ! test -s err'

# Images from an archive, through the CIFAR-10 pipeline with everything small.
mkdir -p data/c/train data/c/test data/dtd
cp -r "$SRC/t/golden/ds/photos/cat" "$SRC/t/golden/ds/photos/dog" data/c/train
cp -r "$SRC/t/golden/ds/photos/cat" "$SRC/t/golden/ds/photos/dog" data/c/test
cp -r "$SRC/t/golden/ds/photos/dog" data/dtd/dots
tar cf data/cifar10.tar -C data/c train test; rm -r data/c
ok 'the CIFAR-10 pipeline without its data says what it wants' '
	! make -s -f "$SRC/pipelines/cifar10.mk" DATA=nowhere >out 2>err && grep -q "DATA=dir" err'

# The other experiments, in small.
small='N_TRAIN=80 N_TEST=40 N_OOD=20 OOD=blobs ARCH=densenet:depth=10,growth=2'
quick='--batch-size 20 --threads 1'
vs() { make -s -f "$SRC/pipelines/um-vs-umap.mk" RUN=vs $small COMMON="$quick" EPOCHS=3 TUNE_EPOCHS=1 SEEDS="1 2" "$@"; }
ok 'um-vs-umap runs' 'vs >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'and ends with a page, and where that is' 'tail -n 1 out | grep -q ": vs/1/report.html$" && grep -q "blobs: misses" vs/1/report.html'
ok 'a row for each model and method, over two seeds' '
	test $(grep -c " 2\$" out) = 14 && test "$(awk "\$2 == \"energy\" {print \$1}" out | tr "\n" " ")" = "base early ce um umap umap-full magnitude "'
ok 'a folder with a blank in its name is refused' '! vs RUN="blank here" >out2 2>err && grep -q "RUN=.blank here.: rules of make cannot have a blank in a name" err && ! test -e blank'
ok 'UMAP'"'"'s full network is the base: the same numbers' '
	test "$(sed -n "s/^base  *//p" out)" = "$(sed -n "s/^umap-full *//p" out)"'
ok 'the standard deviation is that of the seeds' '
	/usr/bin/python3 -c "
import csv, statistics
v = [100 * float(r[\"auroc\"]) for s in \"12\" for r in csv.DictReader(open(f\"vs/{s}/um.tsv\"), delimiter=\"\t\") if r[\"set\"] == \"average\" and r[\"method\"] == \"energy\"]
print(f\"{statistics.mean(v):.2f}\\n{statistics.stdev(v):.2f}\")" >want &&
	sed -n "s/^um  *energy *\([0-9.]*\) (\( *[0-9.]*\)).*/\1 \2/p" out | tr -s " " "\n" >got && near 1e-3 got want'
ok 'other seeds are another table, and only what is missing is made' '
	vs SEEDS=2 >one 2>&1 && test $(grep -c " 1\$" one) = 14 && rm vs/1/um-blobs.scores vs/1/um.tsv && touch stamp && vs >again 2>&1 && cmp out again &&
	find vs -newer stamp -type f | sort | tr "\n" " " | grep -qx "vs/1/all.tsv vs/1/report.html vs/1/um-blobs.scores vs/1/um.tsv vs/table.txt "'
ok 'a second call does nothing anew' 'touch stamp; vs >again 2>&1; cmp out again && test -z "$(find vs -newer stamp -name "*.ckpt")"'
oe() { make -s -f "$SRC/pipelines/oe.mk" RUN=oe $small OOD=gaussian N_AUX=60 COMMON="$quick" EPOCHS=2 TUNE_EPOCHS=1 DRAWS=1 OE=poem SEEDS=1; }
ok 'oe runs' 'oe >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'it ends with a page, too' 'tail -n 1 out | grep -q ": oe/1/report.html$" && grep -q "gaussian: misses" oe/1/report.html'
ok 'a row for each model and score, with and without outliers' '
	awk "\$3 == \"energy\" {print \$1, \$2}" out | tr "\n" ";" | grep -qx "base w.o.;ce w.o.;um w.o.;poem w.;poem+um w.;"'
table() { printf 'model\tmethod\tset\tfpr95\nbase\tmsp\ta\t0.9\nmodel\tmethod\tset\tfpr95\nce\tmsp\ta\t0.8\noe\tmsp\ta\t%s\n' $1; }
ok 'seeds in which FPR95 fell are counted: below the base, below the control' '
	table 0.85 >1.tsv; table 0.7 >2.tsv; table 0.9 >3.tsv; awk -f "$SRC/pipelines/wins.awk" 1.tsv 2.tsv 3.tsv | tail -n 1 | tr -s " " >got && echo "oe msp a 2/3 1/3" | cmp - got'
ok 'trajectory runs, to a picture and a page' '
	make -s -f "$SRC/pipelines/trajectory.mk" RUN=tr $small COMMON="$quick" EPOCHS=3 TUNE_EPOCHS=2 >out 2>err &&
	head -c 8 tr/trajectory.png | od -c | head -n 1 | grep -q "P   N   G" && tail -n 1 out | grep -q ": tr/report.html$" && grep -q "Along training" tr/report.html || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'a row for each epoch, set and average; fine-tuning goes on counting' '
	test $(wc -l <tr/trajectory.tsv) = 15 && cut -f 1,2 tr/trajectory.tsv | sort -u | tr "\t\n" " ;" | grep -q "base 1;base 2;base 3;ce 4;ce 5;run epoch;um 4;um 5;"'
ok 'without gnuplot the TSV is there, and it says that the picture is not' '
	mkdir bare && ln -s /usr/bin/* bare && rm bare/gnuplot* tr/trajectory.png &&
	PATH=$BUILD:$PWD/bare make -s -f "$SRC/pipelines/trajectory.mk" RUN=tr $small COMMON="$quick" EPOCHS=3 TUNE_EPOCHS=2 >out 2>err &&
	grep -qx tr/trajectory.tsv out && grep -q "no gnuplot" err && ! test -e tr/trajectory.png'
ok 'its last point is the model that was written' '
	um-embed -q -m tr/um.ckpt tr/test.images | ood-score -m energy -o id.s && um-embed -q -m tr/um.ckpt tr/blobs.images | ood-score -m energy -o ood.s &&
	ood-metrics --format tsv --id id.s blobs=ood.s | awk "NR == 2 {print 100 * \$3, 100 * \$6}" >a && awk "\$1 == \"um\" && \$2 == 5 && \$3 == \"blobs\" {print \$4, \$6}" tr/trajectory.tsv >b && near 1e-4 a b'
ok 'with a --config too, whose name is in that of the run, a training that was killed goes on' '
	printf "batch-size: 20\nthreads: 1\n" >own.yaml
	vs2() { make -s -f "$SRC/pipelines/um-vs-umap.mk" RUN=vs2 $small COMMON="--config own.yaml" EPOCHS=3 TUNE_EPOCHS=1 SEEDS=1 vs2/1/early.ckpt >/dev/null 2>err; }
	vs2 && rm vs2/1/base.ckpt vs2/1/early.ckpt && vs2 && ls vs2/1/base/own/default >got && grep -q checkpoints got && ! grep -q "^[0-9]" got || { tail -n 3 err | sed "s/^/# /"; false; }'
ok 'so does that of the demo' '
	own() { make -s -f "$SRC/pipelines/demo.mk" RUN=own $small OOD=blobs TRAIN="--config own.yaml --epochs 2" own/early.ckpt >/dev/null 2>err; }
	own && rm own/plain.ckpt own/early.ckpt && own && grep -q "^resumed in epoch 3" own/plain.log && ls own/plain/own/default >got && grep -q checkpoints got && ! grep -q "^[0-9]" got || { tail -n 3 err | sed "s/^/# /"; false; }'
ok 'atypical runs' '
	make -s -f "$SRC/pipelines/atypical.mk" RUN=at $small COMMON="$quick" EPOCHS=3 SHOW=10 >out 2>err && test -s at/typical.png && test -s at/atypical.png ||
	{ tail -n 5 err | sed "s/^/# /"; false; }'
ok 'the known atypical samples are counted' 'known=$(awk "NR == 1 {for (i = 1; i <= NF; i++) at[\$i] = i; next} {n += \$at[\"atypical\"]} END {print n}" at/known.tsv)
	grep -q "^$known of 80 samples are atypical" out && test $known -gt 0'
ok 'precision by hand' '
	paste at/known.tsv at/typicality.tsv | awk -F "\t" "NR == 1 {for (i = 1; i <= NF; i++) at[\$i] = i; next} {print \$at[\"typicality\"], \$at[\"atypical\"]}" |
		sort -g -s | head -n 20 | awk "{n += \$2} END {printf \"%.1f\\n\", 5 * n}" >want && awk "\$1 == 20 {print \$2}" at/precision.txt | cmp - want'
done_testing
