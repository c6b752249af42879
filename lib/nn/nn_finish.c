/* SPDX-License-Identifier: MIT
 * Turns operations into a plan that can run: packs weights, finds lifetimes of buffers, allocates memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Floats for the packed weights of an operation. */
static size_t packed_room(const struct nn_op *op)
{
	return op->weight ? nn_round(nn_product_packed(op) + NN_MAX_VEC, NN_MAX_VEC) : 0;
}

/* One block for all packed weights, so that nearly all of it lies on large pages. Pages that nothing has written yet
 * take no memory, so it grows as weights are packed. */
static int reserve_packed(struct nn *m)
{
	size_t n = 0;
	float *w;

	for (int i = 0; i < m->n_ops; i++)
		n += packed_room(&m->ops[i]);
	if (!(w = nn_uncleared(m, n)))
		return -1;
	for (int i = 0; i < m->n_ops; w += packed_room(&m->ops[i++]))
		if (m->ops[i].weight)
			m->ops[i].w = w;
	return 0;
}

enum { CLEARED = 1 << 18 }; /* floats that a thread clears at a time */

/* Most of the time goes into touching memory for the first time, which threads share like the rest. */
static void pack(struct nn *m, struct nn_op *op, bool take)
{
	const size_t panels = nn_round((size_t)op->out.c, NN_PANEL) / NN_PANEL;
	size_t n, from, parts;

	if (!op->weight)
		return;
	op->plain = op->weight->data;
	n = packed_room(op);
	from = nn_product_whole(op) ? nn_product_packed(op) : 0;
	parts = (n - from) / CLEARED + 1;
#pragma omp parallel num_threads(m->threads)
	{
#pragma omp for
		for (size_t p = 0; p < parts; p++) {
			const size_t a = from + p * (n - from) / parts, b = from + (p + 1) * (n - from) / parts;

			memset(op->w + a, 0, (b - a) * sizeof(float));
		}
#pragma omp for
		for (size_t p = 0; p < panels; p++)
			nn_product_panels(m, op, p, p + 1);
	}
	if (take) {
		free(op->weight->data);
		op->weight->data = NULL;
	}
}

int nn_finish(struct nn *m, bool take)
{
	size_t longest = 0;

	if (reserve_packed(m) < 0)
		return -1;
	for (int i = 0; i < m->n_ops; i++) {
		struct nn_op *op = &m->ops[i];
		const size_t scratch = nn_is_product(op)     ? nn_product_scratch(m, op) :
				       op->kind == NN_ATTEND ? nn_attend_scratch(op) :
							       0;

		pack(m, op, take);
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
