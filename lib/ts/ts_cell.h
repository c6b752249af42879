/* SPDX-License-Identifier: MIT
 *
 * ts_cell: splits a line of another program's table into cells, which are separated by tabs, commas, semicolons or
 * blanks and may be in double quotes.
 */
#ifndef TS_CELL_H
#define TS_CELL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The line's separator: the first of tab, comma and semicolon that occurs outside quotes; 0: none. */
char ts_cell_separator(const char *line);
/* Takes the next cell off the line, in place, without its quotes and surrounding blanks. Separator ' ' means any number
 * of blanks; 0 means none: the line is one cell. NULL: no cells are left. */
char *ts_cell_next(char **rest, char separator);
/* Does the next cell begin with a quote that is not closed on this line? ts_cell_next() treats that quote as an
 * ordinary character. */
bool ts_cell_open(const char *rest);
/* Does any cell of the line do so? A table with this separator then continues the cell on the next line. */
bool ts_cell_goes_on(char *line, char separator);
/* Is it a number without loss? Numbers that a double cannot hold (1e999, 1e-999) do not count. */
bool ts_cell_number(const char *cell, double *v);
/* Is it neither a number nor a name? Such are what other programs write for a missing number, and numbers followed by
 * something else. */
bool ts_cell_odd(const char *cell);

#ifdef __cplusplus
}
#endif
#endif
