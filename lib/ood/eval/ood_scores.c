/* SPDX-License-Identifier: MIT
 * Scores of a set, from a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "err/err_near.h"
#include "num/num_sort.h"
#include "ood/eval/ood_scores.h"
#include "ood/ood_internal.h"

bool ood_is_score(const struct ts_field *f)
{
	return f && f->ndim == 0 && (f->type == TS_F16 || f->type == TS_F32 || f->type == TS_F64);
}

/* Says which columns of scores there are. */
static int no_column(const struct ts_header *h, const char *name, struct err *err)
{
	struct err_near near = err_near(name);
	size_t n = 0;

	for (size_t i = 0; i < h->n_fields; i++)
		if (ood_is_score(&h->fields[i]))
			err_near_try(&near, h->fields[i].name);
	err_fail(err, "has no column of scores '%s'%s", name, err_near_text(&near, "'"));
	for (size_t i = 0; i < h->n_fields; i++)
		if (ood_is_score(&h->fields[i]))
			err_append(err, "%s%s", n++ ? ", " : near.best ? " it has " : "; it has ", h->fields[i].name);
	return -1;
}

int ood_no_score(const struct ts_header *h, const char *name, struct err *err)
{
	const struct ts_field *f = ts_header_field(h, name);

	if (!f)
		return no_column(h, name, err);
	if (f->ndim)
		return err_fail(err, "has no column of scores '%s': it holds more than a number per row", name);
	return err_fail(err, "has no column of scores '%s': it is %s, where scores are <f8, <f4 or <f2", name,
			ts_type_name(f->type));
}

/* Reports what the input holds instead of scores. */
static int no_scores(const struct ts_header *h, struct err *err)
{
	err_fail(err, "has no column of scores (one number of <f8, <f4 or <f2 per row)");
	for (size_t i = 0; i < h->n_fields; i++)
		err_append(err, "%s'%s' (%s)", i ? ", " : ": it has ", h->fields[i].name,
			   ts_type_name(h->fields[i].type));
	return -1;
}

int ood_scores_methods(const struct ts_header *h, char ***ret, size_t *n)
{
	size_t k = 0;
	char **names = calloc(h->n_fields + 1, sizeof *names);

	if (!names)
		return -1;
	for (size_t i = 0; i < h->n_fields; i++) {
		if (!ood_is_score(&h->fields[i]))
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

int ood_scores_choose(const struct ts_header *h, const char *list, char ***ret, size_t *n, struct err *err)
{
	char *copy, *rest, *word, **names;
	size_t most = 1;

	if (!list) {
		if (ood_scores_methods(h, ret, n) < 0)
			return err_memory(err);
		return *n ? 0 : no_scores(h, err);
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

int ood_scores_no_more(struct ood_input *in, char *const *methods, size_t n)
{
	const struct ts_header *h = ood_input_header(in);

	for (size_t i = 0; h && i < h->n_fields; i++) {
		size_t m = 0;
		while (m < n && strcmp(methods[m], h->fields[i].name) != 0)
			m++;
		if (m == n && ood_is_score(&h->fields[i]))
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

void ood_scores_release(struct ood_scores *set)
{
	free_columns(set->scores, set->n_methods);
	free_columns(set->wide, set->n_methods);
	free_columns(set->order, set->n_methods);
	free_columns(set->right, set->n_methods);
	free_columns(set->right_wide, set->n_methods);
	free(set->mark);
	ood_guess_release(&set->guess);
	*set = (struct ood_scores){ 0 };
}

struct ood_sample ood_scores_sample(const struct ood_scores *set, size_t m)
{
	return (struct ood_sample){ .v = set->scores[m], .n = set->n, .wide = set->wide ? set->wide[m] : NULL };
}

void ood_scores_pair(const struct ood_scores *a, const struct ood_scores *b, size_t m, struct ood_sample *of_a,
		     struct ood_sample *of_b)
{
	*of_a = ood_scores_sample(a, m);
	*of_b = ood_scores_sample(b, m);
	of_a->rounded = !of_b->wide;
	of_b->rounded = !of_a->wide;
}

struct ood_sample ood_scores_right(const struct ood_scores *set, size_t m, const struct ood_sample *all)
{
	return (struct ood_sample){ .v = set->right[m],
				    .n = set->n_right,
				    .wide = set->right_wide ? set->right_wide[m] : NULL,
				    .rounded = all->rounded };
}

uint64_t ood_scores_hash(const struct ood_scores *set)
{
	uint64_t h = 0;

	for (size_t m = 0; m < set->n_methods; m++) {
		const struct ood_sample s = ood_scores_sample(set, m);
		h = s.wide ? XXH3_64bits_withSeed(s.wide, s.n * sizeof *s.wide, h) :
			     XXH3_64bits_withSeed(s.v, s.n * sizeof *s.v, h);
	}
	return h;
}

/* Room for `rows` scores of method m. */
static int grow_scores(struct ood_scores *set, size_t m, bool wide, size_t rows)
{
	return wide ? ood_grow(&set->wide[m], 1, rows, sizeof **set->wide) :
		      ood_grow(&set->scores[m], 1, rows, sizeof **set->scores);
}

/* ---- reading --------------------------------------------------------------------------------- */

enum { BINS = 15 };

/* State while a set is read. */
struct reading {
	struct ood_scores *set;
	struct ood_input *in;
	struct ts_batch b;
	size_t cap;
	size_t *column;              /* (n_methods): their numbers in the batches */
	const struct ts_field *f;    /* the header's */
	ptrdiff_t label, pred, odds; /* the columns of classes and of log-odds; -1: none */
	struct {
		double rows, right, confidence;
	} bin[BINS];
};

static int grow(struct reading *k, size_t more)
{
	struct ood_scores *set = k->set;
	size_t cap = ood_capacity(k->cap, set->n + more);

	if (cap == k->cap)
		return 0;
	for (size_t m = 0; m < set->n_methods; m++)
		if (grow_scores(set, m, k->f[k->column[m]].type == TS_F64, cap) < 0)
			return -1;
	if (set->mark && ood_grow(&set->mark, 1, cap, sizeof *set->mark) < 0)
		return -1;
	k->cap = cap;
	return 0;
}

/* The batch's rows of method m. */
static int take_scores(struct reading *k, size_t m)
{
	struct ood_scores *set = k->set;
	const struct ts_col *c = &k->b.cols[k->column[m]];

	for (size_t i = 0; i < k->b.n; i++) {
		const double v = ts_get(c->type, c->data, i);
		if (isnan(v))
			return ood_input_fail(k->in, "row %zu: '%s' is not a number", set->n + i, c->name);
		if (c->type == TS_F64)
			set->wide[m][set->n + i] = v;
		else
			set->scores[m][set->n + i] = (float)v;
	}
	return 0;
}

/* Counts right predictions, if the input has pred and label. */
static int take_labels(struct reading *k)
{
	const int64_t *label = k->label >= 0 ? k->b.cols[k->label].data : NULL;
	const int64_t *pred = k->pred >= 0 ? k->b.cols[k->pred].data : NULL;
	const struct ts_col *odds = k->odds >= 0 ? &k->b.cols[k->odds] : NULL;

	for (size_t i = 0; i < k->b.n; i++) {
		int64_t l = label ? label[i] : -1;
		int mark = l < 0 || !pred ? OOD_UNLABELLED : l == pred[i] ? OOD_RIGHT : OOD_WRONG;
		k->set->labelled += mark != OOD_UNLABELLED;
		k->set->n_right += mark == OOD_RIGHT;
		if (mark != OOD_UNLABELLED && ood_guess_add(&k->set->guess, l, pred[i]) < 0)
			return -1;
		if (k->set->mark)
			k->set->mark[k->set->n + i] = (uint8_t)mark;
		if (odds && mark != OOD_UNLABELLED) {
			double p = 1 / (1 + exp(-ts_get(odds->type, odds->data, i)));
			int bin = (int)fmin(fmax(ceil(p * BINS) - 1, 0), BINS - 1);
			k->bin[bin].rows++;
			k->bin[bin].right += mark == OOD_RIGHT;
			k->bin[bin].confidence += p;
		}
	}
	return 0;
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
	struct ood_scores *set = k->set;
	int rc;

	while ((rc = ood_input_next(k->in, &k->b)) == 1) {
		if (grow(k, k->b.n) < 0)
			return ood_input_fail(k->in, "out of memory");
		for (size_t m = 0; m < set->n_methods; m++)
			if (take_scores(k, m) < 0)
				return -1;
		if (take_labels(k) < 0)
			return ood_input_fail(k->in, "out of memory");
		set->n += k->b.n;
	}
	if (rc == 0 && set->n == 0)
		return ood_input_fail(k->in, "is empty: no rows");
	return rc;
}

/* The scores of the right rows of method m, sorted. */
static int take_right(struct ood_scores *set, size_t m)
{
	const bool wide = set->wide[m];
	size_t k = 0;

	if (wide)
		set->right_wide[m] = malloc((set->n_right + 1) * sizeof **set->right_wide);
	else
		set->right[m] = malloc((set->n_right + 1) * sizeof **set->right);
	if (wide ? !set->right_wide[m] : !set->right[m])
		return -1;
	for (size_t i = 0; i < set->n; i++) {
		if (set->mark[i] != OOD_RIGHT)
			continue;
		if (wide)
			set->right_wide[m][k++] = set->wide[m][i];
		else
			set->right[m][k++] = set->scores[m][i];
	}
	return wide ? num_sort_wide(set->right_wide[m], k) : num_sort(set->right[m], k);
}

/* Sorts the scores of method m; order (n), or NULL, as in num_sort.h. */
static int sort_scores(struct ood_scores *set, size_t m, uint32_t *order)
{
	double *wide = set->wide ? set->wide[m] : NULL;

	if (order)
		return wide ? num_sort_order_wide(wide, order, set->n) : num_sort_order(set->scores[m], order, set->n);
	return wide ? num_sort_wide(wide, set->n) : num_sort(set->scores[m], set->n);
}

/* Sorts the scores and what belongs to them. */
static int sort_all(struct ood_scores *set)
{
	for (size_t m = 0; m < set->n_methods; m++) {
		if (set->mark && take_right(set, m) < 0)
			return -1;
		if (set->order && !(set->order[m] = malloc(set->n * sizeof **set->order)))
			return -1;
		if (sort_scores(set, m, set->order ? set->order[m] : NULL) < 0)
			return -1;
	}
	return 0;
}

/* The arrays of arrays. */
static int begin(struct ood_scores *set, size_t n, unsigned flags)
{
	bool order = flags & OOD_SCORES_ORDER, right = flags & OOD_SCORES_RIGHT;

	*set = (struct ood_scores){ .n_methods = n, .ece = NAN };
	set->scores = calloc(n + 1, sizeof *set->scores);
	set->wide = calloc(n + 1, sizeof *set->wide);
	if (order)
		set->order = calloc(n + 1, sizeof *set->order);
	if (right) {
		set->right = calloc(n + 1, sizeof *set->right);
		set->right_wide = calloc(n + 1, sizeof *set->right_wide);
		set->mark = malloc(1);
	}
	return set->scores && set->wide && (!order || set->order) &&
			       (!right || (set->right && set->right_wide && set->mark)) ?
		       0 :
		       -1;
}

/* Only in a stream, and without parameters: otherwise it is not the log-odds of the softmax. 1, 0, -1: not known. */
static int has_log_odds(const struct ts_header *h)
{
	char **texts = NULL;
	size_t n = 0;
	int found = 0, rc;

	if (!ood_is_score(ts_header_field(h, "msp")))
		return 0;
	rc = ts_meta_get_strs(&h->meta, "methods", &texts, &n);
	for (size_t i = 0; rc == 1 && i < n; i++)
		found |= strcmp(texts[i], "msp") == 0;
	ts_strs_free(texts, n);
	return rc < 0 ? -1 : found;
}

/* Finds the columns to read. */
static int find_columns(struct reading *k, const struct ts_header *h, char *const *methods)
{
	int odds;

	for (size_t m = 0; m < k->set->n_methods; m++) {
		struct err why;
		if (!ood_is_score(ts_header_field(h, methods[m]))) {
			ood_no_score(h, methods[m], &why);
			return ood_input_fail(k->in, "%s", why.text);
		}
		k->column[m] = (size_t)ts_header_col(h, methods[m]);
	}
	k->f = h->fields;
	k->label = ts_header_col(h, "label");
	k->pred = ts_header_col(h, "pred");
	if ((odds = has_log_odds(h)) < 0)
		return ood_input_fail(k->in, "meta 'methods' is not a list of names, or memory ran out");
	k->odds = odds ? ts_header_col(h, "msp") : -1;
	return 0;
}

int ood_scores_read(struct ood_scores *set, struct ood_input *in, char *const *methods, size_t n, unsigned flags)
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
		free(set->right_wide);
		set->mark = NULL;
		set->right = NULL;
		set->right_wide = NULL;
	}
	if (rc == 0 && sort_all(set) < 0)
		rc = ood_input_fail(in, "out of memory");
	set->ece = calibration_error(&k);
	ts_batch_release(&k.b);
	free(k.column);
	return rc;
}

/* Makes method m's scores floats. */
static int narrow(struct ood_scores *set, size_t m)
{
	set->scores[m] = malloc((set->n + 1) * sizeof **set->scores);
	if (!set->scores[m])
		return -1;
	for (size_t i = 0; i < set->n; i++)
		set->scores[m][i] = (float)set->wide[m][i];
	free(set->wide[m]);
	set->wide[m] = NULL;
	return 0;
}

/* Appends b's scores of method m to a's; floats if either has floats. */
static int append_scores(struct ood_scores *a, const struct ood_scores *b, size_t m)
{
	const struct ood_sample from = ood_scores_sample(b, m);
	const bool wide = from.wide && (a->n == 0 || a->wide[m]);

	if (!wide && a->wide[m] && narrow(a, m) < 0)
		return -1;
	if (grow_scores(a, m, wide, a->n + b->n) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		if (wide)
			a->wide[m][a->n + i] = from.wide[i];
		else
			a->scores[m][a->n + i] = (float)ood_at(&from, i);
	}
	return 0;
}

int ood_scores_append(struct ood_scores *a, const struct ood_scores *b, struct err *err)
{
	size_t n = a->n + b->n;

	if (!a->scores && begin(a, b->n_methods, b->order ? OOD_SCORES_ORDER : 0) < 0)
		return err_memory(err);
	if (b->order && n > UINT32_MAX)
		return err_fail(err, "the sets together have more rows than intervals and tests can do: 2^32");
	for (size_t m = 0; m < b->n_methods; m++)
		if (append_scores(a, b, m) < 0)
			return err_memory(err);
	if (b->order && ood_grow(a->order, b->n_methods, n, sizeof **a->order) < 0)
		return err_memory(err);
	for (size_t m = 0; m < b->n_methods; m++)
		for (size_t i = 0; b->order && i < b->n; i++)
			a->order[m][a->n + i] = (uint32_t)(a->n + b->order[m][i]);
	a->n = n;
	return 0;
}

int ood_scores_sort(struct ood_scores *set)
{
	for (size_t m = 0; m < set->n_methods; m++) {
		if (!set->order) {
			if (sort_scores(set, m, NULL) < 0)
				return -1;
			continue;
		}
		uint32_t *from = malloc(set->n * sizeof *from), *rows = set->order[m];
		if (!from || sort_scores(set, m, from)) {
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
