#!/bin/sh
# Bad data for the programs that run networks: one clear line with the file's name, exit 1, no output file.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

golden-net images 16 10 >good.ts
golden-net images 16 12 >labels.ts
golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt
golden-net nan densenet:depth=10,growth=2 10 >nan.ckpt
ts-gen images image:u1:1x32x32,label:i8 4 1 >gray.ts
ts-gen images image:u1:3x16x16,label:i8 4 1 >small.ts
ts-gen images pixels:u1:3x32x32,label:i8 4 1 >nofield.ts
ts-cat --head 0 good.ts -o empty.ts
ts-cat --select image good.ts -o unlabelled.ts
fields=$(ts-dump --tsv m.ckpt | sed 1d | cut -f1)
ts-cat --select "$(echo $fields | sed 's/ fc.bias//; s/ /,/g')" m.ckpt -o short.ckpt
ts-dump --header m.ckpt | grep -q 'depth=10' || echo '# no arch?'

# each TOOL: refused FILE PATTERN [OPTION...]
for tool in um-embed um-estimate um-train; do
	case $tool in
	um-train)    opts='-q -i m.ckpt -e 1 -o out.ts' ;;
	um-embed)    opts='-q -m m.ckpt -o out.ts' ;;
	um-estimate) opts='-q -m m.ckpt --draws 1' ;;
	esac
	for c in 'gray.ts 1x32x32|3x32x32' 'small.ts 3x16x16|3x32x32' 'nofield.ts image' 'labels.ts out.of.range' \
		'empty.ts no.images' 'm.ckpt images'; do
		file=${c%% *} pattern=${c#* }
		case $tool$file in um-embedlabels.ts) continue ;; esac # they become -1: t/2240-nameless.t
		ok "$tool $file: ${pattern#*|}" '$tool $opts $file >out 2>err; test $? = 1 && ! test -s out &&
			test $(wc -l <err) = 1 && grep -q "$file" err && grep -qE "$pattern" err && ! test -e out.ts'
	done
	[ $tool = um-embed ] || ok "$tool needs labels" 'fails 1 "unlabelled.ts.*label" $tool $opts unlabelled.ts'
	for c in 'nan.ckpt not.finite' 'short.ckpt fc.bias.*missing' 'good.ts checkpoint' 'none.ckpt No.such.file'; do
		file=${c%% *} pattern=${c#* }
		with=$(echo $opts | sed "s/m.ckpt/$file/")
		ok "$tool with model $file: $pattern" 'fails 1 "$file.*$pattern" $tool $with good.ts && ! test -e out.ts'
	done
done
# ---- instructions
numbers() { UNMASK_ISA=$1 um-embed -q --no-history -m m.ckpt good.ts | ts-cat --select logits,features | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
isas=$(UNMASK_ISA=none um-embed -m m.ckpt good.ts 2>&1 | sed -n 's/.*it has \([a-z0-9|]*\)$/\1/p' | tr '|' ' ')
numbers '' >want
for isa in $isas; do
	ok "UNMASK_ISA=$isa: the same to rounding" 'numbers $isa >out && near 1e-5 out want'
done
ok 'the best ones are what there is without it, and others do round otherwise' '
	numbers ${isas%% *} | cmp - want && { test "$isas" = generic || ! numbers generic | cmp -s - want; }'
trained() { UNMASK_ISA=$1 um-train -q --no-history -a resnet-narrow:depth=8 -e 2 -b 8 --threads 1 -o - good.ts; }
case $isas in
*avx512*avx2*) ok 'AVX-512 and AVX2 train to the same weights' 'trained avx512 >a && trained avx2 | cmp - a' ;;
*) ok 'AVX-512 and AVX2 train to the same weights # SKIP this processor has not both' true ;;
esac
for tool in 'um-embed -m m.ckpt good.ts' 'um-estimate -m m.ckpt good.ts' 'um-train -a fc --run runs good.ts' \
	'um-prune -m m.ckpt --um 1 --run runs good.ts'; do
	ok "${tool%% *}, UNMASK_ISA=none: misuse, the line names what there is" '
		UNMASK_ISA=none $tool >out 2>err; test $? = 2 && ! test -s out && ! test -e runs && head -n 1 err |
		grep -q "^${tool%% *}: UNMASK_ISA: this processor has no instructions .none.; it has .*generic$"'
done
have_torch && ok 'nobody asks where libtorch runs the network' 'UNMASK_ISA=none um-embed -q --engine torch -m m.ckpt good.ts | ts-dump >out && test -s out'

ok 'um-embed takes images without labels' 'um-embed -q -m m.ckpt unlabelled.ts | ts-dump --header | grep -q logits'
ds-synth --set id -n 4 -o synth.ts
um-train -q -a densenet:depth=10,growth=2 -e 1 -b 4 -o named.ckpt synth.ts
ds-synth --set id -n 8 | ts-cat -o more.ts
ok 'classes of the same names keep their labels' \
	'um-embed -q -m named.ckpt more.ts | ts-dump --tsv | awk "NR > 1 && \$1 == -1 {exit 1}"'
ok 'um-embed without a model is misuse' 'fails 2 "no --model" um-embed good.ts'
have_torch && ok 'an unknown device is named' 'fails 1 "tpu9" um-embed -m m.ckpt --device tpu9 good.ts'
ok 'a config file is read' 'printf "model: m.ckpt\nbatch_size: 3\n" >c.yaml; um-embed --config c.yaml good.ts | ts-dump >/dev/null'
done_testing
