/* SPDX-License-Identifier: MIT
 * Losses and their gradients, one row of logits at a time. */
#include <math.h>

#include "num/num_softmax.h"
#include "um/loss/um_loss.h"

/* p_c of a row whose LSE is known. */
static double share(const float *z, size_t c, double lse)
{
	return exp((double)z[c] - lse);
}

static double target(size_t c, int64_t label, size_t C, double smoothing)
{
	return smoothing / (double)C + (c == (size_t)label ? 1 - smoothing : 0);
}

double um_loss_cross_entropy(const float *z, const int64_t *y, size_t n, size_t C, double smoothing, double weight,
			     float *dz)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const float *row = z + i * C;
		const double lse = num_lse(row, C);

		for (size_t c = 0; c < C; c++) {
			const double q = target(c, y[i], C, smoothing);

			sum += q * (lse - (double)row[c]);
			if (dz)
				dz[i * C + c] += (float)(weight * (share(row, c, lse) - q) / (double)n);
		}
	}
	return sum / (double)n;
}

/* ---- LogitNorm ---- */

static double norm(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return sqrt(sum);
}

/* u_c = z_c * scale, in double: rounding u to float would be the largest error. */
static double lse_scaled(const float *z, size_t C, double scale)
{
	const double top = (double)z[num_argmax(z, C)] * scale;
	double sum = 0;

	for (size_t c = 0; c < C; c++)
		sum += exp((double)z[c] * scale - top);
	return top + log(sum);
}

double um_loss_logit_norm(const float *z, const int64_t *y, size_t n, size_t C, double smoothing, double t,
			  double weight, float *dz)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const float *row = z + i * C;
		const double r = norm(row, C), scale = 1 / ((r + 1e-7) * t), lse = lse_scaled(row, C, scale);
		double along = 0; /* g.z, g = dL/du of this row */

		for (size_t c = 0; c < C; c++) {
			const double u = (double)row[c] * scale, q = target(c, y[i], C, smoothing);

			sum += q * (lse - u);
			along += (exp(u - lse) - q) * (double)row[c];
		}
		for (size_t c = 0; dz && c < C; c++) {
			const double g = exp((double)row[c] * scale - lse) - target(c, y[i], C, smoothing);
			const double turned = r > 0 ? g - (double)row[c] * along / (r * (r + 1e-7)) : g;

			dz[i * C + c] += (float)(weight * turned * scale / (double)n);
		}
	}
	return sum / (double)n;
}

double um_loss_least(size_t C, double smoothing, double t)
{
	const double others = (double)C - 1, q = smoothing / (double)C;
	double gap = q > 0 ? log((1 - others * q) / q) : INFINITY;

	if (t > 0)
		gap = fmin(gap, sqrt((double)C / others) / t);
	return log1p(others * exp(-gap)) + (q > 0 ? others * q * gap : 0);
}

/* ---- Unleashing Mask ---- */

double um_loss_fold(double ce, double level, double beta, double *slope)
{
	const double above = beta * ce - level;

	*slope = above > 0 ? beta : above < 0 ? -beta : 0;
	return fabs(above) + level;
}

/* ---- outliers ---- */

double um_loss_uniform(const float *z, size_t n, size_t C, double weight, float *dz)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const float *row = z + i * C;
		const double lse = num_lse(row, C);

		for (size_t c = 0; c < C; c++) {
			sum += (lse - (double)row[c]) / (double)C;
			if (dz)
				dz[i * C + c] += (float)(weight * (share(row, c, lse) - 1 / (double)C) / (double)n);
		}
	}
	return sum / (double)n;
}

double um_loss_hinge(const float *z, size_t n, size_t C, double margin, bool in, double weight, float *dz)
{
	const double sign = in ? -1 : 1; /* E - margin = -LSE - margin, margin - E = LSE + margin */
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const float *row = z + i * C;
		const double lse = num_lse(row, C), over = fmax(0, sign * (lse + margin));

		sum += over * over;
		for (size_t c = 0; dz && over > 0 && c < C; c++)
			dz[i * C + c] += (float)(weight * sign * 2 * over * share(row, c, lse) / (double)n);
	}
	return sum / (double)n;
}

double um_loss_scale_slope(const float *z, size_t n, size_t C, double weight, float *dz)
{
	double h = 0;

	for (size_t i = 0; i < n; i++) {
		const double lse = num_lse(z + i * C, C);

		for (size_t c = 0; c < C; c++)
			h += (double)z[i * C + c] * (share(z + i * C, c, lse) - 1 / (double)C);
	}
	h /= (double)n;
	for (size_t i = 0; dz && i < n; i++) {
		const float *row = z + i * C;
		const double lse = num_lse(row, C);
		double mean = 0; /* sum_k p_k z_k */

		for (size_t c = 0; c < C; c++)
			mean += share(row, c, lse) * (double)row[c];
		for (size_t c = 0; c < C; c++) {
			const double p = share(row, c, lse);

			dz[i * C + c] +=
				(float)(weight * 2 * h / (double)n * (p - 1 / (double)C + p * ((double)row[c] - mean)));
		}
	}
	return h * h;
}
