/* SPDX-License-Identifier: MIT
 * RankFeat (Song, Sebe, Wang, NeurIPS 2022, eq. 1 and section 3.2): the logits when the first singular
 * part, s1 u1 v1', is taken from the last map of the feature list, and those when it is taken from the
 * map before, which then runs through the rest of the network; their mean. Maps are channels x pixels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/um_extra_internal.h"

/* Power iteration goes on until the vector stands still: the paper's 20 rounds are its fast path, and
 * here a round is small beside the network. */
enum { ROUNDS = 1000 };
static const double still = 1e-10;

static int asked;                         /* has no state but that */

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c,
		bool *keep, char *err)
{
	const struct net *n = c->net;

	(void)err;
	if (!o->rankfeat)
		return 0;
	*state = &asked;
	for (int k = n->n_stages > 1 ? n->n_stages - 2 : 0; k < n->n_stages; k++)
		keep[n->stages[k]] = true;
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to)
{
	const size_t C = (size_t)n->classes;

	(void)state;
	return ts_header_add(to, "rankfeat", TS_F32, 1, &C);
}

/* Eigenvector v (n) of the symmetric G (n,n) with the largest eigenvalue. next: (n). */
static void first_vector(const double *G, size_t n, double *v, double *next)
{
	struct ts_rng rng = ts_rng_new(0, UM_RNG_RANKFEAT);

	for (size_t i = 0; i < n; i++)
		v[i] = ts_rng_normal(&rng);
	for (int round = 0; round < ROUNDS; round++) {
		double norm = 0, moved = 0;

		for (size_t i = 0; i < n; i++) {
			next[i] = 0;
			for (size_t j = 0; j < n; j++)
				next[i] += G[i * n + j] * v[j];
			norm += next[i] * next[i];
		}
		norm = sqrt(norm);
		for (size_t i = 0; i < n && norm > 0; i++) {
			moved += pow(next[i] / norm - v[i], 2);
			v[i] = next[i] / norm;
		}
		if (!(norm > 0) || sqrt(moved) < still)
			break;
	}
}

/* The smaller of F F' and F' F of f (c,d), into G. */
static void gram(const float *f, size_t c, size_t d, double *G)
{
	const bool by_row = c < d;
	const size_t n = by_row ? c : d, inner = by_row ? d : c;
	const size_t step = by_row ? d : 1, along = by_row ? 1 : d;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = 0;
			for (size_t k = 0; k < inner; k++)
				sum += (double)f[i * step + k * along] * (double)f[j * step + k * along];
			G[i * n + j] = G[j * n + i] = sum;
		}
}

/* f (c,d) <- f - s1 u1 v1'. room: (n*n + 2 n), n the smaller of c and d. */
static void deflate(float *f, size_t c, size_t d, double *room)
{
	const bool by_row = c < d;
	const size_t n = by_row ? c : d, inner = by_row ? d : c;
	const size_t step = by_row ? d : 1, along = by_row ? 1 : d;
	double *v = room + n * n;

	gram(f, c, d, room);
	first_vector(room, n, v, v + n);
	/* Along the other axis each line loses its part in direction v. A map of zeros stays. */
	for (size_t k = 0; k < inner; k++) {
		double part = 0;
		for (size_t i = 0; i < n; i++)
			part += v[i] * (double)f[i * step + k * along];
		for (size_t i = 0; i < n; i++)
			f[i * step + k * along] = (float)((double)f[i * step + k * along] - part * v[i]);
	}
}

/* Logits (n,C) with map k of the feature list deflated. -1: out of memory. */
static int without(struct um_pass *p, int k, float *logits)
{
	const struct net *net = p->m->net;
	const int at = net->stages[k];
	const struct net_node *node = &net->nodes[at];
	const size_t count = um_node_count(node), c = (size_t)node->c, d = count / c, n = c < d ? c : d;
	const size_t shape[4] = { p->n, c, (size_t)node->h, (size_t)node->w };
	float *f = calloc(p->n * count, sizeof *f);
	double *room = malloc((n * n + 2 * n) * sizeof *room);
	const bool fits = f && room;

	if (fits && th->to_host(p->s, p->map[at], f, p->n * count) == 0) {
		for (size_t i = 0; i < p->n; i++)
			deflate(f + i * count, c, d, room);
		th->to_host(p->s, um_pass_again(p, at, th->from_host(p->s, TH_F32, 4, shape, f), net->head),
			    logits, p->n * (size_t)net->classes);
	}
	free(room);
	free(f);
	return fits ? 0 : -1;
}

static int run(void *state, struct um_pass *p, char *err)
{
	const struct net *net = p->m->net;
	const size_t count = p->n * (size_t)net->classes;
	float *a = um_pass_column(p, "rankfeat"), *b = calloc(count, sizeof *b);
	int rc = -1;

	(void)state;
	snprintf(err, UM_ERR, "out of memory");
	if (b && without(p, net->n_stages - 1, a) == 0) {
		rc = 0;
		if (net->n_stages > 1)
			rc = without(p, net->n_stages - 2, b);
		for (size_t i = 0; net->n_stages > 1 && i < count; i++)
			a[i] = (a[i] + b[i]) / 2;
	}
	free(b);
	return rc;
}

static void nothing(void *state)
{
	(void)state;
}

const struct um_extra um_extra_rankfeat = { "rankfeat", false, init, columns, run, nothing, NULL };
