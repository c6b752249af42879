/* SPDX-License-Identifier: MIT
 *
 * ood_metrics: how well one score tells an ID set from an OOD set. Works on plain arrays. Larger means more
 * in-distribution; infinities are allowed, NaN is not.
 *
 * The work is one merge of two sorted arrays: sort each set once, with num_sort(), then compare the
 * ID set with any number of OOD sets, or with any resample of them by weights. Ties are grouped:
 * there is one threshold per distinct score, so no result depends on the order of the input. Counts are integers, and
 * so are the comparisons with 95 %.
 */
#ifndef OOD_METRICS_H
#define OOD_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which threshold FPR95 is read at.
 * NEAREST: ID is positive. The threshold whose recall is closest to 95 %; of two equally close ones, the one with
 *	the higher recall; of those with equal recall, the lowest (at full recall: the highest). The rule of the
 *	outlier-exposure programs (Hendrycks et al., "Deep anomaly detection with outlier exposure", ICLR 2019) and
 *	their many descendants. "Equally close" is exact here; in floating point, as there, 90 % and 100 % are not,
 *	and the lower one mostly wins (ood-metrics.1 has counts).
 * FIRST: ID is positive. The highest threshold whose recall is at least 95 %.
 * OPENOOD: OOD is positive. The smallest false positive rate at which recall is at least 95 %
 *	(Zhang et al., "OpenOOD v1.5", 2023). */
enum ood_fpr { OOD_FPR_NEAREST, OOD_FPR_FIRST, OOD_FPR_OPENOOD };

/* The numbers, all in 0..1.
 * AUROC	P(ID score > OOD score) + P(equal) / 2, exact
 * AUPR_IN, AUPR_OUT
 *		area under precision and recall with ID, and with OOD (negated scores), as the positives
 * FPR95	by the rule asked for; then by each rule, under its name
 * DETECTION	detection error: the smallest of (share of ID below t + share of OOD not below t) / 2
 *		over thresholds t (Liang et al., "ODIN", ICLR 2018, with equal priors)
 * AUTC		area under the threshold curves: over thresholds t from the smallest to the largest score of both
 *		sets, scaled to 0..1, the mean of (share of OOD rows at or above t + share of ID rows below t) / 2,
 *		which is (mean scaled OOD score + 1 - mean scaled ID score) / 2: 0 is best, and ranking well is not
 *		enough to reach it (Humblot-Renaux, Escalera, Moeslund, "Beyond AUROC & co. for evaluating
 *		out-of-distribution detection performance", CVPR workshops 2023). Unknown if a score is infinite or all
 *		are equal
 * OSCR		area under CCR over false positive rate, ties half, where CCR(t) is the share of ID rows that are
 *		classified correctly and score above t, and the rate is the share of OOD rows above t (Dhamija
 *		et al., "Reducing network agnostophobia", NeurIPS 2018)
 * CCR_1E4..1	CCR at a false positive rate of 1e-4..1e-1: t is the ceil(rate n)-th largest OOD score, as
 *		in OpenOOD
 * AURRA	area under accuracy over response rate, of the ID rows alone: the mean over k of the accuracy of the k
 *		rows with the highest scores, averaged over all orders of equal scores (Hendrycks et al., "Natural
 *		adversarial examples", CVPR 2021). Unknown unless every ID row has a label */
enum ood_metric {
	OOD_AUROC,
	OOD_AUPR_IN,
	OOD_AUPR_OUT,
	OOD_FPR95,
	OOD_FPR95_NEAREST,
	OOD_FPR95_FIRST,
	OOD_FPR95_OPENOOD,
	OOD_DETECTION,
	OOD_AUTC,
	OOD_OSCR,
	OOD_CCR_1E4,
	OOD_CCR_1E3,
	OOD_CCR_1E2,
	OOD_CCR_1E1,
	OOD_AURRA,
	OOD_N_METRICS
};

struct ood_metrics {
	double v[OOD_N_METRICS]; /* NaN: unknown, like CCR without labels */
};

/* A metric's names, for programs and for people, and its meaning in a line or two. */
struct ood_metric_name {
	const char *key, *head, *meaning;
};
extern const struct ood_metric_name ood_metric_names[OOD_N_METRICS];

/* Conventions of the metrics that are published in several variants. */
struct ood_conventions {
	enum ood_fpr fpr;
	bool trapezoid;    /* AUPR: trapezoids between the points of the curve, from
					   * precision 1 at recall 0, instead of average precision (sum of
					   * precision * recall step) */
	double prevalence; /* AUPR: as if this share of rows were OOD, above 0 and below
					   * 1; 0: as they are */
};

/* Scores sorted ascending, at least one, no NaN: floats, or doubles if they were read as such. Doubles beside floats
 * must be rounded to floats: 0.699999988 is the text of a float, and as a double it is not that float. */
struct ood_sample {
	const float *v;
	size_t n;
	const uint32_t *weight; /* (n) row k counts weight[k] times; NULL: once each */
	const double *wide;     /* instead of v, if not NULL */
	bool rounded;           /* wide is compared with floats */
};
static inline double ood_at(const struct ood_sample *s, size_t i)
{
	if (!s->wide)
		return (double)s->v[i];
	return s->rounded ? (double)(float)s->wide[i] : s->wide[i];
}

/* Computes all but OSCR, CCR and AURRA, which become NaN. The weights of each sample must not all be 0. */
struct ood_metrics ood_compare(const struct ood_sample *id, const struct ood_sample *ood,
			       const struct ood_conventions *by);
/* The share of pairs of an ID and an OOD row whose scores are equal; weights do not count. */
double ood_share_of_ties(const struct ood_sample *id, const struct ood_sample *ood);
/* Computes OSCR, CCR and AURRA into *m. id: all ID rows; right: those classified correctly, perhaps none;
 * labelled: the number (or weight) of ID rows that have a label, above 0. */
void ood_compare_right(const struct ood_sample *id, const struct ood_sample *right, uint64_t labelled,
		       const struct ood_sample *ood, struct ood_metrics *m);

#ifdef __cplusplus
}
#endif
#endif
