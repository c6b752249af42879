/* SPDX-License-Identifier: MIT
 * Conformal p-values by binary search in sorted validation scores. */
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#include "ood/act/ood_combine.h"
#include "ood/ood_identity.h"

const char *const ood_combining_names[OOD_N_COMBININGS] = { "fisher", "min", "mean" };

/* Reads the columns of these names, which must have been made like those of the stream being scored. */
static int read_columns(struct ood_scores *val, struct ood_input *in, char *const *names, size_t n,
			const struct ts_meta *made, struct err *err)
{
	for (size_t i = 0; i < n && ood_input_header(in); i++)
		if (ood_identity_check(&ood_input_header(in)->meta, "the reference", made, "this stream", names[i],
				       err) < 0)
			ood_input_fail(in, "%s", err->text);
	return ood_scores_read(val, in, names, n, 0) < 0 ? err_fail(err, "%s", ood_input_error(in)) : 0;
}

int ood_combine_load(struct ood_combine *c, enum ood_combining how, const char *path, const struct ood_scorer *s,
		     size_t n, const struct ts_meta *made, struct err *err)
{
	struct ood_input *in;
	char **names;
	int rc;

	if (n == 0)
		return err_fail(err, "no method is left to combine");
	if (!(names = calloc(n, sizeof *names)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		names[i] = (char *)s[i].request.column; /* borrowed, and only read */
	c->how = how;
	in = ood_input_open(path);
	rc = in ? read_columns(&c->val, in, names, n, made, err) : err_memory(err);
	ood_input_close(in);
	free(names);
	return rc;
}

uint64_t ood_combine_hash(const struct ood_combine *c)
{
	uint64_t h = 0;

	for (size_t m = 0; m < c->val.n_methods; m++) {
		const struct ood_sample val = ood_scores_sample(&c->val, m);
		for (size_t i = 0; i < val.n; i++) {
			const float v = (float)ood_at(&val, i); /* text of a stream has more digits */
			h = XXH3_64bits_withSeed(&v, sizeof v, h);
		}
	}
	return h;
}

void ood_combine_release(struct ood_combine *c)
{
	ood_scores_release(&c->val);
}

static double p_value(const struct ood_sample *val, float score)
{
	size_t low = 0, high = val->n; /* the first higher score lies in val[low..high), if anywhere */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if ((float)ood_at(val, mid) > score) /* text of a float is another double */
			high = mid;
		else
			low = mid + 1;
	}
	return (double)(1 + low) / (double)(1 + val->n);
}

void ood_combine_rows(const struct ood_combine *c, float *const *in, size_t n, float *out)
{
	size_t k = c->val.n_methods;

	for (size_t i = 0; i < n; i++) {
		double v = c->how == OOD_MIN ? 1 : 0;
		for (size_t m = 0; m < k; m++) {
			const struct ood_sample val = ood_scores_sample(&c->val, m);
			double p = p_value(&val, in[m][i]);
			v = c->how == OOD_MIN ? fmin(v, p) : v + (c->how == OOD_FISHER ? log(p) : p / (double)k);
		}
		out[i] = (float)v;
	}
}
