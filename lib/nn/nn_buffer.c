/* SPDX-License-Identifier: MIT
 * Places in the arena: two buffers that are in use at the same time do not overlap. Largest first, each at the
 * lowest place that is free for as long as it lives. */
#include <stdlib.h>

#include "nn/nn_internal.h"

static bool meet(const struct nn_buffer *a, const struct nn_buffer *b)
{
	return a->first >= 0 && b->first >= 0 && a->first <= b->last && b->first <= a->last;
}

static int by_size(const void *x, const void *y)
{
	const struct nn_buffer *a = *(struct nn_buffer *const *)x, *b = *(struct nn_buffer *const *)y;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return (a > b) - (a < b);
}

/* The lowest place for order[k] beside order[0..k). */
static size_t lowest(struct nn_buffer *const *order, int k)
{
	size_t at = 0;

	for (int i = 0; i < k; i++) {
		const struct nn_buffer *b = order[i];

		if (meet(b, order[k]) && at < b->at + b->size && b->at < at + order[k]->size) {
			at = b->at + b->size;
			i = -1;               /* what was passed may be in the way now */
		}
	}
	return at;
}

int nn_place(struct nn *m)
{
	struct nn_buffer **order = malloc((size_t)(m->n_bufs + 1) * sizeof *order);

	if (!order)
		return -1;
	for (int i = 0; i < m->n_bufs; i++) {
		m->bufs[i].size = nn_round(m->bufs[i].size, NN_MAX_VEC);
		order[i] = &m->bufs[i];
	}
	qsort(order, (size_t)m->n_bufs, sizeof *order, by_size);
	for (int k = 0; k < m->n_bufs; k++) {
		order[k]->at = lowest(order, k);
		if (order[k]->at + order[k]->size > m->arena)
			m->arena = order[k]->at + order[k]->size;
	}
	free(order);
	return 0;
}
