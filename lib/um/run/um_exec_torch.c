/* SPDX-License-Identifier: MIT
 * Training through libtorch. All values lie in one array, on the host and on the device, trained ones before the
 * running statistics, so that a step copies three arrays and not hundreds, or none if they stay on the device; its
 * tensors are views of them. The host's arrays are those of lanes: page-locked for a GPU, and on a CPU the values are
 * not copied at all. Images go to the device as bytes. */
#include <stdlib.h>
#include <string.h>

#include "um/run/um_engine.h"
#include "um/run/um_exec_record.h"
#include "um/run/um_exec_torch.h"
#include "um/run/um_torch.h"

struct um_exec_torch {
	const struct net *net;
	struct um_torch *m;
	bool *keep; /* (n_nodes) the pixels, if their gradients are wanted */
	bool fixed, floats, tf32;
	size_t n_values, n_trained;
	size_t *offset;               /* (n_params) */
	struct th_lane *values;       /* in: all values. Out: gradients, then statistics, (n_values) */
	bool stay;                    /* values and gradients are not copied, see um_exec_stay() */
	bool there;                   /* the values are on the device already */
	struct um_exec_arrays arrays; /* its tensors are the next two */
	struct th_tensor *all, *room; /* on the device: the values; gradients and room for statistics; (n_values) */
	float *value, *gradient;      /* on the host, of `values` */
	struct th_tensor *statistics; /* on the device: the end of the values */
	struct th_tensor *gradients;  /* (n_trained) */
	struct th_lane *images;       /* in: a batch. Out: logits or means, then features */
	struct um_record record;

	/* Of the pass under way. */
	struct th_scope *s; /* open between forward and backward */
	bool recorded;      /* it went forward by the record instead */
	struct th_tensor *x, *z, *f;
	bool train;
	int to;          /* the node whose output is z */
	size_t n, width; /* images; numbers of each in z */
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

/* The device's array of values, and of it a view for each of the network's. */
static int make_views(struct um_exec_torch *e, struct err *err)
{
	const size_t statistics = e->n_values - e->n_trained;
	struct th_scope *s = th->scope_begin(false);
	bool good;

	e->all = th->lane_send(e->values, e->n_values) == 0 ? th->tensor_keep(s, th->lane_tensor(s, e->values)) : NULL;
	good = th->scope_end(s) == 0 && e->all && th->lane_wait(e->values) == 0;
	e->room = th->tensor_new(TH_F32, 1, &e->n_values, NULL);
	e->gradients = e->room ? th->tensor_view(e->room, 0, 1, &e->n_trained) : NULL;
	e->statistics = good ? th->tensor_view(e->all, e->n_trained, 1, &statistics) : NULL;
	good = good && e->gradients && e->statistics;
	for (int i = 0; i < e->net->n_params && good; i++) {
		const struct net_param *p = &e->net->params[i];
		struct th_tensor *g;

		if (p->role == NET_BATCHES)
			continue;
		e->m->use[i] = th->tensor_view(e->all, e->offset[i], p->ndim, p->shape);
		good = e->m->use[i] != NULL;
		if (!good || !net_trained(p->role) || e->fixed)
			continue;
		g = th->tensor_view(e->gradients, e->offset[i], p->ndim, p->shape);
		good = g && th->tensor_track(e->m->use[i], g) == 0;
		th->tensor_free(g);
	}
	return seam(good, err);
}

/* The most numbers per image that a pass hands out. */
static size_t widest(const struct net *net)
{
	size_t most = (size_t)net->classes + (size_t)net->nodes[net->feature].c;

	for (int i = 0; i < net->n_nodes; i++)
		most = (size_t)net->nodes[i].c > most ? (size_t)net->nodes[i].c : most;
	return most;
}

static int make_lanes(struct um_exec_torch *e, size_t batch, struct err *err)
{
	const struct net *net = e->net;
	const size_t shape[4] = { batch, (size_t)net->c, (size_t)net->h, (size_t)net->w };

	e->values = th->lane_new(TH_F32, 1, &e->n_values, e->n_values);
	e->images = th->lane_new(e->floats ? TH_F32 : TH_U8, 4, shape, batch * widest(net));
	if (seam(e->values && e->images, err) < 0)
		return -1;
	e->value = th->lane_input(e->values);
	e->gradient = th->lane_output(e->values);
	memset(e->value, 0, e->n_values * sizeof *e->value);
	memset(e->gradient, 0, e->n_values * sizeof *e->gradient);
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
		e->tf32 = o->precision == UM_TF32;
		place_values(e);
	}
	if (rc == 0 &&
	    (um_torch_open(o->device ? o->device : "cpu", o->threads, err) < 0 ||
	     um_torch_new(&e->m, c, false, err) < 0 || make_lanes(e, o->batch, err) < 0 || make_views(e, err) < 0))
		rc = -1;
	if (rc == 0) {
		e->m->dropout = o->dropout;
		e->m->cast = o->precision == UM_BF16;
		/* A recorded dropout would not follow the seed, which numbers the pass; pixels' gradients are asked
		 * for in evaluation. */
		e->record.off = !th->graphs() || o->dropout > 0 || o->pixels || o->fixed || o->floats;
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
	e->recorded = false;
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
		um_record_free(&e->record);
		um_torch_free(e->m);
		th->tensor_free(e->statistics);
		th->tensor_free(e->gradients);
		th->tensor_free(e->room);
		th->tensor_free(e->all);
		th->lane_free(e->values);
		th->lane_free(e->images);
	}
	free(e->keep);
	free(e->offset);
	free(e);
}

const char *um_exec_torch_note(const struct um_exec_torch *e)
{
	return e->record.note[0] ? e->record.note : NULL;
}

float *um_exec_torch_value(struct um_exec_torch *e, int i)
{
	return e->net->params[i].role == NET_BATCHES ? NULL : e->value + e->offset[i];
}

float *um_exec_torch_gradient(struct um_exec_torch *e, int i)
{
	return net_trained(e->net->params[i].role) ? e->gradient + e->offset[i] : NULL;
}

/* ---- values that stay ---- */

bool um_exec_torch_apart(const struct um_exec_torch *e)
{
	return !e->fixed && th->apart();
}

const struct um_exec_arrays *um_exec_torch_stay(struct um_exec_torch *e, bool stay)
{
	e->stay = stay;
	e->arrays = (struct um_exec_arrays){ e->n_trained, e->n_values, e->offset, e->all, e->room };
	return &e->arrays;
}

int um_exec_torch_fetch(struct um_exec_torch *e, struct err *err)
{
	struct th_scope *s;
	bool good;

	if (!e->stay || !e->there)
		return 0;
	s = th->scope_begin(false);
	good = th->lane_fetch(s, e->values, e->all, 0, e->n_values) == 0;
	if (seam(th->scope_end(s) == 0 && good, err) < 0 || seam(th->lane_wait(e->values) == 0, err) < 0)
		return -1;
	memcpy(e->value, e->gradient, e->n_values * sizeof *e->value);
	return 0;
}

void um_exec_torch_changed(struct um_exec_torch *e)
{
	e->there = false;
}

/* ---- forward ---- */

/* Images (n,c,h,w) to the output of e->to. */
static struct th_tensor *network(struct th_scope *s, void *data, const struct th_tensor *image)
{
	struct um_exec_torch *e = data;
	struct um_torch *m = e->m;
	struct th_tensor *out;

	th->tf32(e->tf32 && e->train);
	e->x = th->channel_affine(s, image, m->affine[0], m->affine[1]);
	if (e->keep[0])
		e->x = th->leaf(s, e->x);
	m->out[0] = e->train && m->cast ? th->cast(s, e->x, TH_BF16) : e->x;
	out = um_torch_run(s, m, 0, e->to, e->keep, e->train);
	th->tf32(false);
	return out;
}

/* Sends the images and, if they may have changed, the values. */
static int send(struct um_exec_torch *e, const void *image, size_t n)
{
	const size_t row = net_node_size(&e->net->nodes[0]) * (e->floats ? sizeof(float) : 1);

	memcpy(th->lane_input(e->images), image, n * row);
	if (th->lane_send(e->images, n) < 0)
		return -1;
	if (e->there)
		return 0;
	e->there = e->fixed || e->stay;
	return th->lane_send(e->values, e->n_values);
}

/* Runs the images that were sent, and has z fetched, the features, and statistics that moved. Leaves e->s open if it
 * goes back from here. */
static int run(struct um_exec_torch *e, bool means, bool back, bool features, bool statistics, struct err *err)
{
	const size_t D = (size_t)e->net->nodes[e->net->feature].c;
	struct th_scope *s = th->scope_begin(back && !e->recorded);
	struct th_tensor *image = th->lane_tensor(s, e->images);
	bool good;

	(void)th->lane_tensor(s, e->values); /* they have arrived */
	if (e->recorded) {
		good = th->assign(s, e->record.in, image) == 0 && th->graph_run(e->record.forward) == 0;
		e->z = e->record.z;
	} else {
		e->z = network(s, e, image);
		if (means)
			e->z = th->mean_hw(s, e->z);
		e->f = e->m->out[e->net->feature];
		good = e->z != NULL;
	}
	good = good && th->lane_fetch(s, e->images, e->z, 0, e->n * e->width) == 0 &&
	       (!features || th->lane_fetch(s, e->images, e->f, e->n * e->width, e->n * D) == 0) &&
	       (!statistics ||
		th->lane_fetch(s, e->values, e->statistics, e->n_trained, e->n_values - e->n_trained) == 0);
	if (good && back && !e->recorded) {
		e->s = s;
		return 0;
	}
	return seam(th->scope_end(s) == 0 && good, err);
}

/* Waits for what was sent and fetched. */
static int wait(struct um_exec_torch *e, struct err *err)
{
	const int images = th->lane_wait(e->images), values = th->lane_wait(e->values);

	return seam(images == 0 && values == 0, err);
}

int um_exec_torch_forward(struct um_exec_torch *e, const void *image, size_t n, enum um_pass_mode mode, uint64_t seed,
			  bool back, float *logits, float *features, struct err *err)
{
	const struct net *net = e->net;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	const size_t statistics = mode == UM_TRAINING && !e->stay ? e->n_values - e->n_trained : 0;
	const size_t shape[4] = { n, (size_t)net->c, (size_t)net->h, (size_t)net->w };
	const float *out = th->lane_output(e->images);

	if (end_pass(e, err) < 0)
		return -1;
	e->train = mode != UM_EVALUATION;
	e->n = n;
	e->width = C;
	e->to = net->head;
	e->m->bn_momentum = mode == UM_TRAINING ? 0.1 : 0;
	th->seed(seed);
	e->recorded = back && mode == UM_TRAINING && !features && um_record_forward(&e->record, shape, network, e);
	if (seam(send(e, image, n) == 0, err) < 0 || run(e, false, back, features, statistics > 0, err) < 0 ||
	    wait(e, err) < 0)
		return -1;
	memcpy(logits, out, n * C * sizeof *out);
	if (features)
		memcpy(features, out + n * C, n * D * sizeof *out);
	memcpy(e->value + e->n_trained, e->gradient + e->n_trained, statistics * sizeof *out);
	return 0;
}

int um_exec_torch_means(struct um_exec_torch *e, const void *image, size_t n, int stage, bool back, float *means,
			struct err *err)
{
	if (end_pass(e, err) < 0)
		return -1;
	e->train = false;
	e->n = n;
	e->width = (size_t)e->net->nodes[stage].c;
	e->to = stage;
	if (seam(send(e, image, n) == 0, err) < 0 || run(e, true, back, false, false, err) < 0 || wait(e, err) < 0)
		return -1;
	memcpy(means, th->lane_output(e->images), n * e->width * sizeof *means);
	return 0;
}

/* ---- back ---- */

/* Goes forward again, without the record, which has no way back. Statistics have moved already. */
static int again(struct um_exec_torch *e, struct err *err)
{
	e->recorded = false;
	e->m->bn_momentum = 0;
	return run(e, false, true, false, false, err) < 0 ? -1 : wait(e, err);
}

static bool record_back(struct um_exec_torch *e)
{
	bool recorded;

	th->tf32(e->tf32 && e->train);
	recorded = um_record_back(&e->record, e->width);
	th->tf32(false);
	return recorded;
}

/* By the record, whose graph adds to the gradients. */
static int back_recorded(struct um_exec_torch *e, const float *dlogits)
{
	return th->tensor_set(e->record.dz, dlogits) < 0 ? -1 : th->graph_run(e->record.back);
}

static int back(struct um_exec_torch *e, const float *dlogits, const float *dfeatures)
{
	const size_t z[2] = { e->n, e->width }, f[2] = { e->n, (size_t)e->net->nodes[e->net->feature].c };
	struct th_tensor *y[2] = { e->z, e->f }, *dy[2];
	int rc;

	dy[0] = th->from_host(e->s, TH_F32, 2, z, dlogits);
	dy[1] = dfeatures ? th->from_host(e->s, TH_F32, 2, f, dfeatures) : NULL;
	th->tf32(e->tf32 && e->train);
	rc = th->backward(e->s, dfeatures ? 2 : 1, y, dy);
	th->tf32(false);
	return rc;
}

int um_exec_torch_backward(struct um_exec_torch *e, const float *dlogits, const float *dfeatures, float *dpixels,
			   bool add, struct err *err)
{
	bool good;

	if (e->recorded && (dfeatures || !record_back(e)) && again(e, err) < 0)
		return -1;
	if (e->recorded)
		e->s = th->scope_begin(false);
	/* The gradients to add to may have changed on the host. */
	good = e->fixed || (add && e->stay) || th->tensor_set(e->gradients, add ? e->gradient : NULL) == 0;
	good = good && (e->recorded ? back_recorded(e, dlogits) : back(e, dlogits, dfeatures)) == 0 &&
	       (!dpixels || th->tensor_grad(e->x, dpixels) == 0) &&
	       (e->fixed || e->stay || th->lane_fetch(e->s, e->values, e->gradients, 0, e->n_trained) == 0);
	if (end_pass(e, err) < 0)
		return -1;
	return seam(good, err) < 0 ? -1 : e->stay && !dpixels ? 0 : wait(e, err);
}

int um_exec_torch_means_backward(struct um_exec_torch *e, const float *dmeans, float *dpixels, struct err *err)
{
	return um_exec_torch_backward(e, dmeans, NULL, dpixels, false, err);
}
