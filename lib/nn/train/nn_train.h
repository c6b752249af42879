/* SPDX-License-Identifier: MIT
 *
 * nn_train: training on the CPU, in plain C: a network forward to logits and features, and back from their gradients to
 * those of its values and of its pixels. Losses are up to the caller (um_loss.h), and so is the use of gradients.
 *
 *	nn_train_new(&t, net, &options, err);
 *	nn_train_value(t, i)...				// the parameters' values, in and out
 *	nn_train_forward(t, image, n, NN_TRAIN, seed, logits, features);
 *	...						// dlogits = dL/dlogits
 *	nn_train_backward(t, dlogits, NULL, NULL, false);
 *	nn_train_gradient(t, i)...
 *
 * Maps lie as (images, pixels, channels). A batch norm and a ReLU need no map of their own: their readers compute y =
 * relu(a x + b) from the map x before them. All batch norms of a channel share its statistics, so a dense block, whose
 * layers lie side by side in one map, costs one batch norm per channel, not one per reader: with x^ = (x - mean) /
 * sigma, y = gamma x^ + beta and dy the gradient of what is read,
 *
 *	m = dy [y > 0]    dgamma += sum m x^    dbeta += sum m    G += gamma m / sigma
 *	dx = G - mean(G) - (x - mean) mean(G (x - mean)) / sigma^2	when the map's writer goes back
 *
 * with means over images and pixels; both are sums of dgamma and dbeta over the readers, so nothing is summed twice.
 *
 * Sums run over groups of images. Their number depends on the batch alone, and they are added in order: so results have
 * the same bytes for any number of threads. Statistics are summed in double.
 */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn_train;

/* Other processes that share batch statistics with this one: gather() collects `mine`, n doubles, of each process into
 * all (processes, n), in the same order everywhere. Every process must go forward and back equally often, through the
 * same network. */
struct nn_peers {
	int n;
	void (*gather)(void *data, const double *mine, size_t n, double *all);
	void *data;
};

struct nn_train_options {
	int threads;            /* at least 1 */
	size_t batch;           /* most images of a step */
	double dropout;         /* probability of the network's dropout nodes */
	double mean[4], std[4]; /* of the input's channels: x = (pixel / 255 - mean) / std */
	bool pixels;            /* nn_train_backward() also gives their gradients */
	bool forward;           /* nn_train_backward() is never called, and maps reuse memory */
	bool fixed;             /* values do not change from the first pass on, and have no gradients */
	bool floats;            /* images are floats, not bytes */
	bool bf16;              /* products of bfloat16: nn_check_bf16() */
	const char *isa;        /* a name from nn_isas(); NULL: the best */
	struct nn_peers peers;  /* n = 0: none */
};

/* This process's share of a batch of `all` images: image i is number first + i of the batch for i < here, and number
 * then + i - here from there on. For dropout, whose random numbers depend on that number, and for the statistics of
 * peers. */
struct nn_among {
	size_t here, first, then, all;
};

/* NN_EVALUATE: batch norms use the running statistics, and nothing is dropped. NN_TRAIN: they use the statistics of the
 * images. NN_DROP: they use the running statistics, and the same is dropped from every image. */
enum nn_mode { NN_EVALUATE, NN_TRAIN, NN_DROP };

/* Plans the network, which it borrows. Values and running statistics start as zeros. Memory: each map once, the
 * gradients of the maps in use at one time, and weights twice more, packed (3x3 ones up to eight times). -1 with a line
 * in err: out of memory, or a network that it does not support. */
int nn_train_new(struct nn_train **ret, const struct net *net, const struct nn_train_options *o,
		 struct err *err) TS_CHECKED;
void nn_train_free(struct nn_train *t);

/* The values of net->params[i], as PyTorch lays them out; NULL for counts of batches. nn_train_forward() with NN_TRAIN
 * moves running statistics by nn_train_momentum() (0.1 at first; 0: they stay). */
float *nn_train_value(struct nn_train *t, int i);
/* The gradient of net->params[i], after nn_train_backward(); NULL for statistics. All gradients are one buffer, in the
 * order of the parameters. */
float *nn_train_gradient(struct nn_train *t, int i);
void nn_train_momentum(struct nn_train *t, double momentum);
/* Applies from now on; without it image i is number i of the batch, and all images are here. */
void nn_train_among(struct nn_train *t, const struct nn_among *among);

/* Runs n images |u1 or <f4 (n,c,h,w), 0 to 255, 0 < n <= batch, to logits (n,C) and, if not NULL, features (n,D). seed:
 * of dropout. */
void nn_train_forward(struct nn_train *t, const void *image, size_t n, enum nn_mode mode, uint64_t seed, float *logits,
		      float *features);
/* Goes back from dL/dlogits (n,C) and dL/dfeatures (n,D) (either may be NULL) of the images that went forward last, in
 * the same mode. Gradients are set, or, if `add`, added to. dpixels: dL/dx of the normalised pixels (n,c,h,w), or NULL;
 * needs options.pixels. */
void nn_train_backward(struct nn_train *t, const float *dlogits, const float *dfeatures, float *dpixels, bool add);

/* The same for a single stage of the network, in evaluation mode: forward to the channel means (n,c) of its map, and
 * back from dL/dmeans (n,c), of the stage that went forward last, to dpixels. */
void nn_train_means(struct nn_train *t, const void *image, size_t n, int stage, float *means);
void nn_train_means_backward(struct nn_train *t, const float *dmeans, float *dpixels);

#ifdef __cplusplus
}
#endif
#endif
