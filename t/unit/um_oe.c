/* SPDX-License-Identifier: MIT
 * The terms of outlier exposure by hand: values and gradients. */
#include <math.h>

#include "../tap.h"
#include "um/oe/um_oe_internal.h"

enum { C = 10 };

/* A term of n equal rows z: its value, and its derivative with respect to the first logit of the first
 * row. margin NAN: outlier exposure's, else energy's term for this side. */
static bool term(size_t n, const float *z, double margin, bool in, double value, double slope)
{
	const struct um_oe_options o = { .m_in = margin, .m_out = margin };
	const struct um_oe oe = { .o = &o };
	const struct um_batch b = { .n = n, .k = n, .C = C };
	float all[4 * C], g[4 * C] = { 0 };
	double v;

	for (size_t i = 0; i < n * C; i++)
		all[i] = z[i % C];
	v = isnan(margin) ? um_oe_uniform(&oe, &b, in, all, 1, g) : um_oe_energy(&oe, &b, in, all, 1, g);
	printf("# %.6g (want %.6g), slope %.6g (want %.6g)\n", v, value, (double)g[0], slope);
	return fabs(v - value) <= 1e-6 * fmax(1, fabs(value)) &&
	       fabs((double)g[0] - slope) <= 1e-5 * fmax(1, fabs(slope));
}

/* Draws 60 of 100 outliers for an epoch. */
static void draw(struct um_oe *oe, long epoch, bool fixed, size_t *idx)
{
	static struct um_oe_options o = { .ratio = 1 };
	struct err err;

	o.fixed = fixed;
	oe->o = &o;
	oe->idx = idx;
	ok(um_oe_draw(oe, epoch, &err) == 0, "outliers of epoch %ld%s", epoch, fixed ? ", fixed" : "");
}

/* How many of a are in b, anywhere or at the same place; -1: one of a is out of range or occurs twice. */
static int common(const size_t *a, const size_t *b, bool placed)
{
	bool in_a[100] = { false };
	int n = 0;

	for (int i = 0; i < 60; i++) {
		if (a[i] >= 100 || in_a[a[i]])
			return -1;
		in_a[a[i]] = true;
	}
	for (int i = 0; i < 60; i++)
		n += placed ? a[i] == b[i] : in_a[b[i]];
	return n;
}

static void choice(void)
{
	const struct um_train_options train = { .batch = 25, .seed = 3 };
	const struct um_data data = { .n = 60 }, aux = { .n = 100 };
	struct um_oe oe = { .train = &train, .data = &data, .aux = &aux, .per_epoch = 60 };
	size_t a[60], b[60], again[60];

	draw(&oe, 0, false, a);
	draw(&oe, 1, false, b);
	draw(&oe, 0, false, again);
	ok(um_oe_per_epoch(&oe) == 60, "25 + 25 + 10 an epoch");
	ok(common(a, again, true) == 60, "each once, the same when asked again");
	ok(common(a, b, false) > 20 && common(a, b, false) < 60, "another epoch has others");
	draw(&oe, 0, true, a);
	draw(&oe, 1, true, b);
	ok(common(a, b, false) == 60 && common(a, b, true) < 20, "fixed: the same ones in another order");
}

int main(void)
{
	const float zero[C] = { 0 }, same[C] = { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 }, sure[C] = { 30 };
	const float huge[C] = { 1000, -1000 };

	choice();
	ok(term(4, zero, NAN, false, log(10), 0), "oe of constant logits: log 10, no gradient");
	ok(term(2, same, NAN, false, log(10), 0), "whatever the constant");
	ok(term(1, sure, NAN, true, 0, 0), "and nothing of ID images");
	ok(term(1, sure, NAN, false, 30 - 3, 0.9), "oe of one logit of 30: 30 - 30 / 10");
	ok(term(2, sure, NAN, false, 30 - 3, 0.45), "the mean over rows: half of the gradient for each");
	ok(term(1, huge, NAN, false, 1000, 0.9), "no overflow");
	ok(term(3, zero, -25, true, pow(25 - log(10), 2), -2 * (25 - log(10)) / 3 / 10),
	   "energy of constant 0 logits, 10 classes: -2.3026, ID penalty (22.697)^2 = 515.2");
	ok(fabs(pow(25 - log(10), 2) - 515.2) < 0.05, "which is 515.2");
	ok(term(3, zero, -7, false, 0, 0), "and no outlier penalty, no gradient");
	ok(term(1, sure, -7, false, 23 * 23, 2 * 23), "energy -30: outlier penalty 23^2");
	ok(term(1, sure, -25, true, 0, 0), "and no ID penalty");
	return done();
}
