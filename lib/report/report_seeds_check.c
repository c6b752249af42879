/* SPDX-License-Identifier: MIT
 * What makes tables of several seeds hard to compare. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report_operands.h"
#include "report/report_seeds_internal.h"

const char *report_seeds_lacking(const struct report_seeds *t, size_t *i, char *buf, size_t len)
{
	for (; *i < t->n; ++*i)
		if (t->row[*i].n != (size_t)t->tables) {
			const struct row *r = &t->row[(*i)++];
			snprintf(buf, len, "%s, %s is in %zu of %d tables only", r->key[METHOD], r->key[SET], r->n,
				 t->tables);
			return buf;
		}
	return NULL;
}

/* Which of the row's numbers are from this table? r->n: none are. */
static size_t from_table(const struct row *r, int table)
{
	size_t i = 0;

	while (i < r->n && r->of[i] != table)
		i++;
	return i;
}

/* Has the table some sets of this row's model and method, but not all that the tables have? */
static const struct row *set_lacking(const struct report_seeds *t, const struct row *of, int table)
{
	const struct row *lacking = NULL;
	bool some = false;

	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &t->row[i];

		if (!report_is_set(r->key[SET]) || strcmp(r->key[MODEL], of->key[MODEL]) != 0 ||
		    strcmp(r->key[METHOD], of->key[METHOD]) != 0)
			continue;
		if (from_table(r, table) < r->n)
			some = true;
		else if (!lacking)
			lacking = r;
	}
	return some ? lacking : NULL;
}

static void take_out(const struct report_seeds *t, struct row *r, size_t i)
{
	r->n--;
	memmove(r->of + i, r->of + i + 1, (r->n - i) * sizeof *r->of);
	for (size_t k = 0; k < t->n_names; k++)
		memmove(r->v[k] + i, r->v[k] + i + 1, (r->n - i) * sizeof **r->v);
}

size_t report_seeds_uneven(struct report_seeds *t, char *buf, size_t len)
{
	size_t n = 0;

	for (int table = 0; table < t->tables; table++) {
		bool uneven = false;

		for (size_t i = 0; i < t->n; i++) {
			struct row *r = &t->row[i];
			const size_t at = from_table(r, table);
			const struct row *lacking;

			if (report_is_set(r->key[SET]) || at == r->n || !(lacking = set_lacking(t, r, table)))
				continue;
			take_out(t, r, at);
			if (n == 0 && !uneven)
				snprintf(buf, len, "the averages of '%s' are left out: they are without %s",
					 t->path[table], lacking->key[SET]);
			uneven = true;
		}
		n += uneven;
	}
	return n;
}

/* Do tables a and b have the same rows, with the same numbers? */
static bool same_tables(const struct report_seeds *t, int a, int b)
{
	size_t shared = 0;

	for (size_t n = 0; n < t->n; n++) {
		const struct row *r = &t->row[n];
		const size_t i = from_table(r, a), k = from_table(r, b);

		if ((i == r->n) != (k == r->n))
			return false;
		for (size_t c = 0; c < t->n_names && i < r->n; c++)
			if (r->v[c][i] != r->v[c][k] && !(isnan(r->v[c][i]) && isnan(r->v[c][k])))
				return false;
		shared += i < r->n;
	}
	return shared > 0;
}

const char *report_seeds_unlike(const struct report_seeds *t, char *buf, size_t len)
{
	static const char *const names[SIZES] = { "ID", "OOD" };

	for (size_t i = 0; i < t->n; i++)
		for (int k = 0; k < SIZES; k++) {
			const struct row *r = &t->row[i];
			if (isnan(r->others[k]))
				continue;
			snprintf(buf, len,
				 "the tables are not of the same rows: %s, %s has %.0f %s rows in one and %.0f in "
				 "another",
				 r->key[METHOD], r->key[SET], r->sizes[k], names[k], r->others[k]);
			return buf;
		}
	return NULL;
}

const char *report_seeds_twice(const struct report_seeds *t, char *buf, size_t len)
{
	for (int i = 0; i < t->tables; i++)
		for (int k = i + 1; k < t->tables; k++)
			if (same_tables(t, i, k)) {
				snprintf(buf, len,
					 "a seed may be there twice: the same numbers in all rows of '%s' and '%s'",
					 t->path[i], t->path[k]);
				return buf;
			}
	return NULL;
}
