/* SPDX-License-Identifier: MIT
 * The same stand-in, as a library built with CUDA: when asked for its GPU provider, it appends the GPU's number to the
 * file ORT_ASKED. ORT_STUB=nogpu: there is no GPU. */
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
