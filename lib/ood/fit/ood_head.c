/* SPDX-License-Identifier: MIT
 * Reads a model's last layer from a stream's header, and scales features to norm 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"

void ood_unit(const float *x, size_t d, float *out)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++)
		sum += (double)x[i] * x[i];
	double scale = sum > 0 ? 1 / sqrt(sum) : 0;
	for (size_t i = 0; i < d; i++)
		out[i] = (float)(x[i] * scale);
}

/* Reads a tensor of meta as new doubles, of shape (a), or (a,b) if ndim is 2. 1: read, 0: missing, -1: of another shape
 * or kind. */
static int read_array(const struct ts_meta *m, const char *key, int ndim, size_t a, size_t b, double **ret,
		      struct err *err)
{
	const size_t want[2] = { a, b };
	char is[TS_SHAPE], should[TS_SHAPE];
	struct ts_tensor t;
	int rc = ts_meta_get_tensor(m, key, &t);

	if (rc < 0)
		return err_fail(err, "meta '%s' is not a tensor, or memory ran out", key);
	if (rc == 0)
		return 0;
	if (t.type == TS_STR || t.ndim != ndim || memcmp(t.shape, want, (size_t)ndim * sizeof *want) != 0)
		rc = err_fail(err, "meta '%s' is %s %s where logits and features go with numbers %s", key,
			      ts_type_name(t.type), ts_shape_text(t.ndim, t.shape, is),
			      ts_shape_text(ndim, want, should));
	else if (!(*ret = malloc((ts_tensor_count(&t) + 1) * sizeof **ret)))
		rc = err_memory(err);
	for (size_t i = 0; rc == 1 && i < ts_tensor_count(&t); i++)
		(*ret)[i] = ts_get(t.type, t.data, i);
	ts_tensor_release(&t);
	return rc;
}

int ood_head_read(const struct ts_meta *m, size_t classes, size_t dim, double **weight, double **bias, struct err *err)
{
	int rc;

	*weight = *bias = NULL;
	if (dim == 0 || classes == 0) /* it is of no use without both features and logits */
		return 0;
	rc = read_array(m, "fc.weight", 2, classes, dim, weight, err);
	if (rc <= 0)
		return rc;
	rc = read_array(m, "fc.bias", 1, classes, 0, bias, err);
	if (rc == 0)
		rc = err_fail(err, "meta has 'fc.weight' and no 'fc.bias', which is zeros where a layer has none");
	if (rc == 1)
		return 0;
	free(*weight);
	*weight = NULL;
	return -1;
}
