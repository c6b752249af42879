/* SPDX-License-Identifier: MIT
 * Builds a fit, row by row and part by part. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "num/num_softmax.h"
#include "ood/ood_identity.h"
#include "ood/fit/ood_fit.h"
#include "ood/ood_guess.h"
#include "ood/ood_internal.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

static bool is_layer(const struct ts_field *f)
{
	size_t digits = strncmp(f->name, "layer", 5) == 0 ? strspn(f->name + 5, "0123456789") : 0;
	return digits > 0 && digits < 8 && f->name[5 + digits] == '\0';
}

static int find_layers(struct ood_fit *f, const struct ts_header *h, struct err *err)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *field = &h->fields[i];
		if (!is_layer(field))
			continue;
		if (field->type != TS_F32 || field->ndim != 1 || field->shape[0] == 0)
			return err_fail(err, "column '%s' is not one <f4 vector per row", field->name);
		if (f->n_layers == OOD_MAX_LAYERS)
			return err_fail(err, "more than %d layers", OOD_MAX_LAYERS);
		struct ood_layer *l = &f->layers[f->n_layers++];
		snprintf(l->name, sizeof l->name, "%s", field->name);
		l->column = i;
		l->m.d = field->shape[0];
	}
	return 0;
}

/* Columns for the bank. Without the column, there is no such part; with it, there must be a bank. */
static int find_besides(struct ood_fit *f, const struct ts_header *h, struct err *err)
{
	for (size_t i = 0; i < OOD_BESIDES; i++) {
		const struct ood_bank_column *c = &ood_bank_columns[i];
		const struct ts_field *field = f->parts & c->part ? ts_header_field(h, c->name) : NULL;

		if (!field) {
			f->parts &= ~c->part;
			continue;
		}
		f->parts |= OOD_PART_BANK;
		if (field->type != TS_F32 || field->ndim != 1 || field->shape[0] == 0)
			return err_fail(err, "column '%s' is not one <f4 vector per row", c->name);
		f->beside_at[i] = (size_t)(field - h->fields);
		f->bank.wide[i] = field->shape[0];
	}
	if (f->bank.wide[OOD_MOVED] && f->bank.wide[OOD_MOVED] != f->dim)
		return err_fail(err, "column 'adascale' is not <f4 of %zu numbers, as 'features' is", f->dim);
	return 0;
}

/* The number of classes: that of the logits, or the one in the meta. */
static int find_classes(const struct ood_fit *f, const struct ts_header *h, size_t *ret, struct err *err)
{
	char **names = NULL;
	size_t n_names = 0;
	int64_t n = 0;
	int rc;

	*ret = f->logits ? h->fields[f->logits_at].shape[0] : 1;
	if (f->logits || f->label_at < 0)
		return 0;
	rc = ts_meta_get_int(&h->meta, "n_classes", &n);
	if (rc == 0 && (rc = ts_meta_get_strs(&h->meta, "classes", &names, &n_names)) == 1)
		n = (int64_t)n_names;
	ts_strs_free(names, n_names);
	if (rc < 0 || n < 0 || (rc == 1 && n > INT32_MAX))
		return err_fail(err, "its meta lacks the number of classes");
	if (rc == 0) /* all labels may be -1 */
		return 0;
	*ret = n > 0 ? (size_t)n : 1;
	return 0;
}

int ood_fit_new(struct ood_fit **ret, const struct ts_header *h, const struct ood_fit_options *o, struct err *err)
{
	const struct ts_field *logits = ts_header_field(h, "logits");
	const struct ts_field *features = ts_header_field(h, "features");
	struct ood_fit *f;

	if (logits && (logits->type != TS_F32 || logits->ndim != 1 || logits->shape[0] < 2))
		return err_fail(err, "column 'logits' is not <f4 of two or more classes");
	if (!features || features->type != TS_F32 || features->ndim != 1 || features->shape[0] == 0)
		return err_fail(err, "has no column 'features', <f4, one vector per row");
	if (num_linalg_open(err) < 0)
		return -1;
	if (!(f = calloc(1, sizeof *f)))
		return err_memory(err);
	f->logits = logits != NULL;
	f->dim = features->shape[0];
	f->logits_at = logits ? (size_t)(logits - h->fields) : 0;
	f->features_at = (size_t)(features - h->fields);
	f->label_at = ts_header_col(h, "label");
	f->parts = o->parts;
	f->seed = o->seed;
	if (find_besides(f, h, err) < 0)
		goto fail;
	f->bank.max = f->parts & OOD_PART_BANK ? o->bank : 0;
	f->bank.type = o->half ? TS_F16 : TS_F32;
	if (find_classes(f, h, &f->classes, err) < 0)
		goto fail;
	if (((o->parts & OOD_PART_LAYERS) && find_layers(f, h, err) < 0) ||
	    ((o->parts & OOD_PART_GRAM) && f->logits && ood_gram_find(f, h, err) < 0))
		goto fail;
	if (ood_fit_alloc(f, err) < 0)
		goto fail;
	if (ood_head_read(&h->meta, logits ? f->classes : 0, f->dim, &f->weight, &f->bias, err) < 0)
		goto fail;
	*ret = f;
	return 0;
fail:
	ood_fit_free(f);
	return -1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int check_rows(const struct ood_fit *f, const float *logits, const float *features, const int64_t *label,
		      size_t n, struct err *err)
{
	const size_t C = f->classes, D = f->dim;

	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; logits && c < C; c++)
			if (!isfinite(logits[i * C + c]))
				return err_fail(err, "row %zu: logit %zu is not a number or infinite",
						(size_t)f->rows + i, c);
		for (size_t d = 0; d < D; d++) {
			float z = features[i * D + d];
			if (!isfinite(z))
				return err_fail(err, "row %zu: feature %zu is not a number or infinite",
						(size_t)f->rows + i, d);
			if (f->bank.type == TS_F16 && fabsf(z) > 65504)
				return err_fail(err,
						"row %zu: feature %zu is %g, too large for half "
						"precision; --bank-type f4",
						(size_t)f->rows + i, d, z);
		}
		if (label && (label[i] < -1 || label[i] >= (int64_t)C))
			return err_fail(
				err, "row %zu: labels out of range: %lld, with %zu classes%s", (size_t)f->rows + i,
				(long long)label[i], C,
				f->logits ? "" : ", because neither logits nor meta n_classes say that there are more");
	}
	return 0;
}

/* Updates the means that depend on the model's prediction: mean += (x - mean) / n. */
static void add_predictions(struct ood_fit *f, const float *logits, const float *features, int64_t label)
{
	const size_t C = f->classes, D = f->dim, k = num_argmax(logits, C);
	double lse = num_lse(logits, C);
	double *prob = f->pred_prob + k * C, n = f->pred_count[k] += 1;

	for (size_t c = 0; c < C; c++)
		prob[c] += (exp(logits[c] - lse) - prob[c]) / n;
	for (size_t d = 0; f->pred_features && d < D; d++)
		f->pred_features[k * D + d] += (features[d] - f->pred_features[k * D + d]) / n;
	if (label != (int64_t)k)
		return;
	n = f->right_count[k] += 1;
	for (size_t c = 0; c < C; c++)
		f->right_logits[k * C + c] += (logits[c] - f->right_logits[k * C + c]) / n;
	for (size_t d = 0; d < D; d++)
		f->right_features[k * D + d] += (features[d] - f->right_features[k * D + d]) / n;
}

static int add_unit(struct ood_fit *f, const float *features, const int64_t *label, size_t n)
{
	const size_t D = f->dim;
	float *unit = malloc(n * D * sizeof *unit);

	if (!unit)
		return -1;
	for (size_t i = 0; i < n; i++)
		ood_unit(features + i * D, D, unit + i * D);
	int rc = ood_moments_add(&f->unit, unit, label, n);
	free(unit);
	return rc;
}

/* Columns for the bank must be finite. */
static int check_besides(const struct ood_fit *f, const struct ts_batch *b, struct err *err)
{
	for (size_t i = 0; i < OOD_BESIDES; i++) {
		const size_t wide = f->bank.wide[i];
		const float *v = wide ? b->cols[f->beside_at[i]].data : NULL; /* (n,wide) */

		for (size_t k = 0; k < b->n * wide; k++)
			if (!isfinite(v[k]))
				return err_fail(err, "row %zu: '%s' is not a number or infinite",
						(size_t)f->rows + k / wide, ood_bank_columns[i].name);
	}
	return 0;
}

int ood_fit_add(struct ood_fit *f, const struct ts_batch *b, struct err *err)
{
	const float *logits = f->logits ? b->cols[f->logits_at].data : NULL;        /* (n,C) */
	const float *features = b->cols[f->features_at].data;                       /* (n,D) */
	const int64_t *label = f->label_at >= 0 ? b->cols[f->label_at].data : NULL; /* (n) */

	if (check_besides(f, b, err) < 0 || check_rows(f, logits, features, label, b->n, err) < 0)
		return -1;
	if (ood_moments_add(&f->features, features, label, b->n) < 0 ||
	    ((f->parts & OOD_PART_UNIT) && add_unit(f, features, label, b->n) < 0))
		return err_memory(err);
	for (size_t i = 0; i < f->n_layers; i++) {
		const float *x = b->cols[f->layers[i].column].data; /* (n,d) */
		for (size_t k = 0; k < b->n * f->layers[i].m.d; k++)
			if (!isfinite(x[k]))
				return err_fail(err, "row %zu: '%s' is not a number or infinite",
						(size_t)f->rows + k / f->layers[i].m.d, f->layers[i].name);
		if (ood_moments_add(&f->layers[i].m, x, label, b->n) < 0)
			return err_memory(err);
	}
	for (size_t i = 0; i < b->n; i++) {
		int64_t y = label ? label[i] : -1;
		const float *l = logits ? logits + i * f->classes : NULL, *z = features + i * f->dim;
		struct ood_bank_row row = { .logits = l, .features = z, .label = y };
		for (size_t k = 0; k < OOD_BESIDES; k++)
			if (f->bank.wide[k])
				row.beside[k] = (const float *)b->cols[f->beside_at[k]].data + i * f->bank.wide[k];
		if (f->n_grams && ood_gram_add(f, b, i, num_argmax(l, f->classes), err) < 0)
			return -1;
		if (l)
			add_predictions(f, l, z, y);
		f->unlabelled += y < 0;
		if (ood_bank_add(f, ood_bank_key(f, &row), &row) < 0)
			return err_memory(err);
	}
	f->rows += b->n;
	return 0;
}

bool ood_fit_guesses(const struct ood_fit *f, struct err *words)
{
	struct ood_guess g = { .label = f->features.count,
			       .pred = f->pred_count,
			       .n = f->logits && !f->unlabelled ? f->classes : 0 };

	for (size_t k = 0; k < g.n; k++)
		g.right += f->right_count[k];
	return ood_guess_words(&g, words);
}

/* ---- merging and the end --------------------------------------------------------------------- */

/* Merges other's means of groups into mean (g,d), of count (g) rows each. */
static void join_means(double *mean, double *count, const double *other, const double *more, size_t g, size_t d,
		       bool last)
{
	for (size_t i = 0; i < g; i++) {
		if (more[i] == 0)
			continue;
		double share = more[i] / (count[i] + more[i]);
		for (size_t k = 0; k < d; k++)
			mean[i * d + k] += share * (other[i * d + k] - mean[i * d + k]);
		if (last)
			count[i] += more[i];
	}
}

static bool same_head(const struct ood_fit *a, const struct ood_fit *b)
{
	if (!a->weight || !b->weight)
		return a->weight == b->weight;
	return memcmp(a->weight, b->weight, a->classes * a->dim * sizeof *a->weight) == 0 &&
	       memcmp(a->bias, b->bias, a->classes * sizeof *a->bias) == 0;
}

static int check_like(const struct ood_fit *f, const struct ood_fit *o, struct err *err)
{
	bool layers = f->n_layers == o->n_layers;
	for (size_t i = 0; layers && i < f->n_layers; i++)
		layers = strcmp(f->layers[i].name, o->layers[i].name) == 0 && f->layers[i].m.d == o->layers[i].m.d;
	bool grams = f->n_grams == o->n_grams;
	for (size_t i = 0; grams && i < f->n_grams; i++)
		grams = strcmp(f->grams[i].name, o->grams[i].name) == 0 && f->grams[i].size == o->grams[i].size;
	if (f->logits != o->logits)
		return err_fail(err, "is of rows with%s logits, which the others have%s", o->logits ? "" : "out",
				o->logits ? " not" : "");
	if (f->classes != o->classes && !f->logits && f->dim == o->dim)
		return err_fail(err, "has %zu classes, and the others %zu: give the number to ts-import --classes",
				o->classes, f->classes);
	if (f->classes != o->classes || f->dim != o->dim || !same_head(f, o) ||
	    !ts_meta_agree(&f->header.meta, &o->header.meta, "model"))
		return err_fail(err, "is of another model: all must come from the same checkpoint");
	if (!ood_same_precision(&f->header.meta, &o->header.meta))
		return err_fail(err, "is of features in another precision: give um-embed the same --precision");
	if (f->unlabelled < f->rows && o->unlabelled < o->rows &&
	    !ts_meta_agree(&f->header.meta, &o->header.meta, "classes"))
		return err_fail(err, "has other classes, so labels would be mixed up: all must have the same names, "
				     "in the same order");
	if (f->parts != o->parts || f->bank.wide[OOD_EXTREMES] != o->bank.wide[OOD_EXTREMES] || !layers || !grams)
		return err_fail(err, "holds other statistics: all must be fitted with the same --method, from the "
				     "same columns");
	if (f->parts & OOD_PART_MOVED && !ts_meta_same(&f->header.meta, &o->header.meta, "adascale.share"))
		return err_fail(err,
				"is of another um-embed --adascale: all must have moved the same share of the pixels");
	if (f->seed != o->seed || f->bank.max != o->bank.max || f->bank.type != o->bank.type)
		return err_fail(err, "has another bank: all must be fitted with the same --bank, "
				     "--bank-type and --seed");
	return 0;
}

static void join_predictions(struct ood_fit *f, const struct ood_fit *o)
{
	const size_t C = f->classes, D = f->dim;

	join_means(f->right_logits, f->right_count, o->right_logits, o->right_count, C, C, false);
	join_means(f->right_features, f->right_count, o->right_features, o->right_count, C, D, true);
	if (f->pred_features)
		join_means(f->pred_features, f->pred_count, o->pred_features, o->pred_count, C, D, false);
	join_means(f->pred_prob, f->pred_count, o->pred_prob, o->pred_count, C, C, true);
}

int ood_fit_merge(struct ood_fit *f, const struct ood_fit *o, struct err *err)
{
	const size_t C = f->classes, D = f->dim;
	float *row;
	int rc;

	if (check_like(f, o, err) < 0 || num_linalg_open(err) < 0)
		return -1;
	if (!(row = malloc((D + 1) * sizeof *row)))
		return err_memory(err);
	rc = ood_moments_merge(&f->features, &o->features) < 0 ||
	     ((f->parts & OOD_PART_UNIT) && ood_moments_merge(&f->unit, &o->unit) < 0);
	for (size_t i = 0; i < f->n_layers && !rc; i++)
		rc = ood_moments_merge(&f->layers[i].m, &o->layers[i].m);
	ood_gram_merge(f, o);
	if (f->logits)
		join_predictions(f, o);
	for (size_t i = 0; i < o->bank.n && !rc; i++) {
		struct ood_bank_row its = { .logits = f->logits ? o->bank.logits + i * C : NULL,
					    .features = ood_bank_rows(o, i, 1, row),
					    .label = o->bank.label[i] };
		for (size_t k = 0; k < OOD_BESIDES; k++)
			if (o->bank.wide[k])
				its.beside[k] = o->bank.beside[k] + i * o->bank.wide[k];
		rc = ood_bank_add(f, o->bank.key[i], &its);
	}
	f->rows += o->rows;
	f->unlabelled += o->unlabelled;
	free(row);
	return rc ? err_memory(err) : 0; /* the only possible reason */
}

/* The published program's precision: the pseudo-inverse of the covariance within classes, W^T W of its whitening
 * W (rank,d). */
static int invert(struct ood_layer *l, struct err *err)
{
	size_t d = l->m.d, rank;
	double *cov = malloc(d * d * sizeof *cov), *w = NULL;

	if (!cov)
		return err_memory(err);
	double size = ood_moments_within(&l->m, cov);
	int rc = num_whiten(cov, d, 0, size, &w, &rank, err);
	if (rc < 0)
		err_prefix(err, "the covariance of '%s' has no inverse: ", l->name);
	else
		num_at_a(w, rank, d, l->precision);
	free(cov);
	free(w);
	return rc;
}

uint64_t ood_fit_hash(const struct ood_fit *f)
{
	uint64_t h = f ? f->rows : 0;

	for (size_t i = 0; f && i < f->set.n; i++)
		h = XXH3_64bits_withSeed(f->set.t[i].data, ts_tensor_bytes(&f->set.t[i]), h);
	return h;
}

void ood_layer_text(char text[17], const double *mean, size_t C, const double *precision, size_t d)
{
	const uint64_t h = XXH3_64bits(mean, C * d * sizeof *mean);

	snprintf(text, 17, "%016llx",
		 (unsigned long long)XXH3_64bits_withSeed(precision, d * d * sizeof *precision, h));
}

int ood_fit_finish(struct ood_fit *f, struct err *err)
{
	if (f->rows == 0)
		return err_fail(err, "is empty: no rows");
	if (f->n_layers > 0 && f->unlabelled > 0)
		return err_fail(err, "%llu rows have no label, which the layers' covariances need",
				(unsigned long long)f->unlabelled);
	for (size_t i = 0; i < f->n_layers; i++)
		if (invert(&f->layers[i], err) < 0)
			return -1;
	return ood_bank_sort(f) ? err_memory(err) : 0;
}
