/* SPDX-License-Identifier: MIT
 * The walk from a network's nodes to operations: nn_plan.c walks, nn_plan_nodes.c turns each node into operations,
 * nn_plan_room.c allocates for both. */
#ifndef NN_PLAN_H
#define NN_PLAN_H

#include "nn/nn_internal.h"

struct nn_value {
	struct nn_map map;
	struct nn_pre pre; /* still to be applied by readers */
	int op;            /* the operation that wrote it */
	bool open;         /* written by a convolution, and the next reader is the only one */
};

struct nn_planning {
	struct nn *m;
	const struct net *n;
	struct ts_set *state;
	const bool *keep;
	int from;
	struct nn_value *v;    /* (n_nodes) */
	int *readers, *reader; /* (n_nodes) how many read it; the last that does */
	struct nn_map *place;  /* (n_nodes) where a node must write, as part of a concatenation */
	bool failed;
};

extern const struct nn_map nn_nowhere;

/* n zeroed floats owned by the plan, or a copy of `from`. NULL: out of memory, and p->failed is set. */
float *nn_plan_floats(struct nn_planning *p, size_t n);
float *nn_plan_copied(struct nn_planning *p, const float *from, size_t n);
struct nn_map nn_plan_new_map(struct nn_planning *p, int c, int h, int w);
/* Adds an operation and returns its number. */
int nn_plan_emit(struct nn_planning *p, struct nn_op op);
/* The node whose output this one's is: dropout does nothing here. */
int nn_plan_source(const struct nn_planning *p, int i);
/* Where node i writes an output of this shape. */
struct nn_map nn_plan_place(struct nn_planning *p, int i, int c, int h, int w);
/* The value of node i, and the operations that compute it. Values of all earlier nodes must be there. */
struct nn_value nn_plan_node(struct nn_planning *p, int i);

#endif
