/* SPDX-License-Identifier: MIT
 * Batch statistics over the images of several processes. Their parts are merged in the order of the processes, so all
 * get the same result. */
#include <string.h>

#include "nn/train/nn_train_internal.h"

/* But in training nothing depends on the other images. */
static bool alone(const struct nn_train *t)
{
	return t->o.peers.n == 0 || t->mode != NN_TRAIN;
}

size_t nn_peers_images(const struct nn_train *t)
{
	return alone(t) ? t->n : t->among.all;
}

double nn_peers_moments(struct nn_train *t, double *mean, double *m2, size_t c, double count)
{
	const size_t row = 2 * c + 1;
	double all = 0;

	if (alone(t))
		return count;
	memcpy(t->mine, mean, c * sizeof *mean);
	memcpy(t->mine + c, m2, c * sizeof *m2);
	t->mine[2 * c] = count;
	t->o.peers.gather(t->o.peers.data, t->mine, row, t->everyones);
	memset(mean, 0, c * sizeof *mean);
	memset(m2, 0, c * sizeof *m2);
	/* Chan, Golub, LeVeque 1979, process by process. */
	for (int r = 0; r < t->o.peers.n; r++) {
		const double *theirs = t->everyones + (size_t)r * row, more = theirs[2 * c];

		for (size_t i = 0; i < c && more > 0; i++) {
			const double far = theirs[i] - mean[i];

			m2[i] += theirs[c + i] + far * far * all * more / (all + more);
			mean[i] += far * more / (all + more);
		}
		all += more;
	}
	return all;
}

const double *nn_peers_sums(struct nn_train *t, const double *a, const double *b, size_t c)
{
	memcpy(t->mine, a, c * sizeof *a);
	memcpy(t->mine + c, b, c * sizeof *b);
	if (alone(t))
		return t->mine;
	t->o.peers.gather(t->o.peers.data, t->mine, 2 * c, t->everyones);
	memset(t->mine, 0, 2 * c * sizeof *t->mine);
	for (int r = 0; r < t->o.peers.n; r++)
		for (size_t i = 0; i < 2 * c; i++)
			t->mine[i] += t->everyones[(size_t)r * 2 * c + i];
	return t->mine;
}
