/* SPDX-License-Identifier: MIT
 * Newton's method on the penalised logistic loss. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_logistic.h"

struct problem {
	const double *x;         /* (n,d) */
	const uint8_t *positive; /* (n) */
	size_t n, d;
	double c;
};

/* w.x + b of row i; theta is w, then b. */
static double margin(const struct problem *p, const double *theta, size_t i)
{
	double z = theta[p->d];

	for (size_t k = 0; k < p->d; k++)
		z += theta[k] * p->x[i * p->d + k];
	return z;
}

/* |w|^2 / 2 + c sum log(1 + exp(-y z)); for y z < 0 as log(1 + exp(y z)) - y z, which does not overflow. */
static double loss(const struct problem *p, const double *theta)
{
	double sum = 0, penalty = 0;

	for (size_t i = 0; i < p->n; i++) {
		double z = margin(p, theta, i) * (p->positive[i] ? 1 : -1);
		sum += z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
	}
	for (size_t k = 0; k < p->d; k++)
		penalty += theta[k] * theta[k];
	return penalty / 2 + p->c * sum;
}

/* Gradient g (d+1) and Hessian h (d+1,d+1) at theta, with q = 1 / (1 + exp(-z)) and a 1 appended to x: g = c sum (q -
 * positive) x + w, h = c sum q (1 - q) x x^T + I; the intercept's share of w and I is 0. */
static void derive(const struct problem *p, const double *theta, double *g, double *h)
{
	size_t m = p->d + 1;

	memset(g, 0, m * sizeof *g);
	memset(h, 0, m * m * sizeof *h);
	for (size_t i = 0; i < p->n; i++) {
		double q = 1 / (1 + exp(-margin(p, theta, i)));
		double slope = p->c * (q - p->positive[i]), curve = p->c * q * (1 - q);
		for (size_t a = 0; a < m; a++) {
			double xa = a < p->d ? p->x[i * p->d + a] : 1;
			g[a] += slope * xa;
			for (size_t b = 0; b <= a; b++)
				h[a * m + b] += curve * xa * (b < p->d ? p->x[i * p->d + b] : 1);
		}
	}
	for (size_t a = 0; a < p->d; a++) {
		g[a] += theta[a];
		h[a * m + a] += 1;
	}
	h[m * m - 1] += 1e-12; /* for the intercept, if all rows are certain */
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < a; b++)
			h[b * m + a] = h[a * m + b];
}

/* One Newton step, theta -= share * h^-1 g, with the share halved until the loss does not rise; *moved: how far. work
 * (2m + m^2), m = d + 1. */
static int step(const struct problem *p, double *theta, double *work, double *moved, struct err *err)
{
	size_t m = p->d + 1;
	double *g = work, *next = g + m, *h = next + m, before = loss(p, theta), share = 1;

	derive(p, theta, g, h);
	if (num_solve(h, m, g) < 0)
		return err_fail(err, "the regression has no minimum: its curvature is not positive");
	for (int halved = 0; halved < 50; halved++, share /= 2) {
		for (size_t k = 0; k < m; k++)
			next[k] = theta[k] - share * g[k];
		if (loss(p, next) <= before)
			break;
	}
	*moved = 0;
	for (size_t k = 0; k < m; k++) {
		*moved = fmax(*moved, fabs(next[k] - theta[k]) / (1 + fabs(theta[k])));
		theta[k] = next[k];
	}
	return 0;
}

int num_logistic_fit(const double *x, const uint8_t *positive, size_t n, size_t d, double c, double *w, double *b,
		     struct err *err)
{
	const struct problem p = { x, positive, n, d, c };
	size_t m = d + 1;
	double *theta = calloc(m + m + m + m * m, sizeof *theta); /* (m), then the workspace of step() */
	double moved = 1;
	int rc = theta ? num_linalg_open(err) : err_memory(err);

	for (int i = 0; rc == 0 && i < 100 && moved > 1e-12; i++)
		rc = step(&p, theta, theta + m, &moved, err);
	if (rc == 0 && !(moved <= 1e-9))
		rc = err_fail(err, "the regression has not reached its minimum within 100 steps");
	if (rc == 0) {
		memcpy(w, theta, d * sizeof *w);
		*b = theta[d];
	}
	free(theta);
	return rc;
}
