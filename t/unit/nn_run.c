/* SPDX-License-Identifier: MIT
 * The inference engine against the plainest program that does the same: each node in turn, in double, as its
 * definition says. All architectures, all instruction sets that are here, maps in the middle, starts in the
 * middle, any number of images and threads. */
#include "nn/nn.h"
#include "../tap.h"
#include "nn_nets.h"

enum { IMAGES = 3, CLASSES = 7 };

/* ---- the plain program ---- */

struct plain {
	const struct net *n;
	const struct ts_set *state;
	double **out;                     /* (n_nodes) of one image */
};

static double weight(const struct plain *p, const struct net_node *node, int k, size_t i)
{
	return (double)((const float *)p->state->t[node->param + k].data)[i];
}

static void conv(const struct plain *p, const struct net_node *o, const struct net_node *in, const double *x,
		 double *y)
{
	const float *w = p->state->t[o->param].data;

	for (int m = 0; m < o->c; m++)
		for (int r = 0; r < o->h; r++)
			for (int q = 0; q < o->w; q++) {
				double sum = 0;

				for (int c = 0; c < in->c; c++)
					for (int k = 0; k < o->kernel * o->kernel; k++) {
						const int a = r * o->stride - o->pad + k / o->kernel;
						const int b = q * o->stride - o->pad + k % o->kernel;

						if (a >= 0 && a < in->h && b >= 0 && b < in->w)
							sum += x[(c * in->h + a) * in->w + b] *
							       (double)w[(m * in->c + c) * o->kernel * o->kernel + k];
					}
				y[(m * o->h + r) * o->w + q] = sum;
			}
}

static void pool(const struct net_node *o, const struct net_node *in, const double *x, double *y)
{
	const bool most = o->op == NET_MAXPOOL;
	const int stride = most ? o->stride : o->kernel, pad = most ? o->pad : 0;

	for (int c = 0; c < o->c; c++)
		for (int r = 0; r < o->h; r++)
			for (int q = 0; q < o->w; q++) {
				double v = most ? -INFINITY : 0;

				for (int k = 0; k < o->kernel * o->kernel; k++) {
					const int a = r * stride - pad + k / o->kernel, b = q * stride - pad + k % o->kernel;

					if (a < 0 || a >= in->h || b < 0 || b >= in->w)
						continue;
					const double at = x[(c * in->h + a) * in->w + b];
					v = most ? fmax(v, at) : v + at / (o->kernel * o->kernel);
				}
				y[(c * o->h + r) * o->w + q] = v;
			}
}

static void bn(const struct plain *p, const struct net_node *o, const double *x, double *y)
{
	const int hw = o->h * o->w, s = o->affine ? 2 : 0;

	for (int i = 0; i < o->c * hw; i++) {
		const size_t c = (size_t)(i / hw);
		const double v = (x[i] - weight(p, o, s, c)) / sqrt(weight(p, o, s + 1, c) + 1e-5);

		y[i] = o->affine ? v * weight(p, o, 0, c) + weight(p, o, 1, c) : v;
	}
}

static void linear(const struct plain *p, const struct net_node *o, const struct net_node *in, const double *x,
		   double *y)
{
	for (int m = 0; m < o->c; m++) {
		y[m] = o->bias ? weight(p, o, 1, (size_t)m) : 0;
		for (int c = 0; c < in->c; c++)
			y[m] += x[c] * weight(p, o, 0, (size_t)(m * in->c + c));
	}
}

static void run_node(const struct plain *p, int i)
{
	const struct net_node *o = &p->n->nodes[i], *in = &p->n->nodes[o->in[0]];
	const double *x = p->out[o->in[0]], *z = o->in[1] >= 0 ? p->out[o->in[1]] : NULL;
	const size_t n = net_node_size(o), before = net_node_size(in);
	double *y = p->out[i];

	switch (o->op) {
	case NET_CONV: conv(p, o, in, x, y); break;
	case NET_BN: bn(p, o, x, y); break;
	case NET_AVGPOOL: case NET_MAXPOOL: pool(o, in, x, y); break;
	case NET_LINEAR: linear(p, o, in, x, y); break;
	case NET_RELU: case NET_DROPOUT: case NET_FLATTEN:
		for (size_t k = 0; k < n; k++)
			y[k] = o->op == NET_RELU && x[k] < 0 ? 0 : x[k];
		break;
	case NET_ADD: case NET_CONCAT:
		for (size_t k = 0; k < n; k++)
			y[k] = o->op == NET_ADD ? x[k] + z[k] : k < before ? x[k] : z[k - before];
		break;
	case NET_MEAN:
		for (size_t c = 0; c < n; c++) {
			y[c] = 0;
			for (size_t k = 0; k < before / n; k++)
				y[c] += x[c * (before / n) + k] / (double)(before / n);
		}
		break;
	case NET_INPUT: break;
	}
}

/* The outputs of all nodes for all images: want[node] (IMAGES, size), new memory. */
static float **run_plain(struct net_checkpoint *c, const uint8_t *image)
{
	const struct net *n = c->net;
	const size_t N = (size_t)n->n_nodes, size = net_node_size(&n->nodes[0]), hw = size / (size_t)n->c;
	struct plain p = { n, &c->state, calloc(N, sizeof *p.out) };
	float **want = calloc(N, sizeof *want);

	for (size_t i = 0; i < N; i++) {
		p.out[i] = malloc(net_node_size(&n->nodes[i]) * sizeof **p.out);
		want[i] = malloc(IMAGES * net_node_size(&n->nodes[i]) * sizeof **want);
	}
	for (size_t k = 0; k < IMAGES; k++) {
		for (size_t i = 0; i < size; i++)
			p.out[0][i] = (image[k * size + i] / 255.0 - c->mean[i / hw]) / c->std[i / hw];
		for (int i = 0; i < n->n_nodes; i++) {
			if (i > 0)
				run_node(&p, i);
			for (size_t j = 0; j < net_node_size(&n->nodes[i]); j++)
				want[i][k * net_node_size(&n->nodes[i]) + j] = (float)p.out[i][j];
		}
	}
	for (size_t i = 0; i < N; i++)
		free(p.out[i]);
	free(p.out);
	return want;
}

/* ---- comparisons ---- */

struct result {
	float *logits, *features, **maps;
};

static struct result room(const struct net *n, size_t images)
{
	struct result r = { calloc(images * (size_t)n->classes, sizeof(float)),
			    calloc(images * (size_t)n->nodes[n->feature].c, sizeof(float)),
			    calloc((size_t)n->n_nodes, sizeof(float *)) };

	for (int i = 0; i < n->n_nodes; i++)
		if ((r.maps[i] = malloc(images * net_node_size(&n->nodes[i]) * sizeof(float))))
			memset(r.maps[i], 0xff, images * net_node_size(&n->nodes[i]) * sizeof(float));  /* NaN */
	return r;
}

static void release(const struct net *n, float **maps)
{
	for (int i = 0; maps && i < n->n_nodes; i++)
		free(maps[i]);
	free(maps);
}

static void release_result(const struct net *n, struct result *r)
{
	free(r->logits);
	free(r->features);
	release(n, r->maps);
}

/* Which nodes are kept: none, the feature list, or all, where nothing may be fused away. */
enum keep { NONE, STAGES, ALL };

static double compare(struct net_checkpoint *c, const uint8_t *image, float *const *want, const char *isa,
		      int threads, enum keep keep)
{
	const struct net *n = c->net;
	bool *kept = calloc((size_t)n->n_nodes, sizeof *kept);
	struct result r = room(n, IMAGES);
	struct nn *m = NULL;
	char err[NET_ERR];
	double off = INFINITY;

	for (int i = 0; i < n->n_nodes; i++)
		kept[i] = keep == ALL;
	for (int k = 0; keep == STAGES && k < n->n_stages; k++)
		kept[n->stages[k]] = true;
	if (nn_new(&m, c, &(struct nn_options){ .threads = threads, .isa = isa, .keep = kept }, err) == 0) {
		nn_run(m, image, IMAGES, r.logits, r.features, r.maps);
		off = fmax(nn_distance(r.logits, want[n->head], IMAGES * CLASSES),
			   nn_distance(r.features, want[n->feature], IMAGES * (size_t)n->nodes[n->feature].c));
		for (int i = 0; i < n->n_nodes; i++)
			if (kept[i])
				off = fmax(off, nn_distance(r.maps[i], want[i], IMAGES * net_node_size(&n->nodes[i])));
	}
	nn_free(m);
	free(kept);
	release_result(n, &r);
	return off;
}

/* Each image alone, or all with this many threads, gives the same bytes. */
static bool same_bytes(struct net_checkpoint *c, const uint8_t *image)
{
	const size_t size = net_node_size(&c->net->nodes[0]), C = CLASSES;
	float one[IMAGES * CLASSES], all[IMAGES * CLASSES], first[IMAGES * CLASSES];
	char err[NET_ERR];
	bool same = true;

	for (int threads = 1; threads <= 5; threads += 2) {  /* more than images, too */
		struct nn *m;

		if (nn_new(&m, c, &(struct nn_options){ .threads = threads }, err) < 0)
			return false;
		nn_run(m, image, IMAGES, all, NULL, NULL);
		if (threads == 1)
			memcpy(first, all, sizeof first);
		same = same && memcmp(first, all, sizeof first) == 0;
		for (size_t i = 0; i < IMAGES; i++) {
			nn_run(m, image + i * size, 1, one + i * C, NULL, NULL);
			same = same && memcmp(one, all, (i + 1) * C * sizeof *one) == 0;
		}
		nn_free(m);
	}
	return same;
}

/* From each map of the feature list on. */
static double from_stages(struct net_checkpoint *c, float *const *want)
{
	float logits[IMAGES * CLASSES];
	char err[NET_ERR];
	double off = 0;

	for (int k = 0; k < c->net->n_stages; k++) {
		struct nn *m;

		if (nn_new(&m, c, &(struct nn_options){ .threads = 2, .from = c->net->stages[k] }, err) < 0)
			return INFINITY;
		nn_run(m, want[c->net->stages[k]], IMAGES, logits, NULL, NULL);
		off = fmax(off, nn_distance(logits, want[c->net->head], IMAGES * CLASSES));
		nn_free(m);
	}
	return off;
}

/* Beside another plan, which has left numbers that are none in the memory that both have, and goes first. */
static bool shares(struct net_checkpoint *c, const uint8_t *image, float *const *want)
{
	const int from = c->net->n_stages ? c->net->stages[0] : c->net->feature;
	const size_t size = IMAGES * net_node_size(&c->net->nodes[from]);
	float alone[IMAGES * CLASSES], beside[IMAGES * CLASSES], *none = malloc(size * sizeof *none);
	struct nn *m[3] = { NULL };
	char err[NET_ERR];
	bool made = nn_new(&m[0], c, &(struct nn_options){ .threads = 2 }, err) == 0 &&
		    nn_new(&m[1], c, &(struct nn_options){ .threads = 1, .from = from }, err) == 0 &&
		    nn_new(&m[2], c, &(struct nn_options){ .threads = 2, .beside = m[1] }, err) == 0;

	memset(none, 0xff, size * sizeof *none);
	if (made) {
		nn_run(m[0], image, IMAGES, alone, NULL, NULL);
		nn_run(m[1], none, IMAGES, beside, NULL, NULL);
		made = isnan(beside[0]);
		nn_run(m[1], want[from], IMAGES, beside, NULL, NULL);
		made = made && nn_distance(beside, want[c->net->head], IMAGES * CLASSES) < 2e-5;
		nn_run(m[1], none, IMAGES, beside, NULL, NULL);
		nn_free(m[1]);
		m[1] = NULL;
		nn_run(m[2], image, IMAGES, beside, NULL, NULL);
		made = made && memcmp(alone, beside, sizeof alone) == 0;
	}
	for (int i = 0; i < 3; i++)
		nn_free(m[i]);
	free(none);
	return made;
}

static void try_case(const struct nn_case *k)
{
	struct net_checkpoint c;
	char isas[64], *next = isas;

	if (nn_random(&c, k, CLASSES, 5) < 0) {
		ok(false, "%s builds", k->spec);
		return;
	}
	uint8_t *image = nn_random_images(c.net, IMAGES, 6);
	float **want = run_plain(&c, image);
	snprintf(isas, sizeof isas, "%s", nn_isas());
	for (char *isa; (isa = strsep(&next, "|"));) {
		const double off = compare(&c, image, want, isa, 2, NONE);

		ok(off < 2e-5, "%s, %dx%d, %s: off by %.1g", k->spec, k->h, k->w, isa, off);
	}
	ok(compare(&c, image, want, NULL, 1, STAGES) < 2e-5, "%s: its feature list", k->spec);
	ok(compare(&c, image, want, NULL, 3, ALL) < 2e-5, "%s: every node's output", k->spec);
	ok(same_bytes(&c, image), "%s: an image's result depends on that image alone", k->spec);
	ok(from_stages(&c, want) < 2e-5, "%s: from the maps of its feature list on", k->spec);
	ok(shares(&c, image, want), "%s: memory that another plan has too", k->spec);
	release(c.net, want);
	free(image);
	net_checkpoint_release(&c);
}

int main(void)
{
	struct net_checkpoint c;
	struct nn *m = NULL;
	char err[NET_ERR] = "";

	for (size_t i = 0; i < NN_CASES; i++)
		try_case(&nn_cases[i]);
	if (nn_random(&c, &nn_cases[2], CLASSES, 1) == 0)
		ok(nn_new(&m, &c, &(struct nn_options){ .threads = 1, .isa = "mmx" }, err) < 0 && !m &&
		   strstr(err, "no instructions 'mmx'"), "instructions that are not here are refused");
	net_checkpoint_release(&c);
	return done();
}
