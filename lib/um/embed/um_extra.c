/* SPDX-License-Identifier: MIT
 * The table of methods, and the pass that they share. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_graph.h"
#include "um/embed/um_extra_internal.h"

/* Each is um_extra_NAME in a file of its own. Columns are added in this order. */
#define METHODS(row) \
	row(odin) row(layers) row(perturb) row(against) row(gram) row(rankfeat) row(adascale) row(iodin) row(ensemble) \
		row(extremes) row(passes)
#define DECLARE(name) extern const struct um_extra um_extra_##name;
METHODS(DECLARE)
#define ADDRESS(name) &um_extra_##name,
static const struct um_extra *const methods[] = { METHODS(ADDRESS) };
enum { N_METHODS = sizeof methods / sizeof *methods };

/* The first columns of a features stream. A network without logits, which has no extras, starts with its features. */
enum { LOGITS, FEATURES };

/* A batch in flight. */
struct work {
	const struct ts_batch *out;
	uint64_t row, job;
};

struct um_extras {
	const struct net *net;
	void *state[N_METHODS]; /* NULL: not asked for */
	bool *keep;             /* (n_nodes) whether the node's map is kept */
	bool any, grad;
	double fgsm, dropout;
	bool passes;
	struct um_engine_options engine;
	struct um_engine *e;
	struct um_exec *exec; /* with gradients */
	double std[4];
	float **map;             /* (n_nodes) room for chunk images of the kept maps */
	float *pixels;           /* with gradients: chunk images, after an attack */
	size_t image;            /* the images' column */
	ptrdiff_t label;         /* column of the features; -1: none */
	size_t first[N_METHODS]; /* the first column of each method */
	bool *own;               /* (columns) is this column of the features filled here? */
	struct work work[UM_DEPTH];
	size_t started, finished;
};

/* ---- set-up ---- */

int um_extras_new(struct um_extras **ret, const struct um_extra_options *o, const struct net_checkpoint *c,
		  struct err *err)
{
	const size_t N = (size_t)c->net->n_nodes;
	struct um_extras *e;
	int rc;

	*ret = NULL;
	if (c->net->n_stages == 0 && (o->layers || o->perturb || o->gram || o->rankfeat))
		return err_fail(err,
				"architecture %s has no feature list, so --layers, --perturb, --gram "
				"and --rankfeat do not apply",
				c->net->spec);
	e = calloc(1, sizeof *e);
	if (!e)
		return err_memory(err);
	e->net = c->net;
	e->fgsm = o->fgsm;
	e->dropout = o->dropout;
	e->passes = o->passes > 0;
	e->any = e->grad = o->fgsm > 0;
	e->keep = calloc(N, sizeof *e->keep);
	e->map = calloc(N, sizeof *e->map);
	rc = e->keep && e->map ? 0 : err_memory(err);
	for (size_t i = 0; i < N_METHODS && rc == 0; i++) {
		rc = methods[i]->init(&e->state[i], o, c, e->keep, err);
		e->any = e->any || e->state[i];
		e->grad = e->grad || (e->state[i] && methods[i]->grad);
	}
	if (rc == 0)
		*ret = e;
	else
		um_extras_free(e);
	return rc;
}

void um_extras_free(struct um_extras *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < N_METHODS; i++)
		if (e->state[i])
			methods[i]->free(e->state[i]);
	for (int i = 0; e->map && i < e->net->n_nodes; i++)
		free(e->map[i]);
	um_engine_free(e->e);
	um_exec_free(e->exec);
	free(e->pixels);
	free(e->own);
	free(e->keep);
	free(e->map);
	free(e);
}

bool um_extras_gradients(const struct um_extras *e)
{
	return e->grad;
}

size_t um_extras_inputs(const struct um_extras *e, const struct ts_header **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < N_METHODS; i++)
		for (size_t k = 0; e->state[i] && methods[i]->input; k++) {
			const struct ts_header *h = methods[i]->input(e->state[i], k);
			if (!h)
				break;
			ret[n++] = h;
		}
	return n;
}

/* Logits and features, then the columns that are passed through. */
static int add_fields(struct ts_header *to, const struct ts_header *images, const struct net *n, struct err *err)
{
	const size_t C = (size_t)n->classes, D = (size_t)n->nodes[n->feature].c;

	if ((C && um_pass_add(to, "logits", 1, &C, err) < 0) || um_pass_add(to, "features", 1, &D, err) < 0)
		return -1;
	for (size_t i = 0; i < images->n_fields; i++) {
		const struct ts_field *f = &images->fields[i];

		if (strcmp(f->name, "image") == 0)
			continue;
		if (ts_header_field(to, f->name))
			return err_fail(err, "has a field '%s' that um-embed writes itself", f->name);
		if (ts_header_add(to, f->name, f->type, f->ndim, f->shape) < 0)
			return err_memory(err);
	}
	return 0;
}

static int add_last_layer(struct ts_meta *m, const struct net_checkpoint *c)
{
	struct ts_tensor weight, bias;
	int rc;

	if (!net_has_last_layer(c->net))
		return 0;
	if (net_last_layer(c, &weight, &bias) < 0)
		return -1;
	rc = ts_meta_set_tensor(m, "fc.weight", &weight) < 0 || ts_meta_set_tensor(m, "fc.bias", &bias) < 0 ? -1 : 0;
	ts_tensor_release(&weight);
	ts_tensor_release(&bias);
	return rc;
}

/* The images' meta, and what scores need to know about the model. */
static int add_meta(struct ts_meta *m, const struct ts_meta *images, const struct net_checkpoint *c, struct err *err)
{
	char id[17];

	if (net_identity(c, id) < 0 || ts_meta_merge(m, images) < 0 || ts_meta_set_str(m, "arch", c->net->spec) < 0 ||
	    ts_meta_set_str(m, "model", id) < 0 || add_last_layer(m, c) < 0 ||
	    (c->classes && ts_meta_set_strs(m, "classes", c->classes, c->n_classes) < 0))
		return err_memory(err);
	return 0;
}

int um_extras_header(struct um_extras *e, struct ts_header *to, const struct ts_header *images,
		     const struct net_checkpoint *c, struct err *err)
{
	if (add_fields(to, images, c->net, err) < 0 || add_meta(&to->meta, &images->meta, c, err) < 0)
		return -1;
	if (e->fgsm > 0 && ts_meta_set_double(&to->meta, "fgsm.eps", e->fgsm) < 0)
		return err_memory(err);
	for (size_t i = 0; i < N_METHODS; i++) {
		e->first[i] = to->n_fields;
		if (e->state[i] && methods[i]->columns(e->state[i], e->net, to, err) < 0)
			return -1;
	}
	e->label = ts_header_col(to, "label");
	e->image = (size_t)ts_header_col(images, "image");
	e->own = calloc(to->n_fields, sizeof *e->own);
	for (size_t k = 0; e->own && k < to->n_fields; k++)
		e->own[k] = !ts_header_field(images, to->fields[k].name);
	return e->own ? 0 : err_memory(err);
}

/* The network with gradients of the pixels, with c's values. */
static int open_gradients(struct um_extras *e, const struct net_checkpoint *c, size_t chunk, struct err *err)
{
	const struct um_exec_options how = { .torch = e->engine.torch,
					     .device = e->engine.device,
					     .threads = e->engine.threads,
					     .batch = chunk,
					     .dropout = e->passes ? e->dropout : 0,
					     .pixels = true,
					     .fixed = true,
					     .floats = true };

	if (e->engine.precision == UM_BF16)
		return err_fail(err, "precision bf16 is for the forward pass alone, not for gradients");
	if (e->passes && e->engine.torch)
		return err_fail(err, "--passes is for unmask's own kernels on the CPU: libtorch would drop other "
				     "numbers from each image");
	if (!(e->pixels = malloc(chunk * net_node_size(&e->net->nodes[0]) * sizeof *e->pixels)))
		return err_memory(err);
	memcpy(e->std, c->std, sizeof e->std);
	if (um_exec_new(&e->exec, c, &how, err) < 0)
		return -1;
	um_exec_set(e->exec, &c->state);
	return 0;
}

int um_extras_open(struct um_extras *e, struct net_checkpoint *c_take, const struct um_engine_options *engine,
		   struct err *err)
{
	const struct net *n = e->net;
	struct um_engine_options own;

	e->engine = *engine;
	e->engine.chunk = e->grad && !engine->chunk ? 16 : um_engine_chunk(engine, n);
	e->engine.floats = e->fgsm > 0;
	e->engine.graph = false; /* um_extras_note() knows only the engine of the pass itself */
	for (int i = 0; i < n->n_nodes; i++)
		if (e->keep[i] && !(e->map[i] = malloc(e->engine.chunk * net_node_size(&n->nodes[i]) * sizeof(float))))
			return err_memory(err);
	if (um_engine_check(&e->engine, err) < 0 || (e->grad && open_gradients(e, c_take, e->engine.chunk, err) < 0))
		return -1;
	own = e->engine;
	own.keep = e->any ? e->keep : NULL;
	own.take = own.unchecked = true; /* check() looks at them */
	own.graph = engine->graph;
	return um_engine_new(&e->e, c_take, &own, err);
}

/* ---- the pass ---- */

static int run_methods(void *data, struct um_pass *p, struct err *err)
{
	struct um_extras *e = data;
	int rc = 0;

	for (size_t i = 0; i < N_METHODS && rc == 0; i++) {
		p->first = e->first[i];
		if (e->state[i])
			rc = methods[i]->run(e->state[i], p, err);
	}
	return rc;
}

/* p's image as floats, after the attack if there is one. */
static int make_pixels(struct um_extras *e, struct um_pass *p, uint64_t row, struct err *err)
{
	const uint8_t *bytes = p->image;

	for (size_t i = 0; i < p->n * net_node_size(&e->net->nodes[0]); i++)
		e->pixels[i] = bytes[i];
	p->exec = e->exec;
	p->pixels = e->pixels;
	p->std = e->std;
	if (e->fgsm <= 0)
		return 0;
	p->image = e->pixels;
	return um_pass_attack(p, e->fgsm, row + p->at, e->pixels, err);
}

static int run_pass(struct um_extras *e, struct um_pass *p, uint64_t row, struct err *err)
{
	p->logits = um_pass_column(p, LOGITS); /* no method is running: these columns belong to all */
	p->features = um_pass_column(p, FEATURES);
	p->label = e->label >= 0 ? (const int64_t *)p->out->cols[e->label].data + p->at : NULL;
	p->map = e->map;
	p->engine = &e->engine;
	if ((e->grad && make_pixels(e, p, row, err) < 0) ||
	    um_engine_run(e->e, p->image, p->n, p->logits, p->features, e->map, err) < 0)
		return -1;
	return run_methods(e, p, err);
}

/* Checks that what was computed is finite. */
static int check(const struct um_extras *e, const struct ts_batch *out, uint64_t row, struct err *err)
{
	for (size_t k = 0; k < out->n_cols; k++) {
		const struct ts_col *c = &out->cols[k];
		const float *v = c->data;

		for (size_t i = 0; e->own[k] && i < out->n * (c->row / sizeof *v); i++)
			if (!isfinite(v[i]))
				return err_fail(err, "the model's output '%s' is not finite for row %" PRIu64, c->name,
						row + i / (c->row / sizeof *v));
	}
	return 0;
}

int um_extras_depth(const struct um_extras *e)
{
	return e->e && !e->any && um_engine_overlaps(e->e) ? UM_DEPTH : 1;
}

int um_extras_start(struct um_extras *e, const struct ts_batch *in, uint64_t row, struct ts_batch *out, struct err *err)
{
	const size_t chunk = e->engine.chunk, size = net_node_size(&e->net->nodes[0]);
	const bool logits = e->net->classes > 0;
	const uint8_t *image = in->cols[e->image].data;
	struct work *w = &e->work[e->started++ % UM_DEPTH];

	*w = (struct work){ .out = out, .row = row };
	if (!e->any)
		return um_engine_start(e->e, image, in->n, logits ? out->cols[LOGITS].data : NULL,
				       out->cols[logits ? FEATURES : 0].data, NULL, &w->job, err);
	for (size_t i = 0; i < in->n; i += chunk) {
		struct um_pass p = { .net = e->net,
				     .n = in->n - i < chunk ? in->n - i : chunk,
				     .at = i,
				     .image = image + i * size,
				     .out = out };

		if (run_pass(e, &p, row, err) < 0)
			return -1;
	}
	return 0;
}

int um_extras_finish(struct um_extras *e, struct err *err)
{
	const struct work *w = &e->work[e->finished++ % UM_DEPTH];

	if (e->e && um_engine_wait(e->e, w->job, err) < 0)
		return -1;
	return check(e, w->out, w->row, err);
}

const char *um_extras_note(const struct um_extras *e)
{
	return e->e ? um_engine_note(e->e) : NULL;
}
