/* SPDX-License-Identifier: MIT
 * What scores take from a stream of features. */
#include <stdlib.h>
#include <string.h>

#include "ood/ood_identity.h"
#include "ood/score/ood_method.h"

int ood_basis_of(struct ood_basis *s, const struct ts_header *h, struct err *err)
{
	const struct ts_field *logits = ts_header_field(h, "logits"), *features = ts_header_field(h, "features");

	*s = (struct ood_basis){ .header = h };
	if (!logits && !features)
		return err_fail(err, "has neither a column 'logits' nor a column 'features'");
	if (logits && (logits->type != TS_F32 || logits->ndim != 1 || logits->shape[0] < 2))
		return err_fail(err, "column 'logits' is not <f4 of two or more classes");
	if (features && (features->type != TS_F32 || features->ndim != 1 || features->shape[0] == 0))
		return err_fail(err, "column 'features' is not one <f4 vector per row");
	s->classes = logits ? logits->shape[0] : 0;
	s->dim = features ? features->shape[0] : 0;
	s->logits_at = logits ? (size_t)(logits - h->fields) : 0;
	s->features_at = features ? (size_t)(features - h->fields) : 0;
	s->label_at = ts_header_col(h, "label");
	s->name_at = ts_header_col(h, "name");
	return ood_head_read(&h->meta, s->classes, s->dim, &s->weight, &s->bias, err);
}

int ood_basis_init(struct ood_basis *s, struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_expect(r, "features");
	struct err err;

	*s = (struct ood_basis){ .header = h };
	if (!h)
		return -1;
	return ood_basis_of(s, h, &err) < 0 ? ts_reader_fail(r, "%s", err.text) : 0;
}

void ood_basis_release(struct ood_basis *s)
{
	free(s->weight);
	free(s->bias);
	*s = (struct ood_basis){ 0 };
}

/* If both name their model (net_identity()), the names decide, else the last layer. */
static bool same_model(const struct ood_basis *s, const struct ood_fit *f)
{
	if (f->dim != s->dim || !ts_meta_agree(&s->header->meta, &f->header.meta, "model"))
		return false;
	if (s->classes == 0 || !f->logits) /* features alone: nothing else to compare */
		return true;
	if (f->classes != s->classes || !f->weight != !s->weight)
		return false;
	for (size_t i = 0; f->weight && i < f->classes * f->dim; i++)
		if (f->weight[i] != s->weight[i])
			return false;
	return true;
}

int ood_basis_check(const struct ood_basis *s, const char *name, const struct ood_fit *f, const char *path,
		    struct err *err)
{
	if (!same_model(s, f))
		return err_fail(err,
				"fit '%s' and features '%s' are of different models, or made by different "
				"versions of unmask: make both anew",
				path, name);
	if (!ood_same_precision(&s->header->meta, &f->header.meta))
		return err_fail(err,
				"fit '%s' and features '%s' were computed in other precisions: give um-embed the same "
				"--precision for both",
				path, name);
	return 0;
}

int ood_basis_fit(const struct ood_basis *s, const char *name, struct ood_fit **ret, const char *path, struct err *err)
{
	*ret = NULL;
	if (ood_fit_load(ret, path, err) < 0)
		return -1;
	return ood_basis_check(s, name, *ret, path, err);
}
