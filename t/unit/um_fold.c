/* SPDX-License-Identifier: MIT
 * The fold of Unleashing Mask: value and gradient, above and below the level. */
#include <math.h>

#include "../tap.h"
#include "um/loss/um_loss.h"

/* The fold of ce at level 0.15: its value, and its derivative with respect to ce. */
static bool fold(double ce, double beta, double value, double slope)
{
	double g;

	return fabs(um_loss_fold(ce, 0.15, beta, &g) - value) < 1e-12 && fabs(g - slope) < 1e-12;
}

int main(void)
{
	ok(fold(0.10, 1, 0.20, -1), "CE 0.10, level 0.15: 0.20, and the gradient is that of -CE");
	ok(fold(0.40, 1, 0.40, 1), "CE 0.40: 0.40, and the gradient is that of CE");
	ok(fold(0.40, 0.25, 0.20, -0.25), "beta 0.25 on CE 0.40: as CE 0.10, a quarter of the gradient");
	return done();
}
