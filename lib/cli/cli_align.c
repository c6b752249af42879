/* SPDX-License-Identifier: MIT
 * Columns that line up. */
#include <stdbool.h>
#include <string.h>

#include "cli/cli_align.h"

size_t cli_width(const char *s, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

/* Calls each() for the cells of text; last: the last one of its line. */
static void walk(struct cli_align *a, FILE *f, const char *text,
		 void (*each)(struct cli_align *a, FILE *f, const char *cell, size_t n, size_t column, bool last))
{
	for (size_t column = 0; *text; column++) {
		const size_t n = strcspn(text, "\t\n");
		const bool last = text[n] != '\t';

		each(a, f, text, n, column, last);
		text += n + (text[n] != '\0');
		if (last)
			column = (size_t)-1; /* and 0 again */
	}
}

static void widen(struct cli_align *a, FILE *f, const char *cell, size_t n, size_t column, bool last)
{
	const size_t w = cli_width(cell, n);

	(void)f;
	if (!last && column < CLI_ALIGN_COLUMNS && a->width[column] < w)
		a->width[column] = w;
}

static void put(struct cli_align *a, FILE *f, const char *cell, size_t n, size_t column, bool last)
{
	const size_t w = cli_width(cell, n), wanted = column < CLI_ALIGN_COLUMNS ? a->width[column] : 0;

	fwrite(cell, 1, n, f);
	if (last)
		putc('\n', f);
	else
		fprintf(f, "%*s", (int)(2 + (wanted > w ? wanted - w : 0)), "");
}

void cli_align_put(struct cli_align *a, FILE *f, const char *text)
{
	walk(a, f, text, widen);
	walk(a, f, text, put);
}
