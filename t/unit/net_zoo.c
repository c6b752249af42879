/* SPDX-License-Identifier: MIT
 * The architectures: published counts, feature lists, what they refuse, and that each is recognised by the names and
 * shapes of its state. */
#include <stdio.h>
#include <string.h>

#include "net/net.h"
#include "../tap.h"

static struct err err;

static size_t count(const char *spec, int size, int classes)
{
	struct net *n = net_new(spec, 3, size, size, classes, &err);
	size_t k = n ? net_count(n) : 0;
	net_free(n);
	return k;
}

static bool refused(const char *spec, int size, const char *because)
{
	struct net *n = net_new(spec, 3, size, size, 10, &err);
	net_free(n);
	return !n && strstr(err.text, because);
}

/* "CxHxW CxHxW ..." of the feature list, then the feature's width. */
static bool maps(const char *spec, int size, const char *want)
{
	struct net *n = net_new(spec, 3, size, size, 10, &err);
	char have[256] = "";
	size_t k = 0;

	for (int i = 0; n && i < n->n_stages; i++) {
		const struct net_node *node = &n->nodes[n->stages[i]];
		k += (size_t)snprintf(have + k, sizeof have - k, "%dx%dx%d ", node->c, node->h, node->w);
	}
	if (n)
		snprintf(have + k, sizeof have - k, "%d", n->nodes[n->feature].c);
	net_free(n);
	if (strcmp(have, want) != 0)
		printf("# %s: %s\n", spec, have);
	return strcmp(have, want) == 0;
}

/* Names and shapes of a state whose values are all 0, in untouched memory. */
static int shapes_of(const struct net *n, struct ts_set *s)
{
	for (int i = 0; i < n->n_params; i++)
		if (!ts_set_add(s, n->params[i].name, TS_F32, n->params[i].ndim, n->params[i].shape))
			return -1;
	return 0;
}

/* Does exactly one architecture recognise the state, and is its canonical spec the network's? */
static bool known(const char *spec, int size)
{
	struct net *n = net_new(spec, 3, size, size, 10, &err), *again = NULL;
	struct ts_set s = { 0 };
	char guessed[NET_SPEC] = "", last[NET_SPEC] = "";
	int hits = 0;
	bool same;

	if (!n || shapes_of(n, &s) < 0)
		return false;
	for (int i = 0; net_archs[i]; i++)
		if (net_archs[i]->guess && net_archs[i]->guess(&s, guessed)) {
			snprintf(last, sizeof last, "%s", guessed);
			hits++;
		}
	again = net_new(last, 3, size, size, 10, &err);
	same = hits == 1 && again && strcmp(again->spec, n->spec) == 0;
	if (!same)
		printf("# %s: %d guesses, the last '%s'\n", n->spec, hits, last);
	ts_set_release(&s);
	net_free(again);
	net_free(n);
	return same;
}

static void counts(void)
{
	ok(count("resnet:depth=18", 224, 1000) == 11689512, "torchvision's resnet18");
	ok(count("resnet:depth=34", 224, 1000) == 21797672, "resnet34");
	ok(count("resnet", 224, 1000) == 25557032, "resnet50");
	ok(count("resnet:depth=101", 224, 1000) == 44549160, "resnet101");
	ok(count("resnet:depth=152", 224, 1000) == 60192808, "resnet152");
	ok(count("resnet:widen=2", 224, 1000) == 68883240, "wide_resnet50_2");
	ok(count("densenet121", 224, 1000) == 7978856, "densenet121");
	ok(count("densenet121:block3=32,block4=32", 224, 1000) == 14149480, "densenet169");
	ok(count("densenet121:block3=48,block4=32", 224, 1000) == 20013928, "densenet201");
	ok(count("densenet121:growth=48,init=96,block3=36,block4=24", 224, 1000) == 28681000, "densenet161");
	ok(count("wideresnet:depth=28,widen=10", 32, 10) == 36479194, "WRN-28-10");
	ok(count("wideresnet", 32, 10) == 2243546, "WRN-40-2");
	ok(count("resnet-cifar", 32, 10) == 11173962, "ResNet-18 for small images");
	ok(count("resnet-cifar:depth=50", 32, 10) == 23520842, "ResNet-50 for small images");
	ok(count("resnet20", 32, 10) == 269722 && count("resnet56", 32, 10) == 853018 &&
		   count("resnet110", 32, 10) == 1727962,
	   "ResNet-20, 56 and 110 of CIFAR-10");
	ok(count("resnet20:projection=1", 32, 10) == 272474, "ResNet-20 with projections");
	ok(count("cifarnet", 32, 10) == 312 + 50688 + 256 + 737280 + 1024 + 1179648 + 1024 + 2570, "cifarnet");
	/* By hand: 3*64*9 + 64*64*9, then 16384*256 + 256*256 + 256*10, and so on. */
	ok(count("conv2", 32, 10) == 38592 + 4262400, "conv2");
	ok(count("conv4", 32, 10) == 38592 + 221184 + 2165248, "conv4");
	ok(count("conv6", 32, 10) == 38592 + 221184 + 884736 + 1116672, "conv6");
	ok(count("conv8", 32, 10) == 38592 + 221184 + 884736 + 3538944 + 592384, "conv8");
	ok(count("conv4:width=0.5", 32, 10) == 10080 + 55296 + 4096 * 128 + 128 * 128 + 1280,
	   "conv4 of half its width");
	ok(count("conv2:bias=1", 32, 10) == 38592 + 4262400 + 522 &&
		   count("conv2:bias=2", 32, 10) == 38592 + 4262400 + 650,
	   "conv2 with biases");
	ok(count("resnext50_32x4d", 224, 1000) == 25028904 && count("resnext101_32x8d", 224, 1000) == 88791336,
	   "torchvision's resnext50_32x4d and resnext101_32x8d");
	ok(count("vgg11", 224, 1000) == 132863336 && count("vgg16_bn", 224, 1000) == 138365992, "vgg11 and vgg16_bn");
	ok(count("mobilenet-v2", 224, 1000) == 3504872, "mobilenet_v2");
	ok(count("mobilenet-v3-large", 224, 1000) == 5483032 && count("mobilenet-v3-small", 224, 1000) == 2542856,
	   "mobilenet_v3_large and mobilenet_v3_small");
	ok(count("mobilenetv3_large_100", 224, 1000) == 5483032, "timm's mobilenetv3_large_100");
	ok(count("efficientnet_b0", 224, 1000) == 5288548 && count("efficientnet_b1", 224, 1000) == 7794184 &&
		   count("efficientnet_b2", 224, 1000) == 9109994,
	   "efficientnet_b0, b1 and b2");
	ok(count("regnet_y_400mf", 224, 1000) == 4344144 && count("regnet_y_800mf", 224, 1000) == 6432512 &&
		   count("regnet_x_400mf", 224, 1000) == 5495976,
	   "regnet_y_400mf, y_800mf and x_400mf");
	ok(count("convnext_tiny", 224, 1000) == 28589128 && count("convnext_base", 224, 1000) == 88591464,
	   "convnext_tiny and convnext_base");
	ok(count("vit_b_16", 224, 1000) == 86567656 && count("vit_small_patch16_224", 224, 1000) == 22050664,
	   "vit_b_16 and timm's vit_small_patch16_224");
	ok(count("fc", 32, 10) == 3072 * 300 + 300 * 100 + 1000, "fc");
}

static void lists(void)
{
	ok(maps("wideresnet", 32, "16x32x32 32x32x32 64x16x16 128x8x8 128"), "maps of WRN-40-2");
	ok(maps("resnet-cifar", 32, "64x32x32 64x32x32 128x16x16 256x8x8 512x4x4 512"),
	   "of ResNet-18 for small images");
	ok(maps("resnet20", 32, "16x32x32 16x32x32 32x16x16 64x8x8 64"), "of ResNet-20");
	ok(maps("cifarnet", 32, "24x31x31 64x15x15 256x7x7 256x3x3 256"), "of cifarnet");
	ok(maps("resnet", 224, "64x56x56 256x56x56 512x28x28 1024x14x14 2048x7x7 2048"), "of resnet50");
	ok(maps("resnet:depth=18", 33, "64x9x9 64x9x9 128x5x5 256x3x3 512x2x2 512"),
	   "of resnet18 at a size that halves unevenly");
	ok(maps("densenet121", 224, "64x56x56 128x28x28 256x14x14 512x7x7 1024x7x7 1024"), "of densenet121");
	ok(maps("conv6", 36, "64x18x18 128x9x9 256x4x4 256"), "of conv6 at a size that halves unevenly");
	ok(maps("mobilenet-v2", 224, "16x112x112 24x56x56 32x28x28 64x14x14 96x14x14 160x7x7 320x7x7 1280x7x7 1280"),
	   "of mobilenet_v2");
	ok(maps("mobilenet-v3-small", 224, "16x56x56 24x28x28 40x14x14 48x14x14 96x7x7 576x7x7 1024"),
	   "of mobilenet_v3_small");
	ok(maps("regnet", 224, "32x112x112 48x56x56 104x28x28 208x14x14 440x7x7 440"), "of regnet_y_400mf");
	ok(maps("convnext", 224, "96x56x56 192x28x28 384x14x14 768x7x7 768"), "of convnext_tiny");
	ok(maps("vit", 224, "768"), "vit has none");
	ok(maps("fc", 28, "100"), "fc has none");
}

/* Are there this many dropouts, each between such an op and one that reads a weight of this name? */
static bool dropouts(const char *spec, int many, enum net_op before, const char *reader)
{
	struct net *n = net_new(spec, 3, 32, 32, 10, &err);
	int found = 0;

	for (int i = 0; n && i < n->n_nodes; i++) {
		const struct net_node *next = &n->nodes[n->nodes[i].last_use];

		if (n->nodes[i].op == NET_DROPOUT && n->nodes[n->nodes[i].in[0]].op == before &&
		    (next->param < 0 ? *reader == '\0' : strstr(n->params[next->param].name, reader) != NULL))
			found++;
	}
	net_free(n);
	return found == many;
}

static void dropout_places(void)
{
	ok(dropouts("wideresnet", 18, NET_RELU, "conv2.weight"),
	   "wideresnet has dropout before its second convolutions");
	ok(dropouts("densenet121", 58, NET_CONV, ""), "densenet121 before its concatenations");
	ok(dropouts("densenet", 16 * 3, NET_CONV, "bn2"), "densenet between a layer's convolutions too");
}

static void refusals(void)
{
	ok(refused("wideresnet:depth=30", 32, "nearest to 30 are 28 and 34"),
	   "a depth between those there are names its neighbours");
	ok(refused("resnet:depth=20", 224, "18, 34, 50, 101 or 152, not 20"), "a depth that is not on the list");
	ok(refused("resnet-cifar:depth=56", 32, "18, 34, 50, 101 or 152, not 56"), "nor for small images");
	ok(refused("resnet-narrow:depth=21", 32, "nearest to 21 are 20 and 26"), "nor between those of CIFAR-10");
	ok(refused("cifarnet", 16, "at least 17x17"), "cifarnet of images too small for its poolings");
	ok(refused("resnet:depth=18,widen=2", 224, "no bottlenecks"), "nothing to widen");
	ok(refused("resnet", 31, "at least 32x32") && refused("densenet121", 28, "at least 32x32"), "images too small");
	ok(refused("conv6", 7, "at least 8x8"), "images too small for three poolings");
	ok(refused("resnext:depth=18", 224, "no bottlenecks"), "no groups without bottlenecks");
	ok(refused("vgg", 32, "224x224") && refused("mobilenet-v2", 31, "at least 32x32"), "vgg of another size");
	ok(refused("vit", 100, "multiple of that (100x100 given)") && refused("vit:heads=5", 224, "5 heads"),
	   "a size that patches do not fill, and heads that do not divide the width");
	ok(refused("conv2:depth=3", 32, "no parameter 'depth'"), "conv2 has no parameters");
}

static void guesses(void)
{
	static const struct {
		const char *spec;
		int size;
	} nets[] = {
		{ "densenet", 32 },
		{ "densenet:depth=40,growth=24,reduction=0.3,bottleneck=0,affine=1", 32 },
		{ "wideresnet", 32 },
		{ "wideresnet:depth=10,widen=1,affine=0", 32 },
		{ "wideresnet:depth=28,widen=10", 32 },
		{ "resnet-cifar", 32 },
		{ "resnet-cifar:depth=34,affine=0", 32 },
		{ "resnet-cifar:depth=50", 32 },
		{ "resnet-cifar:depth=101", 32 },
		{ "resnet-narrow", 32 },
		{ "resnet-narrow:depth=110,projection=1", 32 },
		{ "cifarnet", 32 },
		{ "cifarnet:widen=0.25", 32 },
		{ "resnet:depth=18", 64 },
		{ "resnet:depth=34", 64 },
		{ "resnet", 64 },
		{ "resnet:depth=101", 64 },
		{ "resnet:depth=152", 64 },
		{ "resnet:widen=2", 64 },
		{ "densenet121", 32 },
		{ "densenet121:growth=48,init=96,block3=36,block4=24", 32 },
		{ "conv2", 32 },
		{ "conv4", 32 },
		{ "conv6", 32 },
		{ "conv8", 32 },
		{ "conv2:bias=1", 32 },
		{ "conv4:bias=2,width=0.5", 32 },
		{ "conv6:width=1.3", 32 },
		{ "fc:bias=1", 28 },
		{ "fc", 28 },
		{ "resnext", 64 },
		{ "resnext:depth=101,groups=64,width=4", 64 },
		{ "vgg:depth=11", 224 },
		{ "vgg:depth=13,bn=0,dense=64", 224 },
		{ "vgg", 224 },
		{ "vgg:depth=19,bn=0", 224 },
		{ "mobilenet-v2", 64 },
		{ "mobilenet-v2:widen=0.5", 64 },
		{ "mobilenet-v2:timm=1", 64 },
		{ "mobilenet-v3-large", 64 },
		{ "mobilenet-v3-large:timm=1", 64 },
		{ "mobilenet-v3-small", 64 },
		{ "mobilenet-v3-small:widen=0.75,timm=1", 64 },
		{ "efficientnet", 64 },
		{ "efficientnet:timm=1", 64 },
		{ "efficientnet:widen=1.1,deepen=1.2", 64 },
		{ "regnet", 64 },
		{ "regnet_x_400mf", 64 },
		{ "convnext", 64 },
		{ "convnext:width=128,block3=27,timm=1", 64 },
		{ "vit", 64 },
		{ "vit:patch=14,width=384,depth=3,heads=6,mlp=1536", 56 },
	};

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		ok(known(nets[i].spec, nets[i].size), "a state of %s is known, by it alone", nets[i].spec);
	for (int a = 0; net_archs[a]; a++) {
		const size_t len = strlen(net_archs[a]->name);
		bool here = false;

		for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
			here |= strncmp(nets[i].spec, net_archs[a]->name, len) == 0 && strchr(":", nets[i].spec[len]);
		ok(here, "%s is among them", net_archs[a]->name);
	}
}

/* A part of the input that is not a whole number of groups. */
static void groups(void)
{
	struct net *n = net_new("resnet", 3, 64, 64, 10, &err);
	struct ts_set s = { 0 };
	char guessed[NET_SPEC];
	bool taken = false;

	if (n && shapes_of(n, &s) == 0) {
		ts_set_get(&s, "layer1.0.conv2.weight")->shape[1] = 5;
		for (int i = 0; net_archs[i]; i++)
			taken |= net_archs[i]->guess && net_archs[i]->guess(&s, guessed);
		ok(!taken, "convolutions of part of their input are not taken for resnet's, nor for another's");
	}
	ts_set_release(&s);
	net_free(n);
}

int main(void)
{
	counts();
	lists();
	dropout_places();
	refusals();
	guesses();
	groups();
	return done();
}
