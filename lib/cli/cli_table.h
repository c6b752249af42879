/* SPDX-License-Identifier: MIT
 *
 * cli_table: a table on standard output, for people and for programs.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TEXT: columns that line up. TSV: a heading of keys, tabs. JSON: an object a line. MARKDOWN. CSV: a heading of keys,
 * commas, quoted where it must be (RFC 4180, but for the line ends). LATEX: a tabular with booktabs' rules, which
 * cli_table_end() ends; words are escaped, cells of numbers stand as they are. */
enum cli_format { CLI_TEXT, CLI_TSV, CLI_JSON, CLI_MARKDOWN, CLI_CSV, CLI_LATEX };
#define CLI_FORMATS "text|tsv|json|markdown|csv|latex"

struct cli_column {
	const char *head, *key; /* for people, for programs */
	int width;              /* in TEXT; below 0: words, to the left, which JSON quotes */
};

/* Is the format one for people? They get percents with two decimals, programs all digits. */
bool cli_format_is_for_people(enum cli_format f);
/* Makes room for this cell (NULL: none) in a column of words. */
void cli_column_widen(struct cli_column *c, const char *cell);
/* Prints the heading; nothing in JSON. */
void cli_table_heading(enum cli_format f, const struct cli_column *c, size_t n);
/* Prints a row of n cells. NULL: nothing is known there ("-", null). */
void cli_table_row(enum cli_format f, const struct cli_column *c, size_t n, const char *const *cell);
/* Prints what ends it: nothing but in LATEX. */
void cli_table_end(enum cli_format f);
/* Writes v as briefly as it can be read back to the same bits; NaN as "-". */
void cli_number(char buf[32], double v);

#ifdef __cplusplus
}
#endif
#endif
