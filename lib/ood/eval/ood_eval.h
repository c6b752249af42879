/* SPDX-License-Identifier: MIT
 *
 * ood_eval: every method's metrics on one ID set against several OOD sets, one at a time, and their averages over
 * groups of sets, with their uncertainty:
 *
 *	DeLong's intervals and paired tests of the AUROC (ood_delong.h). An average over sets shares the ID
 *	rows, so its ID placements are averaged row by row first.
 *	A stratified bootstrap of every metric: ID rows and OOD rows are each drawn with replacement,
 *	the same rows for all methods, the same ID rows for all sets; percentile intervals, between order
 *	statistics by linear interpolation (Efron and Tibshirani, "An introduction to the bootstrap",
 *	1993, ch. 13). Nothing is sorted again: a resample is one weight per row.
 *
 * Replicate b of a set is drawn from (seed, b, set), so results do not depend on the number of threads.
 */
#ifndef OOD_EVAL_H
#define OOD_EVAL_H

#include "err/err.h"
#include "ood/eval/ood_metrics.h"
#include "ood/eval/ood_scores.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_MAX_GROUPS = 3 };
/* Of fewer ID or OOD rows, intervals are too narrow and tests too sure (unmask-metrics(7) has by how much). */
enum { OOD_EVAL_FEW = 100 };

struct ood_eval_options {
	struct ood_conventions by;
	bool delong;       /* intervals of the AUROC */
	size_t baseline;   /* number of the method that the others are tested against, */
	bool test;         /* if true */
	size_t bootstrap;  /* replicates; 0: none */
	double confidence; /* of the intervals */
	uint64_t seed;
	int threads;
};

struct ood_result {
	struct ood_metrics m, low, high; /* NaN in low and high: no interval, as it would have no width */
	double se;                       /* of the AUROC, by DeLong; NaN: not computed */
	double p;                        /* that the baseline's AUROC differs, after Holm's correction
					   * over the methods; NaN: not tested */
};

struct ood_eval;

/* Begins. id must outlive the result, and have its order (OOD_SCORES_ORDER) if intervals or tests are wanted. Retains 8
 * bytes per group, method and ID row for DeLong, and 100 bytes per group, method and replicate for the bootstrap. NULL:
 * out of memory. */
struct ood_eval *ood_eval_new(const struct ood_scores *id, const struct ood_eval_options *options);
void ood_eval_free(struct ood_eval *e);
/* Compares an OOD set of the same methods: out (n_methods). groups: one bit for each group that the set belongs to. -1:
 * out of memory. */
int ood_eval_set(struct ood_eval *e, const struct ood_scores *ood, unsigned groups, struct ood_result *out) TS_CHECKED;
/* The number of sets in group g, and, if that is not 0, their averages with equal weights: out (n_methods). -1: out of
 * memory. */
size_t ood_eval_group_size(const struct ood_eval *e, int g);
int ood_eval_group(const struct ood_eval *e, int g, struct ood_result *out) TS_CHECKED;
/* Whether methods have an AUROC far below chance, on average over the sets of group g under 40 %, of at least 100 ID
 * rows: a reversed score, as other programs write them, or ID and OOD swapped. words then names the methods (n_methods)
 * and says so. */
bool ood_eval_reversed(const struct ood_eval *e, int g, char *const *methods, struct err *words);

#ifdef __cplusplus
}
#endif
#endif
