/* SPDX-License-Identifier: MIT
 * lib/nn's training gives what libtorch's automatic differentiation gives: logits and features in training mode, running
 * statistics, gradients of every value; the same bytes for any number of threads. Left out are networks of 50 layers on
 * so small images, and one without factors behind its norms: there a number near 0 takes a ReLU's other side as it is
 * rounded, which is all that they differ by. */
#include "../tap.h"
#include "nn/train/nn_train.h"
#include "nn_nets.h"
#include "um/um.h"

enum { CLASSES = 7, N = 5 };

struct answer {
	float *z, *f, *dx, **d, **v; /* logits, features, gradients of pixels and of parameters, values */
};

static size_t count(const struct net *n, int i)
{
	size_t c = 1;

	for (int k = 0; k < n->params[i].ndim; k++)
		c *= n->params[i].shape[k];
	return c;
}

static size_t feature_size(const struct net *n)
{
	return (size_t)n->nodes[n->feature].c;
}

static struct answer room(const struct net *n)
{
	struct answer a = { calloc(N * CLASSES, sizeof(float)), calloc(N * feature_size(n), sizeof(float)),
			    calloc(N * net_node_size(&n->nodes[0]), sizeof(float)),
			    calloc((size_t)n->n_params, sizeof *a.d), calloc((size_t)n->n_params, sizeof *a.v) };

	for (int i = 0; i < n->n_params; i++) {
		a.d[i] = calloc(count(n, i), sizeof(float));
		a.v[i] = calloc(count(n, i), sizeof(float));
	}
	return a;
}

static void release(struct answer *a, const struct net *n)
{
	for (int i = 0; i < n->n_params; i++) {
		free(a->d[i]);
		free(a->v[i]);
	}
	free(a->z);
	free(a->f);
	free(a->dx);
	free(a->d);
	free(a->v);
}

static float *noise(size_t n, uint64_t seed)
{
	struct ts_rng rng = ts_rng_new(seed, 3);
	float *v = malloc(n * sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (float)ts_rng_normal(&rng);
	return v;
}

static int ours(const struct net_checkpoint *c, const uint8_t *x, const float *dz, const float *df, int threads,
		struct answer *a)
{
	struct nn_train_options o = { .threads = threads, .batch = N, .pixels = true };
	struct nn_train *t;
	struct err err;

	for (int k = 0; k < 4; k++) {
		o.mean[k] = c->mean[k];
		o.std[k] = c->std[k];
	}
	if (nn_train_new(&t, c->net, &o, &err) < 0) {
		printf("# %s\n", err.text);
		return -1;
	}
	for (int i = 0; i < c->net->n_params; i++)
		if (nn_train_value(t, i))
			memcpy(nn_train_value(t, i), c->state.t[i].data, count(c->net, i) * sizeof(float));
	nn_train_forward(t, x, N, NN_TRAIN, 1, a->z, a->f);
	nn_train_backward(t, dz, df, a->dx, false);
	for (int i = 0; i < c->net->n_params; i++) {
		if (nn_train_gradient(t, i))
			memcpy(a->d[i], nn_train_gradient(t, i), count(c->net, i) * sizeof(float));
		if (nn_train_value(t, i))
			memcpy(a->v[i], nn_train_value(t, i), count(c->net, i) * sizeof(float));
	}
	nn_train_free(t);
	return 0;
}

/* d/dv of sum(dz z) + sum(df f) by libtorch. */
static int theirs(const struct net_checkpoint *c, const uint8_t *x, const float *dz, const float *df, struct answer *a)
{
	const struct net *n = c->net;
	const size_t shape[4] = { N, (size_t)n->c, (size_t)n->h, (size_t)n->w };
	const size_t zs[2] = { N, CLASSES }, fs[2] = { N, feature_size(n) };
	struct um_model *m;
	struct err err;

	if (um_model_new(&m, c, &err) < 0) {
		printf("# %s\n", err.text);
		return -1;
	}
	for (int i = 0; i < n->n_params; i++)
		if (net_trained(n->params[i].role))
			th->tensor_track(m->v[i].t);
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *f, *z = um_forward(s, m, th->from_host(s, TH_U8, 4, shape, x), true, &f);
	struct th_tensor *lz = th->mean(s, th->mul(s, z, th->from_host(s, TH_F32, 2, zs, dz)));
	struct th_tensor *lf = th->mean(s, th->mul(s, f, th->from_host(s, TH_F32, 2, fs, df)));

	th->to_host(s, z, a->z, N * CLASSES);
	th->to_host(s, f, a->f, N * feature_size(n));
	th->backward(
		s, th->add(s, th->affine(s, lz, N * CLASSES, 0), th->affine(s, lf, (double)(N * feature_size(n)), 0)));
	if (th->scope_end(s) < 0) {
		printf("# %s\n", th->last_error());
		return -1;
	}
	for (int i = 0; i < n->n_params; i++) {
		if (net_trained(n->params[i].role))
			th->tensor_grad(m->v[i].t, a->d[i]);
		if (n->params[i].role != NET_BATCHES)
			th->tensor_get(m->v[i].t, a->v[i]);
	}
	um_model_free(m);
	return 0;
}

/* Largest difference of two arrays, of the largest of the second. */
static double off(const float *a, const float *b, size_t n)
{
	double worst = 0, largest = 1e-20;

	for (size_t i = 0; i < n; i++) {
		worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
		largest = fmax(largest, fabs((double)b[i]));
		if (isnan(a[i]) != isnan(b[i]))
			return INFINITY;
	}
	return worst / largest;
}

static void compare(const struct nn_case *k)
{
	struct net_checkpoint c;

	if (nn_random(&c, k, CLASSES, 8) < 0) {
		ok(0, "%s", k->spec);
		return;
	}
	const struct net *n = c.net;
	uint8_t *x = nn_random_images(n, N, 9);
	float *dz = noise(N * CLASSES, 1), *df = noise(N * feature_size(n), 2);
	struct answer have = room(n), want = room(n), other = room(n);
	double gradients = 0, values = 0;
	int worst = 0;
	bool same = true;

	if (ours(&c, x, dz, df, 2, &have) < 0 || theirs(&c, x, dz, df, &want) < 0 ||
	    ours(&c, x, dz, df, 3, &other) < 0) {
		ok(0, "%s", k->spec);
		return;
	}
	for (int i = 0; i < n->n_params; i++) {
		const double d = off(have.d[i], want.d[i], count(n, i));

		if (d > gradients) {
			gradients = d;
			worst = i;
		}
		values = fmax(values, off(have.v[i], want.v[i], count(n, i)));
		same &= memcmp(have.d[i], other.d[i], count(n, i) * sizeof(float)) == 0 &&
			memcmp(have.v[i], other.v[i], count(n, i) * sizeof(float)) == 0;
	}
	ok(off(have.z, want.z, N * CLASSES) < 1e-4 && off(have.f, want.f, N * feature_size(n)) < 1e-4,
	   "%s: logits %.2g, features %.2g", k->spec, off(have.z, want.z, N * CLASSES),
	   off(have.f, want.f, N * feature_size(n)));
	ok(values < 1e-4, "running statistics: %.2g", values);
	ok(gradients < 1e-4, "gradients: %.2g of the largest (%s)", gradients, n->params[worst].name);
	ok(same && memcmp(have.dx, other.dx, N * net_node_size(&n->nodes[0]) * sizeof(float)) == 0,
	   "the same bytes with 2 and 3 threads");
	release(&have, n);
	release(&want, n);
	release(&other, n);
	free(x);
	free(dz);
	free(df);
	net_checkpoint_release(&c);
}

int main(void)
{
	struct err err;

	if (um_open("cpu", 2, &err) < 0) {
		printf("1..0 # SKIP %s\n", err.text);
		return 0;
	}
	for (size_t i = 0; i < NN_CASES; i++)
		if (!strstr(nn_cases[i].spec, "depth=50") && !strstr(nn_cases[i].spec, "depth=22"))
			compare(&nn_cases[i]);
	return done();
}
