/* SPDX-License-Identifier: MIT
 * The stand-in once more, as a library that is built with CUDA: it is asked for its provider of GPUs, and appends to the
 * file ORT_ASKED of which one. ORT_STUB=nogpu: there is none. */
#include <stdio.h>

#include "onnxruntime.c"

struct ort_status *OrtSessionOptionsAppendExecutionProvider_CUDA(struct ort_session_options *options, int gpu);
struct ort_status *OrtSessionOptionsAppendExecutionProvider_CUDA(struct ort_session_options *options, int gpu)
{
	const char *stub = getenv("ORT_STUB"), *asked = getenv("ORT_ASKED");
	FILE *f = asked ? fopen(asked, "a") : NULL;

	(void)options;
	if (f) {
		fprintf(f, "cuda:%d\n", gpu);
		fclose(f);
	}
	return stub && strcmp(stub, "nogpu") == 0 ? fail("CUDA failure 100: no CUDA-capable device is detected") : NULL;
}
