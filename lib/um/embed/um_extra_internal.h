/* SPDX-License-Identifier: MIT
 * What the methods of um_extra share. */
#ifndef UM_EXTRA_INTERNAL_H
#define UM_EXTRA_INTERNAL_H

#include "err/err.h"
#include "um/embed/um_extra.h"
#include "um/run/um_torch.h"
#include "um/um_internal.h"

enum { UM_MAX_EPS = 32 };

/* One pass over n images. */
struct um_pass {
	const struct net *net;
	size_t n, at;             /* images; the first's row in out */
	const void *image;        /* (n,c,h,w) |u1; after an attack floats, 0 to 255 */
	const int64_t *label;     /* (n), or NULL */
	float *logits, *features; /* (n,C), (n,D) */
	float *const *map;        /* (n_nodes) outputs (n,c,h,w) of those that were kept */
	struct ts_batch *out;
	size_t first;                           /* the number of the method's first column in out */
	const struct um_engine_options *engine; /* to run other networks the same way, `from` and `keep` unset */

	/* For methods with gradients. Handles are the scope's. */
	struct th_scope *s;
	struct um_torch *m;
	struct th_tensor *pixels;  /* (n,c,h,w), 0 to 255 */
	struct th_tensor *x;       /* normalised, a leaf */
	struct th_tensor *z;       /* (n,C) */
	struct th_tensor **tensor; /* (n_nodes) outputs of those that were kept */
};

/* A method: um_extra_NAME.c, and its name in the list of um_extra.c. The functions that give int fail with a line in
 * err. */
struct um_extra {
	bool grad; /* works on tensors that remember where they come from */
	/* Makes its state if it is asked for (else *state stays NULL) and marks what it reads of the
	 * pass in keep: tensors with grad, else maps. UM_FAILED, UM_BAD_OPTIONS. */
	int (*init)(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		    struct err *err);
	int (*columns)(const void *state, const struct net *n, struct ts_header *to, struct err *err);
	/* Fills its columns. Errors of the seam stick to the scope, and need not be looked for. */
	int (*run)(void *state, struct um_pass *p, struct err *err);
	void (*free)(void *state);
	const struct ts_header *(*input)(const void *state); /* NULL: reads no file */
};

/* The pass with gradients (um_extra_gradients.c): p->m is given, map has room for the maps in keep_map.
 * attack: step up the loss of labels (FGSM), 0: none; the pixels that come of it go to attacked
 * (n,c,h,w). run() is called when all is there. */
struct um_gradients {
	const bool *keep_tensor, *keep_map; /* (n_nodes) */
	struct th_tensor **tensor;          /* (n_nodes) room */
	double attack;
	float *attacked;
	uint64_t row; /* of the pass's first image, for messages */
};
int um_pass_gradients(struct um_pass *p, const struct um_gradients *g,
		      int (*run)(void *data, struct um_pass *p, struct err *err), void *data,
		      struct err *err) TS_CHECKED;

/* "0.001,0.002" into v[0..UM_MAX_EPS): how many, or -1 with a line in err that says what: each from 0
 * to 1, no two of equal name ("%g"). */
int um_eps_list(const char *text, const char *what, double *v, struct err *err) TS_CHECKED;
/* Adds a column of floats to a features stream's header. */
int um_pass_add(struct ts_header *to, const char *name, int ndim, const size_t *shape, struct err *err) TS_CHECKED;
/* The rows of the pass in the method's own column k, in the order in which columns() added them. */
float *um_pass_column(const struct um_pass *p, size_t k);
/* A float tensor of n rows of count numbers. */
struct th_tensor *um_pass_rows(const struct um_pass *p, const float *v, size_t count);
/* x + step * sgn(g), step in units of pixels in [0, 1]. */
struct th_tensor *um_pass_step(const struct um_pass *p, const struct th_tensor *g, double step);
/* Runs the network up to node `to` again with x_take as its normalised input; neither
 * records nor disturbs the clean pass. */
struct th_tensor *um_pass_again(const struct um_pass *p, struct th_tensor *x_take, int to);

#endif
