/* SPDX-License-Identifier: MIT
 * Are logits what they are called? */
#include <math.h>

#include "arr/arr_internal.h"

/* Does each of the first rows sum to 1, or the exponentials of its numbers? */
static bool sums_to_one(const struct arr *a, bool logarithms)
{
	enum { LOOK = 64 };
	const size_t C = a->shape[1];

	for (size_t i = 0; i < a->shape[0] && i < LOOK; i++) {
		double sum = 0;

		for (size_t c = 0; c < C; c++) {
			const double v = arr_number(a, i * C + c), p = logarithms ? exp(v) : v;
			if (!(p >= -1e-6))
				return false;
			sum += p;
		}
		if (!(fabs(sum - 1) < .01)) /* sums of half floats are less far off */
			return false;
	}
	return true;
}

const char *arr_logits_odd(const struct arr *a)
{
	if (a->shape[0] < 2) /* of one row it may be chance */
		return NULL;
	if (sums_to_one(a, false))
		return "holds probabilities, as rows sum to 1, and scores of logits will be wrong: import the "
		       "numbers before the softmax";
	if (sums_to_one(a, true))
		return "holds logarithms of probabilities, and energy, maxlogit and others that need the logits' "
		       "height will be wrong: import the numbers before the softmax";
	return NULL;
}
