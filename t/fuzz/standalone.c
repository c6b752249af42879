/* SPDX-License-Identifier: MIT
 * Runs a fuzz target without a fuzzing engine, so that it is part of the tests: each file given is
 * a good input; it and thousands of its mutations (bits flipped, bytes set, cut, spliced; seeded)
 * go through the target, which must neither crash nor leak. Link with libFuzzer instead of this to
 * search for more.
 *	fuzz_X ROUNDS FILE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_rng.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

static size_t mutate(struct ts_rng *r, unsigned char *p, size_t n)
{
	for (uint64_t k = 1 + ts_rng_below(r, 4); k-- && n;) {
		size_t at = ts_rng_below(r, n), other = ts_rng_below(r, n);
		size_t span = 1 + ts_rng_below(r, 8);

		switch (ts_rng_below(r, 5)) {
		case 0: p[at] ^= (unsigned char)(1 << ts_rng_below(r, 8)); break;
		case 1: p[at] = (unsigned char)ts_rng_u64(r); break;
		case 2: p[at] = (unsigned char)(ts_rng_below(r, 2) ? 0xff : 0); break;
		case 3: n = at; break;
		default:
			if (at + span <= n && other + span <= n)
				memmove(p + at, p + other, span);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	struct ts_rng r = ts_rng_new(1, 0);
	long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	size_t max = 1 << 20;

	for (int i = 2; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		unsigned char *good = malloc(max), *copy;
		size_t n = f ? fread(good, 1, max, f) : 0;

		if (!f || n == 0) {
			fprintf(stderr, "cannot read '%s'\n", argv[i]);
			return 1;
		}
		fclose(f);
		LLVMFuzzerTestOneInput(good, n);
		for (long k = 0; k < rounds; k++) {
			size_t len;

			copy = malloc(n);             /* a block of its own, so that overruns are seen */
			memcpy(copy, good, n);
			len = mutate(&r, copy, n);
			copy = realloc(copy, len ? len : 1);
			LLVMFuzzerTestOneInput(copy, len);
			free(copy);
		}
		free(good);
	}
	return 0;
}
