/* SPDX-License-Identifier: MIT
 * nn-bench CHECKPOINT IMAGES [RUNS [THREADS [ISA]]]: images a second of the inference engine, best of RUNS, and
 * how far it is from libtorch if that is there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "nn/nn.h"
#include "um/um.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	char err[NET_ERR];
	struct net_checkpoint c;
	struct nn *m;
	const size_t n = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 64;
	const int runs = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5;
	const struct nn_options o = { .threads = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 2,
				      .isa = argc > 5 ? argv[5] : NULL };
	double best = INFINITY, t = now();

	if (argc < 2 || net_load(&c, argv[1], err) < 0 || nn_new(&m, &c, &o, err) < 0) {
		fprintf(stderr, "nn-bench: %s\n", argc < 2 ? "CHECKPOINT IMAGES [RUNS [THREADS [ISA]]]" : err);
		return 1;
	}
	printf("ready in %.1f ms\n", 1e3 * (now() - t));
	if (getenv("NN_PLAN"))
		puts(nn_describe(m));
	const size_t row = (size_t)(c.net->c * c.net->h * c.net->w), C = (size_t)c.net->classes;
	const size_t D = (size_t)c.net->nodes[c.net->feature].c;
	uint8_t *x = malloc(n * row);
	float *z[2] = { malloc(n * C * sizeof(float)), malloc(n * C * sizeof(float)) };
	float *f[2] = { malloc(n * D * sizeof(float)), malloc(n * D * sizeof(float)) };
	struct ts_rng rng = ts_rng_new(1, 1);
	for (size_t i = 0; i < n * row; i++)
		x[i] = (uint8_t)(ts_rng_double(&rng) * 256);
	for (int i = 0; i < runs; i++) {
		t = now();
		nn_run(m, x, n, z[0], f[0], NULL);
		best = fmin(best, now() - t);
	}
	printf("nn %.1f images/s\n", (double)n / best);
	struct um_model *u;
	if (um_open("cpu", o.threads, err) == 0 && um_model_new(&u, &c, err) == 0) {
		double off[2] = { 0, 0 }, most[2] = { 0, 0 };

		best = INFINITY;
		for (int i = 0; i < runs; i++) {
			t = now();
			if (um_embed(u, x, n, 16, false, z[1], f[1], err) < 0)
				return 1;
			best = fmin(best, now() - t);
		}
		for (size_t i = 0; i < n * C; i++) {
			off[0] = fmax(off[0], fabs((double)z[0][i] - z[1][i]));
			most[0] = fmax(most[0], fabs((double)z[1][i]));
		}
		for (size_t i = 0; i < n * D; i++) {
			off[1] = fmax(off[1], fabs((double)f[0][i] - f[1][i]));
			most[1] = fmax(most[1], fabs((double)f[1][i]));
		}
		printf("torch %.1f images/s; logits differ by %.2g of %.3g, features by %.2g of %.3g\n",
		       (double)n / best, off[0], most[0], off[1], most[1]);
	}
	return 0;
}
