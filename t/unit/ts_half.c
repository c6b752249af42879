/* SPDX-License-Identifier: MIT
 * Half floats: all of them there and back; numbers in between round to nearest, ties to even. */
#include <math.h>
#include <string.h>

#include "../tap.h"
#include "ts/ts.h"

/* The value of a half by definition. */
static double value(unsigned h)
{
	const int e = h >> 10 & 31, f = h & 1023;
	const double v = e == 31 ? (f ? NAN : INFINITY) : e ? ldexp(f + 1024, e - 25) : ldexp(f, -24);

	return h >> 15 ? -v : v;
}

static bool same(double a, double b)
{
	return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b));
}

static void all(void)
{
	int bad_get = 0, bad_back = 0, nan_back = 0;

	for (unsigned h = 0; h < 65536; h++) {
		const float v = ts_half_get((uint16_t)h);

		bad_get += !same((double)v, value(h));
		if (isnan(v))
			nan_back += !isnan(ts_half_get(ts_half(v)));
		else
			bad_back += ts_half(v) != h;
	}
	ok(bad_get == 0, "each half is the float that its bits say (%d are not)", bad_get);
	ok(bad_back == 0, "and comes back (%d do not)", bad_back);
	ok(nan_back == 0, "what is not a number stays so");
}

/* The middle between h and the next half rounds to the even one; the floats next to it round to the nearer one. */
static void between(void)
{
	int bad = 0;

	for (unsigned h = 0; h < 0x7bff; h++) {
		const float middle = (float)((value(h) + value(h + 1)) / 2);

		bad += ts_half(middle) != (h & 1 ? h + 1 : h) || ts_half(nextafterf(middle, 0)) != h ||
		       ts_half(nextafterf(middle, INFINITY)) != h + 1 ||
		       ts_half(-middle) != (0x8000 | (h & 1 ? h + 1 : h));
	}
	ok(bad == 0, "floats between two halves (%d are wrong)", bad);
}

static void ends(void)
{
	ok(ts_half(65504) == 0x7bff && ts_half(65519) == 0x7bff, "65504 is the largest, up to half a step beyond");
	ok(ts_half(65520) == 0x7c00 && ts_half(1e30f) == 0x7c00 && ts_half(-INFINITY) == 0xfc00,
	   "beyond it is infinite");
	ok(ts_half(0x1p-25f) == 0 && ts_half(0x1.8p-25f) == 1 && ts_half(-1e-30f) == 0x8000, "the smallest is 2^-24");
}

int main(void)
{
	all();
	between();
	ends();
	return done();
}
