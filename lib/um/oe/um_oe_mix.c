/* SPDX-License-Identifier: MIT
 * Mixture outlier exposure (Zhang et al. 2023): between an ID image and an outlier, the network's
 * confidence is to fall in a straight line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "um/oe/um_oe_internal.h"

struct mix {
	double lambda; /* of this step */
	size_t classes;
};

static int start(struct um_oe *oe, const struct net_checkpoint *c, struct um_model *m, struct err *err)
{
	(void)c;
	(void)err;
	((struct mix *)oe->state)->classes = (size_t)m->net->classes;
	return 0;
}

/* Beta(a, a) by Joehnk's method (Metrika 8, 1964). */
static double draw_beta(struct ts_rng *r, double a)
{
	for (;;) {
		const double x = pow(ts_rng_double(r), 1 / a), y = pow(ts_rng_double(r), 1 / a);

		if (x + y <= 1 && x + y > 0)
			return x / (x + y);
	}
}

/* Outlier j is mixed with ID image j modulo n. */
static void images(struct um_oe *oe, const struct um_progress *p, struct um_batch *b)
{
	const struct um_data *d = oe->data;
	const size_t row = (size_t)d->c * (size_t)d->h * (size_t)d->w;
	struct ts_rng rng = um_oe_rng(oe, p->epoch, p->row, UM_RNG_MIX);
	struct mix *mix = oe->state;

	mix->lambda = draw_beta(&rng, oe->o->alpha);
	for (size_t j = 0; j < b->k; j++) {
		const uint8_t *in = b->image + j % b->n * row;
		uint8_t *out = b->image + (b->n + j) * row;

		for (size_t i = 0; i < row; i++)
			out[i] = (uint8_t)(mix->lambda * in[i] + (1 - mix->lambda) * out[i] + 0.5);
	}
}

/* The cross-entropy to targets t that sum to 1 is LSE(z) - sum_c t_c z_c. */
static struct th_tensor *loss(struct um_oe *oe, struct th_scope *s, const struct um_batch *b, const struct th_tensor *z,
			      const struct th_tensor *out)
{
	const struct mix *mix = oe->state;
	const size_t C = mix->classes, shape[2] = { b->k, C };
	float *target = malloc(b->k * C * sizeof *target);
	struct th_tensor *t = NULL;

	(void)z;
	for (size_t i = 0; target && i < b->k * C; i++)
		target[i] = (float)((i % C == (size_t)b->label[i / C % b->n] ? mix->lambda : 0) +
				    (1 - mix->lambda) / (double)C);
	if (target)
		t = th->from_host(s, TH_F32, 2, shape, target);
	free(target); /* t NULL: the operations below fail, and say so */
	return th->add(s, th->mean(s, th->log_sum_exp(s, out)),
		       th->affine(s, th->mean(s, th->mul(s, out, t)), -(double)C, 0));
}

const struct um_oe_method um_oe_method_mix = {
	.weight = 5, .state_size = sizeof(struct mix), .start = start, .images = images, .loss = loss
};
