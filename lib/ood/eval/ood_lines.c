/* SPDX-License-Identifier: MIT
 * Lines of text. read(2) fills a buffer, which grows until it holds a line. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ood/eval/ood_lines.h"
#include "ts/ts_cell.h"

enum { FIRST = 4096 }; /* bytes of the first buffer */

int ood_lines_fail(struct ood_lines *l, const char *fmt, ...)
{
	struct err what;
	va_list ap;

	if (l->failed)
		return -1;
	va_start(ap, fmt);
	vsnprintf(what.text, sizeof what.text, fmt, ap);
	va_end(ap);
	l->failed = true;
	return err_fail(&l->error, "'%s': %s", l->name, what.text);
}

int ood_lines_open(struct ood_lines *l, const char *path, size_t most, struct ts_file *copy)
{
	const bool is_stdin = !path || strcmp(path, "-") == 0;

	*l = (struct ood_lines){ .name = is_stdin ? "<stdin>" : path, .most = most, .copy = copy };
	l->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (l->fd >= 0)
		return 0;
	l->failed = true;
	return err_fail(&l->error, "cannot open '%s': %s", path, strerror(errno));
}

void ood_lines_close(struct ood_lines *l)
{
	if (l->fd > STDIN_FILENO)
		close(l->fd);
	free(l->buf);
}

/* A copy that cannot be written is a separate error. */
ssize_t ood_lines_read(void *lines, void *buf, size_t len)
{
	struct ood_lines *l = lines;
	ssize_t n;

	if (l->at < l->len) {
		len = len < l->len - l->at ? len : l->len - l->at;
		memcpy(buf, l->buf + l->at, len);
		l->at += len;
		return (ssize_t)len;
	}
	do
		n = read(l->fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n > 0 && l->copy && ts_file_put(l->copy, buf, (size_t)n) < 0) {
		l->failed = true;
		return err_fail(&l->error, "%s", ts_file_error(l->copy));
	}
	return n;
}

int ood_lines_fill(struct ood_lines *l)
{
	const size_t have = l->len - l->at;
	ssize_t n;

	if (have > 0)
		memmove(l->buf, l->buf + l->at, have);
	l->at = l->len = 0; /* so that it reads */
	if (have == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : FIRST;
		char *bigger = cap <= l->most ? realloc(l->buf, cap) : NULL;
		if (cap > l->most)
			return ood_lines_fail(l, "line %zu: longer than %zu bytes", l->line + 1, l->most - 1);
		if (!bigger)
			return ood_lines_fail(l, "out of memory");
		l->buf = bigger;
		l->cap = cap;
	}
	n = ood_lines_read(l, l->buf + have, l->cap - have);
	l->len = have + (n > 0 ? (size_t)n : 0);
	return n < 0 ? ood_lines_fail(l, "cannot read: %s", strerror(errno)) : n > 0;
}

/* Does this line, len bytes long, end inside a quoted cell? */
static bool goes_on(const struct ood_lines *l, size_t len)
{
	char *line = l->buf + l->at;
	bool open;

	if (!l->separator || l->separator == ' ' || !memchr(line, '"', len))
		return false;
	line[len] = '\0';
	open = ts_cell_goes_on(line, l->separator);
	line[len] = '\n';
	return open;
}

/* Returns the number of bytes of the next line, without its end. -1: failed; -2: there is no line. */
static ssize_t line_end(struct ood_lines *l, size_t seen)
{
	char *end;

	while (!(end = memchr(l->buf + l->at + seen, '\n', l->len - l->at - seen))) {
		if (memchr(l->buf + l->at + seen, '\0', l->len - l->at - seen))
			return ood_lines_fail(l, "line %zu: is not text", l->line + 1);
		seen = l->len - l->at;
		int rc = ood_lines_fill(l);
		if (rc < 0 || (rc == 0 && seen == 0))
			return rc < 0 ? -1 : -2;
		if (rc == 0) {
			l->over = true;
			if (l->len == l->cap && ood_lines_fill(l) < 0) /* makes room */
				return -1;
			l->buf[l->len++] = '\n';
		}
	}
	return end - (l->buf + l->at);
}

/* Reads the next line, empty or not, and the lines that a quoted cell continues on. The last one may lack its newline.
 * Input that is not text is reported before its line ends, as it may never end. */
static int any_line(struct ood_lines *l, char **line)
{
	const size_t first = l->line + 1;
	ssize_t end = line_end(l, 0);
	size_t len;
	bool open;

	if (end < 0)
		return end == -2 ? 0 : -1;
	open = goes_on(l, (size_t)end);
	for (l->line++; open; l->line++) {
		const size_t from = (size_t)end + 1;

		if ((end = line_end(l, from)) < 0)
			return -1;
		if (memchr(l->buf + l->at + from, '"', (size_t)end - from)) /* nothing else closes the cell */
			open = goes_on(l, (size_t)end);
		if (open && l->over)
			return ood_lines_fail(l, "line %zu: a cell's quote does not end", first);
	}
	*line = l->buf + l->at;
	len = (size_t)end;
	l->at += len + 1;
	if (memchr(*line, '\0', len))
		return ood_lines_fail(l, "line %zu: is not text", l->line);
	(*line)[len - (len > 0 && (*line)[len - 1] == '\r')] = '\0';
	return 1;
}

int ood_lines_next(struct ood_lines *l, char **line)
{
	int rc;

	if (l->ahead) {
		*line = l->ahead;
		l->ahead = NULL;
		return 1;
	}
	while ((rc = any_line(l, line)) == 1) {
		size_t len = strlen(*line);
		while (len > 0 && (*line)[len - 1] == ' ')
			(*line)[--len] = '\0';
		if (len > 0)
			return l->blank ? ood_lines_fail(l, "line %zu: is empty", l->blank) : 1;
		l->blank = l->blank ? l->blank : l->line;
	}
	return rc;
}

int ood_lines_skip_mark(struct ood_lines *l)
{
	static const char mark[] = "\xef\xbb\xbf";
	int rc = 1;

	while (rc > 0 && l->len - l->at < 3 && *l->buf == mark[0])
		rc = ood_lines_fill(l);
	if (rc < 0)
		return -1;
	if (l->len - l->at >= 3 && memcmp(l->buf + l->at, mark, 3) == 0)
		l->at += 3;
	return 0;
}

void ood_lines_again(struct ood_lines *l, char *line)
{
	l->ahead = line;
}

bool ood_lines_wait(const struct ood_lines *l)
{
	return !l->ahead && !memchr(l->buf + l->at, '\n', l->len - l->at);
}
