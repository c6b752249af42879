/* SPDX-License-Identifier: MIT
 * fuzz_pickle: any bytes as a pickle. The result is walked through, every byte and every shape. */
#include <stdlib.h>
#include <string.h>

#include "pickle/pickle.h"
#include "file.h"

/* Values may be shared, also with themselves: steps bounds the walk. */
static unsigned walk(const struct pickle_value *v, int depth, long *steps)
{
	unsigned sum = (unsigned)v->type;
	int64_t count = 1;

	if (--*steps < 0 || depth > 100)
		return sum;
	if (v->type == PICKLE_STR || v->type == PICKLE_ARRAY || v->type == PICKLE_LONG)
		for (size_t i = 0; i < v->n; i++)
			sum += (unsigned char)v->s[i];
	if (v->type == PICKLE_ARRAY) {
		hold(v->ndim >= 0 && v->ndim <= 4 && memchr(v->dtype, 0, sizeof v->dtype) != NULL);
		for (int i = 0; i < v->ndim; i++) {
			hold(v->shape[i] >= 0 && !__builtin_mul_overflow(count, v->shape[i], &count));
		}
		hold(count >= 0 && (uint64_t)count <= v->n);
	}
	if (v->type == PICKLE_LIST || v->type == PICKLE_DICT || v->type == PICKLE_OBJECT ||
	    v->type == PICKLE_PERSISTENT)
		for (size_t i = 0; i < v->n; i++)
			sum += walk(v->item[i], depth + 1, steps);
	if (v->type == PICKLE_OBJECT)
		hold(v->s && v->n >= 1 && v->n <= 2 && v->item[0]->type == PICKLE_LIST);
	if (v->type == PICKLE_DICT)
		hold(v->n % 2 == 0);
	return sum;
}

static volatile unsigned sink; /* what was read is used */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err err = { 0 };
	static const struct pickle_name names[] = { PICKLE_NUMPY,
						    { "collections OrderedDict", PICKLE_MAKES_DICT },
						    { "torch Size", PICKLE_MAKES_LIST },
						    { "torch._utils _rebuild_tensor_v2", PICKLE_MAKES_OBJECT },
						    { "torch FloatStorage", PICKLE_MAKES_NOTHING },
						    PICKLE_OTHERS,
						    { 0 } };
	struct pickle *p = pickle_read(data, size, names, &err);
	long steps = 20000;

	if (!p) {
		hold_text(&err);
		return 0;
	}
	sink = walk(pickle_root(p), 0, &steps);
	if (pickle_root(p)->type == PICKLE_DICT) {
		const struct pickle_value *v = pickle_get(pickle_root(p), "data");
		steps = 100;
		sink += v ? walk(v, 0, &steps) : 0;
	}
	pickle_free(p);
	return 0;
}
