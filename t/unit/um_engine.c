/* SPDX-License-Identifier: MIT
 * The inference engine and libtorch agree to 1e-4 of the outputs' size: every architecture, mask, image
 * size, and number of images; logits, features and the feature list. */
#include "../tap.h"
#include "nn_nets.h"
#include "um/run/um_engine.h"

enum { MOST = 9, CLASSES = 11 };

static float *room(size_t n)
{
	return calloc(n ? n : 1, sizeof(float));
}

/* The largest difference over n images, given to libtorch in chunks of this size. */
static double compare(struct net_checkpoint *c, const uint8_t *image, size_t n, long threads)
{
	const struct net *net = c->net;
	const size_t N = (size_t)net->n_nodes, D = (size_t)net->nodes[net->feature].c;
	bool *keep = calloc(N, sizeof *keep);
	float *z[2], *f[2], **maps[2];
	struct err err;
	double off = 0;

	for (int k = 0; k < net->n_stages; k++)
		keep[net->stages[k]] = true;
	for (int e = 0; e < 2; e++) {
		struct um_engine *engine = NULL;

		z[e] = room(n * CLASSES);
		f[e] = room(n * D);
		maps[e] = calloc(N, sizeof *maps[e]);
		for (size_t i = 0; i < N; i++)
			maps[e][i] = keep[i] ? room(n * net_node_size(&net->nodes[i])) : NULL;
		if (um_engine_new(&engine, c,
				  &(struct um_engine_options){
					  .torch = e == 1, .threads = threads, .chunk = n, .keep = keep },
				  &err) < 0 ||
		    um_engine_run(engine, image, n, z[e], f[e], maps[e], &err) < 0) {
			printf("# %s\n", err.text);
			off = INFINITY;
		}
		um_engine_free(engine);
	}
	off = fmax(off, fmax(nn_distance(z[0], z[1], n * CLASSES), nn_distance(f[0], f[1], n * D)));
	for (size_t i = 0; i < N; i++)
		if (keep[i])
			off = fmax(off, nn_distance(maps[0][i], maps[1][i], n * net_node_size(&net->nodes[i])));
	for (int e = 0; e < 2; e++) {
		for (size_t i = 0; i < N; i++)
			free(maps[e][i]);
		free(maps[e]);
		free(z[e]);
		free(f[e]);
	}
	free(keep);
	return off;
}

static void architectures(void)
{
	static const size_t images[] = { 1, 2, MOST };
	struct net_checkpoint c;

	for (size_t i = 0; i < NN_CASES; i++) {
		double off = INFINITY;

		if (nn_random(&c, &nn_cases[i], CLASSES, 8) == 0) {
			uint8_t *image = nn_random_images(c.net, MOST, 9);

			off = 0;
			for (size_t k = 0; k < sizeof images / sizeof *images; k++)
				off = fmax(off, compare(&c, image, images[k], 1 + (long)k % 2));
			free(image);
		}
		ok(off < 1e-4, "%s, %dx%d: off by %.1g", nn_cases[i].spec, nn_cases[i].h, nn_cases[i].w, off);
		net_checkpoint_release(&c);
	}
}

/* Image sizes from the smallest that each network takes. */
static void sizes(void)
{
	static const int size[][2] = { { 8, 8 }, { 9, 23 }, { 16, 16 }, { 31, 33 }, { 64, 64 }, { 96, 40 } };
	struct net_checkpoint c;

	for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
		const struct nn_case k = { "densenet:depth=22,growth=12", 3, size[i][0], size[i][1] };
		double off = INFINITY;

		if (nn_random(&c, &k, CLASSES, 3) == 0) {
			uint8_t *image = nn_random_images(c.net, 3, 4);

			off = compare(&c, image, 3, 2);
			free(image);
		}
		ok(off < 1e-4, "%s, %dx%d: off by %.1g", k.spec, k.h, k.w, off);
		net_checkpoint_release(&c);
	}
}

static void masks(void)
{
	static const struct net_mask kinds[] = {
		{ NET_MASK_SCORES, 0.8, false, false, false, 1 }, { NET_MASK_SCORES, 0.3, true, true, true, 1 },
		{ NET_MASK_WEIGHTS, 0.5, false, false, true, 1 }, { NET_MASK_BERNOULLI, 0.6, false, false, false, 7 },
		{ NET_MASK_FIXED, 1, false, false, false, 1 },
	};
	static const size_t on[] = { 0, 4, 5, 11 };
	struct net_checkpoint c;
	struct err err;

	for (size_t i = 0; i < sizeof on / sizeof *on; i++)
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			struct ts_rng rng = ts_rng_new(2, k);
			double off = INFINITY, cut = 0;

			if (nn_random(&c, &nn_cases[on[i]], CLASSES, 8) == 0 &&
			    net_mask_add(&c, &kinds[k], &rng, &err) == 0 && net_bake(&c, true, &cut, &err) == 0) {
				uint8_t *image = nn_random_images(c.net, 2, 9);

				off = compare(&c, image, 2, 1);
				free(image);
			}
			ok(off < 1e-4 && (cut > 0.1 || kinds[k].keep == 1), "%s, mask '%s' of %g: off by %.1g",
			   nn_cases[on[i]].spec, net_mask_kinds[kinds[k].kind], kinds[k].keep, off);
			net_checkpoint_release(&c);
		}
}

/* Results that are not finite are an error with either. */
static void not_finite(void)
{
	const struct nn_case k = { "densenet:depth=10,growth=4", 3, 8, 8 };
	struct net_checkpoint c;
	struct err err;

	for (int torch = 0; torch < 2 && nn_random(&c, &k, CLASSES, 8) == 0; torch++) {
		uint8_t *image = nn_random_images(c.net, 1, 9);
		struct um_engine *e = NULL;
		float z[CLASSES];

		for (int i = 0; i < c.net->n_params; i++)
			if (c.net->params[i].role == NET_WEIGHT)
				for (size_t n = 0; n < ts_tensor_count(&c.state.t[i]); n++)
					((float *)c.state.t[i].data)[n] = 3e38f;
		err.text[0] = '\0';
		ok(um_engine_new(&e, &c, &(struct um_engine_options){ .torch = torch, .threads = 1 }, &err) == 0 &&
			   um_engine_run(e, image, 1, z, NULL, NULL, &err) < 0 && strstr(err.text, "not finite"),
		   "%s: a number that is not finite is an error", torch ? "torch" : "nn");
		um_engine_free(e);
		free(image);
		net_checkpoint_release(&c);
	}
}

static void nothing(void)
{
	const struct nn_case k = { "densenet:depth=10,growth=4", 3, 8, 8 };
	const struct um_data none = { .c = 3, .h = 8, .w = 8 };
	struct net_checkpoint c;
	struct um_engine *e = NULL;
	struct um_worth worth = { 1, 1, 1 };
	struct err err = { 0 };

	ok(nn_random(&c, &k, CLASSES, 8) == 0 &&
		   um_engine_new(&e, &c, &(struct um_engine_options){ .threads = 1 }, &err) == 0 &&
		   um_evaluate(e, &none, NULL, &worth, &err) < 0 && strstr(err.text, "no images") && worth.loss == 0 &&
		   worth.accuracy == 0,
	   "nothing is not evaluated: %s", err.text);
	um_engine_free(e);
	net_checkpoint_release(&c);
}

int main(void)
{
	architectures();
	sizes();
	masks();
	not_finite();
	nothing();
	return done();
}
