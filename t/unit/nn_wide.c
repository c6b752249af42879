/* SPDX-License-Identifier: MIT
 * The kernels for AVX-512 on any processor: with their tiles and vectors of 16 floats, of which the compiler makes
 * instructions that every processor has. They run random graphs. (bfloat16's are instructions themselves: nn_bf16.c.) */
#define WITH(instructions)
#define HAS(instructions) true
#define GRAPHS 60
#include "nn/nn_kernel.c"

#include "nn_graphs.c"
