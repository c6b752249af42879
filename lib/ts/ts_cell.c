/* SPDX-License-Identifier: MIT
 * Cells of tables, as spreadsheets write them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_cell.h"

bool ts_cell_number(const char *text, double *v)
{
	char *end;

	errno = 0;
	*v = strtod(text, &end);
	return *text && *text != ' ' && !*end && !(errno == ERANGE && (*v == 0 || isinf(*v)));
}

/* The distance from a cell's opening quote to its closing one; 0: there is none. */
static size_t quoted(const char *cell)
{
	const char *s = cell + 1;

	while ((s = strchr(s, '"')) != NULL && s[1] == '"')
		s += 2;
	return s ? (size_t)(s - cell) : 0;
}

/* The end of a quoted cell's text, if the cell is quoted: "..." before the separator or the end. */
static char *closing_quote(char *cell, char separator)
{
	const size_t n = quoted(cell);
	const char *after = cell + n + 1;

	if (n == 0)
		return NULL;
	after += separator == ' ' ? 0 : strspn(after, " ");
	return !*after || *after == separator ? cell + n : NULL;
}

bool ts_cell_open(const char *rest)
{
	rest += strspn(rest, " ");
	return *rest == '"' && quoted(rest) == 0;
}

bool ts_cell_goes_on(char *line, char separator)
{
	for (char *cell = line, *end; cell; cell = *end ? end + 1 : NULL) {
		if (ts_cell_open(cell))
			return true;
		cell += strspn(cell, " ");
		end = *cell == '"' ? closing_quote(cell, separator) : NULL;
		end = strchrnul(end ? end : cell, separator);
	}
	return false;
}

/* Takes the quotes off a cell that ends at `end`. */
static char *unquote(char *cell, const char *end)
{
	char *to = cell;

	for (const char *s = cell + 1; s < end; s += s[0] == '"' ? 2 : 1)
		*to++ = *s;
	*to = '\0';
	return cell;
}

char *ts_cell_next(char **rest, char separator)
{
	char *cell = *rest, *quote, *end;

	if (!cell)
		return NULL;
	cell += strspn(cell, " ");
	quote = *cell == '"' ? closing_quote(cell, separator) : NULL;
	end = strchrnul(quote ? quote : cell, separator);
	*rest = *end ? end + 1 + (separator == ' ' ? strspn(end + 1, " ") : 0) : NULL;
	*end = '\0';
	if (quote)
		return unquote(cell, quote);
	while (end > cell && end[-1] == ' ')
		*--end = '\0';
	return cell;
}

/* Does the cell hold what other programs write for a missing number? */
static bool is_missing(const char *cell)
{
	static const char *const words[] = { "NA",   "N/A", "#N/A", "<NA>", "na", "n/a",   "null",    "NULL",   "None",
					     "none", "-",   "--",   "?",    ".",  "#NUM!", "#DIV/0!", "#VALUE!" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(cell, words[i]) == 0)
			return true;
	return false;
}

/* Is the cell made only of what numbers contain? Includes 1e999, which no double holds, 1_000 and 1d3. */
static bool is_digits(const char *cell)
{
	const size_t n = strspn(cell, "0123456789.+-_eEdD");

	return n > 0 && !cell[n] && cell[n - 1] >= '0' && cell[n - 1] <= '9' && cell[0] < 'A';
}

/* A name may begin with a digit (5nn), but not with a whole number followed by anything other than a word. */
bool ts_cell_odd(const char *cell)
{
	char *end;

	strtod(cell, &end);
	if (is_missing(cell) || is_digits(cell))
		return true;
	return end > cell && *end && !strchr("_-:", *end) && !((*end | 32) >= 'a' && (*end | 32) <= 'z');
}

char ts_cell_separator(const char *line)
{
	for (const char *try = "\t,;"; *try; try++) {
		bool quoted = false;
		for (const char *s = line; *s; s++) {
			quoted ^= *s == '"';
			if (*s == *try && !quoted)
				return *try;
		}
	}
	return 0;
}
