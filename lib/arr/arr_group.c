/* SPDX-License-Identifier: MIT
 * Which columns of a table are one array, by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arr/arr_internal.h"

/* The length of a name without the number at its end, which goes to *k, and the marks around that. SIZE_MAX: no
 * number, or one of a setting: knn:k=1 and knn:k=2 are two scores, and so are ash-s:p=0.1 and ash-s:p=0.2. */
static size_t split_number(const char *name, size_t *k, bool *marked)
{
	size_t n = strlen(name), end;
	const bool bracket = n > 2 && name[n - 1] == ']';

	if (strchr(name, '='))
		return SIZE_MAX;
	end = n -= bracket;
	while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	if (n == end || end - n > 7 || (bracket && (n == 0 || name[n - 1] != '[')))
		return SIZE_MAX;
	*k = strtoul(name + n, NULL, 10);
	*marked = n == 0 || bracket || name[n - 1] == '.';
	return n > 0 && strchr("._[", name[n - 1]) ? n - 1 : n;
}

/* Does the name say that x0, x1, ... is a vector? */
static bool is_vector(const char *name)
{
	static const char *const f[] = { "f", NULL };

	return arr_has_word(name, arr_words[ARR_FEATURES]) || arr_has_word(name, arr_words[ARR_LOGITS]) ||
	       arr_has_word(name, f);
}

size_t arr_group_base(const char *name)
{
	return split_number(name, &(size_t){ 0 }, &(bool){ false });
}

/* How many of the columns from c on have the name of column c but for the number. */
static size_t run_of(const char *(*name_of)(const void *table, size_t c), const void *table, size_t c, size_t n_c)
{
	const char *name = name_of(table, c);
	const size_t len = arr_group_base(name);
	size_t n = 1;

	while (c + n < n_c && arr_group_base(name_of(table, c + n)) == len &&
	       strncmp(name_of(table, c + n), name, len) == 0)
		n++;
	return n;
}

long arr_group(const char *(*name_of)(const void *table, size_t c), const void *table, size_t c, size_t n_c,
	       struct err *err)
{
	const char *name = name_of(table, c);
	size_t first, k, len, run, n = 1;
	bool marked = false, vector;
	char base[64];

	if ((len = split_number(name, &first, &marked)) == SIZE_MAX || first > 1)
		return 1;
	run = run_of(name_of, table, c, n_c);
	while (n < run && split_number(name_of(table, c + n), &k, &(bool){ false }) == len && k == first + n)
		n++;
	snprintf(base, sizeof base, "%.*s", (int)(len < 63 ? len : 63), name);
	vector = is_vector(base);
	if (!marked && run < ARR_MANY && !vector)
		return 1;
	/* The rest of columns that were sorted as text, x0, x1, x10, x2, must not be lost, nor x1, x10, x2 be taken for
	 * scores, as x1, x5 are. */
	if (n < run && (n > 1 || (!marked && vector && strncmp(name_of(table, c + 1), name, strlen(name)) == 0)))
		return err_fail(err,
				"column '" ERR_NAME "' behind '" ERR_NAME
				"': those of one array stand side by side, and their numbers count up by one; rename "
				"columns that are no array",
				name_of(table, c + n), name_of(table, c + n - 1));
	return n >= ARR_MANY || marked || vector ? (long)n : 1;
}
