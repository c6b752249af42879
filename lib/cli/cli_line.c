/* SPDX-License-Identifier: MIT
 * Lines of text that are read, and cells of those that are written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ts/ts_utf8.h"

enum { MAX_LINE = 1 << 20 };

/* Length of the control character that s begins with: C0, DEL, or C1 in UTF-8. 0: there is none. */
static size_t control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (*u < 32 || *u == 127)
		return 1;
	return *u == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0 ? 2 : 0;
}

void cli_put_cell(FILE *f, const char *s)
{
	while (*s) {
		size_t n = control(s);
		if (*s == '\t' || *s == '\n' || *s == '\r' || *s == '\\')
			fprintf(f, "\\%c", *s == '\t' ? 't' : *s == '\n' ? 'n' : *s == '\r' ? 'r' : '\\');
		else if (n == 0)
			putc(*s, f);
		for (size_t i = 0; i < n && !strchr("\t\n\r", *s); i++)
			fprintf(f, "\\x%02x", (unsigned char)s[i]);
		s += n ? n : 1;
	}
}

void cli_put_json(FILE *f, const char *s)
{
	char *text = ts_str_json(s), *rest = text;

	if (!text)
		cli_oom();
	while (*rest) {
		const size_t n = ts_utf8_span(rest);

		fwrite(rest, 1, n, f);
		rest += n;
		if (*rest) {
			fprintf(f, "\\\\x%02x", (unsigned char)*rest);
			rest++;
		}
	}
	free(text);
}

static int grow(char **line, size_t *cap, struct err *err)
{
	size_t more = *cap ? 2 * *cap : 256;
	char *grown = realloc(*line, more);

	if (!grown)
		return err_memory(err);
	*line = grown;
	*cap = more;
	return 0;
}

int cli_line(FILE *f, char **line, size_t *cap, struct err *err)
{
	size_t n = 0;
	int c;

	while ((c = getc(f)) != EOF && c != '\n') {
		if (c == '\0')
			return err_fail(err, "is not text: it holds a zero byte");
		if (n >= MAX_LINE)
			return err_fail(err, "is longer than %d bytes", MAX_LINE);
		if (n + 1 >= *cap && grow(line, cap, err) < 0)
			return -1;
		(*line)[n++] = (char)c;
	}
	if (ferror(f))
		return err_fail(err, "cannot be read: %s", strerror(errno));
	if (c == EOF && n == 0)
		return 0;
	if (n + 1 >= *cap && grow(line, cap, err) < 0)
		return -1;
	n -= n > 0 && (*line)[n - 1] == '\r';
	(*line)[n] = '\0';
	return 1;
}

/* Removes trailing blanks, and from the first line the UTF-8 byte order mark. */
static char *trim(char *line, bool first)
{
	size_t n;

	if (first)
		line += ts_utf8_mark(line);
	for (n = strlen(line); n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'); n--)
		line[n - 1] = '\0';
	return line;
}

void cli_warn_unread(const char *p, size_t n)
{
	const char *first = NULL;
	size_t lines = 0, first_len = 0;

	while (n) {
		const char *end = memchr(p, '\n', n);
		const size_t whole = end ? (size_t)(end - p) : n, len = whole - (whole > 0 && p[whole - 1] == '\r');

		if (len && !lines++) {
			first = p;
			first_len = len;
		}
		p += end ? whole + 1 : whole;
		n -= end ? whole + 1 : whole;
	}
	if (lines)
		cli_warn("stopped by a signal: %zu names that had arrived were not read, from '%.*s' on", lines,
			 (int)first_len, first);
}

char **cli_lines(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re");
	char **lines = NULL, *line = NULL;
	size_t cap = 0;
	struct err err;
	int rc = f ? 1 : 0;

	*n = 0;
	while (rc == 1 && (rc = cli_line(f, &line, &cap, &err)) == 1) {
		char **grown = realloc(lines, (*n + 2) * sizeof *lines);

		if (!grown || !(grown[*n] = strdup(trim(line, *n == 0))))
			cli_oom();
		lines = grown;
		++*n;
	}
	if (!f)
		cli_error("cannot read '%s': %s", path, strerror(errno));
	else if (rc < 0)
		cli_error("'%s': line %zu: %s", path, *n + 1, err.text);
	else if (!lines)
		cli_error("cannot read '%s': it is empty", path);
	if (rc < 0) {
		ts_strs_free(lines, *n);
		lines = NULL;
	}
	free(line);
	if (f)
		fclose(f);
	return lines;
}
