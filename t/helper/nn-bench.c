/* SPDX-License-Identifier: MIT
 * nn-bench CHECKPOINT THREADS: for each line "nn BATCH" or "torch BATCH" of standard input the images a second
 * of that engine on batches of so many, over at least half a second; for "flop" the multiplications and additions
 * of an image; for "sgemm" what OpenBLAS makes of THREADS, in GFLOP/s; for "plan" the plan. For t/perf. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/nn.h"
#include "um/run/um_engine.h"

/* Of OpenBLAS, which names it in no header of Debian's that is the same for all its builds. */
void openblas_set_num_threads(int n);

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

static double sgemm(int threads)
{
	enum { N = 2048 };
	float *a = calloc(N * N, sizeof *a), *b = calloc(N * N, sizeof *b), *c = calloc(N * N, sizeof *c);
	double best = 1e9;

	openblas_set_num_threads(threads);
	for (int run = 0; run < 5; run++) {
		const double start = now();

		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
		best = now() - start < best ? now() - start : best;
	}
	free(a);
	free(b);
	free(c);
	return 2e-9 * N * N * N / best;
}

static double rate(struct um_engine *e, size_t batch)
{
	const struct net *n = um_engine_net(e);
	const size_t size = net_node_size(&n->nodes[0]), C = (size_t)n->classes;
	uint8_t *x = calloc(batch, size);
	float *z = calloc(batch * C, sizeof *z), *f = calloc(batch * (size_t)n->nodes[n->feature].c, sizeof *f);
	size_t done = 0;
	struct err err;

	for (size_t i = 0; i < batch * size; i++)
		x[i] = (uint8_t)(i * 2654435761u >> 13);
	double start = now();
	if (um_engine_run(e, x, batch, z, f, NULL, &err) < 0) {       /* the first one faults memory in, */
		fprintf(stderr, "nn-bench: %s\n", err.text);
		exit(1);
	}
	if (now() - start > 2)                /* which is little beside that */
		done = batch;
	else
		start = now();
	while (now() - start < 0.5 && um_engine_run(e, x, batch, z, f, NULL, &err) == 0)
		done += batch;
	free(x);
	free(z);
	free(f);
	return (double)done / (now() - start);
}

int main(int argc, char **argv)
{
	struct um_engine *e[2] = { NULL, NULL };
	char line[64];
	struct err err;
	struct net_checkpoint c;
	struct nn *m;

	if (argc != 3 || net_load(&c, argv[1], &err) < 0) {
		fprintf(stderr, "nn-bench: %s\n", argc == 3 ? err.text : "CHECKPOINT THREADS");
		return 1;
	}
	const int threads = (int)strtol(argv[2], NULL, 10);
	while (fgets(line, sizeof line, stdin)) {
		const bool torch = strncmp(line, "torch", 5) == 0;
		const size_t batch = strchr(line, ' ') ? strtoul(strchr(line, ' '), NULL, 10) : 0;

		if (strncmp(line, "flop", 4) == 0) {
			printf("%.0f\n", flop(c.net));
		} else if (strncmp(line, "sgemm", 5) == 0) {
			printf("%.1f\n", sgemm(threads));
		} else if (strncmp(line, "plan", 4) == 0) {
			if (nn_new(&m, &c, &(struct nn_options){ .threads = threads }, &err) == 0)
				puts(nn_describe(m));
		} else if (batch < 1 || (!e[torch] && um_engine_new(&e[torch], &c, &(struct um_engine_options){
			   .torch = torch, .threads = threads, .chunk = 16 }, &err) < 0)) {
			fprintf(stderr, "nn-bench: %s\n", batch ? err.text : line);
			return 1;
		} else {
			printf("%.3f\n", rate(e[torch], batch));
		}
		fflush(stdout);
	}
	return 0;
}
