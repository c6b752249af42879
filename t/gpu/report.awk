# results.tsv of examine as GPU.md. Its lines: the stage, a kind, and what that kind has:
#	machine KEY VALUE; stage NAME SECONDS; failure WHAT TEXT; test FILE ok|not-ok|skip CLAIM; difference WHERE WHAT D
#	forward|train NET PRECISION BATCH WHO MEDIAN LEAST MOST COUNT MIB PEAK REMARK
#	embed NET PRECISION IMAGES MEDIAN WORST HOST-MIB; run KEY VALUE; epoch COLUMNS-OF-LOG.TSV
BEGIN {
	FS = "\t"
	split("unmask|PyTorch eager|PyTorch graph|PyTorch compile|unmask, CPU", who, "|")
	title["densenet"] = "DenseNet-100"; title["wrn"] = "WRN-40-2"; title["cifar18"] = "ResNet-18 (32x32)"
	title["resnet50"] = "ResNet-50 (224x224)"; title["toy"] = "DenseNet-10"
}
function md(s) { gsub(/\|/, "\\|", s); return s }
function name(net) { return net in title ? title[net] : net }
$2 == "machine" { machine[++n_machine] = "| " md($3) " | " md($4) " |" }
$2 == "stage" { stages[++n_stages] = "| " $1 " | " $3 " | " $4 " |" }
$2 == "failure" {
	text = $4; gsub(/\|/, "\n    ", text)
	failures[++n_failures] = "Stage " $1 ": " $3 "\n\n    " text "\n"
}
$2 == "test" {
	if (!($3 in count)) files[++n_files] = $3
	count[$3]++
	tests[$3, $4]++
	if ($4 != "ok") remarks[++n_remarks] = "- " $4 ", " $3 ": " $5
}
# Of a test's claims that differ in the network alone the worst is shown.
$2 == "difference" {
	what = $4; where = $3
	if (match(what, / (on a GPU|in bfloat16)/)) { net = substr(what, 1, RSTART - 1); what = substr(what, RSTART + 1) }
	else net = ""
	key = where SUBSEP what
	if (!(key in worst)) differences[++n_differences] = key
	cases[key]++
	if (!(key in worst) || $5 + 0 > worst[key] + 0 || $5 !~ /^[0-9]/) { worst[key] = $5; at[key] = net }
}
$2 == "forward" || $2 == "train" {
	key = $3 SUBSEP $4 SUBSEP $5
	if (!(($2, key) in seen)) { seen[$2, key] = 1; keys[$2, ++n_keys[$2]] = key }
	median[$2, key, $6] = $7
	cell[$2, key, $6] = $7 == "" ? "failed" : sprintf("%.5g ±%.0f %%", $7, $7 ? 50 * ($9 - $8) / $7 : 0)
	mib[$2, key, $6] = $11 ($12 ~ /[0-9]/ ? " (" $12 ")" : "")
	if ($13 != "") notes[$2, ++n_notes[$2]] = "- " name($3) ", " $4 ", " $5 ", " $6 ": " $13
}
$2 == "embed" { embeds[++n_embeds] = $0 }
$2 == "run" { runs[++n_runs] = "- " $3 (($4 == "") ? "" : ": ") $4 }
$2 == "epoch" { epochs[++n_epochs] = $3 }

function section(head, text) { print "\n## " head "\n" (text == "" ? "" : "\n" text "\n") }
function list(a, n,    i) { for (i = 1; i <= n; i++) print a[i] }
function side_by_side(    i, k, f) {
	section("CPU and GPU side by side", "The tests that know a device; what is not on this list of remarks held.")
	print "| test | ok | not ok | skipped |\n|---|--:|--:|--:|"
	for (i = 1; i <= n_files; i++) {
		f = files[i]
		print "| " f " | " tests[f, "ok"] + 0 " | " tests[f, "not ok"] + 0 " | " tests[f, "skip"] + 0 " |"
	}
	print ""
	list(remarks, n_remarks)
	print "\nLargest differences, of the outputs' size:\n\n| where | what | largest | of | with |\n|---|---|--:|--:|---|"
	for (i = 1; i <= n_differences; i++) {
		split(differences[i], k, SUBSEP)
		f = differences[i]
		print "| " md(k[1]) " | " md(k[2]) " | " worst[f] " | " cases[f] " | " md(at[f]) " |"
	}
}
# Only the columns that anything was measured for.
function speeds(kind,    i, j, k, key, best, have, line, rule, ratio) {
	line = "| network | precision | batch |"; rule = "|---|---|--:|"
	for (j = 1; j <= 5; j++)
		for (i = 1; i <= n_keys[kind]; i++)
			if ((kind, keys[kind, i], who[j]) in cell && !have[j]) {
				have[j] = 1; line = line " " who[j] (j < 5 ? " | MiB |" : " |")
				rule = rule (j < 5 ? "--:|--:|" : "--:|")
			}
	print line " unmask / best of PyTorch |\n" rule "--:|"
	for (i = 1; i <= n_keys[kind]; i++) {
		key = keys[kind, i]
		split(key, k, SUBSEP)
		line = "| " name(k[1]) " | " k[2] " | " k[3] " |"; best = 0
		for (j = 1; j <= 5; j++) {
			if (have[j])
				line = line " " cell[kind, key, who[j]] " | " (j < 5 ? mib[kind, key, who[j]] " |" : "")
			if (who[j] ~ /^PyTorch/ && median[kind, key, who[j]] + 0 > best) best = median[kind, key, who[j]] + 0
		}
		ratio = best && median[kind, key, "unmask"] ? sprintf("%.2f", median[kind, key, "unmask"] / best) : ""
		print line " " ratio " |"
	}
	print ""
	for (i = 1; i <= n_notes[kind]; i++) print notes[kind, i]
}
function whole_program(    i, f, k, seconds, images) {
	print "\n`um-embed` as a whole, from a file of images to a file of features, its start included (median of the "\
		"runs); the rate is that of the images which the larger file has more:\n"
	print "| network | precision | images | s | worst s | host MiB | images/s |\n|---|---|--:|--:|--:|--:|--:|"
	for (i = 1; i <= n_embeds; i++) {
		split(embeds[i], f, "\t"); k = f[3] f[4]
		print "| " name(f[3]) " | " f[4] " | " f[5] " | " f[6] " | " f[7] " | " f[8] " | " \
			(k in images && f[6] > seconds[k] ? sprintf("%.0f", (f[5] - images[k]) / (f[6] - seconds[k])) : "") " |"
		images[k] = f[5]; seconds[k] = f[6]
	}
}
function training(    i, c) {
	section("A run", "`um-train` itself, for as long as there was time.")
	list(runs, n_runs)
	if (!n_epochs) return
	print "\n| epoch | lr | loss | train accuracy | accuracy on test | images/s | s |\n|--:|--:|--:|--:|--:|--:|--:|"
	for (i = 1; i <= n_epochs; i++) {
		if (n_epochs > 24 && i > 4 && i <= n_epochs - 20) continue
		split(epochs[i], c, " ")
		print "| " c[1] " | " c[2] " | " c[3] " | " c[5] " | " c[7] " | " c[8] " | " c[9] " |"
	}
	print "\nAccuracy on the test images is only shown; nothing is chosen by it."
}
END {
	print "# What a machine with a GPU measured\n\nBy `t/gpu/examine`, whose first lines say what it does. "\
		"Images a second are the median ± half of the range.\n\n| | |\n|---|---|"
	list(machine, n_machine)
	print "\n| stage | | s |\n|--:|---|--:|"
	list(stages, n_stages)
	if (n_failures) { section("What failed or had no time left", ""); list(failures, n_failures) }
	if (n_files || n_differences) side_by_side()
	if (n_keys["forward"]) {
		section("The forward pass, images/s", "unmask: from pixels in host memory to logits and features there, as "\
			"`um-embed` runs it. PyTorch, in its best case: normalised numbers that lie on the device, nothing brought "\
			"back, channels-last, `inference_mode`; as it comes (eager), as a CUDA graph, and by `torch.compile`, these two "\
			"with cuDNN's choice by timing. MiB: of the GPU, all of the process (in brackets what PyTorch's tensors took "\
			"at most).")
		speeds("forward")
	}
	if (n_embeds) whole_program()
	if (n_keys["train"]) {
		section("The training step, images/s", "unmask: whole epochs of `um-train`, crops and mirrors "\
			"included, without the first. PyTorch eager, in its best case: the same batch again and again, on the device, "\
			"SGD with momentum, channels-last; bf16 by autocast.")
		speeds("train")
	}
	if (n_runs) training()
}
