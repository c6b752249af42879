/* SPDX-License-Identifier: MIT
 * The pass with gradients, through libtorch, and what methods with gradients use. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "um/embed/um_extra_internal.h"

struct th_tensor *um_pass_rows(const struct um_pass *p, const float *v, size_t count)
{
	return th->from_host(p->s, TH_F32, 2, (const size_t[]){ p->n, count }, v);
}

struct th_tensor *um_pass_step(const struct um_pass *p, const struct th_tensor *g, double step)
{
	float by[4] = { 0 };

	for (int i = 0; i < p->net->c; i++)
		by[i] = (float)(step * 255 * (double)p->m->scale[i]);
	return th->sign_step(p->s, p->x, g, by);
}

struct th_tensor *um_pass_again(const struct um_pass *p, struct th_tensor *x, int to)
{
	struct um_torch *m = p->m;
	struct th_tensor *z;

	m->out[0] = x;
	z = um_torch_run(p->s, m, 0, to, NULL, false);
	if (p->net->feature < to)
		th->release(p->s, m->out[p->net->feature]);
	return z;
}

/* Runs the network over p->pixels; keep: whose outputs stay. */
static void clean(struct um_pass *p, const bool *keep)
{
	struct um_torch *m = p->m;

	p->x = th->leaf(p->s, th->channel_affine(p->s, p->pixels, m->affine[0], m->affine[1]));
	m->out[0] = p->x;
	p->z = um_torch_run(p->s, m, 0, p->net->head, keep, false);
}

/* FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015, section 4): p->pixels become those after a step up the
 * loss of their labels, clamped to what pixels can be. */
static int attack(struct um_pass *p, const struct um_gradients *a, struct err *err)
{
	float *logits = p->logits;
	const size_t C = (size_t)p->net->classes;
	const float step = (float)(255 * a->attack), by[4] = { step, step, step, step };
	double *q = malloc(C * sizeof *q);
	bool *keep = calloc((size_t)p->net->n_nodes, sizeof *keep);
	struct th_tensor *g, *moved;

	if (!q || !keep) {
		err_memory(err);
		free(q);
		free(keep);
		return -1;
	}
	keep[0] = true;
	clean(p, keep);
	free(keep);
	th->to_host(p->s, p->z, logits, p->n * C);
	for (size_t i = 0; i < p->n; i++) {
		const int64_t y = p->label ? p->label[i] : -1;

		if (y < 0 || y >= (int64_t)C) {
			err_fail(err,
				 "row %" PRIu64 ": FGSM needs a label of the model's classes; "
				 "this one has none",
				 a->row + i);
			free(q);
			return -1;
		}
		num_softmax(logits + i * C, C, 1, q);
		for (size_t c = 0; c < C; c++)
			logits[i * C + c] = (float)(q[c] - (c == (size_t)y));
	}
	free(q);
	g = th->vjp(p->s, p->z, um_pass_rows(p, logits, C), p->x, false);
	moved = th->cast(p->s, p->pixels, TH_F32);
	moved = th->clamp(p->s, th->sign_step(p->s, moved, g, by), 0, 255);
	/* This pass is over; what it holds can go. */
	th->release(p->s, p->z);
	th->release(p->s, p->m->out[p->net->feature]);
	th->release(p->s, p->x);
	th->release(p->s, p->pixels);
	p->pixels = moved;
	p->image = a->attacked;
	th->to_host(p->s, moved, a->attacked, p->n * net_node_size(&p->net->nodes[0]));
	return 0;
}

/* What was kept: tensors for methods with gradients, numbers for the others. */
static void hand_out(struct um_pass *p, const struct um_gradients *g)
{
	const struct net *net = p->net;

	for (int i = 0; i < net->n_nodes; i++) {
		g->tensor[i] = g->keep_tensor[i] ? p->m->out[i] : NULL;
		if (g->keep_map[i])
			th->to_host(p->s, p->m->out[i], p->map[i], p->n * net_node_size(&net->nodes[i]));
	}
}

int um_pass_gradients(struct um_pass *p, const struct um_gradients *g,
		      int (*run)(void *data, struct um_pass *p, struct err *err), void *data, struct err *err)
{
	const struct net *net = p->net;
	const size_t D = (size_t)net->nodes[net->feature].c;
	const size_t shape[4] = { p->n, (size_t)net->c, (size_t)net->h, (size_t)net->w };
	bool *keep = calloc((size_t)net->n_nodes, sizeof *keep);
	int rc = keep ? 0 : err_memory(err);

	p->s = th->scope_begin(true);
	p->tensor = g->tensor;
	p->pixels = th->from_host(p->s, TH_U8, 4, shape, p->image);
	if (rc == 0 && g->attack > 0)
		rc = attack(p, g, err);
	if (rc == 0) {
		for (int i = 0; i < net->n_nodes; i++)
			keep[i] = i == 0 || g->keep_tensor[i] || g->keep_map[i];
		clean(p, keep);
		th->to_host(p->s, p->z, p->logits, p->n * (size_t)net->classes);
		th->to_host(p->s, p->m->out[net->feature], p->features, p->n * D);
		hand_out(p, g);
		rc = run(data, p, err);
	}
	free(keep);
	if (th->scope_end(p->s) < 0 && rc == 0) {
		err_fail(err, "%s", th->last_error());
		rc = -1;
	}
	return rc;
}
