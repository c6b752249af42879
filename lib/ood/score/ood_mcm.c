/* SPDX-License-Identifier: MIT
 * Maximum concept matching (Ming et al., "Delving into out-of-distribution detection with vision-language
 * representations", NeurIPS 2022): the maximum softmax probability of the cosines between the feature and each class's
 * weights, which in a CLIP model are the embeddings of the classes' names; as log-odds, which rank alike and do not
 * saturate. If the logits already are cosines, this is msp:temperature=T. */
#include <math.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"

/* The state is the weights, each class's over its norm, (C,D). */
static int mcm_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_head(s, err) < 0)
		return -1;
	const size_t C = s->basis->classes, D = s->basis->dim;
	double *w = s->state = ood_keep(s, C * D, sizeof *w, err);
	if (!w)
		return -1;
	for (size_t c = 0; c < C; c++) {
		const double *from = s->basis->weight + c * D;
		double square = 0;
		for (size_t d = 0; d < D; d++)
			square += from[d] * from[d];
		if (!(square > 0))
			return err_fail(err, "the weights of class %zu are zero: nothing has a cosine with them", c);
		for (size_t d = 0; d < D; d++)
			w[c * D + d] = from[d] / sqrt(square);
	}
	return 0;
}

/* Log-odds of the largest softmax probability of v (n) / t; v is overwritten. */
static double log_odds(double *v, size_t n, double t)
{
	size_t k = 0;

	for (size_t c = 1; c < n; c++)
		if (v[c] > v[k])
			k = c;
	double top = v[k];
	v[k] = v[n - 1];
	for (size_t c = 0; c + 1 < n; c++)
		v[c] = (v[c] - top) / t;
	return -num_lse_double(v, n - 1);
}

static int mcm_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, D = s->basis->dim, n = rows->n;
	double *z = malloc(n * D * sizeof *z), *cosine = malloc(n * C * sizeof *cosine);
	int rc = z && cosine ? 0 : -1;

	for (size_t i = 0; i < n && rc == 0; i++) {
		double square = 0;
		for (size_t d = 0; d < D; d++)
			square += (double)rows->features[i * D + d] * rows->features[i * D + d];
		for (size_t d = 0; d < D; d++)
			z[i * D + d] = square > 0 ? rows->features[i * D + d] / sqrt(square) : 0;
	}
	if (rc == 0)
		num_matmul(z, n, s->state, C, D, cosine);
	for (size_t i = 0; i < n && rc == 0; i++)
		out[i] = log_odds(cosine + i * C, C, s->request.params[0]);
	free(z);
	free(cosine);
	return rc;
}

const struct ood_method ood_mcm_family[] = {
	{ .name = "mcm",
	  .help = "msp of the cosines between features and the last layer's weights",
	  .params = { { "temperature", 1, 1e-6, 1e6, "divides the cosines" } },
	  .prepare = mcm_prepare,
	  .score = mcm_score },
	{ 0 }
};
