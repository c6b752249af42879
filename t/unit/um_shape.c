/* SPDX-License-Identifier: MIT
 * Reshaped features by hand, their gradients by finite differences, and features that are all 0. */
#include <math.h>
#include <string.h>

#include "../tap.h"
#include "um/embed/um_shape.h"

enum { D = 8, C = 3 };
static float weight[C * D], bias[C] = { 0.5f, -1, 2 };
static const float z[D] = { 0.3f, 1.7f, 0, 0.9f, 2.5f, 0.1f, 0.6f, 1.2f };

static struct um_shape make(const char *name, double percentile)
{
	struct um_shape s = { .kind = um_shape_find(name), .threshold = 1, .percentile = percentile, .C = C, .D = D };

	s.weight.data = weight;
	s.bias.data = bias;
	return s;
}

/* The logits of y (D). */
static bool are_logits(const float *l, const double *y)
{
	bool same = true;

	for (int c = 0; c < C; c++) {
		double sum = bias[c];
		for (int d = 0; d < D; d++)
			sum += y[d] * weight[c * D + d];
		same = same && fabs(l[c] - sum) <= 1e-5 * (1 + fabs(sum));
	}
	return same;
}

/* Is the gradient of sum dl l that of central differences? */
static bool is_gradient(const struct um_shape *s)
{
	const float dl[C] = { 0.7f, -0.4f, 1.1f };
	float dz[D], up[C], down[C];
	bool same = um_shape_back(s, z, dl, 1, dz) == 0;

	for (int d = 0; d < D; d++) {
		float a[D], b[D];
		double want = 0;

		memcpy(a, z, sizeof z);
		memcpy(b, z, sizeof z);
		a[d] += 0x1p-7f;
		b[d] -= 0x1p-7f;
		same = same && um_shape_logits(s, a, 1, up) == 0 && um_shape_logits(s, b, 1, down) == 0;
		for (int c = 0; c < C; c++)
			want += dl[c] * ((double)up[c] - down[c]) / ((double)a[d] - b[d]);
		same = same && fabs(dz[d] - want) < 2e-3 * (1 + fabs(want));
	}
	return same;
}

static void test_row(const char *name, const double *y)
{
	const struct um_shape s = make(name, 50);
	float l[C];

	ok(um_shape_logits(&s, z, 1, l) == 0 && are_logits(l, y), "%s: logits", name);
	ok(is_gradient(&s), "%s: gradient", name);
}

/* An image may leave no feature above 0. */
static void test_zeros(const char *name)
{
	const struct um_shape s = make(name, 50);
	const float none[D] = { 0 }, dl[C] = { 1, -1, 0.5f };
	const double y[D] = { 0 };
	float l[C], dz[D];
	bool finite = true;

	ok(um_shape_logits(&s, none, 1, l) == 0 && are_logits(l, y), "%s: of zeros only the bias is left", name);
	finite = um_shape_back(&s, none, dl, 1, dz) == 0;
	for (int d = 0; d < D; d++)
		finite = finite && isfinite(dz[d]);
	ok(finite, "%s: and their gradient is finite", name);
}

int main(void)
{
	const double all = 7.3, sum = 6.3, e = exp(all / sum);

	for (int i = 0; i < C * D; i++)
		weight[i] = (float)(i * 7 % 11) / 5 - 1;
	test_row("react", (double[]){ 0.3, 1, 0, 0.9, 1, 0.1, 0.6, 1 });
	test_row("ash-p", (double[]){ 0, 1.7, 0, 0.9, 2.5, 0, 0, 1.2 });
	test_row("ash-b", (double[]){ 0, all / 4, 0, all / 4, all / 4, 0, 0, all / 4 });
	test_row("ash-s", (double[]){ 0, 1.7 * e, 0, 0.9 * e, 2.5 * e, 0, 0, 1.2 * e });
	for (int i = 0; i < 4; i++)
		test_zeros((const char *[]){ "react", "ash-p", "ash-b", "ash-s" }[i]);
	ok(um_shape_find("ash") == -1, "another name is none");
	return done();
}
