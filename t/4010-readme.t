#!/bin/sh
# The README's commands, each as it stands there, in their order, on small files by the names that they have there: blocks
# of sh run, targets of make exist. What is shown and the pages' examples are held to what there is.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
cd "$SRC" || exit 99

# What is said to make is a target: in the README, and in the other pages that tell what to type.
pages="README.md CONTRIBUTING.md pipelines/RESULTS.md t/perf/README.md lib/README.md"
cat $pages tools/*.7 | grep -o -E '(`|^ *|^\.Ql )make( -j2)?( [A-Z_]+=[^ `]*)* [a-z][a-z0-9-]+' | sed 's/.* //' | sort -u >"$scratch/targets"
sed -n 's/^\([a-z][a-z0-9 -]*\):.*/\1/p' Makefile | tr ' ' '\n' | sort -u >"$scratch/there"
ok 'targets of make were found' 'test "$(wc -l <"$scratch/targets")" -gt 10'
ok 'what the pages tell make to do it can' '
	comm -23 "$scratch/targets" "$scratch/there" | sed "s/^/# make /" >"$scratch/no"
	cat "$scratch/no"; ! test -s "$scratch/no"'
# Links into the tree, and pages that are named.
ok 'links lead somewhere' '
	for page in $pages; do
		grep -o "](\([^)#:]*\))" "$page" | sed "s/^](//; s/)$//" | while read -r l; do
			test -e "${page%/*}/$l" -o -e "$l" || echo "# $page: $l"; done
	done >"$scratch/no"; cat "$scratch/no"; ! test -s "$scratch/no"'
ok 'pages that are named are there' '
	cat $pages | grep -o -E "\bman (5 )?[a-z][a-z-]*( |$|\`)" | tr -d "\`" | sed "s/ *$//; s/.* //" | sort -u | while read -r p; do
		ls tools/$p.[17] lib/*/$p.5 2>/dev/null | grep -q . || echo "# man $p"; done >"$scratch/no"; cat "$scratch/no"; ! test -s "$scratch/no"'
ok 'the README fits 100 columns but for tables, and 158 lines' '
	awk "length > 100 && !/^\|/ { print \"# \" FILENAME \":\" FNR }" README.md >"$scratch/no"
	cat "$scratch/no"; ! test -s "$scratch/no" && test "$(wc -l <README.md)" -le 158'

ok 'CITATION.cff has the version of the Makefile' 'test "$(sed -n "s/^version: //p" CITATION.cff)" = "$(sed -n "s/^VERSION *:= //p" Makefile)"'
ok 'as many scores as the README says' '
	test "$(ood-score --list | grep -c "^[a-z]")" = "$(sed -n "s/^There are \([0-9]*\) scores.*/\1/p" README.md)"'
cd "$scratch" || exit 99

/usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null || { ok "the commands # SKIP needs python3-numpy and python3-pil" true; done_testing; }
golden-net ckpt resnet-narrow:depth=8 4 >m.ckpt && um-ckpt export -q -o model_best.pth m.ckpt
/usr/bin/python3 - <<'END_PY'
import os
import numpy
from PIL import Image
rng = numpy.random.default_rng(1)
def picture(path, kind):                # classes are colours, textures are noise
    x = rng.integers(0, 256, (40, 40, 3)) if kind < 0 else rng.integers(0, 60, (40, 40, 3)) + 60 * (kind == numpy.arange(4)[:3])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(x.astype("u1")).save(path)
for split, n in ("train", 20), ("test", 10):
    for c in range(4):
        for i in range(n):
            picture(f"dataset/{split}/{'abcd'[c]}/{i:03}.png", c)
for i in range(30):
    picture(f"pictures/{i:03}.png", -1)
    picture(f"dtd/banded/{i:03}.png", -1)
END_PY
tar cf dataset.tar dataset && tar cf dtd.tar dtd

# "Beyond one machine" is typed in the source tree, and may find no MPI.
ln -s "$SRC/pipelines" pipelines
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
no_mpi=; command -v mpirun >/dev/null || { no_mpi=/^mpirun/d; ok "mpirun # SKIP not installed" true; }
# The blocks of a section in their order.
commands() { sed -n "/^## $1\$/,/^## /p" "$SRC/README.md" | sed -n '/^```sh$/,/^```$/p' | grep -v '^```'; }
while IFS= read -r section; do
	commands "$section" | tee -a all.sh | sed "s/^ood-detect [^#]*/&|| test \$? = 1 /; $no_mpi" >"$section.sh" # 1: some are out
	ok "$section: there are commands" 'test "$(wc -l <"$section.sh")" -ge 3'
	ok "$section: they run" 'nice sh -e "$section.sh" >"$section.out" 2>err || { sed "s/^/# /" err; false; }'
done <<'END'
Five minutes with your own model
Compare methods
Unleashing Mask
Beyond one machine
END
ok 'no block of sh is outside of these sections' '
	sed -n "/^\`\`\`sh$/,/^\`\`\`$/p" "$SRC/README.md" | grep -v "^\`\`\`" | cmp - all.sh'
ok 'a verdict for each picture' '[ "$(grep -c "^\(in \|out\) .* pictures/[0-9]*\.png$" "Five minutes with your own model.out")" = 30 ]'
ok 'the pipe has the columns that the README shows' '
	ds-pack -q pictures --for my.ckpt | um-embed -q -m my.ckpt | ood-score -q --fit my.fit --threshold my.threshold | ts-dump --tsv >piped
	sed -n "s/^    \(vim  *pred.*\)/\1/p" "$SRC/README.md" | tr -s " " "\t" >want; test -s want && head -n 1 piped | cmp - want'
[ -n "$no_mpi" ] || ok 'two ranks train the same, whoever starts them' 'um-ckpt diff two.ckpt mpi.ckpt'
ok 'a table of shards' 'grep -q "^vim .*dtd" "Beyond one machine.out"'
ok 'a table of methods, and one over seeds' '
	grep -q "^vim .*dtd" "Compare methods.out" && grep -q "^| *base *| *energy.*3 *|" "Compare methods.out"'
ok 'the table has the columns that the README shows' '
	sed -n "s/^    \(method  *set .*\)/\1/p" "$SRC/README.md" | tr -s " " >want; test -s want &&
	ood-metrics --delong -m vim --id id.scores dtd.scores | head -n 1 | tr -s " " | cmp - want'
done_testing
