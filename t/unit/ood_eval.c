/* SPDX-License-Identifier: MIT
 * Intervals and tests: DeLong against its definition, promises by a short simulation, groups, threads. */
#include "num/num_test.h"
#include "ood/eval/ood_delong.h"
#include "ood_intervals.h"

static void placements(void)
{
	double v[] = { 3, 1, 2, 2 }, w[] = { 2, 0 }, x[4], y[2];
	struct ood_scores a = make(4, 1, v, false), b = make(2, 1, w, false);

	const struct ood_sample of_a = ood_scores_sample(&a, 0), of_b = ood_scores_sample(&b, 0);
	ood_placements(&of_a, a.order[0], &of_b, false, x);
	ood_placements(&of_b, b.order[0], &of_a, true, y);
	ok(x[0] == 1 && x[1] == .5 && x[2] == .75 && x[3] == .75 && y[0] == .5 && y[1] == 1,
	   "placements by hand, in the order of the rows");
	/* Both means are .75; S^2 = (.0625 + .0625) / 3 over 4 rows, .125 over 2 */
	ok(fabs(ood_variance_of_mean(x, NULL, 4) - .125 / 12) < 1e-15 &&
		   fabs(ood_variance_of_mean(y, NULL, 2) - .125 / 2) < 1e-15 && isnan(ood_variance_of_mean(y, NULL, 1)),
	   "variance of a mean, ddof 1");
	ood_scores_release(&a);
	ood_scores_release(&b);
}

static void normal(void)
{
	bool fine = true;

	for (double q = 1e-9; q < 1; q = q < .5 ? q * 1.7 : q + .01)
		fine &= fabs(erfc(-num_normal_quantile(q) / sqrt(2)) / 2 - q) < 1e-13 + 1e-11 * q;
	ok(fine && fabs(num_normal_quantile(.975) - 1.959963984540054) < 1e-12, "normal quantiles");
	double p[] = { .01, NAN, .04, .03, .005 };
	num_holm(p, 5);
	ok(fabs(p[4] - .02) < 1e-15 && fabs(p[0] - .03) < 1e-15 && fabs(p[3] - .06) < 1e-15 &&
		   fabs(p[2] - .06) < 1e-15 && isnan(p[1]),
	   "Holm's correction, in order, NaN left out");
	double many[] = { .6, .7, 0 };
	num_holm(many, 3);
	ok(many[0] == 1 && many[1] == 1 && many[2] == 0, "Holm: at most 1, and 0 stays");
	double small[] = { 1e-40, 3e-19, NAN, 0, 2e-10 };
	num_holm(small, 5);
	ok(fabs(small[0] / 3e-40 - 1) < 1e-12 && fabs(small[1] / 6e-19 - 1) < 1e-12 && small[3] == 0 &&
		   !signbit(small[3]) && fabs(small[4] / 2e-10 - 1) < 1e-12,
	   "Holm: the smallest keep their digits");
	ok(num_p_value(0, 0) == 1 && fabs(num_p_value(1.959963984540054, 1) - .05) < 1e-12 &&
		   isnan(num_p_value(1, NAN)),
	   "p-values");
}

static void same(void)
{
	static double v[METHODS * N_ID], w[METHODS * N_OOD];
	struct ts_rng r = ts_rng_new(1, 1);
	struct ood_result by[2][METHODS], again[METHODS], other[METHODS];
	struct ood_eval_options o = { .bootstrap = 50, .confidence = .9, .seed = 4 };

	draw(&r, v, N_ID, 1);
	draw(&r, w, N_OOD, 0);
	struct ood_scores id = make(N_ID, METHODS, v, true), ood = make(N_OOD, METHODS, w, false);
	for (int t = 0; t < 4; t++) {
		struct ood_result *to = t < 2 ? by[t] : t == 2 ? again : other;
		o.threads = t == 1 ? 5 : 1;
		o.seed = t == 3 ? 5 : 4;
		struct ood_eval *e = ood_eval_new(&id, &o);
		if (!e || ood_eval_set(e, &ood, 3, to))
			abort();
		if (t == 2) {
			ok(ood_eval_group_size(e, 0) == 1 && ood_eval_group_size(e, 2) == 0 &&
				   ood_eval_group(e, 1, again) == 0 && memcmp(again, by[0], sizeof again) == 0,
			   "the average of one set is that set");
		}
		ood_eval_free(e);
	}
	ok(memcmp(by[0], by[1], sizeof again) == 0, "1 thread and 5: the same bytes");
	ok(memcmp(by[0], other, sizeof other) != 0, "another seed: others");
	ok(by[0][0].low.v[OOD_OSCR] < by[0][0].m.v[OOD_OSCR] && by[0][0].m.v[OOD_OSCR] < by[0][0].high.v[OOD_OSCR] &&
		   by[0][0].m.v[OOD_OSCR] < .75,
	   "OSCR has an interval, below the accuracy");

	struct ood_scores pool = { 0 };
	struct err err;
	double wanted[METHODS * 2 * N_OOD];
	for (int m = 0; m < METHODS; m++)
		for (int i = 0; i < 2 * N_OOD; i++)
			wanted[m * 2 * N_OOD + i] = w[m * N_OOD + i % N_OOD];
	struct ood_scores want = make(2 * N_OOD, METHODS, wanted, false);
	bool is = ood_scores_append(&pool, &ood, &err) == 0 && ood_scores_append(&pool, &ood, &err) == 0 &&
		  ood_scores_sort(&pool) == 0 && pool.n == want.n;
	for (int m = 0; m < METHODS && is; m++)
		is = memcmp(pool.scores[m], want.scores[m], want.n * 4) == 0 &&
		     memcmp(pool.order[m], want.order[m], want.n * 4) == 0;
	ok(is, "a pool of two sets, with its order");
	ood_scores_release(&pool);
	ood_scores_release(&want);
	ood_scores_release(&id);
	ood_scores_release(&ood);
}

int main(void)
{
	placements();
	normal();
	same();
	promises(60); /* ood_coverage.c: 1,000 */
	return done();
}
