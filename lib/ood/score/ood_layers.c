/* SPDX-License-Identifier: MIT
 * Mahalanobis distances in several layers, one by one and combined. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"
#include "ood/score/ood_layers.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

struct ood_layers {
	const struct ood_fit *fit;
	size_t column[OOD_MAX_LAYERS];    /* its number in the batches */
	double *offset[OOD_MAX_LAYERS];   /* (C,d): P (mu_c - centre) */
	double *constant[OOD_MAX_LAYERS]; /* (C): (mu_c - centre)^T P (mu_c - centre); infinite: no samples */
};

void ood_layers_free(struct ood_layers *l)
{
	for (size_t i = 0; l && i < OOD_MAX_LAYERS; i++) {
		free(l->offset[i]);
		free(l->constant[i]);
	}
	free(l);
}

/* Computes what does not depend on the rows from one product M P, M (C,d) the means minus the centre. */
static int prepare_layer(struct ood_layers *l, size_t i, struct err *err)
{
	const struct ood_layer *from = &l->fit->layers[i];
	const struct ood_moments *m = &from->m;
	size_t C = l->fit->classes, d = m->d;
	double *mean = malloc(C * d * sizeof *mean); /* M (C,d) */

	l->offset[i] = malloc(C * d * sizeof **l->offset);
	l->constant[i] = malloc(C * sizeof **l->constant);
	if (!mean || !l->offset[i] || !l->constant[i]) {
		free(mean);
		return err_memory(err);
	}
	for (size_t k = 0; k < C * d; k++)
		mean[k] = m->mean[k] - m->centre[k % d];
	num_matmul(mean, C, from->precision, d, d, l->offset[i]);
	for (size_t c = 0; c < C; c++) {
		l->constant[i][c] = m->count[c] > 0 ? 0 : INFINITY;
		for (size_t k = 0; k < d && m->count[c] > 0; k++)
			l->constant[i][c] += mean[c * d + k] * l->offset[i][c * d + k];
	}
	free(mean);
	return 0;
}

/* Finds the layer's column for steps of size eps. */
static int find_column(struct ood_layers *l, size_t i, const struct ts_header *h, double eps, struct err *err)
{
	const struct ood_layer *from = &l->fit->layers[i];
	char name[48];

	snprintf(name, sizeof name, eps > 0 ? "%s:eps=%g" : "%s", from->name, eps);
	const struct ts_field *field = ts_header_field(h, name);
	if (!field)
		return err_fail(err, "the stream has no column '%s': um-embed %s adds it", name,
				eps > 0 ? "--perturb" : "--layers");
	if (field->type != TS_F32 || field->ndim != 1 || field->shape[0] != from->m.d)
		return err_fail(err, "column '%s' is not <f4 of %zu numbers per row", name, from->m.d);
	l->column[i] = (size_t)(field - h->fields);
	return 0;
}

/* Checks that the layer's steps were towards the means of this fit, as far as the stream says. */
static int check_steps(const struct ood_layers *l, size_t i, const struct ts_header *h, struct err *err)
{
	const struct ood_layer *from = &l->fit->layers[i];
	char key[48], own[17], *said = NULL;
	int rc;

	snprintf(key, sizeof key, "%s.fit", from->name);
	if ((rc = ts_meta_get_str(&h->meta, key, &said)) < 0)
		return err_fail(err, "meta '%s' is not text, or memory ran out", key);
	ood_layer_text(own, from->m.mean, l->fit->classes, from->precision, from->m.d);
	if (rc == 1 && strcmp(said, own) != 0)
		rc = err_fail(err,
			      "the steps of '%s' were made with another fit than this: give this one to um-embed "
			      "--perturb",
			      from->name);
	free(said);
	return rc < 0 ? -1 : 0;
}

int ood_layers_new(struct ood_layers **ret, const struct ood_fit *f, const struct ts_header *h, double eps,
		   struct err *err)
{
	struct ood_layers *l = *ret = calloc(1, sizeof *l);

	if (!l)
		return err_memory(err);
	if (num_linalg_open(err) < 0)
		return -1;
	l->fit = f;
	if (f->n_layers == 0)
		return err_fail(err, "the fit has no layers: it takes features with um-embed --layers");
	for (size_t i = 0; i < f->n_layers; i++)
		if (find_column(l, i, h, eps, err) < 0 || (eps > 0 && check_steps(l, i, h, err) < 0) ||
		    prepare_layer(l, i, err) < 0)
			return -1;
	return 0;
}

/* One layer's scores of n rows x (n,d), out[k * stride]. The centre is subtracted from x to preserve precision: f^T P f
 * - 2 f^T P mu + mu^T P mu. */
static int score_layer(const struct ood_layers *l, size_t i, const float *x, size_t n, double *out, size_t stride)
{
	const struct ood_layer *from = &l->fit->layers[i];
	size_t C = l->fit->classes, d = from->m.d;
	double *f = malloc((2 * n * d + n * C) * sizeof *f); /* (n,d): x minus the centre */
	double *p, *cross;                                   /* (n,d): f P; (n,C): f P mu^T */

	if (!f)
		return -1;
	p = f + n * d;
	cross = p + n * d;
	for (size_t k = 0; k < n * d; k++)
		f[k] = (double)x[k] - from->m.centre[k % d];
	num_matmul(f, n, from->precision, d, d, p);
	num_matmul(f, n, l->offset[i], C, d, cross);
	for (size_t k = 0; k < n; k++) {
		double square = 0, least = INFINITY;
		for (size_t a = 0; a < d; a++)
			square += f[k * d + a] * p[k * d + a];
		for (size_t c = 0; c < C; c++)
			least = fmin(least, l->constant[i][c] - 2 * cross[k * C + c]);
		out[k * stride] = -(square + least);
	}
	free(f);
	return 0;
}

int ood_layers_score(const struct ood_layers *l, const struct ts_batch *b, size_t first, size_t n, double *out)
{
	for (size_t i = 0; i < l->fit->n_layers; i++) {
		const float *x = b->cols[l->column[i]].data;
		if (score_layer(l, i, x + first * l->fit->layers[i].m.d, n, out + i, l->fit->n_layers) < 0)
			return -1;
	}
	return 0;
}

/* ---- the methods ------------------------------------------------------------------------------- */

struct state {
	struct ood_layers *layers;
	double weight[OOD_MAX_LAYERS], bias; /* of a layer's score */
};

static void release(void *state)
{
	ood_layers_free(((struct state *)state)->layers);
}

static int prepare_one(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	struct state *st = s->state = ood_keep(s, 1, sizeof *st, err);
	size_t i = (size_t)s->request.params[0];

	if (!st)
		return -1;
	if (!f)
		return err_fail(err, "it needs --fit, the training data's fit from ood-fit");
	if (f->n_layers > 0 && i >= f->n_layers)
		return err_fail(err, "the fit has layers 0 to %zu", f->n_layers - 1);
	st->weight[i] = 1;
	s->release = release;
	return ood_layers_new(&st->layers, f, s->basis->header, s->request.params[1], err);
}

static int prepare_all(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	struct state *st = s->state = ood_keep(s, 1, sizeof *st, err);
	struct ts_tensor w = { 0 };
	double eps = 0;
	char *how = NULL;

	if (!st)
		return -1;
	if (!f)
		return err_fail(err, "it needs --fit, the training data's fit from ood-fit");
	int rc = ts_meta_get_tensor(&f->header.meta, "layers.weight", &w);
	if (rc != 1 || w.type != TS_F64 || w.ndim != 1 || w.shape[0] != f->n_layers ||
	    ts_meta_get_double(&f->header.meta, "layers.bias", &st->bias) != 1 ||
	    ts_meta_get_double(&f->header.meta, "layers.eps", &eps) != 1 ||
	    ts_meta_get_str(&f->header.meta, "layers.tuning", &how) != 1) {
		ts_tensor_release(&w);
		return err_fail(err, "the fit has no combination of layers: ood-fit --tune adds it");
	}
	memcpy(st->weight, w.data, f->n_layers * sizeof *st->weight);
	ts_tensor_release(&w);
	s->release = release;
	snprintf(s->note, sizeof s->note, "%zu layers at eps=%g, tuned on %s data", f->n_layers, eps, how);
	free(how);
	return ood_layers_new(&st->layers, f, s->basis->header, eps, err);
}

static int score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct state *st = s->state;
	size_t L = s->basis->fit->n_layers;
	double layer[OOD_CHUNK * OOD_MAX_LAYERS];

	if (ood_layers_score(st->layers, rows->batch, rows->first, rows->n, layer) < 0)
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		out[i] = st->bias;
		for (size_t k = 0; k < L; k++)
			out[i] += st->weight[k] * layer[i * L + k];
	}
	return 0;
}

const struct ood_method ood_layers_family[] = {
	{ .name = "mahalanobis-layers",
	  .help = "Mahalanobis distances in all layers, combined by ood-fit --tune",
	  .needs = "um-embed --layers, --fit of ood-fit --tune",
	  .alone = true,
	  .fitted = true,
	  .prepare = prepare_all,
	  .score = score },
	{ .name = "mahalanobis-layer",
	  .help = "Mahalanobis distance in one layer",
	  .needs = "um-embed --layers, --fit",
	  .params = { { "layer", 0, 0, OOD_MAX_LAYERS - 1, "its number" },
		      { "eps", 0, 0, 1, "step towards the class, one that um-embed --perturb made; 0: none" } },
	  .alone = true,
	  .fitted = true,
	  .prepare = prepare_one,
	  .score = score },
	{ 0 }
};
