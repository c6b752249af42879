/* SPDX-License-Identifier: MIT
 * Sets from given numbers, and a simulation of the promises of intervals and tests; for ood_eval.c and ood_coverage.c.
 * */
#ifndef OOD_INTERVALS_H
#define OOD_INTERVALS_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_sort.h"
#include "ood/eval/ood_eval.h"
#include "ts/ts_rng.h"
#include "../tap.h"

/* A set of n rows and m methods from v[m][n], all predictions right if `right`. */
static struct ood_scores make(size_t n, size_t methods, const double *v, bool right)
{
	struct ood_scores s = { .n = n, .n_methods = methods, .ece = NAN };

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
		if (num_sort_order(s.scores[m], s.order[m], n) || (right && num_sort(s.right[m], s.n_right)))
			abort();
	}
	s.labelled = right ? n : 0;
	return s;
}

/* ID ~ N(1.2, 1), OOD ~ N(0, 1): AUROC is Phi(1.2 / sqrt 2). A second method adds noise of its own to the
 * first: Phi(1.2 / sqrt(2 + 2 s^2)). A third is as good as the second: its own draw of the same noise. */
enum { N_ID = 200, N_OOD = 150, METHODS = 3, REPLICATES = 300 };

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

/* The shares required of 1,000 simulations: 93 to 97 % of 95 % intervals hold the truth (950 +- 2.9 standard
 * deviations), at most 9 % false differences, at least 90 % true ones. Fewer simulations spread more: then each bound
 * is wider by 2.9 standard deviations of a binomial with that share, sqrt(n s (1 - s)). Of 60: 51 to 60, 11, 48. */
static int bound(double share, int runs, int way)
{
	double at = share * runs + (runs < 1000 ? way * 2.9 * sqrt(runs * share * (1 - share)) : 0);

	return (int)(way > 0 ? floor(at + 1e-9) : ceil(at - 1e-9));
}

static bool kept(int times, int runs)
{
	return times >= bound(.93, runs, -1) && times <= bound(.97, runs, 1);
}

static void promises(int runs)
{
	static double v[METHODS * N_ID], w[METHODS * N_OOD];
	double truth[METHODS] = { phi(1.2 / sqrt(2)), phi(1.2 / 2), phi(1.2 / 2) };
	int covered = 0, boot = 0, average = 0, average_boot = 0, wrong = 0, found = 0;
	struct ts_rng r = ts_rng_new(20, 23);
	struct ood_eval_options o = { .delong = true, .test = true, .baseline = 1, .confidence = .95, .threads = 2 };

	for (int run = 0; run < runs; run++) {
		struct ood_result d[METHODS], all[METHODS], b[METHODS], all_b[METHODS];
		struct ood_scores ood[2];
		draw(&r, v, N_ID, 1.2);
		struct ood_scores id = make(N_ID, METHODS, v, true);
		struct ood_eval *e = ood_eval_new(&id, &o);
		struct ood_eval_options of_boot = {
			.bootstrap = REPLICATES, .confidence = .95, .threads = 2, .seed = (uint64_t)run
		};
		struct ood_eval *eb = ood_eval_new(&id, &of_boot);
		for (int s = 0; s < 2; s++) {
			draw(&r, w, N_OOD, 0);
			ood[s] = make(N_OOD, METHODS, w, false);
			if (!e || !eb || ood_eval_set(e, &ood[s], 1, d) || ood_eval_set(eb, &ood[s], 1, b))
				abort();
			ood_scores_release(&ood[s]);
		}
		if (ood_eval_group(e, 0, all) || ood_eval_group(eb, 0, all_b))
			abort();
		covered += d[0].low.v[OOD_AUROC] <= truth[0] && truth[0] <= d[0].high.v[OOD_AUROC];
		boot += b[0].low.v[OOD_AUROC] <= truth[0] && truth[0] <= b[0].high.v[OOD_AUROC];
		average += all[1].low.v[OOD_AUROC] <= truth[1] && truth[1] <= all[1].high.v[OOD_AUROC];
		average_boot += all_b[1].low.v[OOD_AUROC] <= truth[1] && truth[1] <= all_b[1].high.v[OOD_AUROC];
		/* Each p is corrected for two tests; halving it undoes that. */
		wrong += all[2].p / 2 <= .025 || d[2].p <= .05;
		found += all[0].p <= .05;
		ood_eval_free(e);
		ood_eval_free(eb);
		ood_scores_release(&id);
	}
	ok(kept(covered, runs), "DeLong's 95 %% interval held the truth %d times in %d", covered, runs);
	ok(kept(boot, runs), "the bootstrap's %d times", boot);
	ok(kept(average, runs), "of an average over sets that share ID rows: DeLong %d", average);
	ok(kept(average_boot, runs), "bootstrap %d", average_boot);
	ok(wrong <= bound(.09, runs, 1), "two methods of one AUROC differed in %d of %d", wrong, runs);
	ok(found >= bound(.9, runs, -1), "two of different AUROC in %d", found);
}

#endif
