/* SPDX-License-Identifier: MIT
 * ts_rng: the generator's known numbers, and draws from it. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "../tap.h"
#include "ts/ts_rng.h"

/* The first numbers of SplitMix64 from state 1234567, as its authors' program prints them. */
static void test_vector(void)
{
	static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
					 4593380528125082431u, 16408922859458223821u };
	struct ts_rng r = { 1234567 };
	bool same = true;

	for (int i = 0; i < 5; i++)
		same = same && ts_rng_u64(&r) == want[i];
	ok(same, "SplitMix64 from state 1234567");
}

static void test_streams(void)
{
	struct ts_rng a = ts_rng_new(1, 0), b = ts_rng_new(1, 0), c = ts_rng_new(1, 1);
	struct ts_rng d = ts_rng_new(2, 0);
	uint64_t x = ts_rng_u64(&a);

	ok(x == ts_rng_u64(&b), "equal seed and stream, equal numbers");
	ok(x != ts_rng_u64(&c) && x != ts_rng_u64(&d), "another stream or seed, other numbers");
	ok(ts_rng_new(0, 1).state != ts_rng_new(1, 0).state, "seed and stream do not change places");
}

static void test_below(void)
{
	struct ts_rng r = ts_rng_new(3, 0);
	size_t count[7] = { 0 }, n = 70000;
	double chi = 0, low = 0;
	bool inside = true;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = ts_rng_below(&r, 7);
		inside = inside && x < 7;
		count[x % 7]++;
	}
	for (int i = 0; i < 7; i++)
		chi += pow((double)count[i] - 1e4, 2) / 1e4;
	ok(inside, "below(7) is below 7");
	ok(chi < 22.5, "below(7) is uniform: chi square %.2f of 6 degrees of freedom", chi);
	/* Here x % n alone would give the lower third twice as often. */
	n = 30000;
	for (size_t i = 0; i < n; i++)
		low += ts_rng_below(&r, 0xC000000000000000u) < 0x4000000000000000u;
	ok(fabs(low / (double)n - 1.0 / 3) < 0.02, "below(3 * 2^62) is not biased: %.3f", low / (double)n);
	ok(ts_rng_below(&r, 1) == 0, "below(1) is 0");
	ok(ts_rng_below(&r, 1ull << 63) < 1ull << 63, "below(2^63)");
}

static void test_floats(void)
{
	struct ts_rng r = ts_rng_new(4, 0);
	double sum = 0, square = 0, normal = 0, nsquare = 0;
	int n = 100000;
	bool inside = true;

	for (int i = 0; i < n; i++) {
		double u = ts_rng_double(&r), z = ts_rng_normal(&r);
		inside = inside && u >= 0 && u < 1 && isfinite(z);
		sum += u;
		square += u * u;
		normal += z;
		nsquare += z * z;
	}
	ok(inside, "doubles are in [0, 1), normal ones finite");
	ok(fabs(sum / n - 0.5) < 0.005 && fabs(square / n - 1.0 / 3) < 0.005, "moments of the uniform");
	ok(fabs(normal / n) < 0.02 && fabs(nsquare / n - 1) < 0.02, "moments of the normal");
}

static void test_permutation(void)
{
	struct ts_rng r = ts_rng_new(5, 0);
	size_t p[50], first[4] = { 0 }, n = 40000;
	bool seen[50] = { 0 }, all = true;

	ts_rng_permutation(&r, p, 50);
	for (int i = 0; i < 50; i++) {
		all = all && p[i] < 50 && !seen[p[i] % 50];
		seen[p[i] % 50] = true;
	}
	ok(all, "a permutation has each number once");
	for (size_t i = 0; i < n; i++) {
		ts_rng_permutation(&r, p, 4);
		first[p[0]]++;
	}
	all = true;
	for (int i = 0; i < 4; i++)
		all = all && fabs((double)first[i] - 1e4) < 400;
	ok(all, "each number comes first equally often");
	ts_rng_permutation(&r, p, 0);
	ts_rng_permutation(&r, p, 1);
	ok(p[0] == 0, "permutations of none and of one");
}

static void test_sample(void)
{
	struct ts_rng r = ts_rng_new(6, 0);
	size_t s[6], count[5] = { 0 }, pairs[25] = { 0 }, n = 40000;
	bool ordered = true, even = true;

	for (size_t i = 0; i < n; i++) {
		ts_rng_sample(&r, s, 2, 5);
		ordered = ordered && s[0] < s[1] && s[1] < 5;
		count[s[0] % 5]++;
		count[s[1] % 5]++;
		pairs[s[0] % 5 * 5 + s[1] % 5]++;
	}
	ok(ordered, "samples ascend and have no number twice");
	for (int i = 0; i < 5; i++) {
		even = even && fabs((double)count[i] - 0.4 * (double)n) < 500;
		for (int k = i + 1; k < 5; k++)
			even = even && fabs((double)pairs[i * 5 + k] - 0.1 * (double)n) < 300;
	}
	ok(even, "every pair of five is equally likely");
	s[5] = 99;
	ts_rng_sample(&r, s, 5, 5);
	ok(s[0] == 0 && s[4] == 4 && s[5] == 99, "a sample of all is all");
}

static void test_kept(void)
{
	/* the last but one is a number that is drawn: it is kept, as the bound belongs to it; the last lies just above */
	struct ts_rng r = ts_rng_new(7, 0);
	const double drawn = ts_rng_double(&r), p[] = { 0, 0x1p-53, 0.3, 0.5, 1, drawn, drawn + 0x1p-53 };
	uint8_t kept[1000];
	bool same = true, first[7], all = true, none = true;

	for (size_t k = 0; k < 7; k++) {
		struct ts_rng one = ts_rng_new(7, 0), many = ts_rng_new(7, 0);
		ts_rng_kept(&many, p[k], kept, 1000);
		for (size_t i = 0; i < 1000; i++) {
			same = same && kept[i] == (ts_rng_double(&one) >= p[k]);
			all = all && (k != 0 || kept[i]);
			none = none && (k != 4 || !kept[i]);
		}
		same = same && one.state == many.state;
		first[k] = kept[0];
	}
	ok(same, "what is kept is what one draw after the other would keep");
	ok(all && none, "with p = 0 all, with p = 1 nothing");
	ok(first[5] && !first[6], "the bound itself is kept");
}

int main(void)
{
	test_kept();
	test_vector();
	test_streams();
	test_below();
	test_floats();
	test_permutation();
	test_sample();
	return done();
}
