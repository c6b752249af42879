/* SPDX-License-Identifier: MIT
 *
 * um_engine: a network in evaluation mode, for who wants numbers and no gradients: run by lib/nn on the
 * CPU, or through libtorch, which also knows GPUs and is the reference for lib/nn. Both give the same to
 * about 1e-5 of the outputs' size.
 */
#ifndef UM_ENGINE_H
#define UM_ENGINE_H

#include "um/um.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_engine;

struct um_engine_options {
	bool torch;                       /* through libtorch, which is loaded then */
	const char *device;               /* libtorch's; NULL: the CPU */
	long threads;
	size_t chunk;                     /* images that libtorch has in work at a time */
	int from;                         /* the map that it starts from, a stage; 0: pixels */
	const bool *keep;                 /* (n_nodes) outputs that are handed out; NULL: none */
	bool floats;                      /* pixels are floats, 0 to 255; with torch */
	bool unchecked;                   /* the caller looks whether logits are finite: it knows the rows' numbers */
	bool take;                        /* c's values go as they are copied; c is only to be released then */
	struct um_engine *beside;         /* lib/nn's memory for maps is this one's: they run one at a time; or NULL */
};

/* c: a checkpoint whose masks are baked; its network is borrowed, its values are copied
 * or, with take, moved. */
int um_engine_new(struct um_engine **ret, struct net_checkpoint *c, const struct um_engine_options *o,
		  char *err) TS_CHECKED;
void um_engine_free(struct um_engine *e);
const struct net *um_engine_net(const struct um_engine *e);

/* Runs n images, |u1 (n,c,h,w), or floats if it starts from a map or with floats: logits (n,C), features
 * (n,D) if not NULL, of each node that is kept maps[node] (n,c,h,w). -1: also if a logit is not
 * finite. */
int um_engine_run(struct um_engine *e, const void *input, size_t n, float *logits, float *features,
		  float *const *maps, char *err) TS_CHECKED;

/* Mean cross-entropy and accuracy. -1: also if there are no images. */
int um_evaluate(struct um_engine *e, const struct um_data *d, double *loss, double *accuracy, char *err)
	TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
