/* SPDX-License-Identifier: MIT
 * Intervals and tests: DeLong against its definition, promises by simulation, groups, threads. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_test.h"
#include "ood/eval/ood_delong.h"
#include "ood/eval/ood_eval.h"
#include "num/num_sort.h"
#include "ts/ts_rng.h"
#include "../tap.h"

/* A set of n rows of m methods from v[m][n], with labels all right if `right`. */
static struct ood_set make(size_t n, size_t methods, const double *v, bool right)
{
	struct ood_set s = { .n = n, .n_methods = methods, .ece = NAN };

	s.scores = calloc(methods, sizeof *s.scores);
	s.order = calloc(methods, sizeof *s.order);
	s.right = right ? calloc(methods, sizeof *s.right) : NULL;
	s.mark = right ? malloc(n) : NULL;
	for (size_t i = 0; right && i < n; i++)
		s.mark[i] = i % 4 ? OOD_RIGHT : OOD_WRONG;
	for (size_t m = 0; m < methods; m++) {
		s.scores[m] = malloc(n * sizeof(float));
		s.order[m] = malloc(n * sizeof(uint32_t));
		if (right)
			s.right[m] = malloc(n * sizeof(float));
		s.n_right = 0;
		for (size_t i = 0; i < n; i++) {
			s.scores[m][i] = (float)v[m * n + i];
			if (right && s.mark[i] == OOD_RIGHT)
				s.right[m][s.n_right++] = (float)v[m * n + i];
		}
		if (num_sort_order(s.scores[m], s.order[m], n) ||
		    (right && num_sort(s.right[m], s.n_right)))
			abort();
	}
	s.labelled = right ? n : 0;
	return s;
}

static void placements(void)
{
	double v[] = { 3, 1, 2, 2 }, w[] = { 2, 0 }, x[4], y[2];
	struct ood_set a = make(4, 1, v, false), b = make(2, 1, w, false);

	ood_placements(a.scores[0], a.order[0], 4, b.scores[0], 2, false, x);
	ood_placements(b.scores[0], b.order[0], 2, a.scores[0], 4, true, y);
	ok(x[0] == 1 && x[1] == .5 && x[2] == .75 && x[3] == .75 && y[0] == .5 && y[1] == 1,
	   "placements by hand, in the order of the rows");
	/* Means .75 both; S^2 = (.0625 + .0625) / 3 over 4 rows, .125 over 2 */
	ok(fabs(ood_variance_of_mean(x, NULL, 4) - .125 / 12) < 1e-15 &&
	   fabs(ood_variance_of_mean(y, NULL, 2) - .125 / 2) < 1e-15 &&
	   isnan(ood_variance_of_mean(y, NULL, 1)), "variance of a mean, ddof 1");
	ood_set_release(&a);
	ood_set_release(&b);
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
	   fabs(p[2] - .06) < 1e-15 && isnan(p[1]), "Holm's correction, in order, NaN left out");
	double many[] = { .6, .7, 0 };
	num_holm(many, 3);
	ok(many[0] == 1 && many[1] == 1 && many[2] == 0, "Holm: at most 1, and 0 stays");
	ok(num_p_value(0, 0) == 1 && fabs(num_p_value(1.959963984540054, 1) - .05) < 1e-12 &&
	   isnan(num_p_value(1, NAN)), "p-values");
}

/* ID ~ N(1.2, 1), OOD ~ N(0, 1): AUROC is Phi(1.2 / sqrt 2). A second method adds noise of its own to the
 * first: Phi(1.2 / sqrt(2 + 2 s^2)). A third is as good as the first: the other's own draw of noise. */
enum { RUNS = 1000, N_ID = 200, N_OOD = 150, METHODS = 3, REPLICATES = 300 };

static void draw(struct ts_rng *r, double *v, size_t n, double mean)
{
	for (size_t i = 0; i < n; i++) {
		double z = mean + ts_rng_normal(r);
		v[i] = z;
		v[n + i] = z + ts_rng_normal(r);
		v[2 * n + i] = z + ts_rng_normal(r);
	}
}

static double phi(double z)
{
	return erfc(-z / sqrt(2)) / 2;
}

static void promises(void)
{
	static double v[METHODS * N_ID], w[METHODS * N_OOD];
	double truth[METHODS] = { phi(1.2 / sqrt(2)), phi(1.2 / 2), phi(1.2 / 2) };
	int covered = 0, boot = 0, average = 0, average_boot = 0, wrong = 0, found = 0;
	struct ts_rng r = ts_rng_new(20, 23);
	struct ood_eval_options o = { .delong = true, .test = true, .baseline = 1, .confidence = .95,
				      .threads = 2 };

	for (int run = 0; run < RUNS; run++) {
		struct ood_result d[METHODS], all[METHODS], b[METHODS], all_b[METHODS];
		struct ood_set ood[2];
		draw(&r, v, N_ID, 1.2);
		struct ood_set id = make(N_ID, METHODS, v, true);
		struct ood_eval *e = ood_eval_new(&id, &o);
		struct ood_eval_options of_boot = { .bootstrap = REPLICATES, .confidence = .95, .threads = 2,
						    .seed = (uint64_t)run };
		struct ood_eval *eb = ood_eval_new(&id, &of_boot);
		for (int s = 0; s < 2; s++) {
			draw(&r, w, N_OOD, 0);
			ood[s] = make(N_OOD, METHODS, w, false);
			if (!e || !eb || ood_eval_set(e, &ood[s], 1, d) || ood_eval_set(eb, &ood[s], 1, b))
				abort();
			ood_set_release(&ood[s]);
		}
		if (ood_eval_group(e, 0, all) || ood_eval_group(eb, 0, all_b))
			abort();
		covered += d[0].low.v[OOD_AUROC] <= truth[0] && truth[0] <= d[0].high.v[OOD_AUROC];
		boot += b[0].low.v[OOD_AUROC] <= truth[0] && truth[0] <= b[0].high.v[OOD_AUROC];
		average += all[1].low.v[OOD_AUROC] <= truth[1] && truth[1] <= all[1].high.v[OOD_AUROC];
		average_boot += all_b[1].low.v[OOD_AUROC] <= truth[1] &&
				truth[1] <= all_b[1].high.v[OOD_AUROC];
		/* Each p is corrected for two tests, which the half of it undoes. */
		wrong += all[2].p / 2 <= .025 || d[2].p <= .05;
		found += all[0].p <= .05;
		ood_eval_free(e);
		ood_eval_free(eb);
		ood_set_release(&id);
	}
	ok(covered >= 930 && covered <= 970, "DeLong's 95 %% interval held the truth %d times in 1000", covered);
	ok(boot >= 930 && boot <= 970, "the bootstrap's %d times", boot);
	ok(average >= 930 && average <= 970, "of an average over sets that share ID rows: DeLong %d", average);
	ok(average_boot >= 930 && average_boot <= 970, "bootstrap %d", average_boot);
	ok(wrong <= 90, "two methods of one AUROC differed in %d of 1000", wrong);
	ok(found >= 900, "two of different AUROC in %d", found);
}

static void same(void)
{
	static double v[METHODS * N_ID], w[METHODS * N_OOD];
	struct ts_rng r = ts_rng_new(1, 1);
	struct ood_result by[2][METHODS], again[METHODS], other[METHODS];
	struct ood_eval_options o = { .bootstrap = 50, .confidence = .9, .seed = 4 };

	draw(&r, v, N_ID, 1);
	draw(&r, w, N_OOD, 0);
	struct ood_set id = make(N_ID, METHODS, v, true), ood = make(N_OOD, METHODS, w, false);
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
	   by[0][0].m.v[OOD_OSCR] < .75, "OSCR has an interval, below the accuracy");

	struct ood_set pool = { 0 };
	double wanted[METHODS * 2 * N_OOD];
	for (int m = 0; m < METHODS; m++)
		for (int i = 0; i < 2 * N_OOD; i++)
			wanted[m * 2 * N_OOD + i] = w[m * N_OOD + i % N_OOD];
	struct ood_set want = make(2 * N_OOD, METHODS, wanted, false);
	bool is = ood_set_append(&pool, &ood) == 0 && ood_set_append(&pool, &ood) == 0 &&
		  ood_set_sort(&pool) == 0 && pool.n == want.n;
	for (int m = 0; m < METHODS && is; m++)
		is = memcmp(pool.scores[m], want.scores[m], want.n * 4) == 0 &&
		     memcmp(pool.order[m], want.order[m], want.n * 4) == 0;
	ok(is, "a pool of two sets, with its order");
	ood_set_release(&pool);
	ood_set_release(&want);
	ood_set_release(&id);
	ood_set_release(&ood);
}

int main(void)
{
	placements();
	normal();
	same();
	promises();
	return done();
}
