/* SPDX-License-Identifier: MIT
 * The use of thresholds: columns of verdicts beside the scores. */
#include <stdio.h>

#include "ood/act/ood_threshold.h"

static void column_name(char name[300], const struct ood_threshold *t, size_t i)
{
	snprintf(name, 300, "verdict:%.280s", t->set.t[i].name);
}

int ood_verdict_header(const struct ood_threshold *t, struct ts_header *h, struct err *err)
{
	const struct ts_field *pred = ts_header_field(h, "pred");
	bool binomial = t->promise.guarantee == OOD_BINOMIAL;
	char name[300];

	if (t->classes && (!pred || pred->type != TS_I64 || pred->ndim)) {
		return err_fail(err, "thresholds a class need a column 'pred'");
	}
	for (size_t i = 0; i < t->set.n; i++) {
		const struct ts_field *f = ts_header_field(h, t->set.t[i].name);
		if (!f || f->type != TS_F32 || f->ndim) {
			return err_fail(err, "there is no column of scores '%s'", t->set.t[i].name);
		}
		column_name(name, t, i);
		if (ts_header_add(h, name, TS_U8, 0, NULL)) {
			return err_fail(err, "there is a column '%s' already, or no memory", name);
		}
	}
	if (ts_meta_set_double(&h->meta, "verdict.alpha", t->promise.alpha) ||
	    ts_meta_set_str(&h->meta, "verdict.guarantee", binomial ? "binomial" : "conformal")) {
		return err_memory(err);
	}
	return 0;
}

/* 1 flagged, 0 not, -1 no such class. */
static int verdict(const struct ood_threshold *t, const float *threshold, float score, int64_t pred)
{
	if (!t->classes)
		return score < threshold[0];
	return pred < 0 || (uint64_t)pred >= t->classes ? -1 : score < threshold[pred];
}

int ood_verdict_rows(const struct ood_threshold *t, struct ts_batch *b, uint64_t row, struct err *err)
{
	const int64_t *pred = t->classes ? ts_batch_col(b, "pred")->data : NULL;
	char name[300];

	for (size_t i = 0; i < t->set.n; i++) {
		column_name(name, t, i);
		const float *score = ts_batch_col(b, t->set.t[i].name)->data;
		uint8_t *to = ts_batch_col(b, name)->data;
		for (size_t k = 0; k < b->n; k++) {
			int v = verdict(t, t->set.t[i].data, score[k], pred ? pred[k] : 0);
			if (v < 0) {
				return err_fail(err, "row %llu: there is no threshold for class %lld",
					 (unsigned long long)(row + k), (long long)pred[k]);
			}
			to[k] = (uint8_t)v;
		}
	}
	return 0;
}
