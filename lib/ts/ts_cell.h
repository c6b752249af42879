/* SPDX-License-Identifier: MIT
 *
 * ts_cell: a line of a table of another program taken apart: cells between tabs, commas, semicolons or blanks, in
 * double quotes or not.
 */
#ifndef TS_CELL_H
#define TS_CELL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The separator that a line shows outside of quotes, the first of these that is there: a tab, a comma, a semicolon;
 * 0: none. */
char ts_cell_separator(const char *line);
/* Takes the next cell off the line, without quotes and blanks around it, in place. A separator of ' ' is any number of
 * blanks, of 0 none: the line is one cell. NULL: there is none left. */
char *ts_cell_next(char **rest, char separator);
/* Does the next cell begin with a quote that does not end on this line? ts_cell_next() takes it for a letter. */
bool ts_cell_open(const char *rest);
/* Does the line have such a cell? A table of this separator then goes on with it in the next line. */
bool ts_cell_goes_on(char *line, char separator);
/* Is it a number? It keeps all its digits; those that a double does not hold (1e999, 1e-999) are none. */
bool ts_cell_number(const char *cell, double *v);
/* Is what is no number no name either? What others write where a number is missing, and numbers with something
 * behind them. */
bool ts_cell_odd(const char *cell);

#ifdef __cplusplus
}
#endif
#endif
