/* SPDX-License-Identifier: MIT
 * Memory that lives as long as a network in training; values, and their gradients. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "nn/train/nn_train_internal.h"

void *nn_train_own(struct nn_train *t, size_t count, size_t size)
{
	const size_t large = (size_t)1 << 22, page = 4096, bytes = (count * size + 63) / 64 * 64 + 256;
	void *p = aligned_alloc(64, bytes);

#ifdef MADV_HUGEPAGE /* maps are read from end to end; a system without large pages is not an error */
	if (p && bytes >= large)
		(void)madvise((char *)p + (page - (uintptr_t)p % page) % page, bytes - page, MADV_HUGEPAGE);
#else
	(void)large, (void)page;
#endif
	if (p && t->n_owned == t->cap_owned) {
		const int cap = t->cap_owned ? 2 * t->cap_owned : 64;
		void **grown = realloc(t->owned, (size_t)cap * sizeof *grown);

		if (!grown) {
			free(p);
			return NULL;
		}
		t->owned = grown;
		t->cap_owned = cap;
	}
	if (p)
		t->owned[t->n_owned++] = memset(p, 0, bytes);
	return p;
}

float *nn_train_value(struct nn_train *t, int i)
{
	return t->net->params[i].role == NET_BATCHES ? NULL : t->values + t->offset[i];
}

float *nn_train_gradient(struct nn_train *t, int i)
{
	return net_trained(t->net->params[i].role) ? t->gradients + t->offset[i] : NULL;
}

void nn_train_momentum(struct nn_train *t, double momentum)
{
	t->momentum = momentum;
}
