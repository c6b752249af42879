/* SPDX-License-Identifier: MIT
 * The kernels for each instruction set. Not target_clones: a clone has the same tile everywhere, and a tile
 * that fills AVX-512's 32 registers spills AVX2's 16. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "nn/nn_kernel.h"

/* t/unit/nn_wide.c makes vectors of any length of what every processor has. */
#ifndef WITH
#define WITH(instructions) __attribute__((target(instructions)))
#define HAS(instructions) __builtin_cpu_supports(instructions)
#endif

#if defined(__x86_64__)
#define TARGET WITH("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#define VL 16
#define ROWS 8
#define PANELS 3
#define GIVE 4
#define OUTER 12
#define STEPS 4
#define NAME(x) x##_avx512
#define ISA_NAME "avx512"
#include "nn/nn_kernel.inc"

#define TARGET WITH("avx2,fma")
#define VL 8
#define ROWS 6
#define OUTER 6
#define PANELS 1
#define GIVE 2
#define STEPS 1
#define NAME(x) x##_avx2
#define ISA_NAME "avx2"
#include "nn/nn_kernel.inc"
#endif

/* Every 64-bit processor has vectors of four floats; SSE has 16 registers, NEON 32. */
#define TARGET
#define VL 4
#if defined(__x86_64__)
#define ROWS 3
#define OUTER 3
#else
#define ROWS 6
#define OUTER 6
#endif
#define PANELS 1
#define GIVE 2
#define STEPS 1
#define NAME(x) x##_generic
#define ISA_NAME "generic"
#include "nn/nn_kernel.inc"

static bool can_run(const struct nn_isa *i)
{
#if defined(__x86_64__)
	if (i == &isa_avx512)
		return HAS("avx512f") && HAS("avx512vl") && HAS("avx512dq") && HAS("avx512bw") && can_run(&isa_avx2);
	if (i == &isa_avx2)
		return HAS("avx2") && HAS("fma");
#endif
	return i == &isa_generic;
}

static const struct nn_isa *const every_isa[] = {
#if defined(__x86_64__)
	&isa_avx512, &isa_avx2,
#endif
	&isa_generic
};

/* The instruction set that the environment names, or NULL. */
static const char *asked(void)
{
	const char *name = getenv("UNMASK_ISA");

	return name && *name ? name : NULL;
}

const struct nn_isa *nn_isa(const char *name)
{
	if (!name)
		name = asked();
	for (size_t i = 0; i < sizeof every_isa / sizeof *every_isa; i++)
		if (can_run(every_isa[i]) && (!name || strcmp(name, every_isa[i]->name) == 0))
			return every_isa[i];
	return NULL;
}

const char *nn_isa_name(void)
{
	const struct nn_isa *isa = nn_isa(NULL);

	return isa ? isa->name : NULL;
}

int nn_check(const char *isa, struct err *err)
{
	if (nn_isa(isa))
		return 0;
	return err_fail(err, "%sthis processor has no instructions '%.32s'; it has %s",
			isa ? "" : "UNMASK_ISA: ", isa ? isa : asked(), nn_isas());
}

const char *nn_isas(void)
{
	static const char *const lists[] = { "avx512|avx2|generic", "avx2|generic", "generic" };
	size_t best = sizeof every_isa / sizeof *every_isa;

	while (best > 0 && nn_isa(every_isa[best - 1]->name))
		best--;
	return lists[best + 3 - sizeof every_isa / sizeof *every_isa];
}
