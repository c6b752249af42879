/* SPDX-License-Identifier: MIT
 * One interface over two ways to run a network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "um/um_engine.h"
#include "um/um_internal.h"

size_t um_argmax(const float *v, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
}

struct um_engine {
	const struct net *net;
	struct um_engine_options o;
	bool *keep;                       /* a copy of o.keep */
	struct nn *nn;                    /* one of these two */
	struct um_model *model;
};

int um_engine_new(struct um_engine **ret, struct net_checkpoint *c, const struct um_engine_options *o,
		  char *err)
{
	const size_t N = (size_t)c->net->n_nodes;
	struct um_engine *e = calloc(1, sizeof *e);
	int rc = -1;

	snprintf(err, UM_ERR, "out of memory");
	if (e && (!o->keep || (e->keep = malloc(N * sizeof *e->keep)))) {
		e->net = c->net;
		e->o = *o;
		if (o->keep)
			memcpy(e->keep, o->keep, N * sizeof *e->keep);
		e->o.keep = e->keep;
		if (!o->torch)
			rc = nn_new(&e->nn, c, &(struct nn_options){ .threads = (int)o->threads, .from = o->from,
				    .keep = e->keep, .take = o->take, .beside = o->beside ? o->beside->nn : NULL }, err);
		else if (um_open(o->device ? o->device : "cpu", o->threads, err) == 0)
			rc = um_model_new(&e->model, c, err);
		if (o->torch && o->take)
			ts_set_release(&c->state);
	}
	if (rc < 0) {
		um_engine_free(e);
		e = NULL;
	}
	*ret = e;
	return rc;
}

void um_engine_free(struct um_engine *e)
{
	if (!e)
		return;
	nn_free(e->nn);
	um_model_free(e->model);
	free(e->keep);
	free(e);
}

const struct net *um_engine_net(const struct um_engine *e)
{
	return e->net;
}

/* Images i..i+n through libtorch. */
static int run_chunk(struct um_engine *e, const void *input, size_t i, size_t n, float *logits,
		     float *features, float *const *maps, char *err)
{
	const struct net *net = e->net;
	struct um_model *m = e->model;
	const struct net_node *from = &net->nodes[e->o.from];
	const size_t row = net_node_size(from), C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	const size_t shape[4] = { n, (size_t)from->c, (size_t)from->h, (size_t)from->w };
	const bool floats = e->o.from > 0 || e->o.floats;
	struct th_scope *s = th->scope_begin(false);
	struct th_tensor *x = th->from_host(s, floats ? TH_F32 : TH_U8, 4, shape,
					    (const char *)input + i * row * (floats ? sizeof(float) : 1));

	m->out[e->o.from] = e->o.from > 0 ? x : th->channel_affine(s, x, m->scale, m->shift);
	th->to_host(s, um_run(s, m, e->o.from, net->head, e->keep, false), logits + i * C, n * C);
	if (features)
		th->to_host(s, m->out[net->feature], features + i * D, n * D);
	for (int k = e->o.from; e->keep && k <= net->head; k++)
		if (e->keep[k])
			th->to_host(s, m->out[k], maps[k] + i * net_node_size(&net->nodes[k]),
				    n * net_node_size(&net->nodes[k]));
	if (th->scope_end(s) < 0) {
		snprintf(err, UM_ERR, "%s", th->last_error());
		return -1;
	}
	return 0;
}

int um_engine_run(struct um_engine *e, const void *input, size_t n, float *logits, float *features,
		  float *const *maps, char *err)
{
	const size_t C = (size_t)e->net->classes, chunk = e->o.chunk ? e->o.chunk : 16;

	if (e->nn)
		nn_run(e->nn, input, n, logits, features, maps);
	for (size_t i = 0; e->model && i < n; i += chunk)
		if (run_chunk(e, input, i, n - i < chunk ? n - i : chunk, logits, features, maps, err) < 0)
			return -1;
	for (size_t i = 0; i < n * C && !e->o.unchecked; i++)
		if (!isfinite(logits[i])) {
			snprintf(err, UM_ERR, "the model's output is not finite for row %zu", i / C);
			return -1;
		}
	return 0;
}

int um_evaluate(struct um_engine *e, const struct um_data *d, double *loss, double *accuracy, char *err)
{
	const size_t C = (size_t)e->net->classes, row = net_node_size(&e->net->nodes[0]), part = 256;
	float *logits = malloc(part * C * sizeof *logits);
	size_t right = 0;
	double sum = 0;
	int rc = -1;

	snprintf(err, UM_ERR, "%s", d->n ? "out of memory" : "no images to evaluate on");
	for (size_t i = 0; logits && i < d->n; i += part) {
		const size_t n = d->n - i < part ? d->n - i : part;

		rc = um_engine_run(e, d->image + i * row, n, logits, NULL, NULL, err);
		if (rc < 0)
			break;
		for (size_t k = 0; k < n; k++) {
			sum += um_cross_entropy(logits + k * C, C, d->label[i + k]);
			right += um_argmax(logits + k * C, C) == (size_t)d->label[i + k];
		}
	}
	free(logits);
	*loss = rc == 0 ? sum / (double)d->n : 0;
	*accuracy = rc == 0 ? (double)right / (double)d->n : 0;
	return rc;
}
