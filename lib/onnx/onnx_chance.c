/* SPDX-License-Identifier: MIT
 * Finds what makes a graph's outputs depend on more than the image. */
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
