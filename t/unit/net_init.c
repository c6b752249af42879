/* SPDX-License-Identifier: MIT
 * Fresh weights of convolutions: bounds, values and variances of each kind, by hand. */
#include <math.h>
#include <string.h>

#include "../tap.h"
#include "net/net.h"

/* The second convolution of a block: 48 channels in, 12 out, 3x3. */
enum { IN = 48 * 9, OUT = 12 * 9 };

struct seen {
	double least, most, mean, square;
	size_t n, plus;
};

static struct seen look(const char *kind, long fan_out, long nonlinearity)
{
	struct net *n = net_new("densenet:depth=40", 3, 32, 32, 10, &(struct err){ 0 });
	struct ts_rng rng = ts_rng_new(7, 1);
	struct net_init_options o = { 0, fan_out, nonlinearity };
	struct seen s = { INFINITY, -INFINITY, 0, 0, 0, 0 };
	struct ts_set state = { 0 };
	const char *at = net_init_names;

	for (; strncmp(at, kind, strlen(kind)) != 0 || (at[strlen(kind)] && at[strlen(kind)] != '|'); o.kind++)
		at = strchr(at, '|') + 1;
	if (!n || net_init_as(n, &o, &rng, &state) < 0)
		return s;
	for (size_t i = 0; i < state.n; i++) {
		const struct ts_tensor *t = &state.t[i];
		const float *v = t->data;

		if (!strstr(t->name, "conv2.weight") || t->shape[1] != 48)
			continue;
		for (size_t k = 0; k < ts_tensor_count(t); k++, s.n++) {
			s.least = fmin(s.least, (double)v[k]);
			s.most = fmax(s.most, (double)v[k]);
			s.mean += (double)v[k];
			s.square += (double)v[k] * (double)v[k];
			s.plus += v[k] > 0;
		}
	}
	s.mean /= (double)s.n;
	s.square /= (double)s.n;
	ts_set_release(&state);
	net_free(n);
	return s;
}

static bool near(double a, double b, double share)
{
	return fabs(a - b) <= share * fabs(b);
}

/* 18 x 5,184 numbers: their variance is within 2 %. */
static bool normal(struct seen s, double variance)
{
	return s.n == 18 * 5184 && near(s.square, variance, 0.02) && s.most > 3.5 * sqrt(variance) &&
	       s.least < -3.5 * sqrt(variance);
}

static bool uniform(struct seen s, double bound)
{
	return near(s.square, bound * bound / 3, 0.02) && s.most <= bound * 1.000001 && s.most > 0.999 * bound &&
	       s.least < -0.999 * bound && fabs(s.mean) < 0.01 * bound;
}

static bool constant(struct seen s, double value, bool random_sign)
{
	const double share = (double)s.plus / (double)s.n;

	return near(s.most, value, 1e-6) && near(s.least, random_sign ? -value : value, 1e-6) &&
	       near(s.square, value * value, 1e-6) && (random_sign ? fabs(share - 0.5) < 0.01 : share == 1);
}

int main(void)
{
	enum { RELU, LEAKY, TANH, SIGMOID, LINEAR, SELU };

	ok(normal(look("kaiming-normal", 0, RELU), 2.0 / IN), "kaiming-normal: variance 2 / fan_in");
	ok(normal(look("kaiming-normal", 1, RELU), 2.0 / OUT), "of fan_out");
	ok(normal(look("kaiming-normal", 0, LEAKY), 2 / 1.0001 / IN) &&
		   normal(look("kaiming-normal", 0, TANH), 25 / 9.0 / IN) &&
		   normal(look("kaiming-normal", 0, SIGMOID), 1.0 / IN) &&
		   normal(look("kaiming-normal", 0, LINEAR), 1.0 / IN) &&
		   normal(look("kaiming-normal", 0, SELU), 9 / 16.0 / IN),
	   "gains squared: 2 / 1.0001, 25 / 9, 1, 1, 9 / 16");
	ok(uniform(look("kaiming-uniform", 0, RELU), sqrt(6.0 / IN)) &&
		   uniform(look("kaiming-uniform", 1, TANH), 5 / 3.0 * sqrt(3.0 / OUT)),
	   "kaiming-uniform");
	ok(normal(look("xavier-normal", 1, TANH), 2.0 / (IN + OUT)), "xavier-normal, whatever gain and fan are");
	ok(uniform(look("xavier-uniform", 0, RELU), sqrt(6.0 / (IN + OUT))), "xavier-uniform");
	ok(constant(look("xavier-constant", 0, RELU), sqrt(2.0 / (IN + OUT)), true), "xavier-constant");
	ok(constant(look("signed-constant", 0, RELU), sqrt(2.0 / IN), true), "signed-constant");
	ok(constant(look("unsigned-constant", 1, RELU), sqrt(2.0 / OUT), false), "unsigned-constant");
	ok(uniform(look("standard", 1, TANH), sqrt(1.0 / IN)), "standard: PyTorch's +-1 / sqrt(fan_in)");
	return done();
}
