/* SPDX-License-Identifier: MIT
 * Runs chunks of images through libtorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/run/um_torch.h"
#include "um/um_internal.h"
#include "um/run/um_queue.h"

/* WARM: chunks of one size that run without a graph before it is recorded. Libraries choose and load their kernels
 * then, which must not happen while a graph is recorded; and a stream of two batches, or of one odd size, is not worth
 * recording. */
enum { LANES = 2, WARM = 2 };

/* A chunk and where its results go. */
struct lane {
	struct th_lane *l;
	size_t room;  /* images that l has room for */
	size_t n, at; /* images in flight, 0: idle; row of the first in the job */
	uint64_t job;
	float *logits, *features; /* the job's; features may be NULL */
	float *const *maps;
};

/* The recorded operations on a chunk of n images. */
struct graph {
	struct th_graph *g;     /* NULL: not recorded yet */
	struct th_tensor *in;   /* (n,c,h,w) its input */
	struct th_tensor **out; /* as um_queue.out */
	size_t n;               /* size of the largest chunk so far */
	int seen;               /* chunks of n that ran without it */
};

struct um_queue {
	struct um_torch *m;
	const struct um_engine_options *o;
	size_t row, C, D; /* numbers per image: of pixels, of logits, of features */
	size_t kept;      /* and of its kept maps */
	bool floats;
	struct lane lane[LANES];
	int next; /* the lane of the next chunk; if it is busy, its chunk is the oldest */
	uint64_t jobs;
	struct th_tensor **out; /* (2 + n_nodes) of the chunk: logits, features, kept maps or NULL */
	struct graph graph;
	bool eager; /* no graph, or no longer one */
	char note[512];
};

static int failed(struct um_queue *q, struct err *err)
{
	err_fail(err, "%s", th->last_error());
	for (int i = 0; i < LANES; i++) {
		if (q->lane[i].l)
			(void)th->lane_wait(q->lane[i].l);
		q->lane[i].n = 0;
	}
	return -1;
}

int um_queue_new(struct um_queue **ret, struct um_torch *m, const struct um_engine_options *o, struct err *err)
{
	const struct net *net = m->net;
	const size_t outs = 2 + (size_t)net->n_nodes;
	struct um_queue *q = calloc(1, sizeof *q);

	*ret = NULL;
	if (q) {
		q->out = calloc(outs, sizeof(struct th_tensor *));
		q->graph.out = calloc(outs, sizeof(struct th_tensor *));
	}
	if (!q || !q->out || !q->graph.out) {
		if (q) {
			free(q->out);
			free(q->graph.out);
		}
		free(q);
		return err_memory(err);
	}
	q->m = m;
	q->o = o;
	q->row = net_node_size(&net->nodes[o->from]);
	q->C = (size_t)net->classes;
	q->D = (size_t)net->nodes[net->feature].c;
	q->floats = o->from > 0 || o->floats;
	q->eager = !o->graph || !th->graphs();
	for (int k = o->from; o->keep && k <= net->head; k++)
		q->kept += o->keep[k] ? net_node_size(&net->nodes[k]) : 0;
	*ret = q;
	return 0;
}

static void drop_graph(struct um_queue *q)
{
	struct graph *g = &q->graph;

	for (int i = 0; i < 2 + q->m->net->n_nodes; i++) {
		th->tensor_free(g->out[i]);
		g->out[i] = NULL;
	}
	th->tensor_free(g->in);
	th->graph_free(g->g);
	g->in = NULL;
	g->g = NULL;
}

void um_queue_free(struct um_queue *q)
{
	if (!q)
		return;
	for (int i = 0; i < LANES; i++)
		th->lane_free(q->lane[i].l);
	drop_graph(q);
	free(q->graph.out);
	free(q->out);
	free(q);
}

const char *um_queue_note(const struct um_queue *q)
{
	return q->note[0] ? q->note : NULL;
}

/* ---- a chunk on the device ---- */

static void shape_of(const struct um_queue *q, size_t n, size_t shape[4])
{
	const struct net_node *from = &q->m->net->nodes[q->o->from];

	shape[0] = n;
	shape[1] = (size_t)from->c;
	shape[2] = (size_t)from->h;
	shape[3] = (size_t)from->w;
}

/* Runs the network on x, which the caller keeps. */
static void step(struct um_queue *q, struct th_scope *s, const struct th_tensor *x, struct th_tensor **out)
{
	const struct net *net = q->m->net;
	struct um_torch *m = q->m;
	const int from = q->o->from;

	struct th_tensor *in = from > 0 ? th->cast(s, x, TH_F32) : th->channel_affine(s, x, m->affine[0], m->affine[1]);

	m->out[from] = m->bf16 ? th->cast(s, in, TH_BF16) : in;
	out[0] = um_torch_run(s, m, from, net->head, q->o->keep, false);
	out[1] = m->out[net->feature];
	for (int k = from; q->o->keep && k <= net->head; k++)
		out[2 + k] = q->o->keep[k] ? m->out[k] : NULL;
}

static void fetch(struct um_queue *q, struct th_scope *s, const struct lane *l, struct th_tensor *const *out)
{
	const struct net *net = q->m->net;
	size_t at = 0;

	th->lane_fetch(s, l->l, out[0], at, l->n * q->C);
	at += l->n * q->C;
	if (l->features)
		th->lane_fetch(s, l->l, out[1], at, l->n * q->D);
	at += l->n * q->D;
	for (int k = q->o->from; q->o->keep && k <= net->head; k++) {
		const size_t count = l->n * net_node_size(&net->nodes[k]);

		if (!q->o->keep[k])
			continue;
		th->lane_fetch(s, l->l, out[2 + k], at, count);
		at += count;
	}
}

static void not_recorded(struct um_queue *q)
{
	snprintf(q->note, sizeof q->note,
		 "no CUDA graph could be recorded, so each operation is launched by "
		 "itself: %s",
		 th->last_error());
	q->eager = true;
}

/* Records the graph of n images. -1: there is none. */
static int record(struct um_queue *q, size_t n)
{
	struct graph *g = &q->graph;
	const int outs = 2 + q->m->net->n_nodes;
	size_t shape[4];
	int rc = -1;

	shape_of(q, n, shape);
	g->in = th->tensor_new(q->floats ? TH_F32 : TH_U8, 4, shape, NULL);
	g->g = g->in ? th->graph_begin(NULL) : NULL;
	if (g->g) {
		struct th_scope *s = th->scope_begin(false);

		step(q, s, g->in, q->out);
		for (int i = 0; i < outs; i++)
			if (q->out[i])
				g->out[i] = th->tensor_keep(s, q->out[i]);
		rc = th->scope_end(s);
	}
	if (rc < 0)
		not_recorded(q);
	if (g->g && th->graph_end(g->g) < 0 && rc == 0) { /* recording must end in any case */
		not_recorded(q);
		rc = -1;
	}
	if (rc < 0)
		drop_graph(q);
	return rc;
}

/* Is there a graph for n images? Records it if it is time to. */
static bool recorded(struct um_queue *q, size_t n)
{
	struct graph *g = &q->graph;

	if (q->eager || n < g->n)
		return false;
	if (n > g->n) {
		drop_graph(q);
		g->n = n;
		g->seen = 0;
	}
	if (!g->g && g->seen++ < WARM)
		return false;
	return g->g || record(q, n) == 0;
}

/* Sends l's chunk, computes it, and has the results sent back. */
static int compute(struct um_queue *q, const struct lane *l)
{
	int rc = th->lane_send(l->l, l->n);
	const bool graph = rc == 0 && recorded(q, l->n);
	struct th_scope *s = th->scope_begin(false);
	const struct th_tensor *x = rc == 0 ? th->lane_tensor(s, l->l) : NULL;

	if (graph) {
		th->assign(s, q->graph.in, x);
		rc = th->graph_run(q->graph.g);
		fetch(q, s, l, q->graph.out);
	} else if (rc == 0) {
		step(q, s, x, q->out);
		fetch(q, s, l, q->out);
	}
	return th->scope_end(s) < 0 ? -1 : rc;
}

/* ---- the queue ---- */

/* Waits for the results of l's chunk and copies them to where they belong. */
static int collect(struct um_queue *q, struct lane *l)
{
	const struct net *net = q->m->net;
	const float *v = th->lane_output(l->l);

	if (th->lane_wait(l->l) < 0)
		return -1;
	memcpy(l->logits + l->at * q->C, v, l->n * q->C * sizeof *v);
	v += l->n * q->C;
	if (l->features)
		memcpy(l->features + l->at * q->D, v, l->n * q->D * sizeof *v);
	v += l->n * q->D;
	for (int k = q->o->from; q->o->keep && k <= net->head; k++) {
		const size_t size = net_node_size(&net->nodes[k]);

		if (!q->o->keep[k])
			continue;
		memcpy(l->maps[k] + l->at * size, v, l->n * size * sizeof *v);
		v += l->n * size;
	}
	l->n = 0;
	return 0;
}

/* Makes sure that an idle lane has room for n images. */
static int make_room(struct um_queue *q, struct lane *l, size_t n)
{
	size_t shape[4];

	if (l->room >= n)
		return 0;
	shape_of(q, n, shape);
	th->lane_free(l->l);
	l->room = 0;
	l->l = th->lane_new(q->floats ? TH_F32 : TH_U8, 4, shape, n * (q->C + q->D + q->kept));
	if (!l->l)
		return -1;
	l->room = n;
	return 0;
}

int um_queue_add(struct um_queue *q, const void *input, size_t n, float *logits, float *features, float *const *maps,
		 uint64_t *job, struct err *err)
{
	const size_t chunk = q->o->chunk, bytes = q->row * (q->floats ? sizeof(float) : 1);

	*job = ++q->jobs;
	for (size_t i = 0; i < n; i += chunk) {
		struct lane *l = &q->lane[q->next];

		if ((l->n && collect(q, l) < 0) || make_room(q, l, n < chunk ? n : chunk) < 0)
			return failed(q, err);
		l->n = n - i < chunk ? n - i : chunk;
		l->at = i;
		l->job = *job;
		l->logits = logits;
		l->features = features;
		l->maps = maps;
		memcpy(th->lane_input(l->l), (const char *)input + i * bytes, l->n * bytes);
		if (compute(q, l) < 0)
			return failed(q, err);
		q->next = (q->next + 1) % LANES;
	}
	return 0;
}

int um_queue_wait(struct um_queue *q, uint64_t job, struct err *err)
{
	for (int i = 0; i < LANES; i++) {
		struct lane *l = &q->lane[(q->next + i) % LANES];

		if (l->n && l->job <= job && collect(q, l) < 0)
			return failed(q, err);
	}
	return 0;
}
