/* SPDX-License-Identifier: MIT
 * One interface over two ways to run a network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "num/num_softmax.h"
#include "um/run/um_engine.h"
#include "um/run/um_graph.h"
#include "um/run/um_torch.h"
#include "um/um_internal.h"
#include "um/run/um_queue.h"

struct um_engine {
	const struct net *net;
	struct um_engine_options o;
	bool *keep;    /* a copy of o.keep */
	struct nn *nn; /* one of these two, */
	struct um_torch *model;
	struct um_queue *queue; /* of the model */
	struct um_graph *graph; /* instead: the network is an ONNX graph */
};

bool um_engine_is_torch(long runner, const char *device)
{
	return runner == UM_TORCH || strcmp(device, "cpu") != 0;
}

static bool on_gpu(const struct um_engine_options *o)
{
	return o->torch && o->device && strncmp(o->device, "cpu", 3) != 0;
}

int um_engine_check(const struct um_engine_options *o, struct err *err)
{
	if (o->precision == UM_TF32 && !on_gpu(o)) {
		return err_fail(err, "precision tf32 works only on a GPU, with --device cuda");
	}
	if (o->torch)
		return 0;
	if (o->precision != UM_BF16)
		return nn_check(NULL, err);
	return nn_check_bf16(NULL, err) < 0 ? err_append(err, "; --engine torch and --device cuda need none") : 0;
}

size_t um_engine_chunk(const struct um_engine_options *o, const struct net *net)
{
	const size_t row = net_node_size(&net->nodes[o->from]) * (o->from > 0 || o->floats ? sizeof(float) : 1);
	const size_t fit = ((size_t)8 << 20) / row;

	if (o->chunk)
		return o->chunk;
	return !on_gpu(o) ? 16 : fit > 256 ? 256 : fit ? fit : 1;
}

/* The network by our own kernels. */
static int open_nn(struct um_engine *e, struct net_checkpoint *c, struct err *err)
{
	const struct um_engine_options *o = &e->o;
	const struct nn_options how = { .threads = (int)o->threads,
					.from = o->from,
					.floats = o->floats,
					.keep = o->keep,
					.take = o->take,
					.bf16 = o->precision == UM_BF16,
					.beside = o->beside ? o->beside->nn : NULL };

	return um_engine_check(o, err) < 0 ? -1 : nn_new(&e->nn, c, &how, err);
}

/* The network through libtorch. */
static int open_torch(struct um_engine *e, struct net_checkpoint *c, struct err *err)
{
	const struct um_engine_options *o = &e->o;

	if (um_engine_check(o, err) < 0 || um_torch_open(o->device ? o->device : "cpu", o->threads, err) < 0)
		return -1;
	th->tf32(o->precision == UM_TF32);
	if (um_torch_new(&e->model, c, true, err) < 0)
		return -1;
	if (e->o.take)
		ts_set_release(&c->state);
	if (e->o.precision == UM_BF16 && um_torch_bf16(e->model, err) < 0)
		return -1;
	return um_queue_new(&e->queue, e->model, &e->o, err);
}

/* An ONNX graph, by ONNX Runtime. */
static int open_graph(struct um_engine *e, struct net_checkpoint *c, struct err *err)
{
	if (um_graph_new(&e->graph, c, &e->o, err) < 0)
		return -1;
	if (e->o.take) {
		ts_set_release(&c->state);
		ts_set_release(&c->extra);
	}
	return 0;
}

int um_engine_new(struct um_engine **ret, struct net_checkpoint *c, const struct um_engine_options *o, struct err *err)
{
	const size_t N = (size_t)c->net->n_nodes;
	struct um_engine *e = calloc(1, sizeof *e);
	int rc;

	*ret = NULL;
	if (!e || (o->keep && !(e->keep = malloc(N * sizeof *e->keep)))) {
		free(e);
		return err_memory(err);
	}
	e->net = c->net;
	e->o = *o;
	if (o->keep)
		memcpy(e->keep, o->keep, N * sizeof *e->keep);
	e->o.keep = e->keep;
	e->o.chunk = um_engine_chunk(o, c->net);
	rc = net_is_graph(c->net) ? open_graph(e, c, err) : o->torch ? open_torch(e, c, err) : open_nn(e, c, err);
	if (rc == 0)
		*ret = e;
	else
		um_engine_free(e);
	return rc;
}

void um_engine_free(struct um_engine *e)
{
	if (!e)
		return;
	nn_free(e->nn);
	um_queue_free(e->queue);
	um_torch_free(e->model);
	um_graph_free(e->graph);
	free(e->keep);
	free(e);
}

const struct net *um_engine_net(const struct um_engine *e)
{
	return e->net;
}

const char *um_engine_note(const struct um_engine *e)
{
	return e->queue ? um_queue_note(e->queue) : NULL;
}

bool um_engine_overlaps(const struct um_engine *e)
{
	return e->queue != NULL;
}

int um_engine_start(struct um_engine *e, const void *input, size_t n, float *logits, float *features,
		    float *const *maps, uint64_t *job, struct err *err)
{
	if (e->queue)
		return um_queue_add(e->queue, input, n, logits, features, maps, job, err);
	*job = 0;
	if (e->graph)
		return um_graph_run(e->graph, input, n, logits, features, err);
	nn_run(e->nn, input, n, logits, features, maps);
	return 0;
}

int um_engine_wait(struct um_engine *e, uint64_t job, struct err *err)
{
	return e->queue ? um_queue_wait(e->queue, job, err) : 0;
}

int um_engine_run(struct um_engine *e, const void *input, size_t n, float *logits, float *features, float *const *maps,
		  struct err *err)
{
	const size_t C = (size_t)e->net->classes;
	uint64_t job;

	if (um_engine_start(e, input, n, logits, features, maps, &job, err) < 0 || um_engine_wait(e, job, err) < 0)
		return -1;
	for (size_t i = 0; i < n * C && !e->o.unchecked; i++)
		if (!isfinite(logits[i]))
			return err_fail(err, "the model's output is not finite for row %zu", i / C);
	return 0;
}

/* How many classes come before class y: 0 if it is num_argmax(). */
static size_t rank(const float *z, size_t C, size_t y)
{
	size_t before = 0;

	for (size_t c = 0; c < C; c++)
		before += z[c] > z[y] || (z[c] == z[y] && c < y);
	return before;
}

/* The answer for one image. */
struct answer {
	double ce;
	size_t before;
};

/* Of images from..to, 256 at a time. */
static int run_rows(struct um_engine *e, const struct um_data *d, size_t from, size_t to, struct answer *a,
		    struct err *err)
{
	const size_t C = (size_t)e->net->classes, row = net_node_size(&e->net->nodes[0]), part = 256;
	float *logits = malloc(part * C * sizeof *logits);
	int rc = logits ? 0 : err_memory(err);

	for (size_t i = from; rc == 0 && i < to; i += part) {
		const size_t n = to - i < part ? to - i : part;

		rc = um_engine_run(e, d->image + i * row, n, logits, NULL, NULL, err);
		for (size_t k = 0; rc == 0 && k < n; k++)
			a[i + k] = (struct answer){ num_cross_entropy(logits + k * C, C, d->label[i + k]),
						    rank(logits + k * C, C, (size_t)d->label[i + k]) };
	}
	free(logits);
	return rc;
}

int um_evaluate(struct um_engine *e, const struct um_data *d, struct team *team, struct um_worth *worth,
		struct err *err)
{
	struct answer *a = malloc((d->n + 1) * sizeof *a);
	size_t right = 0, right5 = 0, from, to;
	double sum = 0;
	int rc = a ? 0 : err_memory(err);

	*worth = (struct um_worth){ 0 };
	if (rc == 0 && d->n == 0)
		rc = err_fail(err, "no images to evaluate on");
	team_share(team, d->n, &from, &to);
	if (rc == 0)
		rc = run_rows(e, d, from, to, a, err);
	if (rc == 0) {
		team_rows(team, a, d->n, sizeof *a);
		rc = team_check(team, err);
	}
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		sum += a[i].ce;
		right += a[i].before == 0;
		right5 += a[i].before < 5;
	}
	free(a);
	if (rc == 0)
		*worth = (struct um_worth){ .loss = sum / (double)d->n,
					    .accuracy = (double)right / (double)d->n,
					    .top5 = e->net->classes > 5 ? (double)right5 / (double)d->n : NAN };
	return rc;
}
