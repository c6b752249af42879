/* SPDX-License-Identifier: MIT
 * One step of training: forward, loss, backward, optimiser. */
#include <math.h>
#include <string.h>

#include "um/loss/um_loss.h"
#include "um/oe/um_oe_internal.h"
#include "um/train/um_ranks.h"

/* One pass over the batch's ID images, its outliers, or both; *loss: the sum of its parts. */
static int pass(struct um_model *m, struct um_batch *b, bool in, bool out, bool add, um_part *part, void *data,
		double lr, struct err *err)
{
	const size_t row = net_node_size(&m->net->nodes[0]), first = in ? 0 : b->n;
	const size_t n = (in ? b->n : 0) + (out ? b->k : 0), outliers = b->n * b->C;
	float *z = b->logits + first * b->C, *dz = b->dlogits + first * b->C;
	const enum um_pass_mode mode = in ? UM_TRAINING : UM_TRAINING_STILL;
	double loss = 0;
	int rc = m->ranks ? um_ranks_forward(m, b, in, out, mode, err) :
			    um_model_forward(m, b->image + first * row, n, mode, true, z, NULL, err);

	if (rc < 0)
		return UM_FAILED;
	memset(dz, 0, n * b->C * sizeof *dz);
	if (in)
		loss += part(data, b, true, b->logits, b->dlogits);
	if (out)
		loss += part(data, b, false, b->logits + outliers, b->dlogits + outliers);
	if (!isfinite(loss)) {
		err_fail(err, "the loss is no longer finite: training diverged; try a smaller --lr (it is %g)", lr);
		return UM_DIVERGED;
	}
	rc = m->ranks ? um_ranks_backward(m, b, in, out, add, err) : um_model_backward(m, dz, add, err);
	return rc < 0 ? UM_FAILED : 0;
}

int um_step_gradients(struct um_model *m, struct um_batch *b, bool separate, um_part *part, void *data, double lr,
		      struct err *err)
{
	const bool both = !separate && b->k > 0;
	int rc = pass(m, b, true, both, false, part, data, lr, err);

	if (rc == 0 && b->k > 0 && !both)
		rc = pass(m, b, false, true, true, part, data, lr, err);
	if (rc == 0 && m->ranks && um_ranks_gradients(m, err) < 0)
		rc = UM_FAILED;
	return rc;
}

/* Cross-entropy of the ID images, with logits as they are or as in LogitNorm. */
static double id_loss(const struct um_train_options *o, const struct um_batch *b, const float *z, double smoothing,
		      double weight, float *dz)
{
	if (o->logit_norm > 0)
		return um_loss_logit_norm(z, b->label, b->n, b->C, smoothing, o->logit_norm, weight, dz);
	return um_loss_cross_entropy(z, b->label, b->n, b->C, smoothing, weight, dz);
}

double um_step_id(const struct um_train_options *o, struct um_batch *b, const float *z, float *dz)
{
	double slope = 1, ce;

	b->ce = id_loss(o, b, z, 0, 1, NULL);
	ce = o->smoothing > 0 ? id_loss(o, b, z, o->smoothing, 1, NULL) : b->ce;
	b->folded = o->um ? um_loss_fold(ce, o->level, o->beta, &slope) : ce;
	(void)id_loss(o, b, z, o->smoothing, slope, dz);
	return b->folded;
}

/* The loss of an ordinary step. */
struct ordinary {
	const struct um_train_options *o;
	struct um_oe *oe; /* NULL: no outliers */
};

static double ordinary_part(void *data, struct um_batch *b, bool in, const float *z, float *dz)
{
	const struct ordinary *s = data;
	double loss = in ? um_step_id(s->o, b, z, dz) : 0, term;

	if (!s->oe)
		return loss;
	term = s->oe->weight * s->oe->method->loss(s->oe, b, in, z, s->oe->weight, dz);
	b->outlier += term;
	return loss + term;
}

int um_step(struct um_model *m, struct um_batch *b, const struct um_train_options *o, double lr, struct um_oe *oe,
	    struct err *err)
{
	struct ordinary s = { o, oe };
	int rc;

	b->outlier = 0;
	b->passes = 1;
	rc = um_step_gradients(m, b, oe && oe->o->separate_bn, ordinary_part, &s, lr, err);
	if (rc == 0)
		rc = um_optim_step(m, o, lr, err);
	return rc;
}
