/* SPDX-License-Identifier: MIT
 * Mixture outlier exposure (Zhang et al. 2023): between an ID image and an outlier, the network's confidence should
 * fall in a straight line. */
#include <math.h>

#include "um/loss/um_loss.h"
#include "um/oe/um_oe_internal.h"

struct mix {
	double lambda; /* of this step */
};

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

/* The target lambda y + (1 - lambda) / C is a label smoothed by 1 - lambda. The ID images' labels repeat every b->n
 * rows. */
static double loss(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight, float *dz)
{
	const struct mix *mix = oe->state;
	double sum = 0;

	for (size_t from = 0, n; !in && from < b->k; from += n) {
		n = b->k - from < b->n ? b->k - from : b->n;
		const double share = (double)n / (double)b->k;

		sum += share * um_loss_cross_entropy(z + from * b->C, b->label, n, b->C, 1 - mix->lambda,
						     share * weight, dz ? dz + from * b->C : NULL);
	}
	return sum;
}

const struct um_oe_method um_oe_method_mix = {
	.weight = 5, .state_size = sizeof(struct mix), .images = images, .loss = loss
};
