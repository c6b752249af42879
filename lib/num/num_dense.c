/* SPDX-License-Identifier: MIT
 * Dense matrices without BLAS. */
#include <math.h>

#include "num/num_dense.h"

void num_times(const double *A, size_t m, size_t n, const double *x, double *y)
{
	for (size_t i = 0; i < m; i++) {
		y[i] = 0;
		for (size_t j = 0; j < n; j++)
			y[i] += A[i * n + j] * x[j];
	}
}

void num_first_eigenvector(const double *G, size_t n, int rounds, double still, double *v, double *room)
{
	for (int round = 0; round < rounds; round++) {
		double norm = 0, moved = 0;

		num_times(G, n, n, v, room);
		for (size_t i = 0; i < n; i++)
			norm += room[i] * room[i];
		norm = sqrt(norm);
		for (size_t i = 0; i < n && norm > 0; i++) {
			moved += pow(room[i] / norm - v[i], 2);
			v[i] = room[i] / norm;
		}
		if (!(norm > 0) || sqrt(moved) < still)
			break;
	}
}

void num_smaller_gram(const float *F, size_t c, size_t d, double *G)
{
	const size_t n = c < d ? c : d, inner = c < d ? d : c;
	const size_t step = c < d ? d : 1, along = c < d ? 1 : d; /* from line to line, and inside one */

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = 0;

			for (size_t k = 0; k < inner; k++)
				sum += (double)F[i * step + k * along] * (double)F[j * step + k * along];
			G[i * n + j] = G[j * n + i] = sum;
		}
}
