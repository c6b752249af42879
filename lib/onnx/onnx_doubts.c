/* SPDX-License-Identifier: MIT
 * Finds what makes the outputs of a graph depend on more than the image as it is given: chance, a normalisation. */
#include "onnx/onnx_internal.h"

/* Is it a constant that is true: a byte, or a number? */
static bool is_true(const struct onnx *g, struct onnx_span name)
{
	struct onnx_span s = onnx_constant(g, name);
	struct onnx_field f;

	while (onnx_next(&s, &f) == 1) {
		if (f.number == ONNX_TENSOR_RAW && f.wire == ONNX_BYTES && f.bytes.n > 0)
			return f.bytes.at[0] != 0;
		if (f.number == ONNX_TENSOR_INTS)
			return f.wire == ONNX_BYTES ? f.bytes.n > 0 && f.bytes.at[0] != 0 : f.value != 0;
	}
	return false;
}

const struct onnx_node *onnx_find_chance(const struct onnx *g)
{
	static const char *const draws[] = { "RandomNormal",      "RandomNormalLike", "RandomUniform",
					     "RandomUniformLike", "Bernoulli",        "Multinomial" };

	for (size_t i = 0; i < g->n_nodes; i++) {
		const struct onnx_node *n = &g->nodes[i];

		if (onnx_is(n->op, "BatchNormalization") &&
		    onnx_attribute(n, "training_mode", ONNX_ATTRIBUTE_INT).value != 0)
			return n;
		if (onnx_is(n->op, "Dropout") && n->in[2].n && is_true(g, n->in[2]))
			return n;
		for (size_t k = 0; k < sizeof draws / sizeof *draws; k++)
			if (onnx_is(n->op, draws[k]))
				return n;
	}
	return NULL;
}

/* Is the node's type one of these words? NULL ends them. */
static bool is_one_of(const struct onnx_node *n, const char *const *ops)
{
	for (; *ops; ops++)
		if (onnx_is(n->op, *ops))
			return true;
	return false;
}

/* The first node that reads a value for its numbers; NULL: none does. */
static const struct onnx_node *reader(const struct onnx *g, struct onnx_span value)
{
	static const char *const of_shape[] = { "Shape", "Size", NULL };

	for (size_t i = 0; i < g->n_nodes; i++)
		for (int k = 0; k < 2; k++)
			if (onnx_same(g->nodes[i].in[k], value) && !is_one_of(&g->nodes[i], of_shape))
				return &g->nodes[i];
	return NULL;
}

const struct onnx_node *onnx_find_normal(const struct onnx *g)
{
	static const char *const same[] = { "Transpose", "Cast", "Identity", NULL };
	static const char *const arithmetic[] = { "Add", "Sub", "Mul", "Div", NULL };
	const struct onnx_node *n = g->n_inputs ? reader(g, g->inputs[0].name) : NULL;

	for (int steps = 0; n && is_one_of(n, same) && steps < 8; steps++)
		n = reader(g, n->out);
	return n && is_one_of(n, arithmetic) ? n : NULL;
}
