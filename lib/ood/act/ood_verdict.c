/* SPDX-License-Identifier: MIT
 * The use of thresholds: columns of verdicts beside the scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_threshold.h"
#include "ood/ood_identity.h"

static int add_column(struct ood_verdict *v, size_t i, struct ts_header *h, struct err *err)
{
	const char *score = v->t->set.t[i].name;
	const struct ts_field *f = ts_header_field(h, score);
	char name[sizeof "verdict:" + TS_MAX_NAME];

	if (!f || f->type != TS_F32 || f->ndim)
		return err_fail(err, "there is no column of scores '%s'", score);
	if (ood_identity_check(&v->t->header.meta, "the thresholds", &h->meta, "this stream", score, err) < 0)
		return -1;
	v->score[i] = (size_t)(f - h->fields);
	snprintf(name, sizeof name, "verdict:%s", score);
	if (strlen(name) > TS_MAX_NAME)
		return err_fail(err, "the name '%s' is too long for a column", name);
	if (ts_header_field(h, name))
		return err_fail(err, "there is a column '%s' already", name);
	return ts_header_add(h, name, TS_U8, 0, NULL) < 0 ? err_memory(err) : 0;
}

int ood_verdict_init(struct ood_verdict *v, const struct ood_threshold *t, struct ts_header *h, struct err *err)
{
	const struct ts_field *pred = ts_header_field(h, "pred");
	bool binomial = t->promise.guarantee == OOD_BINOMIAL;

	*v = (struct ood_verdict){ .t = t, .score = calloc(t->set.n + 1, sizeof *v->score), .first = h->n_fields };
	if (!v->score)
		return err_memory(err);
	if (t->classes && (!pred || pred->type != TS_I64 || pred->ndim))
		return err_fail(err, "thresholds per class need a column 'pred'");
	v->pred = t->classes ? (size_t)(pred - h->fields) : 0;
	for (size_t i = 0; i < t->set.n; i++)
		if (add_column(v, i, h, err) < 0)
			return -1;
	if (ts_meta_set_double(&h->meta, "verdict.alpha", t->promise.alpha) < 0 ||
	    ts_meta_set_str(&h->meta, "verdict.guarantee", binomial ? "binomial" : "conformal") < 0)
		return err_memory(err);
	return 0;
}

void ood_verdict_release(struct ood_verdict *v)
{
	free(v->score);
	*v = (struct ood_verdict){ 0 };
}

int ood_verdict_rows(const struct ood_verdict *v, struct ts_batch *b, uint64_t row, struct err *err)
{
	const struct ood_threshold *t = v->t;
	const int64_t *pred = t->classes ? b->cols[v->pred].data : NULL;

	for (size_t k = 0; pred && k < b->n; k++)
		if (pred[k] < 0 || (uint64_t)pred[k] >= t->classes)
			return err_fail(err, "row %llu: there is no threshold for class %lld",
					(unsigned long long)(row + k), (long long)pred[k]);
	for (size_t i = 0; i < t->set.n; i++) {
		const struct ts_tensor *limit = &t->set.t[i]; /* (1), or (classes) */
		const float *score = b->cols[v->score[i]].data;
		uint8_t *to = b->cols[v->first + i].data;
		for (size_t k = 0; k < b->n; k++)
			to[k] = (double)score[k] < ts_get(limit->type, limit->data, pred ? (size_t)pred[k] : 0);
	}
	return 0;
}
