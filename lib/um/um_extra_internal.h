/* SPDX-License-Identifier: MIT
 * What the methods of um_extra share. */
#ifndef UM_EXTRA_INTERNAL_H
#define UM_EXTRA_INTERNAL_H

#include "um/um_extra.h"
#include "um/um_internal.h"

enum { UM_MAX_EPS = 32 };

/* One pass over n images. Handles are the scope's. */
struct um_pass {
	struct th_scope *s;
	struct um_model *m;
	size_t n, at;                     /* images; the first's row in out */
	struct th_tensor *pixels;         /* (n,c,h,w), 0 to 255 */
	struct th_tensor *x;              /* normalised; of a scope with gradients, a leaf */
	struct th_tensor *z;              /* (n,C) */
	struct th_tensor **map;           /* of the nodes that were kept, their outputs */
	const float *logits;              /* (n,C), z on the host */
	struct ts_batch *out;
};

/* A method. The functions that give int fail with a line in err. */
struct um_extra {
	const char *name;
	bool grad;                        /* the pass records what vjp() needs */
	/* Makes its state if it is asked for (else *state stays NULL) and marks what it reads of the
	 * clean pass in keep. -1, or -2 if the options are wrong. */
	int (*init)(void **state, const struct um_extra_options *o, const struct net_checkpoint *c,
		    bool *keep, char *err);
	int (*columns)(const void *state, const struct net *n, struct ts_header *to);
	/* Fills its columns. Errors of the seam stick to the scope, and need not be looked for. */
	int (*run)(void *state, struct um_pass *p, char *err);
	void (*free)(void *state);
	const struct ts_header *(*input)(const void *state);      /* NULL: reads no file */
};
extern const struct um_extra um_extra_odin, um_extra_layers, um_extra_perturb, um_extra_against,
	um_extra_gram, um_extra_rankfeat;

/* "0.001,0.002" into v[0..UM_MAX_EPS): how many, or -1 with a line in err that says what: each from 0
 * to 1, no two of equal name ("%g"). */
int um_eps_list(const char *text, const char *what, double *v, char *err) TS_CHECKED;
/* The rows of the pass in column `name`. */
float *um_pass_column(const struct um_pass *p, const char *name);
/* A float tensor of n rows of count numbers. */
struct th_tensor *um_pass_rows(const struct um_pass *p, const float *v, size_t count);
/* x + step * sgn(g), step in units of pixels in [0, 1]. */
struct th_tensor *um_pass_step(const struct um_pass *p, const struct th_tensor *g, double step);
/* Runs the nodes behind `from` up to `to` again, with x as output of `from`, which is consumed; neither
 * records nor disturbs the clean pass. */
struct th_tensor *um_pass_again(const struct um_pass *p, int from, struct th_tensor *x, int to);
/* Numbers in one row of a node's output. */
size_t um_node_count(const struct net_node *node);
/* Index of the largest; among equals the first. */
size_t um_argmax(const float *v, size_t n);
/* p <- softmax(v / temperature), in double. */
void um_softmax(const float *v, size_t n, double temperature, double *p);

#endif
