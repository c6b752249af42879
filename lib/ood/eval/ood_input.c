/* SPDX-License-Identifier: MIT
 * Reads scores from streams and from text. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/eval/ood_input.h"
#include "ood/eval/ood_lines.h"
#include "ts/ts_cell.h"
#include "ts/ts_foreign.h"

enum { BATCH = 1024, MAX_FIELDS = 10000, MAX_NUMBER = 4096, MAX_LINE = 1 << 20 };

struct ood_input {
	struct ood_lines lines;
	struct ts_reader *r;     /* NULL: text */
	bool numbers;            /* text has one number per line */
	struct ts_header header; /* of text */
	size_t n;                /* columns of text, including skipped ones */
	ptrdiff_t *column;       /* (n) which column of the header each is, or -1 */
};

int ood_input_fail(struct ood_input *in, const char *fmt, ...)
{
	struct err what;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what.text, sizeof what.text, fmt, ap);
	va_end(ap);
	return in->r && !in->lines.failed ? ts_reader_fail(in->r, "%s", what.text) :
					    ood_lines_fail(&in->lines, "%s", what.text);
}

const char *ood_input_error(const struct ood_input *in)
{
	return in->lines.failed ? in->lines.error.text : in->r ? ts_reader_error(in->r) : NULL;
}

bool ood_input_is_text(const struct ood_input *in)
{
	return !in->r;
}

/* ---- text ------------------------------------------------------------------------------------ */

static int add_column(struct ood_input *in, const char *name, enum ts_type type)
{
	in->column[in->n++] = (ptrdiff_t)in->header.n_fields;
	if (ts_header_field(&in->header, name) || !*name || strlen(name) > TS_MAX_NAME || strcmp(name, "end") == 0 ||
	    strcmp(name, "unmask") == 0)
		return ood_input_fail(in, "line 1: '" ERR_NAME "' is not the name of a column, or appears twice", name);
	return ts_header_add(&in->header, name, type, 0, NULL) < 0 ? ood_input_fail(in, "out of memory") : 0;
}

/* What a column of this name is. An index (pandas' name for it; it may have no name) comes first and is not a score. */
static int add_named(struct ood_input *in, const char *name)
{
	const bool index = in->n == 0 && (!*name || !strcmp(name, "Unnamed: 0"));

	if (!strcmp(name, "name") || !strncmp(name, "verdict:", 8) || (index && in->lines.separator)) {
		in->column[in->n++] = -1;
		return 0;
	}
	return add_column(in, name, ts_usual_type(name) == TS_I64 ? TS_I64 : TS_F64);
}

/* What a first line holds. */
struct first {
	size_t n, numbers; /* cells, those that are numbers */
	bool counted;      /* the first is empty, the others are 0, 1, 2...: the names that pandas makes up */
	char odd[64];      /* a cell that is neither a number nor a name; "" */
};

static int look_at(struct ood_input *in, const char *line, struct first *f)
{
	char *copy = strdup(line), *rest = copy, *cell;
	double v;

	*f = (struct first){ .counted = true };
	while ((cell = ts_cell_next(&rest, in->lines.separator)) != NULL) {
		bool number = ts_cell_number(cell, &v);
		f->counted =
			f->counted && (f->n == 0 ? !*cell : number && v == (double)(f->n - 1) && !strpbrk(cell, ".eE"));
		f->n++;
		f->numbers += number;
		if (!number && !*f->odd && ts_cell_odd(cell))
			snprintf(f->odd, sizeof f->odd, "%s", cell);
	}
	free(copy);
	f->counted = f->counted && f->n > 1;
	return copy ? 0 : ood_input_fail(in, "out of memory");
}

/* Makes the header from the first line, which it splits in place. */
static int take_heading(struct ood_input *in, char *line)
{
	char *word;
	int rc = 0;

	while (rc == 0 && (word = ts_cell_next(&line, in->lines.separator)) != NULL)
		rc = add_named(in, word);
	return rc;
}

/* Makes a header of n columns without names. */
static int take_columns(struct ood_input *in, size_t n)
{
	char own[32] = "score";
	int rc = 0;

	for (size_t i = 1; i <= n && rc == 0; i++) {
		if (n > 1)
			snprintf(own, sizeof own, "score%zu", i);
		rc = add_column(in, own, TS_F64);
	}
	return rc;
}

static int make_room(struct ood_input *in, size_t n)
{
	if (n > MAX_FIELDS)
		return ood_input_fail(in, "line 1: more than %d columns", MAX_FIELDS);
	in->column = calloc(n + 1, sizeof *in->column); /* one more, for the row names that R writes */
	return in->column ? 0 : ood_input_fail(in, "out of memory");
}

/* Reads a heading, then looks at the first row: R writes row names without a heading. */
static int begin_named(struct ood_input *in, char *heading)
{
	struct ood_lines *l = &in->lines;
	struct first names, row;
	char *line;
	int rc = ood_lines_next(l, &line);

	if (rc <= 0)
		return rc < 0 ? -1 : ood_input_fail(in, "no rows of numbers, and not an unmask stream");
	ood_lines_again(l, line);
	if (!l->separator)
		l->separator = strchr(line, '\t') ? '\t' : strchr(line + strspn(line, " "), ' ') ? ' ' : 0;
	if (look_at(in, heading, &names) < 0 || look_at(in, line, &row) < 0 || make_room(in, names.n) < 0)
		return -1;
	if (row.n == names.n + 1 && line[strspn(line, " ")] == '"')
		in->column[in->n++] = -1;
	return take_heading(in, heading);
}

/* Looks at the first line, which is returned again if it holds numbers. A line that could be a row must not pass for a
 * heading: its scores would be lost. */
static int begin_table(struct ood_input *in)
{
	struct ood_lines *l = &in->lines;
	struct first f;
	char *line, *heading;
	int rc = ood_lines_next(l, &line);

	if (rc <= 0)
		return rc < 0 ? -1 : ood_input_fail(in, "no rows of numbers, and not an unmask stream");
	const bool comment = strncmp(line, "# ", 2) == 0; /* numpy.savetxt(header=) */
	line += comment ? 2 : 0;
	l->separator = ts_cell_separator(line);
	if (look_at(in, line, &f) < 0)
		return -1;
	if (f.n == 1 && f.numbers == 0) { /* numbers with blanks between them? */
		l->separator = ' ';
		if (look_at(in, line, &f) < 0)
			return -1;
		l->separator = f.n > 1 && f.numbers > 0 ? ' ' : 0;
		if (!l->separator && look_at(in, line, &f) < 0)
			return -1;
	}
	if (f.numbers == f.n && l->separator == ',' && f.n == 2 && !strpbrk(line, ".eE"))
		return ood_input_fail(in,
				      "line 1: '" ERR_NAME
				      "' may be two numbers, or one with a decimal comma; decimal points "
				      "and a heading, or tabs, tell",
				      line);
	if (f.numbers == f.n && !comment) {
		ood_lines_again(l, line);
		return make_room(in, f.n) < 0 ? -1 : take_columns(in, f.n);
	}
	if (*f.odd)
		return ood_input_fail(in, "line 1: '" ERR_NAME "' is neither a number nor a column's name", f.odd);
	if (f.numbers > 0 && !f.counted)
		return ood_input_fail(in, "line 1: holds numbers and words, so it is neither a heading nor a row of "
					  "scores; add a first line that names the columns ('name' is passed over)");
	if (!(heading = strdup(line)))
		return ood_input_fail(in, "out of memory");
	rc = begin_named(in, heading);
	free(heading);
	return rc;
}

static int begin_text(struct ood_input *in)
{
	if (ood_lines_skip_mark(&in->lines) < 0)
		return -1;
	if (!in->numbers)
		return begin_table(in);
	return make_room(in, 1) < 0 ? -1 : take_columns(in, 1);
}

/* A cell of column c in row i. */
static int take_value(struct ood_input *in, const char *word, struct ts_col *to, size_t i)
{
	double v;

	if (!ts_cell_number(word, &v) && to->type == TS_F64 && in->header.n_fields == 1)
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a number", in->lines.line, word);
	if (!ts_cell_number(word, &v))
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a number, in column '%s'", in->lines.line,
				      word, to->name);
	if (to->type == TS_F64)
		((double *)to->data)[i] = v;
	else if (v < -1 || v > 1e9 || v != (double)(int64_t)v)
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a class", in->lines.line, word);
	else
		((int64_t *)to->data)[i] = (int64_t)v;
	return 0;
}

/* Row i of the batch. */
static int take_row(struct ood_input *in, char *line, struct ts_batch *b, size_t i)
{
	char *word;
	size_t k = 0;

	for (; (word = ts_cell_next(&line, in->lines.separator)) != NULL && k < in->n; k++)
		if (in->column[k] >= 0 && take_value(in, word, &b->cols[in->column[k]], i) < 0)
			return -1;
	return k == in->n && !word ?
		       0 :
		       ood_input_fail(in, "line %zu: not the %zu columns of line 1", in->lines.line, in->n);
}

/* The same for one number per line. */
static int take_number(struct ood_input *in, const char *line, struct ts_batch *b, size_t i)
{
	double *v = (double *)b->cols[0].data + i;

	if (!ts_cell_number(line + strspn(line, " "), v) || isnan(*v))
		return ood_input_fail(in, "line %zu is not a number%s", in->lines.line,
				      in->lines.line > 1 ? "" : ", and the input is not an unmask stream");
	return 0;
}

/* ---- the input ------------------------------------------------------------------------------- */

/* Fails if the input is a file of another program, known by its first bytes. */
static int check_foreign(struct ood_input *in)
{
	const enum ts_foreign f = ts_foreign_of(in->lines.buf, in->lines.len);
	const char *remedy = ts_foreign_remedy(f);

	if (f == TS_TEXT || f == TS_UNKNOWN)
		return 0;
	return ood_input_fail(in, "holds no scores, but %s%s%s", ts_foreign_name(f), remedy ? "; " : "",
			      remedy ? remedy : "");
}

static struct ood_input *open_input(const char *path, bool numbers, struct ts_file *copy)
{
	struct ood_input *in = calloc(1, sizeof *in);
	struct ood_lines *l = &in->lines;

	if (!in)
		return NULL;
	in->numbers = numbers;
	ts_header_init(&in->header, "scores");
	if (ood_lines_open(l, path, numbers ? MAX_NUMBER : MAX_LINE, copy) < 0)
		return in;
	int rc = ood_lines_fill(l);
	if (rc == 0)
		ood_input_fail(in, "empty input where scores were expected");
	if (rc <= 0 || check_foreign(in) < 0)
		return in;
	const unsigned char first = (unsigned char)l->buf[0];
	if (first < 128 || first == 0xef) {
		begin_text(in); /* a failure is recorded in lines.error */
	} else if (first >= 0xfe) {
		ood_input_fail(in, "is UTF-16, or not text; only UTF-8 is read");
	} else if (!(in->r = ts_reader_open_fn(ood_lines_read, l, l->name))) {
		ood_input_close(in);
		return NULL;
	}
	return in;
}

struct ood_input *ood_input_open(const char *path)
{
	return open_input(path, false, NULL);
}

struct ood_input *ood_input_open_numbers(const char *path, struct ts_file *copy)
{
	return open_input(path, true, copy);
}

void ood_input_close(struct ood_input *in)
{
	if (!in)
		return;
	ts_reader_close(in->r);
	ood_lines_close(&in->lines);
	ts_header_release(&in->header);
	free(in->column);
	free(in);
}

const struct ts_header *ood_input_header(struct ood_input *in)
{
	if (in->lines.failed)
		return NULL;
	return in->r ? ts_reader_expect(in->r, "scores") : &in->header;
}

int ood_input_next(struct ood_input *in, struct ts_batch *b)
{
	int rc = 1;
	size_t i = 0;

	if (in->lines.failed)
		return -1;
	if (in->r)
		return ts_reader_next(in->r, b);
	if (ts_batch_resize(b, BATCH) < 0)
		return ood_input_fail(in, "out of memory");
	while (i < BATCH && (i == 0 || !ood_lines_wait(&in->lines))) {
		char *line;
		if ((rc = ood_lines_next(&in->lines, &line)) <= 0)
			break;
		if ((in->numbers ? take_number(in, line, b, i) : take_row(in, line, b, i)) < 0)
			return -1;
		i++;
	}
	if (rc < 0)
		return -1;
	if (ts_batch_resize(b, i) < 0)
		return ood_input_fail(in, "out of memory");
	return i > 0;
}
