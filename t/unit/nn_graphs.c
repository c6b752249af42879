/* SPDX-License-Identifier: MIT
 * The planner on graphs that no architecture has: any node after any other, seeded. Whatever a plan fuses, moves and
 * leaves out, it must match the plainest program. */
#include "nn/nn.h"
#include "../tap.h"
#include "nn_plain.h"

#ifndef GRAPHS /* nn_wide.c runs fewer */
#define GRAPHS 1000
#endif
enum { IMAGES = 3, CLASSES = 5, MOST_NODES = 160, MOST_SIZE = 11 };

/* ---- graphs ---- */

static int below(struct ts_rng *rng, int n)
{
	return (int)(ts_rng_double(rng) * n);
}

static bool chance(struct ts_rng *rng, double p)
{
	return ts_rng_double(rng) < p;
}

/* A bias for the last convolution, which none of our architectures has. */
static void add_bias(struct net *n)
{
	struct net_node *node = &n->nodes[n->n_nodes - 1];
	struct net_param *grown = realloc(n->params, (size_t)(n->n_params + 1) * sizeof *grown);

	if (!grown)
		exit(1);
	n->params = grown;
	n->cap_params = n->n_params + 1;
	grown[n->n_params] =
		(struct net_param){ .role = NET_BIAS, .node = n->n_nodes - 1, .ndim = 1, .shape = { (size_t)node->c } };
	snprintf(grown[n->n_params].name, NET_NAME, "n%d.bias", n->n_nodes - 1);
	n->n_params++;
	node->n_params = 2;
	node->bias = true;
}

/* Picks a node that is a map, usually a recent one. */
static int some(const struct net *n, struct ts_rng *rng)
{
	const int latest = n->n_nodes < 4 ? n->n_nodes : 4;
	return chance(rng, 0.7) ? n->n_nodes - 1 - below(rng, latest) : below(rng, n->n_nodes);
}

/* Picks a node of a's size (for an addition, also with as many channels), perhaps a itself; -1: none found. */
static int beside(const struct net *n, struct ts_rng *rng, int a, bool channels)
{
	for (int tries = 0; tries < 20; tries++) {
		const int b = below(rng, n->n_nodes);
		const struct net_node *x = &n->nodes[a], *y = &n->nodes[b];

		if (x->h == y->h && x->w == y->w && (!channels || x->c == y->c))
			return b;
	}
	return -1;
}

/* Depthwise, or in groups of one to all of the channels. */
static void add_groups(struct net *n, struct ts_rng *rng, int in, int kernel, int stride, int pad)
{
	const int from = n->nodes[in].c;
	int groups = chance(rng, 0.5) ? from : 1 + below(rng, from);
	char name[16];

	while (from % groups)
		groups--;
	snprintf(name, sizeof name, "n%d", n->n_nodes);
	net_conv_groups(n, in, name,
			groups == from && chance(rng, 0.7) ? from : groups * (1 + below(rng, 20 / groups + 1)), kernel,
			stride, pad, groups, chance(rng, 0.3));
}

static void add_conv(struct net *n, struct ts_rng *rng, int in)
{
	static const int widths[] = { 1, 3, 4, 7, 8, 12, 16, 17, 20 };
	const struct net_node *from = &n->nodes[in];
	const int kernel = chance(rng, 0.4) ? 1 : chance(rng, 0.8) ? 3 : 2, stride = chance(rng, 0.75) ? 1 : 2;
	const int pad = below(rng, kernel > 1 ? kernel : 1 + chance(rng, 0.2)),
		  c = chance(rng, 0.4) ? from->c : widths[below(rng, 9)];
	char name[16];

	if (from->h + 2 * pad < kernel || from->w + 2 * pad < kernel)
		return;
	snprintf(name, sizeof name, "n%d", n->n_nodes);
	if (chance(rng, 0.4)) {
		add_groups(n, rng, in, kernel, stride, pad);
		return;
	}
	net_conv(n, in, name, c, kernel, stride, pad);
	if (chance(rng, 0.3))
		add_bias(n);
}

static void add_pool(struct net *n, struct ts_rng *rng, int in)
{
	const struct net_node *from = &n->nodes[in];
	const int kernel = 2 + below(rng, 2), pad = below(rng, 2);

	if (from->h < kernel || from->w < kernel)
		return;
	if (chance(rng, 0.5))
		net_avgpool(n, in, kernel);
	else
		net_maxpool(n, in, kernel, 1 + below(rng, 3), pad);
}

static void add_excitation(struct net *n, struct ts_rng *rng, int in)
{
	char first[16], second[16];

	snprintf(first, sizeof first, "n%d.a", n->n_nodes);
	snprintf(second, sizeof second, "n%d.b", n->n_nodes);
	net_excite(n, in, first, second, 1 + below(rng, 20), (enum net_act)below(rng, 7),
		   NET_RELU6 + (enum net_act)below(rng, 6));
}

/* The map as tokens, of which the first is used. */
static int attend(struct net *n, struct ts_rng *rng, int in)
{
	const int heads = 1 + below(rng, 3), c = heads * (1 + below(rng, 9));
	const int x = net_tokens(n, net_conv_bias(n, in, "patches", c, 1, 1, 0), "first", "places");
	const int qkv = net_pixels_linear_as(n, net_layernorm(n, x, "before", 1e-6), "attention", "in_weight",
					     "in_bias", 3 * c);

	return net_first(n, net_add(n, net_pixels_linear(n, net_attention(n, qkv, heads), "behind", c), x));
}

static void add_some(struct net *n, struct ts_rng *rng)
{
	const int a = some(n, rng), what = below(rng, 26);
	char name[16];
	int b;

	snprintf(name, sizeof name, "n%d", n->n_nodes);
	if (what < 6)
		add_conv(n, rng, a);
	else if (what < 9)
		net_bn(n, a, name, chance(rng, 0.7));
	else if (what < 12)
		net_relu(n, a);
	else if (what == 12)
		net_dropout(n, a);
	else if (what < 15 && (b = beside(n, rng, a, false)) >= 0 && n->nodes[a].c + n->nodes[b].c <= 48)
		net_concat(n, a, b);
	else if (what < 18 && (b = beside(n, rng, a, true)) >= 0)
		net_add(n, a, b);
	else if (what < 20)
		add_pool(n, rng, chance(rng, 0.5) ? n->n_nodes - 1 : a);
	else if (what < 23)
		net_act(n, a, NET_RELU6 + (enum net_act)below(rng, 6));
	else if (what == 23)
		net_scale(n, a, name, "scale");
	else if (what == 24)
		net_layernorm(n, a, name, 1e-3);
	else
		add_excitation(n, rng, a);
}

/* From a map to logits. */
static void finish(struct net *n, struct ts_rng *rng)
{
	int at = n->n_nodes - 1;

	at = chance(rng, 0.2)                                       ? attend(n, rng, at) :
	     net_node_size(&n->nodes[at]) < 300 && chance(rng, 0.3) ? net_flatten(n, at) :
								      net_mean(n, at);
	if (chance(rng, 0.2))
		at = net_bn(n, at, "pooled", true);
	if (chance(rng, 0.3))
		at = chance(rng, 0.5) ? net_linear(n, at, "hidden", 9) :
					net_linear_1x1(n, at, "hidden", 9, chance(rng, 0.5));
	if (chance(rng, 0.3))
		at = net_relu(n, at);
	if (chance(rng, 0.3))
		at = net_dropout(n, at);
	n->feature = at;
	n->head = net_linear(n, at, "fc", n->classes);
}

static struct net *graph(struct ts_rng *rng)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n || !(n->nodes = calloc(MOST_NODES, sizeof *n->nodes)))
		exit(1);
	n->cap_nodes = MOST_NODES;
	n->c = 1 + below(rng, 4);
	n->h = 1 + below(rng, MOST_SIZE);
	n->w = 1 + below(rng, MOST_SIZE);
	n->classes = CLASSES;
	n->nodes[n->n_nodes++] =
		(struct net_node){ .op = NET_INPUT, .in = { -1, -1 }, .c = n->c, .h = n->h, .w = n->w, .param = -1 };
	for (int steps = 1 + below(rng, 16); steps > 0; steps--)
		add_some(n, rng);
	finish(n, rng);
	return n;
}

/* ---- comparisons ---- */

/* Prints the graph on one line, for debugging. */
static void print(const struct net *n, const bool *keep)
{
	static const char *const ops[] = { "input",   "conv",   "bn",        "relu",   "act",       "dropout", "concat",
					   "add",     "mul",    "scale",     "pad",    "avgpool",   "maxpool", "mean",
					   "flatten", "linear", "layernorm", "tokens", "attention", "first" };

	printf("#");
	for (int i = 0; i < n->n_nodes; i++) {
		const struct net_node *o = &n->nodes[i];

		printf(" %d%s=%s(%d,%d)", i, keep[i] ? "!" : "", ops[o->op], o->in[0], o->in[1]);
		if (o->op == NET_CONV || o->op == NET_MAXPOOL || o->op == NET_AVGPOOL)
			printf("k%ds%dp%d%s", o->kernel, o->stride, o->pad, o->op == NET_CONV && o->bias ? "b" : "");
		if (o->op == NET_CONV && o->groups > 1)
			printf("g%d", o->groups);
		if (o->op == NET_ACT)
			printf("%d", (int)o->act);
		printf(":%dx%dx%d", o->c, o->h, o->w);
	}
	printf("\n");
}

static double run(struct net_checkpoint *c, const uint8_t *image, float *const *want, const bool *keep, const char *isa,
		  int threads)
{
	const struct net *n = c->net;
	const size_t D = (size_t)n->nodes[n->feature].c, size = net_node_size(&n->nodes[0]);
	float logits[IMAGES * CLASSES], last[CLASSES], *features = calloc(IMAGES, D * sizeof *features),
						       *maps[MOST_NODES];
	struct nn *m = NULL;
	struct err err;
	double off = INFINITY;

	for (int i = 0; i < n->n_nodes; i++)
		maps[i] = calloc(IMAGES, net_node_size(&n->nodes[i]) * sizeof **maps);
	if (nn_new(&m, c, &(struct nn_options){ .threads = threads, .isa = isa, .keep = keep }, &err) == 0) {
		nn_run(m, image, IMAGES, logits, features, maps);
		off = fmax(nn_distance(logits, want[n->head], IMAGES * CLASSES),
			   nn_distance(features, want[n->feature], IMAGES * D));
		for (int i = 0; i < n->n_nodes; i++)
			if (keep[i])
				off = fmax(off, nn_distance(maps[i], want[i], IMAGES * net_node_size(&n->nodes[i])));
		nn_run(m, image + (IMAGES - 1) * size, 1, last, NULL, NULL);
		if (memcmp(last, logits + (IMAGES - 1) * CLASSES, sizeof last) != 0)
			off = INFINITY;
	}
	nn_free(m);
	for (int i = 0; i < n->n_nodes; i++)
		free(maps[i]);
	free(features);
	return off;
}

/* The largest error over all instruction sets, keeping no nodes, some, or all. */
static double try_graph(uint64_t seed)
{
	struct ts_rng rng = ts_rng_new(seed, 3);
	struct net_checkpoint c = { .net = graph(&rng),
				    .mean = { 0.5, 0.4, 0.3, 0.6 },
				    .std = { 0.25, 0.2, 0.3, 0.22 } };
	uint8_t *image = nn_random_images(c.net, IMAGES, seed);
	float **want;
	double off = 0;

	ts_header_init(&c.header, "checkpoint");
	if (net_init(c.net, &rng, &c.state) < 0)
		exit(1);
	nn_statistics(&c, &rng);
	want = nn_plain(&c, image, IMAGES);
	for (int kept = 0; kept < 3; kept++) {
		char isas[64], *next = isas;
		bool keep[MOST_NODES] = { false };

		for (int i = 0; i < c.net->n_nodes; i++)
			keep[i] = kept == 2 || (kept == 1 && chance(&rng, 0.3));
		snprintf(isas, sizeof isas, "%s", nn_isas());
		for (char *isa; (isa = strsep(&next, "|"));) {
			const double one = run(&c, image, want, keep, isa, 1 + (int)(seed % 2));

			if (!(one < 1e-4) && off < 1e-4) {
				printf("# graph %d, %s: off by %.1g\n", (int)seed, isa, one);
				print(c.net, keep);
			}
			off = fmax(off, one);
		}
	}
	nn_plain_free(c.net, want);
	free(image);
	net_checkpoint_release(&c);
	return off;
}

int main(int argc, char **argv)
{
	const int first = argc > 1 ? atoi(argv[1]) : 0, n = argc > 2 ? atoi(argv[2]) : GRAPHS;
	int bad = 0;
	double worst = 0;

	for (int i = first; i < first + n; i++) {
		const double off = try_graph((uint64_t)i);

		bad += !(off < 1e-4);
		worst = fmax(worst, off);
	}
	ok(bad == 0, "%d random graphs: off by at most %.1g", n, worst);
	return done();
}
