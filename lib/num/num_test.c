/* SPDX-License-Identifier: MIT
 * p-values, their correction, and the normal quantile. */
#include <math.h>

#include "num/num_test.h"

double num_p_value(double difference, double variance)
{
	if (isnan(variance))
		return NAN;
	if (fabs(difference) < 1e-15)
		return 1;
	return erfc(fabs(difference) / sqrt(2 * variance));
}

void num_holm(double *p, size_t n)
{
	size_t left = 0;
	double least = 0;

	for (size_t i = 0; i < n; i++)
		left += isnan(p[i]) ? 0 : 1;
	/* From the smallest up; corrected values have a minus until the end, 0 too, so that they are not found again. */
	while (left > 0) {
		size_t at = n;
		for (size_t i = 0; i < n; i++)
			if (!isnan(p[i]) && !signbit(p[i]) && (at == n || p[i] < p[at]))
				at = i;
		least = fmax(least, fmin(1, (double)left-- * p[at]));
		p[at] = -least;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = isnan(p[i]) ? p[i] : fabs(p[i]);
}

/* Newton on erfc, from a point that is close enough for every q. */
double num_normal_quantile(double q)
{
	double tail = q < .5 ? q : 1 - q, z = sqrt(-2 * log(tail));

	z -= (2.30753 + .27061 * z) / (1 + .99229 * z + .04481 * z * z); /* Hastings, 1955: to 3e-3 */
	for (int i = 0; i < 6; i++)
		z += (erfc(z / sqrt(2)) / 2 - tail) * sqrt(2 * acos(-1)) * exp(z * z / 2);
	return q < .5 ? -z : z;
}
