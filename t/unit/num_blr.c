/* SPDX-License-Identifier: MIT
 * Bayesian linear regression against NumPy (t/golden/um_oe.py), and by hand. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "num/num_blr.h"

enum { D = 12, N = 40, FIRST = 15 };

/* The formula of t/helper/golden-net.c. */
static double uniform(const char *name, uint64_t i)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct ts_rng r;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	r.state = h + i * 0x9e3779b97f4a7c15u;
	return ts_rng_double(&r);
}

/* The largest relative difference between v and the next n numbers of f. */
static double differs(FILE *f, const double *v, size_t n)
{
	double worst = 0, want;

	for (size_t i = 0; i < n; i++) {
		if (!f || fscanf(f, "%lf", &want) != 1)
			return INFINITY;
		worst = fmax(worst, fabs(v[i] - want) / fmax(1, fabs(want)));
	}
	return worst;
}

/* Is m (d,d) = x I? */
static bool is_scaled_identity(const double *m, double x)
{
	for (size_t i = 0; i < D * D; i++)
		if (fabs(m[i] - (i % (D + 1) == 0 ? x : 0)) > 1e-12 * x)
			return false;
	return true;
}

/* The variance of many samples from the prior, over all coordinates; their mean is 0. */
static double variance(const struct num_blr *b, double scale)
{
	struct ts_rng rng = ts_rng_new(1, 2);
	double beta[D], sum = 0;

	for (int i = 0; i < 4000; i++) {
		num_blr_sample(b, scale, &rng, beta);
		for (int k = 0; k < D; k++)
			sum += beta[k] * beta[k] / (4000 * D);
	}
	return sum;
}

static void by_hand(struct num_blr *b, double *covariance)
{
	const float one[D] = { 1 };
	bool zero = true;

	num_blr_clear(b);
	ok(num_blr_solve(b) == 0 && num_blr_covariance(b, covariance) == 0, "no rows");
	for (int i = 0; i < D; i++)
		zero = zero && b->mean[i] == 0;
	ok(zero && is_scaled_identity(covariance, 20), "Z = 0: mean 0, covariance 20 I");
	ok(fabs(variance(b, 1) / 20 - 1) < 0.03, "samples of it have variance 20");
	ok(fabs(variance(b, 20) / 400 - 1) < 0.03, "as published 400");
	num_blr_add(b, one, 1, 3.9, 3);
	ok(num_blr_solve(b) == 0 && num_blr_covariance(b, covariance) == 0, "one row, three times");
	ok(fabs(covariance[0] - 1 / (3 / 0.5 + 1 / 20.)) < 1e-14 &&
		   fabs(b->mean[0] - covariance[0] * 3 * 3.9 / 0.5) < 1e-14 && covariance[D + 1] > 19.99 &&
		   b->mean[1] == 0,
	   "it informs its own direction alone: 1 / (3 / 0.5 + 1 / 20)");
}

int main(void)
{
	char path[4096];
	struct num_blr b;
	struct err err;
	struct ts_rng rng = ts_rng_new(5, 10);
	float h[N * D];
	double sample[D], covariance[D * D], worst;
	FILE *f;

	snprintf(path, sizeof path, "%.4000s/t/golden/um_blr.txt", getenv("SRC") ? getenv("SRC") : ".");
	f = fopen(path, "r");
	for (size_t i = 0; i < N * D; i++)
		h[i] = (float)(4 * uniform("h", i) - 1);
	ok(num_blr_init(&b, D, 20, 0.5, &err) == 0, "init");
	num_blr_add(&b, h, FIRST, -3.9, 2);
	num_blr_add(&b, h + FIRST * D, N - FIRST, 3.9, 1);
	ok(num_blr_solve(&b) == 0, "the posterior of 40 rows");
	num_blr_sample(&b, 20, &rng, sample);
	worst = differs(f, b.mean, D);
	ok(worst < 1e-8, "mean: NumPy's, largest difference %.3g", worst);
	worst = differs(f, sample, D);
	ok(worst < 1e-8, "a sample: NumPy's, %.3g", worst);
	ok(num_blr_covariance(&b, covariance) == 0, "covariance");
	worst = differs(f, covariance, D * D);
	ok(worst < 1e-8, "covariance: NumPy's, %.3g", worst);
	num_blr_clear(&b);
	for (size_t i = 0; i < N; i++)
		num_blr_add(&b, h + i * D, 1, i < FIRST ? -3.9 : 3.9, i < FIRST ? 2 : 1);
	memcpy(sample, b.mean, sizeof sample);
	ok(num_blr_solve(&b) == 0, "the same, row by row");
	for (int i = 0; i < D; i++)
		worst = fmax(i ? worst : 0, fabs(b.mean[i] - sample[i]));
	ok(worst < 1e-10, "gives the same, %.3g", worst);
	by_hand(&b, covariance);
	h[0] = INFINITY;
	num_blr_add(&b, h, 1, 1, 1);
	ok(num_blr_solve(&b) < 0, "rows that are not finite: no posterior");
	num_blr_release(&b);
	if (f)
		fclose(f);
	return done();
}
