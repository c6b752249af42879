/* SPDX-License-Identifier: MIT
 * Are products of bfloat16 faster than those of floats on this processor? Multiply-adds per second on one core: of
 * AVX-512's vfmadd231ps and AVX512_BF16's vdpbf16ps, each on 12 independent registers; of AMX's tdpbf16ps on four
 * tiles, alone, and including the tile loads of lib/nn, from the first-level cache.
 *
 *	cc -O2 -o bf16 t/perf/bf16.c && ./bf16
 */
#define _GNU_SOURCE
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 20000000, TILE_STEPS = 1000000, ROUNDS = 5 };
enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 }; /* Linux: a process asks for tiles */

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

/* A is (2, 8, 1024 bytes), and so is B. */
__attribute__((target("amx-tile,amx-bf16"))) static void tiles(void)
{
	static const struct {
		uint8_t palette, unused[15];
		uint16_t row_bytes[16];
		uint8_t rows[16];
	} all = { 1, { 0 }, { 64, 64, 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16, 16, 16 } };
	static char a[16][1024] __attribute__((aligned(64))), b[16][1024] __attribute__((aligned(64)));
	double from, alone, loaded;

	_tile_loadconfig(&all);
	from = now();
	for (int i = 0; i < TILE_STEPS; i++) {
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	alone = now() - from;
	from = now();
	for (int i = 0; i < TILE_STEPS; i++) {
		_tile_loadd(4, a[i % 8], 64);
		_tile_loadd(6, b[i % 8], 64);
		_tile_dpbf16ps(0, 4, 6);
		_tile_loadd(7, b[8 + i % 8], 64);
		_tile_dpbf16ps(1, 4, 7);
		_tile_loadd(5, a[8 + i % 8], 64);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	loaded = now() - from;
	_tile_release();
	printf(", tiles %.1f, loaded %.1f", 4e-9 * TILE_STEPS * 16 * 16 * 32 / alone,
	       4e-9 * TILE_STEPS * 16 * 16 * 32 / loaded);
}

int main(void)
{
	if (!__builtin_cpu_supports("avx512bf16")) {
		puts("this processor has no AVX512_BF16");
		return 0;
	}
	const int amx = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;

	for (int round = 0; round < ROUNDS; round++) {
		double from = now(), floats, bfloats;

		for (int i = 0; i < STEPS; i++)
			__asm__ volatile(TWELVE(FLOATS)::: USED);
		floats = now() - from;
		from = now();
		for (int i = 0; i < STEPS; i++)
			__asm__ volatile(TWELVE(BFLOATS)::: USED);
		bfloats = now() - from;
		printf("thousand million multiply-adds a second: floats %.1f, bfloat16 %.1f",
		       12e-9 * STEPS * 16 / floats, 12e-9 * STEPS * 32 / bfloats);
		if (amx)
			tiles();
		puts(amx ? "" : ", no tiles (AMX)");
	}
	return 0;
}
