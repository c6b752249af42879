/* SPDX-License-Identifier: MIT
 *
 * ood_lines: a file as lines of text, or as its bytes. What has been read stays in the buffer until a line is taken, so
 * that the first bytes can decide what reads the rest. Lines end in \n or \r\n; the last one may lack its end. Blanks
 * at the end of a line are cut. Held in memory: one line, and at most `most` bytes.
 */
#ifndef OOD_LINES_H
#define OOD_LINES_H

#include <stdbool.h>
#include <sys/types.h>

#include "err/err.h"
#include "ts/ts.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_lines {
	const char *name; /* of the input, for errors; borrowed */
	size_t line;      /* the number of the last line, from 1 */
	char separator;   /* between cells; lines are joined where a quoted cell goes on. 0 or a blank: they are not */
	char *buf;        /* buf[at..len) is read but not yet used */
	size_t at, len, cap;
	bool failed;
	struct err error; /* one line that names the input */
	/* private */
	int fd;
	size_t most;          /* bytes of the longest line */
	struct ts_file *copy; /* also gets everything read; or NULL */
	char *ahead;          /* a line to return again, in buf; or NULL */
	size_t blank;         /* the number of the first of the empty lines just read, which only the end may follow */
	bool over;            /* the end has been read */
};

/* Opens path; NULL or "-" is standard input. Everything read is also written to copy, unless it is NULL. A line of more
 * than `most` bytes, its end among them, is an error. */
int ood_lines_open(struct ood_lines *l, const char *path, size_t most, struct ts_file *copy) TS_CHECKED;
void ood_lines_close(struct ood_lines *l);
/* Like read(2), from what is in the buffer first; lines: the ood_lines. For ts_reader_open_fn(). */
ssize_t ood_lines_read(void *lines, void *buf, size_t len);
/* Appends more input to the buffer. Returns 1; 0 at the end of input; -1 on failure. */
int ood_lines_fill(struct ood_lines *l) TS_CHECKED;
/* Skips the mark that Excel and PowerShell put before UTF-8, at the beginning, after ood_lines_fill(). */
int ood_lines_skip_mark(struct ood_lines *l) TS_CHECKED;
/* The next line, valid until the next call. Returns 1; 0 at the end; -1 on failure. Empty lines are ignored at the end,
 * where editors and programs leave them; elsewhere a score may be missing, and they are an error. */
int ood_lines_next(struct ood_lines *l, char **line) TS_CHECKED;
/* The next call returns this line, which was the last one, again. */
void ood_lines_again(struct ood_lines *l, char *line);
/* Would the next line have to be waited for? */
bool ood_lines_wait(const struct ood_lines *l);
/* Records what is wrong with the input, unless something already is, and returns -1. */
int ood_lines_fail(struct ood_lines *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
#endif
