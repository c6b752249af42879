/* SPDX-License-Identifier: MIT
 * Learning-rate policies, by epoch, as in the published program. */
#include <math.h>

#include "um/um.h"

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

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

/* The rate in epoch e of the warm-up. */
static double warm_up(const struct um_train_options *o, double e)
{
	return o->lr * (e + 1) / (double)o->warmup;
}

/* Half a cosine from the end of the warm-up, W, to the last epoch: (1 + cos(pi (e - W) / (E - W))) / 2. */
static double cosine(const struct um_train_options *o, double e)
{
	const double E = (double)o->epochs, W = (double)o->warmup;

	return e < W ? warm_up(o, e) : 0.5 * (1 + cos(M_PI * (e - W) / (E - W))) * o->lr;
}

static double constant(const struct um_train_options *o, double e)
{
	return e < (double)o->warmup ? warm_up(o, e) : o->lr;
}

/* Times gamma every `adjust` epochs. */
static double multistep(const struct um_train_options *o, double e)
{
	return o->lr * pow(o->lr_gamma, floor(e / (double)o->lr_adjust));
}

/* Up to 2/5 of the epochs, down to their end. */
static double superconverge(const struct um_train_options *o, double e)
{
	const double E = (double)o->epochs;

	return interpolate(e, 3, (double[]){ 0, floor(2 * E / 5), E }, (double[]){ 0, o->lr, 0 });
}

/* A tenth from half of the epochs on, a hundredth from three quarters on. */
static double piecewise(const struct um_train_options *o, double e)
{
	const double E = (double)o->epochs;

	return e >= 0.75 * E ? o->lr / 100 : e >= 0.5 * E ? o->lr / 10 : o->lr;
}

/* The rate for a third of the epochs, then straight to a tenth at two thirds and to a hundredth at the end. */
static double linear(const struct um_train_options *o, double e)
{
	const double E = (double)o->epochs, lr = o->lr;

	return interpolate(e, 4, (double[]){ 0, floor(E / 3), floor(2 * E / 3), E },
			   (double[]){ lr, lr, lr / 10, lr / 100 });
}

static double onedrop(const struct um_train_options *o, double e)
{
	return e >= floor(o->lr_drop_epoch * (double)o->epochs) ? o->lr_one_drop * o->lr : o->lr;
}

/* Loses a tenth of the initial rate every tenth of the epochs. The published program rounds a tenth of the epochs down,
 * so that of 25 epochs the last two have rates below 0. */
static double multipledecay(const struct um_train_options *o, double e)
{
	return o->lr - floor(10 * e / (double)o->epochs) * o->lr / 10;
}

#define NAME(policy, function, name) name
#define WORD(policy, function, name) "|" name
const char um_lr_policies[] = UM_LR_POLICIES(NAME, WORD);

#define FUNCTION(policy, function, name) function,
double um_lr(const struct um_train_options *o, long e)
{
	static double (*const policies[])(const struct um_train_options *,
					  double) = { UM_LR_POLICIES(FUNCTION, FUNCTION) };

	return policies[o->lr_policy](o, (double)e);
}
