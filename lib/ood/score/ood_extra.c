/* SPDX-License-Identifier: MIT
 * Scores from columns that um-embed adds on request, because they take another pass through the network. */
#include <stdio.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* Finds the number of the stream's column of this name, which must be <f4 with n numbers per row (0: a single one). */
static int find_column(size_t *column, const struct ood_scorer *s, const char *name, size_t n, const char *remedy,
		       struct err *err)
{
	const struct ts_field *f = ts_header_field(s->basis->header, name);

	if (!f)
		return err_fail(err, "the stream has no column '%s': um-embed %s adds it", name, remedy);
	if (f->type != TS_F32 || f->ndim != (n > 0) || (n > 0 && f->shape[0] != n))
		return err_fail(err, "column '%s' has another type or shape than it needs", name);
	*column = (size_t)(f - s->basis->header->fields);
	return 0;
}

/* The scorer's state is the column's number. */
static int one_column(struct ood_scorer *s, const char *name, size_t n, const char *remedy, struct err *err)
{
	size_t *column = s->state = ood_keep(s, 1, sizeof *column, err);

	return column ? find_column(column, s, name, n, remedy, err) : -1;
}

/* The column's numbers, from the first of these rows on. */
static const float *numbers(const struct ood_rows *rows, size_t column, size_t per_row)
{
	return (const float *)rows->batch->cols[column].data + rows->first * per_row;
}

/* ---- ODIN --------------------------------------------------------------------------------------- */

/* ODIN (Liang, Li, Srikant, "Enhancing the reliability of out-of-distribution image detection in neural
 * networks", ICLR 2018): the maximum softmax probability, at a high temperature, of the logits at an input moved to
 * raise it; as log-odds, which rank alike and keep their precision. i-ODIN moves a single number of the input. */
struct odin {
	size_t column;
	double temperature;
};

static int odin_prepare(struct ood_scorer *s, struct err *err)
{
	struct odin *o = s->state = ood_keep(s, 1, sizeof *o, err);
	const char *method = s->request.method->name;
	char name[64], option[32];

	snprintf(name, sizeof name, "%s:eps=%g", method, s->request.params[0]);
	const char *plus = strchr(method, '+');
	if (plus)
		snprintf(option, sizeof option, "--odin shape=%.*s", (int)(plus - method), method);
	else
		snprintf(option, sizeof option, "--%s", method);
	if (!o || find_column(&o->column, s, name, s->basis->classes, option, err) < 0)
		return -1;
	snprintf(name, sizeof name, "%s.temperature", method);
	if (ts_meta_get_double(&s->basis->header->meta, name, &o->temperature) != 1 || !(o->temperature > 0))
		return err_fail(err, "the stream's meta has no '%s'", name);
	return 0;
}

static int odin_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct odin *o = s->state;
	const size_t C = s->basis->classes;
	const float *l = numbers(rows, o->column, C); /* (n,C) */

	for (size_t i = 0; i < rows->n; i++)
		out[i] = num_log_odds(l + i * C, C, o->temperature);
	return 0;
}

/* ---- RankFeat ----------------------------------------------------------------------------------- */

/* RankFeat (Song, Sebe, Wang, NeurIPS 2022): the energy of logits without the feature maps' largest
 * singular part. */
static int rankfeat_prepare(struct ood_scorer *s, struct err *err)
{
	return one_column(s, "rankfeat", s->basis->classes, "--rankfeat", err);
}

static int rankfeat_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes;
	const float *l = numbers(rows, *(const size_t *)s->state, C); /* (n,C) */

	for (size_t i = 0; i < rows->n; i++)
		out[i] = num_lse(l + i * C, C);
	return 0;
}

/* ---- divergence from a second model -------------------------------------------------------------- */

static int kl_prepare(struct ood_scorer *s, struct err *err)
{
	return one_column(s, "kl-distance", 0, "--against", err);
}

static int kl_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const float *v = numbers(rows, *(const size_t *)s->state, 1); /* (n) */

	for (size_t i = 0; i < rows->n; i++)
		out[i] = v[i];
	return 0;
}

/* As in the published program of Unleashing Mask, the step goes through the reshaped features. */
#define SHAPED_ODIN(shape, how) \
	{ \
		.name = shape "+odin", .help = "odin of " how " features", .needs = "um-embed --odin shape=" shape, \
		.params = { { "eps", 0.0014, 0, 1, "size of the step, one that um-embed --odin made" } }, \
		.prepare = odin_prepare, .score = odin_score \
	}

const struct ood_method ood_extra_family[] = {
	{ .name = "odin",
	  .help = "msp of the logits at a perturbed input, at a temperature",
	  .needs = "um-embed --odin",
	  .params = { { "eps", 0.0014, 0, 1, "size of the step, one that um-embed --odin made" } },
	  .prepare = odin_prepare,
	  .score = odin_score },
	{ .name = "i-odin",
	  .help = "the same, of the one number of the image that counts most",
	  .needs = "um-embed --i-odin",
	  .params = { { "eps", 0.0014, 0, 1, "size of the step, one that um-embed --i-odin made" } },
	  .prepare = odin_prepare,
	  .score = odin_score },
	SHAPED_ODIN("react", "clipped"),
	SHAPED_ODIN("ash-p", "pruned"),
	SHAPED_ODIN("ash-b", "pruned, binarised"),
	SHAPED_ODIN("ash-s", "pruned, scaled"),
	{ .name = "rankfeat",
	  .help = "energy without the feature maps' largest singular part",
	  .needs = "um-embed --rankfeat",
	  .prepare = rankfeat_prepare,
	  .score = rankfeat_score },
	{ .name = "kl-distance",
	  .help = "KL divergence from a second model's prediction",
	  .needs = "um-embed --against",
	  .alone = true,
	  .prepare = kl_prepare,
	  .score = kl_score },
	{ 0 }
};
