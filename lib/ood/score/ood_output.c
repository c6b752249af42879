/* SPDX-License-Identifier: MIT
 * The header and the passing columns of a scores stream. */
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_output.h"

static int add_methods(struct ts_header *h, const struct ood_scorer *s, size_t n, const char *extra)
{
	char text[OOD_MAX_COLUMN + 64], **methods = calloc(n + 2, sizeof *methods);
	size_t k = 0;
	int rc = methods ? 0 : -1;

	for (; rc == 0 && k < n; k++) {
		ood_request_text(&s[k].request, text, sizeof text);
		methods[k] = strdup(text);
		if (!methods[k] || ts_header_add(h, s[k].request.column, TS_F32, 0, NULL))
			rc = -1;
	}
	if (rc == 0 && extra)
		rc = !(methods[k++] = strdup(extra)) || ts_header_add(h, extra, TS_F32, 0, NULL);
	if (rc == 0)
		rc = ts_meta_set_strs(&h->meta, "methods", methods, k);
	ts_strs_free(methods, k);
	return rc ? -1 : 0;
}

/* On which data a combination of layers was tuned, so that nobody takes a score that has seen the test set for
 * one that has not. */
static int add_tuning(struct ts_header *h, const struct ood_scorer *s, size_t n)
{
	char *how = NULL;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (strcmp(s[i].request.method->name, "mahalanobis-layers") != 0 ||
		    ts_meta_get_str(&s[i].source->fit->header.meta, "layers.tuning", &how) != 1)
			continue;
		rc = ts_meta_set_str(&h->meta, "layers.tuning", how);
		free(how);
	}
	return rc;
}

int ood_output_header(struct ts_header *h, const struct ts_header *from, const struct ood_scorer *s,
		      size_t n, const char *extra)
{
	ts_header_init(h, "scores");
	if (ts_meta_merge(&h->meta, &from->meta))
		return -1;
	ts_meta_del(&h->meta, "fc.weight");   /* large, and no use with scores */
	ts_meta_del(&h->meta, "fc.bias");
	return add_methods(h, s, n, extra) || add_tuning(h, s, n) || ts_header_add(h, "pred", TS_I64, 0, NULL) ||
	       (ts_header_field(from, "label") && ts_header_add(h, "label", TS_I64, 0, NULL)) ||
	       (ts_header_field(from, "name") && ts_header_add(h, "name", TS_STR, 0, NULL)) ? -1 : 0;
}

int ood_output_rows(struct ts_batch *to, const struct ts_batch *from, uint64_t row, struct err *err)
{
	const struct ts_col *logits = ts_batch_col(from, "logits");
	const struct ts_col *label = ts_batch_col(from, "label");
	const struct ts_col *name = ts_batch_col(from, "name");
	size_t n = logits->shape[0];

	for (size_t i = 0; i < from->n; i++) {
		((int64_t *)ts_batch_col(to, "pred")->data)[i] =
			(int64_t)num_argmax((const float *)logits->data + i * n, n);
		if (label) {
			int64_t l = ((const int64_t *)label->data)[i];
			if (l < -1 || l >= (int64_t)n)
				return err_fail(err, "row %llu: labels out of range: %lld, with %zu "
						"classes", (unsigned long long)(row + i),
						(long long)l, n);
			((int64_t *)ts_batch_col(to, "label")->data)[i] = l;
		}
		if (name && ts_col_set_str(ts_batch_col(to, "name"), i, ts_col_str(name, i)))
			return err_memory(err);
	}
	return 0;
}
