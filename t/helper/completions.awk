# completions.awk: makes files that complete the programs' command lines from their --help texts, one after another:
#	awk -v dir=DIR -f completions.awk
# writes DIR/bash/NAME, DIR/zsh/_NAME, DIR/fish/NAME.fish. An option is a line "  -x, --name ARG  help", or its help is on
# the next line; lib/cli/cli_parse.c prints them. An ARG a|b|c means choices; FILE and the like mean files.
function trim(s) { gsub(/^ +| +$/, "", s); return s }
function take(left, help,   w) {
	left = trim(left)
	n++
	key[n] = left ~ /^-[a-zA-Z], / ? substr(left, 2, 1) : ""
	sub(/^-[a-zA-Z], /, "", left)
	split(left, w, " ")
	name[n] = substr(w[1], 3); arg[n] = w[2]; about[n] = trim(help)
	gsub(/[\\`]/, "", about[n]); gsub(/\[/, "(", about[n]); gsub(/\]/, ")", about[n])
	gsub(/'/, "'\\''", about[n])
	choices[n] = arg[n] ~ /^[a-z0-9-]+(\|[a-z0-9-]+)+$/ ? arg[n] : ""
	gsub(/\|/, " ", choices[n])
	file[n] = arg[n] ~ /(FILE|FIT|DIR|MODEL)$/
}
function flush() {
	if (held != "") take(substr(held, 1, 30), substr(held, 32))
	held = ""
}
function finish(   i, out, words, from) {
	flush()
	if (tool == "") return
	words = ""
	for (i = 1; i <= n; i++) words = words " --" name[i] (key[i] == "" ? "" : " -" key[i])
	words = trim(words)

	out = dir "/bash/" tool
	print "# " tool ": made by make completions" >out
	print "_" under "() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n\tcase $before in" >out
	for (i = 1; i <= n; i++) if (arg[i] != "") {
		from = choices[i] != "" ? "-W '" choices[i] "'" : file[i] ? "-f" : ""
		print "\t--" name[i] (key[i] == "" ? "" : "|-" key[i]) ") COMPREPLY=(" (from == "" ? "" : "$(compgen " from " -- \"$word\")") "); return ;;" >out
	}
	print "\tesac\n\tcase $word in" >out
	print "\t-*) COMPREPLY=($(compgen -W '" words "' -- \"$word\")) ;;" >out
	print "\t*) COMPREPLY=($(compgen" (subcommands == "" ? "" : " -W '" subcommands "'") " -f -- \"$word\")) ;;" >out
	print "\tesac\n}\ncomplete -o filenames -F _" under " " tool >out
	close(out)

	out = dir "/zsh/_" tool
	print "#compdef " tool "\n_arguments -s \\" >out
	for (i = 1; i <= n; i++) {
		from = arg[i] == "" ? "" : ":" (choices[i] != "" ? "choice" : arg[i]) ":" (choices[i] != "" ? "(" choices[i] ")" : file[i] ? "_files" : " ")
		if (key[i] != "") print "\t'(--" name[i] ")-" key[i] "[" about[i] "]" from "' \\" >out
		print "\t'" (key[i] == "" ? "" : "(-" key[i] ")") "--" name[i] "[" about[i] "]" from "' \\" >out
	}
	print (subcommands == "" ? "" : "\t'1:what:(" subcommands ")' \\\n") "\t'*:file:_files'" >out
	close(out)

	out = dir "/fish/" tool ".fish"
	print "# " tool ": made by make completions" >out
	if (subcommands != "") print "complete -c " tool " -n __fish_use_subcommand -a '" subcommands "'" >out
	for (i = 1; i <= n; i++) {
		from = arg[i] == "" ? "" : choices[i] != "" ? " -x -a '" choices[i] "'" : file[i] ? " -r -F" : " -x"
		print "complete -c " tool " -l " name[i] (key[i] == "" ? "" : " -s " key[i]) from " -d '" about[i] "'" >out
	}
	close(out)
}
/^Usage: / {
	finish()
	tool = under = $2; gsub(/-/, "_", under); n = 0; subcommands = ""
}
# A program's subcommands, from its usage lines: "um-ckpt import|export [option...] FILE".
/^(Usage:)? +[a-z-]+ [a-z|]+( |$)/ && ($1 == "Usage:" ? $2 : $1) == tool {
	word = $1 == "Usage:" ? $3 : $2
	gsub(/\|/, " ", word)
	subcommands = trim(subcommands " " word)
}
/^  (-[a-zA-Z], |    )--/ { flush(); held = $0; next }
/^                               [^ ]/ && held != "" { take(held, $0); held = ""; next }
{ flush() }
END { finish() }
