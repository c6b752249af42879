/* SPDX-License-Identifier: MIT
 * Shared by the methods of um_extra. */
#ifndef UM_EXTRA_INTERNAL_H
#define UM_EXTRA_INTERNAL_H

#include "err/err.h"
#include "um/embed/um_extra.h"
#include "um/run/um_exec.h"
#include "um/um_internal.h"

enum { UM_MAX_EPS = 32 };

/* One pass over n images. */
struct um_pass {
	const struct net *net;
	size_t n, at;             /* number of images; row of the first in out */
	const void *image;        /* (n,c,h,w) |u1; after an attack floats, 0 to 255 */
	const int64_t *label;     /* (n), or NULL */
	float *logits, *features; /* (n,C), (n,D) */
	float *const *map;        /* (n_nodes) outputs (n,c,h,w) of the kept nodes */
	struct ts_batch *out;
	size_t first;                           /* the number of the method's first column in out */
	const struct um_engine_options *engine; /* to run other networks the same way, `from` and `keep` unset */

	/* For methods with gradients; NULL if none is asked for. */
	struct um_exec *exec; /* the network, with fixed values and floats as pixels */
	const float *pixels;  /* (n,c,h,w) the image, 0 to 255 */
	const double *std;    /* (c) of the network's normalisation, for pixels from 0 to 1 */
};

/* A method: um_extra_NAME.c, and its name in the list of um_extra.c. The functions that give int fail with a line in
 * err. */
struct um_extra {
	bool grad; /* needs gradients of the pixels */
	/* Creates its state if the options ask for it (else *state stays NULL), and marks in keep the nodes whose maps
	 * it reads. UM_FAILED, UM_BAD_OPTIONS. */
	int (*init)(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		    struct err *err);
	int (*columns)(const void *state, const struct net *n, struct ts_header *to, struct err *err);
	int (*run)(void *state, struct um_pass *p, struct err *err); /* fills its columns */
	void (*free)(void *state);
	const struct ts_header *(*input)(const void *state,
					 size_t k); /* header of file k, NULL: no more; or NULL: it reads no files */
};

/* Another model, for the same images and classes as c. Starts out zeroed. */
struct um_other {
	struct net_checkpoint c;
	struct um_engine *e; /* opened on first use: only then is it known how to run it */
};
int um_other_load(struct um_other *o, const char *path, const struct net_checkpoint *c, struct err *err) TS_CHECKED;
void um_other_release(struct um_other *o);
/* Sets a key of the meta of *to to the identities (net_identity()) of n loaded models. */
int um_other_tell(const struct um_other *o, size_t n, const char *key, struct ts_header *to,
		  struct err *err) TS_CHECKED;
/* logits (n,C) of the pass's images. */
int um_other_run(struct um_other *o, const struct um_pass *p, float *logits, struct err *err) TS_CHECKED;

/* Parses "0.001,0.002" into v[0..UM_MAX_EPS) and returns how many, or -1 with a line in err that names `what`. Each is
 * from 0 to 1, and no two print alike ("%g"). */
int um_eps_list(const char *text, const char *what, double *v, struct err *err) TS_CHECKED;
/* Adds a column of floats to a features stream's header. */
int um_pass_add(struct ts_header *to, const char *name, int ndim, const size_t *shape, struct err *err) TS_CHECKED;
/* The rows of the pass in the method's own column k, in the order in which columns() added them. */
float *um_pass_column(const struct um_pass *p, size_t k);
/* x + step[c] * sgn(g), sgn(0) = 1, of the pass's pixels x, into `to`, which may be x; steps in units of pixels from 0
 * to 1. g: gradients of the normalised pixels, or of the pixels: their signs are the same. */
void um_pass_step(const struct um_pass *p, const float *g, const double step[4], float *to);
/* FGSM (um_extra_fgsm.c): a step of eps up the loss of the labels, in place on `pixels`, which are p's. row: number of
 * the first, for messages. */
int um_pass_attack(const struct um_pass *p, double eps, uint64_t row, float *pixels, struct err *err) TS_CHECKED;

#endif
