/* SPDX-License-Identifier: MIT
 * Scores from streams and from text. Bytes come by read(2) into a buffer, whose lines are text, or which goes to the
 * reader of a stream before the rest does. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ood/eval/ood_input.h"

enum { BATCH = 1024, MAX_FIELDS = 10000, FIRST = 4096, MAX_LINE = 1 << 20 };

struct ood_input {
	const char *name;
	int fd;
	bool numbers;         /* text is a number per line */
	struct ts_file *copy; /* where to all that is read goes too, or NULL */
	char *buf;            /* read and not used yet: buf[at..len) */
	size_t at, len, cap;
	struct ts_reader *r;     /* NULL: text */
	struct ts_header header; /* of text */
	size_t line;             /* the number of the last line, from 1 */
	char *ahead;             /* a line that is given again, in buf; or NULL */
	size_t n;                /* columns of text, passed over ones among them */
	ptrdiff_t *column;       /* (n) which column of the header each is, or -1 */
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

/* Like read(2): what is in the buffer first. A copy that cannot be written is an error of its own. */
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

/* Reads some more behind what is in the buffer. 1, 0 at the end of input, -1. */
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

/* The next line of text, without its end, until the next one is asked for. 1, 0 at the end, -1. The last line may lack
 * its newline. What is no text is told before its line ends: it may not. */
static int next_line(struct ood_input *in, char **line)
{
	size_t seen = 0, len;
	char *end;

	if (in->ahead) {
		*line = in->ahead;
		in->ahead = NULL;
		return 1;
	}

	while (!(end = memchr(in->buf + in->at + seen, '\n', in->len - in->at - seen))) {
		if (memchr(in->buf + in->at + seen, '\0', in->len - in->at - seen))
			return ood_input_fail(in, "line %zu: is no text", in->line + 1);
		seen = in->len - in->at;
		int rc = fill(in);
		if (rc < 0 || (rc == 0 && seen == 0))
			return rc;
		if (rc == 0) {
			if (in->len == in->cap && fill(in) < 0) /* makes room */
				return -1;
			in->buf[in->len++] = '\n';
		}
	}
	*line = in->buf + in->at;
	len = (size_t)(end - *line);
	in->at += len + 1;
	in->line++;
	if (memchr(*line, '\0', len))
		return ood_input_fail(in, "line %zu: is no text", in->line);
	(*line)[len - (len > 0 && (*line)[len - 1] == '\r')] = '\0';
	return 1;
}

/* Must the next line be waited for? */
static bool must_wait(const struct ood_input *in)
{
	return !in->ahead && !memchr(in->buf + in->at, '\n', in->len - in->at);
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool is_number(const char *text, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return *text && *text != ' ' && !*end;
}

static int add_column(struct ood_input *in, const char *name, enum ts_type type)
{
	in->column[in->n++] = (ptrdiff_t)in->header.n_fields;
	if (ts_header_field(&in->header, name) || !*name || strlen(name) > TS_MAX_NAME || strcmp(name, "end") == 0 ||
	    strcmp(name, "unmask") == 0)
		return ood_input_fail(in, "line 1: '%.100s' is no name of a column, or there twice", name);
	return ts_header_add(&in->header, name, type, 0, NULL) < 0 ? ood_input_fail(in, "out of memory") : 0;
}

/* What a column of this name is. */
static int add_named(struct ood_input *in, const char *name)
{
	if (!strcmp(name, "name") || !strncmp(name, "verdict:", 8)) {
		in->column[in->n++] = -1;
		return 0;
	}
	return add_column(in, name, !strcmp(name, "pred") || !strcmp(name, "label") ? TS_I64 : TS_F32);
}

/* Makes the header from the first line, which is taken apart. */
static int take_heading(struct ood_input *in, char *line)
{
	char *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&line, "\t")) != NULL)
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
		rc = add_column(in, own, in->numbers ? TS_F64 : TS_F32);
	}
	return rc;
}

/* Does a line hold numbers alone, and how many cells has it? */
static bool is_numbers(const char *line, size_t *n)
{
	bool numbers = true;

	for (*n = 1;; ++*n) {
		char *end;
		strtod(line, &end);
		size_t len = strcspn(line, "\t");
		numbers &= len > 0 && *line != ' ' && end == line + len;
		if (!line[len])
			return numbers;
		line += len + 1;
	}
}

/* Looks at the first line, which is given again if it holds numbers. */
static int begin_text(struct ood_input *in)
{
	bool numbers = true;
	size_t n = 1;
	char *line;
	int rc;

	if (!in->numbers) {
		if (next_line(in, &line) < 0)
			return -1;
		numbers = is_numbers(line, &n);
		in->ahead = numbers ? line : NULL;
	}
	if (n > MAX_FIELDS)
		return ood_input_fail(in, "line 1: more than %d columns", MAX_FIELDS);
	if (!(in->column = calloc(n, sizeof *in->column)))
		return ood_input_fail(in, "out of memory");
	if (numbers)
		return take_columns(in, n);
	if (take_heading(in, line) < 0)
		return -1;
	rc = next_line(in, &in->ahead);
	return rc == 0 ? ood_input_fail(in, "no rows of numbers, and not an unmask stream") : rc < 0 ? -1 : 0;
}

/* Row i of the batch. */
static int take_row(struct ood_input *in, char *line, struct ts_batch *b, size_t i)
{
	char *word;
	size_t k = 0;

	for (; (word = strsep(&line, "\t")) != NULL; k++) {
		double v;
		if (k >= in->n)
			break;
		if (in->column[k] < 0)
			continue;
		struct ts_col *to = &b->cols[in->column[k]];
		if (!is_number(word, &v))
			return ood_input_fail(in, "line %zu: '%.60s' is not a number", in->line, word);
		if (to->type == TS_F32)
			((float *)to->data)[i] = (float)v;
		else if (v < -1 || v > 1e9 || v != (double)(int64_t)v)
			return ood_input_fail(in, "line %zu: '%.60s' is no class", in->line, word);
		else
			((int64_t *)to->data)[i] = (int64_t)v;
	}
	return k == in->n && !word ? 0 : ood_input_fail(in, "line %zu: not the %zu columns of line 1", in->line, in->n);
}

/* The same of a number per line, which keeps its digits. */
static int take_number(struct ood_input *in, const char *line, struct ts_batch *b, size_t i)
{
	double *v = (double *)b->cols[0].data + i;
	char *end;

	errno = 0;
	*v = strtod(line, &end);
	if (end == line || *end || errno == ERANGE || isnan(*v))
		return ood_input_fail(in, "line %zu is not a number%s", in->line,
				      in->line > 1 ? "" : ", and the input is not an unmask stream");
	return 0;
}

/* ---- the input ------------------------------------------------------------------------------- */

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
	if (rc <= 0)
		return in;
	if ((unsigned char)*in->buf < 128) {
		begin_text(in); /* what fails is in in->error */
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
