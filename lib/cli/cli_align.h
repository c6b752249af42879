/* SPDX-License-Identifier: MIT
 *
 * cli_align: prints tab-separated tables with aligned columns, for people. On a terminal columns are aligned; a file or
 * a pipe gets the tabs.
 */
#ifndef CLI_ALIGN_H
#define CLI_ALIGN_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of characters in n bytes of UTF-8: all bytes except continuation bytes. */
size_t cli_width(const char *s, size_t n);

/* Columns beyond these are not padded. */
enum { CLI_ALIGN_COLUMNS = 64 };

/* Widths so far; initially all 0. */
struct cli_align {
	size_t width[CLI_ALIGN_COLUMNS];
};

/* Prints the lines of text with blanks in place of the tabs. Columns are as wide as their widest cell in this call and
 * all earlier ones, so a table that comes in parts widens, and never narrows. */
void cli_align_put(struct cli_align *a, FILE *f, const char *text);

#ifdef __cplusplus
}
#endif
#endif
