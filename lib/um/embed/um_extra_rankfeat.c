/* SPDX-License-Identifier: MIT
 * RankFeat (Song, Sebe, Wang, NeurIPS 2022, eq. 1 and section 3.2): the logits when the first singular
 * part, s1 u1 v1', is taken from the last map of the feature list, and those when it is taken from the map before,
 * which then runs through the rest of the network; the mean of both. Maps are channels x pixels. */
#include <stdlib.h>
#include <string.h>

#include "num/num_dense.h"
#include "um/embed/um_extra_internal.h"

/* Power iteration goes on until the vector no longer moves: the paper's 20 rounds are its fast path, and here a round
 * is small beside the network. */
enum { ROUNDS = 1000 };
static const double still = 1e-10;

struct rankfeat {
	struct net_checkpoint c;   /* a copy of the model, to run from a map on */
	struct um_engine *rest[2]; /* the network behind the last map, and behind the one before; opened on first use */
};

static void release(void *state)
{
	struct rankfeat *r = state;

	um_engine_free(r->rest[0]);
	um_engine_free(r->rest[1]);
	net_checkpoint_release(&r->c);
	free(r);
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	const struct net *n = c->net;
	struct rankfeat *r;

	if (!o->rankfeat)
		return 0;
	*state = r = calloc(1, sizeof *r);
	if (!r)
		return err_memory(err);
	if (net_copy(&r->c, c, err) < 0)
		return -1;
	for (int k = n->n_stages > 1 ? n->n_stages - 2 : 0; k < n->n_stages; k++)
		keep[n->stages[k]] = true;
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const size_t C = (size_t)n->classes;

	(void)state;
	return um_pass_add(to, "rankfeat", 1, &C, err);
}

/* f (c,d) <- f - s1 u1 v1'. room: (n*n + 2 n), n the smaller of c and d. */
static void deflate(float *f, size_t c, size_t d, double *room)
{
	const bool by_row = c < d;
	const size_t n = by_row ? c : d, inner = by_row ? d : c;
	const size_t step = by_row ? d : 1, along = by_row ? 1 : d;
	double *G = room, *v = room + n * n;
	struct ts_rng rng = ts_rng_new(0, UM_RNG_RANKFEAT);

	num_smaller_gram(f, c, d, G);
	for (size_t i = 0; i < n; i++)
		v[i] = ts_rng_normal(&rng);
	num_first_eigenvector(G, n, ROUNDS, still, v, v + n);
	/* Each line along the other axis loses its part in direction v. A map of zeros stays as it is. */
	for (size_t k = 0; k < inner; k++) {
		double part = 0;
		for (size_t i = 0; i < n; i++)
			part += v[i] * (double)f[i * step + k * along];
		for (size_t i = 0; i < n; i++)
			f[i * step + k * along] = (float)((double)f[i * step + k * along] - part * v[i]);
	}
}

/* Logits (n,C) with the map that is `back` before the last of the feature list deflated. */
static int without(struct rankfeat *r, struct um_pass *p, int back, float *logits, struct err *err)
{
	const int at = p->net->stages[p->net->n_stages - 1 - back];
	const struct net_node *node = &p->net->nodes[at];
	const size_t count = net_node_size(node), c = (size_t)node->c, d = count / c, n = c < d ? c : d;
	struct um_engine_options o = *p->engine;
	float *f = malloc(p->n * count * sizeof *f);
	double *room = malloc((n * n + 2 * n) * sizeof *room);
	int rc = f && room ? 0 : err_memory(err);

	o.from = at;
	if (rc == 0 && !r->rest[back])
		rc = um_engine_new(&r->rest[back], &r->c, &o, err);
	if (rc == 0) {
		memcpy(f, p->map[at], p->n * count * sizeof *f);
		for (size_t i = 0; i < p->n; i++)
			deflate(f + i * count, c, d, room);
		rc = um_engine_run(r->rest[back], f, p->n, logits, NULL, NULL, err);
	}
	free(room);
	free(f);
	return rc;
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const size_t count = p->n * (size_t)p->net->classes;
	float *a = um_pass_column(p, 0), *b = calloc(count, sizeof *b);
	int rc = b ? without(state, p, 0, a, err) : err_memory(err);

	if (rc == 0 && p->net->n_stages > 1) {
		rc = without(state, p, 1, b, err);
		for (size_t i = 0; i < count; i++)
			a[i] = (a[i] + b[i]) / 2;
	}
	free(b);
	return rc;
}

const struct um_extra um_extra_rankfeat = { false, init, columns, run, release, NULL };
