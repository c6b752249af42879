#!/bin/sh
# No temporary file stays behind, whatever ends a program; control characters in names do not reach a terminal; lines
# end.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
for sig in QUIT PIPE TERM HUP XCPU ABRT; do
	env --default-signal=$sig ds-synth --set id --n 1000000 -o big.$sig 2>/dev/null & pid=$!
	while ! ls big.$sig.* >/dev/null 2>&1; do sleep 0.05; done
	kill -$sig $pid; wait $pid 2>/dev/null; rc=$?
	ok "SIG$sig" 'test $rc -gt 128 && ! ls big.$sig* 2>/dev/null'
done
ok 'a file that grows too large: an error with its reason' '(ulimit -f 20; ds-synth --set id --n 1000 -o large 2>err); test $? = 1 && grep -q "cannot write .large.: File too large" err && ! ls large* 2>/dev/null'
[ -n "$SANITIZE" ] || ok 'no memory' '
	(ulimit -v 60000; exec ds-synth --set id --n 100000 -o lack) 2>err; ls lack.* 2>/dev/null && exit 1; true'
esc=$(printf '\033'); c1=$(printf '\302\233')
printf '1 a%s[31m%sb\n' "$esc" "$c1" | ts-gen scores e:f4,name:str >s.ts
ok 'ts-dump writes no control characters' '! ts-dump s.ts | grep -q "$esc\|$c1" && ! ts-dump --tsv s.ts | grep -q "$esc\|$c1" && ts-dump --tsv s.ts | grep -qF "\\x1b[31m\\xc2\\x9bb" && ts-dump s.ts | grep -qF "\\u001b[31m\\u009bb"'
ok 'a line without end is one for ood-seeds' 'fails 1 "/dev/zero.: line 1: is not text: it holds a zero byte" ood-seeds /dev/zero && { printf "method\tset\tauroc\nmsp\ta\t2\0junk\n" >z && fails 1 "line 2: is not text" ood-seeds z; } &&
	head -c 3000000 /dev/zero | tr "\0" x >long && fails 1 "line 1: is longer than .* bytes; tables are what ood-metrics --format tsv prints" ood-seeds long'
ok 'a zero byte in a settings file' 'printf "seed: \"2\\\\0junk\"\n" >c.yaml && fails 2 "zero byte" ds-synth --set id --n 1 --config c.yaml'
done_testing
