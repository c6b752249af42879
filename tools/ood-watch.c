/* SPDX-License-Identifier: MIT
 * ood-watch: reports when a stream of scores has left a reference. Holds the reference, 8 bytes per row. The stream may
 * never END, so messages go to standard error while it is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"
#include "ood/act/ood_watch.h"
#include "ood/eval/ood_column.h"
#include "ood/ood_seen.h"
#include "ts/ts_file.h"

enum direction { LOW, BOTH };
enum { ALARM = 3 }; /* exit status */

static const char *reference_path, *column;
static double alpha = 0.01;
static long direction = LOW;
static bool stop_at_alarm, reset, pass;

static const struct cli_option options[] = {
	{ "reference", 'r', CLI_STR, "FILE", &reference_path, 0, 0, "scores of ID rows, a stream or text" },
	{ "method", 'm', CLI_STR, "COLUMN", &column, 0, 0, "the column of scores (default: the only one)" },
	{ "false-alarm", 'a', CLI_DOUBLE, "P", &alpha, 1e-9, 0.5,
	  "probability of ever raising a false alarm (default 0.01)" },
	{ "direction", 0, CLI_CHOICE, "low|both", &direction, 0, 0,
	  "watch for scores that are too low (default), or also for those that are too high" },
	{ "exit", 'x', CLI_FLAG, NULL, &stop_at_alarm, 0, 0, "stop at the alarm with exit status 3" },
	{ "reset", 0, CLI_FLAG, NULL, &reset, 0, 0, "start again after an alarm (default: stay silent from then on)" },
	{ "pass", 0, CLI_FLAG, NULL, &pass, 0, 0, "copy the input to standard output" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-watch",
	"[option...] --reference FILE [FILE]",
	"Raise an alarm when a stream of scores, or of numbers, leaves the reference distribution.",
	options,
	"Input is a scores stream, or text with one number per line.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_SEED,
	NULL
};

static int refuse_terminal(const char *path)
{
	if (kit_no_terminal(path) < 0)
		return -1;
	return pass && isatty(STDOUT_FILENO) ? cli_error("the input is not copied to a terminal; use a pipe") : 0;
}

/* Reads the reference. */
static int begin(struct ood_watch *w, struct ood_origin *from)
{
	struct err err;
	size_t n;
	double *v = ood_column_read(reference_path, column, &n, from, &err);

	if (!v)
		return cli_error("%s", err.text);
	if (ood_watch_init(w, v, n, alpha, direction == BOTH, (uint64_t)cli.seed) < 0)
		cli_oom();
	free(v);
	if (ood_watch_few(n, reference_path, "a reference", &err))
		cli_warn("%s", err.text);
	if (*from->name)
		kit_warn_distorted(reference_path, &from->header.meta);
	if (*from->name && ood_seen(&from->header, reference_path, &err))
		cli_warn("%s", err.text);
	return 0;
}

/* Reads s to its end, or until the alarm. 0, -1, ALARM. */
static int watch(struct ood_watch *w, struct ood_column *s)
{
	unsigned long long first = 0, alarms = 0; /* first: row at which the test began */
	struct err err;
	double score;
	int rc;

	while ((rc = ood_column_next(s, &score, &err)) == 1) {
		if ((alarms && !reset) || !ood_watch_row(w, score))
			continue;
		alarms++;
		cli_error("alarm at row %llu: scores have left the reference, since about row %llu "
			  "(evidence %.4g; false-alarm probability %g)",
			  (unsigned long long)s->row - 1, first + ood_watch_since(w), w->evidence, alpha);
		if (stop_at_alarm)
			return ALARM;
		if (reset) {
			ood_watch_reset(w);
			first = s->row;
		}
	}
	if (rc == 0)
		cli_info("%llu rows, %llu alarms; evidence at the end %.4g", (unsigned long long)s->row, alarms,
			 w->evidence);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

/* Watches the scores at path, NULL: standard input. */
static int run(struct ood_watch *w, const struct ood_origin *from, const char *path)
{
	struct ts_file *copy = pass ? ts_file_open(NULL) : NULL;
	struct ood_column s;
	struct err err;
	int rc;

	if (pass && !copy)
		cli_oom();
	if (ood_column_open(&s, path, column, copy, &err) < 0 || ood_column_same(&s, from, &err) < 0) {
		rc = cli_error("%s", err.text);
	} else {
		if (s.floats)
			ood_watch_round(w);
		s.round = from->floats;
		rc = watch(w, &s);
	}
	ood_column_close(&s);
	ts_file_close(copy);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	const char *path = first < argc ? argv[first] : NULL;
	struct ood_watch w = { 0 };
	struct ood_origin from = { 0 };

	if (argc - first > 1)
		cli_usage("at most one FILE, but '%s' follows '%s'", argv[first + 1], path);
	if (!reference_path)
		cli_usage("--reference FILE is missing");
	if (strcmp(reference_path, "-") == 0)
		cli_usage("--reference cannot be standard input, which is watched");
	if (stop_at_alarm && reset)
		cli_usage("--exit stops at the first alarm, so there is nothing to --reset");
	rc = refuse_terminal(path);
	if (rc == 0)
		rc = begin(&w, &from);
	if (rc == 0)
		rc = run(&w, &from, path);
	ood_watch_release(&w);
	ood_origin_release(&from);
	return cli_finish(rc < 0 ? 1 : 0) ? 1 : rc;
}
