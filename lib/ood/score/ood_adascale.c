/* SPDX-License-Identifier: MIT
 * AdaSCALE (Regmi, "AdaSCALE: adaptive scaling for OOD detection", 2025): SCALE and LTS with a percentile chosen per
 * sample. How much a row's features z change, to z~, when the least important pixels move (um-embed --adascale) shows
 * how strange it is:
 *
 *	q = sum of relu(z~) over the k1 largest features + lambda * sum of |z - z~| over the k2 largest,
 *
 * with k1 and k2 in percent of all features. With F the share of validation rows (the bank) whose q is at most the
 * row's,
 *
 *	percentile = low + (1 - F) (high - low),
 *	r = sum of relu(z) / sum of its largest, those above the percentile,
 *
 * and the score is the energy of the logits of e^r z (adascale-a), or of r^2 times the logits (adascale-l). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "num/num_sort.h"
#include "ood/score/ood_method.h"
#include "ood/score/ood_reshape.h"

enum { LOW, HIGH, K1, K2, LAMBDA };

struct adascale {
	size_t column, k1, k2;
	size_t n;
	float *q; /* (n): the q of the bank's rows, ascending */
	bool logits;
};

/* room: (D) */
static double change(const struct ood_scorer *s, const float *z, const float *moved, struct num_ranked *room)
{
	const struct adascale *k = s->state;
	double sum = 0;

	num_rank(z, s->basis->dim, room);
	for (size_t i = 0; i < k->k1; i++)
		sum += moved[room[i].at] < 0 ? 0 : moved[room[i].at]; /* NaN stays */
	for (size_t i = 0; i < k->k2; i++)
		sum += s->request.params[LAMBDA] * fabs((double)z[room[i].at] - moved[room[i].at]);
	return sum;
}

static int fill(struct ood_scorer *s, const struct ood_fit *f, struct err *err)
{
	struct adascale *k = s->state;
	const size_t D = f->dim;
	float *row = malloc(D * sizeof *row);
	struct num_ranked *room = malloc(D * sizeof *room);
	int rc = row && room ? 0 : err_memory(err);

	for (size_t i = 0; i < k->n && rc == 0; i++)
		k->q[i] = (float)change(s, ood_bank_rows(f, i, 1, row), f->bank.beside[OOD_MOVED] + i * D, room);
	if (rc == 0 && num_sort(k->q, k->n) < 0)
		rc = err_memory(err);
	free(row);
	free(room);
	return rc;
}

static int prepare(struct ood_scorer *s, bool logits, struct err *err)
{
	const struct ood_fit *f = ood_validation(s);
	const double *params = s->request.params;
	const struct ts_field *column = ts_header_field(s->basis->header, "adascale");
	struct adascale *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k || ood_need_head(s, err) < 0)
		return -1;
	const size_t D = s->basis->dim;
	if (!column || column->type != TS_F32 || column->ndim != 1 || column->shape[0] != D)
		return err_fail(err, "the stream has no column 'adascale' of %zu numbers: um-embed --adascale adds it",
				D);
	if (!f || !f->bank.beside[OOD_MOVED])
		return err_fail(err, "needs a fit of features with um-embed --adascale: --val FILE or --fit FILE");
	if (!ts_meta_same(&s->basis->header->meta, &f->header.meta, "adascale.share"))
		return err_fail(err, "um-embed --adascale moved another share of the pixels for the fit");
	if (!(params[HIGH] >= params[LOW]))
		return err_fail(err, "high=%g is below low=%g", params[HIGH], params[LOW]);
	*k = (struct adascale){ .column = (size_t)(column - s->basis->header->fields),
				.k1 = (size_t)((double)D * params[K1] / 100),
				.k2 = (size_t)((double)D * params[K2] / 100),
				.n = f->bank.n,
				.logits = logits };
	if (k->k1 + k->k2 == 0)
		return err_fail(err, "k1=%g %% and k2=%g %% of %zu features are none", params[K1], params[K2], D);
	if (!(k->q = ood_keep(s, k->n, sizeof *k->q, err)))
		return -1;
	return fill(s, f, err);
}

static int adascale_a_prepare(struct ood_scorer *s, struct err *err)
{
	return prepare(s, false, err);
}

static int adascale_l_prepare(struct ood_scorer *s, struct err *err)
{
	return prepare(s, true, err);
}

/* The share of the bank's rows with at most this q. */
static double share_below(const struct adascale *k, float q)
{
	size_t low = 0, high = k->n; /* the number of them lies between these */

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (k->q[mid] <= q)
			low = mid + 1;
		else
			high = mid;
	}
	return (double)low / (double)k->n;
}

/* r of a row; room: (2D). At most 80, so that e^r never becomes infinite. */
static double ratio(const struct ood_scorer *s, const float *z, double percentile, float *room)
{
	const size_t D = s->basis->dim;

	for (size_t d = 0; d < D; d++)
		room[d] = fmaxf(z[d], 0);
	struct ood_kept r = ood_prune(room, D, percentile, room + D);
	return r.sum > 0 ? fmin(r.all / r.sum, 80) : r.all > 0 ? 80 : 1;
}

static int adascale_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct adascale *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim;
	const double low = s->request.params[LOW], high = s->request.params[HIGH];
	const float *moved = (const float *)rows->batch->cols[k->column].data + rows->first * D;
	struct num_ranked *room = malloc(D * sizeof *room);
	float *half = malloc(2 * D * sizeof *half);
	double *l = malloc(C * sizeof *l);
	int rc = room && half && l ? 0 : -1;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		const float *z = rows->features + i * D;
		const float q = (float)change(s, z, moved + i * D, room);
		double r = ratio(s, z, low + (1 - share_below(k, q)) * (high - low), half);
		for (size_t c = 0; c < C; c++) {
			double own = rows->logits[i * C + c], bias = s->basis->bias[c];
			l[c] = k->logits ? r * r * own : exp(r) * (own - bias) + bias;
		}
		out[i] = isfinite(q) ? num_lse_double(l, C) : NAN; /* nothing else checks the column */
	}
	free(room);
	free(half);
	free(l);
	return rc;
}

#define PARAMS \
	{ \
		[LOW] = { "low", 75, 0, 100, "percentile of the strangest" }, \
		[HIGH] = { "high", 85, 0, 100, "of the most usual" }, \
		[K1] = { "k1", 5, 0, 100, "percent of the features that are looked at after the step" }, \
		[K2] = { "k2", 1, 0, 100, "and of those whose change counts" }, [LAMBDA] = { \
			"lambda", \
			10, \
			0, \
			1e9, \
			"what the change counts" \
		} \
	}

const struct ood_method ood_adascale_family[] = {
	{ .name = "adascale-a",
	  .help = "energy of features scaled by a percentile of the sample's own",
	  .needs = "um-embed --adascale, and --val or --fit of such",
	  .made = "adascale",
	  .fitted = true,
	  .params = PARAMS,
	  .prepare = adascale_a_prepare,
	  .score = adascale_score },
	{ .name = "adascale-l",
	  .help = "the same, of scaled logits",
	  .needs = "um-embed --adascale, and --val or --fit of such",
	  .made = "adascale",
	  .fitted = true,
	  .params = PARAMS,
	  .prepare = adascale_l_prepare,
	  .score = adascale_score },
	{ 0 }
};
