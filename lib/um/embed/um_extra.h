/* SPDX-License-Identifier: MIT
 *
 * um_extra: the columns of a features stream, which are logits, features, and more for scores that need gradients,
 * intermediate maps or a second model. Each method is one file, um_extra_NAME.c, and its name in the list of
 * um_extra.c; all share one clean pass over the images, whose memory is bounded by the images that run at a time.
 *
 *	odin      odin:eps=E <f4 (C), one per eps     logits after a step against the loss; shape+odin:eps=E: both through
 *	                                              reshaped features (um_shape.h)
 *	layers    layer0, layer1, ... <f4 (d)         channel means of the network's feature list
 *	perturb   layer0:eps=E, ... <f4 (d)           the same after a step toward the nearest class mean
 *	against   kl-distance <f4                     from a second model's probabilities
 *	gram      gram:NODE <f4 (5, d)                row sums of Gram matrices of powers 1 to 5
 *	rankfeat  rankfeat <f4 (C)                    logits without the maps' first singular part
 *	adascale  adascale <f4 (D)                    features after a step on the least important pixels
 *	iodin     i-odin:eps=E <f4 (C), one per eps   as odin, but moves only the image's most important number
 *	ensemble  ensemble <f4 (models,C)             other models' logits
 *	passes    passes <f4 (passes,C)               logits with the network's dropout
 *	extremes  extremes <f4 (2 layers)             smallest (negated) and largest input of each activation layer
 *
 * fgsm adds no column; it changes the images that the whole pass sees. A step is x + step * sgn(gradient), sgn(0) = +1,
 * on the pixels in [0, 1]. Models run in evaluation mode, and the loss of an image is its own, so apart from rounding
 * the numbers do not depend on how many run together.
 */
#ifndef UM_EXTRA_H
#define UM_EXTRA_H

#include "err/err.h"
#include "um/um.h"
#include "um/run/um_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UM_MAX_ENSEMBLE = 64, UM_MAX_INPUTS = UM_MAX_ENSEMBLE + 2 };

/* The extras wanted; NULL, false and 0 mean none. Texts as on the command line; borrowed. */
struct um_extra_options {
	const char *odin;                  /* "eps=E,E...:temperature=T:space=pixel|scale-std|normalised:shape=..." */
	const char *perturb, *perturb_eps; /* path of a fit; "E,E...", or NULL for the published steps */
	const char *against;               /* path of a checkpoint */
	const char *gram;                  /* "stages", "all", or a number of nodes per stage */
	const char *iodin;                 /* as odin */
	const char *const *ensemble;       /* paths of checkpoints, */
	size_t n_ensemble;                 /* at most UM_MAX_ENSEMBLE */
	bool layers, rankfeat, extremes;
	double fgsm, adascale; /* adascale: the share of the pixels that move */
	size_t passes;         /* how many */
	double dropout;        /* their probability of dropping a number */
	uint64_t seed;         /* of what they drop */
};

struct um_extras;
/* Parses the options and reads the files that they name; c is the checkpoint of the model, its masks baked, its network
 * borrowed. Needs no libtorch. UM_FAILED: a file is not what it should be, or there is no memory; UM_BAD_OPTIONS. */
int um_extras_new(struct um_extras **ret, const struct um_extra_options *o, const struct net_checkpoint *c,
		  struct err *err) TS_CHECKED;
void um_extras_free(struct um_extras *e);
/* Does any of these extras need gradients? */
bool um_extras_gradients(const struct um_extras *e);
/* Headers of the files that were read, borrowed, into ret[0..UM_MAX_INPUTS); returns how many. */
size_t um_extras_inputs(const struct um_extras *e, const struct ts_header **ret);
/* Writes into the empty *to the header of the features that model c computes from images: logits and features, the
 * images' other columns, those of the extras; the images' meta, the model's classes, what scores need to know about it,
 * and the extras' own. um_extras_start() takes batches of both. -1: an images column has the name of one of these, or
 * out of memory. */
int um_extras_header(struct um_extras *e, struct ts_header *to, const struct ts_header *images,
		     const struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* Opens c_take's network with the engine's device, threads, chunk and torch. Takes its values: afterwards it may only
 * be released. */
int um_extras_open(struct um_extras *e, struct net_checkpoint *c_take, const struct um_engine_options *engine,
		   struct err *err) TS_CHECKED;
/* Fills the columns logits, features and the extras' of out from in's column image. With extras, it runs chunk images
 * at a time. out has in->n rows, and the labels that fgsm needs. row: number of the first, for messages. The numbers
 * are there, and checked, after um_extras_finish(), which ends the oldest batch in flight; at most um_extras_depth()
 * batches may be in flight (at most UM_DEPTH). */
enum { UM_DEPTH = 2 };
int um_extras_depth(const struct um_extras *e);
int um_extras_start(struct um_extras *e, const struct ts_batch *in, uint64_t row, struct ts_batch *out,
		    struct err *err) TS_CHECKED;
int um_extras_finish(struct um_extras *e, struct err *err) TS_CHECKED;
/* A line about what went wrong without harm to the numbers, or NULL. */
const char *um_extras_note(const struct um_extras *e);

#ifdef __cplusplus
}
#endif
#endif
