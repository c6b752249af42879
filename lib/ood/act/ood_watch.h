/* SPDX-License-Identifier: MIT
 *
 * ood_watch: has a stream of scores left the distribution of a reference sample? A sequential test that may check after
 * every row, for ever: while the reference and the rows are independent draws from one distribution, whichever it is,
 * the probability that it ever raises the alarm is at most alpha.
 *
 * A row's score z is ranked among the m kept scores, ties broken at random: p = (number
 * below z + u (number equal to z + 1)) / (m + 1). Then z joins them, and one of the m + 1, drawn uniformly by rank, is
 * dropped: it may be z. Why this keeps the promise:
 *
 *   Let Q be the m + 1 scores once z has joined. Given Q, the rank dropped, and all later rows, z is equally likely to
 *   be any of Q, as all were drawn from one distribution and the ones kept were chosen without regard to order. So p is
 *   uniform on (0, 1), given everything that later p are computed from (the kept scores, later rows, later draws).
 *   Hence all p are independent and uniform, exactly and for ever.
 *   A fixed reference (p independent only given it, and never quite uniform), or one that drops its oldest score, does
 *   not have this property.
 *
 * (For a reference that grows without bound this is Vovk, Nouretdinov, Gammerman, "Testing
 * exchangeability on-line", ICML 2003.) Evidence is bet against uniformity: a bettor that starts
 * before row k has the capital W(k,n) = product of f(p_i) over i = k..n, where f >= 0 integrates to 1, and
 *
 *	M(n) = sum over k <= n of (k^-1/2 - (k+1)^-1/2) W(k,n) + (n+1)^-1/2
 *
 * averages over all starts, including future ones. M is a martingale that starts at 1, so it ever
 * reaches 1 / alpha with probability at most alpha (Ville 1939). The sum over starts, after Shiryaev
 * and Roberts (for conformal p: Volkhonskiy et al., "Inductive conformal martingales for change-point
 * detection", COPA 2017; Vovk, "Testing randomness online", Statistical Science 2021; for mixtures
 * that keep Ville's bound: Shin, Ramdas, Rinaldo, "E-detectors", 2022), makes a change at row N cost
 * 1.5 log N more evidence, where a single bettor from row 1 would have lost everything by then. f is a mixture of
 * 1 - l + l e p^(e-1) (the power bets of the 2003 paper, diluted by l for a change that only some
 * rows show): e of 0.2, 0.5, 0.8 and l of 0.1, 0.4, 1, each with a capital of its own.
 *
 * What it cannot see: rows that depend on each other (sorted by class, frames of a film) break the promise, and a
 * change must show within about m rows, because the reference follows: after t rows, the share (1 - 1/(m+1))^t of it is
 * old. So it sees steps, not slow drifts.
 *
 * A row costs O(log m) comparisons and a move of at most 8 m bytes.
 */
#ifndef OOD_WATCH_H
#define OOD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts_rng.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_WATCH_BETS = 9 };
/* A reference of fewer rows may never show a change, however large: it has become like the new rows before there is
 * evidence. With alpha 0.01, of 20 steps by 30 standard deviations after 1,000 rows a reference of 30 rows showed 4,
 * one of 50 rows 19, one of 100 rows all; after 20,000 rows 3, 14, and all. */
enum { OOD_WATCH_FEW = 100 };
/* Are `rows` so few? Then words is a line that warns of it; name: the reference's file, what: "a reference". */
bool ood_watch_few(size_t rows, const char *name, const char *what, struct err *words);

struct ood_watch {
	double *kept; /* (m), sorted */
	size_t m;
	bool both;
	double alpha;
	struct ts_rng rng;
	uint64_t rows;                      /* rows seen since init or reset */
	double p;                           /* of the last row */
	double evidence;                    /* M */
	double capital[2 * OOD_WATCH_BETS]; /* sum over starts, per bet; those on high scores after those on low ones */
	double since_best[2 * OOD_WATCH_BETS]; /* W of the best start, per bet */
	uint64_t start[2 * OOD_WATCH_BETS];    /* that start */
};

/* Begins. reference: m >= 1 scores, copied, no NaN. alpha: above 0 and below 1. both: look for scores
 * that are too high as well as too low. -1: out of memory. */
int ood_watch_init(struct ood_watch *w, const double *reference, size_t m, double alpha, bool both, uint64_t seed)
	__attribute__((warn_unused_result));
void ood_watch_release(struct ood_watch *w);
/* Rounds the reference to floats, for rows that are floats: its text reads as other doubles, which would not tie. */
void ood_watch_round(struct ood_watch *w);
/* Takes the next row's score, not NaN. Returns true if the evidence is now 1 / alpha or more. */
bool ood_watch_row(struct ood_watch *w, double score);
/* The row, counted from 0 since init or reset, of the largest W: an estimate of where the change was. Needs at least
 * one row. */
uint64_t ood_watch_since(const struct ood_watch *w);
/* Begins a new test with the scores kept now. The p of all rows are independent, so the tests are, too: each has its
 * own alpha. */
void ood_watch_reset(struct ood_watch *w);

#ifdef __cplusplus
}
#endif
#endif
