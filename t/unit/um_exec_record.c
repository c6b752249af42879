/* SPDX-License-Identifier: MIT
 * Training through libtorch on a device that delivers as late as it may, and plays graphs: each step gives the bytes
 * that it gives on a CPU; nothing is read before it has arrived or changed before it has been sent; what cannot be
 * recorded goes on without, and says so. In bfloat16 gradients are near those of floats, and values stay floats. */
#include "../tap.h"
#include "nn_nets.h"
/* The played graphs run the executor's own network. */
#include "um/run/um_exec_torch.c"
#include "um_lanes.h"

enum { CLASSES = 7, MOST = 8 };

/* ---- graphs that are played, beside the lanes ---- */

static struct um_exec_torch *exec; /* the one whose graphs are played */
static struct {
	bool with_graphs;
	int begun, fail_begin, fail_end; /* recordings begun; which of them fails, from 1 */
	int runs[2];                     /* of the forward graph, of the way back */
	float *before;                   /* the device's values when a recording began */
	struct th_scope *s;              /* of a forward graph that ran */
	struct th_tensor *z;
	struct th_graph *forward;
} gpu;
static char graphs_of[2];

static bool graphs(void)
{
	return gpu.with_graphs;
}

/* What is recorded is not run: the statistics that it moves are put back at the end. */
static struct th_graph *graph_begin(const struct th_graph *after)
{
	const int k = after != NULL;

	lanes.early |= after && after != gpu.forward;
	if (++gpu.begun == gpu.fail_begin)
		return NULL;
	lanes.recording = true;
	memcpy(gpu.before, real->lane_input(exec->values), exec->n_values * sizeof(float));
	if (!after)
		gpu.forward = (struct th_graph *)&graphs_of[0];
	return (struct th_graph *)&graphs_of[k];
}

static int graph_end(struct th_graph *g)
{
	(void)g;
	lanes.recording = false;
	memcpy(real->lane_input(exec->values), gpu.before, exec->n_values * sizeof(float));
	return gpu.begun == gpu.fail_end ? -1 : 0;
}

static int graph_run(struct th_graph *g)
{
	const int k = g == (struct th_graph *)&graphs_of[1];
	struct th_scope *s;
	int rc;

	gpu.runs[k]++;
	if (k) {
		rc = real->backward(gpu.s, 1, &gpu.z, &exec->record.dz);
		rc |= real->scope_end(gpu.s);
		gpu.s = NULL;
		return rc;
	}
	if (gpu.s)
		(void)real->scope_end(gpu.s); /* the way back was not taken */
	gpu.s = real->scope_begin(true);
	gpu.z = network(gpu.s, exec, exec->record.in);
	s = real->scope_begin(false);
	(void)real->assign(s, exec->record.z, gpu.z);
	return real->scope_end(s);
}

static void graph_free(struct th_graph *g)
{
	(void)g;
}

static void play(bool with_graphs)
{
	memset(&gpu, 0, sizeof gpu);
	gpu.with_graphs = with_graphs;
	lanes_play(false);
	lanes.api.graphs = graphs;
	lanes.api.graph_begin = graph_begin;
	lanes.api.graph_end = graph_end;
	lanes.api.graph_run = graph_run;
	lanes.api.graph_free = graph_free;
}

/* ---- a training ---- */

/* What is done with a batch. */
enum kind { STEP, APART, FEATURES, LOOK };
/* APART: a second pass whose gradients are added. FEATURES: goes back from features, too. LOOK: evaluation. */
static const struct {
	size_t n;
	enum kind kind;
} plan[] = { { 8, STEP }, { 8, STEP },  { 8, STEP }, { 8, LOOK }, { 8, STEP },     { 5, STEP }, { 3, LOOK },
	     { 8, STEP }, { 8, APART }, { 8, STEP }, { 8, STEP }, { 8, FEATURES }, { 8, STEP }, { 4, STEP } };
enum { STEPS = sizeof plan / sizeof *plan };

struct trained {
	float *z, *value, *gradient; /* (STEPS,MOST,C); after the last step */
	size_t n_values;
};

static void forget(struct trained *t)
{
	free(t->z);
	free(t->value);
	free(t->gradient);
}

static int step(struct um_exec_torch *e, int k, const uint8_t *x, const float *dz, const float *df, float *z)
{
	const size_t n = plan[k].n, D = (size_t)e->net->nodes[e->net->feature].c;
	const enum kind kind = plan[k].kind;
	float *f = calloc(n * D, sizeof *f);
	struct err err = { 0 };
	int rc;

	if (kind == LOOK)
		rc = um_exec_torch_forward(e, x, n, UM_EVALUATION, 1, false, z, f, &err);
	else
		rc = um_exec_torch_forward(e, x, n, UM_TRAINING, 1, true, z, kind == FEATURES ? f : NULL, &err);
	if (rc == 0 && kind != LOOK)
		rc = um_exec_torch_backward(e, dz, kind == FEATURES ? df : NULL, NULL, false, &err);
	if (rc == 0 && kind == APART) {
		e->gradient[0] *= 0.5F; /* the host may change what is added to */
		rc = um_exec_torch_forward(e, x, n, UM_TRAINING_STILL, 2, true, z, NULL, &err);
		if (rc == 0)
			rc = um_exec_torch_backward(e, dz, NULL, NULL, true, &err);
	}
	for (size_t i = 0; rc == 0 && kind != LOOK && i < e->n_trained; i++)
		e->value[i] -= 0.01F * e->gradient[i];
	if (rc < 0)
		printf("# step %d: %s\n", k, err.text);
	free(f);
	return rc;
}

static int train(struct trained *t, const struct net_checkpoint *c, long precision, int steps, char *note)
{
	const struct um_exec_options o = { .torch = true, .threads = 1, .batch = MOST, .precision = precision };
	const size_t row = net_node_size(&c->net->nodes[0]);
	uint8_t *x = nn_random_images(c->net, MOST * STEPS, 4);
	float dz[MOST * CLASSES], df[MOST * 1024];
	struct ts_rng rng = ts_rng_new(5, 3);
	struct um_exec_torch *e = NULL;
	struct err err = { 0 };
	int rc = um_exec_torch_new(&e, c, &o, &err);

	for (size_t i = 0; i < MOST * CLASSES; i++)
		dz[i] = (float)ts_rng_normal(&rng) / MOST;
	for (size_t i = 0; i < MOST * 1024; i++)
		df[i] = (float)ts_rng_normal(&rng) / MOST;
	*t = (struct trained){ .z = calloc(STEPS * MOST * CLASSES, sizeof(float)) };
	exec = e;
	if (rc == 0) {
		gpu.before = calloc(e->n_values, sizeof(float));
		for (int i = 0; i < c->net->n_params; i++)
			if (um_exec_torch_value(e, i))
				memcpy(um_exec_torch_value(e, i), c->state.t[i].data, ts_tensor_bytes(&c->state.t[i]));
		for (int k = 0; k < steps && rc == 0; k++)
			rc = step(e, k, x + (size_t)k * MOST * row, dz, df, t->z + k * MOST * CLASSES);
		t->n_values = e->n_values;
		t->value = malloc(e->n_values * sizeof(float));
		t->gradient = malloc(e->n_trained * sizeof(float));
		memcpy(t->value, e->value, e->n_values * sizeof(float));
		memcpy(t->gradient, e->gradient, e->n_trained * sizeof(float));
		snprintf(note, 600, "%s", um_exec_torch_note(e) ? um_exec_torch_note(e) : "");
		if (gpu.s)
			(void)real->scope_end(gpu.s);
		gpu.s = NULL;
		free(gpu.before);
	} else {
		printf("# %s\n", err.text);
	}
	um_exec_torch_free(e);
	free(x);
	return rc;
}

static bool same(const struct trained *a, const struct trained *b)
{
	return memcmp(a->z, b->z, STEPS * MOST * CLASSES * sizeof(float)) == 0 &&
	       memcmp(a->value, b->value, a->n_values * sizeof(float)) == 0;
}

int main(void)
{
	static const struct nn_case small = { "densenet:depth=10,growth=4", 3, 12, 12 };
	struct net_checkpoint c;
	struct trained want, have, floats;
	char note[600];
	struct err err;

	if (um_torch_open("cpu", 1, &err) < 0) {
		printf("1..0 # SKIP %s\n", err.text);
		return 0;
	}
	real = th;
	ok(nn_random(&c, &small, CLASSES, 8) == 0 && train(&want, &c, UM_F32, STEPS, note) == 0 && !*note,
	   "a training on a CPU");
	play(false);
	ok(train(&have, &c, UM_F32, STEPS, note) == 0 && same(&have, &want), "late delivery: the same bytes");
	ok(!lanes.early && gpu.begun == 0 && !*note, "nothing is used too early, and nothing recorded");
	forget(&have);
	play(true);
	ok(train(&have, &c, UM_F32, STEPS, note) == 0 && same(&have, &want),
	   "late delivery and graphs: the same bytes");
	ok(!lanes.early && gpu.begun == 2 && !*note, "both are recorded once");
	ok(gpu.runs[0] == 7 && gpu.runs[1] == 7,
	   "after two batches of the size; other sizes, evaluation and gradients of features run without (%d, %d)",
	   gpu.runs[0], gpu.runs[1]);
	forget(&have);
	for (int which = 1; which <= 2; which++)
		for (int at_end = 0; at_end < 2; at_end++) {
			play(true);
			*(at_end ? &gpu.fail_end : &gpu.fail_begin) = which;
			ok(train(&have, &c, UM_F32, STEPS, note) == 0 && same(&have, &want) && !lanes.early,
			   "%s cannot be %s: the same bytes", which == 1 ? "the forward pass" : "the way back",
			   at_end ? "ended" : "begun");
			ok(gpu.begun == which && gpu.runs[0] == which - 1 && gpu.runs[1] == 0 && strstr(note, "played"),
			   "it is not tried again, and said: %s", note);
			forget(&have);
		}
	th = real;
	ok(train(&floats, &c, UM_F32, 1, note) == 0 && train(&have, &c, UM_BF16, 1, note) == 0, "bfloat16");
	{
		const size_t n = have.n_values;
		double d = nn_distance(have.value, floats.value, n), z = nn_distance(have.z, floats.z, MOST * CLASSES);

		ok(z > 1e-5 && z < 3e-2 && d > 0 && d < 1e-2, "logits and values are near those of floats: %.2g, %.2g",
		   z, d);
	}
	forget(&floats);
	forget(&have);
	forget(&want);
	net_checkpoint_release(&c);
	return done();
}
