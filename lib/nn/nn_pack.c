/* SPDX-License-Identifier: MIT
 * Packs a plan's weights. Most of the time goes into memory that is touched for the first time, so large weights are
 * packed in their own place where packing only reorders each panel, and the others share one block, nearly all of it on
 * large pages. One thread packs all of such an operation: two that touch a page at once would both clear it. */
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"

enum { LEAST = 1 << 18 }; /* floats from which weights are packed in place */

static size_t room_of(const struct nn_op *op)
{
	return nn_round(nn_product_packed(op) + NN_MAX_VEC, NN_MAX_VEC);
}

/* Are the packed weights those of the network in another order, panel by panel? And may they replace them? */
static bool fits(const struct nn_op *op, bool take)
{
	return take && op->kind == NN_CONV && op->out.c % NN_PANEL == 0 && nn_product_packed(op) >= LEAST &&
	       nn_product_packed(op) / (size_t)op->out.c % 4 == 0 && (uintptr_t)op->weight->data % 64 == 0;
}

/* Packs all of an operation's weights into op->w. */
static void pack_there(const struct nn *m, struct nn_op *op, bool take)
{
	const size_t n = room_of(op), from = nn_product_whole(op) ? nn_product_packed(op) : 0;

	op->plain = op->weight->data;
	memset(op->w + from, 0, (n - from) * sizeof *op->w);
	nn_product_panels(m, op, 0, nn_round((size_t)op->out.c, NN_PANEL) / NN_PANEL);
	if (take) {
		free(op->weight->data);
		op->weight->data = NULL;
	}
}

/* to[k] = from[k] gain, n a multiple of 4. Not memcpy(), which on some processors (AMD's Zen 3, by rep movsb) copies a
 * tenth as fast if the addresses lie badly. */
static void scaled(float *to, const float *from, size_t n, float gain)
{
	typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

	for (size_t k = 0; k < n; k += 4)
		*(four *)(to + k) = *(const four *)(from + k) * gain;
}

/* Packs panel p in its own place, through a copy. */
static void pack_here(const struct nn *m, const struct nn_op *op, size_t p, float *copy)
{
	const size_t depth = nn_product_packed(op) / (size_t)op->out.c;
	struct nn_op part = *op;

	part.w += p * NN_PANEL * depth;
	for (size_t i = 0; i < NN_PANEL; i++)
		scaled(copy + i * depth, part.w + i * depth, depth, op->gain ? op->gain[p * NN_PANEL + i] : 1);
	part.plain = copy;
	part.gain = NULL;
	part.out.c = NN_PANEL;
	nn_product_panels(m, &part, 0, 1);
}

/* What a thread does at a time: all of an operation, or a panel of one whose weights stay in their place. */
struct task {
	struct nn_op *op;
	size_t panel;
	bool here;
};

struct packing {
	struct task *tasks;
	size_t n, cap, room, panel; /* floats: of the block; of the largest panel that is copied */
	float *w, *copies;
};

static int add(struct packing *k, struct task t)
{
	const size_t cap = k->cap ? 2 * k->cap : 256;
	struct task *grown = k->n < k->cap ? k->tasks : realloc(k->tasks, cap * sizeof *grown);

	if (!grown)
		return -1;
	k->cap = k->n < k->cap ? k->cap : cap;
	k->tasks = grown;
	k->tasks[k->n++] = t;
	return 0;
}

/* Lists the tasks: first the whole operations, so that the small ones come last. */
static int list(struct nn *m, bool take, struct packing *k)
{
	for (int i = m->n_ops - 1; i >= 0; i--) {
		struct nn_op *op = &m->ops[i];

		if (!op->weight || fits(op, take))
			continue;
		k->room += room_of(op);
		if (add(k, (struct task){ .op = op }) < 0)
			return -1;
	}
	for (int i = 0; i < m->n_ops; i++) {
		struct nn_op *op = &m->ops[i];
		const size_t panels = (size_t)op->out.c / NN_PANEL;

		if (!op->weight || !fits(op, take))
			continue;
		if (nn_product_packed(op) / panels > k->panel)
			k->panel = nn_product_packed(op) / panels;
		for (size_t p = 0; p < panels; p++)
			if (add(k, (struct task){ op, p, true }) < 0)
				return -1;
	}
	return 0;
}

/* Gives each operation its place. */
static int place(struct nn *m, struct packing *k)
{
	float *w = k->w = nn_uncleared(m, k->room);

	if (!w)
		return -1;
	for (size_t i = 0; i < k->n; i++) {
		const struct task *t = &k->tasks[i];

		if (!t->here) {
			t->op->w = w;
			w += room_of(t->op);
		} else if (t->panel == 0) {
			t->op->w = t->op->weight->data;
			t->op->weight->data = NULL;
			if (nn_own(m, t->op->w) < 0)
				return -1;
		}
	}
	k->copies = malloc(((size_t)m->threads * k->panel + 1) * sizeof *k->copies);
	return k->copies ? 0 : -1;
}

/* Nobody waits for anybody but at the end: on a busy machine, a thread that has no processor must not hold up
 * others. */
static void pack(const struct nn *m, bool take, const struct packing *k)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(m->threads)
	for (size_t i = 0; i < k->n; i++) {
		const struct task *t = &k->tasks[i];

		if (t->here)
			pack_here(m, t->op, t->panel, k->copies + (size_t)omp_get_thread_num() * k->panel);
		else
			pack_there(m, t->op, take);
	}
}

int nn_pack(struct nn *m, bool take)
{
	struct packing k = { 0 };
	int rc = -1;

	if (list(m, take, &k) == 0 && place(m, &k) == 0) {
		pack(m, take, &k);
		rc = 0;
	}
	free(k.tasks);
	free(k.copies);
	return rc;
}
