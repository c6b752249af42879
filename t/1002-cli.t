#!/bin/sh
# Options, numbers, config files: one parser for all.
. "$SRC/t/lib.sh"
n() { "$@" | ts-dump --header | sed -n 's/.*"rows": \([0-9]*\),.*/\1/p'; }

printf '# a comment\nset: blobs\nn: 7\n' >c.yaml
ok 'a config file gives options' 'test "$(n ds-synth --config c.yaml)" = 7'
ok 'the command line wins, wherever it stands' 'test "$(n ds-synth -n 3 --config c.yaml)" = 3 && test "$(n ds-synth --config c.yaml -n 3)" = 3'
ok 'underscores are taken for dashes, flags are true or false' '
	printf "set: blobs\nn: 2\nno_history: true\n" >d.yaml; ds-synth --config d.yaml | ts-dump --history >out && ! test -s out'
misuse() { printf "$1" >e.yaml; ds-synth --config e.yaml >out 2>err; test $? = 2 && grep -q "$2" err; }
ok 'an unknown option names file and line' 'misuse "set: blobs\nsize: 3\n" "e.yaml. line 2: unknown option .size"'
ok 'a bad value names file and line' 'misuse "set: blobs\n\nn: many\n" "e.yaml. line 3: n: .many. is not a whole number"'
ok 'a flag that is neither true nor false' 'misuse "no-history: 1\n" "neither true nor false"'
ok 'nested YAML is refused' 'misuse "set: {a: b}\n" "only .option: value. lines"'
ok 'a list is refused' 'misuse "set: [a, b]\n" "only .option: value. lines"'
ok 'broken YAML is refused' 'misuse "set: \"x\n" "line"'
ok 'a config file that is not there' 'fails 1 "no.yaml" ds-synth --config no.yaml'
two() { "$@" >out 2>err; test $? = 2 && grep -q "Try" err; }
ok 'a number out of range' 'two ds-synth --set blobs -n -1'
ok 'a number with something behind it' 'two ds-synth --set blobs -n 5x'
ok 'an empty number' 'two ds-synth --set blobs -n ""'
ok 'a number too large' 'two ds-synth --set blobs -n 99999999999999999999'
ok 'a value that is missing' 'two ds-synth --set'
ok 'a value for a flag' 'two ts-dump --tsv=yes'
ok 'a choice that is none' 'two ds-pack --size 3 --resize bigger x'
ok 'two operands where one may be' 'two ts-dump a b'
done_testing
