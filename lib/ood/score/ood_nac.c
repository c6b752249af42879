/* SPDX-License-Identifier: MIT
 * Neuron activation coverage (Liu, Tian, Li, Chen, "Neuron activation coverage: rethinking out-of-distribution
 * detection and generalization", ICLR 2024), on the last features alone, for which the gradient has a closed form. For
 * the state of each feature
 *
 *	x = sigmoid(alpha z_d g_d),  g = W^T (p - 1/C),
 *
 * with g the gradient with respect to z of the divergence of the softmax p from the uniform distribution, there is a
 * histogram over training rows (here: the bank), with bins that are narrowest around 1/2. A row scores the mean over
 * its features of min(rows in the same bin / least, 1). The authors add such means over several layers, which needs
 * gradients through the network. */
#include <math.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"

struct nac {
	size_t bins;
	double *edge;   /* (bins + 1) */
	double *filled; /* (D,bins): rows in each bin, at most `least` */
	double *turned; /* (D,C): W^T */
};

/* As in the authors' program: h = M / 2 edges from 0 to 1/2, log(1 + i (sqrt(1000) - 1) / (h - 1)) / log 1000, and
 * their mirror images up to 1. So M edges make M - 2 bins, the widest ones at 0 and 1. */
static void make_edges(struct nac *k)
{
	const size_t h = k->bins / 2 + 1;

	for (size_t i = 0; i < h; i++) {
		double x = log(1 + (double)i * (sqrt(1000) - 1) / (double)(h - 1)) / log(1000);
		k->edge[i] = i < h - 1 ? x : 0.5;
		k->edge[k->bins - i] = 1 - k->edge[i];
	}
}

/* The bin of x in 0..1: not below its lower edge, below its upper one; the last one takes 1. */
static size_t bin_of(const struct nac *k, double x)
{
	size_t low = 0, high = k->bins - 1; /* edge[low] <= x, and x < edge[high + 1] or high the last */

	while (low < high) {
		size_t mid = (low + high + 1) / 2;
		if (k->edge[mid] <= x)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/* bin (n,D): that of each feature's state, of n <= OOD_CHUNK rows. -1: out of memory. */
static int find_bins(const struct ood_scorer *s, const float *logits, const float *z, size_t n, size_t *bin)
{
	const struct nac *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim;
	double *p = malloc(n * C * sizeof *p), *g = malloc(n * D * sizeof *g);
	int rc = p && g ? 0 : -1;

	for (size_t i = 0; i < n && rc == 0; i++) {
		num_softmax(logits + i * C, C, 1, p + i * C);
		for (size_t c = 0; c < C; c++)
			p[i * C + c] -= 1 / (double)C;
	}
	if (rc == 0)
		num_matmul(p, n, k->turned, D, C, g); /* (n,D) = (p - 1/C) W */
	for (size_t i = 0; i < n * D && rc == 0; i++)
		bin[i] = bin_of(k, 1 / (1 + exp(-s->request.params[0] * z[i] * g[i])));
	free(p);
	free(g);
	return rc;
}

static int fill(const struct ood_scorer *s, float *buf, size_t *bin)
{
	const struct ood_fit *f = s->basis->fit;
	const struct nac *k = s->state;
	const size_t D = f->dim;

	for (size_t i = 0; i < f->bank.n; i += OOD_CHUNK) {
		size_t n = f->bank.n - i < OOD_CHUNK ? f->bank.n - i : OOD_CHUNK;
		if (find_bins(s, f->bank.logits + i * f->classes, ood_bank_rows(f, i, n, buf), n, bin) < 0)
			return -1;
		for (size_t j = 0; j < n * D; j++)
			k->filled[j % D * k->bins + bin[j]] += 1;
	}
	for (size_t i = 0; i < D * k->bins; i++)
		k->filled[i] = fmin(k->filled[i], s->request.params[1]);
	return 0;
}

static int nac_prepare(struct ood_scorer *s, struct err *err)
{
	struct nac *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k || ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	const size_t C = s->basis->classes, D = s->basis->dim;
	k->bins = 2 * (size_t)(s->request.params[2] / 2) - 2;
	if (!(k->edge = ood_keep(s, k->bins + 1, sizeof *k->edge, err)) ||
	    !(k->filled = ood_keep(s, D * k->bins, sizeof *k->filled, err)) ||
	    !(k->turned = ood_keep(s, D * C, sizeof *k->turned, err)))
		return -1;
	make_edges(k);
	for (size_t i = 0; i < C * D; i++)
		k->turned[i % D * C + i / D] = s->basis->weight[i];
	float *buf = malloc(OOD_CHUNK * D * sizeof *buf);
	size_t *bin = malloc(OOD_CHUNK * D * sizeof *bin);
	int rc = buf && bin ? fill(s, buf, bin) : -1;
	free(buf);
	free(bin);
	return rc < 0 ? err_memory(err) : 0;
}

static int nac_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct nac *k = s->state;
	const size_t D = s->basis->dim;
	size_t *bin = malloc(rows->n * D * sizeof *bin);
	int rc = bin ? find_bins(s, rows->logits, rows->features, rows->n, bin) : -1;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		out[i] = 0;
		for (size_t d = 0; d < D; d++) /* sums whole numbers, so that ties stay ties */
			out[i] += k->filled[d * k->bins + bin[i * D + d]];
		out[i] /= s->request.params[1] * (double)D;
	}
	free(bin);
	return rc;
}

const struct ood_method ood_nac_family[] = {
	{ .name = "nac",
	  .help = "how many training rows had each feature in the same state",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "alpha", 100, 1e-6, 1e9, "steepness of the states" },
		      { "least", 50, 1, 1e9, "rows that fill a bin" },
		      { "edges", 50, 4, 1e5, "edges of a feature's bins, an even number; there are two bins fewer" } },
	  .prepare = nac_prepare,
	  .score = nac_score },
	{ 0 }
};
