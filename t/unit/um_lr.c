/* SPDX-License-Identifier: MIT
 * Learning-rate policies by hand, and the size of masks. */
#include <math.h>

#include "../tap.h"
#include "num/num_softmax.h"
#include "um/um.h"

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-12 + 1e-4 * fabs(b) * 1e-4;
}

int main(void)
{
	struct um_train_options o = {
		.epochs = 100, .lr = 0.1, .lr_adjust = 30, .lr_gamma = 0.1, .lr_drop_epoch = 0.5, .lr_one_drop = 0.05
	};
	float z[3] = { 1000, 1000, -1000 };
	bool positive = true;

	ok(near(um_lr(&o, 0), 0.1) && near(um_lr(&o, 50), 0.05), "cosine at 0 and 50 of 100");
	ok(fabs(um_lr(&o, 99) - 2.467e-5) < 1e-8, "cosine at 99: 2.467e-5");
	o.warmup = 4;
	ok(near(um_lr(&o, 0), 0.025) && near(um_lr(&o, 3), 0.1) && near(um_lr(&o, 4), 0.1),
	   "warm-up of 4 epochs, then the top of the cosine");
	o.warmup = 0;
	o.lr_policy = UM_LR_CONSTANT;
	ok(near(um_lr(&o, 77), 0.1), "constant");
	o.lr_policy = UM_LR_MULTISTEP;
	ok(near(um_lr(&o, 29), 0.1) && near(um_lr(&o, 30), 0.01) && near(um_lr(&o, 95), 1e-4),
	   "multistep: a tenth every 30");
	o.lr_policy = UM_LR_SUPERCONVERGE;
	ok(near(um_lr(&o, 0), 0) && near(um_lr(&o, 20), 0.05) && near(um_lr(&o, 40), 0.1) && near(um_lr(&o, 70), 0.05),
	   "superconverge: up to 2/5, down to the end");
	o.lr_policy = UM_LR_PIECEWISE;
	ok(near(um_lr(&o, 49), 0.1) && near(um_lr(&o, 50), 0.01) && near(um_lr(&o, 75), 0.001), "piecewise");
	o.lr_policy = UM_LR_LINEAR;
	ok(near(um_lr(&o, 33), 0.1) && near(um_lr(&o, 66), 0.01), "linear: the corners");
	o.lr_policy = UM_LR_ONEDROP;
	ok(near(um_lr(&o, 49), 0.1) && near(um_lr(&o, 50), 0.005), "onedrop");
	o.lr_policy = UM_LR_MULTIPLEDECAY;
	ok(near(um_lr(&o, 9), 0.1) && near(um_lr(&o, 10), 0.09) && near(um_lr(&o, 99), 0.01), "multipledecay");
	o.epochs = 5;
	ok(near(um_lr(&o, 1), 0.08) && near(um_lr(&o, 4), 0.02), "multipledecay of fewer than 10 epochs");
	o.epochs = 25;
	ok(near(um_lr(&o, 2), 0.1) && near(um_lr(&o, 3), 0.09) && near(um_lr(&o, 24), 0.01), "multipledecay of 25");
	for (o.lr_policy = 0; o.lr_policy <= UM_LR_MULTIPLEDECAY; o.lr_policy++)
		for (o.epochs = 1; o.epochs <= 40; o.epochs++)
			for (long e = 0; e < o.epochs; e++)
				positive = positive && um_lr(&o, e) >= 0 && um_lr(&o, e) <= 0.1;
	ok(positive, "no policy leaves 0 to lr, whatever the number of epochs");

	ok(net_cut(0.965, 648) == 22 && net_cut(0.8, 648) == 129, "648 weights: 22 and 129 are cut");
	ok(net_cut(0.965, 3420) == 119 && net_cut(0.8, 3420) == 683, "3420: 119 and 683");
	ok(net_cut(1, 648) == 0 && net_cut(0, 648) == 648, "none and all");
	ok(near(num_cross_entropy(z, 3, 0), log(2)), "cross-entropy of large logits: log 2");
	ok(near(num_cross_entropy(z, 3, 2), 2000 + log(2)), "and 2000 + log 2");
	return done();
}
