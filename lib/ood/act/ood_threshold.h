/* SPDX-License-Identifier: MIT
 *
 * ood_threshold: from scores to verdicts. A score below its threshold is flagged as OOD; a score
 * equal to it is not. The threshold is an order statistic of the scores of n ID validation rows,
 * the k-th smallest, and k follows from the wanted false-alarm rate alpha (the share of ID rows flagged) and the
 * guarantee:
 *
 * CONFORMAL: k = floor(alpha (n + 1)). A new ID row is below the k-th smallest of n others with
 *	probability at most k / (n + 1) <= alpha, over the draw of all n + 1 (Papadopoulos et al.,
 *	"Inductive confidence machines for regression", ECML 2002; Vovk, Gammerman, Shafer,
 *	"Algorithmic learning in a random world", 2005, prop. 4.1).
 * BINOMIAL: the largest k with P(Bin(n, alpha) >= k) >= confidence. The rate at which ID rows fall
 *	below the k-th smallest is at most a Beta(k, n + 1 - k) variable, which is <= alpha with just that probability.
 *	So with that confidence, over the draw of the n rows, the rate on future rows is <= alpha (Vovk, "Conditional
 *	validity of inductive conformal predictors", ACML 2012, prop. 2a; the bound is Clopper and Pearson's,
 *	Biometrika 26, 1934).
 *
 * FDR: no threshold at all, but the n scores, against which ood_fdr.h judges all rows of a batch together. alpha is
 * then the false discovery rate. It needs as many rows as CONFORMAL does at the same alpha: with fewer, no row of any
 * batch could be flagged.
 *
 * All of them assume that future rows are drawn from the same distribution as the n, whatever it is. Ties only lower
 * the rates, as equal scores are not flagged.
 *
 * Thresholds are kept as a stream of kind "fit": a tensor for each column of scores, of the same name and type (<f4 or
 * <f8), of shape (1), or (classes) with one per predicted class; for FDR (rows), ascending, grouped by class if there
 * are thresholds per class. Meta:
 *	fit             "threshold"
 *	alpha           the wanted rate
 *	guarantee       "conformal", "binomial" or "fdr"
 *	confidence      for the binomial guarantee
 *	rows            ID rows in all
 *	class.rows      with a threshold per class: tensor <i8 (classes), the number of rows of each
 *	class.fallback  with a threshold per class: the number of classes that had too few rows and got the
 *	                threshold of all rows
 */
#ifndef OOD_THRESHOLD_H
#define OOD_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ood_guarantee { OOD_CONFORMAL, OOD_BINOMIAL, OOD_FDR };
extern const char *const ood_guarantee_names[OOD_FDR + 1];

struct ood_promise {
	enum ood_guarantee guarantee;
	double alpha;      /* wanted false-alarm rate, or false discovery rate, above 0 and below 1 */
	double confidence; /* of OOD_BINOMIAL, above 0 and below 1 */
};

/* P(Bin(n, p) < k), 0 < p < 1; O(sqrt(n)), good to about 1e-12 of its value. */
double ood_binomial_below(uint64_t n, double p, uint64_t k);
/* The k of above, at most n; 0: n rows are too few. alpha (n + 1) counts as whole if it is whole up to rounding: 0.29
 * of 100 is 29. */
uint64_t ood_promise_rank(const struct ood_promise *promise, uint64_t n);
/* The smallest n that is enough. */
uint64_t ood_promise_rows(const struct ood_promise *promise);

/* ---- thresholds of some columns ------------------------------------------------------------- */

/* A threshold is the score of a row. Of so many rows, how many are below it, how many others tie with it, and how many
 * more would be below it without ties; with a threshold for each class, sums over the classes that have their own. */
struct ood_at_threshold {
	uint64_t rows, below, tied, lost;
};

struct ood_threshold {
	struct ood_promise promise;
	struct ts_set set; /* <f4 or <f8 (1), (classes) or (rows), in the order of the columns */
	uint64_t rows;
	size_t classes;              /* 0: one threshold for all */
	int64_t *class_rows;         /* (classes) */
	struct ood_at_threshold *at; /* (set.n) with ood_threshold_fit(), but for OOD_FDR; otherwise NULL or zeros */
	size_t fallback;             /* classes with the threshold of all rows */
	struct ts_header header;     /* of the file that was loaded: its history and meta */
};

enum { OOD_THRESHOLD_PER_CLASS = 1 << 0, OOD_THRESHOLD_FALLBACK = 1 << 1 };

/* Reads the scores stream r to END and fills *t for its columns methods[0..n-1]. Retains 8 bytes per
 * row and column, and 8 per row. flags: PER_CLASS computes a threshold for each class of column `pred` (as many as meta
 * "classes" names, or as pred contains); FALLBACK gives classes with too few rows the threshold of all rows, which
 * promises the rate over all rows only. -1: r has failed and holds the reason: no such column, NaN, too few rows. The
 * caller releases *t either way. */
int ood_threshold_fit(struct ood_threshold *t, struct ts_reader *r, char *const *methods, size_t n,
		      const struct ood_promise *promise, unsigned flags) TS_CHECKED;
/* Writes *t as a whole stream: adds fields and meta to *h, of kind "fit", then begin, tensors,
 * finish. -1: w has failed, two columns have the same name, or out of memory. */
int ood_threshold_write(const struct ood_threshold *t, struct ts_header *h, struct ts_writer *w,
			struct err *err) TS_CHECKED;
/* Reads what ood_threshold_write() wrote. -1: err holds a line that names the file. The caller releases *t either way.
 * */
int ood_threshold_load(struct ood_threshold *t, const char *path, struct err *err) TS_CHECKED;
int ood_threshold_read(struct ood_threshold *t, struct ts_reader *r, struct err *err) TS_CHECKED;
void ood_threshold_release(struct ood_threshold *t);
/* How many numbers there are for each column of scores. */
size_t ood_threshold_numbers(const struct ood_threshold *t);

/* ---- their use: a column of verdicts per threshold ------------------------------------------- */

struct ood_verdict {
	const struct ood_threshold *t;
	size_t *score; /* (set.n) numbers of the columns of scores */
	size_t first;  /* number of the first column of verdicts; the others follow it */
	size_t pred;   /* with thresholds per class: that of the predicted classes */
};

/* Adds to *h, a header of scores, a column for each threshold: "verdict:COLUMN" (|u1, one per row: 1 flagged as
 * OOD, 0 not), and to its meta "verdict.alpha" and "verdict.guarantee"; makes *v for batches of that header. The caller
 * releases *v either way; t must outlive it. -1: no such column of scores, or no predicted classes for thresholds per
 * class; the column of verdicts already exists; out of memory. */
int ood_verdict_init(struct ood_verdict *v, const struct ood_threshold *t, struct ts_header *h,
		     struct err *err) TS_CHECKED;
void ood_verdict_release(struct ood_verdict *v);
/* Fills the columns of verdicts of b, a batch of such a header, from its scores and, with thresholds
 * per class, its `pred`; if the promise is OOD_FDR, b must hold all rows. As its scores are floats, thresholds of <f8,
 * which come from text, are rounded to floats. -1: err holds a line with the row's number (`row`: that of b's first): a
 * predicted class that has no threshold; or out of memory. */
int ood_verdict_rows(const struct ood_verdict *v, struct ts_batch *b, uint64_t row, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
