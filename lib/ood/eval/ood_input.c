/* SPDX-License-Identifier: MIT
 * Reads scores from streams and from text. read(2) fills a buffer, which is split into lines of text or handed to the
 * stream reader before the rest of the input. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ood/eval/ood_input.h"
#include "ts/ts_cell.h"
#include "ts/ts_foreign.h"

enum { BATCH = 1024, MAX_FIELDS = 10000, FIRST = 4096, MAX_LINE = 1 << 20 };

struct ood_input {
	const char *name;
	int fd;
	bool numbers;         /* text has one number per line */
	struct ts_file *copy; /* also gets everything read; or NULL */
	char *buf;            /* buf[at..len) is read but not yet used */
	size_t at, len, cap;
	struct ts_reader *r;     /* NULL: text */
	struct ts_header header; /* of text */
	size_t line;             /* the number of the last line, from 1 */
	char *ahead;             /* a line to return again, in buf; or NULL */
	size_t blank;      /* the number of the first of the empty lines just read, which only the end may follow */
	char separator;    /* between cells: a tab, a comma, a semicolon, blanks (' '); 0: there is one cell */
	size_t n;          /* columns of text, including skipped ones */
	ptrdiff_t *column; /* (n) which column of the header each is, or -1 */
	bool over;         /* the end has been read */
	bool failed;
	struct err error;
};

int ood_input_fail(struct ood_input *in, const char *fmt, ...)
{
	struct err what;
	va_list ap;

	if (in->failed)
		return -1;
	va_start(ap, fmt);
	vsnprintf(what.text, sizeof what.text, fmt, ap);
	va_end(ap);
	if (in->r)
		return ts_reader_fail(in->r, "%s", what.text);
	in->failed = true;
	return err_fail(&in->error, "'%s': %s", in->name, what.text);
}

const char *ood_input_error(const struct ood_input *in)
{
	return in->failed ? in->error.text : in->r ? ts_reader_error(in->r) : NULL;
}

bool ood_input_is_text(const struct ood_input *in)
{
	return !in->r;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Like read(2), but returns what is in the buffer first. A copy that cannot be written is a separate error. */
static ssize_t take(void *ctx, void *buf, size_t len)
{
	struct ood_input *in = ctx;
	ssize_t n;

	if (in->at < in->len) {
		len = len < in->len - in->at ? len : in->len - in->at;
		memcpy(buf, in->buf + in->at, len);
		in->at += len;
		return (ssize_t)len;
	}
	do
		n = read(in->fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n > 0 && in->copy && ts_file_put(in->copy, buf, (size_t)n) < 0) {
		in->failed = true;
		return err_fail(&in->error, "%s", ts_file_error(in->copy));
	}
	return n;
}

/* Appends more input to the buffer. 1, 0 at the end of input, -1. */
static int fill(struct ood_input *in)
{
	const size_t have = in->len - in->at, most = in->numbers ? FIRST : MAX_LINE;
	ssize_t n;

	if (have > 0)
		memmove(in->buf, in->buf + in->at, have);
	in->at = in->len = 0; /* so that take() reads */
	if (have == in->cap) {
		size_t cap = in->cap ? 2 * in->cap : FIRST;
		char *bigger = cap <= most ? realloc(in->buf, cap) : NULL;
		if (cap > most && in->numbers)
			return ood_input_fail(in, "line %zu is too long for a number", in->line + 1);
		if (cap > most)
			return ood_input_fail(in, "line %zu: longer than %zu bytes", in->line + 1, most);
		if (!bigger)
			return ood_input_fail(in, "out of memory");
		in->buf = bigger;
		in->cap = cap;
	}
	n = take(in, in->buf + have, in->cap - have);
	in->len = have + (n > 0 ? (size_t)n : 0);
	return n < 0 ? ood_input_fail(in, "cannot read: %s", strerror(errno)) : n > 0;
}

/* Does this line, len bytes long, end inside a quoted cell? */
static bool goes_on(const struct ood_input *in, size_t len)
{
	char *line = in->buf + in->at;
	bool open;

	if (!in->separator || in->separator == ' ' || !memchr(line, '"', len))
		return false;
	line[len] = '\0';
	open = ts_cell_goes_on(line, in->separator);
	line[len] = '\n';
	return open;
}

/* Returns the number of bytes of the next line, without its end. -1: failed; -2: there is no line. */
static ssize_t line_end(struct ood_input *in, size_t seen)
{
	char *end;

	while (!(end = memchr(in->buf + in->at + seen, '\n', in->len - in->at - seen))) {
		if (memchr(in->buf + in->at + seen, '\0', in->len - in->at - seen))
			return ood_input_fail(in, "line %zu: is not text", in->line + 1);
		seen = in->len - in->at;
		int rc = fill(in);
		if (rc < 0 || (rc == 0 && seen == 0))
			return rc < 0 ? -1 : -2;
		if (rc == 0) {
			in->over = true;
			if (in->len == in->cap && fill(in) < 0) /* makes room */
				return -1;
			in->buf[in->len++] = '\n';
		}
	}
	return end - (in->buf + in->at);
}

/* Reads the next line, empty or not, and the lines that a quoted cell continues on. The last one may lack its newline.
 * Input that is not text is reported before its line ends, as it may never end. */
static int any_line(struct ood_input *in, char **line)
{
	const size_t first = in->line + 1;
	ssize_t end = line_end(in, 0);
	size_t len;

	if (end < 0)
		return end == -2 ? 0 : -1;
	for (in->line++; goes_on(in, (size_t)end); in->line++) {
		if ((end = line_end(in, (size_t)end + 1)) < 0)
			return -1;
		if (in->over && goes_on(in, (size_t)end))
			return ood_input_fail(in, "line %zu: a cell's quote does not end", first);
	}
	*line = in->buf + in->at;
	len = (size_t)end;
	in->at += len + 1;
	if (memchr(*line, '\0', len))
		return ood_input_fail(in, "line %zu: is not text", in->line);
	(*line)[len - (len > 0 && (*line)[len - 1] == '\r')] = '\0';
	return 1;
}

/* Reads the next line of text, without trailing blanks, valid until the next call. Returns 1, 0 at the end, -1. Empty
 * lines are ignored at the end, where editors and programs leave them; elsewhere a score may be missing. */
static int next_line(struct ood_input *in, char **line)
{
	int rc;

	if (in->ahead) {
		*line = in->ahead;
		in->ahead = NULL;
		return 1;
	}
	while ((rc = any_line(in, line)) == 1) {
		size_t len = strlen(*line);
		while (len > 0 && (*line)[len - 1] == ' ')
			(*line)[--len] = '\0';
		if (len > 0)
			return in->blank ? ood_input_fail(in, "line %zu: is empty", in->blank) : 1;
		in->blank = in->blank ? in->blank : in->line;
	}
	return rc;
}

/* Would reading the next line block? */
static bool must_wait(const struct ood_input *in)
{
	return !in->ahead && !memchr(in->buf + in->at, '\n', in->len - in->at);
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

	if (!strcmp(name, "name") || !strncmp(name, "verdict:", 8) || (index && in->separator)) {
		in->column[in->n++] = -1;
		return 0;
	}
	return add_column(in, name, !strcmp(name, "pred") || !strcmp(name, "label") ? TS_I64 : TS_F64);
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
	while ((cell = ts_cell_next(&rest, in->separator)) != NULL) {
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

	while (rc == 0 && (word = ts_cell_next(&line, in->separator)) != NULL)
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
	struct first names, row;
	int rc = next_line(in, &in->ahead);

	if (rc <= 0)
		return rc < 0 ? -1 : ood_input_fail(in, "no rows of numbers, and not an unmask stream");
	if (!in->separator)
		in->separator = strchr(in->ahead, '\t')                         ? '\t' :
				strchr(in->ahead + strspn(in->ahead, " "), ' ') ? ' ' :
										  0;
	if (look_at(in, heading, &names) < 0 || look_at(in, in->ahead, &row) < 0 || make_room(in, names.n) < 0)
		return -1;
	if (row.n == names.n + 1 && in->ahead[strspn(in->ahead, " ")] == '"')
		in->column[in->n++] = -1;
	return take_heading(in, heading);
}

/* Looks at the first line, which is returned again if it holds numbers. A line that could be a row must not pass for a
 * heading: its scores would be lost. */
static int begin_table(struct ood_input *in)
{
	struct first f;
	char *line, *heading;
	int rc = next_line(in, &line);

	if (rc <= 0)
		return rc < 0 ? -1 : ood_input_fail(in, "no rows of numbers, and not an unmask stream");
	const bool comment = strncmp(line, "# ", 2) == 0; /* numpy.savetxt(header=) */
	line += comment ? 2 : 0;
	in->separator = ts_cell_separator(line);
	if (look_at(in, line, &f) < 0)
		return -1;
	if (f.n == 1 && f.numbers == 0) { /* numbers with blanks between them? */
		in->separator = ' ';
		if (look_at(in, line, &f) < 0)
			return -1;
		in->separator = f.n > 1 && f.numbers > 0 ? ' ' : 0;
		if (!in->separator && look_at(in, line, &f) < 0)
			return -1;
	}
	if (f.numbers == f.n && in->separator == ',' && f.n == 2 && !strpbrk(line, ".eE"))
		return ood_input_fail(in,
				      "line 1: '" ERR_NAME
				      "' may be two numbers, or one with a decimal comma; decimal points "
				      "and a heading, or tabs, tell",
				      line);
	if (f.numbers == f.n && !comment) {
		in->ahead = line;
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

/* After the mark that Excel and PowerShell put before UTF-8. */
static int begin_text(struct ood_input *in)
{
	static const char mark[] = "\xef\xbb\xbf";
	int rc = 1;

	while (rc > 0 && in->len - in->at < 3 && *in->buf == mark[0])
		rc = fill(in);
	if (rc < 0)
		return -1;
	if (in->len - in->at >= 3 && memcmp(in->buf + in->at, mark, 3) == 0)
		in->at += 3;
	if (!in->numbers)
		return begin_table(in);
	return make_room(in, 1) < 0 ? -1 : take_columns(in, 1);
}

/* A cell of column c in row i. */
static int take_value(struct ood_input *in, const char *word, struct ts_col *to, size_t i)
{
	double v;

	if (!ts_cell_number(word, &v) && to->type == TS_F64 && in->header.n_fields == 1)
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a number", in->line, word);
	if (!ts_cell_number(word, &v))
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a number, in column '%s'", in->line, word,
				      to->name);
	if (to->type == TS_F64)
		((double *)to->data)[i] = v;
	else if (v < -1 || v > 1e9 || v != (double)(int64_t)v)
		return ood_input_fail(in, "line %zu: '" ERR_NAME "' is not a class", in->line, word);
	else
		((int64_t *)to->data)[i] = (int64_t)v;
	return 0;
}

/* Row i of the batch. */
static int take_row(struct ood_input *in, char *line, struct ts_batch *b, size_t i)
{
	char *word;
	size_t k = 0;

	for (; (word = ts_cell_next(&line, in->separator)) != NULL && k < in->n; k++)
		if (in->column[k] >= 0 && take_value(in, word, &b->cols[in->column[k]], i) < 0)
			return -1;
	return k == in->n && !word ? 0 : ood_input_fail(in, "line %zu: not the %zu columns of line 1", in->line, in->n);
}

/* The same for one number per line. */
static int take_number(struct ood_input *in, const char *line, struct ts_batch *b, size_t i)
{
	double *v = (double *)b->cols[0].data + i;

	if (!ts_cell_number(line + strspn(line, " "), v) || isnan(*v))
		return ood_input_fail(in, "line %zu is not a number%s", in->line,
				      in->line > 1 ? "" : ", and the input is not an unmask stream");
	return 0;
}

/* ---- the input ------------------------------------------------------------------------------- */

/* Fails if the input is a file of another program, known by its first bytes. */
static int check_foreign(struct ood_input *in)
{
	const enum ts_foreign f = ts_foreign_of(in->buf, in->len);
	const char *remedy = ts_foreign_remedy(f);

	if (f == TS_TEXT || f == TS_UNKNOWN)
		return 0;
	return ood_input_fail(in, "holds no scores, but %s%s%s", ts_foreign_name(f), remedy ? "; " : "",
			      remedy ? remedy : "");
}

static struct ood_input *open_input(const char *path, bool numbers, struct ts_file *copy)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;
	struct ood_input *in = calloc(1, sizeof *in);

	if (!in)
		return NULL;
	in->name = is_stdin ? "<stdin>" : path;
	in->numbers = numbers;
	in->copy = copy;
	ts_header_init(&in->header, "scores");
	in->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		in->failed = true;
		err_fail(&in->error, "cannot open '%s': %s", path, strerror(errno));
		return in;
	}
	int rc = fill(in);
	if (rc == 0)
		ood_input_fail(in, "empty input where scores were expected");
	if (rc <= 0 || check_foreign(in) < 0)
		return in;
	const unsigned char first = (unsigned char)*in->buf;
	if (first < 128 || first == 0xef) {
		begin_text(in); /* a failure is recorded in in->error */
	} else if (first >= 0xfe) {
		ood_input_fail(in, "is UTF-16, or not text; only UTF-8 is read");
	} else if (!(in->r = ts_reader_open_fn(take, in, in->name))) {
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
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	ts_header_release(&in->header);
	free(in->buf);
	free(in->column);
	free(in);
}

const struct ts_header *ood_input_header(struct ood_input *in)
{
	if (in->failed)
		return NULL;
	return in->r ? ts_reader_expect(in->r, "scores") : &in->header;
}

int ood_input_next(struct ood_input *in, struct ts_batch *b)
{
	int rc = 1;
	size_t i = 0;

	if (in->failed)
		return -1;
	if (in->r)
		return ts_reader_next(in->r, b);
	if (ts_batch_resize(b, BATCH) < 0)
		return ood_input_fail(in, "out of memory");
	while (i < BATCH && (i == 0 || !must_wait(in))) {
		char *line;
		if ((rc = next_line(in, &line)) <= 0)
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
