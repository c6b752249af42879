/* SPDX-License-Identifier: MIT
 * Every loss's gradient matches finite differences to 1e-6 of the largest, on logits of usual and of awkward sizes;
 * known values; gradients are weighted and added. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "ts/ts_rng.h"
#include "um/loss/um_loss.h"

enum { N = 5, C = 7 };

static int64_t label[N];

static double ce(const float *z, double w, float *dz)
{
	return um_loss_cross_entropy(z, label, N, C, 0, w, dz);
}
static double smooth(const float *z, double w, float *dz)
{
	return um_loss_cross_entropy(z, label, N, C, 0.1, w, dz);
}
static double mixoe(const float *z, double w, float *dz)
{
	return um_loss_cross_entropy(z, label, N, C, 0.7, w, dz);
}
static double logit_norm(const float *z, double w, float *dz)
{
	return um_loss_logit_norm(z, label, N, C, 0, 0.5, w, dz);
}
static double uniform(const float *z, double w, float *dz)
{
	return um_loss_uniform(z, N, C, w, dz);
}
static double energy_in(const float *z, double w, float *dz)
{
	return um_loss_hinge(z, N, C, -4.5, true, w, dz);
}
static double energy_out(const float *z, double w, float *dz)
{
	return um_loss_hinge(z, N, C, -1.5, false, w, dz);
}
static double doe(const float *z, double w, float *dz)
{
	return um_loss_scale_slope(z, N, C, w, dz);
}

static double folded(const float *z, double w, float *dz)
{
	double slope, v = um_loss_fold(ce(z, 1, NULL), 1.5, 0.9, &slope);

	if (dz)
		ce(z, w * slope, dz);
	return v;
}

static const struct {
	const char *name;
	double (*loss)(const float *z, double weight, float *dz);
} losses[] = {
	{ "cross-entropy", ce },
	{ "label smoothing", smooth },
	{ "mixoe's target", mixoe },
	{ "LogitNorm", logit_norm },
	{ "the fold", folded },
	{ "oe", uniform },
	{ "energy, ID", energy_in },
	{ "energy, outliers", energy_out },
	{ "doe", doe },
};

/* Logits on a grid of 2^-10, so that a step on it is exact in floats. */
static void draw(float *z, double size, uint64_t seed)
{
	struct ts_rng rng = ts_rng_new(seed, 1);

	for (int i = 0; i < N * C; i++)
		z[i] = (float)(round(size * (2 * ts_rng_double(&rng) - 1) * 1024) / 1024);
	for (int i = 0; i < N; i++)
		label[i] = (int64_t)ts_rng_below(&rng, C);
}

/* Five-point central differences: error of order h^4. */
static double difference(double (*loss)(const float *, double, float *), float *z, int i)
{
	const float at = z[i], h = 1.f / 256;
	double v[4];

	for (int k = 0; k < 4; k++) {
		z[i] = at + h * (float[]){ -2, -1, 1, 2 }[k];
		v[k] = loss(z, 1, NULL);
	}
	z[i] = at;
	return (8 * (v[2] - v[1]) - (v[3] - v[0])) / (12 * (double)h);
}

static void gradients(double size, uint64_t seed)
{
	float z[N * C], dz[N * C];

	for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
		double worst = 0, largest = 0;

		draw(z, size, seed);
		memset(dz, 0, sizeof dz);
		losses[l].loss(z, 1, dz);
		for (int i = 0; i < N * C; i++) {
			worst = fmax(worst, fabs((double)dz[i] - difference(losses[l].loss, z, i)));
			largest = fmax(largest, fabs((double)dz[i]));
		}
		ok(largest > 0 && worst < 1e-6 * largest, "%s, logits to %g: off by %.2g of the largest",
		   losses[l].name, size, worst / largest);
	}
}

static void added(void)
{
	float z[N * C], dz[N * C], twice[N * C];

	draw(z, 3, 4);
	for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
		bool same = true;

		memset(dz, 0, sizeof dz);
		memset(twice, 0, sizeof twice);
		losses[l].loss(z, 2, dz);
		for (int k = 0; k < 2; k++)
			losses[l].loss(z, 1, twice);
		for (int i = 0; i < N * C; i++)
			same &= dz[i] == twice[i];
		ok(same && losses[l].loss(z, 1, NULL) == losses[l].loss(z, 9, dz), "%s: weighted and added",
		   losses[l].name);
	}
}

static void known(void)
{
	float z[N * C] = { 0 }, dz[N * C] = { 0 };
	double slope;

	memset(label, 0, sizeof label);
	ok(fabs(ce(z, 1, NULL) - log(C)) < 1e-15 && fabs(uniform(z, 1, NULL) - log(C)) < 1e-15,
	   "equal logits: log C for the labels and for the uniform distribution");
	ok(fabs(um_loss_logit_norm(z, label, N, C, 0, 1, 1, dz) - log(C)) < 1e-15 && isfinite(dz[0]),
	   "LogitNorm of zeros: log C, a finite gradient");
	for (int i = 0; i < N; i++)
		z[i * C] = 1e4f;
	memset(dz, 0, sizeof dz);
	ok(ce(z, 1, dz) == 0 && fabs(uniform(z, 1, dz) - 1e4 * (C - 1) / C) < 1e-8 && isfinite(dz[0]),
	   "logits of 10,000: nothing overflows");
	ok(fabs(um_loss_fold(0.05, 0.1, 1, &slope) - 0.15) < 1e-15 && slope == -1 &&
		   fabs(um_loss_fold(0.3, 0.1, 1, &slope) - 0.3) < 1e-15 && slope == 1 &&
		   um_loss_fold(0.125, 0.125, 1, &slope) == 0.125 && slope == 0,
	   "the fold: up below the level, down above it, nothing at it");
}

/* Logits of which the label's is `gap` above the others, all N rows. */
static void spread(float *z, float gap)
{
	for (int i = 0; i < N * C; i++)
		z[i] = i % C == 0 ? gap * (C - 1) / C : -gap / C; /* a mean of 0, the best for LogitNorm */
}

static void least(void)
{
	const double s = 0.1 / C, entropy = -(1 - 6 * s) * log(1 - 6 * s) - 6 * s * log(s);
	float z[N * C];
	bool above = true;

	memset(label, 0, sizeof label);
	for (float gap = 0; gap < 12; gap += 0.01f) {
		spread(z, gap);
		above = above && um_loss_least(C, 0.1, 0) <= smooth(z, 1, NULL) &&
			um_loss_least(C, 0, 0.5) <= logit_norm(z, 1, NULL) + 1e-6;
	}
	ok(above, "no loss is below the least");
	ok(fabs(um_loss_least(C, 0.1, 0) - entropy) < 1e-14, "with smoothing it is the entropy of the targets");
	ok(fabs(um_loss_least(C, 0, 0.5) - logit_norm(z, 1, NULL)) < 1e-6, "and LogitNorm comes to its own");
	ok(fabs(um_loss_least(C, 0.1, 0.04) - entropy) < 1e-14 && um_loss_least(C, 0.1, 1) > entropy + 0.1,
	   "with both it is the larger, or above");
	ok(um_loss_least(C, 0, 0) == 0 && fabs(um_loss_least(C, 1, 0) - log(C)) < 1e-15,
	   "without either 0; of nothing but smoothing log C");
}

int main(void)
{
	least();
	gradients(0.5, 1);
	gradients(3, 2);
	gradients(8, 3);
	added();
	known();
	return done();
}
