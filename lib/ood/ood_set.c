/* SPDX-License-Identifier: MIT
 * Scores of a set, from a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_metrics.h"
#include "ood/ood_set.h"

static bool is_score(const struct ts_field *f)
{
	return f && f->type == TS_F32 && f->ndim == 0;
}

int ood_set_methods(const struct ts_header *h, char ***ret, size_t *n)
{
	size_t k = 0;
	char **names = calloc(h->n_fields + 1, sizeof *names);

	if (!names)
		return -1;
	for (size_t i = 0; i < h->n_fields; i++) {
		if (!is_score(&h->fields[i]))
			continue;
		names[k] = strdup(h->fields[i].name);
		if (!names[k++]) {
			ts_strs_free(names, k);
			return -1;
		}
	}
	*ret = names;
	*n = k;
	return 0;
}

int ood_set_no_more(struct ts_reader *r, char *const *methods, size_t n)
{
	const struct ts_header *h = ts_reader_expect(r, "scores");

	for (size_t i = 0; h && i < h->n_fields; i++) {
		size_t m = 0;
		while (m < n && strcmp(methods[m], h->fields[i].name) != 0)
			m++;
		if (m == n && is_score(&h->fields[i]))
			return ts_reader_fail(r, "has scores '%s', which the ID set lacks",
					      h->fields[i].name);
	}
	return h ? 0 : -1;
}

void ood_set_release(struct ood_set *set)
{
	for (size_t m = 0; set->scores && m < set->n_methods; m++)
		free(set->scores[m]);
	free(set->scores);
	*set = (struct ood_set){ 0 };
}

static int grow(struct ood_set *set, size_t *cap, size_t more)
{
	if (set->n + more <= *cap)
		return 0;
	size_t want = set->n + more + *cap / 2;
	for (size_t m = 0; m < set->n_methods; m++) {
		float *bigger = realloc(set->scores[m], want * sizeof *bigger);
		if (!bigger)
			return -1;
		set->scores[m] = bigger;
	}
	*cap = want;
	return 0;
}

/* Counts right predictions, if the stream has what that takes. */
static void count_right(struct ood_set *set, const struct ts_batch *b)
{
	const struct ts_col *label = ts_batch_col(b, "label"), *pred = ts_batch_col(b, "pred");

	if (!label || !pred || label->type != TS_I64 || pred->type != TS_I64 || label->ndim ||
	    pred->ndim)
		return;
	for (size_t i = 0; i < b->n; i++) {
		int64_t l = ((const int64_t *)label->data)[i];
		set->labelled += l >= 0;
		set->right += l >= 0 && l == ((const int64_t *)pred->data)[i];
	}
}

static int read_rows(struct ood_set *set, struct ts_reader *r, struct ts_batch *b,
		     char *const *methods)
{
	size_t cap = 0;
	int rc;

	while ((rc = ts_reader_next(r, b)) == 1) {
		if (grow(set, &cap, b->n))
			return ts_reader_fail(r, "out of memory");
		for (size_t m = 0; m < set->n_methods; m++) {
			const float *v = ts_batch_col(b, methods[m])->data;
			for (size_t i = 0; i < b->n; i++)
				if (isnan(v[i]))
					return ts_reader_fail(r, "row %zu: '%s' is not a number",
							      set->n + i, methods[m]);
			memcpy(set->scores[m] + set->n, v, b->n * sizeof *v);
		}
		count_right(set, b);
		set->n += b->n;
	}
	if (rc == 0 && set->n == 0)
		return ts_reader_fail(r, "is empty: no rows");
	return rc;
}

int ood_set_read(struct ood_set *set, struct ts_reader *r, char *const *methods, size_t n)
{
	const struct ts_header *h = ts_reader_expect(r, "scores");
	struct ts_batch b = { 0 };
	int rc = -1;

	*set = (struct ood_set){ .n_methods = n };
	if (!h)
		return -1;
	for (size_t m = 0; m < n; m++)
		if (!is_score(ts_header_field(h, methods[m])))
			return ts_reader_fail(r, "has no column of scores '%s'", methods[m]);
	set->scores = calloc(n + 1, sizeof *set->scores);
	if (!set->scores || ts_batch_init(&b, h)) {
		ts_reader_fail(r, "out of memory");
		goto out;
	}
	rc = read_rows(set, r, &b, methods);
	for (size_t m = 0; m < n && rc == 0; m++)
		if (ood_sort(set->scores[m], set->n))
			rc = ts_reader_fail(r, "out of memory");
out:
	ts_batch_release(&b);
	if (rc)
		ood_set_release(set);
	return rc;
}
