/* SPDX-License-Identifier: MIT
 * standalone: runs a fuzz target without a fuzzing engine.
 *
 *	fuzz_X FILE...                each file as one input
 *	fuzz_X --mutate N SEED FILE...  each file, then N inputs made from them: bits flipped, bytes set to
 *	                              telling values, parts cut out, doubled, or taken from another file
 *
 * Equal arguments give equal inputs. The variable case_now holds the number of the current input, to be printed in a
 * debugger after a crash; --only K runs only that one. With clang's -fsanitize=fuzzer this file is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_rng.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct input {
	unsigned char *p;
	size_t n;
};
enum { MAX_INPUT = 1 << 20 };
static volatile unsigned long case_now;

static void die(const char *what, const char *subject)
{
	fprintf(stderr, "standalone: %s '%s'\n", what, subject);
	exit(99);
}

static struct input load(const char *path)
{
	struct input in = { malloc(MAX_INPUT), 0 };
	FILE *f = fopen(path, "rb");

	if (!f || !in.p)
		die("cannot open", path);
	in.n = fread(in.p, 1, MAX_INPUT, f);
	fclose(f);
	return in;
}

/* The target gets memory of exactly this size, so that a sanitizer detects a read beyond it. */
static void run(const unsigned char *p, size_t n)
{
	unsigned char *copy = malloc(n ? n : 1);

	if (!copy)
		die("out of memory", "");
	memcpy(copy, p, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static size_t splice(struct ts_rng *r, unsigned char *buf, size_t n, size_t at, const struct input *from)
{
	size_t src = from->n ? ts_rng_below(r, from->n) : 0, len = from->n - src;

	len = len ? 1 + ts_rng_below(r, len < 64 ? len : 64) : 0;
	if (n + len > MAX_INPUT)
		return n;
	memmove(buf + at + len, buf + at, n - at);
	memcpy(buf + at, from->p + src, len);
	return n + len;
}

/* Makes one change to buf, which holds n bytes; returns its new size. */
static size_t mutate(struct ts_rng *r, unsigned char *buf, size_t n, const struct input *other)
{
	static const unsigned char telling[] = { 0,    1,    0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xc0,
						 0xc1, 0xc4, 0xc6, 0xca, 0xcf, 0xd3, 0xdb, 0xdd, 0xdf,
						 0xff, '.',  '(',  'l',  't',  'R',  'q',  'h' };
	size_t at = n ? ts_rng_below(r, n) : 0, len = n - at;

	len = len ? 1 + ts_rng_below(r, len < 40 ? len : 40) : 0;
	switch (n ? ts_rng_below(r, 7) : 6) {
	case 0: buf[at] ^= (unsigned char)(1u << ts_rng_below(r, 8)); return n;
	case 1: buf[at] = telling[ts_rng_below(r, sizeof telling)]; return n;
	case 2: buf[at] = (unsigned char)(buf[at] + ts_rng_below(r, 5) - 2); return n;
	case 3: memset(buf + at, ts_rng_below(r, 2) ? 0xff : 0, len < 8 ? len : 8); return n;
	case 4: /* cut out; now and then everything after it, too */
		if (ts_rng_below(r, 8) == 0)
			return at;
		memmove(buf + at, buf + at + len, n - at - len);
		return n - len;
	case 5: {
		struct input self = { buf + at, len };
		unsigned char part[40];
		memcpy(part, buf + at, len);
		self.p = part;
		return splice(r, buf, n, at, &self);
	}
	default: return splice(r, buf, n, at, other);
	}
}

int main(int argc, char **argv)
{
	unsigned long cases = 0, seed = 0, only = 0;
	int first = 1, n_in;
	struct input *in;
	unsigned char *buf = malloc(MAX_INPUT);

	if (argc > 4 && strcmp(argv[1], "--mutate") == 0) {
		cases = strtoul(argv[2], NULL, 10);
		seed = strtoul(argv[3], NULL, 10);
		first = 4;
	}
	if (argc > first + 2 && strcmp(argv[first], "--only") == 0) {
		only = strtoul(argv[first + 1], NULL, 10);
		first += 2;
	}
	n_in = argc - first;
	in = calloc((size_t)(n_in > 0 ? n_in : 1), sizeof *in);
	if (!buf || !in || n_in < 1)
		die("usage: fuzz_X [--mutate N SEED [--only K]] FILE...; not", argc > 1 ? argv[1] : "");
	for (int i = 0; i < n_in; i++) {
		in[i] = load(argv[first + i]);
		if (!only)
			run(in[i].p, in[i].n);
	}
	for (case_now = 1; case_now <= cases; case_now++) {
		struct ts_rng r = ts_rng_new(seed, case_now);
		const struct input *from = &in[ts_rng_below(&r, (uint64_t)n_in)];
		size_t n = from->n;

		if (only && case_now != only)
			continue;
		memcpy(buf, from->p, n);
		for (uint64_t k = 1 + ts_rng_below(&r, 4); k > 0; k--)
			n = mutate(&r, buf, n, &in[ts_rng_below(&r, (uint64_t)n_in)]);
		run(buf, n);
	}
	for (int i = 0; i < n_in; i++)
		free(in[i].p);
	free(in);
	free(buf);
	printf("%d inputs, %lu made of them\n", n_in, cases);
	return 0;
}
