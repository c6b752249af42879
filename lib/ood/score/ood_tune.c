/* SPDX-License-Identifier: MIT
 * Parameters fitted to validation data: the combination of layers (step size and weights), and the weights of the Gram
 * matrices' deviations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ood/ood_identity.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_layers.h"
#include "num/num_logistic.h"
#include "ood/eval/ood_metrics.h"
#include "num/num_sort.h"
#include "ood/score/ood_tune.h"

enum { MAX_EPS = 32 };

/* The scores of one stream's rows: a table per step size. */
struct table {
	size_t n, cap;
	double *v[MAX_EPS]; /* (n,L) each */
	uint64_t names;     /* hash of the rows' names; 0: they have none */
};

struct tuning {
	struct ood_fit *fit;
	double eps[MAX_EPS];
	size_t n_eps, L; /* step sizes, layers */
	struct table id, adversarial;
	bool published;
	double *gram;        /* (n_grams) sums over the ID rows; NULL: not wanted */
	size_t *gram_column; /* (n_grams) numbers of the ID stream's columns */
	size_t logits_at;    /* that of its logits */
};

/* A combination, and how well it does on the half that it was not fitted to. */
struct combination {
	double weight[OOD_MAX_LAYERS], bias, auroc, fpr95;
};

void ood_tune_forget(struct ts_meta *m)
{
	static const char *const keys[] = { "layers.eps",    "layers.weight", "layers.bias", "layers.rows",
					    "layers.tuning", "layers.auroc",  "gram.weight" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		ts_meta_del(m, keys[i]);
}

/* The step sizes of the first layer's columns; every other layer must have them too. */
static int find_eps(struct tuning *t, struct ts_reader *r, const struct ts_header *h)
{
	const char *name = t->fit->layers[0].name;
	size_t len = strlen(name);

	if (ts_header_field(h, name))
		t->eps[t->n_eps++] = 0;
	for (size_t i = 0; i < h->n_fields; i++) {
		const char *field = h->fields[i].name;
		if (strncmp(field, name, len) != 0 || strncmp(field + len, ":eps=", 5) != 0)
			continue;
		if (t->n_eps == MAX_EPS)
			return ts_reader_fail(r, "more than %d step sizes", MAX_EPS);
		t->eps[t->n_eps++] = strtod(field + len + 5, NULL);
	}
	return t->n_eps ? 0 : ts_reader_fail(r, "the stream has no column '%s': um-embed --layers adds it", name);
}

/* Scores b's rows in every layer at every step size. -1: out of memory. */
static int take_batch(const struct tuning *t, struct table *to, struct ood_layers *const *layers,
		      const struct ts_batch *b)
{
	size_t cap = ood_capacity(to->cap, to->n + b->n);

	if (cap != to->cap && ood_grow(to->v, t->n_eps, cap, t->L * sizeof **to->v) < 0)
		return -1;
	to->cap = cap;
	for (size_t e = 0; e < t->n_eps; e++)
		if (ood_layers_score(layers[e], b, 0, b->n, to->v[e] + to->n * t->L) < 0)
			return -1;
	to->n += b->n;
	return 0;
}

/* Checks that a stream is of the fit's model, and that the ID rows were not attacked. */
static int check_stream(const struct tuning *t, const struct table *to, struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_header(r);

	if (!ts_meta_agree(&h->meta, &t->fit->header.meta, "model"))
		return ts_reader_fail(r, "is of another model than the fit");
	if (!ood_same_precision(&h->meta, &t->fit->header.meta))
		return ts_reader_fail(r, "was not computed in the same precision as the fit (um-embed --precision)");
	if (to == &t->id && ts_meta_has(&h->meta, "fgsm.eps"))
		return ts_reader_fail(r, "holds attacked images (um-embed --fgsm): give it to --against, and the "
					 "images as they are in its place");
	return 0;
}

/* Adds the names of b's rows, at column `at`, to the table's hash. */
static void take_names(struct table *to, const struct ts_batch *b, ptrdiff_t at)
{
	for (size_t i = 0; at >= 0 && i < b->n; i++) {
		const char *name = ts_col_str(&b->cols[at], i);
		to->names = XXH3_64bits_withSeed(name, strlen(name), to->names);
	}
}

/* Reads a stream into its table. */
static int take_stream(const struct tuning *t, struct table *to, struct ts_reader *r, struct err *err)
{
	const struct ts_header *h = ts_reader_expect(r, "features");
	const ptrdiff_t name_at = h ? ts_header_col(h, "name") : -1;
	struct ood_layers *layers[MAX_EPS] = { NULL };
	struct ts_batch b = { 0 };
	int rc = h ? check_stream(t, to, r) : -1;

	for (size_t e = 0; e < t->n_eps && rc == 0; e++)
		if (ood_layers_new(&layers[e], t->fit, h, t->eps[e], err) < 0)
			rc = ts_reader_fail(r, "%s", err->text);
	if (rc == 0 && ts_batch_init(&b, h) < 0)
		rc = ts_reader_fail(r, "out of memory");
	while (rc == 0 && (rc = ts_reader_next(r, &b)) == 1) {
		rc = 0;
		if (take_batch(t, to, layers, &b))
			rc = ts_reader_fail(r, "out of memory");
		take_names(to, &b, name_at);
		if (to == &t->id && t->gram)
			ood_gram_deviations(t->fit, &b, b.cols[t->logits_at].data, t->gram_column, t->gram);
	}
	for (size_t i = 0; rc == 0 && i < to->n * t->L * t->n_eps; i++)
		if (!isfinite(to->v[i / (to->n * t->L)][i % (to->n * t->L)]))
			rc = ts_reader_fail(r, "row %zu: a layer's score is not finite", i % (to->n * t->L) / t->L);
	if (rc == 0 && to->n < 4)
		rc = ts_reader_fail(r, "%zu rows are too few to tune with; it takes 4", to->n);
	if (rc)
		err_fail(err, "%s", ts_reader_error(r));
	ts_batch_release(&b);
	for (size_t e = 0; e < t->n_eps; e++)
		ood_layers_free(layers[e]);
	return rc;
}

/* Which half a row is in, the same for an image and its adversarial counterpart: the top bit of row / golden ratio.
 * That takes nearly every second row, but stays out of step with any order of the rows, sorted or alternating. */
static bool is_fitted_to(size_t row)
{
	return row * UINT64_C(0x9e3779b97f4a7c15) >> 63 == 0;
}

/* Brings the columns of x (n,L) to mean 0 and variance 1. */
static void standardise(double *x, size_t n, size_t L, double *mean, double *std)
{
	for (size_t k = 0; k < L; k++) {
		double sum = 0, squares = 0;
		for (size_t i = 0; i < n; i++)
			sum += x[i * L + k];
		mean[k] = sum / (double)n;
		for (size_t i = 0; i < n; i++)
			squares += (x[i * L + k] - mean[k]) * (x[i * L + k] - mean[k]);
		std[k] = squares > 0 ? sqrt(squares / (double)n) : 1;
		for (size_t i = 0; i < n; i++)
			x[i * L + k] = (x[i * L + k] - mean[k]) / std[k];
	}
}

/* Fits to one half, on standardised columns, then scales the weights back to the original columns. */
static int fit_half(const struct tuning *t, size_t e, struct combination *c, struct err *err)
{
	const struct table *of[2] = { &t->id, &t->adversarial };
	size_t L = t->L, n = 0;
	double *x = malloc((t->id.n + t->adversarial.n) * L * sizeof *x); /* (n,L) */
	uint8_t *positive = malloc(t->id.n + t->adversarial.n);           /* (n): is it ID? */
	double mean[OOD_MAX_LAYERS], std[OOD_MAX_LAYERS];
	int rc = x && positive ? 0 : err_memory(err);

	for (int which = 0; which < 2 && rc == 0; which++)
		for (size_t i = 0; i < of[which]->n; i++)
			if (is_fitted_to(i)) {
				memcpy(x + n * L, of[which]->v[e] + i * L, L * sizeof *x);
				positive[n++] = which == 0;
			}
	if (rc == 0) {
		standardise(x, n, L, mean, std);
		rc = num_logistic_fit(x, positive, n, L, 1, c->weight, &c->bias, err);
	}
	for (size_t k = 0; k < L && rc == 0; k++) {
		c->weight[k] /= std[k];
		c->bias -= c->weight[k] * mean[k];
	}
	free(x);
	free(positive);
	return rc;
}

/* Sorted combined scores of the other half of a table, (n). NULL: out of memory. */
static float *other_half(const struct tuning *t, const struct table *of, size_t e, const struct combination *c,
			 size_t *n)
{
	float *v = malloc(of->n * sizeof *v);

	*n = 0;
	for (size_t i = 0; v && i < of->n; i++) {
		double sum = c->bias;
		for (size_t k = 0; k < t->L; k++)
			sum += c->weight[k] * of->v[e][i * t->L + k];
		if (!is_fitted_to(i))
			v[(*n)++] = (float)sum;
	}
	if (v && num_sort(v, *n) < 0) {
		free(v);
		return NULL;
	}
	return v;
}

/* How well the combination separates ID from adversarial in the half that it was not fitted to. */
static int judge(const struct tuning *t, size_t e, struct combination *c, struct err *err)
{
	static const struct ood_conventions by = { .fpr = OOD_FPR_NEAREST };
	struct ood_sample id = { 0 }, adversarial = { 0 };
	float *a = other_half(t, &t->id, e, c, &id.n), *b = other_half(t, &t->adversarial, e, c, &adversarial.n);
	int rc = a && b ? 0 : err_memory(err);

	if (rc == 0) {
		id.v = a;
		adversarial.v = b;
		struct ood_metrics m = ood_compare(&id, &adversarial, &by);
		c->auroc = m.v[OOD_AUROC];
		c->fpr95 = m.v[OOD_FPR95];
	}
	free(a);
	free(b);
	return rc;
}

static int keep(struct tuning *t, const struct combination *c, double eps)
{
	struct ts_meta *m = &t->fit->header.meta;
	struct ts_tensor w = { .name = (char[]){ "layers.weight" },
			       .type = TS_F64,
			       .ndim = 1,
			       .shape = { t->L },
			       .data = (void *)c->weight };

	return ts_meta_set_double(m, "layers.eps", eps) < 0 || ts_meta_set_tensor(m, "layers.weight", &w) < 0 ||
			       ts_meta_set_double(m, "layers.bias", c->bias) < 0 ||
			       ts_meta_set_int(m, "layers.rows", (int64_t)t->id.n) < 0 ||
			       ts_meta_set_str(m, "layers.tuning", t->published ? "published" : "held-out") < 0 ||
			       ts_meta_set_double(m, "layers.auroc", c->auroc) < 0 ?
		       -1 :
		       0;
}

/* The best combination; of equally good ones, that of the first eps. */
static int choose(struct tuning *t, struct err *err)
{
	struct combination best = { .auroc = -1, .fpr95 = 2 };
	double eps = 0;

	for (size_t e = 0; e < t->n_eps; e++) {
		struct combination c = { .bias = 0 };
		if (fit_half(t, e, &c, err) < 0 || judge(t, e, &c, err) < 0)
			return err_prefix(err, "the combination of layers at eps=%g: ", t->eps[e]);
		if (t->published ? c.fpr95 < best.fpr95 : c.auroc > best.auroc) {
			best = c;
			eps = t->eps[e];
		}
	}
	return keep(t, &best, eps) ? err_memory(err) : 0;
}

/* Finds what the streams can tune, and fails if there is nothing. */
static int begin(struct tuning *t, struct ts_reader *id, const struct ts_reader *adversarial)
{
	const struct ts_header *h = ts_reader_expect(id, "features");
	const struct ts_field *logits = h ? ts_header_field(h, "logits") : NULL;

	if (!h)
		return -1;
	if (!logits || logits->type != TS_F32 || logits->ndim != 1 || logits->shape[0] != t->fit->classes)
		return ts_reader_fail(id, "has no column 'logits' of the fit's %zu classes", t->fit->classes);
	t->logits_at = (size_t)(logits - h->fields);
	if (!(t->gram_column = calloc(t->fit->n_grams + 1, sizeof *t->gram_column)))
		return ts_reader_fail(id, "out of memory");
	if (ood_gram_columns(t->fit, h, t->gram_column) && !(t->gram = calloc(t->fit->n_grams, sizeof *t->gram)))
		return ts_reader_fail(id, "out of memory");
	if (adversarial && t->fit->n_layers == 0)
		return ts_reader_fail(id, "cannot be used: the fit has no layers: it takes features with "
					  "um-embed --layers");
	if (!adversarial && !t->gram)
		return ts_reader_fail(id, "nothing to tune: --against is missing, and columns of the "
					  "fit from um-embed --gram are");
	return adversarial ? find_eps(t, id, h) : 0;
}

/* Were the images not changed? */
static bool same_values(const struct tuning *t)
{
	if (t->id.n == 0) /* and no memory */
		return false;
	for (size_t e = 0; e < t->n_eps; e++)
		if (memcmp(t->id.v[e], t->adversarial.v[e], t->id.n * t->L * sizeof **t->id.v) != 0)
			return false;
	return true;
}

int ood_tune(struct ood_fit *f, struct ts_reader *id, struct ts_reader *adversarial, bool published, struct err *err)
{
	struct tuning *t = calloc(1, sizeof *t);
	int rc = t ? 0 : err_memory(err);

	if (rc)
		return rc;
	t->fit = f;
	t->L = f->n_layers;
	t->published = published;
	if (begin(t, id, adversarial))
		rc = err_fail(err, "%s", ts_reader_error(id));
	if (rc == 0)
		rc = take_stream(t, &t->id, id, err);
	if (rc == 0 && adversarial)
		rc = take_stream(t, &t->adversarial, adversarial, err);
	if (rc == 0 && adversarial && t->adversarial.n != t->id.n)
		rc = err_fail(err, "'%s' has %zu rows and '%s' %zu: the same images are needed, in the same order",
			      ts_reader_name(adversarial), t->adversarial.n, ts_reader_name(id), t->id.n);
	if (rc == 0 && adversarial && t->id.names && t->adversarial.names && t->id.names != t->adversarial.names)
		rc = err_fail(err, "'%s' and '%s' have other names: the same images are needed, in the same order",
			      ts_reader_name(adversarial), ts_reader_name(id));
	if (rc == 0 && adversarial && same_values(t))
		rc = err_fail(err,
			      "'%s' has the same values as '%s': --against takes features of adversarial versions of "
			      "its images (um-embed --fgsm)",
			      ts_reader_name(adversarial), ts_reader_name(id));
	if (rc == 0 && adversarial)
		rc = choose(t, err);
	if (rc == 0 && t->gram)
		rc = ood_gram_tune(f, t->gram, t->id.n, err);
	for (size_t e = 0; e < MAX_EPS; e++) {
		free(t->id.v[e]);
		free(t->adversarial.v[e]);
	}
	free(t->gram);
	free(t->gram_column);
	free(t);
	return rc;
}
