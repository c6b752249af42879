#!/bin/sh
# --json: what is a table for people or TSV is a JSON object per row, which another program's parser reads.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
command -v python3 >/dev/null || skip_all 'no python3 to read JSON with'

# The expression is true of rows, the list of what the lines of out.json hold.
cat >rows.py <<'END'
import json, math, sys
def no_json(what):
    sys.exit("# no JSON: " + what)
rows = [json.loads(line, parse_constant=no_json) for line in open("out.json", encoding="utf-8")]
def column(name):
    return [r[name] for r in rows]
sys.exit(0 if eval("(" + sys.argv[1] + ")") else "# got %s" % rows[:3])
END
# json CLAIM EXPRESSION COMMAND...
json() {
	claim=$1 expression=$2; shift 2
	"$@" >out.json
	ok "$claim" 'python3 rows.py "$expression"'
}

json 'ood-score --list: a method with its group, needs and parameters' '
	len(rows) > 40 and rows[0]["method"] == "msp" and rows[0]["needs"] is None and rows[0]["group"] == "Logits alone" and
	[r["needs"] for r in rows if r["method"] == "vim"] == ["--fit"] and
	[r["parameters"]["k"]["default"] for r in rows if r["method"] == "knn"] == [50]' ood-score --list --json
ood-score --list | sed -n 's/^\([a-z][^ ]*\) .*/\1/p' | tr '\n' ' ' >want
json 'the same methods as the list for people' 'column("method") == open("want").read().split()' ood-score --list --json
json 'um-train --arch help: size and cost' '
	[(r["weights"], r["spec"]) for r in rows if r["network"] == "resnet50"] == [(23528522, "resnet:depth=50")] and
	[r["multiply_adds_32"] for r in rows if r["network"] == "vgg"] == [None]' um-train --arch help --json
json 'ds-pack --list-formats' 'rows[0]["name"] == "images"' ds-pack --list-formats --json
json 'ds-synth --list' 'rows[0]["name"] == "id" and len(rows) > 3' ds-synth --list -j

# ---- checkpoints ----
golden-net ckpt densenet:depth=10,growth=2 10 >a.ckpt && um-ckpt export -q -o b.pth a.ckpt
um-ckpt show a.ckpt | sed '1,/^name	/d' | cut -f1 | tr '\n' ' ' >want
json 'um-ckpt show: an object of the file, and one per tensor' '
	rows[0]["format"] and rows[0]["meta"]["input"] == [3, 32, 32] and type(rows[0]["history"]) is list and
	[r["name"] for r in rows[1:]] == open("want").read().split() and
	rows[0]["parameters"] == sum(math.prod(r["shape"]) for r in rows[1:] if "running" not in r["name"] and "num_batches" not in r["name"])' \
	um-ckpt show --json a.ckpt
json 'of a file of PyTorch, which knows less' 'rows[0]["module"] is None and len(rows) > 5' um-ckpt show --json b.pth
cat >other.py <<'END'
import torch
s = torch.load("b.pth")
n = [k for k in s if s[k].dtype == torch.float32]
s[n[0]] = s[n[0]] + 0.5
s[n[1]] = torch.full_like(s[n[1]], float("inf"))
del s[n[2]]
s['new "quoted" name'] = torch.zeros(2)
torch.save(s, "c.pth")
END
if /usr/bin/python3 other.py 2>/dev/null; then
	json 'um-ckpt diff: how much, or what else' '
		[d for d in column("difference") if type(d) is float and .49 < d < .51] and "inf" in column("difference") and
		sorted(w for w in column("what") if w) == ["missing in A", "missing in B"] and "new \"quoted\" name" in column("name")' um-ckpt diff --json b.pth c.pth
else
	ok 'um-ckpt diff # SKIP no python3-torch' true
fi

# ---- streams ----
ds-synth --set id -n 6 --seed 1 -o i.ts
json 'um-estimate: m and its spread' '
	len(rows) == 1 and rows[0]["rows"] == 6 and rows[0]["min"] <= rows[0]["mean"] <= rows[0]["max"]' um-estimate -q --json --draws 2 -m a.ckpt i.ts
um-estimate -q --draws 2 --keep 0.9:1:0.05 -m a.ckpt i.ts | sed 1d | cut -f2 | tr '\n' ' ' >want
json 'for several ratios a row each, the numbers of the table' '
	column("keep") == [.9, .95, 1] and ["%.6g" % m for m in column("mean")] == open("want").read().split()' \
	um-estimate -q --json --draws 2 --keep 0.9:1:0.05 -m a.ckpt i.ts
json 'ds-view: the cells' '
	column("input") == list(range(6)) and rows[0]["label"] == "disc" and rows[0]["value"] is None' ds-view --json i.ts
printf '%s\n' '1 0.5 -1' '2 inf 1' '3 -2 1' | ts-gen images image:u1:1x1x1,own:f4,label:i8 >own.ts
json 'a number that JSON lacks is a string; a class without a name is a number' '
	column("value") == [-2, .5, "inf"] and column("label") == [1, -1, 1]' ds-view --json --sort own own.ts
um-embed -q -m a.ckpt i.ts | ood-score -q -m msp,energy -o s.ts
ts-dump s.ts >rows.json
json 'ts-dump: rows, as without it' 'len(rows) == 6 and open("out.json").read() == open("rows.json").read()' ts-dump --json s.ts
json 'ts-dump --history: steps' '
	column("program")[-2:] == ["um-embed", "ood-score"] and rows[-1]["previous"] == [rows[-2]["id"]] and "msp,energy" in rows[-1]["arguments"]' \
	ts-dump --json --history s.ts
ood-metrics --format json --id s.ts 'a "b"=s.ts' >want
json 'ood-metrics: --json is --format json, and names are quoted' '
	rows[0]["set"] == "a \"b\"" and rows[0]["auroc"] == .5 and open("out.json").read() == open("want").read()' ood-metrics --json --id s.ts 'a "b"=s.ts'
json 'of bytes that are not UTF-8 too' 'rows[0]["set"] == "a\\xff\\xc3é\\xe2"' ood-metrics --json --id s.ts "$(printf 'a\377\303é\342=s.ts')"
json 'with --pivot sets are keys, quoted too' 'list(rows[0])[1] == "a \"b\".auroc"' ood-metrics --pivot --json --id s.ts 'a "b"=s.ts'
for i in 1 2 3; do ood-metrics --format tsv --id s.ts x=s.ts >$i.tsv; done
json 'ood-seeds' 'rows[0]["seeds"] == 3' ood-seeds --json 1.tsv 2.tsv 3.tsv

# ---- what it does not go with ----
ok 'another form, or no table: said' '
	for run in "ood-metrics --json --format tsv --id s.ts s.ts" "ts-dump --json --tsv s.ts" "ood-score --json s.ts" "ds-pack --json x" "ds-synth --json --set id" \
		"um-train --json i.ts" "um-ckpt import --json b.pth"; do
		$run >out 2>err; test $? = 2 -a ! -s out && grep -q -e "--json \(goes with\|is --format json\)\|exclude each other" err || echo "# $run: $(cat err)"
	done >no; cat no; ! test -s no'
done_testing
