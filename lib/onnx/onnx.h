/* SPDX-License-Identifier: MIT
 *
 * onnx: reads the graph in an ONNX file: inputs, outputs, and the linear layer that computes the logits. It reads the
 * bytes by the field numbers of onnx.proto (onnx/onnx, IR version 13; fields are only ever added) and skips what does
 * not matter here. It runs nothing: lib/ort does that.
 *
 * Functions that return int give 0, or -1 with a line in err.
 */
#ifndef ONNX_H
#define ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ONNX_DIMS = 8, ONNX_FREE = -1 };
/* Types of numbers, the same in onnx.proto's TensorProto.DataType and ONNX Runtime's ONNXTensorElementDataType. */
enum onnx_type { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_FLOAT16 = 10 };
const char *onnx_type_name(int type);

/* Bytes of the file, borrowed; names are not NUL-terminated. */
struct onnx_span {
	const uint8_t *at;
	size_t n;
};

/* An input or output. */
struct onnx_value {
	struct onnx_span name;
	int type;               /* 0: not given */
	int ndim;               /* -1: its shape is not given */
	int64_t dim[ONNX_DIMS]; /* ONNX_FREE: any */
};

struct onnx_node {
	struct onnx_span op, all; /* op: its type; all: the whole message */
	struct onnx_span in[4];   /* the first four; n is 0 if there is none */
	struct onnx_span out;     /* the first */
};

struct onnx_tensor {
	struct onnx_span name, all;
};

struct onnx {
	struct onnx_value *inputs, *outputs, *values; /* inputs: without constants. values: shapes of intermediate
						       * values */
	struct onnx_node *nodes;
	struct onnx_tensor *tensors; /* named constants */
	size_t n_inputs, n_outputs, n_values, n_nodes, n_tensors;
	bool external; /* some constant has its numbers in another file */
};

/* Does a file that begins with these bytes look like ONNX? The first 16 suffice. */
bool onnx_starts(const void *bytes, size_t n);

/* Reads the graph in n bytes, which are borrowed. -1: they are not ONNX, or damaged; *g is empty then. */
int onnx_read(struct onnx *g, const void *bytes, size_t n, struct err *err) TS_CHECKED;
void onnx_release(struct onnx *g);
/* The value of this name, an output or an intermediate one; NULL: not known. */
const struct onnx_value *onnx_find(const struct onnx *g, const char *name);
/* Is a value of this name an input or the output of a node? */
bool onnx_makes(const struct onnx *g, const char *name);
bool onnx_is(struct onnx_span name, const char *text);

/* The linear layer that gives the logits: Gemm, or MatMul and Add, with constant weights, and only Identity between it
 * and the output. A Softmax at the output is skipped, as it does not give logits. */
struct onnx_head {
	struct onnx_span feature; /* its input; n 0: no such layer found */
	struct onnx_span logits;  /* its output */
	bool softmax;             /* the output is a softmax of the logits */
	size_t classes, dim;
	float *weight, *bias; /* (classes,dim), (classes) */
	const char *why;      /* if none is found: what is in its place */
};
/* Finds that of the value of this name. -1: damaged, or out of memory. */
int onnx_find_head(const struct onnx *g, struct onnx_span output, struct onnx_head *head, struct err *err) TS_CHECKED;
void onnx_head_release(struct onnx_head *head);

/* The first node by which an image's outputs depend on chance or on the images beside it, as in graphs that were
 * exported in training mode: Dropout or BatchNormalization in that mode, or a node that draws random numbers. NULL:
 * there is none. */
const struct onnx_node *onnx_find_chance(const struct onnx *g);

/* The first node that computes with the input, if it is Add, Sub, Mul or Div, as in graphs that normalise their input
 * themselves. NULL: it is another. */
const struct onnx_node *onnx_find_normal(const struct onnx *g);

/* The file's bytes with these values added to the outputs, for readers that use Protocol Buffers, which merge a message
 * that comes twice. New memory; NULL: out of memory. None of the values may already be an output. */
uint8_t *onnx_with_outputs(const void *bytes, size_t n, const char *const *names, size_t n_names, size_t *ret_n);

/* The file's bytes, with numbers of constants from other files embedded; these are in the folder of path, which is the
 * ONNX file. New memory of *ret_n bytes. -1: a file is missing, too short, or outside that folder. */
int onnx_embed(const struct onnx *g, const void *bytes, size_t n, const char *path, uint8_t **ret, size_t *ret_n,
	       struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
