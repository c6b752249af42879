/* SPDX-License-Identifier: MIT
 * Products of bfloat16. Products of small whole numbers are exact, so the kernels match plain loops to the last bit, at
 * any size, and write nothing outside the result. Networks match floats up to the rounding of factors to 8 bits, and
 * give the same bytes for any number of threads. */
#include "../tap.h"
#include "nn/nn_bf16.h"
#include "nn/nn_internal.h"
#include "nn/train/nn_train.h"
#include "nn_nets.h"

enum { CLASSES = 7, N = 5, MARK = 12345 };

/* ---- kernels ---- */

/* Whole numbers from -8 to 8. */
static float *whole(size_t n, uint64_t seed)
{
	struct ts_rng rng = ts_rng_new(seed, 4);
	float *v = calloc(n + 2 * NN_MAX_VEC, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = (float)ts_rng_below(&rng, 17) - 8;
	return v;
}

struct shape {
	size_t rows, depth, m;
	bool pre, more; /* more: bias, addition, ReLU */
};

static bool block(const struct shape *s)
{
	const size_t K = s->depth, R = nn_round(s->rows, NN_TILE), stride = nn_bf16_stride(K), out_stride = s->m + 3;
	float *x = whole(s->rows * K, 1), *w = whole(s->m * K, 2), *bias = whole(s->m, 3),
	      *add = whole(s->rows * s->m, 4);
	float *a = whole(K, 5), *b = whole(K, 6), *out = calloc(s->rows * out_stride, sizeof *out);
	float *packed = calloc(nn_round(s->m, NN_PANEL) / NN_PANEL * nn_bf16_panel(K), sizeof *packed);
	uint16_t *rows = calloc(R * stride + NN_BF16_GAP, sizeof *rows);
	const struct nn_pre pre = { s->pre ? a : NULL, b, s->pre };
	bool same = true;

	nn_bf16_take(x, K, s->rows, K, &pre, rows, stride);
	for (size_t j = 0; j < s->m; j++)
		for (size_t k = 0; k < K; k++)
			nn_bf16_weight(packed + j / NN_PANEL * nn_bf16_panel(K), k, j % NN_PANEL, w[j * K + k]);
	for (size_t i = 0; i < s->rows * out_stride; i++)
		out[i] = MARK;
	nn_bf16_block(&(struct nn_bf16_block){ .a = rows,
					       .stride = stride,
					       .rows = s->rows,
					       .depth = K,
					       .w = packed,
					       .m = s->m,
					       .out = out,
					       .out_stride = out_stride,
					       .bias = s->more ? bias : NULL,
					       .add = s->more ? add : NULL,
					       .add_stride = s->m,
					       .relu = s->more });
	for (size_t i = 0; i < s->rows; i++) {
		for (size_t j = 0; j < s->m; j++) {
			float sum = s->more ? bias[j] + add[i * s->m + j] : 0;

			for (size_t k = 0; k < K; k++)
				sum += (s->pre ? fmaxf(0, x[i * K + k] * a[k] + b[k]) : x[i * K + k]) * w[j * K + k];
			same &= out[i * out_stride + j] == (s->more ? fmaxf(0, sum) : sum);
		}
		for (size_t j = s->m; j < out_stride; j++)
			same &= out[i * out_stride + j] == MARK;
	}
	free(x);
	free(w);
	free(bias);
	free(add);
	free(a);
	free(b);
	free(out);
	free(packed);
	free(rows);
	return same;
}

static void blocks(void)
{
	static const struct shape shapes[] = { { 1, 1, 1, false, false },     { 16, 32, 16, false, false },
					       { 17, 33, 17, true, false },   { 32, 64, 32, false, true },
					       { 33, 48, 48, true, true },    { 70, 27, 5, false, true },
					       { 50, 108, 40, false, false }, { 31, 432, 12, false, true },
					       { 256, 342, 33, true, false }, { 5, 4608, 20, false, true },
					       { 15, 31, 15, true, true } };

	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		ok(block(&shapes[i]), "%zu rows of %zu, %zu outputs%s%s", shapes[i].rows, shapes[i].depth, shapes[i].m,
		   shapes[i].pre ? ", changed on their way in" : "", shapes[i].more ? ", with more" : "");
}

/* Rounded as lib/nn rounds weights: to nearest, ties to even. */
static void rounds(void)
{
	static const float x[] = { 1, 1.00390625F, 1.01171875F, -1.004F, 3.4e38F, -0.0F, INFINITY, 1e30F };
	uint16_t taken[8 + NN_BF16_GAP];
	float panel[NN_PANEL * NN_TILE_DEPTH / 2] = { 0 }, padded[8 + NN_MAX_VEC] = { 0 };
	bool same = true;

	memcpy(padded, x, sizeof x);
	nn_bf16_take(padded, 8, 1, 8, &(struct nn_pre){ 0 }, taken, 8);
	for (size_t k = 0; k < 8; k++) {
		uint16_t weight;

		nn_bf16_weight(panel, 0, 0, x[k]);
		memcpy(&weight, panel, sizeof weight);
		same &= weight == taken[k];
	}
	ok(same && taken[1] == 0x3f80 && taken[2] == 0x3f82 && taken[3] == 0xbf81 && taken[4] == 0x7f80,
	   "weights and what is read are rounded alike, to the nearest even");
}

/* Pixels of y with a gap after each, and after rows and images. */
static bool outer(size_t images, size_t rows, size_t cols, size_t n_seg, size_t k, size_t m)
{
	const size_t K = n_seg * k, gap = 5, d_step = m + gap, y_step = k + gap, P = images * rows * cols;
	const size_t y_row = (cols + 1) * y_step + gap, y_image = (rows + n_seg) * y_row + gap, n_y = images * y_image;
	const size_t to_stride = nn_bf16_outer_stride(K), n_to = nn_round(m, NN_TILE) * to_stride;
	float *d = whole(P * d_step, 1), *y = whole(n_y, 2), *to = whole(n_to, 3), *before = whole(n_to, 3);
	float *room = calloc(nn_bf16_outer_room(P, m), sizeof *room);
	uint16_t *rounded = calloc(n_y + NN_BF16_GAP, sizeof *rounded);
	bool same = true;

	nn_bf16_take(y, n_y, 1, n_y, &(struct nn_pre){ 0 }, rounded, n_y);
	nn_bf16_outer(&(struct nn_bf16_outer){ .d = d,
					       .y = rounded,
					       .images = images,
					       .rows = rows,
					       .cols = cols,
					       .d_step = d_step,
					       .y_step = y_step,
					       .y_row = y_row,
					       .y_image = y_image,
					       .m = m,
					       .k = k,
					       .n_seg = n_seg,
					       .y_seg = y_row,
					       .to = to,
					       .to_stride = to_stride,
					       .room = room });
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < K; j++) {
			float sum = before[i * to_stride + j];

			for (size_t p = 0; p < P; p++) {
				const size_t image = p / (rows * cols), r = p / cols % rows, c = p % cols;

				sum += d[p * d_step + i] *
				       y[image * y_image + (r + j / k) * y_row + c * y_step + j % k];
			}
			same &= to[i * to_stride + j] == sum;
		}
	free(d);
	free(y);
	free(to);
	free(before);
	free(room);
	free(rounded);
	return same;
}

static void outers(void)
{
	static const size_t shapes[][6] = { { 1, 1, 1, 1, 1, 1 },     { 1, 1, 32, 1, 32, 32 }, { 1, 1, 96, 1, 40, 48 },
					    { 2, 4, 4, 3, 36, 12 },   { 1, 7, 9, 3, 9, 17 },   { 3, 5, 5, 2, 16, 33 },
					    { 1, 1, 256, 1, 342, 48 } };

	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		const size_t *s = shapes[i];

		ok(outer(s[0], s[1], s[2], s[3], s[4], s[5]), "%zu images of %zux%zu, %zu pieces of %zu by %zu", s[0],
		   s[1], s[2], s[3], s[4], s[5]);
	}
}

/* ---- networks ---- */

struct pass {
	float *z, *dx, *d, *v; /* logits, gradients of pixels and of parameters, values */
	size_t n_d, n_v;
};

static size_t all_values(const struct net *n, bool trained)
{
	size_t all = 0;

	for (int i = 0; i < n->n_params; i++) {
		size_t count = n->params[i].role != NET_BATCHES && (net_trained(n->params[i].role) || !trained);

		for (int k = 0; k < n->params[i].ndim; k++)
			count *= n->params[i].shape[k];
		all += count;
	}
	return all;
}

static void release(struct pass *p)
{
	free(p->z);
	free(p->dx);
	free(p->d);
	free(p->v);
}

/* Values are one array, trained ones first, and so are gradients, beginning with the first parameter's. */
static struct pass run(const struct net_checkpoint *c, const uint8_t *x, const float *dz, bool bf16, int threads)
{
	const struct net *n = c->net;
	struct nn_train_options o = { .threads = threads, .batch = N, .pixels = true, .bf16 = bf16 };
	struct pass p = { .n_d = all_values(n, true), .n_v = all_values(n, false) };
	struct nn_train *t;
	struct err err;

	p.z = calloc(N * CLASSES, sizeof(float));
	p.dx = calloc(N * net_node_size(&n->nodes[0]), sizeof(float));
	p.d = calloc(p.n_d, sizeof(float));
	p.v = calloc(p.n_v, sizeof(float));
	for (int i = 0; i < 4; i++) {
		o.mean[i] = c->mean[i];
		o.std[i] = c->std[i];
	}
	if (nn_train_new(&t, n, &o, &err) < 0) {
		printf("# %s\n", err.text);
		return p;
	}
	for (int i = 0; i < n->n_params; i++)
		if (nn_train_value(t, i))
			memcpy(nn_train_value(t, i), c->state.t[i].data, ts_tensor_bytes(&c->state.t[i]));
	nn_train_forward(t, x, N, NN_TRAIN, 1, p.z, NULL);
	nn_train_backward(t, dz, NULL, p.dx, false);
	memcpy(p.d, nn_train_gradient(t, 0), p.n_d * sizeof(float));
	memcpy(p.v, nn_train_value(t, 0), p.n_v * sizeof(float));
	nn_train_free(t);
	return p;
}

static double norm(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow((double)a[i] - (b ? (double)b[i] : 0), 2);
	return sqrt(sum);
}

static double off(const float *a, const float *b, size_t n)
{
	return norm(a, b, n) / norm(b, NULL, n);
}

/* Runs forward and back: are logits, gradients of values and of pixels off by at most these shares of their norms? */
static void compare(const struct net_checkpoint *c, const char *what, double most, double most_d)
{
	struct ts_rng rng = ts_rng_new(1, 3);
	uint8_t *x = nn_random_images(c->net, N, 9);
	const size_t pixels = N * net_node_size(&c->net->nodes[0]);
	float dz[N * CLASSES];

	for (size_t i = 0; i < N * CLASSES; i++)
		dz[i] = (float)ts_rng_normal(&rng);
	struct pass want = run(c, x, dz, false, 2), have = run(c, x, dz, true, 2), other = run(c, x, dz, true, 3);
	const double z = off(have.z, want.z, N * CLASSES), d = off(have.d, want.d, have.n_d);
	const double dx = off(have.dx, want.dx, pixels);

	ok(z > 1e-5 && z < most && d > 1e-5 && d < most_d && dx > 1e-5 && dx < most_d,
	   "%s: logits off by %.2g of their norm, gradients by %.2g, those of pixels by %.2g", what, z, d, dx);
	ok(memcmp(have.z, other.z, sizeof(float) * N * CLASSES) == 0 &&
		   memcmp(have.d, other.d, have.n_d * sizeof(float)) == 0 &&
		   memcmp(have.v, other.v, have.n_v * sizeof(float)) == 0 &&
		   memcmp(have.dx, other.dx, pixels * sizeof(float)) == 0,
	   "the same bytes with 2 and 3 threads");
	release(&want);
	release(&have);
	release(&other);
	free(x);
}

/* One convolution, where only rounding matters: each factor is off by at most 1/512 of itself, and rounding averages
 * out in a sum. */
static void convolution(int kernel, int stride, int pad, int C, int M, int side)
{
	struct net_checkpoint c = { .mean = { 0.5, 0.4, 0.3, 0.6 }, .std = { 0.25, 0.2, 0.3, 0.22 } };
	struct ts_rng rng = ts_rng_new(8, 1);
	struct net *n = calloc(1, sizeof *n);
	char what[64];

	n->nodes = calloc(8, sizeof *n->nodes);
	n->cap_nodes = 8;
	n->c = 3;
	n->h = n->w = side;
	n->classes = CLASSES;
	n->nodes[n->n_nodes++] =
		(struct net_node){ .op = NET_INPUT, .in = { -1, -1 }, .c = 3, .h = side, .w = side, .param = -1 };
	net_conv(n, 0, "a", C, 1, 1, 0);
	net_conv(n, 1, "b", M, kernel, stride, pad);
	n->feature = net_flatten(n, 2);
	n->head = net_linear(n, n->feature, "fc", CLASSES);
	c.net = n;
	ts_header_init(&c.header, "checkpoint");
	snprintf(what, sizeof what, "%dx%d/%d, border %d, %d to %d channels, side %d", kernel, kernel, stride, pad, C,
		 M, side);
	if (net_init(n, &rng, &c.state) == 0)
		compare(&c, what, 0.01, 0.01);
	else
		ok(0, "%s", what);
	net_checkpoint_release(&c);
}

static void convolutions(void)
{
	static const int strided[][3] = {
		{ 1, 2, 0 }, { 2, 2, 0 }, { 3, 2, 1 }, { 4, 2, 2 }, { 3, 3, 0 }, { 4, 3, 1 }
	};

	for (int kernel = 1; kernel <= 4; kernel++)
		for (int pad = 0; pad < kernel; pad++)
			convolution(kernel, 1, pad, kernel % 2 ? 12 : 40, 17, 9);
	for (size_t i = 0; i < sizeof strided / sizeof *strided; i++)
		convolution(strided[i][0], strided[i][1], strided[i][2], 12, 17, 9);
	convolution(3, 1, 1, 48, 12, 33); /* several blocks per image */
	convolution(3, 1, 1, 64, 64, 4);  /* several images per block */
	convolution(3, 2, 1, 16, 32, 32);
}

/* Half a percent of the logits, and now and then a ReLU that takes the other side, which shows in a gradient. Networks
 * of 50 layers are left out: on so few pixels, the difference grows from layer to layer. */
static void networks(void)
{
	struct net_checkpoint c;

	for (size_t i = 0; i < NN_TRAINED; i++) {
		if (strstr(nn_cases[i].spec, "depth=50"))
			continue;
		if (nn_random(&c, &nn_cases[i], CLASSES, 8) == 0)
			compare(&c, nn_cases[i].spec, 0.05, 0.5);
		else
			ok(0, "%s", nn_cases[i].spec);
		net_checkpoint_release(&c);
	}
}

static bool forward(struct net_checkpoint *c, const uint8_t *x, bool bf16, float *z)
{
	struct nn *m = NULL;
	struct err err;
	const bool made = nn_new(&m, c, &(struct nn_options){ .threads = 2, .bf16 = bf16 }, &err) == 0;

	if (made)
		nn_run(m, x, N, z, NULL, NULL);
	else
		printf("# %s\n", err.text);
	nn_free(m);
	return made;
}

/* Networks that this engine cannot train. */
static void forward_alone(void)
{
	for (size_t i = NN_TRAINED; i < NN_CASES; i++) {
		struct net_checkpoint c;
		float want[N * CLASSES], have[N * CLASSES];
		const bool there = nn_random(&c, &nn_cases[i], CLASSES, 8) == 0;
		uint8_t *x = there ? nn_random_images(c.net, N, 9) : NULL;
		const bool ran = there && forward(&c, x, false, want) && forward(&c, x, true, have);
		const double z = ran ? off(have, want, N * CLASSES) : INFINITY;

		ok(z > 1e-5 && z < 0.05, "%s: logits off by %.2g of their norm", nn_cases[i].spec, z);
		free(x);
		net_checkpoint_release(&c);
	}
}

static void refused(void)
{
	struct net_checkpoint c;
	struct nn_train *t;
	struct nn *m;
	struct err err;

	if (nn_random(&c, &nn_cases[2], CLASSES, 8) < 0) {
		ok(0, "a network");
		return;
	}
	ok(nn_check_bf16("generic", &err) < 0 && strstr(err.text, "this processor (generic) has none"),
	   "without AVX-512: %s", err.text);
	ok(nn_train_new(&t, c.net,
			&(struct nn_train_options){ .threads = 1, .batch = 1, .isa = "generic", .bf16 = true },
			&err) < 0 &&
		   !t,
	   "training is not begun");
	ok(nn_new(&m, &c, &(struct nn_options){ .threads = 1, .isa = "generic", .bf16 = true }, &err) < 0 && !m,
	   "nor is the forward pass");
	net_checkpoint_release(&c);
}

int main(void)
{
	struct err err;

	refused();
	if (nn_check_bf16(NULL, &err) < 0) {
		ok(true, "products of bfloat16 # SKIP %s", err.text);
		return done();
	}
	rounds();
	blocks();
	outers();
	convolutions();
	networks();
	forward_alone();
	return done();
}
