#!/bin/sh
# ood-report: one self-contained page that agrees with ood-metrics, shows the right images, and works in a browser.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
for s in 1 2 3; do "$gen" scores msp:f4,energy:f4,pred:i8,label:i8,name:str 300 $s | ts-cat -o $s.scores; done
mkdir d && cp 1.scores d/id.scores && cp 2.scores d/x.scores && cp 3.scores d/y.scores
ood-report --id 1.scores -o page.html near:x=2.scores y=3.scores
ok 'the numbers are those of ood-metrics, all that it prints for people' '
	ood-metrics --delong --id 1.scores near:x=2.scores y=3.scores | sed 1d | sed "s/near average/near-average/; s/\[[^]]*\]//" | awk "{ print \$3, \$4, \$5, \$6 }" | sort >want &&
	grep "^<tr" page.html | sed "s/<small>[^/]*<\/small>//; s/<[^>]*>/ /g" | sed "s/near average/near-average/" | awk "{ print \$3, \$4, \$5, \$6 }" | sort | cmp - want'
ok 'the same bytes with other threads, and from a folder' '
	ood-report --threads 3 --id 1.scores near:x=2.scores y=3.scores | cmp - page.html && ood-report d >f.html && grep -q "<td class=\"w\">y</td>" f.html && ! grep -q ">id</td>" f.html'
ok 'it loads nothing' '! grep -q -i "http:\|https:\|<link\|src=\"[^d]\|url(\|@import" page.html && grep -q "default-src .none." page.html'
ok 'where it comes from: each step of each input' 'test "$(grep -c "<li><code>ts-cat -o [123].scores" page.html)" = 3'
ok 'intervals of all metrics by the bootstrap' 'ood-report -m msp -b 50 --id 1.scores 2.scores | grep "^<tr><td" | grep -o "<small>" | wc -l | grep -qx 4'
ok 'names are text, whatever is in them' '
	ood-report --title "a <i> & \"b\"" --id 1.scores "<b onload>&=2.scores" >odd.html && grep -q "<title>a &lt;i&gt; &amp; &quot;b&quot;</title>" odd.html && grep -q "&lt;b onload&gt;&amp;" odd.html && ! grep -q "<b \|<i>" odd.html'
ok 'scores as text' 'seq 1 30 >a.txt && seq 10 40 >b.txt && ood-report --id a.txt b.txt | grep -q "does not say how it was made"'
ok 'the ID set among the OOD sets: a warning' 'ood-report --id 1.scores x=1.scores 2.scores 2>err >out && grep -q "OOD set .x. has the very scores of the ID set" err && ood-report --id 1.scores 2.scores 2>err >out && ! grep -v "are classified right, and guessing" err'
ok 'no interval of no width; few rows: a warning' 'seq 201 320 >above.txt && seq 99 >few.txt && ood-report --id above.txt few.txt 2>err >out && grep -q "few.: of 120 ID and 99 OOD rows: of fewer than 100, intervals are too narrow" err && grep -q "<td data-v=.1.>100.00</td>" out'
ok 'ID and OOD swapped: a warning' 'seq 1 200 >low.txt && seq 150 349 >high.txt && ood-report --id low.txt high.txt 2>err >out && grep -q ".score.: OOD rows score above ID rows" err &&
	ood-report --id high.txt low.txt 2>err >out && ! test -s err'

# ---- trajectory and drift ----
printf 'run\tepoch\tset\tauroc\taupr_in\tfpr95\tid_acc\nbase\t1\tx\t9\t9\t9\t9\nbase\t1\taverage\t60\t9\t80\t50\nbase\t3\taverage\t90\t9\t40\t-\num\t5\taverage\t75\t9\t60\t70\n' >tr.tsv
ood-report --trajectory tr.tsv --id 1.scores 2.scores >tr.html
ok 'along training: averages, of each run a line, scaled to the whole' '
	grep -A 5 "aria-label=\"AUROC, %, from 60 to 90, along epoch" tr.html >auroc && grep -q "k0\" d=\"M34.0 160.0L194.0 0.0\"" auroc && grep -q "k1\" d=\"M354.0 80.0\"" auroc && grep -q "ID accuracy, %, from 50 to 70" tr.html && ! grep -q "Along training" page.html'
ok 'what no epoch has is no picture, and an epoch without a number no point' '
	sed "2,\$s/[0-9-]*$/-/; 4s/3/-/" tr.tsv >some.tsv && ood-report --trajectory some.tsv --id 1.scores 2.scores >some.html && ! grep -q "ID accuracy, %" some.html && ! grep -q "nan\|[^a-z]inf" some.html &&
	grep -q "AUROC, %, from 60 to 90, along epoch" some.html'
ok 'a malformed table' 'printf "run\tepoch\n" >bad1 && fails 1 "bad1.: line 1: no column .set." ood-report --trajectory bad1 --id 1.scores 2.scores && sed "3s/60/x/" tr.tsv >bad2 && fails 1 "bad2.: line 3: .x. is not a number" ood-report --trajectory bad2 --id 1.scores 2.scores &&
	head -n 2 tr.tsv >bad3 && fails 1 "no row of the set .average." ood-report --trajectory bad3 --id 1.scores 2.scores && sed "3s/\t50//" tr.tsv >bad4 && fails 1 "bad4.: line 3: has no cell" ood-report --trajectory bad4 --id 1.scores 2.scores && fails 1 "cannot open .none." ood-report --trajectory none --id 1.scores 2.scores'
awk 'BEGIN { for (i = 0; i < 400; i++) print (i * 37) % 101 / 10 }' >ref.txt; awk 'BEGIN { for (i = 0; i < 900; i++) print (i * 41) % 103 / 10 - (i < 450 ? 0 : 6) }' >came.txt
ok 'drift: the row of the alarm is that of ood-watch' '
	ood-report --drift came.txt --id ref.txt x=came.txt >drift.html && ood-watch --reference ref.txt came.txt 2>err; row=$(sed -n "s/.*alarm at row \([0-9]*\):.*/\1/p" err) && test "$row" -gt 450 && grep -q "raises the alarm at row $row of 900" drift.html &&
	ood-report --drift ref.txt --id ref.txt x=came.txt | grep -q "raises no alarm in these 400 rows" && grep -q "came.txt, 900 rows" drift.html'
ok 'drift: percentiles of each window in the order of the rows' '
	/usr/bin/python3 -c "
import re, sys
page = open(\"drift.html\").read()
low, high = map(float, re.search(r\"set.s, from (\S+) to (\S+), along row\", page).groups())
paths = re.findall(r\"roc k[012]\\\" d=.M([^\\\"]*)\", page[page.index(\"along row\"):])
v = [float(l) for l in open(\"came.txt\")]
w = 45
for path, p in zip(paths, (95, 50, 5)):
    got = [float(xy.split()[1]) for xy in path.split(\"L\")]
    want = []
    for i in range(w):
        rows = sorted(v[i * 900 // w:(i + 1) * 900 // w])
        want.append(160 * (1 - (rows[(len(rows) - 1) * p // 100] - low) / (high - low)))
    assert len(got) == w and max(abs(a - b) for a, b in zip(got, want)) < 0.06 + 160 * 1e-3, (p, got, want)
" '
ok 'drift: scores of other methods are refused' 'fails 1 "energy" ood-report -m energy --drift came.txt --id 1.scores 2.scores'

# ---- images ----
ds-synth --set id -n 60 -o id.images && ds-synth --set blobs -n 50 -o blobs.images
score() { ts-dump --tsv "$1.images" | sed 1d | awk -F '\t' '{ print (NR * 37) % 101, 0, $NF }' | "$gen" scores msp:f4,pred:i8,name:str >$1.scores; }
score id; score blobs
# By name: the images come in another order than their scores.
ts-cat --head 30 blobs.images -o a && ts-cat --shard 1/2 blobs.images -o odd && ts-cat --shard 0/2 blobs.images -o even && ts-cat odd even -o mixed.images
ood-report --top 3 --images id=id.images --images blobs=mixed.images -o img.html --id id.scores blobs.scores
ok 'the images of the lowest and highest scores, by name, in their order' '
	lowest() { ts-cat --select msp,name $1.scores | ts-dump --tsv | sed 1d | sort -g $2 | head -n 3 | sed "s,.*/,,"; }
	{ lowest id; lowest blobs -r; lowest blobs; } >want && grep -o "<figcaption title=\"[^\"]*\">[^<]*<br>" img.html | sed "s/.*\">//; s/<br>//" | cmp - want'
ok 'their pixels are the images, as PNG' '/usr/bin/python3 -c "import PIL" 2>/dev/null || exit 0
	grep -o "base64,[^\"]*" img.html | head -n 1 | cut -c 8- | base64 -d >one.png &&
	name=$(ts-cat --select msp,name id.scores | ts-dump --tsv | sed 1d | sort -g | head -n 1 | cut -f 2) && /usr/bin/python3 - "$name" <<-END
		import json, subprocess, sys, numpy, PIL.Image
		rows = (json.loads(l) for l in subprocess.run(["ts-dump", "id.images"], capture_output=True, text=True).stdout.splitlines())
		want = next(r["image"] for r in rows if r["name"] == sys.argv[1])
		assert (numpy.asarray(PIL.Image.open("one.png")) == numpy.array(want).transpose(1, 2, 0)).all()
	END'
ok 'captions say the class that it is taken for, and its own' 'grep -q "taken for 0, is square, score" img.html'
ok 'below 2 MB, and it says what is left out' '
	ds-synth --set id -n 400 -o many.images && ts-dump --tsv many.images | sed 1d | awk -F "\t" "{ print NR, NR % 7, NR % 11, NR % 13, NR % 17, 0, \$NF }" | "$gen" scores a:f4,b:f4,c:f4,d:f4,e:f4,pred:i8,name:str >many.scores &&
	ood-report --top 100 --images id=many.images --images m=many.images --id many.scores m=many.scores -o big.html && test $(wc -c <big.html) -lt 2000000 && grep -q "images are left out" big.html'
ok 'a set may have = in its name' 'cp blobs.scores k=1.scores && ood-report --images k=1=blobs.images --id id.scores ./k=1.scores | grep -q "<h3>k=1: misses"'
ok 'images that do not belong to the scores are refused, and no page is written' '
	fails 1 "blobs.images" ood-report --images id=blobs.images -o no.html --id id.scores blobs.scores && fails 2 "names no set" ood-report --images z=id.images --id id.scores blobs.scores && fails 2 "names no set" ood-report --id id.scores --images blobs blobs.scores -o no.html &&
	fails 2 "method: .msp. appears twice" ood-report -m msp,msp --id id.scores blobs.scores -o no.html && fails 2 "appear twice" ood-report --images id=id.images --images id=id.images --id id.scores blobs.scores && ! test -e no.html'

# ---- in a browser ----
browser=$(command -v chromium || command -v chromium-browser)
if [ -n "$browser" ]; then
	# Two presses of AUROC's heading, by a script behind the page's own: the lowest row is the first one then.
	see() { timeout 120 "$browser" --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$scratch/profile" "$@" 2>err; }
	ood-report --id 1.scores x=2.scores y=3.scores | sed 's|</body>|<script>const b=document.querySelectorAll("th button")[2];b.click();b.click();document.title="sorted "+[...document.querySelectorAll("tbody tr")].map(r=>r.cells[2].dataset.v).join(" ")</script></body>|' >press.html
	ok 'the table sorts' 'see --dump-dom "file://$scratch/press.html" >dom && sed -n "s/.*<title>sorted \([^<]*\).*/\1/p" dom | tr " " "\n" >got && test $(wc -l <got) = 6 && sort -g got | cmp - got && grep -q "aria-sort=\"ascending\"" dom'
	ok 'no error on the console' 'see --dump-dom "file://$scratch/img.html" >dom && ! grep CONSOLE err'
	ok 'light and dark, it is no blank picture' '/usr/bin/python3 -c "import PIL, numpy" 2>/dev/null || exit 0
		see --screenshot="$scratch/light.png" --window-size=1000,1400 "file://$scratch/img.html" >out && see --force-dark-mode --enable-features=WebContentsForceDark --screenshot="$scratch/dark.png" --window-size=1000,1400 "file://$scratch/img.html" >out &&
		/usr/bin/python3 -c "
import numpy, PIL.Image
a, b = (numpy.asarray(PIL.Image.open(f).convert(\"RGB\")).astype(int) for f in (\"light.png\", \"dark.png\"))
assert a.mean() > 200 and b.mean() < 90 and len(numpy.unique(a.reshape(-1, 3), axis=0)) > 100, (a.mean(), b.mean())"'
else
	ok 'a browser # SKIP no chromium' true
fi
done_testing
