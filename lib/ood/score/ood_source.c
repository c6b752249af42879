/* SPDX-License-Identifier: MIT
 * What a stream of features gives to scores. */
#include <stdlib.h>

#include "ood/score/ood_method.h"

int ood_source_init(struct ood_source *s, struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_expect(r, "features");
	const struct ts_field *logits = h ? ts_header_field(h, "logits") : NULL;
	const struct ts_field *features = h ? ts_header_field(h, "features") : NULL;
	const struct ts_field *label = h ? ts_header_field(h, "label") : NULL;
	const struct ts_field *name = h ? ts_header_field(h, "name") : NULL;

	*s = (struct ood_source){ .header = h };
	if (!h)
		return -1;
	if (!logits)
		return ts_reader_fail(r, "has no column 'logits'");
	if (logits->type != TS_F32 || logits->ndim != 1 || logits->shape[0] < 2)
		return ts_reader_fail(r, "column 'logits' is not <f4 of two or more classes");
	if (features && (features->type != TS_F32 || features->ndim != 1 || features->shape[0] == 0))
		return ts_reader_fail(r, "column 'features' is not one <f4 vector per row");
	if (label && (label->type != TS_I64 || label->ndim != 0))
		return ts_reader_fail(r, "column 'label' is not one <i8 per row");
	if (name && name->type != TS_STR)
		return ts_reader_fail(r, "column 'name' is not strings");
	s->classes = logits->shape[0];
	s->dim = features ? features->shape[0] : 0;
	s->logits_at = (size_t)(logits - h->fields);
	s->features_at = features ? (size_t)(features - h->fields) : 0;
	s->label_at = ts_header_col(h, "label");
	s->name_at = ts_header_col(h, "name");
	if (ood_head_read(&h->meta, s->classes, s->dim, &s->weight, &s->bias) < 0)
		return ts_reader_fail(r, "out of memory");
	return 0;
}

void ood_source_release(struct ood_source *s)
{
	free(s->weight);
	free(s->bias);
	*s = (struct ood_source){ 0 };
}

bool ood_source_same_model(const struct ood_source *s, const struct ood_fit *f)
{
	if (f->classes != s->classes || f->dim != s->dim || !f->weight != !s->weight)
		return false;
	for (size_t i = 0; f->weight && i < f->classes * f->dim; i++)
		if (f->weight[i] != s->weight[i])
			return false;
	return true;
}
