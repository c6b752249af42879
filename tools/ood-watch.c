/* SPDX-License-Identifier: MIT
 * ood-watch: tells when a stream of scores has left a reference. Retains the reference, 8 bytes a row.
 * It may never come to an END, so it speaks, on standard error, while it reads. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ood/eval/ood_set.h"
#include "ood/act/ood_watch.h"
#include "ts/ts_file.h"

enum { LOW, BOTH, LINE = 4096, ALARM = 3 };

static const char *reference_path, *column;
static double alpha = 0.01;
static long direction = LOW;
static bool stop_at_alarm, reset, pass;

static const struct cli_option options[] = {
	{ "reference", 'r', CLI_STR, "FILE", &reference_path, 0, 0,
	  "scores of ID rows, a stream or text" },
	{ "method", 'm', CLI_STR, "COLUMN", &column, 0, 0,
	  "the column of scores (default: the only one)" },
	{ "false-alarm", 'a', CLI_DOUBLE, "P", &alpha, 1e-9, 0.5,
	  "probability of a false alarm, ever (default 0.01)" },
	{ "direction", 0, CLI_CHOICE, "low|both", &direction, 0, 0,
	  "scores that are too low, or too low or too high (default low)" },
	{ "exit", 'x', CLI_FLAG, NULL, &stop_at_alarm, 0, 0, "stop at the alarm, exit status 3" },
	{ "reset", 0, CLI_FLAG, NULL, &reset, 0, 0,
	  "after an alarm, start anew (default: be silent from then on)" },
	{ "pass", 0, CLI_FLAG, NULL, &pass, 0, 0, "copy the input to standard output" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-watch", "[option...] --reference FILE [FILE]",
	"Tell when a stream of scores, or of numbers, has left the reference's distribution.", options,
	"Input is a scores stream, or text with one number a line.\n"
	"With no FILE, or when FILE is -, read standard input.", CLI_SEED, NULL
};

/* ---- scores from a stream or from text ------------------------------------------------------- */

struct source {
	const char *name;
	int fd;
	struct ts_file *copy;             /* where to all that is read goes too, or NULL */
	char buf[LINE];                   /* read and not used yet: buf[at..len) */
	size_t at, len;
	bool text;
	uint64_t row;                     /* rows given so far */
	struct ts_reader *r;
	struct ts_batch b;
	char *column;
	size_t i;                         /* rows of b given so far */
};

/* Like read(2): what is in the buffer first. The copy goes out before anybody has looked at it. */
static ssize_t take(void *ctx, void *buf, size_t len)
{
	struct source *s = ctx;
	ssize_t n;

	if (s->at < s->len) {
		len = len < s->len - s->at ? len : s->len - s->at;
		memcpy(buf, s->buf + s->at, len);
		s->at += len;
		return (ssize_t)len;
	}
	do
		n = read(s->fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n > 0 && s->copy && ts_file_put(s->copy, buf, (size_t)n)) {
		cli_error("%s", ts_file_error(s->copy));
		exit(1);
	}
	return n;
}

/* Reads some more into the buffer. 1, 0 at the end of input, -1. */
static int fill(struct source *s)
{
	size_t have = s->len - s->at;
	memmove(s->buf, s->buf + s->at, have);
	s->at = s->len = 0;               /* so that take() reads */
	ssize_t n = take(s, s->buf + have, LINE - have);
	s->len = have + (n > 0 ? (size_t)n : 0);
	return n < 0 ? cli_error("'%s': cannot read: %s", s->name, strerror(errno)) : n > 0;
}

/* Finds the stream's column of scores. */
static int choose(struct source *s, const struct ts_header *h)
{
	char **all;
	size_t n;

	if (ood_set_methods(h, &all, &n))
		cli_oom();
	if (!column && n != 1) {
		ts_strs_free(all, n);
		return ts_reader_fail(s->r, "has %zu columns of scores; --method says which", n);
	}
	s->column = strdup(column ? column : all[0]);
	ts_strs_free(all, n);
	const struct ts_field *f = s->column ? ts_header_field(h, s->column) : NULL;
	if (!s->column || ts_batch_init(&s->b, h))
		cli_oom();
	if (!f || f->type != TS_F32 || f->ndim)
		return ts_reader_fail(s->r, "has no column of scores '%s'", s->column);
	return 0;
}

/* Opens path (NULL and "-": standard input). A stream's first byte is no text's: it is above 127. */
static int open_source(struct source *s, const char *path, bool copy)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;

	*s = (struct source){ .name = is_stdin ? "<stdin>" : path, .fd = STDIN_FILENO };
	if (is_stdin && isatty(STDIN_FILENO))
		return cli_error("refuse to read scores from a terminal; name a FILE or use a pipe");
	if (!is_stdin && (s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return cli_error("cannot open '%s': %s", path, strerror(errno));
	if (copy && !(s->copy = ts_file_open(NULL)))
		cli_oom();
	int rc = fill(s);
	if (rc <= 0)
		return rc ? -1 : cli_error("'%s': empty input where scores were expected", s->name);
	s->text = (unsigned char)s->buf[0] < 128;
	if (s->text)
		return 0;
	s->r = ts_reader_open_fn(take, s, s->name);
	if (!s->r)
		cli_oom();
	const struct ts_header *h = ts_reader_expect(s->r, "scores");
	return h && choose(s, h) == 0 ? 0 : cli_check_reader(s->r);
}

static void close_source(struct source *s)
{
	ts_batch_release(&s->b);
	ts_reader_close(s->r);
	ts_file_close(s->copy);
	free(s->column);
	if (s->fd > STDIN_FILENO)
		close(s->fd);
}

/* The next line's number. Lines are taken as they come, so the last one may lack its newline. */
static int next_line(struct source *s, double *score)
{
	char *end;
	int rc;

	while (!(end = memchr(s->buf + s->at, '\n', s->len - s->at))) {
		if (s->len - s->at == LINE)
			return cli_error("'%s': line %llu is too long for a number", s->name,
					 (unsigned long long)s->row + 1);
		rc = fill(s);
		if (rc < 0)
			return -1;
		if (rc == 0 && s->at == s->len)
			return 0;
		if (rc == 0)
			s->buf[s->len++] = '\n';  /* there is room: the line was not too long */
	}
	*end = '\0';
	rc = cli_parse_double(s->buf + s->at, -INFINITY, INFINITY, score);
	s->at = (size_t)(end + 1 - s->buf);
	if (rc)
		return cli_error("'%s': line %llu is not a number%s", s->name,
				 (unsigned long long)s->row + 1,
				 s->row ? "" : ", and the input is not an unmask stream");
	return 1;
}

/* The next score. 1, 0 at the end, -1 with the reason told. */
static int next(struct source *s, double *score)
{
	int rc = 1;

	if (s->text) {
		rc = next_line(s, score);
		s->row += rc == 1;
		return rc;
	}
	if (s->i == s->b.n) {
		s->i = 0;
		while ((rc = ts_reader_next(s->r, &s->b)) == 1 && s->b.n == 0)
			;
	}
	if (rc == 1) {
		*score = ((const float *)ts_batch_col(&s->b, s->column)->data)[s->i++];
		if (isnan(*score))
			rc = ts_reader_fail(s->r, "row %llu: '%s' is not a number",
					    (unsigned long long)s->row, s->column);
		s->row++;
	}
	if (rc < 0)
		cli_check_reader(s->r);
	return rc;
}

/* ---- the watch ------------------------------------------------------------------------------- */

static int begin(struct ood_watch *w)
{
	struct source s;
	double *v = NULL, score;
	size_t n = 0, cap = 0;
	int rc = open_source(&s, reference_path, false);

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
		rc = cli_error("'%s': no rows, so nothing to compare with", s.name);
	if (rc == 0 && ood_watch_init(w, v, n, alpha, direction == BOTH, (uint64_t)cli.seed))
		cli_oom();
	free(v);
	close_source(&s);
	return rc;
}

/* Reads s to its end, or to the alarm. 0, -1, ALARM. */
static int watch(struct ood_watch *w, struct source *s)
{
	unsigned long long first = 0, alarms = 0;  /* first: row at which the test began */
	double score;
	int rc;

	while ((rc = next(s, &score)) == 1) {
		if ((alarms && !reset) || !ood_watch_row(w, score))
			continue;
		alarms++;
		cli_error("alarm at row %llu: scores have left the reference, since about row %llu "
			  "(evidence %.4g; false-alarm probability %g)",
			  (unsigned long long)s->row - 1, first + ood_watch_since(w), w->evidence,
			  alpha);
		if (stop_at_alarm)
			return ALARM;
		if (reset) {
			ood_watch_reset(w);
			first = s->row;
		}
	}
	if (rc == 0)
		cli_info("%llu rows, %llu alarms; evidence at the end %.4g",
			 (unsigned long long)s->row, alarms, w->evidence);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	const char *path = first < argc ? argv[first] : NULL;
	struct ood_watch w = { 0 };
	struct source s = { .fd = -1 };

	if (argc - first > 1)
		cli_usage("one FILE at the most, but '%s' follows '%s'", argv[first + 1], path);
	if (!reference_path)
		cli_usage("--reference FILE is missing");
	if (strcmp(reference_path, "-") == 0)
		cli_usage("--reference: standard input is what is watched");
	if (stop_at_alarm && reset)
		cli_usage("--exit stops at the first alarm, so there is nothing to --reset");
	rc = pass && isatty(STDOUT_FILENO) ?
		cli_error("refuse to copy the input to a terminal; use a pipe") : begin(&w);
	if (rc == 0)
		rc = open_source(&s, path, pass);
	if (rc == 0)
		rc = watch(&w, &s);
	close_source(&s);
	ood_watch_release(&w);
	return cli_finish(rc < 0 ? 1 : 0) ? 1 : rc;
}
