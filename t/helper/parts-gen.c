/* SPDX-License-Identifier: MIT
 * parts-gen train|val|adversarial|test|broken ROWS SEED: generates features with every column that um-embed adds on
 * request, by formula, for tests that need no network: layers, steps of size 0.01 and 0.05 in them, Gram columns, ODIN,
 * RankFeat, a second model's distance, extremes of layers, one of them always the same. With one seed, rows of val and of
 * adversarial are the same images, before and after a step. In broken, row 3 has a NaN in the columns adascale and
 * extremes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts.h"
#include "ts/ts_rng.h"

enum { CLASSES = 4, DIM = 6, LAYERS = 2, STEPS = 3, GRAMS = 2, EXTREMES = 6 };
static const size_t width[LAYERS] = { 3, 5 }, maps[GRAMS] = { 2, 3 };
static const char *const step_name[STEPS] = { "", ":eps=0.01", ":eps=0.05" };
/* The share of the way to its class's mean that a step moves a row; half as much if it is adversarial. */
static const double step[STEPS] = { 0, 0.5, 0.2 };

static void check(int failed)
{
	if (failed) {
		fputs("parts-gen: out of memory, or cannot write\n", stderr);
		exit(99);
	}
}

static void make_header(struct ts_header *h)
{
	size_t classes = CLASSES, dim = DIM, others[] = { 2, CLASSES }, passes[] = { 3, CLASSES }, extremes = EXTREMES;
	char name[32];

	ts_header_init(h, "features");
	check(ts_header_add(h, "logits", TS_F32, 1, &classes) || ts_header_add(h, "features", TS_F32, 1, &dim) ||
	      ts_header_add(h, "label", TS_I64, 0, NULL));
	for (size_t l = 0; l < LAYERS; l++)
		for (size_t e = 0; e < STEPS; e++) {
			snprintf(name, sizeof name, "layer%zu%s", l, step_name[e]);
			check(ts_header_add(h, name, TS_F32, 1, &width[l]));
		}
	for (size_t g = 0; g < GRAMS; g++) {
		size_t shape[] = { 5, maps[g] };
		snprintf(name, sizeof name, "gram:map%zu", g);
		check(ts_header_add(h, name, TS_F32, 2, shape));
	}
	check(ts_header_add(h, "odin:eps=0.0014", TS_F32, 1, &classes) ||
	      ts_header_add(h, "i-odin:eps=0.0014", TS_F32, 1, &classes) ||
	      ts_header_add(h, "adascale", TS_F32, 1, &dim) || ts_header_add(h, "ensemble", TS_F32, 2, others) ||
	      ts_header_add(h, "extremes", TS_F32, 1, &extremes) || ts_header_add(h, "passes", TS_F32, 2, passes) ||
	      ts_header_add(h, "rankfeat", TS_F32, 1, &classes) || ts_header_add(h, "kl-distance", TS_F32, 0, NULL) ||
	      ts_meta_set_double(&h->meta, "odin.temperature", 1000) ||
	      ts_meta_set_double(&h->meta, "i-odin.temperature", 10));
}

/* A last layer that does not produce these logits: only its bias is needed. */
static void add_head(struct ts_header *h)
{
	const size_t shape[] = { CLASSES, DIM };
	const float of[CLASSES] = { 0.5f, -1, 0.25f, 0 };
	struct ts_tensor weight = { 0 }, bias = { 0 };

	check(ts_tensor_init(&weight, "fc.weight", TS_F32, 2, shape) ||
	      ts_tensor_init(&bias, "fc.bias", TS_F32, 1, shape));
	memcpy(bias.data, of, sizeof of);
	check(ts_meta_set_tensor(&h->meta, "fc.weight", &weight) || ts_meta_set_tensor(&h->meta, "fc.bias", &bias));
	ts_tensor_release(&weight);
	ts_tensor_release(&bias);
}

/* The mean of class c in column j of space k. */
static double centre(size_t c, size_t j, size_t k)
{
	return 2 * cos(1 + (double)(c * (j + 2)) + 3 * (double)k);
}

static float *numbers(struct ts_batch *b, const char *name, size_t i)
{
	struct ts_col *c = ts_batch_col(b, name);

	return (float *)c->data + i * (c->row / sizeof(float));
}

/* Row i, of class c. Every row draws equally many random numbers. */
static void fill(struct ts_batch *b, size_t i, size_t c, double noise, double moved, struct ts_rng *r)
{
	float *logits = numbers(b, "logits", i), *odin = numbers(b, "odin:eps=0.0014", i);
	float *rankfeat = numbers(b, "rankfeat", i), *z = numbers(b, "features", i);
	char name[32];

	((int64_t *)ts_batch_col(b, "label")->data)[i] = (int64_t)c;
	for (size_t k = 0; k < CLASSES; k++) {
		logits[k] = (float)((k == c ? 3 : 0) + noise * 1.5 * ts_rng_normal(r));
		odin[k] = logits[k] + (k == c ? 0.25f : 0);
		numbers(b, "i-odin:eps=0.0014", i)[k] = logits[k] + (k == c ? 0.0625f : 0);
		numbers(b, "ensemble", i)[k] = logits[k] * 0.5f + (k == 0 ? 1 : 0);
		numbers(b, "ensemble", i)[CLASSES + k] = (float)(k % 2) - logits[k] * 0.25f;
		for (size_t j = 0; j < 3; j++)
			numbers(b, "passes", i)[j * CLASSES + k] = logits[k] * (float)j + (j == k ? 0.5f : 0);
		rankfeat[k] = logits[k] * 0.75f - 0.125f;
	}
	numbers(b, "kl-distance", i)[0] = (float)(noise * fabs(ts_rng_normal(r)));
	for (size_t j = 0; j < DIM; j++)
		z[j] = (float)(centre(c, j, 9) + noise * ts_rng_normal(r));
	for (size_t j = 0; j < DIM; j++)
		numbers(b, "adascale", i)[j] = (float)(0.9 * z[j] + 0.3 * sin(5 * z[0] + (double)j));
	for (size_t j = 0; j < EXTREMES; j++)
		numbers(b, "extremes", i)[j] = (float)(j == 4 ? 0.5 :
						       j == 5 ? z[0] * z[1] :
								exp(0.4 * z[j]) - 0.3 * (double)j);
	for (size_t l = 0; l < LAYERS; l++)
		for (size_t j = 0; j < width[l]; j++) {
			double off = noise * ts_rng_normal(r) + moved * sin(1 + (double)(j + l));
			for (size_t e = 0; e < STEPS; e++) {
				snprintf(name, sizeof name, "layer%zu%s", l, step_name[e]);
				double share = moved != 0 ? step[e] / 2 : step[e];
				numbers(b, name, i)[j] = (float)(centre(c, j, l) + (1 - share) * off);
			}
		}
	for (size_t g = 0; g < GRAMS; g++) {
		snprintf(name, sizeof name, "gram:map%zu", g);
		for (size_t j = 0; j < 5 * maps[g]; j++)
			numbers(b, name, i)[j] =
				(float)(1 + (double)(j % 5) + (double)c / 2 + noise * ts_rng_normal(r));
	}
}

int main(int argc, char **argv)
{
	struct ts_writer *w = ts_writer_open(NULL);
	struct ts_header h;
	struct ts_batch b;

	if (argc != 4) {
		fputs("usage: parts-gen train|val|adversarial|test|broken ROWS SEED\n", stderr);
		return 99;
	}
	struct ts_rng r = ts_rng_new(strtoul(argv[3], NULL, 10), 0);
	double noise = strcmp(argv[1], "test") == 0 ? 1.6 : 1, moved = strcmp(argv[1], "adversarial") == 0 ? 1.2 : 0;
	size_t rows = strtoul(argv[2], NULL, 10);

	make_header(&h);
	add_head(&h);
	check(!w || ts_batch_init(&b, &h) || ts_batch_resize(&b, rows) || ts_writer_begin(w, &h));
	for (size_t i = 0; i < rows; i++)
		fill(&b, i, i % CLASSES, noise, moved, &r);
	for (size_t j = 0; j < DIM && strcmp(argv[1], "broken") == 0; j++)
		numbers(&b, "adascale", 3)[j] = numbers(&b, "extremes", 3)[j] = NAN;
	check(ts_writer_write(w, &b) || ts_writer_finish(w));
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	return 0;
}
