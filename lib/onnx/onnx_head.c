/* SPDX-License-Identifier: MIT
 * Finds the linear layer before an output. */
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

/* The node that computes a value; NULL: none does. */
static const struct onnx_node *maker(const struct onnx *g, struct onnx_span name)
{
	for (size_t i = g->n_nodes; i-- > 0;)
		if (onnx_same(g->nodes[i].out, name))
			return &g->nodes[i];
	return NULL;
}

struct onnx_field onnx_attribute(const struct onnx_node *node, const char *name, unsigned number)
{
	struct onnx_span s = node->all;
	struct onnx_field f, a;

	while (onnx_next(&s, &f) == 1) {
		struct onnx_field found = { 0 };
		bool named = false;

		if (f.number != ONNX_NODE_ATTRIBUTE || f.wire != ONNX_BYTES)
			continue;
		while (onnx_next(&f.bytes, &a) == 1) {
			named = named || (a.number == ONNX_ATTRIBUTE_NAME && onnx_is(a.bytes, name));
			if (a.number == number)
				found = a;
		}
		if (named)
			return found;
	}
	return (struct onnx_field){ 0 };
}

static float float_attribute(const struct onnx_node *node, const char *name, float by_default)
{
	const struct onnx_field f = onnx_attribute(node, name, ONNX_ATTRIBUTE_FLOAT);
	const uint32_t bits = (uint32_t)f.value;
	float v;

	if (!f.number)
		return by_default;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static bool flag(const struct onnx_node *node, const char *name)
{
	return onnx_attribute(node, name, ONNX_ATTRIBUTE_INT).value != 0;
}

struct onnx_span onnx_constant(const struct onnx *g, struct onnx_span name)
{
	const struct onnx_node *node;

	for (int steps = 0; steps < 8; steps++) {
		for (size_t i = 0; i < g->n_tensors; i++)
			if (onnx_same(g->tensors[i].name, name))
				return g->tensors[i].all;
		node = maker(g, name);
		if (node && onnx_is(node->op, "Constant"))
			return onnx_attribute(node, "value", ONNX_ATTRIBUTE_TENSOR).bytes;
		if (!node || !onnx_is(node->op, "Identity"))
			break;
		name = node->in[0];
	}
	return (struct onnx_span){ 0 };
}

/* Dimensions one by one, or all in one field of bytes. */
static int add_dims(const struct onnx_field *f, size_t dim[2], int *ndim)
{
	struct onnx_span s = f->bytes;
	uint64_t v = f->value;

	do {
		if (f->wire == ONNX_BYTES && onnx_varint(&s, &v) < 0)
			return -1;
		if (*ndim == 2 || v == 0 || v > INT32_MAX)
			return -1;
		dim[(*ndim)++] = (size_t)v;
	} while (s.n);
	return 0;
}

/* The floats of a constant of one or two dimensions: little-endian, as raw bytes or as a packed field. NULL: it is not
 * like that. The caller frees it. */
static float *floats(struct onnx_span tensor, size_t dim[2], int *ndim, struct err *err)
{
	struct onnx_span s = tensor, data = { 0 };
	struct onnx_field f;
	uint64_t type = 0;
	float *v = NULL;

	*ndim = 0;
	while (onnx_next(&s, &f) == 1) {
		if (f.number == ONNX_TENSOR_DIMS && add_dims(&f, dim, ndim) < 0)
			return NULL;
		if (f.number == ONNX_TENSOR_TYPE)
			type = f.value;
		if ((f.number == ONNX_TENSOR_FLOATS || f.number == ONNX_TENSOR_RAW) && f.wire == ONNX_BYTES)
			data = f.bytes;
	}
	if (type != ONNX_FLOAT || *ndim == 0 || data.n % sizeof *v ||
	    data.n / sizeof *v != dim[0] * (*ndim == 2 ? dim[1] : 1))
		return NULL;
	v = malloc(data.n);
	if (v)
		memcpy(v, data.at, data.n);
	else
		err_memory(err);
	return v;
}

/* (a,b) to (b,a). */
static int transpose(float **v, size_t a, size_t b, struct err *err)
{
	float *t = malloc(a * b * sizeof *t);

	if (!t)
		return err_memory(err);
	for (size_t i = 0; i < a; i++)
		for (size_t k = 0; k < b; k++)
			t[k * a + i] = (*v)[i * b + k];
	free(*v);
	*v = t;
	return 0;
}

/* The parts of y = alpha x W + beta b. */
struct linear {
	struct onnx_span in, weight, bias; /* bias.n 0: none */
	bool transposed;                   /* W is (classes,dim) */
	float alpha, beta;
};

/* Takes a layer of this form. If its numbers are not constants of floats, there is no head. */
static int take_layer(const struct onnx *g, const struct linear *l, struct onnx_head *head, struct err *err)
{
	size_t dim[2], bias_dim[2] = { 0 };
	int ndim, bias_ndim;

	err->memory = false;
	head->weight = floats(onnx_constant(g, l->weight), dim, &ndim, err);
	if (!head->weight || ndim != 2) {
		head->why = "a linear layer whose weight is not a constant of floats";
		return err->memory ? -1 : 0;
	}
	head->classes = dim[l->transposed ? 0 : 1];
	head->dim = dim[l->transposed ? 1 : 0];
	if (!l->transposed && transpose(&head->weight, dim[0], dim[1], err) < 0)
		return -1;
	if (l->bias.n) {
		head->bias = floats(onnx_constant(g, l->bias), bias_dim, &bias_ndim, err);
		if (!head->bias || bias_dim[bias_ndim - 1] != head->classes || (bias_ndim == 2 && bias_dim[0] != 1)) {
			head->why = "a linear layer whose bias is not a constant of floats, one per class";
			return err->memory ? -1 : 0;
		}
	} else if (!(head->bias = calloc(head->classes, sizeof *head->bias))) {
		return err_memory(err);
	}
	for (size_t i = 0; i < head->classes * head->dim; i++)
		head->weight[i] *= l->alpha;
	for (size_t i = 0; i < head->classes; i++)
		head->bias[i] *= l->beta;
	head->feature = l->in;
	return 0;
}

/* Is the node a Gemm, a MatMul, or an Add of a MatMul and a constant? */
static bool as_layer(const struct onnx *g, const struct onnx_node *node, struct linear *l)
{
	*l = (struct linear){ .alpha = 1, .beta = 1 };
	if (onnx_is(node->op, "Gemm")) {
		l->in = node->in[0];
		l->weight = node->in[1];
		l->bias = node->in[2];
		l->transposed = flag(node, "transB");
		l->alpha = float_attribute(node, "alpha", 1);
		l->beta = float_attribute(node, "beta", 1);
		return !flag(node, "transA");
	}
	for (int side = 0; onnx_is(node->op, "Add") && side < 2; side++) {
		const struct onnx_node *product = maker(g, node->in[side]);

		if (!product || !onnx_is(product->op, "MatMul") || !onnx_constant(g, node->in[1 - side]).n)
			continue;
		l->bias = node->in[1 - side];
		node = product;
		break;
	}
	l->in = node->in[0];
	l->weight = node->in[1];
	return onnx_is(node->op, "MatMul");
}

int onnx_find_head(const struct onnx *g, struct onnx_span output, struct onnx_head *head, struct err *err)
{
	const struct onnx_node *node = maker(g, output);
	struct linear l;
	int rc = 0;

	*head = (struct onnx_head){ .logits = output };
	for (int steps = 0; node && steps < 8; steps++) {
		if (onnx_is(node->op, "Softmax") || onnx_is(node->op, "LogSoftmax"))
			head->softmax = true;
		else if (!onnx_is(node->op, "Identity"))
			break;
		head->logits = node->in[0];
		node = maker(g, head->logits);
	}
	if (!node || !as_layer(g, node, &l))
		head->why = "no linear layer";
	else
		rc = take_layer(g, &l, head, err);
	if (rc < 0 || head->why) {
		free(head->weight);
		free(head->bias);
		head->weight = head->bias = NULL;
		head->classes = head->dim = 0;
	}
	return rc;
}

void onnx_head_release(struct onnx_head *head)
{
	free(head->weight);
	free(head->bias);
	*head = (struct onnx_head){ 0 };
}
