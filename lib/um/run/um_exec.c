/* SPDX-License-Identifier: MIT
 * One interface over two executors. */
#include <stdlib.h>
#include <string.h>

#include "net/net_graph.h"
#include "nn/nn.h"
#include "nn/train/nn_train.h"
#include "um/run/um_engine.h"
#include "um/run/um_exec_torch.h"

struct um_exec {
	const struct net *net;
	size_t batch;
	struct nn_train *nn; /* one of these two */
	struct um_exec_torch *torch;
	uint64_t apart; /* the distance of this rank's libtorch seeds from rank 0's: libtorch's dropout knows no image
			 * numbers */
};

int um_exec_check(bool torch, const char *device, long precision, struct err *err)
{
	return um_engine_check(&(struct um_engine_options){ .torch = torch, .device = device, .precision = precision },
			       err);
}

static void gather(void *data, const double *mine, size_t n, double *all)
{
	team_gather(data, mine, n * sizeof *mine, all);
}

static int open_nn(struct um_exec *e, const struct net_checkpoint *c, const struct um_exec_options *o, struct err *err)
{
	struct nn_train_options how = { .threads = (int)o->threads,
					.batch = o->batch,
					.dropout = o->dropout,
					.pixels = o->pixels,
					.forward = o->forward,
					.fixed = o->fixed,
					.floats = o->floats,
					.bf16 = o->precision == UM_BF16 };

	if (o->team && o->sync_bn)
		how.peers = (struct nn_peers){ team_size(o->team), gather, o->team };
	for (int i = 0; i < 4; i++) {
		how.mean[i] = c->mean[i];
		how.std[i] = c->std[i];
	}
	return nn_train_new(&e->nn, c->net, &how, err);
}

int um_exec_new(struct um_exec **ret, const struct net_checkpoint *c, const struct um_exec_options *o, struct err *err)
{
	struct um_exec *e = calloc(1, sizeof *e);
	int rc;

	*ret = NULL;
	if (!e)
		return err_memory(err);
	if (net_is_graph(c->net)) {
		free(e);
		return err_fail(err, "an ONNX graph has no gradients here: it gives logits and features alone");
	}
	e->net = c->net;
	e->batch = o->batch;
	e->apart = (uint64_t)team_rank(o->team) * 0x9e3779b97f4a7c15u;
	rc = um_exec_check(o->torch, o->device, o->precision, err);
	if (rc == 0 && o->torch && o->team && o->sync_bn)
		rc = err_fail(err,
			      "--sync-bn is for unmask's own kernels: through libtorch and on GPUs batch norms go by "
			      "each rank's part");
	if (rc == 0)
		rc = o->torch ? um_exec_torch_new(&e->torch, c, o, err) : open_nn(e, c, o, err);
	if (rc == 0)
		*ret = e;
	else
		um_exec_free(e);
	return rc;
}

void um_exec_free(struct um_exec *e)
{
	if (!e)
		return;
	nn_train_free(e->nn);
	um_exec_torch_free(e->torch);
	free(e);
}

size_t um_exec_batch(const struct um_exec *e)
{
	return e->batch;
}

const char *um_exec_note(const struct um_exec *e)
{
	return e->torch ? um_exec_torch_note(e->torch) : NULL;
}

void um_exec_among(struct um_exec *e, const struct nn_among *among)
{
	if (e->nn)
		nn_train_among(e->nn, among);
}

float *um_exec_value(struct um_exec *e, int i)
{
	return e->nn ? nn_train_value(e->nn, i) : um_exec_torch_value(e->torch, i);
}

void um_exec_set(struct um_exec *e, const struct ts_set *state)
{
	for (int i = 0; i < e->net->n_params; i++) {
		float *to = um_exec_value(e, i);

		if (to)
			memcpy(to, state->t[i].data, ts_tensor_bytes(&state->t[i]));
	}
}

float *um_exec_gradient(struct um_exec *e, int i)
{
	return e->nn ? nn_train_gradient(e->nn, i) : um_exec_torch_gradient(e->torch, i);
}

bool um_exec_apart(const struct um_exec *e)
{
	return e->torch && um_exec_torch_apart(e->torch);
}

const struct um_exec_arrays *um_exec_stay(struct um_exec *e, bool stay)
{
	return um_exec_torch_stay(e->torch, stay);
}

int um_exec_fetch(struct um_exec *e, struct err *err)
{
	return e->torch ? um_exec_torch_fetch(e->torch, err) : 0;
}

void um_exec_changed(struct um_exec *e)
{
	if (e->torch)
		um_exec_torch_changed(e->torch);
}

static enum nn_mode nn_mode(enum um_pass_mode mode)
{
	return mode == UM_EVALUATION ? NN_EVALUATE : mode == UM_DROPOUT ? NN_DROP : NN_TRAIN;
}

int um_exec_forward(struct um_exec *e, const void *image, size_t n, enum um_pass_mode mode, uint64_t seed, bool back,
		    float *logits, float *features, struct err *err)
{
	if (e->torch)
		return um_exec_torch_forward(e->torch, image, n, mode, seed + e->apart, back, logits, features, err);
	nn_train_momentum(e->nn, mode == UM_TRAINING ? 0.1 : 0);
	nn_train_forward(e->nn, image, n, nn_mode(mode), seed, logits, features);
	return 0;
}

int um_exec_backward(struct um_exec *e, const float *dlogits, const float *dfeatures, float *dpixels, bool add,
		     struct err *err)
{
	if (e->torch)
		return um_exec_torch_backward(e->torch, dlogits, dfeatures, dpixels, add, err);
	nn_train_backward(e->nn, dlogits, dfeatures, dpixels, add);
	return 0;
}

int um_exec_means(struct um_exec *e, const void *image, size_t n, int stage, bool back, float *means, struct err *err)
{
	if (e->torch)
		return um_exec_torch_means(e->torch, image, n, stage, back, means, err);
	nn_train_means(e->nn, image, n, stage, means);
	return 0;
}

int um_exec_means_backward(struct um_exec *e, const float *dmeans, float *dpixels, struct err *err)
{
	if (e->torch)
		return um_exec_torch_means_backward(e->torch, dmeans, dpixels, err);
	nn_train_means_backward(e->nn, dmeans, dpixels);
	return 0;
}
