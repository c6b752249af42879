/* SPDX-License-Identifier: MIT
 * Tables of text. A first pass over the lines counts rows and finds which columns are numbers, a second one fills
 * arrays: so a table takes 8 bytes per number, plus its text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arr/arr_internal.h"
#include "ts/ts_cell.h"

enum { MAX_COLUMNS = 1 << 20 };

struct column {
	char *name;  /* "": none */
	bool text;   /* some cell is not a number */
	bool number; /* some cell is */
	size_t odd;  /* line of the first cell that is not */
};

struct table {
	const unsigned char *p;
	size_t n, at; /* bytes; offset of the next line */
	size_t line;  /* number of the last line, from 1 */
	char *copy;   /* of that line, to be taken apart */
	size_t cap;
	char separator;
	bool heading;
	struct column *c;
	size_t n_c, rows;
};

/* ---- lines ------------------------------------------------------------------------------------ */

/* Reads the next line into t->copy, without its end and trailing blanks. 1; 0: only empty lines are left; -1. */
static int next_line(struct table *t, struct err *err)
{
	const unsigned char *from = t->p + t->at, *end;
	size_t len;

	if (t->at == t->n)
		return 0;
	end = memchr(from, '\n', t->n - t->at);
	len = end ? (size_t)(end - from) : t->n - t->at;
	t->at += len + (end != NULL);
	t->line++;
	if (memchr(from, '\0', len))
		return err_fail(err, "line %zu: is not text", t->line);
	while (len > 0 && (from[len - 1] == '\r' || from[len - 1] == ' '))
		len--;
	if (len + 1 > t->cap) {
		char *bigger = realloc(t->copy, 2 * (len + 1));
		if (!bigger)
			return err_memory(err);
		t->copy = bigger;
		t->cap = 2 * (len + 1);
	}
	memcpy(t->copy, from, len);
	t->copy[len] = '\0';
	if (len > 0)
		return 1;
	for (size_t i = t->at; i < t->n; i++)
		if (!strchr("\r\n ", t->p[i]) || !t->p[i])
			return err_fail(err, "line %zu: is empty", t->line);
	t->at = t->n;
	return 0;
}

static void rewind_table(struct table *t, size_t at)
{
	t->at = at;
	t->line = 0;
}

/* ---- the first line --------------------------------------------------------------------------- */

static bool is_whole(const char *cell, double want)
{
	double v;

	return ts_cell_number(cell, &v) && v == want && strspn(cell, "0123456789") == strlen(cell);
}

/* Does the line name the columns? If its names are numbers, they must count from 0 or 1, as pandas writes them. A row
 * of data must not pass for a heading: a line that could be either is refused. */
static int is_heading(struct table *t, struct err *err)
{
	size_t cells = 0, numbers = 0, counted = 0;
	bool empty_first = false;
	char *rest = t->copy, *cell;
	double v, from = 0;

	while ((cell = ts_cell_next(&rest, t->separator))) {
		const bool number = ts_cell_number(cell, &v);
		empty_first = empty_first || (cells == 0 && !*cell);
		from = number && numbers == 0 && v == 1 ? 1 : from;
		counted += number && is_whole(cell, from + (double)numbers);
		numbers += number;
		cells++;
	}
	if (numbers == 0)
		return 1;
	if (counted == numbers && (numbers >= ARR_MANY || empty_first))
		return 1;
	if (numbers == cells && (counted < numbers || numbers < 3))
		return 0;
	return err_fail(err, "line 1: may be a heading or a row: %s; a first line of names tells",
			numbers == cells ? "it counts" : "it holds numbers and words");
}

static int add_column(struct table *t, const char *name, struct err *err)
{
	struct column *bigger;

	if (t->n_c == MAX_COLUMNS)
		return err_fail(err, "line 1: more than %d columns", MAX_COLUMNS);
	if ((t->n_c & (t->n_c - 1)) == 0) { /* a power of two: full */
		if (!(bigger = realloc(t->c, (t->n_c ? 2 * t->n_c : 1) * sizeof *bigger)))
			return err_memory(err);
		t->c = bigger;
	}
	t->c[t->n_c] = (struct column){ .name = strdup(name) };
	if (!t->c[t->n_c].name)
		return err_memory(err);
	t->n_c++;
	return 0;
}

static int take_first(struct table *t, struct err *err)
{
	char *rest, *cell, *copy;
	int rc = next_line(t, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_fail(err, "has no rows");
	if (strncmp(t->copy, "# ", 2) == 0) /* numpy.savetxt(header=) */
		memmove(t->copy, t->copy + 2, strlen(t->copy + 2) + 1);
	t->separator = ts_cell_separator(t->copy);
	if (!t->separator && strchr(t->copy + strspn(t->copy, " "), ' '))
		t->separator = ' ';
	if (!(copy = strdup(t->copy)))
		return err_memory(err);
	rc = is_heading(t, err);
	rest = copy;
	t->heading = rc == 1;
	while (rc >= 0 && (cell = ts_cell_next(&rest, t->separator)))
		rc = add_column(t, t->heading ? cell : "", err) < 0 ? -1 : rc;
	free(copy);
	return rc < 0 ? -1 : 0;
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Takes the line apart; each cell goes to put(), which returns -1 with a reason. */
static int each_cell(struct table *t,
		     int (*put)(struct table *t, size_t c, const char *cell, void *data, struct err *err), void *data,
		     struct err *err)
{
	char *rest = t->copy, *cell;
	size_t c = 0;

	while (rest) {
		if (ts_cell_open(rest))
			return err_fail(err,
					"line %zu: a cell in quotes does not end on its line; text of several lines is "
					"not read",
					t->line);
		cell = ts_cell_next(&rest, t->separator);
		if (c < t->n_c && put(t, c, cell, data, err) < 0)
			return -1;
		c++;
	}
	return c == t->n_c ? 0 : err_fail(err, "line %zu: has %zu cells where line 1 has %zu", t->line, c, t->n_c);
}

/* Is it a whole number that no double holds? As a number it would lose digits. */
static bool loses_digits(const char *cell, double v)
{
	char exact[330];

	if (fabs(v) < 9007199254740992.0 || strpbrk(cell, ".eEfFnNxXpP"))
		return false;
	snprintf(exact, sizeof exact, "%.0f", v);
	return strcmp(exact, cell + (*cell == '+')) != 0;
}

static int look(struct table *t, size_t c, const char *cell, void *data, struct err *err)
{
	double v;

	(void)data;
	(void)err;
	if (ts_cell_number(cell, &v) && !loses_digits(cell, v)) {
		t->c[c].number = true;
		return 0;
	}
	t->c[c].odd = t->c[c].odd ? t->c[c].odd : t->line;
	t->c[c].text = true;
	return 0;
}

/* ---- columns to arrays ------------------------------------------------------------------------ */

static const char *name_of(const void *table, size_t c)
{
	return ((const struct table *)table)->c[c].name;
}

/* How many columns from c on form one array. -1 with err: not certain. */
static long group_at(const struct table *t, size_t c, struct err *err)
{
	return t->heading ? arr_group(name_of, t, c, t->n_c, err) : (long)t->n_c;
}

/* Columns first..first+n, all numbers or n = 1, as one array; where the second pass puts their cells. */
struct place {
	double *number; /* of the first row; NULL: */
	char **string;
	size_t step;
};
struct filling {
	struct place *at; /* (columns) */
	size_t row;
	struct arr_set *s;
};

static int fill(struct table *t, size_t c, const char *cell, void *data, struct err *err)
{
	struct filling *f = data;
	struct place *p = &f->at[c];
	char *own;

	(void)t;
	if (p->number) {
		ts_cell_number(cell, &p->number[f->row * p->step]);
		return 0;
	}
	if (!p->string)
		return 0;
	if (!(own = strdup(cell)))
		return err_memory(err);
	p->string[f->row] = own;
	return arr_keep_take(f->s, own, err);
}

static int add_group(struct table *t, size_t first, size_t n, const char *file, struct filling *f, struct err *err)
{
	struct arr a = { .decimal = true, .ndim = n > 1 || !t->heading ? 2 : 1, .shape = { t->rows, n } };
	const bool text = n == 1 && (t->c[first].text || (t->heading && arr_is_called(t->c[first].name, ARR_NAME)));
	const size_t len = n > 1 ? arr_group_base(t->c[first].name) : strlen(t->c[first].name);
	char name[TS_MAX_NAME + 1];
	void *room;

	for (size_t c = first; n > 1 && c < first + n; c++)
		if (t->c[c].text)
			return err_fail(err, "line %zu: column %zu ('" ERR_NAME "') is not a number%s", t->c[c].odd,
					c + 1, t->c[c].name,
					t->c[c].number ? ", but is one in other lines" :
							 ", nor in any other line; decimals have a point");
	if (len > TS_MAX_NAME && t->heading)
		return err_fail(err, "line 1: '" ERR_NAME "' is not the name of a column", t->c[first].name);
	snprintf(name, sizeof name, "%.*s", t->heading ? (int)len : 0, t->c[first].name);
	if (!(room = calloc(t->rows * n + 1, sizeof(union {
				    double number;
				    char *string;
			    }))))
		return err_memory(err);
	if (arr_keep_take(f->s, room, err) < 0)
		return -1;
	snprintf(a.type, sizeof a.type, "%s", text ? "text" : "numbers");
	a.kind = text ? ARR_STRINGS : ARR_FLOAT;
	a.size = text ? 0 : sizeof(double);
	a.data = room;
	a.strings = text ? room : NULL;
	a.odd = t->c[first].text && t->c[first].number ? t->c[first].odd : 0;
	for (size_t i = 0; i < n; i++)
		f->at[first + i] = (struct place){ text ? NULL : (double *)room + i, text ? room : NULL, n };
	return arr_add(f->s, &a, *name ? name : file, err) < 0 ? err_prefix(err, "line 1: ") : 0;
}

/* Is it an index, which pandas and R write first? Its name is "" or "Unnamed: 0". */
static bool is_index(const struct table *t, size_t c)
{
	return t->heading && c == 0 && t->n_c > 1 && (!*t->c[0].name || strcmp(t->c[0].name, "Unnamed: 0") == 0);
}

static int make_arrays(struct table *t, const char *file, struct filling *f, struct err *err)
{
	long n;

	for (size_t c = 0; c < t->n_c; c += (size_t)n) {
		if ((n = is_index(t, c) ? 1 : group_at(t, c, err)) < 0)
			return err_prefix(err, "line 1: ");
		if (!is_index(t, c) && add_group(t, c, (size_t)n, file, f, err) < 0)
			return -1;
	}
	return 0;
}

static int read_table(struct table *t, struct arr_set *s, const char *file, struct err *err)
{
	struct filling f = { .s = s };
	size_t start = t->at, rows = 0;
	int rc;

	if (take_first(t, err) < 0)
		return -1;
	if (!t->heading)
		rewind_table(t, start);
	start = t->at;
	while ((rc = next_line(t, err)) == 1) {
		if (each_cell(t, look, NULL, err) < 0)
			return -1;
		t->rows++;
	}
	if (rc < 0)
		return -1;
	if (t->rows == 0)
		return err_fail(err, "has no rows below its heading");
	if (!(f.at = calloc(t->n_c, sizeof *f.at)))
		return err_memory(err);
	rc = make_arrays(t, file, &f, err);
	rewind_table(t, start);
	for (; rc == 0 && rows < t->rows && (rc = next_line(t, err)) == 1; rows++) {
		f.row = rows;
		rc = each_cell(t, fill, &f, err);
	}
	free(f.at);
	return rc < 0 ? -1 : 0;
}

int arr_table(struct arr_set *s, const char *name, const unsigned char *p, size_t n, struct err *err)
{
	struct table t = { .p = p, .n = n };
	int rc;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) /* the byte order mark that Excel writes */
		t.at = 3;
	if (*p >= 0xfe)
		return err_fail(err, "is UTF-16, or not text; only UTF-8 is read");
	if (*p < 9 || (*p < 32 && *p > 13) || *p == 0x7f || (*p >= 0x80 && t.at == 0 && *p < 0xc2))
		return err_fail(err, "is neither .npy, .npz, safetensors nor a table of text");
	rc = read_table(&t, s, name, err);
	for (size_t c = 0; c < t.n_c; c++)
		free(t.c[c].name);
	free(t.c);
	free(t.copy);
	return rc;
}
