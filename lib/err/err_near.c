/* SPDX-License-Identifier: MIT
 * Similar names: the Damerau distance in its restricted form (optimal string alignment), row by row, case ignored. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "err/err_near.h"

enum { MOST = 64 }; /* names of up to so many letters are compared */

struct err_near err_near(const char *word)
{
	return (struct err_near){ .word = word };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* row[i % 3][j]: distance from the first i letters of a to the first j of b. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[3][MOST + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(least(above[j], now[j - 1]) + 1, above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void err_near_try(struct err_near *n, const char *name)
{
	const size_t a = strlen(n->word), b = strlen(name);
	size_t d, most = b / 3 > 0 ? b / 3 : 1;

	if (a == 0 || a > MOST || b > MOST)
		return;
	d = distance(n->word, a, name, b);
	if (a >= 3 && a < b && strncmp(n->word, name, a) == 0) { /* an unfinished word counts before a similar one */
		d = 1;
		most = 1;
	}
	if (d <= most && d < b && (!n->best || d < n->distance)) {
		n->best = name;
		n->distance = d;
	}
}

const char *err_near_text(struct err_near *n, const char *quote)
{
	n->text[0] = '\0';
	if (n->best)
		snprintf(n->text, sizeof n->text, "; did you mean %s%s%s?", quote, n->best,
			 strcmp(quote, "'") == 0 ? quote : "");
	return n->text;
}
