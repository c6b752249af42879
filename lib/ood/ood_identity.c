/* SPDX-License-Identifier: MIT
 * Identities of columns of scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ood/ood_identity.h"

enum { ID = 16, HASH_AT = ID + 1, NAME_AT = 2 * (ID + 1) };
static const char key[] = "identities", unknown[] = "----------------";

bool ood_same_precision(const struct ts_meta *a, const struct ts_meta *b)
{
	return !ts_meta_has(a, "model") || !ts_meta_has(b, "model") || ts_meta_same(a, b, OOD_PRECISION);
}

void ood_identity_text(char text[OOD_IDENTITY], const char *model, uint64_t hash, const char *column)
{
	snprintf(text, OOD_IDENTITY, "%.16s %016llx %s", strlen(model) == ID ? model : unknown,
		 (unsigned long long)hash, column);
}

/* Gets the meta's texts, and a column's: NULL if it has none. -1: out of memory, or the entry is not such a list. */
static int find(const struct ts_meta *m, const char *name, char ***all, size_t *n, const char **text)
{
	*all = NULL;
	*text = NULL;
	*n = 0;
	if (ts_meta_get_strs(m, key, all, n) < 0)
		return -1;
	for (size_t i = 0; i < *n && !*text; i++)
		if (strlen((*all)[i]) > NAME_AT && strcmp((*all)[i] + NAME_AT, name) == 0)
			*text = (*all)[i];
	return 0;
}

static int compare(const char *x, const char *what_x, const char *y, const char *what_y, const char *name,
		   struct err *err)
{
	if (!x || !y || strncmp(x + HASH_AT, y + HASH_AT, ID) == 0)
		return 0;
	if (strncmp(x, unknown, ID) != 0 && strncmp(y, unknown, ID) != 0 && strncmp(x, y, ID) != 0)
		return err_fail(err,
				"scores '%s' of %s and of %s are of different models, or made by different "
				"versions of unmask: make both anew",
				name, what_x, what_y);
	return err_fail(err,
			"scores '%s' of %s and of %s are made differently: by other parameters, or options of "
			"um-embed, or with another fit",
			name, what_x, what_y);
}

int ood_identity_check(const struct ts_meta *a, const char *what_a, const struct ts_meta *b, const char *what_b,
		       const char *name, struct err *err)
{
	char **all[2] = { NULL, NULL };
	const char *text[2];
	size_t n[2] = { 0, 0 };
	int rc;

	if (find(a, name, &all[0], &n[0], &text[0]) < 0 || find(b, name, &all[1], &n[1], &text[1]) < 0)
		rc = err_fail(err, "meta '%s' is not a list of strings, or memory ran out", key);
	else
		rc = compare(text[0], what_a, text[1], what_b, name, err);
	ts_strs_free(all[0], n[0]);
	ts_strs_free(all[1], n[1]);
	return rc;
}

bool ood_identity_known(const struct ts_meta *m, const char *name)
{
	char **all;
	const char *text;
	size_t n;
	const bool known = find(m, name, &all, &n, &text) == 0 && text;

	ts_strs_free(all, n);
	return known;
}

int ood_identity_mix(struct ts_meta *m, const char *name, uint64_t with, struct err *err)
{
	char **all, hash[ID + 1];
	const char *text;
	size_t n, at = 0;
	int rc = find(m, name, &all, &n, &text) < 0 ?
			 err_fail(err, "meta '%s' is not a list of strings, or memory ran out", key) :
			 0;

	if (rc == 0 && text) {
		const uint64_t old = strtoull(text + HASH_AT, NULL, 16);
		while (all[at] != text)
			at++;
		snprintf(hash, sizeof hash, "%016llx",
			 (unsigned long long)XXH3_64bits_withSeed(&with, sizeof with, old));
		memcpy(all[at] + HASH_AT, hash, ID);
		rc = ts_meta_set_strs(m, key, all, n) < 0 ? err_memory(err) : 0;
	}
	ts_strs_free(all, n);
	return rc;
}

int ood_identity_copy(struct ts_meta *dst, const struct ts_meta *src, char *const *names, size_t n, struct err *err)
{
	char **all, **some = calloc(n + 1, sizeof *some);
	size_t n_all, k = 0;
	const char *text;
	int rc = some ? 0 : err_memory(err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (find(src, names[i], &all, &n_all, &text) < 0 || (text && !(some[k++] = strdup(text))))
			rc = err_fail(err, "meta '%s' is not a list of strings, or memory ran out", key);
		ts_strs_free(all, n_all);
	}
	if (rc == 0 && k > 0 && ts_meta_set_strs(dst, key, some, k) < 0)
		rc = err_memory(err);
	for (size_t i = 0; some && i < n; i++)
		free(some[i]);
	free(some);
	return rc;
}
