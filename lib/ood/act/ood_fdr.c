/* SPDX-License-Identifier: MIT
 * Benjamini-Hochberg on conformal p-values, which are whole numbers over n + 1: they are counted, not sorted. */
#include <stdlib.h>

#include "ood/act/ood_fdr.h"

/* Calibration scores that are not above s. */
static size_t not_above(const double *v, size_t n, double s)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		if (v[mid] <= s)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

int ood_fdr(const double *calibration, size_t n, const double *score, size_t m, double q, uint8_t *flag)
{
	size_t *rows = calloc(n + 1, sizeof *rows); /* rows with p = (1 + c) / (n + 1), for each c */
	size_t *rank = malloc((m + 1) * sizeof *rank), flagged = 0, k = 0;

	if (!rows || !rank) {
		free(rows);
		free(rank);
		return -1;
	}
	for (size_t i = 0; i < m; i++)
		rows[rank[i] = not_above(calibration, n, score[i])]++;
	for (size_t c = 0; c <= n; c++) {
		k += rows[c];
		/* p <= q k / m; values that differ only by rounding count as equal */
		if (rows[c] && (double)(c + 1) * (double)m <= q * (double)k * ((double)n + 1) * (1 + 1e-13))
			flagged = c + 1;
	}
	for (size_t i = 0; i < m; i++)
		flag[i] = rank[i] < flagged;
	free(rows);
	free(rank);
	return 0;
}
