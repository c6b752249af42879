/* SPDX-License-Identifier: MIT
 * Turns operations into a plan that can run: has weights packed, finds lifetimes of buffers, allocates memory. */
#include <math.h>

#include "nn/nn_internal.h"

/* Images at a time: more of them fill the kernel's rows where maps are small, and fetch weights less often (each takes
 * about as long as 16 multiplications from the third-level cache); fewer keep maps in the second. */
static int images_at_once(const struct nn *m)
{
	double least = INFINITY;
	int best = 1;

	for (int images = 1; images <= 8; images *= 2) {
		double cost = 0;

		for (int i = 0; i < m->n_ops; i++) {
			const struct nn_op *op = &m->ops[i];
			const size_t rows = (size_t)images * nn_pixels(&op->out);
			const double weights =
				(double)op->in.c * op->kh * op->kw * op->out.c / (op->groups > 1 ? op->groups : 1);

			if (op->kind == NN_CONV || op->kind == NN_BF16 || op->kind == NN_GROUPED)
				cost += weights * ((double)nn_round(rows, m->bf16 ? NN_TILE : m->isa->rows) + 16) /
					images;
			else if (op->kind == NN_WINOGRAD)
				cost += weights * ((double)rows / 3 + 4 * 16) / images;
		}
		cost *= 1 + 0.03 * (images - 1);
		if (cost < least) {
			least = cost;
			best = images;
		}
	}
	return best;
}

static void use(struct nn *m, const struct nn_map *map, int op)
{
	if (map->buf < 0)
		return;
	if (m->bufs[map->buf].first < 0)
		m->bufs[map->buf].first = op;
	m->bufs[map->buf].last = op;
}

int nn_finish(struct nn *m, bool take)
{
	size_t longest = 0;

	if (nn_pack(m, take) < 0)
		return -1;
	for (int i = 0; i < m->n_ops; i++) {
		struct nn_op *op = &m->ops[i];
		const size_t scratch = nn_is_product(op)     ? nn_product_scratch(m, op) :
				       op->kind == NN_ATTEND ? nn_attend_scratch(op) :
							       0;

		use(m, &op->in, i);
		use(m, &op->add, i);
		use(m, &op->out, i);
		m->scratch = scratch > m->scratch ? scratch : m->scratch;
		if ((size_t)op->in.c > longest) /* a pixel outside a window, or what nn_mul() adds */
			longest = (size_t)op->in.c;
	}
	m->zeros = nn_floats(m, longest);
	m->chunk = images_at_once(m);
	return m->zeros && nn_place(m) == 0 ? 0 : -1;
}
