/* SPDX-License-Identifier: MIT
 * Reads and writes fits as streams of kind "fit". Input is not trusted: shapes, counts and labels are checked against
 * each other, so that no score reads outside an array. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"

/* ---- writing ---------------------------------------------------------------------------------- */

/* The tensors to write: those of the fit's set, then the bank's; all borrowed. */
static int save_tensors(const struct ood_fit *f, struct ts_header *h, struct ts_writer *w, struct err *err)
{
	const struct ood_bank *b = &f->bank;
	char logits[] = "bank.logits", beside[OOD_BESIDES][24];
	size_t n = f->set.n;
	struct ts_set all = { calloc(n + 4 + OOD_BESIDES, sizeof *all.t), n + 4 + OOD_BESIDES, 0 };

	if (!all.t)
		return err_memory(err);
	memcpy(all.t, f->set.t, n * sizeof *all.t);
	all.t[n++] = (struct ts_tensor){ (char[]){ "bank.features" }, b->type, 2, { b->n, f->dim }, b->features };
	if (f->logits)
		all.t[n++] = (struct ts_tensor){ logits, TS_F32, 2, { b->n, f->classes }, b->logits };
	for (size_t i = 0; i < OOD_BESIDES; i++) {
		snprintf(beside[i], sizeof beside[i], "%s", ood_bank_columns[i].tensor);
		if (b->wide[i])
			all.t[n++] = (struct ts_tensor){ beside[i], TS_F32, 2, { b->n, b->wide[i] }, b->beside[i] };
	}
	all.t[n++] = (struct ts_tensor){ (char[]){ "bank.label" }, TS_I64, 1, { b->n }, b->label };
	all.t[n++] = (struct ts_tensor){ (char[]){ "bank.key" }, TS_I64, 1, { b->n }, b->key };
	all.n = b->n == 0 ? f->set.n : n;
	int rc = ts_set_write(w, h, &all, err);
	free(all.t);
	return rc;
}

int ood_fit_write(struct ood_fit *f, struct ts_header *h, struct ts_writer *w, struct err *err)
{
	struct ts_meta *m = &h->meta;
	long long bank = f->bank.max == SIZE_MAX ? -1 : (long long)f->bank.max;

	if (ts_meta_set_str(m, "fit", "features") < 0 || ts_meta_set_int(m, "rows", (int64_t)f->rows) < 0 ||
	    ts_meta_set_int(m, "unlabelled", (int64_t)f->unlabelled) < 0 || ts_meta_set_int(m, "parts", f->parts) < 0 ||
	    ts_meta_set_int(m, "bank", bank) < 0 || ts_meta_set_int(m, "bank_half", f->bank.type == TS_F16) < 0 ||
	    ts_meta_set_int(m, "seed", (int64_t)f->seed) < 0)
		return err_memory(err);
	return save_tensors(f, h, w, err);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static const struct ts_tensor *want(const struct ts_set *s, const char *name, enum ts_type type, int ndim, size_t a,
				    size_t b, struct err *err)
{
	const struct ts_tensor *t = ts_set_get(s, name);
	const size_t shape[] = { a, b };
	char have[TS_SHAPE], wanted[TS_SHAPE];

	if (!t)
		err_fail(err, "lacks '%s', %s of %s", name, ts_type_name(type), ts_shape_text(ndim, shape, wanted));
	else if (t->type != type || t->ndim != ndim || (ndim > 0 && t->shape[0] != a) || (ndim > 1 && t->shape[1] != b))
		err_fail(err, "tensor '%s', %s of %s, has another type or shape than %s of %s", name,
			 ts_type_name(t->type), ts_shape_text(t->ndim, t->shape, have), ts_type_name(type),
			 ts_shape_text(ndim, shape, wanted));
	else
		return t;
	return NULL;
}

double *ood_fit_tensor(const struct ts_set *s, const char *name, size_t a, size_t b, struct err *err)
{
	const struct ts_tensor *t = want(s, name, TS_F64, b ? 2 : 1, a, b, err);
	double *x = t ? t->data : NULL;

	for (size_t k = 0; x && k < ts_tensor_count(t); k++)
		if (!isfinite(x[k])) {
			err_fail(err, "'%s' holds a number out of range", name);
			return NULL;
		}
	return x;
}

/* Copies what was read into the fit's arrays. */
static int take_arrays(struct ood_fit *f, const struct ts_set *s, struct err *err)
{
	for (size_t i = 0; i < f->set.n; i++) {
		struct ts_tensor *to = &f->set.t[i];
		const double *x = ood_fit_tensor(s, to->name, to->shape[0], to->ndim > 1 ? to->shape[1] : 0, err);
		const bool count = strstr(to->name, ".count") || strstr(to->name, ".total");

		if (!x)
			return -1;
		for (size_t k = 0; count && k < ts_tensor_count(to); k++)
			if (x[k] < 0)
				return err_fail(err, "'%s' holds a number out of range", to->name);
		memcpy(to->data, x, ts_tensor_bytes(to));
	}
	return 0;
}

/* The columns beside the bank's features. */
static int take_besides(struct ood_fit *f, struct ts_set *s, struct err *err)
{
	struct ood_bank *b = &f->bank;

	for (size_t i = 0; i < OOD_BESIDES; i++) {
		const char *name = ood_bank_columns[i].tensor;
		struct ts_tensor *t = ts_set_get(s, name);

		if (!(f->parts & ood_bank_columns[i].part))
			continue;
		const size_t wide = i == OOD_MOVED || !t || t->ndim != 2 || t->shape[1] == 0 ? f->dim : t->shape[1];
		if (!want(s, name, TS_F32, 2, b->n, wide, err))
			return -1;
		b->wide[i] = wide;
		b->beside[i] = t->data;
		t->data = NULL;
		for (size_t k = 0; k < b->n * wide; k++)
			if (!isfinite(b->beside[i][k]))
				return err_fail(err, "row %zu of its bank is not finite", k / wide);
	}
	return 0;
}

static int take_bank(struct ood_fit *f, struct ts_set *s, struct err *err)
{
	struct ood_bank *b = &f->bank;
	struct ts_tensor *z = ts_set_get(s, "bank.features"), *t;

	if (!z)
		return b->max > 0 && f->rows > 0 ? err_fail(err, "lacks its bank") : 0;
	b->n = b->cap = z->shape[0];
	if (!want(s, "bank.features", b->type, 2, b->n, f->dim, err) ||
	    (f->logits && !want(s, "bank.logits", TS_F32, 2, b->n, f->classes, err)) ||
	    !want(s, "bank.label", TS_I64, 1, b->n, 0, err) || !want(s, "bank.key", TS_I64, 1, b->n, 0, err))
		return -1;
	if (b->n == 0 || b->n > b->max || b->n > f->rows)
		return err_fail(err, "has a bank of %zu rows, which does not fit its meta", b->n);
	b->features = z->data;
	z->data = NULL;
	if (f->logits) {
		b->logits = (t = ts_set_get(s, "bank.logits"))->data;
		t->data = NULL;
	}
	b->label = (t = ts_set_get(s, "bank.label"))->data;
	t->data = NULL;
	b->key = (t = ts_set_get(s, "bank.key"))->data;
	t->data = NULL;
	for (size_t i = 0; i < b->n; i++)
		if (b->label[i] < -1 || b->label[i] >= (int64_t)f->classes)
			return err_fail(err, "row %zu of its bank: labels out of range", i);
	for (size_t i = 0; i < b->n; i++) {
		for (size_t c = 0; f->logits && c < f->classes; c++)
			if (!isfinite(b->logits[i * f->classes + c]))
				return err_fail(err, "row %zu of its bank is not finite", i);
		for (size_t k = 0; k < f->dim; k++)
			if (b->type == TS_F32 && !isfinite(((float *)b->features)[i * f->dim + k]))
				return err_fail(err, "row %zu of its bank is not finite", i);
	}
	return take_besides(f, s, err);
}

static int take_layers(struct ood_fit *f, const struct ts_set *s, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ts_tensor *t = &s->t[i];
		size_t len = strcspn(t->name, ".");
		if (strncmp(t->name, "layer", 5) != 0 || strcmp(t->name + len, ".centre") != 0)
			continue;
		if (f->n_layers == OOD_MAX_LAYERS || len >= sizeof f->layers[0].name || t->ndim != 1)
			return err_fail(err, "tensor '%s' belongs to no layer", t->name);
		struct ood_layer *l = &f->layers[f->n_layers++];
		snprintf(l->name, sizeof l->name, "%.*s", (int)len, t->name);
		l->m.d = t->shape[0];
	}
	return 0;
}

/* Reads sizes and options from the meta and from the tensors' shapes. */
static int take_sizes(struct ood_fit *f, const struct ts_meta *m, const struct ts_set *s, struct err *err)
{
	int64_t rows, unlabelled, parts, bank, half, seed;
	const struct ts_tensor *z = ts_set_get(s, "features.mean");

	if (!z || z->ndim != 2 || z->shape[0] < 1 || z->shape[1] == 0 || ts_meta_get_int(m, "rows", &rows) != 1 ||
	    ts_meta_get_int(m, "bank", &bank) != 1 || ts_meta_get_int(m, "unlabelled", &unlabelled) != 1 ||
	    ts_meta_get_int(m, "parts", &parts) != 1 || ts_meta_get_int(m, "seed", &seed) != 1 ||
	    ts_meta_get_int(m, "bank_half", &half) != 1)
		return err_fail(err, "is not a fit of features; ood-fit makes those");
	if (rows < 1 || unlabelled < 0 || unlabelled > rows || bank < -1 || parts < 0 || parts > 255 || half < 0 ||
	    half > 1)
		return err_fail(err, "its meta holds a number out of range");
	f->logits = ts_set_get(s, "right.features") != NULL;
	f->classes = z->shape[0];
	f->dim = z->shape[1];
	if (f->logits && f->classes < 2)
		return err_fail(err, "has logits of one class");
	f->rows = (uint64_t)rows;
	f->unlabelled = (uint64_t)unlabelled;
	f->parts = (unsigned)parts;
	f->seed = (uint64_t)seed;
	f->bank.max = bank < 0 ? SIZE_MAX : (size_t)bank;
	f->bank.type = half ? TS_F16 : TS_F32;
	return 0;
}

static int take(struct ood_fit *f, struct ts_reader *r, struct ts_set *s, struct err *err)
{
	const struct ts_header *h = ts_reader_expect(r, "fit");

	if (!h || ts_reader_set(r, s) < 0)
		return err_fail(err, "%s", ts_reader_error(r));
	if (take_sizes(f, &h->meta, s, err) < 0 || take_layers(f, s, err) < 0 || ood_gram_find_tensors(f, s, err) < 0)
		return err_prefix(err, "'%s': ", ts_reader_name(r));
	if (ood_fit_alloc(f, err) < 0 || take_arrays(f, s, err) < 0 || take_bank(f, s, err) < 0)
		return err_prefix(err, "'%s': ", ts_reader_name(r));
	ts_header_init(&f->header, "fit");
	if (ood_head_read(&h->meta, f->logits ? f->classes : 0, f->dim, &f->weight, &f->bias, err) < 0)
		return err_prefix(err, "'%s': ", ts_reader_name(r));
	if (ts_meta_merge(&f->header.meta, &h->meta) < 0 || ts_header_chain(&f->header, h) < 0)
		return err_memory(err);
	return 0;
}

int ood_fit_read(struct ood_fit **ret, struct ts_reader *r, struct err *err)
{
	struct ood_fit *f = calloc(1, sizeof *f);
	struct ts_set s = { 0 };
	int rc = f ? take(f, r, &s, err) : err_memory(err);

	ts_set_release(&s);
	if (rc)
		ood_fit_free(f);
	else
		*ret = f;
	return rc;
}

int ood_fit_load(struct ood_fit **ret, const char *path, struct err *err)
{
	struct ts_reader *r = ts_reader_open(path);
	int rc = r ? ood_fit_read(ret, r, err) : err_memory(err);

	ts_reader_close(r);
	return rc;
}
