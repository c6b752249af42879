/* SPDX-License-Identifier: MIT
 * tb-gen DIR [FIRST-STEP [N]]: writes an event file whose contents t/1030-events.t knows, or, with N, one with N
 * numbers n/i = i/4. Prints the library's first error. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tb/tb.h"

static int known(struct tb_writer *w)
{
	static const float odd[] = { 1, 2, NAN, 3, INFINITY, 4, -INFINITY }, same[] = { 2, 2 };
	float even[3000];

	for (int i = 0; i < 3000; i++) /* 100 in each of 30 buckets from -1 to 1 */
		even[i] = (float)(i / 100 * 2 + 1) / 30 - 1;
	even[0] = -1;
	even[2999] = 1;
	if (tb_scalar(w, "a/b", 1, 0.25) < 0 || tb_scalar(w, "a/b", 300, -1e30) < 0 ||
	    tb_scalar(w, "a/b", INT64_MAX, NAN) < 0 || tb_scalar(w, "\303\274", -1, INFINITY) < 0 ||
	    tb_scalar(w, "\303\274", 0, -INFINITY) < 0)
		return -1;
	if (tb_histogram(w, "odd", 7, odd, sizeof odd / sizeof *odd) < 0 || tb_histogram(w, "same", 8, same, 2) < 0 ||
	    tb_histogram(w, "none", 9, odd, 0) < 0 || tb_histogram(w, "infinite", 9, odd + 4, 1) < 0 ||
	    tb_histogram(w, "even", 10, even, 3000) < 0)
		return -1;
	return tb_flush(w);
}

static int numbers(struct tb_writer *w, long n)
{
	for (long i = 0; i < n; i++)
		if (tb_scalar(w, "n", i, (double)i / 4) < 0)
			return -1;
	return tb_flush(w);
}

int main(int argc, char **argv)
{
	struct err err;
	struct tb_writer *w;

	if (argc < 2)
		return 2;
	w = tb_open(argv[1], argc > 2 ? strtoll(argv[2], NULL, 10) : -1, &err);
	if (!w) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if ((argc > 3 ? numbers(w, strtol(argv[3], NULL, 10)) : known(w)) < 0)
		fprintf(stderr, "%s\n", tb_error(w));
	return tb_close(w) < 0;
}
