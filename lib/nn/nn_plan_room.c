/* SPDX-License-Identifier: MIT
 * Allocates numbers, maps and operations for the walk over the nodes. */
#include <stdlib.h>
#include <string.h>

#include "nn/nn_plan.h"

const struct nn_map nn_nowhere = { .buf = -1 };

static void *grow(struct nn_planning *p, void *array, int n, int *cap, size_t size)
{
	void *grown;

	if (n < *cap)
		return array;
	grown = realloc(array, (size_t)(*cap ? 2 * *cap : 64) * size);
	if (!grown) {
		p->failed = true;
		return NULL;
	}
	*cap = *cap ? 2 * *cap : 64;
	return grown;
}

float *nn_plan_floats(struct nn_planning *p, size_t n)
{
	float *v = nn_floats(p->m, n);

	p->failed = p->failed || !v;
	return v;
}

/* A copy of n floats of `from`, owned by the plan. */
float *nn_plan_copied(struct nn_planning *p, const float *from, size_t n)
{
	float *v = nn_plan_floats(p, n);

	return v ? memcpy(v, from, n * sizeof *v) : NULL;
}

static int new_buffer(struct nn_planning *p, size_t size)
{
	struct nn *m = p->m;
	struct nn_buffer *bufs = grow(p, m->bufs, m->n_bufs, &m->cap_bufs, sizeof *bufs);

	if (!bufs)
		return 0;
	m->bufs = bufs;
	bufs[m->n_bufs] = (struct nn_buffer){ .size = size, .first = -1 };
	return m->n_bufs++;
}

struct nn_map nn_plan_new_map(struct nn_planning *p, int c, int h, int w)
{
	const size_t size = (size_t)c * (size_t)h * (size_t)w;
	return (struct nn_map){ new_buffer(p, size), 0, (size_t)c, c, h, w, NULL };
}

/* Adds an operation and returns its number. */
int nn_plan_emit(struct nn_planning *p, struct nn_op op)
{
	struct nn *m = p->m;
	struct nn_op *ops = grow(p, m->ops, m->n_ops, &m->cap_ops, sizeof *ops);

	if (!ops)
		return 0;
	m->ops = ops;
	ops[m->n_ops] = op;
	return m->n_ops++;
}

/* The node whose output this one's is: dropout does nothing here. */
int nn_plan_source(const struct nn_planning *p, int i)
{
	while (i > p->from && p->n->nodes[i].op == NET_DROPOUT)
		i = p->n->nodes[i].in[0];
	return i;
}

/* Where node i writes an output of this shape. */
struct nn_map nn_plan_place(struct nn_planning *p, int i, int c, int h, int w)
{
	return p->place[i].buf >= 0 ? p->place[i] : nn_plan_new_map(p, c, h, w);
}
