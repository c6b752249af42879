/* SPDX-License-Identifier: MIT
 * Makes the header of a scores stream, and the columns copied from the features. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "num/num_softmax.h"
#include "ood/ood_identity.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_output.h"

static int add_column(struct ts_header *h, const char *name, enum ts_type type, struct err *err)
{
	if (ts_header_field(h, name))
		return err_fail(err, "column '%s' appears twice", name);
	return ts_header_add(h, name, type, 0, NULL) < 0 ? err_memory(err) : 0;
}

static int add_methods(struct ts_header *h, const struct ood_scorer *s, size_t n, const char *extra, struct err *err)
{
	char text[OOD_MAX_TEXT], **methods = calloc(n + 2, sizeof *methods);
	size_t k = 0;
	int rc = methods ? 0 : err_memory(err);

	for (; rc == 0 && k < n; k++) {
		ood_request_text(&s[k].request, text, sizeof text);
		methods[k] = strdup(text);
		rc = methods[k] ? add_column(h, s[k].request.column, TS_F32, err) : err_memory(err);
	}
	if (rc == 0 && extra) {
		methods[k] = strdup(extra);
		rc = methods[k++] ? add_column(h, extra, TS_F32, err) : err_memory(err);
	}
	if (rc == 0 && ts_meta_set_strs(&h->meta, "methods", methods, k) < 0)
		rc = err_memory(err);
	ts_strs_free(methods, k);
	return rc;
}

/* ood_fit_hash()'s h and the fit's bank, whose rows follow from the data, from how many they are at most, and from the
 * seed. */
static uint64_t bank_hash(const struct ood_fit *f, uint64_t h)
{
	const uint64_t made[3] = { f ? f->bank.n : 0, f ? f->bank.type : 0, f ? f->seed : 0 };

	return f ? XXH3_64bits_withSeed(made, sizeof made, h) : h;
}

static bool uses_bank(const struct ood_method *m)
{
	return m->parts & (OOD_PART_BANK | OOD_PART_MOVED | OOD_PART_EXTREMES);
}

/* Hash of what the stream's meta says of how a method's columns were made, in any order, and in what precision. 0:
 * nothing. */
static uint64_t columns_hash(const struct ts_meta *m, const struct ood_method *method)
{
	const char *made = method->made ? method->made : method->name;
	const size_t len = strlen(made);
	uint64_t h = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct ts_entry *e = &m->e[i];
		if ((strncmp(e->key, made, len) == 0 && e->key[len] == '.') || strcmp(e->key, OOD_PRECISION) == 0)
			h += XXH3_64bits_withSeed(e->bytes, e->len, XXH3_64bits(e->key, strlen(e->key)));
	}
	return h;
}

/* The model that made the features: the one they name, else a hash of their last layer, or "". */
static int model_of(const struct ood_basis *from, char model[17], struct err *err)
{
	char *said = NULL;
	int rc = ts_meta_get_str(&from->header->meta, "model", &said);

	model[0] = '\0';
	if (rc < 0)
		return err_fail(err, "meta 'model' is not a string, or memory ran out");
	if (rc == 1)
		snprintf(model, 17, "%s", said);
	else if (from->weight)
		snprintf(model, 17, "%016llx",
			 (unsigned long long)XXH3_64bits(from->weight,
							 from->classes * from->dim * sizeof *from->weight));
	free(said);
	return 0;
}

/* Records what made each column (ood_identity.h); for the combined one, all of them. */
static int add_identities(struct ts_header *h, const struct ood_basis *from, const struct ood_scorer *s, size_t n,
			  const char *extra, struct err *err)
{
	const uint64_t fits[2] = { ood_fit_hash(from->fit), ood_fit_hash(from->val) },
		       outliers = ood_fit_hash(from->outliers);
	const uint64_t banks[2] = { bank_hash(from->fit, fits[0]), bank_hash(from->val, fits[1]) };
	char model[17], text[OOD_MAX_TEXT], id[OOD_IDENTITY], **all = calloc(n + 2, sizeof *all);
	uint64_t hash, together, columns;
	size_t k = 0;
	int rc = all ? model_of(from, model, err) : err_memory(err);

	together = rc == 0 ? XXH3_64bits(model, strlen(model)) : 0;
	for (; rc == 0 && k < n + (extra != NULL); k++) {
		if (k < n) {
			ood_request_text(&s[k].request, text, sizeof text);
			hash = XXH3_64bits_withSeed(text, strlen(text), XXH3_64bits(model, strlen(model)));
			if (ood_method_fitted(s[k].request.method))
				hash = XXH3_64bits_withSeed(uses_bank(s[k].request.method) ? banks : fits, sizeof fits,
							    hash);
			if (s[k].request.method->outliers)
				hash = XXH3_64bits_withSeed(&outliers, sizeof outliers, hash);
			if ((columns = columns_hash(&from->header->meta, s[k].request.method)) != 0)
				hash = XXH3_64bits_withSeed(&columns, sizeof columns, hash);
			together = XXH3_64bits_withSeed(&hash, sizeof hash, together);
		}
		ood_identity_text(id, model, k < n ? hash : together, k < n ? s[k].request.column : extra);
		if (!(all[k] = strdup(id)))
			rc = err_memory(err);
	}
	if (rc == 0 && ts_meta_set_strs(&h->meta, "identities", all, k) < 0)
		rc = err_memory(err);
	ts_strs_free(all, all ? k : 0);
	return rc;
}

/* Records on which data a combination of layers was tuned, so that nobody mistakes a score tuned on the test set for
 * one that was not. */
static int add_tuning(struct ts_header *h, const struct ood_scorer *s, size_t n, struct err *err)
{
	char *how = NULL;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (strcmp(s[i].request.method->name, "mahalanobis-layers") != 0)
			continue;
		int have = ts_meta_get_str(&s[i].basis->fit->header.meta, "layers.tuning", &how);
		if (have < 0)
			rc = err_fail(err, "the fit's meta 'layers.tuning' is not a string, or memory ran out");
		if (have != 1)
			continue;
		rc = ts_meta_set_str(&h->meta, "layers.tuning", how) < 0 ? err_memory(err) : 0;
		free(how);
	}
	return rc;
}

/* The names of the model's classes: those of the fit's data, if their number is right, or else the stream's. They
 * differ where images of other classes, or in another order, went through a model that cannot name its own. */
static int name_classes(struct ood_output *o, struct ts_meta *m, const struct ood_basis *from, struct err *err)
{
	const struct ts_header *fit = from->fit ? &from->fit->header : NULL;
	char **own = NULL, **learnt = NULL;
	size_t n_own = 0, n = 0;
	int have = ts_meta_get_strs(m, "classes", &own, &n_own);
	int rc = have < 0 || (fit && ts_meta_get_strs(&fit->meta, "classes", &learnt, &n) < 0) ? -1 : 0;

	bool fits = n && n == from->classes; /* false for features without logits */

	if (rc == 0 && fits && have == 1 && !ts_same_classes(own, n_own, learnt, n))
		rc = ts_map_classes(&o->classes, own, n_own, learnt, n);
	if (rc == 0 && fits && (have == 0 || o->classes.to))
		rc = ts_meta_set_strs(m, "classes", learnt, n);
	ts_strs_free(own, n_own);
	ts_strs_free(learnt, n);
	return rc < 0 ? err_fail(err, "meta 'classes' is not a list of names, or memory ran out") : 0;
}

int ood_output_init(struct ood_output *o, struct ts_header *h, const struct ood_basis *from, const struct ood_scorer *s,
		    size_t n, const char *extra, struct err *err)
{
	*o = (struct ood_output){ .from = from };
	if (ts_meta_merge(&h->meta, &from->header->meta) < 0)
		return err_memory(err);
	ts_meta_del(&h->meta, "fc.weight"); /* large, and of no use with scores */
	ts_meta_del(&h->meta, "fc.bias");
	ts_meta_del(&h->meta, "model"); /* each column's identity has it */
	if (name_classes(o, &h->meta, from, err) < 0)
		return -1;
	if (add_methods(h, s, n, extra, err) < 0 || add_identities(h, from, s, n, extra, err) < 0 ||
	    add_tuning(h, s, n, err) < 0 || (from->classes && add_column(h, "pred", TS_I64, err) < 0) ||
	    (from->label_at >= 0 && add_column(h, "label", TS_I64, err) < 0) ||
	    (from->name_at >= 0 && add_column(h, "name", TS_STR, err) < 0))
		return -1;
	o->pred = ts_header_col(h, "pred");
	o->label = ts_header_col(h, "label");
	o->name = ts_header_col(h, "name");
	return 0;
}

int ood_output_rows(const struct ood_output *o, struct ts_batch *to, const struct ts_batch *from, uint64_t row,
		    struct err *err)
{
	const size_t C = o->from->classes;
	const float *logits = C ? from->cols[o->from->logits_at].data : NULL; /* (n,C) */
	const int64_t *label = o->label >= 0 ? from->cols[o->from->label_at].data : NULL;
	const struct ts_col *name = o->name >= 0 ? &from->cols[o->from->name_at] : NULL;
	int64_t *pred = C ? to->cols[o->pred].data : NULL, *to_label = label ? to->cols[o->label].data : NULL;

	for (size_t i = 0; i < from->n; i++) {
		if (pred)
			pred[i] = (int64_t)num_argmax(logits + i * C, C);
		if (label && C && (label[i] < -1 || label[i] >= (int64_t)C))
			return err_fail(err, "row %llu: labels out of range: %lld, with %zu classes",
					(unsigned long long)(row + i), (long long)label[i], C);
		if (label)
			to_label[i] = ts_class_of(&o->classes, label[i]);
		if (name && ts_col_set_str(&to->cols[o->name], i, ts_col_str(name, i)) < 0)
			return err_memory(err);
	}
	return 0;
}

void ood_output_release(struct ood_output *o)
{
	ts_class_map_release(&o->classes);
}
