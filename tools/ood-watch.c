/* SPDX-License-Identifier: MIT
 * ood-watch: tells when a stream of scores has left a reference. Retains the reference, 8 bytes per row.
 * It may never come to an END, so it speaks, on standard error, while it reads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ood/eval/ood_set.h"
#include "ood/act/ood_watch.h"
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
	  "probability that there is ever a false alarm (default 0.01)" },
	{ "direction", 0, CLI_CHOICE, "low|both", &direction, 0, 0,
	  "scores that are too low, or too low or too high (default low)" },
	{ "exit", 'x', CLI_FLAG, NULL, &stop_at_alarm, 0, 0, "stop at the alarm, exit status 3" },
	{ "reset", 0, CLI_FLAG, NULL, &reset, 0, 0, "start anew after an alarm (default: be silent from then on)" },
	{ "pass", 0, CLI_FLAG, NULL, &pass, 0, 0, "copy the input to standard output" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-watch",
	"[option...] --reference FILE [FILE]",
	"Tell when a stream of scores, or of numbers, has left the reference's distribution.",
	options,
	"Input is a scores stream, or text with one number per line.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_SEED,
	NULL
};

/* ---- scores, one at a time ------------------------------------------------------------------- */

struct scores {
	struct ood_input *in;
	struct ts_file *copy; /* where to all that is read goes too, or NULL */
	struct ts_batch b;
	size_t column, i; /* its number; rows of b given so far */
	uint64_t row;     /* rows given so far */
};

/* Finds the column of scores. */
static int choose(struct scores *s, const struct ts_header *h)
{
	struct err why;
	char **all;
	size_t n;

	if (ood_input_is_text(s->in))
		return 0;
	if (ood_set_methods(h, &all, &n) < 0)
		cli_oom();
	const char *name = column ? column : n == 1 ? all[0] : NULL;
	const struct ts_field *f = name ? ts_header_field(h, name) : NULL;
	int rc = 0;
	if (!name)
		rc = ood_input_fail(s->in, "has %zu columns of scores; --method says which", n);
	else if (!ood_set_is_score(f))
		rc = ood_input_fail(s->in, "%s", (ood_set_no_score(h, name, &why), why.text));
	else
		s->column = (size_t)(f - h->fields);
	ts_strs_free(all, n);
	return rc;
}

/* Opens path (NULL and "-": standard input). */
static int open_scores(struct scores *s, const char *path, bool copy)
{
	*s = (struct scores){ 0 };
	if ((!path || strcmp(path, "-") == 0) && isatty(STDIN_FILENO))
		return cli_error("scores are not read from a terminal; name a FILE or use a pipe");
	if ((copy && !(s->copy = ts_file_open(NULL))) || !(s->in = ood_input_open_numbers(path, s->copy)))
		cli_oom();
	const struct ts_header *h = ood_input_header(s->in);
	if (!h || choose(s, h) < 0)
		return cli_error("%s", ood_input_error(s->in));
	if (ts_batch_init(&s->b, h) < 0)
		cli_oom();
	return 0;
}

static void close_scores(struct scores *s)
{
	ts_batch_release(&s->b);
	ood_input_close(s->in);
	ts_file_close(s->copy);
}

/* The next score. 1, 0 at the end, -1 with the reason told. */
static int next(struct scores *s, double *score)
{
	int rc = 1;

	if (s->i == s->b.n) {
		s->i = 0;
		while ((rc = ood_input_next(s->in, &s->b)) == 1 && s->b.n == 0)
			;
	}
	if (rc == 1) {
		const struct ts_col *c = &s->b.cols[s->column];
		*score = ts_get(c->type, c->data, s->i++);
		if (isnan(*score))
			rc = ood_input_fail(s->in, "row %llu: '%s' is not a number", (unsigned long long)s->row,
					    c->name);
		s->row++;
	}
	return rc < 0 ? cli_error("%s", ood_input_error(s->in)) : rc;
}

/* ---- the watch ------------------------------------------------------------------------------- */

/* Reads the reference. */
static int begin(struct ood_watch *w)
{
	struct scores s;
	double *v = NULL, score;
	size_t n = 0, cap = 0;
	int rc = open_scores(&s, reference_path, false);

	while (rc == 0 && (rc = next(&s, &score)) == 1) {
		if (n == cap) {
			cap = cap ? 2 * cap : 1024;
			v = realloc(v, cap * sizeof *v);
			if (!v)
				cli_oom();
		}
		v[n++] = score;
		rc = 0;
	}
	if (rc == 0 && n == 0)
		rc = cli_error("'%s': no rows, so nothing to compare with", reference_path);
	if (rc == 0 && ood_watch_init(w, v, n, alpha, direction == BOTH, (uint64_t)cli.seed) < 0)
		cli_oom();
	free(v);
	close_scores(&s);
	return rc;
}

/* Reads s to its end, or to the alarm. 0, -1, ALARM. */
static int watch(struct ood_watch *w, struct scores *s)
{
	unsigned long long first = 0, alarms = 0; /* first: row at which the test began */
	double score;
	int rc;

	while ((rc = next(s, &score)) == 1) {
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
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	const char *path = first < argc ? argv[first] : NULL;
	struct ood_watch w = { 0 };
	struct scores s = { 0 };

	if (argc - first > 1)
		cli_usage("at most one FILE, but '%s' follows '%s'", argv[first + 1], path);
	if (!reference_path)
		cli_usage("--reference FILE is missing");
	if (strcmp(reference_path, "-") == 0)
		cli_usage("--reference: standard input is what is watched");
	if (stop_at_alarm && reset)
		cli_usage("--exit stops at the first alarm, so there is nothing to --reset");
	rc = pass && isatty(STDOUT_FILENO) ? cli_error("the input is not copied to a terminal; use a pipe") : begin(&w);
	if (rc == 0)
		rc = open_scores(&s, path, pass);
	if (rc == 0)
		rc = watch(&w, &s);
	close_scores(&s);
	ood_watch_release(&w);
	return cli_finish(rc < 0 ? 1 : 0) ? 1 : rc;
}
