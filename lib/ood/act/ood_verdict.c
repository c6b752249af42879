/* SPDX-License-Identifier: MIT
 * Applies thresholds: adds columns of verdicts to the scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_fdr.h"
#include "ood/act/ood_threshold.h"
#include "ood/ood_identity.h"

static int add_column(struct ood_verdict *v, size_t i, struct ts_header *h, struct err *err)
{
	const char *score = v->t->set.t[i].name;
	const struct ts_field *f = ts_header_field(h, score);
	char name[sizeof "verdict:" + TS_MAX_NAME];

	if (!f || f->type != TS_F32 || f->ndim)
		return err_fail(err, "no column of scores is named '%s'; --method %s adds it", score, score);
	if (ood_identity_check(&v->t->header.meta, "the thresholds", &h->meta, "this stream", score, err) < 0)
		return -1;
	v->score[i] = (size_t)(f - h->fields);
	snprintf(name, sizeof name, "verdict:%s", score);
	if (strlen(name) > TS_MAX_NAME)
		return err_fail(err, "the name '%s' is too long for a column", name);
	if (ts_header_field(h, name))
		return err_fail(err, "a column '%s' exists already", name);
	return ts_header_add(h, name, TS_U8, 0, NULL) < 0 ? err_memory(err) : 0;
}

int ood_verdict_init(struct ood_verdict *v, const struct ood_threshold *t, struct ts_header *h, struct err *err)
{
	const ptrdiff_t pred = ts_header_col(h, "pred");

	*v = (struct ood_verdict){ .t = t, .score = calloc(t->set.n + 1, sizeof *v->score), .first = h->n_fields };
	if (!v->score)
		return err_memory(err);
	if (t->classes && pred < 0)
		return err_fail(err, "thresholds per class need a column 'pred'");
	v->pred = t->classes ? (size_t)pred : 0;
	for (size_t i = 0; i < t->set.n; i++)
		if (add_column(v, i, h, err) < 0)
			return -1;
	if (ts_meta_set_double(&h->meta, "verdict.alpha", t->promise.alpha) < 0 ||
	    ts_meta_set_str(&h->meta, "verdict.guarantee", ood_guarantee_names[t->promise.guarantee]) < 0)
		return err_memory(err);
	return 0;
}

void ood_verdict_release(struct ood_verdict *v)
{
	free(v->score);
	*v = (struct ood_verdict){ 0 };
}

/* Judges the rows of class c, or all rows if pred is NULL, against that class's scores kept (n). score, flag: room for
 * all rows. */
static int discover(const double *kept, size_t n, const float *from, const int64_t *pred, size_t c, size_t rows,
		    double q, double *score, uint8_t *flag, uint8_t *to)
{
	size_t m = 0;

	for (size_t k = 0; k < rows; k++)
		if (!pred || (size_t)pred[k] == c)
			score[m++] = (double)from[k];
	if (ood_fdr(kept, n, score, m, q, flag) < 0)
		return -1;
	m = 0;
	for (size_t k = 0; k < rows; k++)
		if (!pred || (size_t)pred[k] == c)
			to[k] = flag[m++];
	return 0;
}

/* The verdicts of one column over all rows. Scores are floats, so what they are compared with is rounded to floats. */
static int discover_column(const struct ood_verdict *v, size_t i, const struct ts_batch *b, const int64_t *pred)
{
	const struct ood_threshold *t = v->t;
	const struct ts_tensor *of = &t->set.t[i];
	double *kept = malloc((t->rows + 1) * sizeof *kept), *score = malloc((b->n + 1) * sizeof *score);
	uint8_t *flag = malloc(b->n + 1);
	int rc = kept && score && flag ? 0 : -1;
	size_t first = 0, groups = t->classes ? t->classes : 1;

	for (size_t k = 0; k < t->rows && rc == 0; k++)
		kept[k] = (double)(float)ts_get(of->type, of->data, k);
	for (size_t c = 0; c < groups && rc == 0; c++) {
		size_t n = t->classes ? (size_t)t->class_rows[c] : (size_t)t->rows;
		rc = discover(kept + first, n, b->cols[v->score[i]].data, pred, c, b->n, t->promise.alpha, score, flag,
			      b->cols[v->first + i].data);
		first += n;
	}
	free(kept);
	free(score);
	free(flag);
	return rc;
}

int ood_verdict_rows(const struct ood_verdict *v, struct ts_batch *b, uint64_t row, struct err *err)
{
	const struct ood_threshold *t = v->t;
	const int64_t *pred = t->classes ? b->cols[v->pred].data : NULL;

	for (size_t k = 0; pred && k < b->n; k++)
		if (pred[k] < 0 || (uint64_t)pred[k] >= t->classes)
			return err_fail(err, "row %llu: no threshold for class %lld", (unsigned long long)(row + k),
					(long long)pred[k]);
	for (size_t i = 0; i < t->set.n && t->promise.guarantee == OOD_FDR; i++)
		if (discover_column(v, i, b, pred) < 0)
			return err_memory(err);
	for (size_t i = 0; i < t->set.n && t->promise.guarantee != OOD_FDR; i++) {
		const struct ts_tensor *limit = &t->set.t[i]; /* (1), or (classes) */
		const float *score = b->cols[v->score[i]].data;
		uint8_t *to = b->cols[v->first + i].data;
		for (size_t k = 0; k < b->n; k++)
			to[k] = score[k] < (float)ts_get(limit->type, limit->data, pred ? (size_t)pred[k] : 0);
	}
	return 0;
}
