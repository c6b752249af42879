/* SPDX-License-Identifier: MIT
 * Reads the graph of a file: its lists of inputs, outputs, nodes and constants. */
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

const char *onnx_type_name(int type)
{
	static const char *const names[] = { "unspecified", "float", "uint8", "int8", "uint16",  "int16",
					     "int32",       "int64", "text",  "bool", "float16", "double" };

	return type >= 0 && type < (int)(sizeof names / sizeof *names) ? names[type] : "another type";
}

bool onnx_starts(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	/* ir_version, then another field of a model; a safetensors file whose header has such a length has a '{'
	 * there */
	return n >= 16 && p[0] == 0x08 && p[1] > 0 && p[1] < 0x40 && p[8] != '{' &&
	       (p[2] == 0x12 || p[2] == 0x1a || p[2] == 0x22 || p[2] == 0x28 || p[2] == 0x32 || p[2] == 0x3a ||
		p[2] == 0x42);
}

/* TensorShapeProto: a dimension that is a name, or missing, is free. */
static int read_shape(struct onnx_span s, struct onnx_value *v)
{
	struct onnx_field f, d;
	int rc, in;

	v->ndim = 0;
	while ((rc = onnx_next(&s, &f)) == 1) {
		if (f.number != 1 || f.wire != ONNX_BYTES)
			continue;
		if (v->ndim == ONNX_DIMS)
			return -1;
		v->dim[v->ndim] = ONNX_FREE;
		while ((in = onnx_next(&f.bytes, &d)) == 1)
			if (d.number == 1 && d.wire == ONNX_VARINT && d.value > 0 && d.value <= INT32_MAX)
				v->dim[v->ndim] = (int64_t)d.value;
		if (in < 0)
			return -1;
		v->ndim++;
	}
	return rc;
}

/* TypeProto.Tensor within TypeProto. */
static int read_type(struct onnx_span s, struct onnx_value *v)
{
	struct onnx_field f, t;
	int rc, in;

	while ((rc = onnx_next(&s, &f)) == 1) {
		if (f.number != ONNX_TYPE_TENSOR || f.wire != ONNX_BYTES)
			continue;
		while ((in = onnx_next(&f.bytes, &t)) == 1) {
			if (t.number == ONNX_TENSOR_ELEM && t.wire == ONNX_VARINT)
				v->type = t.value <= INT32_MAX ? (int)t.value : -1;
			if (t.number == ONNX_TENSOR_SHAPE && t.wire == ONNX_BYTES && read_shape(t.bytes, v) < 0)
				return -1;
		}
		if (in < 0)
			return -1;
	}
	return rc;
}

static int read_value(struct onnx_span s, struct onnx_value *v)
{
	struct onnx_field f;
	int rc;

	*v = (struct onnx_value){ .ndim = -1 };
	while ((rc = onnx_next(&s, &f)) == 1) {
		if (f.number == ONNX_VALUE_NAME && f.wire == ONNX_BYTES)
			v->name = f.bytes;
		if (f.number == ONNX_VALUE_TYPE && f.wire == ONNX_BYTES && read_type(f.bytes, v) < 0)
			return -1;
	}
	return rc;
}

static int read_node(struct onnx_span s, struct onnx_node *n)
{
	struct onnx_field f;
	size_t in = 0;
	int rc;

	*n = (struct onnx_node){ .all = s };
	while ((rc = onnx_next(&s, &f)) == 1) {
		if (f.wire != ONNX_BYTES)
			continue;
		if (f.number == ONNX_NODE_IN && in < sizeof n->in / sizeof *n->in)
			n->in[in++] = f.bytes;
		if (f.number == ONNX_NODE_OUT && !n->out.at)
			n->out = f.bytes;
		if (f.number == ONNX_NODE_OP)
			n->op = f.bytes;
	}
	return rc;
}

bool onnx_is_external(struct onnx_span tensor)
{
	struct onnx_field f;

	while (onnx_next(&tensor, &f) == 1)
		if (f.number == ONNX_TENSOR_LOCATION && f.wire == ONNX_VARINT && f.value == 1)
			return true;
	return false;
}

static int read_tensor(struct onnx_span s, struct onnx_tensor *t)
{
	struct onnx_field f;
	int rc;

	*t = (struct onnx_tensor){ .all = s };
	while ((rc = onnx_next(&s, &f)) == 1)
		if (f.number == ONNX_TENSOR_NAME && f.wire == ONNX_BYTES)
			t->name = f.bytes;
	return rc;
}

/* Walks the fields of the graphs in a model; if there are two, their parts are read as one. */
struct walk {
	struct onnx_span model, graph;
};
static int next_of_graph(struct walk *w, struct onnx_field *f)
{
	int rc;

	while ((rc = onnx_next(&w->graph, f)) == 0) {
		do
			rc = onnx_next(&w->model, f);
		while (rc == 1 && (f->number != ONNX_MODEL_GRAPH || f->wire != ONNX_BYTES));
		if (rc != 1)
			return rc;
		w->graph = f->bytes;
	}
	return rc;
}

/* Counts the elements of each list, and allocates them. */
static int allocate(struct onnx *g, struct walk w, struct err *err)
{
	size_t n[16] = { 0 };
	struct onnx_field f;
	int rc;

	while ((rc = next_of_graph(&w, &f)) == 1)
		if (f.number < 16 && f.wire == ONNX_BYTES)
			n[f.number]++;
	if (rc < 0)
		return onnx_damaged(err);
	if (n[ONNX_GRAPH_NODE] == 0)
		return err_fail(err, "has no ONNX graph in it");
	g->inputs = calloc(n[ONNX_GRAPH_INPUT] + 1, sizeof *g->inputs);
	g->outputs = calloc(n[ONNX_GRAPH_OUTPUT] + 1, sizeof *g->outputs);
	g->values = calloc(n[ONNX_GRAPH_VALUE] + 1, sizeof *g->values);
	g->nodes = calloc(n[ONNX_GRAPH_NODE] + 1, sizeof *g->nodes);
	g->tensors = calloc(n[ONNX_GRAPH_TENSOR] + 1, sizeof *g->tensors);
	return g->inputs && g->outputs && g->values && g->nodes && g->tensors ? 0 : err_memory(err);
}

static int read_field(struct onnx *g, const struct onnx_field *f)
{
	if (f->wire != ONNX_BYTES)
		return 0;
	switch (f->number) {
	case ONNX_GRAPH_NODE: return read_node(f->bytes, &g->nodes[g->n_nodes++]);
	case ONNX_GRAPH_INPUT: return read_value(f->bytes, &g->inputs[g->n_inputs++]);
	case ONNX_GRAPH_OUTPUT: return read_value(f->bytes, &g->outputs[g->n_outputs++]);
	case ONNX_GRAPH_VALUE: return read_value(f->bytes, &g->values[g->n_values++]);
	case ONNX_GRAPH_TENSOR:
		g->external = g->external || onnx_is_external(f->bytes);
		return read_tensor(f->bytes, &g->tensors[g->n_tensors++]);
	default: return 0;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct onnx_tensor *x = a, *y = b;
	const size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	const int rc = n ? memcmp(x->name.at, y->name.at, n) : 0;

	return rc ? rc : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

/* Files before IR version 4 list constants among the inputs. */
static void drop_constants(struct onnx *g)
{
	size_t n = 0;

	qsort(g->tensors, g->n_tensors, sizeof *g->tensors, by_name);
	for (size_t i = 0; i < g->n_inputs; i++) {
		const struct onnx_tensor key = { .name = g->inputs[i].name };

		if (!bsearch(&key, g->tensors, g->n_tensors, sizeof *g->tensors, by_name))
			g->inputs[n++] = g->inputs[i];
	}
	g->n_inputs = n;
}

int onnx_read(struct onnx *g, const void *bytes, size_t n, struct err *err)
{
	struct walk w = { .model = { bytes, n } };
	struct onnx_field f;
	int rc;

	*g = (struct onnx){ 0 };
	if (allocate(g, w, err) < 0) {
		onnx_release(g);
		return -1;
	}
	while ((rc = next_of_graph(&w, &f)) == 1 && (rc = read_field(g, &f)) == 0)
		;
	if (rc < 0) {
		onnx_release(g);
		return onnx_damaged(err);
	}
	drop_constants(g);
	return 0;
}

void onnx_release(struct onnx *g)
{
	free(g->inputs);
	free(g->outputs);
	free(g->values);
	free(g->nodes);
	free(g->tensors);
	*g = (struct onnx){ 0 };
}

static const struct onnx_value *find(const struct onnx_value *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (onnx_is(v[i].name, name))
			return &v[i];
	return NULL;
}

const struct onnx_value *onnx_find(const struct onnx *g, const char *name)
{
	const struct onnx_value *v = find(g->outputs, g->n_outputs, name);

	return v ? v : find(g->values, g->n_values, name);
}

bool onnx_makes(const struct onnx *g, const char *name)
{
	for (size_t i = 0; i < g->n_nodes; i++)
		if (onnx_is(g->nodes[i].out, name))
			return true;
	return find(g->outputs, g->n_outputs, name);
}

uint8_t *onnx_with_outputs(const void *bytes, size_t n, const char *const *names, size_t n_names, size_t *ret_n)
{
	struct onnx_bytes all = { 0 }, graph = { 0 };

	for (size_t i = 0; i < n_names; i++) {
		struct onnx_bytes value = { 0 };

		onnx_put_head(&value, ONNX_VALUE_NAME, strlen(names[i]));
		onnx_put(&value, names[i], strlen(names[i]));
		onnx_put_head(&graph, ONNX_GRAPH_OUTPUT, value.n);
		onnx_put(&graph, value.p, value.n);
		graph.failed = graph.failed || value.failed;
		free(value.p);
	}
	onnx_put(&all, bytes, n);
	onnx_put_head(&all, ONNX_MODEL_GRAPH, graph.n);
	onnx_put(&all, graph.p, graph.n);
	if (all.failed || graph.failed) {
		free(all.p);
		all.p = NULL;
	}
	free(graph.p);
	*ret_n = all.n;
	return all.p;
}
