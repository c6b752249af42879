/* SPDX-License-Identifier: MIT
 * CORE (Yang, Kim, Bahk, "CORE: robust out-of-distribution detection via confidence and orthogonal residual scoring",
 * 2026): the sum of two confidences that cannot see each other's part of a feature. One is the energy. The other is
 * the cosine of the residual r, the part of z outside the span of the last layer's weights, with the mean direction
 * of r over training rows that the model takes for the same class. Each is standardised by its mean and standard
 * deviation over training data. Here all of these come from the bank. The paper calls the sum "normalized summation"
 * and gives no details. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"

struct core {
	double *span; /* (rank,D): an orthonormal basis of the weights' span */
	size_t rank;
	double *mean;            /* (C,D): mean direction of the residual, per class */
	double *norm;            /* (C): its length */
	double centre[2], sd[2]; /* of the energy, of the cosine */
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Gram-Schmidt, with every vector orthogonalised twice, which is enough (Giraud, Langou, Rozloznik, 2005). A vector
 * that depends on those before it adds nothing. Weights are floats, so that of C rows which add up to zero the last
 * differs from what the others make of it by C roundings at most. */
static void find_span(const double *weight, size_t C, size_t D, struct core *k)
{
	double most = 0;

	for (size_t c = 0; c < C; c++)
		most = fmax(most, dot(weight + c * D, weight + c * D, D));
	most = sqrt(most);
	for (size_t c = 0; c < C && k->rank < D; c++) {
		double *v = k->span + k->rank * D;
		for (size_t d = 0; d < D; d++)
			v[d] = weight[c * D + d];
		for (size_t i = 0; i < 2 * k->rank; i++) {
			const double *b = k->span + i % k->rank * D, along = dot(v, b, D);
			for (size_t d = 0; d < D; d++)
				v[d] -= along * b[d];
		}
		double norm = sqrt(dot(v, v, D));
		if (!(norm > (double)C * FLT_EPSILON * most))
			continue;
		for (size_t d = 0; d < D; d++)
			v[d] /= norm;
		k->rank++;
	}
}

/* r (n,D): residuals of z (n,D), scaled to length 1; zeros stay zeros. room: (n,rank). */
static void residuals(const struct core *k, const float *z, size_t n, size_t D, double *r, double *room)
{
	for (size_t i = 0; i < n * D; i++)
		r[i] = z[i];
	num_matmul(r, n, k->span, k->rank, D, room);
	for (size_t i = 0; i < n; i++) {
		double *v = r + i * D, size = sqrt(dot(v, v, D));
		for (size_t j = 0; j < k->rank; j++)
			for (size_t d = 0; d < D; d++)
				v[d] -= room[i * k->rank + j] * k->span[j * D + d];
		double norm = sqrt(dot(v, v, D));
		for (size_t d = 0; d < D; d++)
			v[d] = norm > 1e-12 * size ? v[d] / norm : 0;
	}
}

/* Energy and cosine of one row. */
static void two_scores(const struct core *k, const float *l, const double *r, size_t C, size_t D, double both[2])
{
	const size_t c = num_argmax(l, C);
	both[0] = num_lse(l, C);
	both[1] = k->norm[c] > 0 ? dot(r, k->mean + c * D, D) / k->norm[c] : 0;
}

/* What a pass over the bank does with a row's residual. */
typedef void each_fn(struct core *k, double *count, const float *l, const double *r, size_t C, size_t D);

static int each_row(struct core *k, const struct ood_fit *f, each_fn *fn, double *count, struct err *err)
{
	const size_t C = f->classes, D = f->dim;
	double *r = malloc(OOD_CHUNK * (D + k->rank) * sizeof *r);
	float *buf = malloc(OOD_CHUNK * D * sizeof *buf);
	int rc = r && buf ? 0 : err_memory(err);

	for (size_t i = 0; i < f->bank.n && rc == 0; i += OOD_CHUNK) {
		size_t n = f->bank.n - i < OOD_CHUNK ? f->bank.n - i : OOD_CHUNK;
		residuals(k, ood_bank_rows(f, i, n, buf), n, D, r, r + OOD_CHUNK * D);
		for (size_t j = 0; j < n; j++)
			fn(k, count, f->bank.logits + (i + j) * C, r + j * D, C, D);
	}
	free(r);
	free(buf);
	return rc;
}

static void add_direction(struct core *k, double *count, const float *l, const double *r, size_t C, size_t D)
{
	const size_t c = num_argmax(l, C);
	double *mean = k->mean + c * D, share = 1 / (count[c] += 1);

	for (size_t d = 0; d < D; d++)
		mean[d] += share * (r[d] - mean[d]);
}

/* Adds one row to the mean and the sum of squares about it (Welford). */
static void add_scores(struct core *k, double *count, const float *l, const double *r, size_t C, size_t D)
{
	double both[2];

	*count += 1;
	two_scores(k, l, r, C, D, both);
	for (int i = 0; i < 2; i++) {
		double from = both[i] - k->centre[i];
		k->centre[i] += from / *count;
		k->sd[i] += from * (both[i] - k->centre[i]);
	}
}

static int standardise(struct core *k, const struct ood_fit *f, double *count, struct err *err)
{
	const char *const name[] = { "energy", "residual's cosine" };
	double rows = 0;

	if (each_row(k, f, add_direction, count, err) < 0)
		return -1;
	for (size_t c = 0; c < f->classes; c++) {
		if (count[c] == 0)
			return err_fail(err, "the model assigns no row of the bank to class %zu", c);
		k->norm[c] = sqrt(dot(k->mean + c * f->dim, k->mean + c * f->dim, f->dim));
	}
	if (each_row(k, f, add_scores, &rows, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		k->sd[i] = sqrt(k->sd[i] / rows);
		if (!(k->sd[i] > 1e-9 * (1 + fabs(k->centre[i]))))
			return err_fail(err, "all rows of the bank have the same %s", name[i]);
	}
	return 0;
}

static int core_prepare(struct ood_scorer *s, struct err *err)
{
	struct core *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k || ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	const size_t C = s->basis->classes, D = s->basis->dim;
	double *count = ood_keep(s, C, sizeof *count, err);
	if (!count || !(k->span = ood_keep(s, C * D, sizeof *k->span, err)) ||
	    !(k->mean = ood_keep(s, C * D, sizeof *k->mean, err)) || !(k->norm = ood_keep(s, C, sizeof *k->norm, err)))
		return -1;
	find_span(s->basis->weight, C, D, k);
	if (k->rank == 0 || k->rank == D)
		return err_fail(err, "the last layer's weights span %zu of %zu features, so no residual is left",
				k->rank, D);
	snprintf(s->note, sizeof s->note, "the residual has %zu of %zu dimensions", D - k->rank, D);
	return standardise(k, s->basis->fit, count, err);
}

static int core_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct core *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim;
	double *r = malloc(rows->n * (D + k->rank) * sizeof *r), both[2];

	if (!r)
		return -1;
	residuals(k, rows->features, rows->n, D, r, r + rows->n * D);
	for (size_t i = 0; i < rows->n; i++) {
		two_scores(k, rows->logits + i * C, r + i * D, C, D, both);
		out[i] = (both[0] - k->centre[0]) / k->sd[0] + (both[1] - k->centre[1]) / k->sd[1];
	}
	free(r);
	return 0;
}

const struct ood_method ood_core_family[] = { { .name = "core",
						.help = "energy, and direction of what the last layer does not see",
						.needs = "--fit",
						.parts = OOD_PART_BANK,
						.prepare = core_prepare,
						.score = core_score },
					      { 0 } };
