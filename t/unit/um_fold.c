/* SPDX-License-Identifier: MIT
 * The fold of Unleashing Mask: value and gradient, above the level and below. */
#include <math.h>

#include "../tap.h"
#include "um/um.h"

/* The fold of ce at level 0.15: its value, and its derivative with respect to ce. */
static bool fold(float ce, double beta, double value, double slope)
{
	struct th_tensor *x = th->tensor_new(TH_F32, 0, NULL, &ce);
	struct th_scope *s;
	float v = NAN, g = NAN;
	bool good;

	good = x && th->tensor_track(x) == 0;
	s = th->scope_begin(true);
	{
		struct th_tensor *y = um_fold(s, x, 0.15, beta);
		th->to_host(s, y, &v, 1);
		th->backward(s, y);
	}
	good = th->scope_end(s) == 0 && th->tensor_grad(x, &g) == 0 && good;
	th->tensor_free(x);
	return good && fabs((double)v - value) < 1e-6 && fabs((double)g - slope) < 1e-6;
}

int main(void)
{
	struct err err;
	const bool open = um_open("cpu", 1, &err) == 0;

	ok(open, "libtorch opens");
	if (!open)
		return done();
	ok(fold(0.10f, 1, 0.20, -1), "CE 0.10, level 0.15: 0.20, and the gradient is that of -CE");
	ok(fold(0.40f, 1, 0.40, 1), "CE 0.40: 0.40, and the gradient is that of CE");
	ok(fold(0.40f, 0.25, 0.20, -0.25), "beta 0.25 on CE 0.40: as CE 0.10, a quarter of the gradient");
	return done();
}
