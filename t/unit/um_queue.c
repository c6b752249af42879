/* SPDX-License-Identifier: MIT
 * Chunks queued through libtorch give the same bytes as chunks run one after another. With an asynchronous device,
 * simulated by a seam that delivers as late as allowed, nothing is read before it has arrived and nothing is
 * overwritten before it has been sent. Graphs are simulated, too: what is recorded, when, and what happens if it cannot
 * be. */
#include "../tap.h"
#include "nn_nets.h"
#include "um/run/um_engine.h"
#include "um/run/um_torch.h"
#include "um/um_internal.h"
#include "um_lanes.h"

enum { CLASSES = 7, MOST = 64 };
static const struct nn_case small = { "densenet:depth=10,growth=4", 3, 12, 12 };

/* ---- graphs that are played, beside the lanes ---- */

static struct {
	struct um_torch *model; /* runs in place of the graph */
	const bool *keep;
	struct th_tensor *in, *kept[256];
	int n_kept, begun, runs;
	bool fail_begin, fail_end;
} gpu;

static bool graphs(void)
{
	return true;
}

static struct th_graph *graph_begin(const struct th_graph *after)
{
	(void)after;
	gpu.begun++;
	gpu.n_kept = 0;
	if (gpu.fail_begin)
		return NULL;
	lanes.recording = true;
	return (struct th_graph *)&gpu;
}

static int graph_end(struct th_graph *g)
{
	(void)g;
	lanes.recording = false;
	return gpu.fail_end ? -1 : 0;
}

static struct th_tensor *tensor_keep(struct th_scope *s, const struct th_tensor *t)
{
	return gpu.kept[gpu.n_kept++] = real->tensor_keep(s, t);
}

static int assign(struct th_scope *s, struct th_tensor *to, const struct th_tensor *x)
{
	gpu.in = to;
	return real->assign(s, to, x);
}

/* Does what the graph would do: from what `in` holds now to the kept nodes, in the order in which they were kept. */
static int graph_run(struct th_graph *g)
{
	const struct net *net = gpu.model->net;
	struct th_scope *s = real->scope_begin(false);
	int k = 2;

	(void)g;
	gpu.runs++;
	gpu.model->out[0] = real->channel_affine(s, gpu.in, gpu.model->affine[0], gpu.model->affine[1]);
	real->assign(s, gpu.kept[0], um_torch_run(s, gpu.model, 0, net->head, gpu.keep, false));
	real->assign(s, gpu.kept[1], gpu.model->out[net->feature]);
	for (int i = 0; gpu.keep && i < net->n_nodes; i++)
		if (gpu.keep[i])
			real->assign(s, gpu.kept[k++], gpu.model->out[i]);
	return real->scope_end(s);
}

static void graph_free(struct th_graph *g)
{
	(void)g;
}

/* A seam without graphs is like a CPU's, except for the lanes. */
static void play(bool with_graphs)
{
	memset(&gpu, 0, sizeof gpu);
	lanes_play(true);
	if (with_graphs) {
		lanes.api.graphs = graphs;
		lanes.api.graph_begin = graph_begin;
		lanes.api.graph_end = graph_end;
		lanes.api.graph_run = graph_run;
		lanes.api.graph_free = graph_free;
		lanes.api.tensor_keep = tensor_keep;
		lanes.api.assign = assign;
	}
}

/* ---- what they are held against: one chunk after the other, as it was before there were lanes ---- */

struct numbers {
	float *z, *f, *map; /* (MOST,...) */
};

static int plain(struct um_torch *m, const uint8_t *image, size_t n, size_t chunk, const bool *keep, int node,
		 struct numbers *to)
{
	const struct net *net = m->net;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	const size_t row = net_node_size(&net->nodes[0]), size = net_node_size(&net->nodes[node]);
	int rc = 0;

	for (size_t i = 0; i < n; i += chunk) {
		const size_t k = n - i < chunk ? n - i : chunk;
		const size_t shape[4] = { k, (size_t)net->c, (size_t)net->h, (size_t)net->w };
		struct th_scope *s = real->scope_begin(false);
		struct th_tensor *x = real->from_host(s, TH_U8, 4, shape, image + i * row);

		m->out[0] = real->channel_affine(s, x, m->affine[0], m->affine[1]);
		real->to_host(s, um_torch_run(s, m, 0, net->head, keep, false), to->z + i * C, k * C);
		real->to_host(s, m->out[net->feature], to->f + i * D, k * D);
		real->to_host(s, m->out[node], to->map + i * size, k * size);
		rc |= real->scope_end(s);
	}
	return rc;
}

static struct numbers room(const struct net *net, int node)
{
	const size_t D = (size_t)net->nodes[net->feature].c;

	return (struct numbers){ calloc(MOST * CLASSES, sizeof(float)), calloc(MOST * D, sizeof(float)),
				 calloc(MOST * net_node_size(&net->nodes[node]), sizeof(float)) };
}

static void release(struct numbers *n)
{
	free(n->z);
	free(n->f);
	free(n->map);
}

/* For n images; node < 0: without the map. */
static bool equal(const struct net *net, int node, const struct numbers *a, const struct numbers *b, size_t n)
{
	const size_t D = (size_t)net->nodes[net->feature].c, size = node < 0 ? 0 : net_node_size(&net->nodes[node]);

	return memcmp(a->z, b->z, n * CLASSES * sizeof(float)) == 0 && memcmp(a->f, b->f, n * D * sizeof(float)) == 0 &&
	       (size == 0 || memcmp(a->map, b->map, n * size * sizeof(float)) == 0);
}

struct fixture {
	struct net_checkpoint c;
	struct um_torch *m;
	uint8_t *image;
	bool *keep;
	int node; /* the node that is kept */
	struct numbers want, have;
};

static bool set_up(struct fixture *f)
{
	struct err err = { 0 };

	if (nn_random(&f->c, &small, CLASSES, 8) < 0 || um_torch_open("cpu", 1, &err) < 0 ||
	    um_torch_new(&f->m, &f->c, true, &err) < 0) {
		printf("# %s\n", err.text);
		return false;
	}
	real = th;
	f->image = nn_random_images(f->c.net, MOST, 9);
	f->keep = calloc((size_t)f->c.net->n_nodes, sizeof *f->keep);
	f->node = f->c.net->stages[1];
	f->keep[f->node] = true;
	f->want = room(f->c.net, f->node);
	f->have = room(f->c.net, f->node);
	return true;
}

static void blank(struct fixture *f)
{
	for (int i = 0; i < MOST * CLASSES; i++)
		f->have.z[i] = NAN;
}

static struct um_engine *engine(struct fixture *f, size_t chunk, bool keep)
{
	struct um_engine *e = NULL;
	struct err err;

	if (um_engine_new(
		    &e, &f->c,
		    &(struct um_engine_options){
			    .torch = true, .threads = 1, .chunk = chunk, .graph = true, .keep = keep ? f->keep : NULL },
		    &err) < 0)
		printf("# %s\n", err.text);
	return e;
}

/* Runs batches of these sizes through e, queued; then the same one by one. */
static bool batches(struct fixture *f, struct um_engine *e, const size_t *n, size_t chunk, bool keep)
{
	const struct net *net = f->c.net;
	const size_t D = (size_t)net->nodes[net->feature].c, row = net_node_size(&net->nodes[0]);
	const size_t size = net_node_size(&net->nodes[f->node]);
	uint64_t job = 0;
	struct err err = { 0 };
	size_t at = 0;
	bool right = e != NULL;

	blank(f);
	float **maps = calloc((size_t)net->n_nodes * 32, sizeof *maps); /* a job's maps stay until it is waited for */
	for (int b = 0; right && n[b]; at += n[b++]) {
		struct numbers w = { f->want.z + at * CLASSES, f->want.f + at * D, f->want.map + at * size };
		float **own = maps + b * net->n_nodes;
		uint8_t *copy = malloc(n[b] * row);

		own[f->node] = f->have.map + at * size;
		memcpy(copy, f->image + at * row, n[b] * row);
		right = plain(f->m, copy, n[b], chunk, f->keep, f->node, &w) == 0 &&
			um_engine_start(e, copy, n[b], f->have.z + at * CLASSES, f->have.f + at * D, own, &job, &err) ==
				0;
		memset(copy, 0, n[b] * row); /* the caller may overwrite it */
		free(copy);
	}
	right = right && um_engine_wait(e, job, &err) == 0 && equal(net, keep ? f->node : -1, &f->have, &f->want, at);
	if (err.text[0])
		printf("# %s\n", err.text);
	free(maps);
	return right;
}

/* ---- the tests ---- */

static void order(struct fixture *f)
{
	static const size_t sizes[][20] = {
		{ 1 },
		{ 5 },
		{ 6 },
		{ 10 },
		{ 4, 4, 4, 4 },
		{ 5, 5, 5, 5, 5, 3 },
		{ 1, 1, 1, 1, 1, 1, 1 },
		{ 16, 16, 16, 1 },
		{ 3, 7, 1, 12, 5, 2, 2, 9 },
		{ 23, 2, 23 },
	};

	for (int mode = 0; mode < 3; mode++)
		for (int keep = 0; keep < 2; keep++) {
			static const char *const modes[] = { "a CPU", "late delivery", "late delivery and graphs" };
			bool right = true, early = false;
			int most = 0, runs = 0;

			for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
				struct um_engine *e;

				th = real;
				if (mode > 0)
					play(mode == 2);
				gpu.model = f->m;
				gpu.keep = keep ? f->keep : NULL;
				e = engine(f, 5, keep);
				if (!batches(f, e, sizes[i], 5, keep)) {
					printf("# sizes %zu, %zu, ...\n", sizes[i][0], sizes[i][1]);
					right = false;
				}
				early = early || lanes.early;
				most = lanes.most > most ? lanes.most : most;
				runs += gpu.runs;
				um_engine_free(e);
			}
			ok(right && !early && (mode == 0 || most == 2) && (mode == 2) == (runs > 0),
			   "%s%s: the same bytes as one after the other", modes[mode], keep ? ", maps kept" : "");
		}
	th = real;
}

/* Results arrive with the wait for their job, and not before. */
static void jobs(struct fixture *f)
{
	const size_t row = net_node_size(&f->c.net->nodes[0]);
	struct um_engine *e;
	uint64_t job[3];
	struct err err = { 0 };
	bool right;

	play(false);
	e = engine(f, 5, false);
	blank(f);
	right = plain(f->m, f->image, 6, 2, f->keep, f->node, &f->want) == 0;
	for (size_t k = 0; right && k < 2; k++)
		right = um_engine_start(e, f->image + k * 2 * row, 2, f->have.z + k * 2 * CLASSES, NULL, NULL, &job[k],
					&err) == 0;
	ok(right && isnan(f->have.z[0]) && isnan(f->have.z[2 * CLASSES]), "two jobs of one chunk are under way");
	right = right && um_engine_wait(e, job[0], &err) == 0;
	ok(right && memcmp(f->have.z, f->want.z, 2 * CLASSES * sizeof(float)) == 0 && isnan(f->have.z[2 * CLASSES]),
	   "the first is there when it was waited for, the second is not");
	right = right &&
		um_engine_start(e, f->image + 4 * row, 2, f->have.z + 4 * CLASSES, NULL, NULL, &job[2], &err) == 0 &&
		um_engine_wait(e, job[2], &err) == 0;
	ok(right && memcmp(f->have.z, f->want.z, 6 * CLASSES * sizeof(float)) == 0 && !lanes.early,
	   "who waits for the last has all");
	um_engine_free(e);
	ok(lanes.in_work == 0, "nothing is left in work");
	th = real;
}

static void recording(struct fixture *f)
{
	static const size_t few[] = { 4, 4, 0 }, many[] = { 4, 4, 4, 3, 4, 0 }, grows[] = { 2, 2, 2, 4, 4, 4, 4, 2, 0 };
	struct um_engine *e;

	play(true);
	gpu.model = f->m;
	e = engine(f, 5, false);
	ok(batches(f, e, few, 5, false) && gpu.begun == 0, "two batches are not worth a graph");
	um_engine_free(e);

	play(true);
	gpu.model = f->m;
	e = engine(f, 5, false);
	ok(batches(f, e, many, 5, false) && gpu.begun == 1 && gpu.runs == 2,
	   "it is recorded once, after two batches of the size; a shorter one runs without");
	ok(!um_engine_note(e), "and there is nothing to say");
	um_engine_free(e);

	play(true);
	gpu.model = f->m;
	e = engine(f, 5, false);
	ok(batches(f, e, grows, 5, false) && gpu.begun == 2 && gpu.runs == 3, "a larger size gets a graph of its own");
	um_engine_free(e);

	for (int end = 0; end < 2; end++) {
		play(true);
		gpu.model = f->m;
		gpu.fail_begin = !end;
		gpu.fail_end = end;
		e = engine(f, 5, false);
		ok(batches(f, e, many, 5, false) && gpu.begun == 1 && gpu.runs == 0,
		   "if it cannot be %s, it goes on without, and does not try again", end ? "ended" : "begun");
		ok(um_engine_note(e) && strstr(um_engine_note(e), "played"), "and says so");
		um_engine_free(e);
	}
	th = real;
}

static void failure(struct fixture *f)
{
	struct um_engine *e;
	uint64_t job;
	struct err err = { 0 };

	play(false);
	e = engine(f, 4, false);
	lanes.fail_wait = 2; /* for the second chunk, when the fourth is about to be sent */
	ok(um_engine_start(e, f->image, 16, f->have.z, f->have.f, NULL, &job, &err) < 0 &&
		   strcmp(err.text, "played") == 0,
	   "a copy that fails ends the job, with its reason");
	ok(lanes.in_work == 0, "and nothing is in work then");
	lanes.fail_wait = 2;
	ok(um_engine_start(e, f->image, 8, f->have.z, f->have.f, NULL, &job, &err) == 0 &&
		   um_engine_wait(e, job, &err) < 0,
	   "so does one at the end");
	um_engine_free(e);
	th = real;
}

int main(void)
{
	struct fixture f = { 0 };

	if (!set_up(&f)) {
		ok(0, "a network and libtorch");
		return done();
	}
	order(&f);
	jobs(&f);
	recording(&f);
	failure(&f);
	release(&f.want);
	release(&f.have);
	um_torch_free(f.m);
	free(f.image);
	free(f.keep);
	net_checkpoint_release(&f.c);
	return done();
}
