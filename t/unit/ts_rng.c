/* SPDX-License-Identifier: MIT
 * Random numbers: the published sequence, fair draws, samples and permutations. */
#include <math.h>
#include <stdlib.h>

#include "../tap.h"
#include "ts/ts_rng.h"

int main(void)
{
	struct ts_rng r = { 1234567 }, a = ts_rng_new(1, 2), b = ts_rng_new(1, 3), c = ts_rng_new(1, 2);
	size_t idx[100], count[7] = { 0 }, seen[100] = { 0 }, in[10] = { 0 };
	double sum = 0, square = 0;
	int bad = 0;

	/* First values of SplitMix64 for this state, as published with its reference code. */
	ok(ts_rng_u64(&r) == 6457827717110365317u && ts_rng_u64(&r) == 3203168211198807973u, "SplitMix64");
	ok(ts_rng_u64(&a) == ts_rng_u64(&c) && ts_rng_u64(&a) != ts_rng_u64(&b), "streams of a seed");
	for (int i = 0; i < 70000; i++)
		count[ts_rng_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		bad += count[i] < 9600 || count[i] > 10400;
	ok(!bad, "below(7) is fair");
	ok(ts_rng_below(&r, 1) == 0, "below(1)");
	for (int i = 0; i < 100000; i++) {
		double v = ts_rng_normal(&r);
		sum += v;
		square += v * v;
	}
	ok(fabs(sum / 1e5) < 0.015 && fabs(square / 1e5 - 1) < 0.02, "normal: mean 0, variance 1");
	ts_rng_permutation(&r, idx, 100);
	for (int i = 0; i < 100; i++)
		seen[idx[i]]++;
	for (int i = 0; i < 100; i++)
		bad += seen[i] != 1;
	ok(!bad, "a permutation holds each number once");
	for (int k = 0; k < 20000; k++) {
		ts_rng_sample(&r, idx, 3, 10);
		bad += idx[0] >= idx[1] || idx[1] >= idx[2] || idx[2] > 9;
		for (int i = 0; i < 3; i++)
			in[idx[i]]++;
	}
	for (int i = 0; i < 10; i++)
		bad += in[i] < 5700 || in[i] > 6300;
	ok(!bad, "samples are ascending, distinct, and fair");
	return done();
}
