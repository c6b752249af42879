/* SPDX-License-Identifier: MIT
 *
 * err: why something failed. A function that can fail takes a struct err of its caller's, last, and where it fails it
 * says its own reason and returns -1 (or NULL) in one go:
 *
 *	if (fd < 0)
 *		return err_fail(err, "cannot open '%s': %s", path, strerror(errno));
 *
 * Who calls it passes the same struct on, and puts the place in front if the reason lacks it:
 *
 *	if (read_rows(f, err) < 0)
 *		return err_prefix(err, "'%s': ", path);
 *
 * Nothing is written before something fails, and a text that is there was written by the one that failed. Texts are a
 * line without its end, lower case, what failed first, and what to do about it last. What is too long is cut off.
 * A struct may be used again; it owns nothing.
 */
#ifndef ERR_H
#define ERR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ERR_TEXT = 8192 }; /* a path or two, and what is to be said of them */

struct err {
	char text[ERR_TEXT]; /* "" at first, if it is initialised */
	bool memory; /* that (or a library) is what lacked: nothing is wrong with what was asked for, so nothing may do
		      * without it */
};

/* Of the format, for a word out of a file: it may be of any length, and what is behind it is the reason. */
#define ERR_NAME "%.100s"

/* Each returns -1. */
int err_fail(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same in front of the text that is there. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same behind it, for lists of what there is. */
int err_append(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_memory(struct err *e); /* "out of memory" */

#ifdef __cplusplus
}
#endif
#endif
