/* SPDX-License-Identifier: MIT
 * Training through libtorch. All values lie in one array, on the host and on the device, trained ones before the
 * running statistics, so that a step copies three arrays and not hundreds; the device's tensors are views of it. */
#include <stdlib.h>

#include "um/run/um_exec_torch.h"
#include "um/run/um_torch.h"

struct um_exec_torch {
	const struct net *net;
	struct um_torch *m;
	bool *keep; /* (n_nodes) the pixels, if their gradients are wanted */
	bool fixed, floats;
	bool there; /* the values are on the device, and stay */
	size_t n_values, n_trained;
	size_t *offset;                        /* (n_params) */
	float *value, *gradient;               /* on the host */
	struct th_tensor *values, *statistics; /* on the device; the second is the end of the first */
	struct th_tensor *gradients;

	/* Between forward and backward. */
	struct th_scope *s;
	struct th_tensor *x, *z, *f; /* for a single stage z holds its means, (n, width) */
	size_t n, width;
};

static int seam(bool good, struct err *err)
{
	return good ? 0 : err_fail(err, "%s", th->last_error());
}

static size_t count(const struct net_param *p)
{
	size_t n = p->role != NET_BATCHES;

	for (int d = 0; d < p->ndim; d++)
		n *= p->shape[d];
	return n;
}

static void place_values(struct um_exec_torch *e)
{
	for (int trained = 1; trained >= 0; trained--) {
		for (int i = 0; i < e->net->n_params; i++)
			if (net_trained(e->net->params[i].role) == trained) {
				e->offset[i] = e->n_values;
				e->n_values += count(&e->net->params[i]);
			}
		if (trained)
			e->n_trained = e->n_values;
	}
}

static int make_views(struct um_exec_torch *e, struct err *err)
{
	const size_t statistics = e->n_values - e->n_trained;

	e->values = th->tensor_new(TH_F32, 1, &e->n_values, NULL);
	e->gradients = th->tensor_new(TH_F32, 1, &e->n_trained, NULL);
	if (seam(e->values && e->gradients, err) < 0)
		return -1;
	e->statistics = th->tensor_view(e->values, e->n_trained, 1, &statistics);
	if (seam(e->statistics != NULL, err) < 0)
		return -1;
	for (int i = 0; i < e->net->n_params; i++) {
		const struct net_param *p = &e->net->params[i];
		struct th_tensor *g;
		bool good;

		if (p->role == NET_BATCHES)
			continue;
		e->m->use[i] = th->tensor_view(e->values, e->offset[i], p->ndim, p->shape);
		if (seam(e->m->use[i] != NULL, err) < 0)
			return -1;
		if (!net_trained(p->role) || e->fixed)
			continue;
		g = th->tensor_view(e->gradients, e->offset[i], p->ndim, p->shape);
		good = g && th->tensor_track(e->m->use[i], g) == 0;
		th->tensor_free(g);
		if (seam(good, err) < 0)
			return -1;
	}
	return 0;
}

int um_exec_torch_new(struct um_exec_torch **ret, const struct net_checkpoint *c, const struct um_exec_options *o,
		      struct err *err)
{
	struct um_exec_torch *e = calloc(1, sizeof *e);
	int rc = e ? 0 : err_memory(err);

	if (rc == 0) {
		e->net = c->net;
		e->offset = calloc((size_t)c->net->n_params, sizeof *e->offset);
		e->keep = calloc((size_t)c->net->n_nodes, sizeof *e->keep);
		rc = e->offset && e->keep ? 0 : err_memory(err);
	}
	if (rc == 0) {
		e->keep[0] = o->pixels;
		e->fixed = o->fixed;
		e->floats = o->floats;
		place_values(e);
		e->value = calloc(e->n_values, sizeof *e->value);
		e->gradient = calloc(e->n_trained, sizeof *e->gradient);
		rc = e->value && e->gradient ? 0 : err_memory(err);
	}
	if (rc == 0 && (um_torch_open(o->device ? o->device : "cpu", o->threads, err) < 0 ||
			um_torch_new(&e->m, c, false, err) < 0 || make_views(e, err) < 0))
		rc = -1;
	if (rc == 0) {
		e->m->dropout = o->dropout;
		*ret = e;
	} else {
		um_exec_torch_free(e);
	}
	return rc;
}

/* Forgets what a forward pass kept for the way back. */
static int end_pass(struct um_exec_torch *e, struct err *err)
{
	struct th_scope *s = e->s;

	e->s = NULL;
	e->x = e->z = e->f = NULL;
	return s ? seam(th->scope_end(s) == 0, err) : 0;
}

void um_exec_torch_free(struct um_exec_torch *e)
{
	struct err ignored;

	if (!e)
		return;
	if (th) {
		(void)end_pass(e, &ignored);
		um_torch_free(e->m);
		th->tensor_free(e->values);
		th->tensor_free(e->statistics);
		th->tensor_free(e->gradients);
	}
	free(e->keep);
	free(e->offset);
	free(e->value);
	free(e->gradient);
	free(e);
}

float *um_exec_torch_value(struct um_exec_torch *e, int i)
{
	return e->net->params[i].role == NET_BATCHES ? NULL : e->value + e->offset[i];
}

float *um_exec_torch_gradient(struct um_exec_torch *e, int i)
{
	return net_trained(e->net->params[i].role) ? e->gradient + e->offset[i] : NULL;
}

/* Puts the images on the device, normalised, as the network's input. */
static int begin_pass(struct um_exec_torch *e, const void *image, size_t n, bool back, struct err *err)
{
	const struct net *net = e->net;
	const size_t shape[4] = { n, (size_t)net->c, (size_t)net->h, (size_t)net->w };

	if (end_pass(e, err) < 0 || (!e->there && seam(th->tensor_set(e->values, e->value) == 0, err) < 0))
		return -1;
	e->there = e->fixed;
	e->n = n;
	e->s = th->scope_begin(back);
	if (seam(e->s != NULL, err) < 0)
		return -1;
	e->x = th->channel_affine(e->s, th->from_host(e->s, e->floats ? TH_F32 : TH_U8, 4, shape, image),
				  e->m->affine[0], e->m->affine[1]);
	if (back && e->keep[0])
		e->x = th->leaf(e->s, e->x);
	e->m->out[0] = e->x;
	return 0;
}

int um_exec_torch_forward(struct um_exec_torch *e, const void *image, size_t n, enum um_pass_mode mode, uint64_t seed,
			  bool back, float *logits, float *features, struct err *err)
{
	const struct net *net = e->net;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	bool good;

	if (begin_pass(e, image, n, back, err) < 0)
		return -1;
	th->seed(seed);
	e->m->bn_momentum = mode == UM_TRAINING ? 0.1 : 0;
	e->z = um_torch_run(e->s, e->m, 0, net->head, e->keep, mode != UM_EVALUATION);
	e->f = e->m->out[net->feature];
	e->width = C;
	good = th->to_host(e->s, e->z, logits, n * C) == 0 &&
	       (!features || th->to_host(e->s, e->f, features, n * D) == 0);
	if ((!good || !back) && end_pass(e, err) < 0)
		return -1;
	return mode == UM_TRAINING ? seam(th->tensor_get(e->statistics, e->value + e->n_trained) == 0, err) : 0;
}

int um_exec_torch_means(struct um_exec_torch *e, const void *image, size_t n, int stage, bool back, float *means,
			struct err *err)
{
	bool good;

	if (begin_pass(e, image, n, back, err) < 0)
		return -1;
	e->width = (size_t)e->net->nodes[stage].c;
	e->z = th->mean_hw(e->s, um_torch_run(e->s, e->m, 0, stage, e->keep, false));
	good = th->to_host(e->s, e->z, means, n * e->width) == 0;
	return (!good || !back) && end_pass(e, err) < 0 ? -1 : 0;
}

int um_exec_torch_backward(struct um_exec_torch *e, const float *dlogits, const float *dfeatures, float *dpixels,
			   bool add, struct err *err)
{
	const struct net *net = e->net;
	const size_t z[2] = { e->n, e->width }, f[2] = { e->n, (size_t)net->nodes[net->feature].c };
	struct th_tensor *y[2] = { e->z, e->f }, *dy[2];
	/* The gradients to add to may have changed on the host. */
	bool good = e->fixed || th->tensor_set(e->gradients, add ? e->gradient : NULL) == 0;

	dy[0] = th->from_host(e->s, TH_F32, 2, z, dlogits);
	dy[1] = dfeatures ? th->from_host(e->s, TH_F32, 2, f, dfeatures) : NULL;
	good = good && th->backward(e->s, dfeatures ? 2 : 1, y, dy) == 0 &&
	       (!dpixels || th->tensor_grad(e->x, dpixels) == 0);
	if (end_pass(e, err) < 0)
		return -1;
	return seam(good && (e->fixed || th->tensor_get(e->gradients, e->gradient) == 0), err);
}

int um_exec_torch_means_backward(struct um_exec_torch *e, const float *dmeans, float *dpixels, struct err *err)
{
	return um_exec_torch_backward(e, dmeans, NULL, dpixels, false, err);
}
