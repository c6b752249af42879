/* SPDX-License-Identifier: MIT
 * One step of training: forward, loss, backward, optimiser. */
#include <math.h>
#include <stdio.h>

#include "um/oe/um_oe_internal.h"

struct th_tensor *um_fold(struct th_scope *s, const struct th_tensor *ce, double level, double beta)
{
	return th->affine(s, th->abs(s, th->affine(s, ce, beta, -level)), 1, level);
}

/* Rows from..from+n of the batch's images through the network. */
static struct th_tensor *forward(struct th_scope *s, struct um_model *m, const struct um_batch *b, size_t from,
				 size_t n)
{
	const struct net *net = m->net;
	const size_t shape[4] = { n, (size_t)net->c, (size_t)net->h, (size_t)net->w };
	const uint8_t *image = b->image + from * shape[1] * shape[2] * shape[3];

	return um_forward(s, m, th->from_host(s, TH_U8, 4, shape, image), true, NULL);
}

struct th_tensor *um_step_forward(struct th_scope *s, struct um_model *m, const struct um_batch *b, bool separate,
				  struct th_tensor **out)
{
	const double momentum = m->bn_momentum;
	struct th_tensor *z;

	if (b->k == 0)
		return forward(s, m, b, 0, b->n);
	if (!separate) {
		z = forward(s, m, b, 0, b->n + b->k);
		*out = th->rows(s, z, b->n, b->k);
		return th->rows(s, z, 0, b->n);
	}
	z = forward(s, m, b, 0, b->n);
	m->bn_momentum = 0;
	*out = forward(s, m, b, b->n, b->k);
	m->bn_momentum = momentum;
	return z;
}

struct th_tensor *um_step_loss(struct th_scope *s, const struct th_tensor *z, const struct um_batch *b,
			       const struct um_train_options *o, struct th_tensor **ce)
{
	struct th_tensor *y = th->from_host(s, TH_I64, 1, &b->n, b->label);

	if (o->logit_norm > 0)
		z = th->affine(s, th->unit_rows(s, z, 1e-7), 1 / o->logit_norm, 0);
	*ce = th->cross_entropy(s, z, y, o->smoothing);
	return o->um ? um_fold(s, *ce, o->level, o->beta) : *ce;
}

int um_step_down(struct th_scope *s, struct um_model *m, const struct um_train_options *o, double lr,
		 const struct th_tensor *loss, struct err *err)
{
	float v = 0;

	th->to_host(s, loss, &v, 1);
	th->backward(s, loss);
	if (th->scope_end(s) < 0)
		return err_fail(err, "%s", th->last_error());
	if (!isfinite(v)) {
		err_fail(err,
			 "the loss is not finite any more: training diverged; try a smaller "
			 "--lr (it is %g)",
			 lr);
		return UM_DIVERGED;
	}
	return um_optim_step(m, o, lr, err);
}

int um_step(struct um_model *m, struct um_batch *b, const struct um_train_options *o, double lr, struct um_oe *oe,
	    struct err *err)
{
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *out = NULL, *ce = NULL, *term = NULL;
	struct th_tensor *z = um_step_forward(s, m, b, oe && oe->o->separate_bn, &out);
	struct th_tensor *down = um_step_loss(s, z, b, o, &ce);
	float v[3] = { 0 };
	int rc;

	th->to_host(s, z, b->logits, b->n * (size_t)m->net->classes);
	th->to_host(s, ce, v, 1);
	th->to_host(s, down, v + 1, 1);
	if (oe) {
		term = th->affine(s, oe->method->loss(oe, s, b, z, out), oe->weight, 0);
		th->to_host(s, term, v + 2, 1);
		down = th->add(s, down, term);
	}
	rc = um_step_down(s, m, o, lr, down, err);
	b->ce = (double)v[0];
	b->folded = (double)v[1];
	b->outlier = (double)v[2];
	b->passes = 1;
	return rc;
}
