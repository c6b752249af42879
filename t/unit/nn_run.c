/* SPDX-License-Identifier: MIT
 * The inference engine against the plainest program that does the same: each node in turn, in double, by its
 * definition. Covers all architectures, all available instruction sets, intermediate maps, intermediate starts, any
 * number of images and threads. */
#include "nn/nn.h"
#include "../tap.h"
#include "nn_plain.h"

enum { IMAGES = 3, CLASSES = 7 };

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
			memset(r.maps[i], 0xff, images * net_node_size(&n->nodes[i]) * sizeof(float)); /* NaN */
	return r;
}

static void release_result(const struct net *n, struct result *r)
{
	free(r->logits);
	free(r->features);
	nn_plain_free(n, r->maps);
}

/* Which nodes are kept: none, the feature list, or all, where nothing may be fused away. */
enum keep { NONE, STAGES, ALL };

static double compare(struct net_checkpoint *c, const uint8_t *image, float *const *want, const char *isa, int threads,
		      enum keep keep)
{
	const struct net *n = c->net;
	bool *kept = calloc((size_t)n->n_nodes, sizeof *kept);
	struct result r = room(n, IMAGES);
	struct nn *m = NULL;
	struct err err;
	double off = INFINITY;

	for (int i = 0; i < n->n_nodes; i++)
		kept[i] = keep == ALL;
	for (int k = 0; keep == STAGES && k < n->n_stages; k++)
		kept[n->stages[k]] = true;
	if (nn_new(&m, c, &(struct nn_options){ .threads = threads, .isa = isa, .keep = kept }, &err) == 0) {
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

/* Do images one at a time, and all together with this many threads, give the same bytes? */
static bool same_bytes(struct net_checkpoint *c, const uint8_t *image)
{
	const size_t size = net_node_size(&c->net->nodes[0]), C = CLASSES;
	float one[IMAGES * CLASSES], all[IMAGES * CLASSES], first[IMAGES * CLASSES];
	struct err err;
	bool same = true;

	for (int threads = 1; threads <= 5; threads += 2) { /* also more than images */
		struct nn *m;

		if (nn_new(&m, c, &(struct nn_options){ .threads = threads }, &err) < 0)
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
	struct err err;
	double off = 0;

	for (int k = 0; k < c->net->n_stages; k++) {
		struct nn *m;

		if (nn_new(&m, c, &(struct nn_options){ .threads = 2, .from = c->net->stages[k] }, &err) < 0)
			return INFINITY;
		nn_run(m, want[c->net->stages[k]], IMAGES, logits, NULL, NULL);
		off = fmax(off, nn_distance(logits, want[c->net->head], IMAGES * CLASSES));
		nn_free(m);
	}
	return off;
}

/* After another plan, which shares its memory and has left NaNs there. */
static bool shares(struct net_checkpoint *c, const uint8_t *image, float *const *want)
{
	const int from = c->net->n_stages ? c->net->stages[0] : c->net->feature;
	const size_t size = IMAGES * net_node_size(&c->net->nodes[from]);
	float alone[IMAGES * CLASSES], beside[IMAGES * CLASSES], *none = malloc(size * sizeof *none);
	struct nn *m[3] = { NULL };
	struct err err;
	bool made = nn_new(&m[0], c, &(struct nn_options){ .threads = 2 }, &err) == 0 &&
		    nn_new(&m[1], c, &(struct nn_options){ .threads = 1, .from = from }, &err) == 0 &&
		    nn_new(&m[2], c, &(struct nn_options){ .threads = 2, .beside = m[1] }, &err) == 0;

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

/* The same bytes if the plan takes the weights, and packs large ones in their own place? These must lie at a cache
 * line, as in a checkpoint that was read. Afterwards c may only be released. */
static bool takes(struct net_checkpoint *c, const uint8_t *image)
{
	float want[IMAGES * CLASSES], have[IMAGES * CLASSES];
	struct nn *m;
	struct err err;

	if (nn_new(&m, c, &(struct nn_options){ .threads = 2 }, &err) < 0)
		return false;
	nn_run(m, image, IMAGES, want, NULL, NULL);
	nn_free(m);
	for (size_t i = 0; i < c->state.n; i++) {
		struct ts_tensor *t = &c->state.t[i];
		void *data = aligned_alloc(64, (ts_tensor_bytes(t) + 64) / 64 * 64);

		memcpy(data, t->data, ts_tensor_bytes(t));
		free(t->data);
		t->data = data;
	}
	if (nn_new(&m, c, &(struct nn_options){ .threads = 3, .take = true }, &err) < 0)
		return false;
	nn_run(m, image, IMAGES, have, NULL, NULL);
	nn_free(m);
	return memcmp(have, want, sizeof want) == 0;
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
	float **want = nn_plain(&c, image, IMAGES);
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
	ok(takes(&c, image), "%s: weights that the plan takes", k->spec);
	nn_plain_free(c.net, want);
	free(image);
	net_checkpoint_release(&c);
}

/* Do these options, with UNMASK_ISA set so, give the plan of `want`? want NULL: err has the reason. */
static bool chooses(struct net_checkpoint *c, const char *environment, const char *isa, const char *want,
		    struct err *err)
{
	struct nn *m;
	char *text = NULL;
	bool good;

	if (environment)
		setenv("UNMASK_ISA", environment, 1);
	else
		unsetenv("UNMASK_ISA");
	good = nn_new(&m, c, &(struct nn_options){ .threads = 1, .isa = isa }, err) == (want ? 0 : -1);
	good = good && nn_check(isa, err) == (want ? 0 : -1);
	if (m)
		text = nn_describe(m);
	good = good && (!want || (text && strncmp(text, want, strlen(want)) == 0 && text[strlen(want)] == ','));
	free(text);
	nn_free(m);
	return good;
}

/* Leaves UNMASK_ISA unset. */
static void instructions(struct net_checkpoint *c)
{
	char best[64];
	struct err err = { 0 };

	snprintf(best, sizeof best, "%s", nn_isas());
	best[strcspn(best, "|")] = '\0';
	ok(chooses(c, "generic", NULL, "generic", &err), "UNMASK_ISA chooses the instructions");
	ok(chooses(c, "generic", best, best, &err), "the caller wins: %s", best);
	ok(chooses(c, "mmx", best, best, &err), "be UNMASK_ISA as it may");
	ok(chooses(c, "", NULL, best, &err) && chooses(c, NULL, NULL, best, &err), "without it, or empty: the best");
	ok(chooses(c, NULL, "mmx", NULL, &err) &&
		   strncmp(err.text, "this processor has no instructions 'mmx'; it has ", 49) == 0 &&
		   strcmp(err.text + 49, nn_isas()) == 0,
	   "instructions that are not here are refused, those that are are named");
	ok(chooses(c, "avx", NULL, NULL, &err) &&
		   strstr(err.text, "UNMASK_ISA: this processor has no instructions 'avx'; "),
	   "the same of UNMASK_ISA, which the line names");
	unsetenv("UNMASK_ISA");
}

int main(void)
{
	struct net_checkpoint c;

	for (size_t i = 0; i < NN_CASES; i++)
		try_case(&nn_cases[i]);
	if (nn_random(&c, &nn_cases[2], CLASSES, 1) == 0)
		instructions(&c);
	net_checkpoint_release(&c);
	return done();
}
