/* SPDX-License-Identifier: MIT
 * Extras: the table of methods and the pass that they share. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/um_extra_internal.h"

static const struct um_extra *const methods[] = {
	&um_extra_odin, &um_extra_layers, &um_extra_perturb, &um_extra_against,
	&um_extra_gram, &um_extra_rankfeat,
};
enum { N_METHODS = sizeof methods / sizeof *methods };

struct um_extras {
	const struct net *net;
	void *state[N_METHODS];           /* NULL: not asked for */
	bool *keep;                       /* (n_nodes) */
	bool grad;
	double fgsm;
	struct th_tensor **map;           /* (n_nodes) */
};

/* ---- what methods use ---- */

int um_eps_list(const char *text, const char *what, double *v, char *err)
{
	char *end;
	int n = 0;

	for (const char *p = text;; p = end + 1) {
		char name[32], other[32];

		if (n == UM_MAX_EPS) {
			snprintf(err, UM_ERR, "%s: more than %d values", what, UM_MAX_EPS);
			return -1;
		}
		v[n] = strtod(p, &end);
		if (end == p || (*end && *end != ',') || !(v[n] >= 0 && v[n] <= 1)) {
			snprintf(err, UM_ERR, "%s: '%.100s' is not a list of numbers from 0 to 1", what, text);
			return -1;
		}
		snprintf(name, sizeof name, "%g", v[n]);
		for (int i = 0; i < n; i++) {
			snprintf(other, sizeof other, "%g", v[i]);
			if (strcmp(name, other) == 0) {
				snprintf(err, UM_ERR, "%s: %s is there twice", what, name);
				return -1;
			}
		}
		n++;
		if (!*end)
			return n;
	}
}

float *um_pass_column(const struct um_pass *p, const char *name)
{
	const struct ts_col *c = ts_batch_col(p->out, name);

	return (float *)((char *)c->data + p->at * c->row);
}

struct th_tensor *um_pass_rows(const struct um_pass *p, const float *v, size_t count)
{
	return th->from_host(p->s, TH_F32, 2, (const size_t[]){ p->n, count }, v);
}

struct th_tensor *um_pass_step(const struct um_pass *p, const struct th_tensor *g, double step)
{
	float by[4] = { 0 };

	for (int i = 0; i < p->m->net->c; i++)
		by[i] = (float)(step * 255 * (double)p->m->scale[i]);
	return th->sign_step(p->s, p->x, g, by);
}

struct th_tensor *um_pass_again(const struct um_pass *p, int from, struct th_tensor *x, int to)
{
	struct um_model *m = p->m;
	struct th_tensor *z;

	m->out[from] = x;
	z = um_run(p->s, m, from, to, NULL, false);
	if (m->net->feature > from && m->net->feature < to)
		th->release(p->s, m->out[m->net->feature]);
	return z;
}

size_t um_node_count(const struct net_node *node)
{
	return (size_t)node->c * (size_t)node->h * (size_t)node->w;
}

size_t um_argmax(const float *v, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
}

void um_softmax(const float *v, size_t n, double temperature, double *p)
{
	const double top = (double)v[um_argmax(v, n)];
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i] = exp(((double)v[i] - top) / temperature);
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
}

/* ---- set-up ---- */

int um_extras_new(struct um_extras **ret, const struct um_extra_options *o,
		  const struct net_checkpoint *c, char *err)
{
	struct um_extras *e;
	bool any = o->fgsm > 0;
	int rc = -1;

	*ret = NULL;
	if (c->net->n_stages == 0 && (o->layers || o->perturb || o->gram || o->rankfeat)) {
		snprintf(err, UM_ERR, "architecture %s has no feature list, so there is nothing for --layers, "
			 "--perturb, --gram and --rankfeat", c->net->spec);
		return -1;
	}
	snprintf(err, UM_ERR, "out of memory");
	e = calloc(1, sizeof *e);
	if (!e)
		return -1;
	e->net = c->net;
	e->fgsm = o->fgsm;
	e->grad = false;
	e->keep = calloc((size_t)c->net->n_nodes, sizeof *e->keep);
	e->map = calloc((size_t)c->net->n_nodes, sizeof *e->map);
	rc = e->keep && e->map ? 0 : -1;
	for (size_t i = 0; i < N_METHODS && rc == 0; i++) {
		rc = methods[i]->init(&e->state[i], o, c, e->keep, err);
		any = any || e->state[i];
		e->grad = e->grad || (e->state[i] && methods[i]->grad);
	}
	if (rc == 0 && any) {
		e->keep[0] = true;
		*ret = e;
	} else {
		um_extras_free(e);
	}
	return rc;
}

void um_extras_free(struct um_extras *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < N_METHODS; i++)
		if (e->state[i])
			methods[i]->free(e->state[i]);
	free(e->keep);
	free(e->map);
	free(e);
}

size_t um_extras_inputs(const struct um_extras *e, const struct ts_header **ret)
{
	size_t n = 0;

	for (size_t i = 0; e && i < N_METHODS; i++)
		if (e->state[i] && methods[i]->input)
			ret[n++] = methods[i]->input(e->state[i]);
	return n;
}

int um_extras_header(const struct um_extras *e, struct ts_header *to)
{
	if (e->fgsm > 0 && ts_meta_set_double(&to->meta, "fgsm.eps", e->fgsm) < 0)
		return -1;
	for (size_t i = 0; i < N_METHODS; i++)
		if (e->state[i] && methods[i]->columns(e->state[i], e->net, to) < 0)
			return -1;
	return 0;
}

/* ---- the pass ---- */

/* Runs the network over p->pixels. */
static void clean(const struct um_extras *e, struct um_pass *p, bool grad)
{
	struct um_model *m = p->m;

	p->x = th->channel_affine(p->s, p->pixels, m->scale, m->shift);
	if (grad)
		p->x = th->leaf(p->s, p->x);
	m->out[0] = p->x;
	p->z = um_run(p->s, m, 0, m->net->head, e->keep, false);
}

/* FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015, section 4): p->pixels become those after a step up the
 * loss of their labels, clamped to what pixels can be. */
static int attack(const struct um_extras *e, struct um_pass *p, uint64_t row, float *logits, char *err)
{
	static const float one[4] = { 1, 1, 1, 1 }, zero[4];
	const size_t C = (size_t)p->m->net->classes;
	const float step = (float)(255 * e->fgsm), by[4] = { step, step, step, step };
	const struct ts_col *label = ts_batch_col(p->out, "label");
	double *q = malloc(C * sizeof *q);
	struct th_tensor *g, *moved;

	if (!q) {
		snprintf(err, UM_ERR, "out of memory");
		return -1;
	}
	clean(e, p, true);
	th->to_host(p->s, p->z, logits, p->n * C);
	for (size_t i = 0; i < p->n; i++) {
		const int64_t y = label ? ((const int64_t *)label->data)[p->at + i] : -1;

		if (y < 0 || y >= (int64_t)C) {
			snprintf(err, UM_ERR, "row %" PRIu64 ": FGSM needs a label of the model's classes; "
				 "this one has none", row + p->at + i);
			free(q);
			return -1;
		}
		um_softmax(logits + i * C, C, 1, q);
		for (size_t c = 0; c < C; c++)
			logits[i * C + c] = (float)(q[c] - (c == (size_t)y));
	}
	free(q);
	g = th->vjp(p->s, p->z, um_pass_rows(p, logits, C), p->x, false);
	moved = th->channel_affine(p->s, p->pixels, one, zero);
	moved = th->clamp(p->s, th->sign_step(p->s, moved, g, by), 0, 255);
	/* The pass with gradients is over; what it holds can go. */
	th->release(p->s, p->z);
	th->release(p->s, p->m->out[p->m->net->feature]);
	for (int i = 0; i < p->m->net->n_nodes; i++)
		if (e->keep[i])
			th->release(p->s, p->m->out[i]);
	th->release(p->s, p->pixels);
	p->pixels = moved;
	return 0;
}

static int run_pass(struct um_extras *e, struct um_pass *p, const uint8_t *image, uint64_t row,
		    char *err)
{
	const struct net *net = e->net;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	const size_t shape[4] = { p->n, (size_t)net->c, (size_t)net->h, (size_t)net->w };
	float *logits = um_pass_column(p, "logits");
	int rc = 0;

	p->s = th->scope_begin(e->grad || e->fgsm > 0);
	p->map = e->map;
	p->logits = logits;
	p->pixels = th->from_host(p->s, TH_U8, 4, shape, image + p->at * um_node_count(&net->nodes[0]));
	if (e->fgsm > 0)
		rc = attack(e, p, row, logits, err);
	if (rc == 0) {
		clean(e, p, e->grad);
		memcpy(e->map, p->m->out, (size_t)net->n_nodes * sizeof *e->map);
		th->to_host(p->s, p->z, logits, p->n * C);
		th->to_host(p->s, e->map[net->feature], um_pass_column(p, "features"), p->n * D);
	}
	for (size_t i = 0; i < N_METHODS && rc == 0; i++)
		if (e->state[i])
			rc = methods[i]->run(e->state[i], p, err);
	if (th->scope_end(p->s) < 0 && rc == 0) {
		snprintf(err, UM_ERR, "%s", th->last_error());
		rc = -1;
	}
	return rc;
}

/* Holds that what was computed is finite. */
static int check(const struct ts_batch *in, const struct ts_batch *out, uint64_t row, char *err)
{
	for (size_t k = 0; k < out->n_cols; k++) {
		const struct ts_col *c = &out->cols[k];
		const float *v = c->data;

		if (c->type != TS_F32 || ts_batch_col(in, c->name))
			continue;
		for (size_t i = 0; i < out->n * (c->row / sizeof *v); i++)
			if (!isfinite(v[i])) {
				snprintf(err, UM_ERR, "the model's output '%.100s' is not finite for row %" PRIu64,
					 c->name, row + i / (c->row / sizeof *v));
				return -1;
			}
	}
	return 0;
}

int um_extras_embed(struct um_extras *e, struct um_model *m, const struct ts_batch *in, size_t chunk,
		    uint64_t row, struct ts_batch *out, char *err)
{
	const uint8_t *image = ts_batch_col(in, "image")->data;

	for (size_t i = 0; i < in->n; i += chunk) {
		struct um_pass p = { .m = m, .n = in->n - i < chunk ? in->n - i : chunk, .at = i,
				     .out = out };

		if (run_pass(e, &p, image, row, err) < 0)
			return -1;
	}
	return check(in, out, row, err);
}
