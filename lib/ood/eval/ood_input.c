/* SPDX-License-Identifier: MIT
 * Scores from streams and from text. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/eval/ood_input.h"

enum { BATCH = 1024, MAX_FIELDS = 10000, MAX_LINE = 1 << 20 };

struct ood_input {
	const char *name;
	FILE *f;
	struct ts_reader *r;              /* NULL: text */
	struct ts_header header;          /* of text */
	char *line;                       /* the next one of text, without its newline, if `ahead` */
	size_t cap, number;               /* its number, from 1 */
	bool ahead;
	size_t n;                         /* columns of text, passed over ones among them */
	ptrdiff_t *column;                /* (n) which column of the header each is, or -1 */
	char error[600];
};

int ood_input_fail(struct ood_input *in, const char *fmt, ...)
{
	char what[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (in->r)
		return ts_reader_fail(in->r, "%s", what);
	if (!in->error[0])
		snprintf(in->error, sizeof in->error, "'%s': %s", in->name, what);
	return -1;
}

const char *ood_input_error(const struct ood_input *in)
{
	const char *of_reader = in->r ? ts_reader_error(in->r) : NULL;

	return in->r && of_reader ? of_reader : in->error;
}

static ssize_t take(void *ctx, void *buf, size_t len)
{
	FILE *f = ctx;
	size_t n = fread(buf, 1, len, f);

	return n == 0 && ferror(f) ? -1 : (ssize_t)n;
}

/* Makes room for one more byte of the line. */
static int grow_line(struct ood_input *in, size_t len)
{
	if (len < in->cap)
		return 0;
	if (len >= MAX_LINE)
		return ood_input_fail(in, "line %zu: longer than %d bytes", in->number, MAX_LINE);
	char *bigger = realloc(in->line, in->cap ? 2 * in->cap : 256);
	if (!bigger)
		return ood_input_fail(in, "out of memory");
	in->line = bigger;
	in->cap = in->cap ? 2 * in->cap : 256;
	return 0;
}

/* The next line of text, into in->line. 1, 0 at the end, -1. Not getline(), which has no bound. */
static int next_line(struct ood_input *in)
{
	size_t len = 0;
	int c;

	if (in->ahead) {
		in->ahead = false;
		return 1;
	}
	in->number++;
	while ((c = getc_unlocked(in->f)) != EOF && c != '\n') {
		if (c == 0)
			return ood_input_fail(in, "line %zu: is no text", in->number);
		if (grow_line(in, len + 1))
			return -1;
		in->line[len++] = (char)c;
	}
	if (ferror(in->f))
		return ood_input_fail(in, "%s", strerror(errno));
	if (c == EOF && len == 0)
		return 0;
	if (grow_line(in, len + 1))
		return -1;
	in->line[len - (len > 0 && in->line[len - 1] == '\r')] = '\0';
	return 1;
}

static bool is_number(const char *text, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return *text && *text != ' ' && !*end;
}

/* What a column of this name is. */
static int add_column(struct ood_input *in, const char *name)
{
	bool is_class = !strcmp(name, "pred") || !strcmp(name, "label");

	if (!strcmp(name, "name") || !strncmp(name, "verdict:", 8)) {
		in->column[in->n++] = -1;
		return 0;
	}
	in->column[in->n++] = (ptrdiff_t)in->header.n_fields;
	if (ts_header_add(&in->header, name, is_class ? TS_I64 : TS_F32, 0, NULL))
		return ood_input_fail(in, "line 1: '%.100s' is no name of a column, or there twice", name);
	return 0;
}

/* Makes the header from the first line. */
static int begin_text(struct ood_input *in)
{
	bool numbers = true;
	size_t n = 1;
	double v;
	char *copy, *rest, *word;
	int rc = next_line(in);

	if (rc <= 0)
		return rc ? -1 : ood_input_fail(in, "empty input where scores were expected");
	copy = rest = strdup(in->line);
	for (const char *s = in->line; *s; s++)
		n += *s == '\t';
	in->column = calloc(n, sizeof *in->column);
	if (!copy || !in->column || n > MAX_FIELDS) {
		free(copy);
		return ood_input_fail(in, "line 1: more than %d columns, or out of memory", MAX_FIELDS);
	}
	while ((word = strsep(&rest, "\t")) != NULL)
		numbers &= is_number(word, &v);
	free(copy);
	copy = rest = strdup(in->line);
	if (!copy)
		return ood_input_fail(in, "out of memory");
	for (rc = 0; rc == 0 && (word = strsep(&rest, "\t")) != NULL;) {
		char own[32] = "score";
		if (n > 1)
			snprintf(own, sizeof own, "score%zu", in->n + 1);
		rc = add_column(in, numbers ? own : word);
	}
	free(copy);
	if (rc == 0 && !numbers && (rc = next_line(in)) == 0)
		return ood_input_fail(in, "no rows of numbers, and not an unmask stream");
	in->ahead = true;
	return rc < 0 ? -1 : 0;
}

struct ood_input *ood_input_open(const char *path)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;
	struct ood_input *in = calloc(1, sizeof *in);

	if (!in)
		return NULL;
	in->name = is_stdin ? "<stdin>" : path;
	ts_header_init(&in->header, "scores");
	in->f = is_stdin ? stdin : fopen(path, "re");
	if (!in->f) {
		snprintf(in->error, sizeof in->error, "cannot open '%s': %s", path, strerror(errno));
		return in;
	}
	int first = getc(in->f);
	if (first == EOF) {
		ood_input_fail(in, ferror(in->f) ? "%s" : "empty input where scores were expected",
			       strerror(errno));
		return in;
	}
	ungetc(first, in->f);
	if (first < 128) {
		begin_text(in);
	} else if (!(in->r = ts_reader_open_fn(take, in->f, in->name))) {
		ood_input_close(in);
		return NULL;
	}
	return in;
}

void ood_input_close(struct ood_input *in)
{
	if (!in)
		return;
	ts_reader_close(in->r);
	if (in->f && in->f != stdin)
		fclose(in->f);
	ts_header_release(&in->header);
	free(in->line);
	free(in->column);
	free(in);
}

const struct ts_header *ood_input_header(struct ood_input *in)
{
	if (in->r)
		return ts_reader_expect(in->r, "scores");
	return in->error[0] ? NULL : &in->header;
}

/* Row i of the batch from in->line. */
static int take_line(struct ood_input *in, struct ts_batch *b, size_t i)
{
	char *rest = in->line, *word;
	size_t k = 0;

	for (; (word = strsep(&rest, "\t")) != NULL; k++) {
		double v;
		if (k >= in->n)
			break;
		if (in->column[k] < 0)
			continue;
		struct ts_col *to = &b->cols[in->column[k]];
		if (!is_number(word, &v))
			return ood_input_fail(in, "line %zu: '%.60s' is not a number", in->number, word);
		if (to->type == TS_F32)
			((float *)to->data)[i] = (float)v;
		else if (v < -1 || v > 1e9 || v != (double)(int64_t)v)
			return ood_input_fail(in, "line %zu: '%.60s' is no class", in->number, word);
		else
			((int64_t *)to->data)[i] = (int64_t)v;
	}
	return k == in->n && !word ? 0 :
	       ood_input_fail(in, "line %zu: not the %zu columns of line 1", in->number, in->n);
}

int ood_input_next(struct ood_input *in, struct ts_batch *b)
{
	int rc = 1;
	size_t i = 0;

	if (in->r)
		return ts_reader_next(in->r, b);
	if (in->error[0] || ts_batch_resize(b, BATCH))
		return ood_input_fail(in, "out of memory");
	while (i < BATCH && (rc = next_line(in)) == 1) {
		rc = take_line(in, b, i++);
		if (rc)
			return rc;
	}
	if (rc < 0 || ts_batch_resize(b, i))
		return ood_input_fail(in, "out of memory");
	return i > 0;
}
