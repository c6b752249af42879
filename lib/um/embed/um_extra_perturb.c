/* SPDX-License-Identifier: MIT
 * The input step of many-layer Mahalanobis scores (Lee et al., NeurIPS 2018, eq. 3): for each layer, x' =
 * x - eps sgn(d/dx of 1/2 (f - mu)' P (f - mu)), mu the layer's nearest class mean; the columns hold
 * that layer's channel means at x'. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_dense.h"
#include "ood/fit/ood_fit.h"
#include "um/embed/um_extra_internal.h"

struct perturb {
	struct ts_reader *r; /* kept open: its header is that of an input */
	struct ts_set fit;
	char made[NET_MAX_STAGES][17];      /* ood_layer_text() */
	const double *mean[NET_MAX_STAGES]; /* (C,d) */
	double *precision[NET_MAX_STAGES];  /* P (d,d), made symmetric */
	double *there[NET_MAX_STAGES];      /* P mu of each class (C,d) */
	double eps[UM_MAX_EPS];
	int n_eps;
};

static void release(void *state)
{
	struct perturb *q = state;

	for (int k = 0; k < NET_MAX_STAGES; k++)
		free(q->there[k]);
	ts_set_release(&q->fit);
	ts_reader_close(q->r);
	free(q);
}

/* Returns an array of the fit for one layer: "layerK.WHAT", rows x d numbers. */
static double *get(struct perturb *q, int layer, const char *what, size_t rows, size_t d)
{
	char name[48];
	struct err why;
	double *v;

	snprintf(name, sizeof name, "layer%d.%s", layer, what);
	v = ood_fit_tensor(&q->fit, name, rows, d, &why);
	if (!v)
		ts_reader_fail(q->r,
			       "%s, which --perturb needs; ood-fit makes it of features with --layers of this model",
			       why.text);
	return v;
}

/* The quadratic form depends only on the symmetric part. */
static void symmetrise(double *p, size_t d)
{
	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j < i; j++)
			p[i * d + j] = p[j * d + i] = (p[i * d + j] + p[j * d + i]) / 2;
}

/* Checks that the fit is of this model, as far as it says. */
static int check_model(struct perturb *q, const struct net_checkpoint *c)
{
	char id[17], *said = NULL;
	const int has = ts_meta_get_str(&ts_reader_header(q->r)->meta, "model", &said);
	int rc = 0;

	if (has < 0 || net_identity(c, id) < 0)
		rc = ts_reader_fail(q->r, "meta 'model' is not text, or memory ran out");
	else if (has && strcmp(said, id) != 0)
		rc = ts_reader_fail(q->r, "is of another model; --perturb needs what ood-fit makes of features with "
					  "--layers of this one");
	free(said);
	return rc;
}

static int read_fit(struct perturb *q, const struct net_checkpoint *model)
{
	const struct net *n = model->net;

	if (!ts_reader_expect(q->r, "fit") || check_model(q, model) < 0 || ts_reader_set(q->r, &q->fit) < 0)
		return -1;
	for (int k = 0; k < n->n_stages; k++) {
		const size_t C = (size_t)n->classes, d = (size_t)n->nodes[n->stages[k]].c;

		q->mean[k] = get(q, k, "mean", C, d);
		q->precision[k] = q->mean[k] ? get(q, k, "precision", d, d) : NULL;
		if (!q->precision[k])
			return -1;
		ood_layer_text(q->made[k], q->mean[k], C, q->precision[k], d);
		symmetrise(q->precision[k], d);
		q->there[k] = malloc(C * d * sizeof *q->there[k]);
		if (!q->there[k])
			return ts_reader_fail(q->r, "out of memory");
		for (size_t c = 0; c < C; c++)
			num_times(q->precision[k], d, d, q->mean[k] + c * d, q->there[k] + c * d);
	}
	return 0;
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	struct perturb *q;

	(void)keep;
	if (!o->perturb && o->perturb_eps) {
		err_fail(err, "--perturb-eps needs --perturb");
		return UM_BAD_OPTIONS;
	}
	if (!o->perturb)
		return 0;
	*state = q = calloc(1, sizeof *q);
	if (!q)
		return err_memory(err);
	q->n_eps = um_eps_list(o->perturb_eps ? o->perturb_eps : "0,0.01,0.005,0.002,0.0014,0.001,0.0005",
			       "--perturb-eps", q->eps, err);
	if (q->n_eps < 0)
		return UM_BAD_OPTIONS;
	q->r = ts_reader_open(o->perturb);
	if (!q->r)
		return err_memory(err);
	if (read_fit(q, c) < 0)
		return err_fail(err, "%s", ts_reader_error(q->r));
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct perturb *q = state;
	char name[64];

	for (int k = 0; k < n->n_stages; k++) {
		snprintf(name, sizeof name, "layer%d.fit", k);
		if (ts_meta_set_str(&to->meta, name, q->made[k]) < 0)
			return err_memory(err);
		for (int i = 0; i < q->n_eps; i++) {
			const size_t d = (size_t)n->nodes[n->stages[k]].c;

			snprintf(name, sizeof name, "layer%d:eps=%g", k, q->eps[i]);
			if (um_pass_add(to, name, 1, &d, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* v (d) <- P (f - mu), mu the class mean nearest to f. room: (2 d) */
static void toward(const struct perturb *q, int k, size_t C, size_t d, const float *f, float *v, double *room)
{
	double *g = room, *Pg = room + d, best = INFINITY;

	for (size_t i = 0; i < d; i++)
		g[i] = (double)f[i];
	num_times(q->precision[k], d, d, g, Pg);
	for (size_t c = 0; c < C; c++) {
		const double *mu = q->mean[k] + c * d, *Pmu = q->there[k] + c * d;
		double dist = 0;

		for (size_t i = 0; i < d; i++)
			dist += (g[i] - mu[i]) * (Pg[i] - Pmu[i]);
		if (dist < best) {
			best = dist;
			for (size_t i = 0; i < d; i++)
				v[i] = (float)(Pg[i] - Pmu[i]);
		}
	}
}

/* Scratch memory of a pass. */
struct room {
	float *f, *v; /* (n,d) means, and gradients with respect to them */
	float *g, *x; /* (n,c,h,w) gradients of pixels, and pixels after the step */
	double *two;  /* (2 d) */
};

/* All steps of one layer. */
static int run_layer(const struct perturb *q, const struct um_pass *p, int k, struct room *r, struct err *err)
{
	const struct net *net = p->net;
	const int node = net->stages[k];
	const size_t d = (size_t)net->nodes[node].c;
	int rc = um_exec_means(p->exec, p->pixels, p->n, node, true, r->f, err);

	for (size_t i = 0; i < p->n && rc == 0; i++)
		toward(q, k, (size_t)net->classes, d, r->f + i * d, r->v + i * d, r->two);
	if (rc == 0)
		rc = um_exec_means_backward(p->exec, r->v, r->g, err);
	for (int i = 0; i < q->n_eps && rc == 0; i++) {
		const double by = -q->eps[i], step[4] = { by, by, by, by };
		float *to = um_pass_column(p, (size_t)(k * q->n_eps + i));

		if (q->eps[i] > 0) {
			um_pass_step(p, r->g, step, r->x);
			rc = um_exec_means(p->exec, r->x, p->n, node, false, to, err);
		} else {
			memcpy(to, r->f, p->n * d * sizeof *to);
		}
	}
	return rc;
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct net *net = p->net;
	const size_t count = p->n * net_node_size(&net->nodes[0]);
	size_t most = 0;
	struct room r;
	int rc;

	for (int k = 0; k < net->n_stages; k++)
		if ((size_t)net->nodes[net->stages[k]].c > most)
			most = (size_t)net->nodes[net->stages[k]].c;
	r = (struct room){ malloc(p->n * most * sizeof *r.f), malloc(p->n * most * sizeof *r.v),
			   malloc(count * sizeof *r.g), malloc(count * sizeof *r.x), malloc(2 * most * sizeof *r.two) };
	rc = r.f && r.v && r.g && r.x && r.two ? 0 : err_memory(err);
	for (int k = 0; rc == 0 && k < net->n_stages; k++)
		rc = run_layer(state, p, k, &r, err);
	free(r.f);
	free(r.v);
	free(r.g);
	free(r.x);
	free(r.two);
	return rc;
}

static const struct ts_header *input(const void *state, size_t k)
{
	return k == 0 ? ts_reader_header(((const struct perturb *)state)->r) : NULL;
}

const struct um_extra um_extra_perturb = { true, init, columns, run, release, input };
