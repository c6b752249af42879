/* SPDX-License-Identifier: MIT
 * The part of a fit that the Gram scores need: the ranges of each class, and how far rows lie outside them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

static int note(struct ood_fit *f, const char *name, size_t len, size_t column, size_t size, struct err *err)
{
	struct ood_ranges *more;

	if (f->n_grams == OOD_MAX_GRAMS)
		return err_fail(err, "more than %d columns gram:...", OOD_MAX_GRAMS);
	if (len >= sizeof more->name)
		return err_fail(err, "the name '%.*s' is longer than %zu bytes", (int)len, name, sizeof more->name - 1);
	if (size == 0 || size > 5u << 24)
		return err_fail(err, "'%.*s' has %zu numbers per row, not 5 to %u", (int)len, name, size, 5u << 24);
	if (!(more = realloc(f->grams, (f->n_grams + 1) * sizeof *more)))
		return err_memory(err);
	f->grams = more;
	f->grams[f->n_grams] = (struct ood_ranges){ .column = column, .size = size };
	memcpy(f->grams[f->n_grams++].name, name, len);
	return 0;
}

static bool is_gram(const struct ts_field *field)
{
	return field->type == TS_F32 && field->ndim == 2 && field->shape[0] == 5;
}

int ood_gram_find(struct ood_fit *f, const struct ts_header *h, struct err *err)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *field = &h->fields[i];
		if (strncmp(field->name, "gram:", 5) != 0)
			continue;
		if (!is_gram(field))
			return err_fail(err, "column '%s' is not <f4 of shape (5,d)", field->name);
		if (note(f, field->name, strlen(field->name), i, 5 * field->shape[1], err) < 0)
			return -1;
	}
	return 0;
}

int ood_gram_find_tensors(struct ood_fit *f, const struct ts_set *s, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ts_tensor *t = &s->t[i];
		size_t len = strlen(t->name);
		if (strncmp(t->name, "gram:", 5) != 0 || len < 9 || strcmp(t->name + len - 4, ".min") != 0)
			continue;
		if (t->ndim != 2)
			return err_fail(err, "tensor '%s' has another shape than the rest needs", t->name);
		if (note(f, t->name, len - 4, 0, t->shape[1], err) < 0)
			return -1;
	}
	return 0;
}

int ood_gram_add(struct ood_fit *f, const struct ts_batch *b, size_t i, size_t c, struct err *err)
{
	bool first = f->pred_count[c] == 0;

	for (size_t g = 0; g < f->n_grams; g++) {
		const struct ood_ranges *to = &f->grams[g];
		const float *v = (const float *)b->cols[to->column].data + i * to->size;
		double *min = to->min + c * to->size, *max = to->max + c * to->size;
		for (size_t k = 0; k < to->size; k++) {
			if (!isfinite(v[k]))
				return err_fail(err, "row %zu: '%s' is not a number or infinite", (size_t)f->rows + i,
						to->name);
			min[k] = first ? (double)v[k] : fmin(min[k], (double)v[k]);
			max[k] = first ? (double)v[k] : fmax(max[k], (double)v[k]);
		}
	}
	return 0;
}

void ood_gram_merge(struct ood_fit *f, const struct ood_fit *o)
{
	for (size_t g = 0; g < f->n_grams; g++) {
		struct ood_ranges *to = &f->grams[g];
		const struct ood_ranges *from = &o->grams[g];
		for (size_t k = 0; k < f->classes * to->size; k++) {
			size_t c = k / to->size;
			if (o->pred_count[c] == 0)
				continue;
			bool first = f->pred_count[c] == 0;
			to->min[k] = first ? from->min[k] : fmin(to->min[k], from->min[k]);
			to->max[k] = first ? from->max[k] : fmax(to->max[k], from->max[k]);
		}
	}
}

bool ood_gram_columns(const struct ood_fit *f, const struct ts_header *h, size_t *column)
{
	bool all = f->n_grams > 0;

	for (size_t g = 0; g < f->n_grams && all; g++) {
		const struct ts_field *field = ts_header_field(h, f->grams[g].name);
		all = field && is_gram(field) && 5 * field->shape[1] == f->grams[g].size;
		column[g] = all ? (size_t)(field - h->fields) : 0;
	}
	return all;
}

/* sum of relu(min - v) / |min + 1e-6| + relu(v - max) / |max + 1e-6|. */
double ood_gram_deviation(const struct ood_ranges *g, const float *v, size_t c)
{
	const double *min = g->min + c * g->size, *max = g->max + c * g->size;
	double sum = 0;

	for (size_t k = 0; k < g->size; k++) {
		double x = (double)v[k];
		if (x < min[k])
			sum += (min[k] - x) / fabs(min[k] + 1e-6);
		else if (!(x <= max[k])) /* also for NaN, which then becomes the sum */
			sum += (x - max[k]) / fabs(max[k] + 1e-6);
	}
	return sum;
}

void ood_gram_deviations(const struct ood_fit *f, const struct ts_batch *b, const float *logits, const size_t *column,
			 double *sum)
{
	for (size_t g = 0; g < f->n_grams; g++) {
		const float *v = b->cols[column[g]].data; /* (n,size) */
		for (size_t i = 0; i < b->n; i++)
			sum[g] += ood_gram_deviation(&f->grams[g], v + i * f->grams[g].size,
						     num_argmax(logits + i * f->classes, f->classes));
	}
}

int ood_gram_tune(struct ood_fit *f, const double *sum, uint64_t rows, struct err *err)
{
	double *weight = malloc((f->n_grams + 1) * sizeof *weight);
	struct ts_tensor w = {
		.name = (char[]){ "gram.weight" }, .type = TS_F64, .ndim = 1, .shape = { f->n_grams }, .data = weight
	};
	int rc = weight ? 0 : err_memory(err);
	bool any = false;

	for (size_t g = 0; g < f->n_grams && rc == 0; g++) {
		weight[g] = sum[g] > 0 ? (double)rows / sum[g] : 0;
		any |= sum[g] > 0;
		if (!isfinite(sum[g]))
			rc = err_fail(err, "'%s' of a validation row is not a number or infinite", f->grams[g].name);
	}
	if (rc == 0 && !any)
		rc = err_fail(err, "no validation row leaves the ranges of the fit: were they in the training data?");
	if (rc == 0 && ts_meta_set_tensor(&f->header.meta, "gram.weight", &w) < 0)
		rc = err_memory(err);
	free(weight);
	return rc;
}
