/* SPDX-License-Identifier: MIT
 *
 * nn: inference on the CPU, in plain C. A network and its weights are compiled into a plan: batch norms
 * fold into convolutions or are applied as their inputs are read, ReLUs and residual additions happen as outputs are
 * written, a dense block's layers write into the block's own buffer, and an average pool swaps places with a 1x1
 * convolution before it. The plan runs in a fixed amount of memory.
 *
 * Maps lie as (pixels, channels). Nearly all arithmetic is one kernel, rows of numbers times a packed matrix, with as
 * many outputs at once as fit the processor's registers (nn_kernel.h): a convolution's rows are pointers to its pixels,
 * so no image is copied; 3x3 convolutions of stride 1 use Winograd's transformation where that pays (nn_winograd.c).
 *
 * The result of an image depends on that image alone, to the last bit: not on the images beside it, nor
 * on the number of threads. (This holds for one plan and one instruction set: kept nodes are not fused, and other
 * instructions round differently.)
 *
 * UNMASK_ISA in the environment, a name from nn_isas(), is the default for callers that name no instruction set: it
 * makes a program compute as on a processor that has no better one.
 */
#ifndef NN_H
#define NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn;

struct nn_options {
	int threads;       /* at least 1 */
	int from;          /* the stage whose map is the input; 0: pixels */
	bool floats;       /* pixels are floats, 0 to 255 */
	const bool *keep;  /* (n_nodes) outputs that nn_run() hands out; NULL: none */
	bool take;         /* frees c's weights as they are packed: half the memory, but afterwards c may only be
			    * released */
	const char *isa;   /* instructions to use, a name from nn_isas(); NULL: UNMASK_ISA's, or the best */
	bool bf16;         /* products of bfloat16, see nn_check_bf16() */
	struct nn *beside; /* shares this one's memory for maps: the two never run at the same time; or NULL */
};

/* Compiles c's network; its masks must be baked (net_bake). Copies what it needs of the weights. Memory:
 * the weights once, 3x3 ones of at most 256 by 256 channels 4 times, and a few images' maps per thread. Those made
 * `beside` each other share the maps, as large as the largest needs; they may be freed in any order. -1 with a line in
 * err: out of memory, or as nn_check(). */
int nn_new(struct nn **ret, struct net_checkpoint *c, const struct nn_options *o, struct err *err) TS_CHECKED;
void nn_free(struct nn *m);

/* Runs n images: pixels |u1 (n,c,h,w), or floats; of a network that starts from a map, floats of its shape.
 * Writes logits (n,C); features (n,D) if not NULL; maps[node], floats (n,c,h,w), of each kept node. */
void nn_run(struct nn *m, const void *input, size_t n, float *logits, float *features, float *const *maps);

/* Checks that this processor has these instructions (NULL: UNMASK_ISA's). -1 with a line in err that names those it
 * has. */
int nn_check(const char *isa, struct err *err) TS_CHECKED;
/* Checks that convolutions and linear layers can multiply numbers rounded to bfloat16, by Intel's AMX with AVX-512.
 * Everything else stays float, sums too. -1 with a line in err if not. */
int nn_check_bf16(const char *isa, struct err *err) TS_CHECKED;
/* Names of the instruction sets that this processor can run, best first, as "avx2|generic". */
const char *nn_isas(void);
/* The instruction set of callers that name none; NULL: nn_check() fails. */
const char *nn_isa_name(void);
/* Returns the plan in readable form, one operation per line; the caller frees it. NULL: out of memory. */
char *nn_describe(const struct nn *m);

#ifdef __cplusplus
}
#endif
#endif
