/* SPDX-License-Identifier: MIT
 *
 * um_exec: the executor of training. It runs a network forward to logits and features, and back from their gradients to
 * those of its values and pixels. It knows no loss and no optimiser. There are two: lib/nn on the CPU, and libtorch,
 * which also knows GPUs and is the reference for lib/nn. Both have values and gradients as arrays on the host; a GPU's
 * may stay there instead.
 */
#ifndef UM_EXEC_H
#define UM_EXEC_H

#include "err/err.h"
#include "net/net.h"
#include "team/team.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_exec;
struct th_tensor;

struct um_exec_options {
	bool torch;         /* through libtorch, which this loads */
	const char *device; /* libtorch's; NULL: the CPU */
	long threads;
	size_t batch;   /* most images of a pass */
	double dropout; /* probability in training */
	bool pixels;    /* um_exec_backward() also gives dL/dpixels */
	bool forward;   /* it never goes back, and needs less memory */
	bool fixed;     /* values do not change from the first pass on, and have no gradients */
	bool floats;    /* images are floats, not bytes */
	long precision; /* enum um_precision, in training alone. With lib/nn UM_BF16 is that of products, see
			 * nn_check_bf16(); with libtorch maps up to the features are bfloat16, too. Values, their
			 * gradients, batch norms' statistics, features and logits are floats. */
	/* Ranks that go forward and back together, each with a share of the images; NULL: this process alone. Borrowed.
	 * Batch statistics are those of a rank's images or, with sync_bn (lib/nn only), of all. */
	struct team *team;
	bool sync_bn;
};

/* Batch norms use their running statistics; or, with dropout, the batch's, which then move the running ones by 0.1, or
 * leave them alone; or the running ones with dropout, the same for every image, which only lib/nn has. */
enum um_pass_mode { UM_EVALUATION, UM_TRAINING, UM_TRAINING_STILL, UM_DROPOUT };

/* Fails if this way of running lacks this precision. */
int um_exec_check(bool torch, const char *device, long precision, struct err *err) TS_CHECKED;
/* Borrows c's network; takes its normalisation, not its values. */
int um_exec_new(struct um_exec **ret, const struct net_checkpoint *c, const struct um_exec_options *o,
		struct err *err) TS_CHECKED;
void um_exec_free(struct um_exec *e);
size_t um_exec_batch(const struct um_exec *e);
/* What did not go as fast as it could, in one line; NULL: nothing to say. */
const char *um_exec_note(const struct um_exec *e);

/* The values of net->params[i], NULL for counts of batches. um_exec_forward() reads them, and moves the running
 * statistics among them. */
float *um_exec_value(struct um_exec *e, int i);
/* Sets them all to a state of the network. */
void um_exec_set(struct um_exec *e, const struct ts_set *state);
/* Its gradients after um_exec_backward(); NULL for statistics. */
float *um_exec_gradient(struct um_exec *e, int i);

/* ---- values and gradients that stay on a device ----
 *
 * On a device with memory of its own, a GPU, they are copied at every pass, unless they stay there. Then who changes
 * values does so in the device's arrays, and um_exec_value() is a copy, of what it was before the first pass or at the
 * last um_exec_fetch(); gradients are not copied at all, and um_exec_backward() returns before they are there. */

/* The device's arrays: the trained values, n_trained of them, then the running statistics, n_values in all. */
struct um_exec_arrays {
	size_t n_trained, n_values;
	const size_t *offset;               /* (net->n_params) where a parameter's values and gradients begin */
	struct th_tensor *value, *gradient; /* (n_values); the gradients of statistics are room for the caller's use */
};

/* Has the executor such a device? */
bool um_exec_apart(const struct um_exec *e);
/* With um_exec_apart(), before the first pass: lets values and gradients stay there, or be copied again. Returns the
 * arrays, which are the executor's. */
const struct um_exec_arrays *um_exec_stay(struct um_exec *e, bool stay);
/* Copies the values to um_exec_value(). */
int um_exec_fetch(struct um_exec *e, struct err *err) TS_CHECKED;
/* um_exec_value() has been changed, and goes to the device again before the next pass. */
void um_exec_changed(struct um_exec *e);

/* Which images of a batch the next ones are, and how many images the batch has; see nn_train.h. */
struct nn_among;
void um_exec_among(struct um_exec *e, const struct nn_among *among);
/* Runs n <= batch images |u1 or <f4 (n,c,h,w), 0 to 255, to logits (n,C) and, if not NULL, features (n,D). seed: of
 * dropout. back: um_exec_backward() will follow. */
int um_exec_forward(struct um_exec *e, const void *image, size_t n, enum um_pass_mode mode, uint64_t seed, bool back,
		    float *logits, float *features, struct err *err) TS_CHECKED;
/* Goes back, once, from dL/dlogits (n,C) and, if not NULL, dL/dfeatures (n,D) of the images that went forward last.
 * Gradients are set, or added to. dpixels: dL/dx of normalised pixels (n,c,h,w), or NULL. */
int um_exec_backward(struct um_exec *e, const float *dlogits, const float *dfeatures, float *dpixels, bool add,
		     struct err *err) TS_CHECKED;

/* For one stage of the network, in evaluation mode: the channel means (n,c) of its map; and dL/dx of normalised pixels
 * from dL/dmeans (n,c), for the images and the stage that last went forward with `back`. */
int um_exec_means(struct um_exec *e, const void *image, size_t n, int stage, bool back, float *means,
		  struct err *err) TS_CHECKED;
int um_exec_means_backward(struct um_exec *e, const float *dmeans, float *dpixels, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
