/* SPDX-License-Identifier: MIT
 * Gram matrices (Sastry, Oore, "Detecting out-of-distribution examples with Gram matrices", ICML 2020). A
 * column gram:NAME holds, for a layer with feature maps F (d channels) and p = 1..5, the row sums of F^p (F^p)^T,
 * their p-th root taken with the sign (um-embed --gram). Among ID training rows that the model takes for a class,
 * each number has a range; a sample's deviation in a column is how far its numbers lie outside the ranges of its class,
 * each relative to the end that it exceeds:
 *
 *	delta = sum of relu(min - v) / |min + 1e-6| + relu(v - max) / |max + 1e-6|
 *
 * and the score is -sum over columns of delta / (its mean over ID validation rows), over the largest softmax
 * probability. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

struct state {
	double *weight; /* (n_grams): the weight of a column's deviation */
	size_t *column; /* (n_grams): its number in the batches */
};

static int prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	struct ts_tensor w = { 0 };
	struct state *st = s->state = ood_keep(s, 1, sizeof *st, err);

	if (!st)
		return -1;
	if (!f || f->n_grams == 0)
		return err_fail(err, "it needs --fit of features with um-embed --gram");
	if (!(st->weight = ood_keep(s, f->n_grams, sizeof *st->weight, err)) ||
	    !(st->column = ood_keep(s, f->n_grams, sizeof *st->column, err)))
		return -1;
	if (!ood_gram_columns(f, s->basis->header, st->column))
		return err_fail(err, "the stream lacks columns gram:... of the fit: um-embed --gram adds them");
	for (size_t c = 0; c < f->classes; c++)
		if (f->pred_count[c] == 0)
			return err_fail(
				err, "the model assigns no row of the fit to class %zu, which then has no ranges", c);
	if (ts_meta_get_tensor(&f->header.meta, "gram.weight", &w) != 1 || w.type != TS_F64 || w.ndim != 1 ||
	    w.shape[0] != f->n_grams) {
		ts_tensor_release(&w);
		return err_fail(err, "the fit does not tell what a layer's deviation counts: ood-fit --tune adds it");
	}
	memcpy(st->weight, w.data, f->n_grams * sizeof *st->weight);
	ts_tensor_release(&w);
	return 0;
}

static int score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ood_fit *f = s->basis->fit;
	const struct state *st = s->state;
	size_t C = f->classes;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C;
		size_t c = num_argmax(l, C);
		double sum = 0, p = exp((double)l[c] - num_lse(l, C));
		for (size_t g = 0; g < f->n_grams; g++) {
			const float *v = rows->batch->cols[st->column[g]].data; /* (n,size) */
			sum += st->weight[g] *
			       ood_gram_deviation(&f->grams[g], v + (rows->first + i) * f->grams[g].size, c);
		}
		out[i] = 0 - sum / p; /* if all are within, 0 rather than -0 */
	}
	return 0;
}

const struct ood_method ood_gram_family[] = {
	{ .name = "gram",
	  .help = "deviations of Gram matrices from the ranges of the predicted class",
	  .needs = "um-embed --gram, --fit of ood-fit --tune",
	  .fitted = true,
	  .prepare = prepare,
	  .score = score },
	{ 0 }
};
