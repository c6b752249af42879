/* SPDX-License-Identifier: MIT
 * Softmax and related functions of one row. */
#include <math.h>

#include "num/num_softmax.h"

size_t num_argmax(const float *v, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
}

double num_log_sum_exp(const float *v, size_t n, size_t skip, double shift, double t)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (i != skip)
			sum += exp(((double)v[i] - shift) / t);
	return log(sum);
}

double num_lse(const float *v, size_t n)
{
	const double top = (double)v[num_argmax(v, n)];

	return top + num_log_sum_exp(v, n, n, top, 1);
}

double num_lse_double(const double *v, size_t n)
{
	double top = v[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		top = fmax(top, v[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp(v[i] - top);
	return top + log(sum);
}

void num_softmax(const float *v, size_t n, double t, double *p)
{
	const double top = (double)v[num_argmax(v, n)];
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i] = exp(((double)v[i] - top) / t);
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
}

void num_softmax_float(const float *v, size_t n, float *p)
{
	const double lse = num_lse(v, n);

	for (size_t i = 0; i < n; i++)
		p[i] = (float)exp((double)v[i] - lse);
}

/* log p/(1-p) = v_k/t - log sum of the others' exp(v/t), so that a p near 1 keeps its precision. */
double num_log_odds(const float *v, size_t n, double t)
{
	const size_t k = num_argmax(v, n);
	size_t second = k == 0;

	for (size_t i = 0; i < n; i++)
		if (i != k && v[i] > v[second])
			second = i;
	const double runner_up = (double)v[second];

	return ((double)v[k] - runner_up) / t - num_log_sum_exp(v, n, k, runner_up, t);
}

double num_cross_entropy(const float *logits, size_t n, int64_t label)
{
	return num_lse(logits, n) - (double)logits[label];
}
