/* SPDX-License-Identifier: MIT
 * Allocates a fit's arrays. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ood/fit/ood_fit.h"
#include "ood/ood_internal.h"

/* An array of the fit's set, called PREFIX.WHAT: (a), or (a,b) with b > 0. */
static int array(struct ood_fit *f, double **ret, const char *prefix, const char *what, size_t a, size_t b,
		 struct err *err)
{
	const size_t shape[] = { a, b }, most = TS_MAX_TENSOR / sizeof **ret;
	char name[256];

	snprintf(name, sizeof name, "%s.%s", prefix, what);
	if (a > most || (b > 0 && b > most / (a ? a : 1)))
		return err_fail(err, "'%s' of %zu x %zu numbers is too large for a fit", name, a, b ? b : 1);
	struct ts_tensor *t = ts_set_add(&f->set, name, TS_F64, b > 0 ? 2 : 1, shape);
	if (!t)
		return err_memory(err);
	*ret = t->data;
	return 0;
}

static int moments_init(struct ood_fit *f, struct ood_moments *m, const char *prefix, size_t d, bool scatter,
			struct err *err)
{
	const size_t C = f->classes;

	m->d = d;
	m->classes = C;
	return array(f, &m->total, prefix, "total", 1, 0, err) < 0 ||
			       array(f, &m->centre, prefix, "centre", d, 0, err) < 0 ||
			       array(f, &m->count, prefix, "count", C, 0, err) < 0 ||
			       array(f, &m->mean, prefix, "mean", C, d, err) < 0 ||
			       (scatter && array(f, &m->scatter, prefix, "scatter", d, d, err) < 0) ?
		       -1 :
		       0;
}

int ood_fit_alloc(struct ood_fit *f, struct err *err)
{
	const size_t C = f->classes, D = f->dim;

	if (moments_init(f, &f->features, "features", D, f->parts & OOD_PART_MOMENTS, err) < 0 ||
	    ((f->parts & OOD_PART_UNIT) && moments_init(f, &f->unit, "unit", D, true, err) < 0))
		return -1;
	for (size_t i = 0; i < f->n_layers; i++) {
		struct ood_layer *l = &f->layers[i];
		if (moments_init(f, &l->m, l->name, l->m.d, true, err) < 0 ||
		    array(f, &l->precision, l->name, "precision", l->m.d, l->m.d, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < f->n_grams; i++) {
		struct ood_ranges *g = &f->grams[i];
		if (array(f, &g->min, g->name, "min", C, g->size, err) < 0 ||
		    array(f, &g->max, g->name, "max", C, g->size, err) < 0)
			return -1;
	}
	if (!f->logits)
		return 0;
	return array(f, &f->right_count, "right", "count", C, 0, err) < 0 ||
			       array(f, &f->right_features, "right", "features", C, D, err) < 0 ||
			       array(f, &f->right_logits, "right", "logits", C, C, err) < 0 ||
			       array(f, &f->pred_count, "pred", "count", C, 0, err) < 0 ||
			       array(f, &f->pred_prob, "pred", "prob", C, C, err) < 0 ||
			       ((f->parts & OOD_PART_PRED) &&
				array(f, &f->pred_features, "pred", "features", C, D, err) < 0) ?
		       -1 :
		       0;
}

void ood_fit_shrink(struct ood_fit *f)
{
	free(f->bank.features);
	free(f->bank.logits);
	for (size_t i = 0; i < OOD_BESIDES; i++)
		free(f->bank.beside[i]);
	free(f->bank.label);
	free(f->bank.key);
	free(f->weight);
	free(f->bias);
	free(f->grams);
	ts_set_release(&f->set);
	f->bank = (struct ood_bank){ 0 };
	f->weight = f->bias = NULL;
	f->grams = NULL;
	f->n_grams = 0;
}

void ood_fit_free(struct ood_fit *f)
{
	if (!f)
		return;
	ood_fit_shrink(f);
	ts_header_release(&f->header);
	free(f);
}
