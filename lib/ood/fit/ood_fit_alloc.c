/* SPDX-License-Identifier: MIT
 * A fit's arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/fit/ood_fit.h"
#include "ood/ood_internal.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

/* An array of the fit's set, called PREFIX.WHAT. */
static double *array(struct ood_fit *f, const char *prefix, const char *what, int ndim, size_t a,
		     size_t b)
{
	char name[256];
	const size_t shape[] = { a, b };

	snprintf(name, sizeof name, "%s.%s", prefix, what);
	struct ts_tensor *t = ts_set_add(&f->set, name, TS_F64, ndim, shape);
	return t ? t->data : NULL;
}

static int moments_init(struct ood_fit *f, struct ood_moments *m, const char *prefix, size_t d,
			bool scatter)
{
	m->d = d;
	m->classes = f->classes;
	m->total = array(f, prefix, "total", 1, 1, 0);
	m->centre = array(f, prefix, "centre", 1, d, 0);
	m->count = array(f, prefix, "count", 1, f->classes, 0);
	m->mean = array(f, prefix, "mean", 2, f->classes, d);
	m->scatter = scatter ? array(f, prefix, "scatter", 2, d, d) : NULL;
	return m->total && m->centre && m->count && m->mean && (m->scatter || !scatter) ? 0 : -1;
}

int ood_fit_alloc(struct ood_fit *f)
{
	const size_t C = f->classes, D = f->dim;

	if (moments_init(f, &f->features, "features", D, f->parts & OOD_PART_MOMENTS) ||
	    ((f->parts & OOD_PART_UNIT) && moments_init(f, &f->unit, "unit", D, true)))
		return -1;
	for (size_t i = 0; i < f->n_layers; i++)
		if (moments_init(f, &f->layers[i].m, f->layers[i].name, f->layers[i].m.d, true) ||
		    !(f->layers[i].precision = array(f, f->layers[i].name, "precision", 2,
						     f->layers[i].m.d, f->layers[i].m.d)))
			return -1;
	for (size_t i = 0; i < f->n_grams; i++) {
		struct ood_ranges *g = &f->grams[i];
		g->min = array(f, g->name, "min", 2, C, g->size);
		g->max = array(f, g->name, "max", 2, C, g->size);
		if (!g->min || !g->max)
			return -1;
	}
	f->right_count = array(f, "right", "count", 1, C, 0);
	f->right_features = array(f, "right", "features", 2, C, D);
	f->right_logits = array(f, "right", "logits", 2, C, C);
	f->pred_count = array(f, "pred", "count", 1, C, 0);
	f->pred_prob = array(f, "pred", "prob", 2, C, C);
	return f->right_count && f->right_features && f->right_logits && f->pred_count &&
	       f->pred_prob ? 0 : -1;
}

void ood_fit_shrink(struct ood_fit *f)
{
	free(f->bank.features);
	free(f->bank.logits);
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
