/* SPDX-License-Identifier: MIT
 * Scores of a set, from a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_sort.h"
#include "ood/eval/ood_set.h"
#include "ood/ood_internal.h"

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

int ood_set_choose(const struct ts_header *h, const char *list, char ***ret, size_t *n, struct err *err)
{
	char *copy, *rest, *word, **names;
	size_t most = 1;

	if (!list) {
		if (ood_set_methods(h, ret, n) < 0)
			return err_memory(err);
		return *n ? 0 : err_fail(err, "has no column of scores");
	}
	for (const char *s = list; *s; s++)
		most += *s == ',';
	copy = rest = strdup(list);
	names = calloc(most, sizeof *names);
	*ret = names;
	*n = 0;
	while (copy && names && (word = strsep(&rest, ",")) != NULL) {
		if (!(names[*n] = strdup(word)))
			break;
		++*n;
	}
	free(copy);
	return names && *n == most ? 0 : err_memory(err);
}

int ood_set_no_more(struct ood_input *in, char *const *methods, size_t n)
{
	const struct ts_header *h = ood_input_header(in);

	for (size_t i = 0; h && i < h->n_fields; i++) {
		size_t m = 0;
		while (m < n && strcmp(methods[m], h->fields[i].name) != 0)
			m++;
		if (m == n && is_score(&h->fields[i]))
			return ood_input_fail(in, "has scores '%s', which the ID set lacks", h->fields[i].name);
	}
	return h ? 0 : -1;
}

static void free_columns(void *columns, size_t n)
{
	void **v = columns;

	for (size_t m = 0; v && m < n; m++)
		free(v[m]);
	free(v);
}

void ood_set_release(struct ood_set *set)
{
	free_columns(set->scores, set->n_methods);
	free_columns(set->order, set->n_methods);
	free_columns(set->right, set->n_methods);
	free(set->mark);
	*set = (struct ood_set){ 0 };
}

/* ---- reading --------------------------------------------------------------------------------- */

enum { BINS = 15 };

/* What is going on while a set is read. */
struct reading {
	struct ood_set *set;
	struct ood_input *in;
	struct ts_batch b;
	size_t cap;
	size_t *column;              /* (n_methods): their numbers in the batches */
	ptrdiff_t label, pred, odds; /* those of classes, and of log-odds; -1: there are none */
	struct {
		double rows, right, confidence;
	} bin[BINS];
};

static int grow(struct reading *k, size_t more)
{
	struct ood_set *set = k->set;
	size_t cap = ood_capacity(k->cap, set->n + more);

	if (cap == k->cap)
		return 0;
	if (ood_grow(set->scores, set->n_methods, cap, sizeof **set->scores) < 0 ||
	    (set->mark && ood_grow(&set->mark, 1, cap, sizeof *set->mark) < 0))
		return -1;
	k->cap = cap;
	return 0;
}

/* Counts right predictions, if the input has what that takes. */
static void take_labels(struct reading *k)
{
	const int64_t *label = k->label >= 0 ? k->b.cols[k->label].data : NULL;
	const int64_t *pred = k->pred >= 0 ? k->b.cols[k->pred].data : NULL;
	const float *odds = k->odds >= 0 ? k->b.cols[k->odds].data : NULL;

	for (size_t i = 0; i < k->b.n; i++) {
		int64_t l = label ? label[i] : -1;
		int mark = l < 0 || !pred ? OOD_UNLABELLED : l == pred[i] ? OOD_RIGHT : OOD_WRONG;
		k->set->labelled += mark != OOD_UNLABELLED;
		k->set->n_right += mark == OOD_RIGHT;
		if (k->set->mark)
			k->set->mark[k->set->n + i] = (uint8_t)mark;
		if (odds && mark != OOD_UNLABELLED) {
			double p = 1 / (1 + exp(-(double)odds[i]));
			int bin = (int)fmin(fmax(ceil(p * BINS) - 1, 0), BINS - 1);
			k->bin[bin].rows++;
			k->bin[bin].right += mark == OOD_RIGHT;
			k->bin[bin].confidence += p;
		}
	}
}

/* The sum over bins of |right - confidence|, both sums over a bin's rows, per row. */
static double calibration_error(const struct reading *k)
{
	double rows = 0, gap = 0;

	for (int i = 0; i < BINS; i++) {
		rows += k->bin[i].rows;
		gap += fabs(k->bin[i].right - k->bin[i].confidence);
	}
	return rows > 0 ? gap / rows : NAN;
}

static int read_rows(struct reading *k)
{
	struct ood_set *set = k->set;
	int rc;

	while ((rc = ood_input_next(k->in, &k->b)) == 1) {
		if (grow(k, k->b.n) < 0)
			return ood_input_fail(k->in, "out of memory");
		for (size_t m = 0; m < set->n_methods; m++) {
			const struct ts_col *c = &k->b.cols[k->column[m]];
			const float *v = c->data;
			for (size_t i = 0; i < k->b.n; i++)
				if (isnan(v[i]))
					return ood_input_fail(k->in, "row %zu: '%s' is not a number", set->n + i,
							      c->name);
			memcpy(set->scores[m] + set->n, v, k->b.n * sizeof *v);
		}
		take_labels(k);
		set->n += k->b.n;
	}
	if (rc == 0 && set->n == 0)
		return ood_input_fail(k->in, "is empty: no rows");
	return rc;
}

/* Sorts the scores, with what goes along with them. */
static int sort_all(struct ood_set *set)
{
	for (size_t m = 0; m < set->n_methods; m++) {
		if (set->right) {
			size_t k = 0;
			set->right[m] = malloc((set->n_right + 1) * sizeof **set->right);
			for (size_t i = 0; set->right[m] && i < set->n; i++)
				if (set->mark[i] == OOD_RIGHT)
					set->right[m][k++] = set->scores[m][i];
			if (!set->right[m] || num_sort(set->right[m], k))
				return -1;
		}
		if (set->order) {
			set->order[m] = malloc(set->n * sizeof **set->order);
			if (!set->order[m] || num_sort_order(set->scores[m], set->order[m], set->n))
				return -1;
		} else if (num_sort(set->scores[m], set->n)) {
			return -1;
		}
	}
	return 0;
}

/* The arrays of arrays. */
static int begin(struct ood_set *set, size_t n, unsigned flags)
{
	*set = (struct ood_set){ .n_methods = n, .ece = NAN };
	set->scores = calloc(n + 1, sizeof *set->scores);
	if (flags & OOD_SET_ORDER)
		set->order = calloc(n + 1, sizeof *set->order);
	if (flags & OOD_SET_RIGHT) {
		set->right = calloc(n + 1, sizeof *set->right);
		set->mark = malloc(1);
	}
	return set->scores && (!(flags & OOD_SET_ORDER) || set->order) &&
			       (!(flags & OOD_SET_RIGHT) || (set->right && set->mark)) ?
		       0 :
		       -1;
}

/* In a stream, and without parameters: else it is no log-odds of the softmax. */
static bool has_log_odds(const struct ts_header *h)
{
	char **texts = NULL;
	size_t n = 0;
	bool found = false;

	if (is_score(ts_header_field(h, "msp")) && ts_meta_get_strs(&h->meta, "methods", &texts, &n) == 1)
		for (size_t i = 0; i < n; i++)
			found |= strcmp(texts[i], "msp") == 0;
	ts_strs_free(texts, n);
	return found;
}

static ptrdiff_t find_classes(const struct ts_header *h, const char *name)
{
	const struct ts_field *f = ts_header_field(h, name);

	return f && f->type == TS_I64 && f->ndim == 0 ? f - h->fields : -1;
}

/* Finds the columns to read. */
static int find_columns(struct reading *k, const struct ts_header *h, char *const *methods)
{
	for (size_t m = 0; m < k->set->n_methods; m++) {
		if (!is_score(ts_header_field(h, methods[m])))
			return ood_input_fail(k->in, "has no column of scores '%s'", methods[m]);
		k->column[m] = (size_t)ts_header_col(h, methods[m]);
	}
	k->label = find_classes(h, "label");
	k->pred = find_classes(h, "pred");
	k->odds = has_log_odds(h) ? ts_header_col(h, "msp") : -1;
	return 0;
}

int ood_set_read(struct ood_set *set, struct ood_input *in, char *const *methods, size_t n, unsigned flags)
{
	const struct ts_header *h = ood_input_header(in);
	struct reading k = { .set = set, .in = in, .column = calloc(n + 1, sizeof *k.column) };
	int rc = begin(set, n, flags);

	if (!h)
		rc = -1;
	else if (rc < 0 || !k.column || ts_batch_init(&k.b, h) < 0)
		rc = ood_input_fail(in, "out of memory");
	else
		rc = find_columns(&k, h, methods) < 0 ? -1 : read_rows(&k);
	if (rc == 0 && set->order && set->n > UINT32_MAX)
		rc = ood_input_fail(in, "has more rows than intervals and tests can do: 2^32");
	if (rc == 0 && set->labelled == 0 && set->mark) {
		free(set->mark);
		free(set->right);
		set->mark = NULL;
		set->right = NULL;
	}
	if (rc == 0 && sort_all(set) < 0)
		rc = ood_input_fail(in, "out of memory");
	set->ece = calibration_error(&k);
	ts_batch_release(&k.b);
	free(k.column);
	return rc;
}

int ood_set_append(struct ood_set *a, const struct ood_set *b, struct err *err)
{
	size_t n = a->n + b->n;

	if (!a->scores && begin(a, b->n_methods, b->order ? OOD_SET_ORDER : 0) < 0)
		return err_memory(err);
	if (b->order && n > UINT32_MAX)
		return err_fail(err, "the sets together have more rows than intervals and tests can do: 2^32");
	if (ood_grow(a->scores, b->n_methods, n, sizeof **a->scores) < 0 ||
	    (b->order && ood_grow(a->order, b->n_methods, n, sizeof **a->order) < 0))
		return err_memory(err);
	for (size_t m = 0; m < b->n_methods; m++) {
		memcpy(a->scores[m] + a->n, b->scores[m], b->n * sizeof **a->scores);
		for (size_t i = 0; b->order && i < b->n; i++)
			a->order[m][a->n + i] = (uint32_t)(a->n + b->order[m][i]);
	}
	a->n = n;
	return 0;
}

int ood_set_sort(struct ood_set *set)
{
	for (size_t m = 0; m < set->n_methods; m++) {
		if (!set->order) {
			if (num_sort(set->scores[m], set->n))
				return -1;
			continue;
		}
		uint32_t *from = malloc(set->n * sizeof *from), *rows = set->order[m];
		if (!from || num_sort_order(set->scores[m], from, set->n)) {
			free(from);
			return -1;
		}
		for (size_t i = 0; i < set->n; i++)
			from[i] = rows[from[i]];
		set->order[m] = from;
		free(rows);
	}
	return 0;
}
