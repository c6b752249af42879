#!/bin/sh
# Completions of bash, zsh and fish: for every program, of every option of its --help, with the choices that it names.
. "$SRC/t/lib.sh"
tools=$(cd "$SRC/tools" && ls ./*.c | sed 's,^\./,,; s,\.c$,,')
mkdir bash zsh fish
for t in $tools; do "$t" --help; done | awk -v dir=. -f "$SRC/t/helper/completions.awk"
ok 'a file for each program and shell' '
	for t in $tools; do test -s bash/$t -a -s zsh/_$t -a -s fish/$t.fish || echo "# $t"; done >no; cat no; ! test -s no'
# in_shell CHECK: fails, and names the program, for each whose options are not what CHECK prints, one per line.
every_option() {
	for t in $tools; do
		"$t" --help | sed -n 's/^  .\{0,4\}--\([a-z][a-z0-9-]*\).*/--\1/p' | sort >want
		"$1" "$t" | grep -e '^--' | sort -u >got
		comm -23 want got | sed "s/^/# $t /"
	done >no
	cat no; ! test -s no
}

if command -v bash >/dev/null; then
	in_bash() { bash -c '. "bash/$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_${1//-/_}"; printf "%s\n" "${COMPREPLY[@]}"' - "$1" "$@"; }
	options_in_bash() { in_bash "$1" --; }
	ok 'bash: every option' 'every_option options_in_bash'
	ok 'bash: choices of an option' 'test "$(in_bash ood-metrics --fpr "" | tr "\n" " ")" = "nearest first openood "'
	ok 'bash: files for an option that takes one, nothing for a number' '
		echo >in-sight; test "$(in_bash ood-metrics --id in-s)" = in-sight && test -z "$(in_bash ood-metrics --bootstrap in-s)"'
	ok 'bash: what a program can do' 'in_bash um-ckpt ex | grep -qx export'
else
	ok 'bash # SKIP no bash' true
fi

if command -v fish >/dev/null; then
	in_fish() { HOME=$scratch fish --no-config -c "source fish/$1.fish; complete -C '$2'" | cut -f 1; }
	options_in_fish() { in_fish "$1" "$1 --"; }
	ok 'fish: every option' 'every_option options_in_fish'
	ok 'fish: choices of an option' 'test "$(in_fish ood-metrics "ood-metrics --fpr " | sort | tr "\n" " ")" = "first nearest openood "'
	ok 'fish: what a program can do' 'in_fish um-ckpt "um-ckpt ex" | grep -qx export'
else
	ok 'fish # SKIP no fish' true
fi

if command -v zsh >/dev/null; then
	# A zsh at a terminal of its own; what TAB makes of each line is printed by a key.
	cat >complete.zsh <<'END'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2= ; unsetopt prompt_cr prompt_sp beep; fpath=($PWD/zsh \$fpath); autoload -U compinit && compinit -u -D"
zpty -w z 'show() { print -r -- "{$BUFFER}" >>shown; BUFFER= }; zle -N show; bindkey "^]" show; bindkey "^I" complete-word; print ready >shown'
for ((i = 0; i < 100; i++)) { [[ -s shown ]] && break; sleep 0.1 }
while read -r line; do
	zpty -w -n z "$line"$'\t'
	sleep 0.5
	zpty -w -n z $'\x1d'
	sleep 0.2
done
zpty -d z
END
	printf '%s\n' 'ood-metrics --fpr op' 'um-ckpt exp' 'um-train --label-sm' | HOME=$scratch zsh -f complete.zsh >/dev/null 2>&1
	ok 'zsh: a choice, what a program can do, an option' '
		for want in "{ood-metrics --fpr openood }" "{um-ckpt export }" "{um-train --label-smoothing }"; do grep -q -x -F -e "$want" shown || echo "# $want"; done >no
		test ! -s no || sed "s/^/# got /" shown; cat no; ! test -s no'
	options_in_zsh() { zsh -f -c '_arguments() { print -rl -- "$@" }; . ./zsh/_$1' - "$1" | sed -n "s/^\(([^)]*)\)\{0,1\}\(--[a-z0-9-]*\)\[.*/\2/p"; }
	ok 'zsh: every option' 'every_option options_in_zsh'
else
	ok 'zsh # SKIP no zsh' true
fi
done_testing
