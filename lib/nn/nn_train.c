/* SPDX-License-Identifier: MIT From a network's nodes to stages, and these in order: forward, and back. A node is
 * a view of a plane; batch norms and ReLUs only change the view, concatenations are places in one plane, as in
 * nn_plan.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_train_internal.h"

/* ---- memory ---- */

static void *own(struct nn_train *t, size_t count, size_t size)
{
	void *p = aligned_alloc(64, (count * size + 63 + 64) / 64 * 64);

	if (p && t->n_owned == t->cap_owned) {
		const int cap = t->cap_owned ? 2 * t->cap_owned : 64;
		void **grown = realloc(t->owned, (size_t)cap * sizeof *grown);

		if (!grown) {
			free(p);
			return NULL;
		}
		t->owned = grown;
		t->cap_owned = cap;
	}
	if (p)
		t->owned[t->n_owned++] = memset(p, 0, count * size);
	return p;
}

/* ---- planning ---- */

struct plan {
	struct nn_train *t;
	int *plane, *at; /* (n_nodes) where a node is to write as part of a concatenation; -1: nowhere */
	struct err *err;
};

static int new_plane(struct plan *p, int c, int h, int w)
{
	struct nn_train *t = p->t;
	struct nn_plane *grown;

	if (t->n_planes == t->cap_planes) {
		const int cap = t->cap_planes ? 2 * t->cap_planes : 64;

		if (!(grown = realloc(t->plane, (size_t)cap * sizeof *grown)))
			return err_memory(p->err);
		t->plane = grown;
		t->cap_planes = cap;
	}
	t->plane[t->n_planes] = (struct nn_plane){ .stride = (size_t)c,
						   .pixels = (size_t)h * (size_t)w,
						   .known = own(t, (size_t)c, sizeof(bool)) };
	return t->plane[t->n_planes].known ? t->n_planes++ : err_memory(p->err);
}

/* A plain view for node i's output: its place in a concatenation, or a plane of its own. */
static int place(struct plan *p, int i, int c, int h, int w, struct nn_view *v)
{
	*v = (struct nn_view){
		.plane = p->plane[i], .at = (size_t)(p->plane[i] < 0 ? 0 : p->at[i]), .c = c, .h = h, .w = w, .bn = -1
	};
	if (v->plane < 0)
		v->plane = new_plane(p, c, h, w);
	return v->plane < 0 ? -1 : 0;
}

static struct nn_stage *emit(struct plan *p, struct nn_stage s)
{
	struct nn_train *t = p->t;

	if (t->n_stages == t->cap_stages) {
		const int cap = t->cap_stages ? 2 * t->cap_stages : 128;
		struct nn_stage *grown = realloc(t->stage, (size_t)cap * sizeof *grown);

		if (!grown) {
			err_memory(p->err);
			return NULL;
		}
		t->stage = grown;
		t->cap_stages = cap;
	}
	t->stage[t->n_stages] = s;
	return &t->stage[t->n_stages++];
}

/* A stage whose output has the shape of node i. */
static int put(struct plan *p, int i, struct nn_stage s)
{
	const struct net_node *node = &p->t->net->nodes[i];

	s.node = i;
	if (place(p, i, node->c, node->h, node->w, &s.out) < 0 || !emit(p, s))
		return -1;
	p->t->view[i] = s.out;
	return 0;
}

static bool same(const struct nn_view *a, int plane, int at, int c)
{
	return nn_view_plain(a) && a->plane == plane && a->at == (size_t)at && a->c == c;
}

/* Both parts to their places, where they are not there already. */
static int do_concat(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	const struct net_node *node = &t->net->nodes[i];
	int at = p->at[i];

	for (int k = 0; k < 2; k++) {
		const struct nn_view in = t->view[node->in[k]];

		if (!same(&in, p->plane[i], at, in.c) &&
		    !emit(p, (struct nn_stage){ .kind = NN_S_COPY,
						.node = i,
						.in = in,
						.out = { p->plane[i], (size_t)at, in.c, in.h, in.w, -1, false } }))
			return -1;
		at += in.c;
	}
	t->view[i] = (struct nn_view){ p->plane[i], (size_t)p->at[i], node->c, node->h, node->w, -1, false };
	return 0;
}

/* Reads the view through another batch norm; statistics are taken of channels that none has taken before. */
static int do_norm(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	struct nn_view v = t->view[t->net->nodes[i].in[0]];
	struct nn_stage s = { .kind = NN_S_STATS, .node = i };

	if (!nn_view_plain(&v)) {
		struct nn_stage copy = { .kind = NN_S_COPY, .node = i, .in = v };

		if (place(p, i, v.c, v.h, v.w, &copy.out) < 0 || !emit(p, copy))
			return -1;
		v = copy.out;
	}
	bool *known = t->plane[v.plane].known;

	for (size_t c = v.at; c < v.at + (size_t)v.c; c++) {
		if (known[c])
			continue;
		if (s.hi == 0)
			s.lo = c;
		else if (s.hi != c)
			return err_fail(p->err, "node %d normalises channels of which some in between have been before",
					i);
		s.hi = c + 1;
		known[c] = true;
	}
	s.in = v;
	t->a[i] = own(t, (size_t)v.c, sizeof(float));
	t->b[i] = own(t, (size_t)v.c, sizeof(float));
	if (!t->a[i] || !t->b[i])
		return err_memory(p->err);
	if (!emit(p, s))
		return -1;
	t->view[i] = v;
	t->view[i].bn = i;
	return 0;
}

static int do_pool(struct plan *p, int i, const struct nn_view *in)
{
	const struct net_node *node = &p->t->net->nodes[i];
	const bool all = node->op == NET_MEAN, most = node->op == NET_MAXPOOL;

	return put(p, i,
		   (struct nn_stage){ .kind = most ? NN_S_MAXIMUM : NN_S_AVERAGE,
				      .in = *in,
				      .kh = all ? in->h : node->kernel,
				      .kw = all ? in->w : node->kernel,
				      .stride = node->stride,
				      .pad = most ? node->pad : 0 });
}

static int do_node(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	const struct net_node *node = &t->net->nodes[i];
	const struct nn_view in = node->in[0] >= 0 ? t->view[node->in[0]] : (struct nn_view){ 0 };

	switch (node->op) {
	case NET_INPUT: return put(p, i, (struct nn_stage){ .kind = NN_S_INPUT });
	case NET_CONV:
		return put(p, i,
			   (struct nn_stage){ .kind = NN_S_CONV,
					      .in = in,
					      .kh = node->kernel,
					      .kw = node->kernel,
					      .stride = node->stride,
					      .pad = node->pad });
	case NET_LINEAR:
		return put(p, i, (struct nn_stage){ .kind = NN_S_CONV, .in = in, .kh = 1, .kw = 1, .stride = 1 });
	case NET_BN: return do_norm(p, i);
	case NET_CONCAT: return do_concat(p, i);
	case NET_ADD: return put(p, i, (struct nn_stage){ .kind = NN_S_ADD, .in = in, .other = t->view[node->in[1]] });
	case NET_AVGPOOL:
	case NET_MAXPOOL:
	case NET_MEAN: return do_pool(p, i, &in);
	case NET_FLATTEN: return put(p, i, (struct nn_stage){ .kind = NN_S_FLATTEN, .in = in });
	case NET_RELU:
		t->view[i] = in;
		t->view[i].relu = true;
		return 0;
	case NET_DROPOUT:
		t->view[i] = in;
		return t->o.dropout > 0 ? put(p, i, (struct nn_stage){ .kind = NN_S_DROPOUT, .in = in }) : 0;
	}
	return -1;
}

/* Concatenations that build on each other share one plane, as wide as the last. */
static int place_concats(struct plan *p)
{
	const struct net *n = p->t->net;

	for (int i = 0; i < n->n_nodes; i++)
		p->plane[i] = -1;
	for (int i = n->n_nodes; i-- > 0;) {
		const struct net_node *node = &n->nodes[i];

		if (node->op != NET_CONCAT)
			continue;
		if (p->plane[i] < 0) {
			p->at[i] = 0;
			if ((p->plane[i] = new_plane(p, node->c, node->h, node->w)) < 0)
				return -1;
		}
		p->plane[node->in[0]] = p->plane[node->in[1]] = p->plane[i];
		p->at[node->in[0]] = p->at[i];
		p->at[node->in[1]] = p->at[i] + n->nodes[node->in[0]].c;
	}
	return 0;
}

/* ---- room ---- */

static void largest(size_t *most, size_t n)
{
	*most = n > *most ? n : *most;
}

/* In how many groups sums over images are made: not so many that their sums of a large layer take 64 MiB. */
static size_t groups(size_t sum)
{
	const size_t most = ((size_t)16 << 20) / (sum + 1);

	return most < 1 ? 1 : most < NN_GROUPS ? most : NN_GROUPS;
}

static int stage_room(struct nn_train *t, struct nn_stage *s, struct err *err)
{
	const size_t sum = s->kind == NN_S_CONV ? (size_t)(s->kh * s->kw * s->in.c) * (size_t)s->out.c : 0;
	const size_t out = t->o.batch * nn_view_pixels(&s->out) * (size_t)s->out.c;

	s->groups = groups(sum);
	largest(&t->most_weight, sum);
	largest(&t->most_partial, sum * s->groups);
	largest(&t->most_channels, (size_t)s->in.c);
	largest(&t->most_channels, (size_t)s->other.c);
	largest(&t->most_scratch, nn_stage_scratch(t, s));
	if (s->in.bn >= 0)
		t->plane[s->in.plane].h = (float *)1; /* wanted; made in plane_room() */
	if (s->kind == NN_S_ADD && s->other.bn >= 0)
		t->plane[s->other.plane].h = (float *)1;
	if ((s->kind == NN_S_MAXIMUM && !(s->index = own(t, out, sizeof *s->index))) ||
	    (s->kind == NN_S_DROPOUT && !(s->kept = own(t, out, 1))))
		return err_memory(err);
	return 0;
}

static int plane_room(struct nn_train *t, int i, struct err *err)
{
	struct nn_plane *p = &t->plane[i];
	const size_t n = t->o.batch * p->pixels * p->stride;
	const bool back = t->o.pixels || i != t->view[0].plane, h = p->h;

	p->h = NULL;
	p->v = own(t, n, sizeof(float));
	p->mean = own(t, p->stride, sizeof(float));
	p->scale = own(t, p->stride, sizeof(float));
	if (!p->v || !p->mean || !p->scale || (back && !(p->g = own(t, n, sizeof(float)))) ||
	    (h && !(p->h = own(t, n, sizeof(float)))))
		return err_memory(err);
	return 0;
}

static int value_room(struct nn_train *t, struct err *err)
{
	const struct net *n = t->net;
	size_t all = 0;

	if (!(t->offset = own(t, (size_t)n->n_params, sizeof *t->offset)))
		return err_memory(err);
	for (int trained = 1; trained >= 0; trained--) {
		for (int i = 0; i < n->n_params; i++) {
			size_t count = n->params[i].role != NET_BATCHES;

			if (net_trained(n->params[i].role) != trained)
				continue;
			for (int d = 0; d < n->params[i].ndim; d++)
				count *= n->params[i].shape[d];
			t->offset[i] = all;
			all += count;
		}
		if (trained)
			t->n_gradients = all;
	}
	t->values = own(t, all, sizeof(float));
	t->gradients = own(t, t->n_gradients, sizeof(float));
	return t->values && t->gradients ? 0 : err_memory(err);
}

static int make_room(struct nn_train *t, struct err *err)
{
	t->scratch = own(t, (size_t)t->o.threads, sizeof *t->scratch);
	for (int i = 0; i < t->n_stages; i++)
		if (stage_room(t, &t->stage[i], err) < 0)
			return -1;
	largest(&t->most_channels, (size_t)t->view[t->net->feature].c);
	largest(&t->most_scratch, net_node_size(&t->net->nodes[t->net->feature]));
	largest(&t->most_scratch, (size_t)t->net->classes);
	if (t->most_channels > 4096)
		return err_fail(err, "%zu channels are more than the 4096 that training here knows", t->most_channels);
	for (int i = 0; i < t->n_planes; i++)
		if (plane_room(t, i, err) < 0)
			return -1;
	t->weight = own(t, t->most_weight, sizeof(float));
	t->partial = own(t, t->most_partial, sizeof(float));
	t->sums = own(t, (NN_GROUPS + 2) * 2 * t->most_channels, sizeof(double));
	for (int i = 0; t->scratch && i < t->o.threads; i++)
		if (!(t->scratch[i] = own(t, t->most_scratch, sizeof(float))))
			return err_memory(err);
	return t->scratch && t->weight && t->partial && t->sums ? value_room(t, err) : err_memory(err);
}

/* ---- the whole ---- */

int nn_train_new(struct nn_train **ret, const struct net *net, const struct nn_train_options *o, struct err *err)
{
	const size_t N = (size_t)net->n_nodes;
	struct nn_train *t = calloc(1, sizeof *t);
	struct plan p = { .t = t, .plane = malloc(N * sizeof *p.plane), .at = calloc(N, sizeof *p.at), .err = err };
	int rc = 0;

	*ret = NULL;
	if (t) {
		t->net = net;
		t->o = *o;
		t->momentum = 0.1;
		t->view = own(t, N, sizeof *t->view);
		t->a = own(t, N, sizeof *t->a);
		t->b = own(t, N, sizeof *t->b);
	}
	if (!t || !t->view || !t->a || !t->b || !p.plane || !p.at)
		rc = err_memory(err);
	if (rc == 0)
		rc = place_concats(&p);
	for (int i = 0; i < net->n_nodes && rc == 0; i++)
		rc = do_node(&p, i);
	if (rc == 0)
		rc = make_room(t, err);
	free(p.plane);
	free(p.at);
	if (rc < 0)
		nn_train_free(t);
	else
		*ret = t;
	return rc;
}

void nn_train_free(struct nn_train *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->n_owned; i++)
		free(t->owned[i]);
	free(t->owned);
	free(t->plane);
	free(t->stage);
	free(t);
}

void nn_train_forward(struct nn_train *t, const uint8_t *image, size_t n, uint64_t seed, float *logits, float *features)
{
	const struct nn_view *z = &t->view[t->net->head], *f = &t->view[t->net->feature];

	t->n = n;
	t->seed = seed;
	for (int i = 0; i < t->n_stages; i++)
		nn_stage_forward(t, &t->stage[i], image);
	for (size_t i = 0; i < n; i++) {
		nn_view_read(t, z, i, logits + i * (size_t)z->c);
		if (features)
			nn_view_read(t, f, i, features + i * (size_t)f->c);
	}
}

static void give_from_host(struct nn_train *t, const struct nn_view *v, const float *d)
{
	if (!d)
		return;
	memset(t->sums, 0, 2 * t->most_channels * sizeof *t->sums);
	for (size_t i = 0; i < t->n; i++)
		nn_view_give(t, v, i, d + i * (size_t)v->c, (size_t)v->c, t->sums);
	nn_view_gather(t, v, 1);
}

static void clear(struct nn_train *t)
{
	memset(t->gradients, 0, t->n_gradients * sizeof *t->gradients);
#pragma omp parallel for num_threads(t->o.threads)
	for (size_t i = 0; i < t->n; i++)
		for (int k = 0; k < t->n_planes; k++) {
			const struct nn_plane *p = &t->plane[k];
			const size_t image = p->pixels * p->stride;

			if (p->g)
				memset(p->g + i * image, 0, image * sizeof *p->g);
			if (p->h)
				memset(p->h + i * image, 0, image * sizeof *p->h);
		}
}

void nn_train_backward(struct nn_train *t, const float *dlogits, const float *dfeatures, float *dpixels)
{
	clear(t);
	give_from_host(t, &t->view[t->net->head], dlogits);
	give_from_host(t, &t->view[t->net->feature], dfeatures);
	for (int i = t->n_stages; i-- > 0;)
		nn_stage_backward(t, &t->stage[i]);
	if (!dpixels)
		return;
	const struct nn_view *in = &t->view[0];
	const size_t C = (size_t)in->c, P = nn_view_pixels(in);

	for (size_t i = 0; i < t->n; i++)
		for (size_t p = 0; p < P; p++)
			for (size_t c = 0; c < C; c++)
				dpixels[(i * C + c) * P + p] = nn_view_gradient(t, in, i)[p * C + c];
}
