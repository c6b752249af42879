/* SPDX-License-Identifier: MIT
 *
 * nn: inference on the CPU, in plain C. A network and its weights are compiled into a plan: batch norms
 * fold into convolutions or are applied as their inputs are read, ReLUs and residual additions happen as
 * outputs are written, a dense block's layers write into the block's own buffer, an average pool changes
 * places with a 1x1 convolution before it. The plan runs in a fixed amount of memory.
 *
 * Maps lie as (pixels, channels). Nearly all arithmetic is one kernel, rows of numbers times a packed
 * matrix, with the registers' worth of outputs that the processor has (nn_kernel.h): a convolution's rows
 * are pointers to its pixels, so no image is copied; a 3x3 one of stride 1 goes through Winograd's
 * transformation where that pays (nn_winograd.c).
 *
 * The result of an image depends on that image alone, to the last bit: not on the images beside it, nor
 * on the number of threads. (Of one plan and one set of instructions: what is kept is not fused, and other
 * instructions round otherwise.)
 *
 * UNMASK_ISA in the environment, a name of nn_isas(), is what a caller gets who names no instructions: so a
 * program computes as on a processor that has no better ones.
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
	int from;          /* the map that it starts from, a stage; 0: pixels */
	bool floats;       /* pixels are floats, 0 to 255 */
	const bool *keep;  /* (n_nodes) outputs that nn_run() hands out; NULL: none */
	bool take;         /* c's weights go as they are packed: half the memory, but c is not
					   * to be used any more, only released */
	const char *isa;   /* instructions to use, a name of nn_isas(); NULL: UNMASK_ISA's, or the best */
	bool bf16;         /* products of bfloat16, see nn_check_bf16() */
	struct nn *beside; /* shares this one's memory for maps: they run one at a time; or NULL */
};

/* Compiles c's network; its masks must be baked (net_bake). Copies what it needs of the weights. Memory:
 * the weights once, 3x3 ones of at most 256 by 256 channels 4 times, and a few images' maps a thread, which all
 * that are made beside each other have once, as large as the largest needs. Any of them may go first. -1 with a
 * line in err: out of memory, or what nn_check() says. */
int nn_new(struct nn **ret, struct net_checkpoint *c, const struct nn_options *o, struct err *err) TS_CHECKED;
void nn_free(struct nn *m);

/* Runs n images: pixels |u1 (n,c,h,w), or floats; of a network that starts from a map, floats of its shape.
 * Writes logits (n,C); features (n,D) if not NULL; of each node that is kept maps[node], floats
 * (n,c,h,w). */
void nn_run(struct nn *m, const void *input, size_t n, float *logits, float *features, float *const *maps);

/* Does this processor have these instructions (NULL: UNMASK_ISA's)? -1 with a line in err: others are named. */
int nn_check(const char *isa, struct err *err) TS_CHECKED;
/* And can convolutions and linear layers multiply numbers that are rounded to bfloat16, by Intel's AMX, with AVX-512?
 * All else is floats, sums too. -1 with a line in err: no. */
int nn_check_bf16(const char *isa, struct err *err) TS_CHECKED;
/* Names of the instruction sets that this processor can run, the best first, as "avx2|generic". */
const char *nn_isas(void);
/* The one that callers have who name none; NULL: nn_check() fails. */
const char *nn_isa_name(void);
/* The plan, an operation a line, for people; the caller frees it. NULL: out of memory. */
char *nn_describe(const struct nn *m);

#ifdef __cplusplus
}
#endif
#endif
