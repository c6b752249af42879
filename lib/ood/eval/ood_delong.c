/* SPDX-License-Identifier: MIT
 * DeLong's variance from placements: a row's placement is the share of the other sample below it, ties counting half.
 * The mean placement is the AUROC, and the variance of the mean is the AUROC's. Both samples are sorted, so one pass
 * finds all placements. */
#include <math.h>

#include "ood/eval/ood_delong.h"

void ood_placements(const struct ood_sample *s, const uint32_t *order, const struct ood_sample *other, bool above,
		    double *out)
{
	size_t below = 0, up_to = 0; /* rows of other below row k; below or equal */

	for (size_t k = 0; k < s->n; k++) {
		const double v = ood_at(s, k);
		while (below < other->n && ood_at(other, below) < v)
			below++;
		while (up_to < other->n && ood_at(other, up_to) <= v)
			up_to++;
		double share = ((double)below + (double)up_to) / 2 / (double)other->n;
		out[order[k]] = above ? 1 - share : share;
	}
}

double ood_variance_of_mean(const double *x, const double *y, size_t n)
{
	double mean = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] - (y ? y[i] : 0);
	mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = x[i] - (y ? y[i] : 0) - mean;
		sum += d * d;
	}
	return n > 1 ? sum / (double)(n - 1) / (double)n : NAN;
}
