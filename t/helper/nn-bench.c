/* SPDX-License-Identifier: MIT
 * nn-bench CHECKPOINT THREADS [DEVICE]: answers each line of standard input with one line.
 *	nn BATCH, torch BATCH		images per second of that engine on the CPU, over at least half a second
 *	step BATCH, step-torch BATCH	images per second of that executor's training step on the CPU (forward with the
 *					batch's statistics, cross-entropy, back, SGD with momentum), over at least a second
 *	stream PRECISION BATCH ROUNDS SECONDS
 *					images per second on DEVICE, ROUNDS numbers of at least SECONDS each, in steady
 *					state and as um-embed runs it: from pixels in host memory to logits and features
 *					there, one batch in flight while the next is prepared, with graphs if available;
 *					after a tab, any problem
 *	near PRECISION N		N images on DEVICE and by lib/nn: the largest difference in a logit and in a
 *					feature, relative to the largest logit and feature (or to 1)
 *	flop				multiplications and additions per image
 *	sgemm				OpenBLAS's speed with THREADS, in GFLOP/s
 *	plan				the plan
 * The engine of "stream" stays until the next line, so that its memory use can be inspected. For t/perf and t/gpu. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/nn.h"
#include "num/num_linalg.h"
#include "um/run/um_engine.h"
#include "um/run/um_exec.h"

static const char *device = "cpu";
static long threads;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double flop(const struct net *n)
{
	double sum = 0;

	for (int i = 0; i < n->n_params; i++) {
		const struct net_node *node = &n->nodes[n->params[i].node];
		double one = n->params[i].role == NET_WEIGHT ? 2.0 * node->h * node->w : 0;

		for (int d = 0; d < n->params[i].ndim; d++)
			one *= (double)n->params[i].shape[d];
		sum += one;
	}
	return sum;
}

static double sgemm(void)
{
	enum { N = 2048 };
	float *a = calloc(N * N, sizeof *a), *b = calloc(N * N, sizeof *b), *c = calloc(N * N, sizeof *c);
	double best = 1e9;

	struct err err;
	if (num_linalg_open(&err) < 0) {
		fprintf(stderr, "nn-bench: %s\n", err.text);
		exit(1);
	}
	num_set_threads((int)threads);
	for (int run = 0; run < 5; run++) {
		const double start = now();

		num_matmul_float(a, N, b, N, N, c, N);
		best = now() - start < best ? now() - start : best;
	}
	free(a);
	free(b);
	free(c);
	return 2e-9 * N * N * N / best;
}

/* What an engine reads and writes. */
struct room {
	uint8_t *x;
	float *z, *f;
	size_t n_z, n_f;
};

static struct room room(const struct net *n, size_t batch)
{
	const size_t size = net_node_size(&n->nodes[0]);
	struct room r = { .n_z = batch * (size_t)n->classes, .n_f = batch * (size_t)n->nodes[n->feature].c };

	r.x = calloc(batch, size);
	r.z = calloc(r.n_z, sizeof *r.z);
	r.f = calloc(r.n_f, sizeof *r.f);
	if (!r.x || !r.z || !r.f) {
		fprintf(stderr, "nn-bench: out of memory\n");
		exit(1);
	}
	for (size_t i = 0; i < batch * size; i++)
		r.x[i] = (uint8_t)((uint32_t)i * 2654435761u >> 13);
	return r;
}

static void room_free(struct room *r)
{
	free(r->x);
	free(r->z);
	free(r->f);
}

static double rate(struct um_engine *e, size_t batch)
{
	struct room r = room(um_engine_net(e), batch);
	size_t done = 0;
	struct err err;

	double start = now();
	if (um_engine_run(e, r.x, batch, r.z, r.f, NULL, &err) < 0) { /* the first one faults memory in, */
		fprintf(stderr, "nn-bench: %s\n", err.text);
		exit(1);
	}
	if (now() - start > 2) /* which is little beside that */
		done = batch;
	else
		start = now();
	while (now() - start < 0.5 && um_engine_run(e, r.x, batch, r.z, r.f, NULL, &err) == 0)
		done += batch;
	room_free(&r);
	return (double)done / (now() - start);
}

/* ---- training ---- */

static size_t count(const struct net_param *p)
{
	size_t n = 1;

	for (int d = 0; d < p->ndim; d++)
		n *= p->shape[d];
	return n;
}

/* A step of plain SGD with momentum; these settings learn nothing useful, at the usual cost. */
static int step(struct um_exec *e, const struct net *n, const struct room *r, size_t batch, float **v, struct err *err)
{
	float *dz = r->z; /* in place */

	if (um_exec_forward(e, r->x, batch, UM_TRAINING, 1, true, r->z, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < batch; i++)
		for (int c = 0; c < n->classes; c++)
			dz[i * (size_t)n->classes + (size_t)c] =
				((i % (size_t)n->classes == (size_t)c) - 0.1F) / (float)batch;
	if (um_exec_backward(e, dz, NULL, NULL, false, err) < 0)
		return -1;
	for (int i = 0; i < n->n_params; i++) {
		float *w = um_exec_value(e, i), *d = um_exec_gradient(e, i);

		for (size_t k = 0; d && k < count(&n->params[i]); k++) {
			v[i][k] = 0.9F * v[i][k] + d[k] + 1e-4F * w[k];
			w[k] -= 1e-6F * v[i][k];
		}
	}
	return 0;
}

/* "step BATCH", "step-bf16 BATCH", "step-torch BATCH" */
static int training(struct net_checkpoint *c, char *const *word, struct err *err)
{
	const size_t batch = strtoul(word[1], NULL, 10);
	const struct um_exec_options o = { .torch = strcmp(word[0], "step-torch") == 0,
					   .precision = strcmp(word[0], "step-bf16") == 0 ? UM_BF16 : UM_F32,
					   .threads = threads,
					   .batch = batch };
	struct room r = room(c->net, batch);
	float **v = calloc((size_t)c->net->n_params, sizeof *v);
	struct um_exec *e = NULL;
	size_t done = 0;
	int rc = v ? um_exec_new(&e, c, &o, err) : err_memory(err);

	for (int i = 0; rc == 0 && i < c->net->n_params; i++)
		if (!(v[i] = calloc(count(&c->net->params[i]), sizeof **v)))
			rc = err_memory(err);
	if (rc == 0)
		um_exec_set(e, &c->state);
	if (rc == 0)
		rc = step(e, c->net, &r, batch, v, err); /* faults memory in */
	const double start = now();

	while (rc == 0 && (done == 0 || now() - start < 1)) {
		rc = step(e, c->net, &r, batch, v, err);
		done += batch;
	}
	if (rc == 0)
		printf("%.3f\n", (double)done / (now() - start));
	for (int i = 0; v && i < c->net->n_params; i++)
		free(v[i]);
	free(v);
	um_exec_free(e);
	room_free(&r);
	return rc;
}

/* ---- on a device, as um-embed does ---- */

enum { AHEAD = 2, WARM = 4 }; /* batches in flight; batches before timing starts, including the graph's recording */

static long precision(const char *name)
{
	return strcmp(name, "bf16") == 0 ? UM_BF16 : strcmp(name, "tf32") == 0 ? UM_TF32 : UM_F32;
}

static int on_device(struct um_engine **e, struct net_checkpoint *c, const char *p, size_t chunk, struct err *err)
{
	const struct um_engine_options o = { .torch = true,
					     .device = device,
					     .threads = threads,
					     .chunk = chunk,
					     .precision = precision(p),
					     .graph = true };

	*e = NULL;
	return um_engine_new(e, c, &o, err);
}

/* Runs batches for this many seconds, at least `least` of them; returns how many, or 0 with a line in err. */
static size_t flow(struct um_engine *e, struct room *r, size_t batch, double seconds, size_t least, struct err *err)
{
	const double start = now();
	uint64_t job[AHEAD] = { 0 };
	size_t n = 0;

	for (; n < least || now() - start < seconds; n++) {
		struct room *to = &r[n % AHEAD];

		if ((n >= AHEAD && um_engine_wait(e, job[n % AHEAD], err) < 0) ||
		    um_engine_start(e, to->x, batch, to->z, to->f, NULL, &job[n % AHEAD], err) < 0)
			return 0;
	}
	return um_engine_wait(e, job[(n - 1) % AHEAD], err) < 0 ? 0 : n;
}

static int rates(struct um_engine *e, size_t batch, int rounds, double seconds, struct err *err)
{
	struct room r[AHEAD];
	int rc = 0;

	for (int i = 0; i < AHEAD; i++)
		r[i] = room(um_engine_net(e), batch);
	if (flow(e, r, batch, 0, WARM, err) == 0)
		rc = -1;
	for (int i = 0; rc == 0 && i < rounds; i++) {
		const double start = now();
		const size_t n = flow(e, r, batch, seconds, 1, err);

		if (n == 0)
			rc = -1;
		else
			printf("%s%.3f", i ? " " : "", (double)(n * batch) / (now() - start));
	}
	for (int i = 0; i < AHEAD; i++)
		room_free(&r[i]);
	return rc;
}

/* "stream PRECISION BATCH ROUNDS SECONDS" */
static int stream(struct net_checkpoint *c, struct um_engine **e, char *const *word, struct err *err)
{
	const size_t batch = strtoul(word[2], NULL, 10);
	const int rounds = (int)strtol(word[3], NULL, 10);

	um_engine_free(*e);
	if (on_device(e, c, word[1], batch, err) < 0 || rates(*e, batch, rounds, strtod(word[4], NULL), err) < 0)
		return -1;
	printf("%s%s\n", um_engine_note(*e) ? "\t" : "", um_engine_note(*e) ? um_engine_note(*e) : "");
	return 0;
}

static double off(const float *a, const float *b, size_t n)
{
	double most = 1, d = 0;

	for (size_t i = 0; i < n; i++) {
		const double one = fabs((double)a[i] - (double)b[i]);

		most = fmax(most, fabs((double)b[i]));
		d = isnan(one) ? INFINITY : fmax(d, one);
	}
	return d / most;
}

/* "near PRECISION N" */
static int near_nn(struct net_checkpoint *c, char *const *word, struct err *err)
{
	const size_t n = strtoul(word[2], NULL, 10);
	struct room have = room(c->net, n), want = room(c->net, n);
	struct um_engine *e = NULL, *nn = NULL;
	int rc = on_device(&e, c, word[1], n, err);

	if (rc == 0)
		rc = um_engine_new(&nn, c, &(struct um_engine_options){ .threads = threads }, err);
	if (rc == 0)
		rc = um_engine_run(e, have.x, n, have.z, have.f, NULL, err);
	if (rc == 0)
		rc = um_engine_run(nn, want.x, n, want.z, want.f, NULL, err);
	if (rc == 0)
		printf("%.3g %.3g\n", off(have.z, want.z, want.n_z), off(have.f, want.f, want.n_f));
	um_engine_free(e);
	um_engine_free(nn);
	room_free(&have);
	room_free(&want);
	return rc;
}

/* ---- the lines ---- */

static int plan(struct net_checkpoint *c, struct err *err)
{
	struct nn *m;

	if (nn_new(&m, c, &(struct nn_options){ .threads = (int)threads }, err) < 0)
		return -1;
	puts(nn_describe(m));
	nn_free(m);
	return 0;
}

/* "nn BATCH", "nn-bf16 BATCH", "torch BATCH"; the engines are kept. */
static int cpu(struct net_checkpoint *c, char *const *word, struct err *err)
{
	static struct um_engine *e[3];
	const bool torch = strcmp(word[0], "torch") == 0, bf16 = strcmp(word[0], "nn-bf16") == 0;
	struct um_engine **of = &e[torch ? 1 : bf16 ? 2 : 0];

	const struct um_engine_options o = {
		.torch = torch, .threads = threads, .chunk = 16, .precision = bf16 ? UM_BF16 : UM_F32
	};

	if (!*of && um_engine_new(of, c, &o, err) < 0)
		return -1;
	printf("%.3f\n", rate(*of, strtoul(word[1], NULL, 10)));
	return 0;
}

static int answer(struct net_checkpoint *c, struct um_engine **streaming, char *const *word, int n, struct err *err)
{
	const bool batch = n > 1 && strtoul(word[1], NULL, 10) > 0, second = n > 2 && strtoul(word[2], NULL, 10) > 0;

	if (n == 5 && second && strcmp(word[0], "stream") == 0)
		return stream(c, streaming, word, err);
	if (n == 3 && second && strcmp(word[0], "near") == 0)
		return near_nn(c, word, err);
	if (n == 2 && batch && (strncmp(word[0], "nn", 2) == 0 || strcmp(word[0], "torch") == 0))
		return cpu(c, word, err);
	if (n == 2 && batch && strncmp(word[0], "step", 4) == 0)
		return training(c, word, err);
	if (n == 1 && strcmp(word[0], "flop") == 0)
		return printf("%.0f\n", flop(c->net)) < 0;
	if (n == 1 && strcmp(word[0], "sgemm") == 0)
		return printf("%.1f\n", sgemm()) < 0;
	if (n == 1 && strcmp(word[0], "plan") == 0)
		return plan(c, err);
	return err_fail(err, "no such question");
}

int main(int argc, char **argv)
{
	struct um_engine *streaming = NULL;
	char line[128];
	struct err err;
	struct net_checkpoint c;

	if (argc < 3 || argc > 4 || net_load(&c, argv[1], &err) < 0) {
		fprintf(stderr, "nn-bench: %s\n", argc < 3 || argc > 4 ? "CHECKPOINT THREADS [DEVICE]" : err.text);
		return 1;
	}
	threads = strtol(argv[2], NULL, 10);
	if (argc > 3)
		device = argv[3];
	while (fgets(line, sizeof line, stdin)) {
		char *word[8] = { NULL }, *save = NULL;
		int n = 0;

		for (char *w = strtok_r(line, " \n", &save); w && n < 8; w = strtok_r(NULL, " \n", &save))
			word[n++] = w;
		if (n == 0 || answer(&c, &streaming, word, n, &err) < 0) {
			fprintf(stderr, "nn-bench: %s: %s\n", n ? word[0] : "empty line", n ? err.text : "no question");
			return 1;
		}
		fflush(stdout);
	}
	um_engine_free(streaming);
	net_checkpoint_release(&c);
	return 0;
}
