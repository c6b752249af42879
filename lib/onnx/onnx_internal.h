/* SPDX-License-Identifier: MIT
 * As much of Protocol Buffers as ONNX's messages need. */
#ifndef ONNX_INTERNAL_H
#define ONNX_INTERNAL_H

#include "onnx/onnx.h"

/* The numbers of the fields that are read, from onnx.proto. */
enum { ONNX_MODEL_GRAPH = 7 };
enum {
	ONNX_GRAPH_NODE = 1,
	ONNX_GRAPH_TENSOR = 5,
	ONNX_GRAPH_INPUT = 11,
	ONNX_GRAPH_OUTPUT = 12,
	ONNX_GRAPH_VALUE = 13
};
enum { ONNX_NODE_IN = 1, ONNX_NODE_OUT = 2, ONNX_NODE_OP = 4, ONNX_NODE_ATTRIBUTE = 5 };
enum { ONNX_ATTRIBUTE_NAME = 1, ONNX_ATTRIBUTE_FLOAT = 2, ONNX_ATTRIBUTE_INT = 3, ONNX_ATTRIBUTE_TENSOR = 5 };
enum {
	ONNX_TENSOR_DIMS = 1,
	ONNX_TENSOR_TYPE = 2,
	ONNX_TENSOR_FLOATS = 4,
	ONNX_TENSOR_INTS = 5,
	ONNX_TENSOR_NAME = 8,
	ONNX_TENSOR_RAW = 9,
	ONNX_TENSOR_EXTERNAL = 13,
	ONNX_TENSOR_LOCATION = 14
};
enum { ONNX_VALUE_NAME = 1, ONNX_VALUE_TYPE = 2, ONNX_TYPE_TENSOR = 1, ONNX_TENSOR_ELEM = 1, ONNX_TENSOR_SHAPE = 2 };

enum { ONNX_VARINT = 0, ONNX_FIXED64 = 1, ONNX_BYTES = 2, ONNX_FIXED32 = 5 };

/* A field of a message. */
struct onnx_field {
	unsigned number, wire;  /* wire: its encoding */
	uint64_t value;         /* of numbers */
	struct onnx_span bytes; /* of ONNX_BYTES: its contents */
	struct onnx_span all;   /* with its number and length */
};

/* Takes the next field from the front of a message. 1; 0: there is none; -1: it is damaged. */
int onnx_next(struct onnx_span *message, struct onnx_field *f);
/* Takes a number from the front. -1: there is none. */
int onnx_varint(struct onnx_span *s, uint64_t *v);
/* Does a tensor's message have its numbers in another file? */
bool onnx_is_external(struct onnx_span tensor);
int onnx_damaged(struct err *err);
bool onnx_same(struct onnx_span a, struct onnx_span b);
/* An attribute of a node; number 0: there is none of this name with this field. */
struct onnx_field onnx_attribute(const struct onnx_node *node, const char *name, unsigned number);
/* The message of a constant: one of the graph, or from a Constant node, possibly through Identity; n 0: not a
 * constant. */
struct onnx_span onnx_constant(const struct onnx *g, struct onnx_span name);

/* Bytes that grow. */
struct onnx_bytes {
	uint8_t *p;
	size_t n, cap;
	bool failed; /* out of memory */
};
void onnx_put(struct onnx_bytes *b, const void *p, size_t n);
/* Writes the number of a field of bytes, and how many follow. */
void onnx_put_head(struct onnx_bytes *b, unsigned number, size_t n);

#endif
