/* SPDX-License-Identifier: MIT
 *
 * cli_align: a table with tabs between its cells, for eyes: columns line up. A terminal gets it, a file or a pipe the
 * tabs.
 */
#ifndef CLI_ALIGN_H
#define CLI_ALIGN_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The characters of n bytes of UTF-8: all bytes but those that continue one. */
size_t cli_width(const char *s, size_t n);

/* Columns beyond these are not padded. */
enum { CLI_ALIGN_COLUMNS = 64 };

/* Widths so far; all 0 to begin with. */
struct cli_align {
	size_t width[CLI_ALIGN_COLUMNS];
};

/* Prints the lines of text with blanks in place of the tabs. Columns are as wide as their widest cell of this call and
 * of those before it, so a table that comes in parts widens, and never narrows. */
void cli_align_put(struct cli_align *a, FILE *f, const char *text);

#ifdef __cplusplus
}
#endif
#endif
