/* SPDX-License-Identifier: MIT
 *
 * um_oe: outlier exposure. Each step takes outliers beside its ID images, and adds to the ID loss a method's term,
 * computed from the network's outputs for them:
 *
 *	L = fold(CE of the ID images) + weight * term
 *
 * Unleashing Mask folds only the cross-entropy of the ID images. Both go through the network in one pass with common
 * batch statistics, unless separate_bn. z are logits, C classes, LSE(z) = log sum_c exp z_c, E(z) = -LSE(z), "in" and
 * "out" the ID images and the outliers of a step:
 *
 * oe      mean_out(LSE(z) - mean_c z_c): the cross-entropy to the uniform distribution, at least log C.
 *         Hendrycks, Mazeika, Dietterich, "Deep anomaly detection with outlier exposure", ICLR 2019,
 *         section 4.3. weight 0.5.
 * energy  mean_in max(0, E - m_in)^2 + mean_out max(0, m_out - E)^2; Liu, Wang, Owens, Li,
 *         "Energy-based out-of-distribution detection", NeurIPS 2020, eq. 8 and 9. m_in -25, m_out -7,
 *         weight 0.1 as published with Unleashing Mask.
 * poem    energy's term, on outliers near the boundary of a Bayesian linear regression (num_blr.h);
 *         Ming, Fan, Li, "POEM: Out-of-distribution detection with posterior sampling", ICML 2022,
 *         algorithm 1. Before an epoch, of `pool` outliers those with the smallest |beta . h| are taken
 *         (h: pooled features in evaluation mode); after it, beta is drawn anew from the posterior
 *         given the features of the ID images (target -confidence) and of the outliers of the last
 *         `slots` epochs (+confidence), each outlier as it was cropped then, the ID images once for
 *         each of these epochs so that both weigh the same. It keeps row numbers of outliers, not images: 8 bytes per
 *         outlier and slot, 24 per candidate, and two D x D matrices of doubles. poem_published: the posterior's
 *         covariance is multiplied by sigma, and the targets share one random shift of variance `noise`, as in the
 *         published program.
 * doe     oe's term at weights perturbed to the worst case; Wang, Ye, Liu, Dai, Zhang, Liu, Han, "Out-of-distribution
 *         detection with implicit outlier transformation", ICLR 2023, algorithm 1 and eq. 8 to 12. The first `warmup`
 *         epochs are as in oe, with the gradient clipped to norm 1. Then, each step: gamma is drawn from
 *         {0.1, 0.01, 0.001, 0.0001}; a copy of the network, the proxy, takes one step up on
 *         r = (d/ds mean_out(mean_c(s z) - LSE(s z)) at s = 1)^2; for each weight W of more than one dimension
 *         d = |W| (W_proxy - W) / (|W_proxy - W| + 1e-20), D <- 0.6 D + 0.4 d (the first time D <- d);
 *         at W + gamma D a step on weight * term; back at W - gamma D a step on the ID loss; both
 *         clipped to norm 1. weight 1. doe_published: the proxy goes down on r, with the optimiser,
 *         momentum and weight decay of the network, at rate 1 and unclipped, its state carried along.
 * mixoe   mean over pairs of the cross-entropy of x = lambda x_in + (1 - lambda) x_out to the target
 *         lambda y_in + (1 - lambda) / C, lambda ~ Beta(alpha, alpha) once a step; Zhang, Inkawhich,
 *         Linderman, Chen, Li, "Mixture outlier exposure", WACV 2023, eq. 3 to 5, linear mixing.
 *         weight 5, alpha 1. The mixed pixels are rounded to whole numbers.
 *
 * An epoch takes round(ratio * images) outliers of each step's images, at least one, no outlier twice,
 * chosen and ordered by (seed, epoch) and cropped as the ID images are; with `fixed` the choice and the crops are
 * always those of the first epoch. What is drawn depends on (seed, epoch, row) alone, so there is no generator to save.
 */
#ifndef UM_OE_H
#define UM_OE_H

#include "err/err.h"
#include "um/um.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The methods, one row for each: its part of enum um_oe_kind; um_oe_FILE.c, which defines um_oe_method_FILE; its name
 * on the command line. A new method is a file and a row. */
#define UM_OE_METHODS(row) \
	row(UNIFORM, uniform, "oe") row(ENERGY, energy, "energy") row(POEM, poem, "poem") row(DOE, doe, "doe") \
		row(MIX, mix, "mixoe")
#define UM_OE_KIND(kind, file, name) , UM_OE_##kind
enum um_oe_kind { UM_OE_NONE UM_OE_METHODS(UM_OE_KIND) };
#undef UM_OE_KIND
/* Their names as "none|a|b|c", for the command line, in this order; and the name of a single method. */
extern const char um_oe_names[];
const char *um_oe_name(long method);

struct um_oe_options {
	long method;                     /* enum um_oe_kind, not UM_OE_NONE */
	double weight;                   /* NAN: the method's own */
	double ratio;                    /* outliers per ID image */
	bool fixed, separate_bn, crop;   /* crop: outliers may be larger */
	double m_in, m_out;              /* energy, poem */
	long pool, slots;                /* poem; pool 0: eight times as many as an epoch takes */
	double sigma, noise, confidence; /* prior variance, noise variance (both > 0), target */
	bool poem_published;
	long doe_warmup;
	bool doe_published;
	double alpha; /* mixoe */
};

/* Returns how many outliers go with n images of a step. */
size_t um_oe_outliers(const struct um_oe_options *o, size_t n);

/* The outliers of a run, and the state of their method. */
struct um_oe;

/* Borrows all: d are the ID images, aux the outliers (labels are not
 * looked at). Fails if aux is too small for an epoch. */
int um_oe_new(struct um_oe **ret, struct um_model *m, const struct um_data *d, const struct um_data *aux,
	      const struct um_oe_options *o, const struct um_train_options *train, struct err *err) TS_CHECKED;
void um_oe_free(struct um_oe *oe);
/* The number of outliers that an epoch takes, and the factor of the term. */
size_t um_oe_per_epoch(const struct um_oe *oe);
double um_oe_weight(const struct um_oe *oe);
/* Saves the method's state in c->extra and meta as "train/oe/...", and loads it from there. Loading fails if something
 * is missing. */
int um_oe_save(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c,
	       struct err *err) TS_CHECKED;
int um_oe_load(struct um_oe *oe, struct um_progress *p, const struct net_checkpoint *c, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
