/* SPDX-License-Identifier: MIT
 *
 * um_extra: the columns of a features stream: logits and features, and further ones for scores that need
 * gradients, intermediate maps or a second model. Each method is one file, um_extra_NAME.c, and its name in
 * the list of um_extra.c; all share one clean pass over the images, whose memory is bounded by the images
 * that run at a time.
 *
 *	odin      odin:eps=E <f4 (C), one per eps     logits after a step against the loss
 *	layers    layer0, layer1, ... <f4 (d)         channel means of the network's feature list
 *	perturb   layer0:eps=E, ... <f4 (d)           the same after a step toward the nearest class mean
 *	against   kl-distance <f4                     from a second model's probabilities
 *	gram      gram:NODE <f4 (5, d)                row sums of Gram matrices of powers 1 to 5
 *	rankfeat  rankfeat <f4 (C)                    logits without the maps' first singular part
 *	adascale  adascale <f4 (D)                    features after a step of the least important pixels
 *	iodin     i-odin:eps=E <f4 (C), one per eps   as odin, of the most important number of the image alone
 *	ensemble  ensemble <f4 (models,C)             other models' logits
 *
 * and fgsm adds no column but changes what all of the pass sees. A step is x + step * sgn(gradient),
 * sgn(0) = +1, on the pixels in [0, 1]. Models run in evaluation mode, and the loss of an image is its
 * own, so the numbers do not depend on how many run together but for rounding.
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

/* What is asked for; NULL, false and 0 are none. Texts as the command line has them; borrowed. */
struct um_extra_options {
	const char *odin;                  /* "eps=E,E...:temperature=T:space=pixel|scale-std|normalised" */
	const char *perturb, *perturb_eps; /* path of a fit; "E,E..." or NULL for the published */
	const char *against;               /* path of a checkpoint */
	const char *gram;                  /* "stages", "all", or a number of nodes a stage */
	const char *iodin;                 /* as odin */
	const char *const *ensemble;       /* paths of checkpoints, */
	size_t n_ensemble;                 /* UM_MAX_ENSEMBLE at most */
	bool layers, rankfeat;
	double fgsm, adascale; /* adascale: the share of the pixels that move */
};

struct um_extras;
/* Takes the options apart and reads the files that they name; c is the checkpoint of the model, its masks
 * baked, its network borrowed. Needs no libtorch. UM_FAILED: a file is not what it should be, or there is no memory;
 * UM_BAD_OPTIONS. */
int um_extras_new(struct um_extras **ret, const struct um_extra_options *o, const struct net_checkpoint *c,
		  struct err *err) TS_CHECKED;
void um_extras_free(struct um_extras *e);
/* Does something that was asked for need gradients? */
bool um_extras_gradients(const struct um_extras *e);
/* Headers of the files that were read, borrowed, into ret[0..UM_MAX_INPUTS); returns how many. */
size_t um_extras_inputs(const struct um_extras *e, const struct ts_header **ret);
/* The header of the features that model c makes of images, into *to, which is empty yet: logits and features, the
 * images' other columns, those of the extras; meta of the images, the model's classes, what scores need of it, and what
 * goes with the extras. Batches of both are what um_extras_start() takes. -1: a column of the images has the name of
 * one of these, or out of memory. */
int um_extras_header(struct um_extras *e, struct ts_header *to, const struct ts_header *images,
		     const struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* Makes c_take's network, as the engine's device, threads, chunk and torch say. Takes its values: it is only to be
 * released afterwards. */
int um_extras_open(struct um_extras *e, struct net_checkpoint *c_take, const struct um_engine_options *engine,
		   struct err *err) TS_CHECKED;
/* Fills the columns logits, features and the extras' of out from in's column image. With extras, chunk
 * images go through at a time. out has in->n rows, and the labels that fgsm needs. row: number of the
 * first, for messages. The numbers are there, and have been looked at, after um_extras_finish(), which ends the
 * oldest that was started; um_extras_depth() batches may have been started at a time (UM_DEPTH at most). */
enum { UM_DEPTH = 2 };
int um_extras_depth(const struct um_extras *e);
int um_extras_start(struct um_extras *e, const struct ts_batch *in, uint64_t row, struct ts_batch *out,
		    struct err *err) TS_CHECKED;
int um_extras_finish(struct um_extras *e, struct err *err) TS_CHECKED;
/* What did not go as it should, though the numbers are right: a line, or NULL. */
const char *um_extras_note(const struct um_extras *e);

#ifdef __cplusplus
}
#endif
#endif
