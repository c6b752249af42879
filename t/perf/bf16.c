/* SPDX-License-Identifier: MIT
 * Are products of bfloat16 faster than those of floats on this processor? Multiply-adds a second of one core, of
 * AVX-512's vfmadd231ps and AVX512_BF16's vdpbf16ps, each on 12 registers that do not wait for each other.
 *
 *	cc -O2 -o bf16 t/perf/bf16.c && ./bf16
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <time.h>

enum { STEPS = 20000000, ROUNDS = 5 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define TWELVE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)
#define FLOATS(i) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #i "\n"
#define BFLOATS(i) "vdpbf16ps %%zmm30, %%zmm31, %%zmm" #i "\n"
#define USED "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11"

int main(void)
{
	if (!__builtin_cpu_supports("avx512bf16")) {
		puts("this processor has no AVX512_BF16");
		return 0;
	}
	for (int round = 0; round < ROUNDS; round++) {
		double from = now(), floats, bfloats;

		for (int i = 0; i < STEPS; i++)
			__asm__ volatile(TWELVE(FLOATS)::: USED);
		floats = now() - from;
		from = now();
		for (int i = 0; i < STEPS; i++)
			__asm__ volatile(TWELVE(BFLOATS)::: USED);
		bfloats = now() - from;
		printf("floats %.1f, bfloat16 %.1f thousand million multiply-adds a second\n",
		       12e-9 * STEPS * 16 / floats, 12e-9 * STEPS * 32 / bfloats);
	}
	return 0;
}
