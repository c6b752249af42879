/* SPDX-License-Identifier: MIT
 * Specs, shapes and counts of networks. */
#include <string.h>

#include "net/net.h"
#include "../tap.h"

static struct err err;

static size_t count(const char *spec, int classes)
{
	struct net *n = net_new(spec, 3, 32, 32, classes, &err);
	size_t k = n ? net_count(n) : 0;
	net_free(n);
	return k;
}

static bool refused(const char *spec, const char *because)
{
	struct net *n = net_new(spec, 3, 32, 32, 10, &err);
	net_free(n);
	return !n && strstr(err.text, because);
}

/* Output channels of the node whose parameter is called name. */
static int width(const struct net *n, const char *name)
{
	for (int i = 0; i < n->n_params; i++)
		if (strcmp(n->params[i].name, name) == 0)
			return n->nodes[n->nodes[n->params[i].node].in[0]].c;
	return -1;
}

/* Sets the normalisation of a network with this many channels. */
static bool normalises(int channels, const char *name, const char *mean, const char *std, struct net_checkpoint *c)
{
	bool good;

	*c = (struct net_checkpoint){ .net = net_new("conv2", channels, 8, 8, 2, &err), .mean = { 7 }, .std = { 7 } };
	good = c->net && (!name || net_normalise(c, name, &err) == 0) && net_normalise_by(c, mean, std, &err) == 0;
	net_free(c->net);
	return good;
}

static void normalisation(void)
{
	static const char *const bad[] = { "1,2",     "1,2,3,4", "1,2,3,", ",1,2",    "1;2;3",
					   "nan,1,1", "",        "1,,3",   "1e10,1,1" };
	char names[] = NET_NORMALISERS, *rest = names, *name;
	struct net_checkpoint c;
	bool all = true;

	while ((name = strsep(&rest, "|")))
		all = all && net_is_normaliser(name) && normalises(3, name, NULL, NULL, &c) && c.std[2] > 0;
	ok(all, "each normaliser that is listed is there");
	ok(!net_is_normaliser("cifar") && !net_is_normaliser("cifar10|half"), "and no other");
	ok(normalises(1, "half", NULL, NULL, &c) && c.mean[0] == .5 && normalises(4, "none", NULL, NULL, &c) &&
		   c.std[3] == 1,
	   "some are for any number of channels");
	ok(!normalises(1, "cifar10", NULL, NULL, &c) && strstr(err.text, "is for 3 channels, the network has 1") &&
		   !normalises(4, "imagenet", NULL, NULL, &c),
	   "those of colours for 3 alone");
	ok(normalises(3, "imagenet", NULL, "1,2,3", &c) && c.mean[0] == .485 && c.std[2] == 3 &&
		   normalises(3, NULL, "-1,0,1", NULL, &c) && c.mean[0] == -1 && c.std[0] == 7,
	   "what is not said stays");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!normalises(3, NULL, bad[i], NULL, &c) && strncmp(err.text, "mean takes 3 numbers", 20) == 0,
		   "'%s' is no mean", bad[i]);
	ok(!normalises(3, NULL, NULL, "1,0,1", &c) && strstr(err.text, "std takes") && strstr(err.text, "above 0"),
	   "nor 0 a deviation");
}

int main(void)
{
	struct net *n = net_new("densenet", 3, 32, 32, 10, &err);
	struct ts_rng rng = ts_rng_new(1, 1);
	struct ts_set s = { 0 };
	double sum = 0, square = 0;
	float *w;

	/* Published counts: 745,174 and 776,044; affine batch norm adds 23,988. */
	ok(n && net_count(n) == 745174, "DenseNet-100 for 10 classes has 745,174 numbers");
	ok(count("densenet:depth=100", 100) == 776044, "for 100 classes 776,044");
	ok(count("densenet:affine=1", 10) == 745174 + 23988, "affine batch norm adds 23,988");
	ok(strcmp(n->spec, "densenet:depth=100,growth=12,reduction=0.5,bottleneck=1,affine=0") == 0,
	   "the spec is made canonical");
	ok(width(n, "block1.layer.0.bn1.running_mean") == 24 && width(n, "trans1.conv1.weight") == 216 &&
		   width(n, "block2.layer.0.bn1.running_mean") == 108 && width(n, "trans2.conv1.weight") == 300 &&
		   width(n, "fc.weight") == 342,
	   "widths 24 216 108 300 342");
	ok(n->nodes[n->feature].c == 342 && n->nodes[n->head].c == 10, "features and logits");

	ok(refused("alexnet", "are: densenet"), "an unknown architecture names those there are");
	ok(refused("densenet:dept=3", "no parameter 'dept'; it has: depth growth reduction bottleneck affine"),
	   "an unknown parameter is named, and those there are");
	ok(refused("densenet:depth=x", "not a whole number"), "a value that is no number");
	ok(refused("densenet:depth=22.5", "not a whole number"), "a depth that is not whole");
	ok(refused("densenet:growth=1e9", "from 1 to 128"), "a value out of range says the range");
	ok(refused("densenet:depth=8", "one layer per block"), "too shallow for a block");

	ok(net_init(n, &rng, &s) == 0 && net_check(n, &s, &err) == 0, "a fresh state is a state");
	w = ts_set_get(&s, "block1.layer.3.conv2.weight")->data;
	for (int i = 0; i < 12 * 48 * 9; i++) {
		sum += (double)w[i];
		square += (double)w[i] * (double)w[i];
	}
	square /= 12 * 48 * 9;
	ok(square > 0.95 * 2 / (48 * 9) && square < 1.05 * 2 / (48 * 9), "kaiming normal, fan in");
	w[7] = (float)(0.0 / (sum - sum));
	ok(net_check(n, &s, &err) < 0 && strstr(err.text, "conv2.weight") && strstr(err.text, "not finite"),
	   "a number that is not finite is found");
	w[7] = 0;
	ts_set_get(&s, "fc.bias")->name[3] = 'x';
	ok(net_check(n, &s, &err) < 0 && strstr(err.text, "'fc.bias'") && strstr(err.text, "missing"),
	   "a missing tensor is named");
	ts_set_release(&s);
	net_free(n);
	normalisation();
	return done();
}
