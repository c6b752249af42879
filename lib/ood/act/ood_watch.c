/* SPDX-License-Identifier: MIT
 * The sequential test: ranks, bets, capital. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_watch.h"

static const double powers[] = { 0.2, 0.5, 0.8 }, shares[] = { 0.1, 0.4, 1 };
enum { N_POWERS = 3, N_SHARES = 3 };
_Static_assert(N_POWERS *N_SHARES == OOD_WATCH_BETS, "one bet per pair");

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int ood_watch_init(struct ood_watch *w, const double *reference, size_t m, double alpha, bool both, uint64_t seed)
{
	*w = (struct ood_watch){ .m = m, .both = both, .alpha = alpha, .rng = ts_rng_new(seed, 0) };
	w->kept = malloc(m * sizeof *w->kept);
	if (!w->kept)
		return -1;
	memcpy(w->kept, reference, m * sizeof *w->kept);
	qsort(w->kept, m, sizeof *w->kept, by_value);
	ood_watch_reset(w);
	return 0;
}

void ood_watch_release(struct ood_watch *w)
{
	free(w->kept);
	*w = (struct ood_watch){ 0 };
}

bool ood_watch_few(size_t rows, const char *name, const char *what, struct err *words)
{
	if (rows >= OOD_WATCH_FEW)
		return false;
	err_fail(words, "'%s': %zu rows are few for %s: a change may never be seen; give %d or more", name, rows, what,
		 OOD_WATCH_FEW);
	return true;
}

void ood_watch_round(struct ood_watch *w)
{
	for (size_t i = 0; i < w->m; i++)
		w->kept[i] = (double)(float)w->kept[i];
}

void ood_watch_reset(struct ood_watch *w)
{
	w->rows = 0;
	w->evidence = 1;
	memset(w->capital, 0, sizeof w->capital);
	memset(w->since_best, 0, sizeof w->since_best);
	memset(w->start, 0, sizeof w->start);
}

/* How many kept scores are below z, or (or_equal) not above it. */
static size_t count(const struct ood_watch *w, double z, bool or_equal)
{
	size_t lo = 0, hi = w->m;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (w->kept[mid] < z || (or_equal && w->kept[mid] == z))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Inserts z at rank `at` and drops rank `gone`: only the scores between the two move. */
static void exchange(struct ood_watch *w, double z, size_t at, size_t gone)
{
	double *k = w->kept;

	if (gone > at)
		memmove(k + at + 1, k + at, (gone - at - 1) * sizeof *k);
	else if (gone < at)
		memmove(k + gone, k + gone + 1, (at - gone - 1) * sizeof *k);
	else
		return;
	k[gone > at ? at : at - 1] = z;
}

/* Places every bet on a small p: adds to each capital the share that starts now, then multiplies it by f(p), f = 1 - l
 * + l e p^(e-1). Returns their sum. */
static double bet(struct ood_watch *w, size_t first, double p, double start)
{
	double sum = 0, log_p = log(p);

	for (size_t i = 0; i < OOD_WATCH_BETS; i++) {
		size_t k = first + i;
		double e = powers[i / N_SHARES], l = shares[i % N_SHARES];
		double f = 1 - l + l * e * exp((e - 1) * log_p);
		if (w->since_best[k] <= 1) {
			w->since_best[k] = 1;
			w->start[k] = w->rows;
		}
		w->since_best[k] *= f;
		w->capital[k] = (w->capital[k] + start) * f;
		sum += w->capital[k];
	}
	return sum;
}

bool ood_watch_row(struct ood_watch *w, double score)
{
	double u = ((double)(ts_rng_u64(&w->rng) >> 12) + 0.5) * 0x1p-52; /* neither 0 nor 1 */
	size_t below = count(w, score, false), upto = count(w, score, true);
	double equal = (double)(upto - below) + 1, all = (double)w->m + 1;
	double k = (double)w->rows + 1, a = sqrt(k), b = sqrt(k + 1);
	double start = 1 / (a * b * (a + b)); /* 1 / a - 1 / b */

	w->p = ((double)below + u * equal) / all;
	if (w->both)
		start /= 2;
	start /= OOD_WATCH_BETS;
	w->evidence = bet(w, 0, w->p, start) + 1 / b;
	if (w->both) /* 1 - p, without its rounding to 0 */
		w->evidence += bet(w, OOD_WATCH_BETS, ((double)(w->m - upto) + (1 - u) * equal) / all, start);
	exchange(w, score, below, (size_t)ts_rng_below(&w->rng, w->m + 1));
	w->rows++;
	return w->evidence * w->alpha >= 1;
}

uint64_t ood_watch_since(const struct ood_watch *w)
{
	size_t best = 0;

	for (size_t k = 1; k < (w->both ? 2 : 1) * OOD_WATCH_BETS; k++)
		if (w->since_best[k] > w->since_best[best])
			best = k;
	return w->start[best];
}
