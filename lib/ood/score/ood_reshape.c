/* SPDX-License-Identifier: MIT
 * Scores reshaped features. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "num/num_sort.h"
#include "ood/score/ood_reshape.h"

struct ood_kept ood_prune(const float *z, size_t d, double percentile, float *room)
{
	size_t cut = (size_t)nearbyint((double)d * percentile / 100);
	struct ood_kept r = { .k = d - cut, .border = INFINITY };

	for (size_t i = 0; i < d; i++)
		r.all += z[i];
	if (r.k == 0)
		return r;
	memcpy(room, z, d * sizeof *z);
	r.border = num_select(room, d, cut);
	r.ties = r.k;
	for (size_t i = 0; i < d; i++)
		if (z[i] > r.border) {
			r.ties--;
			r.sum += z[i];
		}
	r.sum += (double)r.ties * r.border;
	return r;
}

void ood_prune_to(struct ood_kept r, const float *z, size_t d, double scale, double value, double *out)
{
	for (size_t i = 0; i < d; i++) {
		bool kept = z[i] > r.border || (z[i] == r.border && r.ties > 0);
		r.ties -= kept && z[i] == r.border;
		out[i] = kept ? scale * z[i] + value : 0;
	}
}

double ood_kept_scale(struct ood_kept r)
{
	return exp(r.sum != 0 ? fmin(r.all / r.sum, OOD_MOST_SCALE) : OOD_MOST_SCALE);
}

void ood_reshape_logits(const struct ood_basis *from, const double *z, size_t n, const double *weight, double *l)
{
	const size_t C = from->classes;

	num_matmul(z, n, weight, C, from->dim, l);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < C; c++)
			l[i * C + c] += from->bias[c];
}

/* The score of one row of logits l (C); room: C floats. Scores of logits take floats, as networks produce them. */
static double score(const struct ood_request *q, const double *l, size_t C, float *room)
{
	if (!q->then)
		return num_lse_double(l, C);
	for (size_t c = 0; c < C; c++)
		room[c] = (float)l[c];
	return q->then->logits(room, C, q->then_params);
}

int ood_reshape_score(const struct ood_scorer *s, const double *z, size_t n, const double *weight, double *out)
{
	const size_t C = s->basis->classes;
	double *l = malloc(n * C * sizeof *l);
	float *room = malloc(C * sizeof *room);
	int rc = l && room ? 0 : -1;

	if (rc == 0)
		ood_reshape_logits(s->basis, z, n, weight, l);
	for (size_t i = 0; i < n && rc == 0; i++)
		out[i] = score(&s->request, l + i * C, C, room);
	free(l);
	free(room);
	return rc;
}

int ood_reshape(const struct ood_scorer *s, const struct ood_rows *rows, double *out, ood_reshape_fn *fn)
{
	const size_t D = s->basis->dim;
	double *z = malloc(rows->n * D * sizeof *z);
	float *room = malloc(D * sizeof *room);
	int rc = -1;

	if (z && room) {
		for (size_t i = 0; i < rows->n; i++)
			fn(s, rows->features + i * D, D, z + i * D, room);
		rc = ood_reshape_score(s, z, rows->n, s->basis->weight, out);
	}
	free(z);
	free(room);
	return rc;
}
