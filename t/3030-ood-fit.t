#!/bin/sh
# ood-fit: shards, order, bank, what it refuses. Numbers are in t/unit/ood_golden.c.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
ts-gen features logits:f4:3,features:f4:5,label:i8 0 1 >none.f
ts-gen features logits:f4:10,features:f4:5,label:i8 700 1 >f
ts-gen features logits:f4:10,features:f4:5 700 1 >unlabelled.f
for i in 0 1 2 3 4 5 6; do ts-cat --shard $i/7 f | ood-fit --bank 100 -o $i.fit; done
ood-fit --bank 100 f -o whole.fit
values() { ts-values 1000000 "$1" "$2"; }
# same A B TENSOR...: byte for byte; close: up to rounding
same() { a=$1 b=$2; shift 2; for x; do values "$a" "$x" >1 && values "$b" "$x" >2 && test -s 1 && cmp 1 2 || return 1; done; }
close() { a=$1 b=$2; shift 2; for x; do values "$a" "$x" >1 && values "$b" "$x" >2 && near 1e-10 1 2 >out || return 1; done; }
ok 'seven shards give the fit of the whole: the bank byte for byte' '
	ood-fit --merge 0.fit 1.fit 2.fit 3.fit 4.fit 5.fit 6.fit -o a.fit &&
	same a.fit whole.fit bank.features bank.logits bank.label bank.key pred.count features.count'
ok 'and means and scatter up to rounding' 'close a.fit whole.fit features.mean features.scatter unit.scatter right.features pred.prob'
ok 'the order of the shards does not matter' '
	ood-fit --merge 6.fit 2.fit 5.fit 0.fit 1.fit 4.fit 3.fit -o b.fit && same a.fit b.fit bank.key bank.features &&
	close a.fit b.fit features.scatter'
ok 'nor does the order of the rows' 'ts-cat --shuffle --seed 3 f | ood-fit --bank 100 -o c.fit && same c.fit whole.fit bank.key bank.logits'
ok 'the bank holds 100 rows' '[ "$(values whole.fit bank.label | wc -w)" = 100 ]'
ok 'a fit whose rows are there already, as that of the whole among its parts, is warned of; parts are not' '
	told() { ood-fit --merge -o c.fit "$@" 2>err && test $(wc -l <err) = 1 && grep -q "$want.fit. holds rows of the fits before it, or they hold its rows: they count twice" err || { cat err; return 1; }; }
	ood-fit --merge -o a.fit 0.fit 1.fit 2.fit 3.fit 4.fit 5.fit 6.fit 2>err && ! test -s err &&
	want=3 told 3.fit 3.fit && want=whole told 0.fit 1.fit 2.fit 3.fit 4.fit 5.fit 6.fit whole.fit && want=5 told whole.fit 5.fit && want=whole told 5.fit whole.fit &&
	for i in 0 1; do ts-cat --shard $i/2 f | ood-fit --bank 0 -o half$i.fit; done && ood-fit --bank 0 -o all.fit f && want=all told half1.fit half0.fit all.fit && want=half0 told all.fit half0.fit &&
	ood-fit --merge -o c.fit half0.fit half1.fit 2>err && ! test -s err && ood-fit --merge -q -o c.fit all.fit all.fit 2>err && ! test -s err'
ok 'another seed, another bank' 'ood-fit --bank 100 --seed 1 f -o c.fit && ! same c.fit whole.fit bank.key >/dev/null'
ok '--bank 0 holds all rows' 'ood-fit --bank 0 f -o c.fit && [ "$(values c.fit bank.label | wc -w)" = 700 ]'
ok 'half precision: half the space, close numbers' 'ood-fit --bank 100 --bank-type f2 f -o half.fit &&
	ts-dump --header half.fit | grep -q "bank.features.*<f2" && values half.fit bank.features >1 &&
	values whole.fit bank.features >2 && near 1e-3 1 2 >out'
ok 'the same bytes each time' 'ood-fit --no-history f -o x && ood-fit --no-history <f >y && cmp x y'
ok 'no rows: refused' 'fails 1 "no rows" ood-fit none.f'
ok 'merging other banks, other models, other seeds: refused, the file named' '
	ood-fit --bank 50 f -o c.fit && fails 1 "c.fit.*--bank" ood-fit --merge a.fit c.fit &&
	ts-gen features logits:f4:3,features:f4:5 9 1 | ood-fit --bank 100 -o d.fit && fails 1 "d.fit.*another model" ood-fit --merge a.fit d.fit &&
	ood-fit --bank 100 --seed 9 f -o e.fit && fails 1 "e.fit.*--seed" ood-fit --merge a.fit e.fit'
ok 'a fit that is there is merged and tuned as it is: what chooses its rows and parts is misuse' '
	for o in "--bank 50" "--bank-type f4" "--seed 0" "-m knn"; do
		fails 2 "is for a fit that is made from features; --merge takes" ood-fit --merge $o a.fit b.fit && fails 2 "; --tune takes" ood-fit --tune a.fit $o f || return 1
	done'
ok 'NaN: file and row are named' 'printf "1 2 3 4 0\n1 2 nan 4 0\n" | ts-gen features logits:f4:2,features:f4:2,label:i8 >x.f;
	fails 1 "x.f.*row 1: feature 0" ood-fit x.f'
ok 'a label that is no class' 'echo "1 2 3 4 2" | ts-gen features logits:f4:2,features:f4:2,label:i8 >x.f;
	fails 1 "labels out of range" ood-fit x.f'
ok 'features too large for half precision' 'echo "1 2 70000 4 1" | ts-gen features logits:f4:2,features:f4:2,label:i8 >x.f;
	fails 1 "half precision" ood-fit --bank-type f2 x.f'
ok 'rows without labels: class means are refused, the rest works' 'ood-fit unlabelled.f -o u.fit &&
	fails 1 "700 rows of the fit have no label" ood-score -f u.fit -m mahalanobis f &&
	ood-score -f u.fit -m knn f -o s'

# Fits that lie: made in Python from a good one.
lie() {
	/usr/bin/python3 -c "
import msgpack, msgpack_numpy, sys, numpy as np
u = list(msgpack.Unpacker(open('whole.fit', 'rb'), object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False, max_buffer_size=2**30))
h = u[0]; t = {k: np.array(v) for r in u[1:-1] for k, v in r.items()}
$1
h['fields'] = {k: {'type': v.dtype.str, 'shape': list(v.shape)} for k, v in t.items()}
o = sys.stdout.buffer; p = lambda x: o.write(msgpack.packb(x, default=msgpack_numpy.encode))
p(h)
for k, v in t.items(): p({k: v})
p({'end': True, 'rows': len(t), 'xxh3': None})" >lie.fit
	fails 1 "lie.fit.*$2" ood-score -f lie.fit f
}
ok 'a fit that is rewritten as it was is taken' '! lie "" "x" >out && ood-score -q -f lie.fit f -o s 2>err && test -s s'
ok 'a label of the bank out of range' 'lie "t[\"bank.label\"][5] = 10" "labels out of range"'
ok 'a bank of another number of rows' 'lie "t[\"bank.label\"] = t[\"bank.label\"][:50]" "another type or shape"'
ok 'a count below zero' 'lie "t[\"features.count\"][0] = -1" "out of range"'
ok 'an infinite scatter' 'lie "t[\"features.scatter\"][0, 0] = np.inf" "out of range"'
ok 'a bank that is not finite' 'lie "t[\"bank.features\"][3, 1] = np.nan" "not finite"'
ok 'means of another size' 'lie "t[\"features.mean\"] = t[\"features.mean\"][:, :3]" "another type or shape"'
ok 'a missing tensor' 'lie "del t[\"unit.mean\"]" "lacks .unit.mean"'
ok 'more rows in the bank than there were' 'lie "h[\"meta\"][\"rows\"] = 50" "does not fit its meta"'
ok 'a checkpoint is no fit' 'fails 1 "expected\|fit" ood-score -f f f'
done_testing
