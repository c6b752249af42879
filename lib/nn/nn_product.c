/* SPDX-License-Identifier: MIT
 * The ways to compute a convolution's products: one table, and the choice for an operation. */
#include "nn/nn_internal.h"

static size_t bf16_scratch(const struct nn *m, const struct nn_op *op)
{
	(void)m;
	return nn_bf16_scratch(op);
}

static const struct {
	void (*run)(const struct nn_op *op, const struct nn_job *j);
	size_t (*scratch)(const struct nn *m, const struct nn_op *op);
	size_t (*packed)(const struct nn_op *op);
	void (*panels)(const struct nn *m, const struct nn_op *op, size_t from, size_t to);
	bool whole; /* panels() writes zeros, too */
} ways[] = {
	[NN_CONV] = { nn_conv, nn_conv_scratch, nn_conv_packed, nn_conv_panels, true },
	[NN_WINOGRAD] = { nn_winograd, nn_winograd_scratch, nn_winograd_packed, nn_winograd_panels, true },
	[NN_BF16] = { nn_bf16_conv, bf16_scratch, nn_bf16_packed, nn_bf16_panels, false },
	[NN_GROUPED] = { nn_groups, nn_groups_scratch, nn_groups_packed, nn_groups_panels, false },
	[NN_DEPTHWISE] = { nn_depth, nn_depth_scratch, nn_depth_packed, nn_depth_panels, true },
};

enum nn_kind nn_product_kind(const struct nn *m, const struct nn_op *op)
{
	if (op->groups > 1)
		return op->groups == op->in.c && op->groups == op->out.c ? NN_DEPTHWISE : NN_GROUPED;
	return m->bf16 ? NN_BF16 : nn_winograd_pays(op) ? NN_WINOGRAD : NN_CONV;
}

bool nn_is_product(const struct nn_op *op)
{
	return op->kind >= NN_CONV && op->kind <= NN_DEPTHWISE;
}

void nn_product(const struct nn_op *op, const struct nn_job *j)
{
	ways[op->kind].run(op, j);
}

size_t nn_product_scratch(const struct nn *m, const struct nn_op *op)
{
	return ways[op->kind].scratch(m, op);
}

size_t nn_product_packed(const struct nn_op *op)
{
	return ways[op->kind].packed(op);
}

bool nn_product_whole(const struct nn_op *op)
{
	return ways[op->kind].whole;
}

void nn_product_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	ways[op->kind].panels(m, op, from, to);
}
