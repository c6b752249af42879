/* SPDX-License-Identifier: MIT
 *
 * ort: ONNX Runtime, opened on first use as libtorch is (th_load.c), so that nothing is linked with it and it is not
 * needed to build. ONNXRUNTIME names the library, or a folder that has it (also a virtual environment or a pip
 * package); without it, the system's folders are searched, and the pip packages of VIRTUAL_ENV, CONDA_PREFIX, the home
 * folder and /usr/local.
 *
 * Functions that return int give 0, or -1 with a line in err.
 */
#ifndef ORT_H
#define ORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ORT_DIMS = 8 };

struct ort;
struct ort_value;

/* Opens a session for n bytes of an ONNX file, borrowed until ort_open() returns. device: "cpu", "cuda" or "cuda:N". */
int ort_open(struct ort **ret, const void *model, size_t n, const char *device, long threads,
	     struct err *err) TS_CHECKED;
void ort_close(struct ort *o); /* accepts NULL */

/* A tensor: type is enum onnx_type. */
struct ort_tensor {
	const char *name;
	int type, ndim;
	int64_t dim[ORT_DIMS];
	const void *data;
	struct ort_value *value; /* of an output; freed by ort_release() */
	struct ort *owner;
};
/* Runs the graph on `in`. out: the caller sets the names, the rest is filled in; data is valid until ort_release(). */
int ort_run(struct ort *o, const struct ort_tensor *in, struct ort_tensor *out, size_t n_out,
	    struct err *err) TS_CHECKED;
void ort_release(struct ort_tensor *out, size_t n_out);

#ifdef __cplusplus
}
#endif
#endif
