/* SPDX-License-Identifier: MIT
 * Gram matrices (Sastry, Oore, "Detecting out-of-distribution examples with Gram matrices", ICML 2020). A
 * column gram:NAME holds, for a layer with feature maps F (d channels) and p = 1..5, the row sums of F^p (F^p)^T,
 * their p-th root taken with the sign (um-embed --gram). Among ID training rows that the model takes for a class,
 * each number has a range; a sample's deviation in a column is how far its numbers lie outside of its own class's
 * ranges, each relative to the end that it passed:
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

/* ---- in the fit ------------------------------------------------------------------------------- */

/* ---- deviations -------------------------------------------------------------------------------- */

/* ---- the method -------------------------------------------------------------------------------- */

static int prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->source->fit;
	struct ts_tensor w = { 0 };
	double *weight;

	if (!f || f->n_grams == 0)
		return err_fail(err, "it needs --fit of features with um-embed --gram");
	if (!ood_gram_is_there(f, s->source->header))
		return err_fail(err, "the stream lacks columns gram:... of the fit: um-embed --gram adds them");
	for (size_t c = 0; c < f->classes; c++)
		if (f->pred_count[c] == 0)
			return err_fail(err, "the model takes no row of the fit for class %zu, which has no "
					"ranges then", c);
	if (ts_meta_get_tensor(&f->header.meta, "gram.weight", &w) != 1 || w.type != TS_F64 || w.ndim != 1 ||
	    w.shape[0] != f->n_grams) {
		ts_tensor_release(&w);
		return err_fail(err, "the fit does not tell what a layer's deviation counts: ood-fit --tune adds it");
	}
	weight = s->state = ood_keep(s, f->n_grams, sizeof *weight);
	if (weight)
		memcpy(weight, w.data, f->n_grams * sizeof *weight);
	ts_tensor_release(&w);
	return weight ? 0 : -1;
}

static int score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ood_fit *f = s->source->fit;
	const double *weight = s->state;
	size_t C = f->classes;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C;
		size_t c = num_argmax(l, C);
		double sum = 0, p = exp((double)l[c] - num_lse(l, C));
		for (size_t g = 0; g < f->n_grams; g++) {
			const float *v = ts_batch_col(rows->batch, f->grams[g].name)->data;
			sum += weight[g] * ood_gram_deviation(&f->grams[g], v + (rows->first + i) * f->grams[g].size, c);
		}
		out[i] = 0 - sum / p;   /* no -0 */
	}
	return 0;
}

const struct ood_method ood_gram_family[] = {
	{ .name = "gram", .help = "deviations of Gram matrices from the ranges of the predicted class",
	  .prepare = prepare, .score = score },
	{ 0 }
};
