# The parameter search of openood.mk, both halves.
#
# -v methods=all|LIST: input is "- METHOD" for each known method, then METHOD[:SETTING] and its AUROC; output is the
# methods to compute, each with its setting of the best AUROC, if it has any. `all` skips methods that cannot work,
# while a name does not, so `all` stays, and the tuned methods are added to it.
# -v chosen=THAT: input is a table. For a tuned method, drops the row with defaults and removes the setting from the
# other's name, so that seeds may have different settings. A method requested in several settings is not a tuned one:
# each keeps its row.
function base_of(method) {
	sub(/:.*/, "", method)
	return method
}
BEGIN {
	FS = OFS = chosen == "" ? " " : "\t"
	n = split(chosen, item, ",")
	for (i = 1; i <= n; i++) {
		settings[base_of(item[i])]++
		if (item[i] ~ /:/) tuned[base_of(item[i])] = 1
	}
	for (base in settings) if (settings[base] > 1) delete tuned[base]
}
chosen != "" {
	if (!($1 in tuned)) {
		if (base_of($1) in tuned) $1 = base_of($1)
		print
	}
	next
}
$1 == "-" { order[++known] = $2; next }
{
	base = base_of($1)
	if (!(base in best) || $2 > auroc[base]) { best[base] = $1; auroc[base] = $2 }
}
END {
	if (chosen != "") exit
	if (methods != "all") known = split(methods, order, ",")
	line = methods == "all" ? "all" : ""
	for (i = 1; i <= known; i++) {
		m = order[i] in best ? best[order[i]] : order[i]
		if (methods != "all" || m != order[i]) line = line (line == "" ? "" : ",") m
	}
	print line
}
