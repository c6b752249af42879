/* SPDX-License-Identifier: MIT
 * golden-net: the streams of t/golden/um_densenet.py, without Python: values come from a formula
 * that both compute. Element i of the tensor called NAME is u = SplitMix64(fnv1a64(NAME) + i) /
 * 2^64, scaled by the tensor's role.
 *	golden-net ckpt SPEC CLASSES	a checkpoint (mean 0.5, std 0.25)
 *	golden-net nan SPEC CLASSES	the same with one weight that is not a number
 *	golden-net KIND-SCOPE SPEC CLASSES	the same with masks: scores-layer, bernoulli-model, ...; 0.8
 *					is kept
 *	golden-net uneven SPEC CLASSES	as ckpt, with another mean and deviation for each channel
 *	golden-net gauss SPEC CLASSES FIT	as uneven, but the last layer assigns an image to the class with the
 *					nearest mean in FIT, which ood-fit makes from um-embed --layers with
 *					the uneven network: so the untrained network predicts every class
 *	golden-net fit SPEC CLASSES	class means and precisions of its feature list, as --perturb reads
 *	golden-net images N CLASSES	N images of 3x32x32, labels i mod CLASSES
 *	golden-net outliers N -		N others, labels -1
 *	golden-net gradients SPEC CLASSES SIZE SEED	what t/golden/um_gradients.py writes, by lib/nn's training
 * An additional SIZE makes networks for images of 3xSIZExSIZE, and such images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mask/net_mask.h"
#include "um/loss/um_loss.h"
#include "um/run/um_exec.h"

static int side = 32; /* of the images */

static double uniform(const char *name, uint64_t i)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct ts_rng r;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	r.state = h + i * 0x9e3779b97f4a7c15u;
	return (double)(ts_rng_u64(&r) >> 11) * 0x1p-53;
}

static double value(const struct net *n, const struct net_param *p, double u)
{
	const struct net_node *node = &n->nodes[p->node];
	double fan = n->nodes[node->in[0]].c * (node->op == NET_CONV ? node->kernel * node->kernel : 1);

	switch (p->role) {
	case NET_WEIGHT:
	case NET_BIAS: return (2 * u - 1) * sqrt((node->op == NET_CONV ? 6 : 3) / fan);
	case NET_RUNNING_MEAN:
	case NET_BETA: return 0.4 * (u - 0.5);
	case NET_RUNNING_VAR:
	case NET_GAMMA: return 0.5 + u;
	case NET_BATCHES: break;
	}
	return 0;
}

/* Masks of this kind, the scores by formula; false: there is no such kind. */
static bool add_masks(struct net_checkpoint *c, const char *kind, struct err *err)
{
	struct net_mask m = { .keep = 0.8 };
	struct ts_rng rng = ts_rng_new(0, 0);
	const size_t len = strcspn(kind, "-");

	for (int k = 1; net_mask_kinds[k] && m.kind == NET_MASK_NONE; k++)
		if (strlen(net_mask_kinds[k]) == len && strncmp(kind, net_mask_kinds[k], len) == 0)
			m.kind = (enum net_mask_kind)k;
	m.scope = strcmp(kind + len, "-model") == 0 ? NET_SCOPE_MODEL : NET_SCOPE_LAYER;
	if (m.kind == NET_MASK_NONE || net_mask_add(c, &m, &rng, err) < 0)
		return false;
	for (size_t i = 0; i < c->extra.n; i++)
		for (size_t k = 0; strstr(c->extra.t[i].name, ".scores") && k < ts_tensor_count(&c->extra.t[i]); k++)
			((float *)c->extra.t[i].data)[k] = (float)(0.1 * (2 * uniform(c->extra.t[i].name, k) - 1));
	return true;
}

/* A linear discriminant: w_k = P mu_k and bias_k = -mu_k' P mu_k / 2, mu_k the mean of class k and P the
 * precision within classes. The largest logit belongs to the class whose mean is nearest under P. */
static void gauss_layer(const double *mu, const double *P, size_t C, size_t D, float *w, float *bias)
{
	for (size_t k = 0; k < C; k++, mu += D, w += D) {
		double square = 0;

		for (size_t i = 0; i < D; i++) {
			double sum = 0;

			for (size_t j = 0; j < D; j++)
				sum += P[i * D + j] * mu[j];
			w[i] = (float)sum;
			square += sum * mu[i];
		}
		bias[k] = (float)(-square / 2);
	}
}

static bool gauss(struct net_checkpoint *c, const char *path)
{
	struct ts_reader *r = ts_reader_open(path);
	struct ts_set fit = { 0 };
	struct ts_tensor *w = ts_set_get(&c->state, "fc.weight"), *mean = NULL, *precision = NULL;
	const size_t C = (size_t)c->net->classes, D = w ? ts_tensor_count(w) / C : 0;
	char name[48];

	if (r && ts_reader_header(r) && ts_reader_set(r, &fit) == 0) {
		snprintf(name, sizeof name, "layer%d.mean", c->net->n_stages - 1);
		mean = ts_set_get(&fit, name);
		snprintf(name, sizeof name, "layer%d.precision", c->net->n_stages - 1);
		precision = ts_set_get(&fit, name);
	}
	const bool fits =
		D > 0 && mean && precision && ts_tensor_count(mean) == C * D && ts_tensor_count(precision) == D * D;

	if (fits)
		gauss_layer(mean->data, precision->data, C, D, w->data, ts_set_get(&c->state, "fc.bias")->data);
	ts_set_release(&fit);
	ts_reader_close(r);
	return fits;
}

/* Values by formula; false: out of memory, or there is no such network. */
static bool by_formula(struct net_checkpoint *c, const char *spec, int classes, struct err *err)
{
	struct ts_rng rng = ts_rng_new(0, 0);

	c->net = net_new(spec, 3, side, side, classes, err);
	if (!c->net || net_init(c->net, &rng, &c->state) < 0)
		return false;
	for (int i = 0; i < c->net->n_params; i++) {
		const struct net_param *p = &c->net->params[i];
		for (size_t k = 0; p->role != NET_BATCHES && k < ts_tensor_count(&c->state.t[i]); k++)
			((float *)c->state.t[i].data)[k] = (float)value(c->net, p, uniform(p->name, k));
	}
	return true;
}

/* with: the fit, for gauss. */
static int ckpt(const char *what, const char *spec, int classes, const char *with)
{
	const bool nan = strcmp(what, "nan") == 0, uneven = with || strcmp(what, "uneven") == 0;
	struct net_checkpoint c = { .mean = { .5, .5, .5 }, .std = { .25, .25, .25 } };
	struct err err;

	if (!by_formula(&c, spec, classes, &err))
		return 1;
	for (int i = 0; uneven && i < 3; i++) {
		c.mean[i] = .4 + .1 * i;
		c.std[i] = .2 + .05 * i;
	}
	if (nan)
		((float *)ts_set_get(&c.state, "fc.weight")->data)[3] = NAN;
	if (with && !gauss(&c, with)) {
		fprintf(stderr, "golden-net: '%s' is no fit of this network's feature list\n", with);
		return 1;
	}
	ts_header_init(&c.header, "checkpoint");
	if (strcmp(what, "ckpt") != 0 && !nan && !uneven && !add_masks(&c, what, &err))
		return 2;
	if (net_save(&c, NULL, &err) < 0) {
		fprintf(stderr, "golden-net: %s\n", err.text);
		return 1;
	}
	net_checkpoint_release(&c);
	return 0;
}

/* Means 0 to 0.5; precisions near 1, not symmetric. */
static int fit(const char *spec, int classes)
{
	struct ts_header h;
	struct ts_set set = { 0 };
	char name[48];
	struct err err;
	struct net *n = net_new(spec, 3, side, side, classes, &err);

	for (int k = 0; n && k < n->n_stages; k++) {
		const size_t C = (size_t)classes, d = (size_t)n->nodes[n->stages[k]].c;
		double *v;

		snprintf(name, sizeof name, "layer%d.mean", k);
		v = ts_set_add(&set, name, TS_F64, 2, (const size_t[]){ C, d })->data;
		for (size_t i = 0; i < C * d; i++)
			v[i] = 0.5 * uniform(name, i);
		snprintf(name, sizeof name, "layer%d.precision", k);
		v = ts_set_add(&set, name, TS_F64, 2, (const size_t[]){ d, d })->data;
		for (size_t i = 0; i < d; i++)
			for (size_t j = 0; j < d; j++)
				v[i * d + j] = (i == j) + (2 * uniform(name, i * d + j) - 1) / (double)d;
	}
	ts_header_init(&h, "fit");
	if (!n || ts_set_save(NULL, &h, &set, &err) < 0)
		return 1;
	ts_set_release(&set);
	ts_header_release(&h);
	net_free(n);
	return 0;
}

/* classes 0: outliers. */
static int images(size_t n, size_t classes)
{
	const size_t shape[3] = { 3, (size_t)side, (size_t)side };
	struct ts_writer *w = ts_writer_open(NULL);
	struct ts_header h;
	struct ts_batch b;

	ts_header_init(&h, "images");
	if (!w || ts_header_add(&h, "image", TS_U8, 3, shape) < 0 || ts_header_add(&h, "label", TS_I64, 0, NULL) < 0 ||
	    ts_batch_init(&b, &h) < 0 || ts_batch_resize(&b, n) < 0 || ts_writer_begin(w, &h) < 0)
		return 1;
	for (size_t i = 0; i < n * 3 * shape[1] * shape[2]; i++)
		((uint8_t *)b.cols[0].data)[i] = (uint8_t)(256 * uniform(classes ? "image" : "outlier", i));
	for (size_t i = 0; i < n; i++)
		((int64_t *)b.cols[1].data)[i] = classes ? (int64_t)(i % classes) : -1;
	if (ts_writer_write(w, &b) < 0 || ts_writer_finish(w) < 0)
		return 1;
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	return 0;
}

/* Prints the gradient g of a parameter: its size, its largest number, the sums of g times three arrays between -1 and
 * 1, and MOST of its numbers, evenly spaced. */
static void print_gradient(const char *name, const float *g, size_t n)
{
	enum { SUMS = 3, MOST = 16 };
	double largest = 0, sum[SUMS] = { 0 };
	char probe[64];

	for (int s = 0; s < SUMS; s++) {
		snprintf(probe, sizeof probe, "probe%d", s);
		for (size_t i = 0; i < n; i++)
			sum[s] += (double)g[i] * (2 * uniform(probe, i) - 1);
	}
	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)g[i]));
	printf("%s %zu %.9g", name, n, largest);
	for (int s = 0; s < SUMS; s++)
		printf(" %.9g", sum[s]);
	for (size_t i = 0; i < MOST && i < n; i++)
		printf(" %.9g", (double)g[n < MOST ? i : i * n / MOST]);
	putchar('\n');
}

/* The gradients of the mean cross-entropy of 8 images in training mode. */
static int gradients(const char *spec, int classes, const char *seed)
{
	enum { N = 8 };
	const size_t C = (size_t)classes, pixels = 3 * (size_t)(side * side);
	struct net_checkpoint c = { .mean = { .5, .5, .5 }, .std = { .25, .25, .25 } };
	uint8_t *x = calloc(N, pixels);
	float *z = calloc(N, C * sizeof *z), *dz = calloc(N, C * sizeof *dz);
	int64_t label[N];
	struct um_exec *e;
	struct err err = { 0 };
	char name[32];

	snprintf(name, sizeof name, "image%s", seed);
	for (size_t i = 0; x && i < N * pixels; i++)
		x[i] = (uint8_t)(256 * uniform(name, i));
	for (size_t i = 0; i < N; i++)
		label[i] = (int64_t)(i % C);
	if (!x || !z || !dz || !by_formula(&c, spec, classes, &err) ||
	    um_exec_new(&e, &c, &(struct um_exec_options){ .threads = 2, .batch = N }, &err) < 0) {
		fprintf(stderr, "golden-net: %s: %s\n", spec, err.text);
		return 1;
	}
	um_exec_set(e, &c.state);
	if (um_exec_forward(e, x, N, UM_TRAINING, 1, true, z, NULL, &err) < 0)
		return 1;
	um_loss_cross_entropy(z, label, N, C, 0, 1, dz);
	if (um_exec_backward(e, dz, NULL, NULL, false, &err) < 0)
		return 1;
	for (int i = 0; i < c.net->n_params; i++)
		if (um_exec_gradient(e, i))
			print_gradient(c.net->params[i].name, um_exec_gradient(e, i), ts_tensor_count(&c.state.t[i]));
	um_exec_free(e);
	net_checkpoint_release(&c);
	free(x);
	free(z);
	free(dz);
	return 0;
}

int main(int argc, char **argv)
{
	const char *seed = argc == 6 && strcmp(argv[1], "gradients") == 0 ? argv[--argc] : NULL;
	const char *fit_file = argc == 5 && strcmp(argv[1], "gauss") == 0 ? argv[4] : NULL;

	if (fit_file) {
		argc = 4;
	} else if (argc == 5) {
		side = (int)atol(argv[4]);
		argc = side > 0 && side <= 1024 ? 4 : 0;
	}
	if (argc == 4 && strcmp(argv[1], "images") == 0)
		return images((size_t)atol(argv[2]), (size_t)atol(argv[3]));
	if (argc == 4 && strcmp(argv[1], "outliers") == 0)
		return images((size_t)atol(argv[2]), 0);
	if (argc == 4 && strcmp(argv[1], "fit") == 0)
		return fit(argv[2], atol(argv[3]) > 1 ? (int)atol(argv[3]) : 2);
	if (argc == 4 && seed)
		return gradients(argv[2], atol(argv[3]) > 1 ? (int)atol(argv[3]) : 2, seed);
	if (argc == 4)
		return ckpt(argv[1], argv[2], atol(argv[3]) > 1 ? (int)atol(argv[3]) : 2, fit_file);
	fprintf(stderr, "usage: golden-net ckpt|nan|uneven|fit|KIND-SCOPE SPEC CLASSES [SIZE] | "
			"gradients SPEC CLASSES SIZE SEED | "
			"gauss SPEC CLASSES FIT | images N CLASSES [SIZE] | outliers N -\n");
	return 2;
}
