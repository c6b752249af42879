/* SPDX-License-Identifier: MIT
 * bfloat16 agrees with floats to 2e-2 of the outputs' size, and really is bfloat16; precisions are refused where they
 * are not available. On a GPU, if there is one, floats agree with lib/nn to 1e-4, TF32 to 1e-2 and bfloat16 to 3e-2,
 * with graphs and without, batch after batch. */
#include "../tap.h"
#include "nn_nets.h"
#include "um/run/um_engine.h"
#include "um/run/um_torch.h"

enum { CLASSES = 11, IMAGES = 23 };

struct run {
	float *z, *f;
};

static struct run room(const struct net *net, size_t n)
{
	return (struct run){ calloc(n * CLASSES, sizeof(float)),
			     calloc(n * (size_t)net->nodes[net->feature].c, sizeof(float)) };
}

static void release(struct run *r)
{
	free(r->z);
	free(r->f);
}

/* Runs batches of `part` images through an engine with these options; -1 after printing a comment. */
static int run(struct net_checkpoint *c, const struct um_engine_options *o, const uint8_t *image, size_t n, size_t part,
	       struct run *to)
{
	const size_t D = (size_t)c->net->nodes[c->net->feature].c, row = net_node_size(&c->net->nodes[0]);
	struct um_engine *e = NULL;
	struct err err;
	uint64_t job = 0;
	int rc = um_engine_new(&e, c, o, &err);

	for (size_t i = 0; rc == 0 && i < n; i += part)
		rc = um_engine_start(e, image + i * row, n - i < part ? n - i : part, to->z + i * CLASSES,
				     to->f + i * D, NULL, &job, &err);
	if (rc == 0)
		rc = um_engine_wait(e, job, &err);
	if (rc < 0)
		printf("# %s\n", err.text);
	else if (um_engine_note(e)) {
		printf("# %s\n", um_engine_note(e));
		rc = -1;
	}
	um_engine_free(e);
	return rc;
}

static double distance(const struct net *net, const struct run *a, const struct run *b, size_t n)
{
	return fmax(nn_distance(a->z, b->z, n * CLASSES),
		    nn_distance(a->f, b->f, n * (size_t)net->nodes[net->feature].c));
}

/* `make check ISA=avx2` tells oneDNN to do without AVX-512, which its bfloat16 needs. libtorch asks the processor
 * instead, and still gives it bfloat16, a combination that no processor has. */
static bool hidden(void)
{
	const char *isa = getenv("ONEDNN_MAX_CPU_ISA");

	return isa && strncmp(isa, "AVX512", 6) != 0;
}

static void bf16_on_cpu(void)
{
	const struct um_engine_options plain = { .threads = 2 },
				       bf16 = { .torch = true, .threads = 2, .precision = UM_BF16, .chunk = 2 };
	struct net_checkpoint c;

	for (size_t i = 0; i < NN_CASES; i++) {
		/* Depthwise sums have only nine products, or 49, so rounding averages out less; processors without
		 * products of bfloat16 round elsewhere. */
		const double most = strstr(nn_cases[i].spec, "mobilenet") ? 0.1 :
				    strstr(nn_cases[i].spec, "convnext")  ? 4e-2 :
									    2e-2;
		double off = INFINITY;

		if (hidden()) {
			ok(true, "%s in bfloat16 # SKIP oneDNN is not to use what it needs", nn_cases[i].spec);
			continue;
		}
		if (nn_random(&c, &nn_cases[i], CLASSES, 8) == 0) {
			uint8_t *image = nn_random_images(c.net, 3, 9);
			struct run want = room(c.net, 3), have = room(c.net, 3);

			if (run(&c, &plain, image, 3, 3, &want) == 0 && run(&c, &bf16, image, 3, 3, &have) == 0)
				off = distance(c.net, &have, &want, 3);
			release(&want);
			release(&have);
			free(image);
		}
		ok(off < most && off > 1e-5, "%s in bfloat16: off by %.2g", nn_cases[i].spec, off);
		net_checkpoint_release(&c);
	}
}

static void refused(void)
{
	static const struct {
		struct um_engine_options o;
		const char *remedy; /* NULL: none needed */
	} cases[] = {
		{ { .precision = UM_F32 }, NULL },
		{ { .precision = UM_TF32 }, "--device cuda" },
		{ { .precision = UM_BF16, .torch = true, .device = "cpu" }, NULL },
		{ { .precision = UM_TF32, .torch = true, .device = "cpu" }, "--device cuda" },
		{ { .precision = UM_TF32, .torch = true, .device = "cuda" }, NULL },
		{ { .precision = UM_BF16, .torch = true, .device = "cuda:1" }, NULL },
	};
	struct net_checkpoint c;
	struct err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const int rc = um_engine_check(&cases[i].o, &err);

		ok(cases[i].remedy ? rc < 0 && strstr(err.text, cases[i].remedy) : rc == 0, "precision %ld, %s, %s: %s",
		   cases[i].o.precision, cases[i].o.torch ? "torch" : "nn", cases[i].o.device ? cases[i].o.device : "-",
		   cases[i].remedy ? "refused" : "taken");
	}
	char *asked = getenv("UNMASK_ISA") ? strdup(getenv("UNMASK_ISA")) : NULL;

	setenv("UNMASK_ISA", "generic", 1);
	if (nn_random(&c, &nn_cases[2], CLASSES, 8) == 0) {
		const struct um_engine_options bf16 = { .threads = 1, .precision = UM_BF16 };
		struct um_engine *e = NULL;

		ok(um_engine_check(&bf16, &err) < 0 && strstr(err.text, "--engine torch"),
		   "bfloat16 by lib/nn where there is no AMX: %s", err.text);
		ok(um_engine_new(&e, &c, &bf16, &err) < 0 && !e, "nor is an engine made");
	}
	if (!asked || setenv("UNMASK_ISA", asked, 1) < 0)
		unsetenv("UNMASK_ISA");
	free(asked);
	net_checkpoint_release(&c);
}

static void on_gpu(void)
{
	static const double most[] = { [UM_F32] = 1e-4, [UM_TF32] = 1e-2, [UM_BF16] = 3e-2 };
	static const char *const names[] = { "f32", "tf32", "bf16" };
	struct net_checkpoint c;
	struct err err;

	if (um_torch_open("cuda", 1, &err) < 0) {
		ok(1, "on a GPU # SKIP %s", err.text);
		return;
	}
	for (size_t i = 0; i < NN_CASES; i++)
		for (long p = UM_F32; p <= UM_BF16; p++) {
			struct um_engine_options o = {
				.torch = true, .device = "cuda", .threads = 1, .precision = p, .graph = true
			};
			double off = INFINITY, graph = INFINITY;

			if (nn_random(&c, &nn_cases[i], CLASSES, 8) == 0) {
				uint8_t *image = nn_random_images(c.net, IMAGES, 9);
				struct run want = room(c.net, IMAGES), have = room(c.net, IMAGES),
					   eager = room(c.net, IMAGES);

				/* batches of 4 and a tail of 3; from the third on by the graph */
				if (run(&c, &(struct um_engine_options){ .threads = 2 }, image, IMAGES, IMAGES,
					&want) == 0 &&
				    run(&c, &o, image, IMAGES, 4, &have) == 0) {
					off = distance(c.net, &have, &want, IMAGES);
					o.graph = false;
					if (run(&c, &o, image, IMAGES, 4, &eager) == 0)
						graph = distance(c.net, &have, &eager, IMAGES);
				}
				release(&want);
				release(&have);
				release(&eager);
				free(image);
			}
			ok(off < most[p], "%s on a GPU, %s: off by %.2g", nn_cases[i].spec, names[p], off);
			ok(graph < (p == UM_F32 ? 1e-5 : most[p]), "with a graph and without: off by %.2g", graph);
			net_checkpoint_release(&c);
		}
}

int main(void)
{
	bf16_on_cpu();
	refused();
	on_gpu();
	return done();
}
