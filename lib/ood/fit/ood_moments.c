/* SPDX-License-Identifier: MIT
 * Means and scatter, a block of vectors at a time: each block adds one symmetric product. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "ood/fit/ood_moments.h"

enum { BLOCK = 256 };

/* Updates mean (d), of `count` vectors, by `more` vectors with the mean `other`. */
static void move_mean(double *mean, double count, const double *other, double more, size_t d)
{
	double share = more / (count + more);
	for (size_t k = 0; k < d; k++)
		mean[k] += share * (other[k] - mean[k]);
}

/* Joins n vectors of mean centre (d) and scatter (d,d) about it; scatter NULL: it has been added already. About the
 * common mean the scatters add up, and n_a n_b / (n_a + n_b) diff diff^T, diff (d) the difference of the means. */
static void join(struct ood_moments *m, double n, const double *centre, const double *scatter, double *diff)
{
	double before = *m->total;
	for (size_t k = 0; k < m->d; k++)
		diff[k] = centre[k] - m->centre[k];
	for (size_t k = 0; scatter && m->scatter && k < m->d * m->d; k++)
		m->scatter[k] += scatter[k];
	if (before > 0 && m->scatter)
		num_add_at_a(diff, 1, m->d, before * n / (before + n), m->scatter);
	move_mean(m->centre, before, centre, n, m->d);
	*m->total = before + n;
}

static void add_classes(struct ood_moments *m, const float *x, const int64_t *label, size_t n)
{
	for (size_t i = 0; label && i < n; i++) {
		if (label[i] < 0)
			continue;
		size_t c = (size_t)label[i];
		double *mean = m->mean + c * m->d, share = 1 / (m->count[c] += 1);
		for (size_t k = 0; k < m->d; k++)
			mean[k] += share * (x[i * m->d + k] - mean[k]);
	}
}

int ood_moments_add(struct ood_moments *m, const float *x, const int64_t *label, size_t n)
{
	size_t d = m->d;
	double *block = malloc((BLOCK + 2) * d * sizeof *block); /* (BLOCK,d): vectors minus their mean */

	if (!block)
		return -1;
	double *centre = block + BLOCK * d, *diff = centre + d; /* (d) both */
	for (size_t first = 0; first < n; first += BLOCK) {
		size_t k = n - first < BLOCK ? n - first : BLOCK;
		memset(centre, 0, d * sizeof *centre);
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < d; j++)
				centre[j] += x[(first + i) * d + j] / (double)k;
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < d; j++)
				block[i * d + j] = x[(first + i) * d + j] - centre[j];
		if (m->scatter)
			num_add_at_a(block, k, d, 1, m->scatter);
		join(m, (double)k, centre, NULL, diff);
	}
	add_classes(m, x, label, n);
	free(block);
	return 0;
}

int ood_moments_merge(struct ood_moments *m, const struct ood_moments *b)
{
	double *diff = malloc(m->d * sizeof *diff);

	if (!diff)
		return -1;
	if (*b->total > 0)
		join(m, *b->total, b->centre, b->scatter, diff);
	free(diff);
	for (size_t c = 0; c < m->classes; c++) {
		if (b->count[c] == 0)
			continue;
		move_mean(m->mean + c * m->d, m->count[c], b->mean + c * m->d, b->count[c], m->d);
		m->count[c] += b->count[c];
	}
	return 0;
}

void ood_moments_cov(const struct ood_moments *m, const double *about, double *cov)
{
	size_t d = m->d;

	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j < d; j++) {
			cov[i * d + j] = m->scatter[i < j ? i * d + j : j * d + i] / *m->total;
			if (about)
				cov[i * d + j] += (m->centre[i] - about[i]) * (m->centre[j] - about[j]);
		}
}

/* The covariance of all minus the weighted scatter of the means: sum_c n_c / n (m_c - m)(m_c - m)^T. */
double ood_moments_within(const struct ood_moments *m, double *cov)
{
	size_t d = m->d;
	double square = 0;

	ood_moments_cov(m, NULL, cov);
	for (size_t i = 0; i < d * d; i++)
		square += cov[i] * cov[i];
	for (size_t c = 0; c < m->classes; c++) {
		double share = m->count[c] / *m->total;
		for (size_t i = 0; i < d && share > 0; i++)
			for (size_t j = 0; j < d; j++)
				cov[i * d + j] -= share * (m->mean[c * d + i] - m->centre[i]) *
						  (m->mean[c * d + j] - m->centre[j]);
	}
	return sqrt(square);
}
