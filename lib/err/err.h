/* SPDX-License-Identifier: MIT
 *
 * err: why something failed. A function that can fail takes its caller's struct err as the last parameter; where it
 * fails it gives its own reason and returns -1 (or NULL) in one statement:
 *
 *	if (fd < 0)
 *		return err_fail(err, "cannot open '%s': %s", path, strerror(errno));
 *
 * Its caller passes the same struct on, and puts the place in front if the reason lacks it:
 *
 *	if (read_rows(f, err) < 0)
 *		return err_prefix(err, "'%s': ", path);
 *
 * Nothing is written before something fails, so an existing text comes from the function that failed. Texts are one
 * line without its end, lower case, with what failed first, and what to do about it last. A text that is too long is
 * cut off. A struct may be reused; it owns nothing.
 */
#ifndef ERR_H
#define ERR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ERR_TEXT = 8192 }; /* enough for a path or two and the message about them */

struct err {
	char text[ERR_TEXT]; /* "" at first, if initialised */
	bool memory; /* memory (or a library) was missing: the request itself was right, so the caller must not go on
		      * without it */
};

/* In the format, for a word from a file: the word may have any length, and the reason follows it. */
#define ERR_NAME "%.100s"

/* Each returns -1. */
int err_fail(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same in front of the existing text. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same after the existing text, for lists of what there is. */
int err_append(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_memory(struct err *e); /* "out of memory" */

#ifdef __cplusplus
}
#endif
#endif
