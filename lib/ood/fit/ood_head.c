/* SPDX-License-Identifier: MIT
 * The last layer of a model, out of a stream's header; and features of norm 1. */
#include <math.h>
#include <stdlib.h>

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

/* A float tensor of meta as new doubles. 1: there, 0: not, or of another shape, -1: out of memory. */
static int read_array(const struct ts_meta *m, const char *key, int ndim, size_t a, size_t b, double **ret)
{
	struct ts_tensor t;
	int rc = 0;

	if (ts_meta_get_tensor(m, key, &t) != 1)
		return 0;
	size_t n = ts_tensor_count(&t);
	if (t.type != TS_STR && t.ndim == ndim && t.shape[0] == a && (ndim == 1 || t.shape[1] == b)) {
		*ret = malloc(n * sizeof **ret);
		rc = *ret ? 1 : -1;
		for (size_t i = 0; *ret && i < n; i++)
			(*ret)[i] = ts_get(t.type, t.data, i);
	}
	ts_tensor_release(&t);
	return rc;
}

int ood_head_read(const struct ts_meta *m, size_t classes, size_t dim, double **weight, double **bias)
{
	*weight = *bias = NULL;
	int rc = read_array(m, "fc.weight", 2, classes, dim, weight);
	if (rc == 1)
		rc = read_array(m, "fc.bias", 1, classes, 0, bias);
	if (rc == 1)
		return 0;
	free(*weight);
	*weight = NULL;
	return rc;
}
