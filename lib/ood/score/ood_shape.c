/* SPDX-License-Identifier: MIT
 * Scores of the energy after the features, or the last layer's weights, are reshaped; and GradNorm. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "num/num_sort.h"
#include "ood/score/ood_method.h"
#include "ood/score/ood_reshape.h"

static int head_prepare(struct ood_scorer *s, struct err *err)
{
	return ood_need_head(s, err);
}

static int features_prepare(struct ood_scorer *s, struct err *err)
{
	return ood_need_features(s, err);
}

/* ---- limits from percentiles of in-distribution features --------------------------------------- */

struct limits {
	double low, high;
	double *each;   /* (2,D): limits per feature, lower ones first; NULL: those above, for all */
	double changed; /* share of the fit's rows whose predicted class the limits change */
};

/* A share of 0.03 means that the limits cut into what the model relies on: the authors of ReAct lose 0.01 of its
 * accuracy. On the pooled features of a DenseNet-100 trained on CIFAR-10, percentile 90 changes 0.07, and is the worst
 * of all scores there; 95 changes 0.003. */
static void limits_after(const struct ood_scorer *s, char note[OOD_NOTE])
{
	const struct limits *t = s->state;

	if (t->changed > 0.03)
		snprintf(note, OOD_NOTE,
			 "its limits change the predicted class of %.0f %% of the fit's rows: they do not suit this "
			 "network; try other percentiles, or react:threshold=1",
			 100 * t->changed);
}

/* Takes up to 1024 rows of the bank, shapes them, and counts those that the last layer then assigns to another class.
 * */
static int count_changed(struct ood_scorer *s, ood_reshape_fn *fn, struct err *err)
{
	const struct ood_fit *f = ood_validation(s);
	const size_t C = s->basis->classes, D = s->basis->dim;
	struct limits *t = s->state;
	size_t n = f && f->logits ? (f->bank.n < 1024 ? f->bank.n : 1024) : 0;
	double *z = malloc(D * sizeof *z), *l = malloc(C * sizeof *l);
	float *row = malloc(2 * D * sizeof *row);
	int rc = z && l && row ? 0 : err_memory(err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t k = 0;
		fn(s, ood_bank_rows(f, i, 1, row), D, z, row + D);
		ood_reshape_logits(s->basis, z, 1, s->basis->weight, l);
		for (size_t c = 1; c < C; c++)
			k = l[c] > l[k] ? c : k;
		t->changed += (k != num_argmax(f->bank.logits + i * C, C)) / (double)n;
	}
	free(z);
	free(l);
	free(row);
	return rc;
}

static int limits_prepare(struct ood_scorer *s, double high, double low, bool band, struct err *err)
{
	const struct ood_fit *f = ood_validation(s);
	struct limits *t = s->state;

	if (!f || f->bank.n == 0)
		return err_fail(err, "needs a fit with a bank: --val FILE or --fit FILE, from ood-fit");
	if (ood_bank_percentile(f, high, &t->high, err) < 0 || ood_bank_percentile(f, low, &t->low, err) < 0)
		return -1;
	if (band && !(t->high > t->low))
		return err_fail(err, "percentiles %g and %g of the features are equal, %g", low, high, t->low);
	return 0;
}

/* ReAct (Sun, Guo, Li, NeurIPS 2021): features are clipped from above, at a percentile or, as in the authors' program,
 * at a given value. */
static void react(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	double high = ((const struct limits *)s->state)->high;
	(void)room;
	for (size_t i = 0; i < d; i++)
		out[i] = fmin(z[i], high);
}

static int react_prepare(struct ood_scorer *s, struct err *err)
{
	struct limits *t = s->state = ood_keep(s, 1, sizeof *t, err);

	if (!t || ood_need_head(s, err) < 0)
		return -1;
	t->high = s->request.params[1];
	if (t->high == 0 && limits_prepare(s, s->request.params[0], 0, false, err) < 0)
		return -1;
	snprintf(s->note, sizeof s->note, "features are cut off at %.6g", t->high);
	return count_changed(s, react, err);
}

static int react_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, react);
}

/* VRA (Xu et al., "VRA: variational rectified activation for out-of-distribution detection", NeurIPS
 * 2023): features below the lower limit become zero; OpenOOD lifts them to it. The limits are those of all features
 * together, as in the authors' program and in OpenOOD, or separate for each, as in pytorch-ood. */
static void vra(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	const struct limits *t = s->state;
	const bool clip = s->request.params[2] != 0;
	(void)room;
	for (size_t i = 0; i < d; i++) {
		double low = t->each ? t->each[i] : t->low, high = t->each ? t->each[d + i] : t->high;
		out[i] = z[i] >= low ? fmin(z[i], high) : clip ? low : 0;
	}
}

static int limits_of_each(struct ood_scorer *s, double high, double low, struct err *err)
{
	const size_t D = s->basis->dim;
	struct limits *t = s->state;
	double *each = ood_keep(s, 2 * D, sizeof *each, err);

	if (!each || ood_bank_percentile_each(ood_validation(s), low, each, err) < 0 ||
	    ood_bank_percentile_each(ood_validation(s), high, each + D, err) < 0)
		return -1;
	t->each = each;
	return 0;
}

static int vra_prepare(struct ood_scorer *s, struct err *err)
{
	const double high = s->request.params[0], low = s->request.params[1];
	struct limits *t = s->state = ood_keep(s, 1, sizeof *t, err);

	if (!t || ood_need_head(s, err) < 0 || limits_prepare(s, high, low, true, err) < 0)
		return -1;
	if (s->request.params[3] != 0 && limits_of_each(s, high, low, err) < 0)
		return -1;
	if (t->each)
		snprintf(s->note, sizeof s->note, "limits of each feature");
	else
		snprintf(s->note, sizeof s->note, "limits %.6g and %.6g", t->low, t->high);
	return count_changed(s, vra, err);
}

static int vra_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, vra);
}

/* ---- ASH, SCALE -------------------------------------------------------------------------------- */

/* Extremely simple activation shaping (Djurisic et al., "Extremely simple activation shaping for
 * out-of-distribution detection", ICLR 2023) of the pooled features. */

/* ASH-P only prunes. */
static void ash_p(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	ood_prune_to(ood_prune(z, d, s->request.params[0], room), z, d, 1, 0, out);
}

/* ASH-B sets all kept features to one value that preserves the sum. */
static void ash_b(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	struct ood_kept r = ood_prune(z, d, s->request.params[0], room);
	ood_prune_to(r, z, d, 0, r.k ? r.all / (double)r.k : 0, out);
}

/* ASH-S scales kept features by exp(sum before / sum after). */
static void ash_s(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	struct ood_kept r = ood_prune(z, d, s->request.params[0], room);
	ood_prune_to(r, z, d, ood_kept_scale(r), 0, out);
}

/* SCALE (Xu et al., "Scaling for training time and post-hoc out-of-distribution detection
 * enhancement", ICLR 2024): ASH-S without pruning. */
static void scale(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	double r = ood_kept_scale(ood_prune(z, d, s->request.params[0], room));
	for (size_t i = 0; i < d; i++)
		out[i] = z[i] * r;
}

static int ash_p_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, ash_p);
}

static int ash_b_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, ash_b);
}

static int ash_s_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, ash_s);
}

static int scale_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, scale);
}

/* LTS (Djurisic, Liu, Nikolic, "Logit scaling for out-of-distribution detection", 2024): the energy of all logits times
 * (sum of the positive features / sum of the k largest of them)^2, k at least 1. The bias is scaled too. */
static int lts_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, D = s->basis->dim;
	float *z = malloc(2 * D * sizeof *z);
	double *l = malloc(C * sizeof *l);
	int rc = z && l ? 0 : -1;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		for (size_t d = 0; d < D; d++)
			z[d] = fmaxf(rows->features[i * D + d], 0);
		struct ood_kept r = ood_prune(z, D, s->request.params[0], z + D);
		if (r.k == 0)
			r.sum = z[num_argmax(z, D)];
		double by = r.sum > 0 ? r.all / r.sum : 1;
		for (size_t c = 0; c < C; c++)
			l[c] = by * by * rows->logits[i * C + c];
		out[i] = num_lse_double(l, C);
	}
	free(z);
	free(l);
	return rc;
}

/* ---- DICE -------------------------------------------------------------------------------------- */

static int ascending_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* DICE (Sun and Li, ECCV 2022): keeps only those weights of the last layer whose mean contribution w_cd mean(z_d) over
 * training data is above the given percentile. */
static int dice_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_basis *from = s->basis;
	size_t n = from->classes * from->dim;

	if (ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	double *weight = s->state = ood_keep(s, n, sizeof *weight, err); /* (C,D) */
	if (!weight)
		return -1;
	double *part = malloc(n * sizeof *part); /* contributions, sorted */
	if (!part)
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		weight[i] = part[i] = from->weight[i] * from->fit->features.centre[i % from->dim];
	qsort(part, n, sizeof *part, ascending_double);
	double at = s->request.params[0] / 100 * (double)(n - 1);
	size_t below = (size_t)at, next = below + 1 < n ? below + 1 : below;
	double least = part[below] + (at - (double)below) * (part[next] - part[below]);
	for (size_t i = 0; i < n; i++)
		weight[i] = weight[i] > least ? from->weight[i] : 0;
	free(part);
	return 0;
}

static int dice_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t n = rows->n * s->basis->dim;
	double *z = malloc(n * sizeof *z);
	int rc = -1;

	if (z) {
		for (size_t i = 0; i < n; i++)
			z[i] = rows->features[i];
		rc = ood_reshape_score(s, z, rows->n, s->state, out);
	}
	free(z);
	return rc;
}

/* ---- GradNorm ---------------------------------------------------------------------------------- */

/* GradNorm (Huang, Geng, Li, NeurIPS 2021): the L1 norm of the gradient, with respect to the last layer's weights, of
 * the cross-entropy between the uniform distribution and the softmax. The gradient is the outer product
 * of C p - 1 and z, so its norm is ||z||_1 sum_c |C p_c - 1|. */
static int gradnorm_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t C = s->basis->classes, D = s->basis->dim;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C, *z = rows->features + i * D;
		double norm = 0, sum = 0, lse = num_lse(l, C);
		for (size_t d = 0; d < D; d++)
			norm += fabs((double)z[d]);
		for (size_t c = 0; c < C; c++)
			sum += fabs((double)C * exp(l[c] - lse) - 1);
		out[i] = norm * sum;
	}
	return 0;
}

#define PRUNED(value) \
	{ \
		{ \
			"percentile", value, 0, 100, "share of the features to prune, percent" \
		} \
	}

const struct ood_method ood_shape_family[] = {
	{ .name = "gradnorm",
	  .help = "L1 norm of the last layer's gradient towards uniform",
	  .prepare = features_prepare,
	  .score = gradnorm_score },
	{ .name = "react",
	  .help = "energy of features clipped from above",
	  .needs = "--val or --fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "percentile", 90, 0, 100, "percentile of in-distribution features to clip at" },
		      { "threshold", 0, 0, 1e30, "clip at this value instead; 0: at the percentile" } },
	  .later = 1 << 1,
	  .reshapes = true,
	  .prepare = react_prepare,
	  .score = react_score,
	  .after = limits_after },
	{ .name = "ash-p",
	  .help = "energy of pruned features",
	  .params = PRUNED(90),
	  .reshapes = true,
	  .prepare = head_prepare,
	  .score = ash_p_score },
	{ .name = "ash-b",
	  .help = "energy of pruned, binarised features",
	  .params = PRUNED(90),
	  .reshapes = true,
	  .prepare = head_prepare,
	  .score = ash_b_score },
	{ .name = "ash-s",
	  .help = "energy of pruned, scaled features",
	  .params = PRUNED(90),
	  .reshapes = true,
	  .prepare = head_prepare,
	  .score = ash_s_score },
	{ .name = "scale",
	  .help = "energy of features scaled as in ash-s",
	  .params = PRUNED(85),
	  .reshapes = true,
	  .prepare = head_prepare,
	  .score = scale_score },
	{ .name = "lts",
	  .help = "energy of logits scaled by how few features hold their sum",
	  .params = PRUNED(95),
	  .prepare = features_prepare,
	  .score = lts_score },
	{ .name = "vra",
	  .help = "energy of features within a band",
	  .needs = "--val or --fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "high", 90, 0, 100, "percentile of in-distribution features, upper limit" },
		      { "low", 10, 0, 100, "the same, lower limit" },
		      { "clip", 0, 0, 1, "1: features below the band become its limit, as in OpenOOD, not zero" },
		      { "each", 0, 0, 1, "1: percentiles per feature" } },
	  .later = 1 << 3,
	  .reshapes = true,
	  .prepare = vra_prepare,
	  .score = vra_score,
	  .after = limits_after },
	{ .name = "dice",
	  .help = "energy of the largest contributions to the logits",
	  .needs = "--fit",
	  .params = { { "percentile", 90, 0, 100, "share of the weights to drop" } },
	  .fitted = true,
	  .reshapes = true,
	  .prepare = dice_prepare,
	  .score = dice_score },
	{ 0 }
};
