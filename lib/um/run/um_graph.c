/* SPDX-License-Identifier: MIT
 * Images through an ONNX graph. */
#include <stdlib.h>
#include <string.h>

#include "ort/ort.h"
#include "um/run/um_graph.h"

enum { FEATURES, LOGITS, VALUES }; /* the values wanted, in this order */

struct um_graph {
	struct ort *ort;
	struct net_graph_input in;
	int c, h, w;
	size_t chunk; /* images that go in at a time: in.n, if the graph fixes it */
	size_t n;     /* values that are wanted */
	char *name[VALUES];
	size_t size[VALUES];      /* numbers per image */
	float scale[4], shift[4]; /* pixels to normalised input */
	void *input;              /* chunk images as the graph takes them */
};

void um_graph_free(struct um_graph *g)
{
	if (!g)
		return;
	ort_close(g->ort);
	for (size_t i = 0; i < VALUES; i++)
		free(g->name[i]);
	free(g->in.name);
	free(g->input);
	free(g);
}

/* Lists the values that are not outputs yet. */
static size_t missing_outputs(const struct um_graph *g, const struct onnx *o, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		bool there = false;

		for (size_t k = 0; k < o->n_outputs; k++)
			there = there || onnx_is(o->outputs[k].name, g->name[i]);
		for (size_t k = 0; k < n; k++)
			there = there || strcmp(names[k], g->name[i]) == 0;
		if (!there)
			names[n++] = g->name[i];
	}
	return n;
}

static int open_session(struct um_graph *g, const void *model, size_t bytes, const char *device, long threads,
			struct err *err)
{
	const char *names[VALUES];
	uint8_t *more = NULL;
	struct onnx o;
	size_t n;
	int rc;

	if (onnx_read(&o, model, bytes, err) < 0)
		return -1;
	rc = net_graph_input(&g->in, &o, err);
	n = missing_outputs(g, &o, names);
	onnx_release(&o);
	if (rc == 0 && n > 0 && !(more = onnx_with_outputs(model, bytes, names, n, &bytes)))
		rc = err_memory(err);
	if (rc == 0)
		rc = ort_open(&g->ort, more ? more : model, bytes, device, threads, err);
	free(more);
	return rc;
}

/* Opens a graph that gives these values; the caller sets their sizes. */
static int open_graph(struct um_graph **ret, const struct net *net, const void *model, size_t bytes,
		      const char *const *names, size_t n, const struct um_engine_options *o, struct err *err)
{
	struct um_graph *g = calloc(1, sizeof *g);
	int rc = g ? 0 : err_memory(err);

	*ret = NULL;
	for (size_t i = 0; rc == 0 && i < n; i++, g->n++)
		if (!(g->name[i] = strdup(names[i])))
			rc = err_memory(err);
	if (rc == 0)
		rc = open_session(g, model, bytes, o->device ? o->device : "cpu", o->threads, err);
	if (rc == 0) {
		g->c = net->c;
		g->h = net->h;
		g->w = net->w;
		g->chunk = g->in.n ? (size_t)g->in.n : o->chunk;
		g->input = calloc(g->chunk,
				  net_node_size(&net->nodes[0]) * (g->in.type == ONNX_FLOAT ? sizeof(float) : 1));
		if (!g->input)
			rc = err_memory(err);
	}
	if (rc == 0)
		*ret = g;
	else
		um_graph_free(g);
	return rc;
}

/* Refuses options that a graph does not support. */
static int check_options(const struct um_engine_options *o, const struct net *net, struct err *err)
{
	if (o->precision != UM_F32)
		return err_fail(err, "--precision is not for an ONNX graph, whose numbers are as it was exported");
	if (o->torch && (!o->device || strcmp(o->device, "cpu") == 0))
		return err_fail(err, "--engine torch cannot run an ONNX graph: ONNX Runtime does, without --engine");
	if (o->floats || o->from > 0)
		return err_fail(err, "an ONNX graph takes the bytes of images alone");
	for (int i = 0; o->keep && i < net->n_nodes; i++)
		if (o->keep[i])
			return err_fail(err, "an ONNX graph hands out no maps");
	return 0;
}

int um_graph_new(struct um_graph **ret, const struct net_checkpoint *c, const struct um_engine_options *o,
		 struct err *err)
{
	const struct ts_tensor *model = ts_set_get(&c->extra, NET_GRAPH_MODEL);
	const struct ts_meta *m = &c->header.meta;
	const struct net *net = c->net;
	char *names[VALUES] = { NULL };
	int rc;

	*ret = NULL;
	if (check_options(o, net, err) < 0)
		return -1;
	if (ts_meta_get_str(m, NET_GRAPH_FEATURES, &names[FEATURES]) != 1 ||
	    (net->classes && ts_meta_get_str(m, NET_GRAPH_LOGITS, &names[LOGITS]) != 1)) /* they are there */
		rc = err_memory(err);
	else
		rc = open_graph(ret, net, model->data, ts_tensor_bytes(model), (const char *const *)names,
				net->classes ? 2 : 1, o, err);
	if (rc == 0) {
		(*ret)->size[FEATURES] = (size_t)net->nodes[net->feature].c;
		(*ret)->size[LOGITS] = (size_t)net->classes;
	}
	for (int i = 0; rc == 0 && i < net->c; i++) {
		(*ret)->scale[i] = (float)(1 / (255 * c->std[i]));
		(*ret)->shift[i] = (float)(-c->mean[i] / c->std[i]);
	}
	for (size_t i = 0; i < VALUES; i++)
		free(names[i]);
	return rc;
}

/* Writes n images |u1 (n,c,h,w) to the input: (n,c,h,w) or (n,h,w,c), normalised if it is floats. */
static void put_images(struct um_graph *g, const uint8_t *image, size_t n)
{
	const size_t C = (size_t)g->c, P = (size_t)g->h * (size_t)g->w;

	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < C; c++, image += P) {
			const size_t step = g->in.last ? C : 1, first = i * C * P + (g->in.last ? c : c * P);

			for (size_t k = 0; k < P; k++) {
				if (g->in.type == ONNX_FLOAT)
					((float *)g->input)[first + k * step] =
						(float)image[k] * g->scale[c] + g->shift[c];
				else
					((uint8_t *)g->input)[first + k * step] = image[k];
			}
		}
}

/* Runs the first n images of input. */
static int run(struct um_graph *g, size_t n, struct ort_tensor *out, struct err *err)
{
	struct ort_tensor in = { .name = g->in.name, .type = g->in.type, .ndim = 4, .data = g->input };
	const int64_t first[4] = { (int64_t)n, g->c, g->h, g->w }, last[4] = { (int64_t)n, g->h, g->w, g->c };

	memcpy(in.dim, g->in.last ? last : first, sizeof first);
	for (size_t i = 0; i < g->n; i++)
		out[i] = (struct ort_tensor){ .name = g->name[i] };
	if (ort_run(g->ort, &in, out, g->n, err) < 0)
		return n == 1 ? -1 :
				err_append(err, "; a graph that was exported with one image may take no more: export "
						"it with two, or --batch-size 1");
	return 0;
}

/* Numbers per image in an output of n images. Fails unless at most one of its dimensions after the first differs from
 * 1. */
static int row_size(const struct ort_tensor *t, size_t n, size_t *size, struct err *err)
{
	int wide = 0;

	*size = 1;
	for (int i = 1; i < t->ndim; i++) {
		*size *= (size_t)t->dim[i];
		wide += t->dim[i] != 1;
	}
	if (t->type != ONNX_FLOAT)
		return err_fail(err, "'" ERR_NAME "' of the graph has numbers of type %s, not float", t->name,
				onnx_type_name(t->type));
	if (t->ndim > 1 && wide <= 1 && t->dim[0] == (int64_t)n && *size)
		return 0;
	err_fail(err, "'" ERR_NAME "' of the graph has the shape (", t->name);
	for (int i = 0; i < t->ndim; i++)
		err_append(err, "%s%lld", i ? "," : "", (long long)t->dim[i]);
	return err_append(err, ") for %zu images where each has one row of numbers; a value behind the pooling has it",
			  n);
}

static int copy_out(const struct um_graph *g, const struct ort_tensor *out, size_t n, size_t run_n, float *const *to,
		    struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		size_t size;

		if (row_size(&out[i], run_n, &size, err) < 0)
			return -1;
		if (size != g->size[i])
			return err_fail(err, "'" ERR_NAME "' of the graph gave %zu numbers per image, not %zu",
					out[i].name, size, g->size[i]);
		if (to[i])
			memcpy(to[i], out[i].data, n * size * sizeof(float));
	}
	return 0;
}

int um_graph_run(struct um_graph *g, const void *input, size_t n, float *logits, float *features, struct err *err)
{
	const size_t row = (size_t)g->c * (size_t)g->h * (size_t)g->w;
	struct ort_tensor out[VALUES];
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += g->chunk) {
		const size_t some = n - i < g->chunk ? n - i : g->chunk;
		/* if the graph takes exactly `chunk` images, the rest is left over from the run before */
		const size_t run_n = g->in.n ? g->chunk : some;
		float *to[VALUES] = { features ? features + i * g->size[FEATURES] : NULL,
				      logits ? logits + i * g->size[LOGITS] : NULL };

		put_images(g, (const uint8_t *)input + i * row, some);
		rc = run(g, run_n, out, err);
		if (rc == 0)
			rc = copy_out(g, out, some, run_n, to, err);
		ort_release(out, g->n);
	}
	return rc;
}

int um_graph_sizes(const struct net *n, const void *model, size_t bytes, const char *const *names, size_t n_names,
		   size_t *sizes, struct err *err)
{
	const struct um_engine_options o = { .threads = 1, .chunk = 1 };
	struct ort_tensor out[VALUES];
	struct um_graph *g;
	int rc;

	if (open_graph(&g, n, model, bytes, names, n_names, &o, err) < 0)
		return -1;
	rc = run(g, g->chunk, out, err);
	for (size_t i = 0; rc == 0 && i < n_names; i++)
		rc = row_size(&out[i], g->chunk, &sizes[i], err);
	ort_release(out, g->n);
	um_graph_free(g);
	return rc;
}
