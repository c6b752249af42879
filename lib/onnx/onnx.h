/* SPDX-License-Identifier: MIT
 *
 * onnx: what an ONNX file says of its graph: inputs, outputs, and the linear layer that makes the logits. It is read
 * from the bytes, by the field numbers of onnx.proto (onnx/onnx, IR version 13; fields are only ever added); what does
 * not matter here is passed over. Nothing is run: lib/ort does that.
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
/* Types of numbers, onnx.proto's TensorProto.DataType and ONNX Runtime's ONNXTensorElementDataType alike. */
enum onnx_type { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_FLOAT16 = 10 };
const char *onnx_type_name(int type);

/* Bytes of the file, borrowed; a name is not ended by a NUL. */
struct onnx_span {
	const uint8_t *at;
	size_t n;
};

/* An input or output. */
struct onnx_value {
	struct onnx_span name;
	int type;               /* 0: not said */
	int ndim;               /* -1: its shape is not said */
	int64_t dim[ONNX_DIMS]; /* ONNX_FREE: any */
};

struct onnx_node {
	struct onnx_span op, all; /* all of it */
	struct onnx_span in[4];   /* the first; n is 0 where there is none */
	struct onnx_span out;     /* the first */
};

struct onnx_tensor {
	struct onnx_span name, all;
};

struct onnx {
	struct onnx_value *inputs, *outputs, *values; /* inputs: no constants. values: shapes of what is between */
	struct onnx_node *nodes;
	struct onnx_tensor *tensors; /* constants that have names */
	size_t n_inputs, n_outputs, n_values, n_nodes, n_tensors;
	bool external; /* numbers of a constant are in another file */
};

/* Does a file that begins so look like ONNX? The first 16 bytes suffice. */
bool onnx_starts(const void *bytes, size_t n);

/* Reads the graph in n bytes, which are borrowed. -1: they are no ONNX, or damaged; *g is empty then. */
int onnx_read(struct onnx *g, const void *bytes, size_t n, struct err *err) TS_CHECKED;
void onnx_release(struct onnx *g);
/* What is known of the value of this name: an output, or one between; NULL: nothing. */
const struct onnx_value *onnx_find(const struct onnx *g, const char *name);
/* Does a node or an input make a value of this name? */
bool onnx_makes(const struct onnx *g, const char *name);
bool onnx_is(struct onnx_span name, const char *text);

/* The linear layer behind which the logits come: Gemm, or MatMul and Add, whose factor is a constant, with nothing but
 * Identity between it and the output. Where the output is a Softmax of it, that is left out, as it gives no logits. */
struct onnx_head {
	struct onnx_span feature; /* what goes in; n 0: no such layer is found */
	struct onnx_span logits;  /* what comes out of it */
	bool softmax;             /* the output is a softmax of the logits */
	size_t classes, dim;
	float *weight, *bias; /* (classes,dim), (classes) */
	const char *why;      /* if none is found: what is there instead */
};
/* That of the value of this name. -1: damaged, or out of memory. */
int onnx_find_head(const struct onnx *g, struct onnx_span output, struct onnx_head *head, struct err *err) TS_CHECKED;
void onnx_head_release(struct onnx_head *head);

/* The file's bytes with these values among the outputs, for what reads them with Protocol Buffers, where a message that
 * comes twice is joined. New memory; NULL: out of memory. A value that is an output already must not be among them. */
uint8_t *onnx_with_outputs(const void *bytes, size_t n, const char *const *names, size_t n_names, size_t *ret_n);

/* The file's bytes with the numbers of constants in it that stand in other files, of the folder of path, which is this
 * file's. New memory of *ret_n bytes. -1: a file is missing or too short, or out of its folder. */
int onnx_embed(const struct onnx *g, const void *bytes, size_t n, const char *path, uint8_t **ret, size_t *ret_n,
	       struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
