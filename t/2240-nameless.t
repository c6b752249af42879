#!/bin/sh
# Models without class names, as an import makes them: labels that cannot be the model's count as missing, and names
# come from the images that such a model is trained on.
. "$SRC/t/lib.sh"
/usr/bin/python3 -c 'import msgpack' 2>/dev/null || skip_all 'no python3-msgpack here'
PATH=$BUILD/t/helper:$PATH
# FILE N OUT: the same stream, its classes called "class 0" to "class N-1"; N 0: without names.
call() {
	/usr/bin/python3 - "$@" <<-'END'
		import msgpack, sys
		recs = list(msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, strict_map_key=False))
		recs[0]["meta"].pop("classes", None)
		if int(sys.argv[2]): recs[0]["meta"]["classes"] = ["class %d" % i for i in range(int(sys.argv[2]))]
		recs[-1]["xxh3"] = None
		open(sys.argv[3], "wb").write(b"".join(msgpack.packb(r) for r in recs))
	END
}
golden-net ckpt densenet:depth=10,growth=2 10 >nameless.ckpt
golden-net images 40 10 >ten.ts && golden-net images 40 12 >twelve.ts
call ten.ts 10 named10.ts; call ten.ts 11 named11.ts; call ten.ts 12 named12.ts; call twelve.ts 12 large.ts
labels() { um-embed --threads 1 -m nameless.ckpt "$1" 2>err | ts-dump --tsv | awk 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == "label") c = i; next} {print $c}' | tr "\n" " "; }
zeros() { seq 0 39 | awk '{printf "%d ", $1 % 10}'; }
ok 'labels without names are the numbers of the model' 'test "$(labels ten.ts)" = "$(zeros)" && ! test -s err'
ok 'so are those of as many classes with names' 'test "$(labels named10.ts)" = "$(zeros)" && ! test -s err'
ok 'of another number of classes they become -1, with a warning' '
	for many in 11 12; do test "$(labels named$many.ts | tr -d " ")" = "$(seq 40 | sed s/.*/-1/ | tr -d "\n")" &&
		grep -q "named$many.ts.: it has $many classes and the model 10, without names, so its labels become -1" err || break; done; test $many = 12'
ok 'and their names do not go on as those of the logits' '! um-embed -q -m nameless.ckpt named12.ts | ts-dump --header | grep -q "class 3" &&
	um-embed -q -m nameless.ckpt named10.ts | ts-dump --header | grep -q "class 3"'
ok 'a label that the model has no class for becomes -1, said once' '
	test "$(labels twelve.ts)" = "$(seq 0 39 | awk "{printf \"%d \", \$1 % 12 < 10 ? \$1 % 12 : -1}")" &&
	test "$(wc -l <err)" = 1 && grep -q "row 10: label 10 is not one of the model.s 10 classes" err'
ok 'however the rows come' 'ts-cat --rows 7 twelve.ts >seven.ts 2>/dev/null || cp twelve.ts seven.ts; labels twelve.ts >a; labels seven.ts >b; cmp a b'
ok 'labelled OOD images of CIFAR-100 and the like are scored' '
	um-embed -q -m nameless.ckpt large.ts | ood-score -q -m msp -o ood.scores && um-embed -q -m nameless.ckpt ten.ts | ood-score -q -m msp -o id.scores &&
	ood-metrics --id id.scores large=ood.scores >out && grep -q large out'
ok 'um-estimate needs the model'\''s labels' '
	fails 1 "named12.ts.*there are 12 classes, the model has 10" um-estimate -m nameless.ckpt --draws 1 named12.ts &&
	fails 1 "twelve.ts.*label 10 is out of range" um-estimate -m nameless.ckpt --draws 1 twelve.ts && um-estimate -q -m nameless.ckpt --draws 1 named10.ts >out'
# Scores: what the fit learnt from has names.
um-embed -q -m nameless.ckpt named10.ts -o named10.f && ood-fit -q named10.f -o named10.fit
sed 's/class \([0-9]\)/klass \1/g' named10.ts >klass10.ts
pred() { um-embed -q -m nameless.ckpt "$1" | ood-score -q --fit named10.fit -m msp | ts-dump --tsv --class-names | cut -f 2 | sed 1d | sed 's/[0-9]$//' | sort -u; }
ok 'pred has the names that the fit learnt' 'test "$(pred ten.ts)" = "class " && test "$(pred named10.ts)" = "class "'
ok 'also if the images have as many other names, which are not those of the logits: their labels become -1' '
	test "$(pred klass10.ts)" = "class " && um-embed -q -m nameless.ckpt klass10.ts | ood-score --fit named10.fit -m msp -o klass10.s 2>err && grep -q "its classes are not those that .named10.fit. learnt from, so its labels become -1" err &&
	ts-cat --select label klass10.s | ts-dump --tsv | sed 1d | sort -u | grep -qx -- -1 && um-embed -q -m nameless.ckpt named10.ts | ood-score -q --fit named10.fit -m msp | ts-cat --select label | ts-dump --tsv | grep -qx 9'
train() { um-train -q --threads 1 -i nameless.ckpt -e 1 -b 20 "$@"; }
names() { ts-dump --header "$1" | grep -o '"class [0-9]"' | wc -l; }
ok 'um-train takes the names of its images' 'train -o t.ckpt named10.ts && test "$(names t.ckpt)" = 10 && train -o u.ckpt ten.ts && test "$(names u.ckpt)" = 0'
ok 'um-prune too' 'um-prune -q --threads 1 -m nameless.ckpt --um 1 -e 1 -b 20 -o p.ckpt named10.ts && test "$(names p.ckpt)" = 10'
ok 'another number of classes is refused, of images to train on and to validate' '
	fails 1 "named11.ts.*there are 11 classes\|labels up to 10 are out of range" train -o z.ckpt named11.ts && fails 1 "out of range\|there are" train --val named12.ts -o z.ckpt ten.ts &&
	! test -e z.ckpt'
call ten.ts 9 named9.ts 2>/dev/null; golden-net images 40 9 >nine.ts; call nine.ts 9 named9.ts
ok 'fewer, too: the labels may mean other classes' 'fails 1 "there are 9 classes, the model has 10" train -o z.ckpt named9.ts'
ok 'with names outliers of an ID class are found' 'fails 1 "row 0 is of class .class 0., which is one of the model" train --aux named10.ts --oe oe -o z.ckpt named10.ts'
ok 'without names nothing tells, which is an error' '
	fails 1 "row 0 is of class .class 0., and neither the model nor its images name.*ts-cat --select image" train --aux large.ts --oe oe -o z.ckpt ten.ts'
done_testing
