/* SPDX-License-Identifier: MIT
 * Learning-rate policies, by epoch, as the published program has them. */
#include <math.h>

#include "um/um.h"

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

const char um_lr_policies[] = "cosine|constant|multistep|superconverge|piecewise|linear|onedrop|multipledecay";
enum { COSINE, CONSTANT, MULTISTEP, SUPERCONVERGE, PIECEWISE, LINEAR, ONEDROP, MULTIPLEDECAY };

/* Straight lines between (x[i], y[i]), flat outside. */
static double interpolate(double e, int n, const double *x, const double *y)
{
	if (e <= x[0])
		return y[0];
	for (int i = 1; i < n; i++)
		if (e < x[i])
			return y[i - 1] + (y[i] - y[i - 1]) * (e - x[i - 1]) / (x[i] - x[i - 1]);
	return y[n - 1];
}

double um_lr(const struct um_train_options *o, long e)
{
	const double E = (double)o->epochs, W = (double)o->warmup, at = (double)e, lr = o->lr;

	if (e < o->warmup && (o->lr_policy == COSINE || o->lr_policy == CONSTANT))
		return lr * (at + 1) / W;
	switch (o->lr_policy) {
	case COSINE: return 0.5 * (1 + cos(M_PI * (at - W) / (E - W))) * lr;
	case MULTISTEP: return lr * pow(o->lr_gamma, (double)(e / o->lr_adjust));
	case SUPERCONVERGE: return interpolate(at, 3, (double[]){ 0, floor(2 * E / 5), E }, (double[]){ 0, lr, 0 });
	case PIECEWISE: return at >= 0.75 * E ? lr / 100 : at >= 0.5 * E ? lr / 10 : lr;
	case LINEAR:
		return interpolate(at, 4, (double[]){ 0, floor(E / 3), floor(2 * E / 3), E },
				   (double[]){ lr, lr, lr / 10, lr / 100 });
	case ONEDROP: return at >= floor(o->lr_drop_epoch * E) ? o->lr_one_drop * lr : lr;
	case MULTIPLEDECAY: {
		double tenth = fmax(1, floor(E / 10));
		return lr - floor(at / tenth) * lr / 10;
	}
	default: return lr;
	}
}
