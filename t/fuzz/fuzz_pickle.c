/* SPDX-License-Identifier: MIT
 * fuzz_pickle: any bytes as a pickle. What is read is walked through, every byte and every shape of it. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds.h"
#include "ds/ds_pickle.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void hold(int c)
{
	if (!c)
		abort();
}

/* Values may be shared, also with themselves: steps bounds the walk. */
static unsigned walk(const struct ds_value *v, int depth, long *steps)
{
	unsigned sum = (unsigned)v->type;
	int64_t count = 1;

	if (--*steps < 0 || depth > 100)
		return sum;
	if (v->type == DS_STR || v->type == DS_ARRAY || v->type == DS_CALLABLE)
		for (size_t i = 0; i < v->n; i++)
			sum += (unsigned char)v->s[i];
	if (v->type == DS_ARRAY) {
		hold(v->ndim >= 0 && v->ndim <= 4 && memchr(v->dtype, 0, sizeof v->dtype) != NULL);
		for (int i = 0; i < v->ndim; i++) {
			hold(v->shape[i] >= 0 && !__builtin_mul_overflow(count, v->shape[i], &count));
		}
		hold(count >= 0 && (uint64_t)count <= v->n);
	}
	if (v->type == DS_LIST || v->type == DS_DICT)
		for (size_t i = 0; i < v->n; i++)
			sum += walk(v->item[i], depth + 1, steps);
	if (v->type == DS_DICT)
		hold(v->n % 2 == 0);
	return sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static volatile unsigned sink;
	char err[DS_ERR] = "";
	struct ds_pickle *p = ds_pickle_read(data, size, err);
	long steps = 20000;

	if (!p) {
		hold(err[0] && memchr(err, 0, sizeof err) != NULL);
		return 0;
	}
	sink = walk(ds_pickle_root(p), 0, &steps);
	if (ds_pickle_root(p)->type == DS_DICT) {
		const struct ds_value *v = ds_value_get(ds_pickle_root(p), "data");
		steps = 100;
		sink += v ? walk(v, 0, &steps) : 0;
	}
	ds_pickle_free(p);
	return 0;
}
