#!/bin/sh
# The commands of the pages of section 7, each as it stands there, on small files by the names that they have there. What
# cannot run here is exempt by a pattern, with the reason.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$scratch/bin:$PATH
export PATH

# An image of 8 x 8 pixels, a BMP: picture FILE COLOUR; colours are 1 to 4, 0 is noise.
picture() {
	mkdir -p "${1%/*}"
	{
		printf 'BM\366\000\000\000\000\000\000\000\066\000\000\000\050\000\000\000\010\000\000\000\010\000\000\000'
		printf '\001\000\030\000\000\000\000\000\300\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
		seed=$((seed + 1))
		awk -v seed=$seed -v c="$2" 'BEGIN {
			srand(seed)
			for (i = 0; i < 192; i++)
				printf "%c", c ? 1 + int(rand() * 60) + 60 * (i % 3 == c % 3) + 30 * (c > 3) : 1 + int(rand() * 250)
		}'
	} >"$1"
}
seed=0
for split in train test; do
	for c in 1 2 3 4; do
		for i in 1 2 3 4 5 6 $([ $split = test ] || echo 7 8 9 10); do picture set/$split/$c/$i.bmp $c; done
	done
done
for i in 1 2 3 4 5 6 7 8; do picture incoming/$i.bmp $((i % 2)); done
ok 'small pictures are made' 'ds-pack -q set --split train | ts-dump --header | grep -q "\"rows\": *40"'

# What programs of others would give: frames of a camera, names of files that come.
mkdir bin
printf '#!/bin/sh\nhead -c $((480 * 640 * 3 * 20)) /dev/zero | tr "\\000" "\\177"\n' >bin/ffmpeg
printf '#!/bin/sh\nfor i in incoming/*; do echo "$i"; done\n' >bin/inotifywait
chmod +x bin/*

golden-net ckpt resnet-narrow:depth=8 4 >golden.ckpt && um-ckpt export -q -o model_best.pth golden.ckpt
um-ckpt import -q --normalise cifar10 --prepare size=32 -o my.ckpt model_best.pth && cp my.ckpt um.ckpt
for s in train val test; do
	ds-pack -q set --split $([ $s = train ] && echo train || echo test) --for my.ckpt -o $s.images
done
cp train.images big.images
ds-pack -q set --split train | ts-cat --select image -o outliers.images
um-embed -q -m my.ckpt train.images | ood-fit -q -o my.fit
um-embed -q -m my.ckpt -o v val.images
ts-cat -o val.features v v v v v v v v v v v v v # as many as a page's guarantee asks for
ood-score -q -m energy -o val.scores val.features
ood-score -q --fit my.fit -m vim -o id.scores val.features
for m in vim energy; do
	ood-score -q --fit my.fit -m $m val.features | ood-threshold -q --false-alarm 0.2 -o $m.threshold
done
cp id.scores dtd.scores
cp -R "$SRC/pipelines/plots" plots
tar cJf cifar10.tar.xz -C set train test
um-train -q -e 1 -b 8 -i my.ckpt -o base.ckpt train.images 2>err
um-prune -q -m base.ckpt -e 1 -b 8 --keep 0.8 -o masked.ckpt train.images 2>err
um-ckpt export -q -o epoch_99.state masked.ckpt
ok 'files by the names of the pages are there' 'for f in my.fit vim.threshold energy.threshold cifar10.tar.xz epoch_99.state; do test -s $f || { echo "# no $f"; false; }; done'

# run PAGE [PATTERN REASON]...: its commands in their order, in one folder; what matches a pattern is left out, and has to be.
shell='. ./variables; . "$0"; { declare -p m x 2>/dev/null || :; } >variables' # a page goes on with its m and x
run() {
	page=$1; shift
	mkdir -p run blocks && rm -rf run/* blocks/* && cp -R [!rb]* big.images base.ckpt run && : >run/variables
	awk -v out=blocks -f "$SRC/t/helper/commands.awk" "$SRC/tools/$page"
	for block in blocks/*; do
		test -s "$block" || continue
		what="$page, $(head -n 1 "$block" | cut -c 1-60)"
		why=$(reason "$block" "$@")
		if [ -n "$why" ]; then
			echo "# $what: $why"
			continue
		fi
		commands=$((commands + 1))
		threshold=vim
		grep -q -e '-m energy' "$block" && threshold=energy
		cp $threshold.threshold run/my.threshold
		ok "$what" '(cd run && SLURM_ARRAY_TASK_ID=3 nice bash -e -o pipefail -c "$shell" "../$block") >out 2>err ||
			{ [ $? = 3 ] && grep -q ood-watch "$block"; } || { sed "s/^/# /" "$block" err; false; }'
	done
}
reason() {
	block=$1; shift
	while [ $# -gt 0 ]; do
		if grep -q -E -e "$1" "$block"; then echo "$2"; return; fi
		shift 2
	done
}
commands=0
gnuplot=
command -v gnuplot >/dev/null || gnuplot=gnuplot
run unmask.7 'PREFIX/' 'a path of the reader; t/4002-install.t, t/1140-fetch.t'
run unmask-scores.7
run unmask-metrics.7 "${gnuplot:-no-such}" 'needs gnuplot'
run unmask-deploy.7 '^\[Service\]' 'a file of systemd' 'unmask-\*-linux|share/unmask/seam' 'a bundle; t/4003-bundle.t'
run unmask-published.7
run unmask-cluster.7 'mpirun|srun|ssh |^parallel ' 'needs a launcher; t/2090-ranks.t, t/4009-cluster.t' 't/perf/' 'a benchmark of minutes'
run unmask-onnx.7 'torch.onnx.export|um-ckpt import|UNMASK_ONNX_PYTHON' 'needs other programs; t/2700-onnx.t, t/2710-onnx-real.t'
run unmask-library.7 'unmask_open' 'C: below'
run unmask-reliability.7 '^make ' 'tests themselves'
ok 'commands were found and run' '[ $commands -ge 12 ] || { echo "# $commands"; false; }'

# The C of unmask-library(7) is compiled.
awk -v out=blocks -f "$SRC/t/helper/commands.awk" "$SRC/tools/unmask-library.7"
{
	printf '#include "unmask/unmask.h"\n#include <stdio.h>\nvoid f(const unsigned char *pixels);\nvoid f(const unsigned char *pixels)\n{\n'
	cat blocks/01
	echo '}'
} >library.c
ok 'the C of unmask-library(7) compiles' '${CC:-cc} -std=c11 -Wall -Werror -I "$SRC/lib" -fsyntax-only library.c 2>err || { sed "s/^/# /" err; false; }'

# Options are among the program's own, also in commands that do not run here and inside of sentences.
ok 'options are those of --help' '
	for page in "$SRC"/tools/*.7; do
		rm -f blocks/*; awk -v out=blocks -f "$SRC/t/helper/commands.awk" "$page"
		cat /dev/null blocks/*; sed -n "s/^\.Ql //p" "$page"
	done | tr "|;()$\"" "\n" | sed "s/^[ 	]*[a-z]=//; s/.*\(mpirun\|srun\|torchrun\) .* \(um-[a-z]* \)/\2/; s/^[ 	]*//" |
		grep -E "^(ds|um|ood|ts)-[a-z]+ " | while read -r tool args; do
		for a in $args; do case $a in --[a-z]*)
			"$tool" --help | grep -q -E -e " ${a%%=*}( |\$)" || echo "# $tool $a" ;; esac; done
	done >no; cat no; ! test -s no'
done_testing
