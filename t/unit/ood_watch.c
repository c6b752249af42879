/* SPDX-License-Identifier: MIT
 * The sequential test: p are independent and uniform, the evidence matches its definition, false alarms are as rare as
 * promised, changes are found. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_watch.h"
#include "ts/ts_rng.h"
#include "../tap.h"

/* A reference of m standard normals, rounded to 1/grain (0: not rounded). */
static void begin(struct ood_watch *w, size_t m, double alpha, bool both, struct ts_rng *r, double grain)
{
	double v[5000];

	for (size_t i = 0; i < m; i++) {
		v[i] = ts_rng_normal(r);
		v[i] = grain > 0 ? floor(v[i] * grain) / grain : v[i];
	}
	if (ood_watch_init(w, v, m, alpha, both, ts_rng_u64(r)))
		exit(99);
}

static bool is_sorted(const struct ood_watch *w)
{
	for (size_t i = 1; i < w->m; i++)
		if (!(w->kept[i - 1] <= w->kept[i]))
			return false;
	return true;
}

/* Keeps few scores, where any dependence shows most. Under the promise, sums over N rows of products of
 * 1-step and 2-step neighbours have known spread. */
static void ranks(size_t m, double grain)
{
	enum { N = 400000 };
	struct ts_rng r = ts_rng_new(11, m);
	struct ood_watch w;
	double mean = 0, square = 0, lag1 = 0, lag2 = 0, a = 0, b = 0;

	begin(&w, m, 0.01, false, &r, grain);
	bool sorted = true;
	for (int i = 0; i < N; i++) {
		double z = ts_rng_normal(&r);
		ood_watch_row(&w, grain > 0 ? floor(z * grain) / grain : z);
		sorted = sorted && (i > 1000 || is_sorted(&w));
		double c = (w.p - 0.5) * sqrt(12);
		mean += c;
		square += c * c - 1;
		lag1 += c * a;
		lag2 += c * b;
		b = a;
		a = c;
	}
	double s = sqrt(N);
	printf("# m %zu, grain %g: z of mean %.2f, spread %.2f, neighbours %.2f %.2f\n", m, grain, mean / s,
	       square / s / sqrt(0.8), lag1 / s, lag2 / s);
	ok(sorted, "what is kept stays sorted (%zu)", m);
	ok(fabs(mean / s) < 4 && fabs(square / s / sqrt(0.8)) < 4 && fabs(lag1 / s) < 4 && fabs(lag2 / s) < 4,
	   "p are uniform, and neighbours independent (%zu kept)", m);
	ood_watch_release(&w);
}

/* The evidence by its definition: every start separately. */
static void definition(bool both)
{
	enum { N = 60 };
	static const double e[] = { 0.2, 0.5, 0.8 }, l[] = { 0.1, 0.4, 1 };
	struct ts_rng r = ts_rng_new(5, both);
	struct ood_watch w;
	double p[N], worst = 0, top = 0;
	size_t since = 0;

	begin(&w, 50, 0.001, both, &r, 0);
	for (int n = 0; n < N; n++) {
		ood_watch_row(&w, ts_rng_normal(&r) - (n >= 50));
		p[n] = w.p;
		double sum = 1 / sqrt(n + 2);
		top = 0;
		for (int side = 0; side <= both; side++)
			for (int bet = 0; bet < 9; bet++)
				for (int k = 0; k <= n; k++) {
					double c = 1;
					for (int i = k; i <= n; i++) {
						double q = side ? 1 - p[i] : p[i], x = e[bet / 3];
						c *= 1 - l[bet % 3] + l[bet % 3] * x * pow(q, x - 1);
					}
					sum += c * (1 / sqrt(k + 1) - 1 / sqrt(k + 2)) / (both ? 18 : 9);
					if (c > top) {
						top = c;
						since = (size_t)k;
					}
				}
		worst = fmax(worst, fabs(w.evidence / sum - 1));
	}
	ok(worst < 1e-9, "the evidence is the mixture over starts and bets (off by %.1g)", worst);
	ok(ood_watch_since(&w) == since, "the best start is found: %zu", since);
	ood_watch_release(&w);
}

/* Share of runs with an alarm in n rows. */
static double false_alarms(size_t m, int runs, int n, double alpha, bool both, double grain)
{
	int alarms = 0;

	for (int k = 0; k < runs; k++) {
		struct ts_rng r = ts_rng_new(23, (uint64_t)k + 1000 * m);
		struct ood_watch w;
		begin(&w, m, alpha, both, &r, grain);
		bool alarm = false;
		for (int i = 0; i < n && !alarm; i++) {
			double z = ts_rng_normal(&r);
			alarm = ood_watch_row(&w, grain > 0 ? floor(z * grain) / grain : z);
		}
		alarms += alarm;
		ood_watch_release(&w);
	}
	return (double)alarms / runs;
}

static void promise(void)
{
	double a = false_alarms(20, 600, 10000, 0.2, false, 0);
	double b = false_alarms(200, 300, 20000, 0.2, true, 0);
	double c = false_alarms(50, 300, 10000, 0.2, false, 1);
	double d = false_alarms(1000, 100, 100000, 0.1, false, 0);

	printf("# alarms at 0.2: %.3f of 600 runs, %.3f of 300, %.3f of 300 with ties; at 0.1: %.3f of 100\n", a, b, c,
	       d);
	/* 0.2 and three standard deviations */
	ok(a > 0 && a < 0.249 && b < 0.27 && c < 0.27, "false alarms are as rare as promised");
	ok(d < 0.19, "in long runs too");
}

/* Rows until the alarm after n rows without a change, the median of 21 runs; share: how many of the later rows are new.
 * */
static int delay(int n, double shift, double share, bool both, size_t m, double *since)
{
	enum { RUNS = 21 };
	int found[RUNS] = { 0 };

	*since = 0;
	for (int k = 0; k < RUNS; k++) {
		struct ts_rng r = ts_rng_new(31, (uint64_t)k);
		struct ood_watch w;
		int i = -n, at = 0;
		begin(&w, m, 0.01, both, &r, 0);
		for (; i < 100000; i++)
			if (ood_watch_row(&w, ts_rng_normal(&r) + (i >= 0 && ts_rng_double(&r) < share ? shift : 0)))
				break;
		*since += fabs((double)ood_watch_since(&w) - n) / RUNS;
		ood_watch_release(&w);
		while (at < k && found[at] < i)
			at++;
		memmove(found + at + 1, found + at, (size_t)(k - at) * sizeof *found);
		found[at] = i;
	}
	return found[RUNS / 2] + 1;
}

static void changes(void)
{
	static const struct {
		int n;
		double shift, share;
		bool both;
		int most;
	} c[] = { { 0, -2, 1, false, 8 },        { 1000, -2, 1, false, 15 },    { 100000, -2, 1, false, 20 },
		  { 1000, -3, 0.1, false, 150 }, { 1000, -0.5, 1, false, 250 }, { 1000, 2, 1, true, 17 },
		  { 1000, -2, 1, true, 17 } };

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		double since;
		int rows = delay(c[i].n, c[i].shift, c[i].share, c[i].both, 5000, &since);
		ok(rows > 1 && rows <= c[i].most,
		   "after %d rows, a shift of %g of %g of all: found after %d "
		   "rows (start off by %.1f)",
		   c[i].n, c[i].shift, c[i].share, rows, since);
	}
}

static void reset(void)
{
	struct ts_rng r = ts_rng_new(1, 1);
	struct ood_watch w, again;
	int alarms = 0, quiet = 0;

	begin(&w, 300, 0.01, false, &r, 0);
	for (int i = 0; i < 20000; i++)
		if (ood_watch_row(&w, ts_rng_normal(&r) - 2)) {
			ood_watch_reset(&w);
			alarms++;
			quiet = i;
		}
	ok(alarms > 1 && quiet < 3000, "after resets the reference has followed: %d alarms, the last at %d", alarms,
	   quiet);
	ood_watch_release(&w);

	double one[] = { 0.5 };
	ok(ood_watch_init(&w, one, 1, 0.01, false, 9) == 0 && ood_watch_init(&again, one, 1, 0.01, false, 9) == 0,
	   "one score is a reference");
	bool same = true;
	double z[] = { -INFINITY, INFINITY, 0.5, 0.5, -1, INFINITY };
	for (int i = 0; i < 6; i++) {
		ood_watch_row(&w, z[i]);
		ood_watch_row(&again, z[i]);
		same = same && w.p > 0 && w.p < 1 && w.p == again.p && w.evidence == again.evidence;
	}
	ok(same, "infinities have ranks; the same seed, the same evidence");
	ood_watch_release(&w);
	ood_watch_release(&again);
}

int main(void)
{
	ranks(1, 0);
	ranks(2, 0);
	ranks(5, 1);
	ranks(50, 0);
	definition(false);
	definition(true);
	promise();
	changes();
	reset();
	return done();
}
