/* SPDX-License-Identifier: MIT
 *
 * cli_table: a table, for people and for programs.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TEXT: columns that line up. TSV: a heading of keys, tabs. JSON: an object per line. MARKDOWN. CSV: a heading of keys,
 * commas, quoted where it must be (RFC 4180, but for the line ends). LATEX: a tabular with booktabs' rules, which
 * cli_table_end() ends; words are escaped, cells of numbers stand as they are. */
enum cli_format { CLI_TEXT, CLI_TSV, CLI_JSON, CLI_MARKDOWN, CLI_CSV, CLI_LATEX };
#define CLI_FORMATS "text|tsv|json|markdown|csv|latex"

struct cli_column {
	const char *head, *key; /* for people, for programs */
	int width;              /* in TEXT; below 0: words, to the left, which JSON quotes; else a number, or JSON */
};

/* What --format says, or --json; usage error if they say different things. */
enum cli_format cli_table_format(enum cli_format said);
/* Is the format one for people? They get percents with two decimals, programs all digits. */
bool cli_format_is_for_people(enum cli_format f);
/* Makes room for this cell (NULL: none) in a column of words. */
void cli_column_widen(struct cli_column *c, const char *cell);
/* Prints the heading; nothing in JSON. */
void cli_table_heading(FILE *to, enum cli_format f, const struct cli_column *c, size_t n);
/* Prints a row of n cells. NULL: nothing is known there ("-", null). Of numbers, JSON quotes those that it does not
 * have ("inf"). */
void cli_table_row(FILE *to, enum cli_format f, const struct cli_column *c, size_t n, const char *const *cell);
/* Prints what ends it: nothing but in LATEX. */
void cli_table_end(FILE *to, enum cli_format f);
/* The same of a table that is for programs alone: TSV, whose cells cli_put_cell() writes, or with --json JSON. */
void cli_rows_heading(FILE *to, const struct cli_column *c, size_t n);
void cli_rows_put(FILE *to, const struct cli_column *c, size_t n, const char *const *cell);
/* A line of a list on standard output, as --list prints one: a name and what it is; with --json an object. */
void cli_list_put(const char *name, const char *what);
/* Writes v as briefly as it can be read back to the same bits; NaN as "-". */
void cli_number(char buf[32], double v);

#ifdef __cplusplus
}
#endif
#endif
