/* SPDX-License-Identifier: MIT
 * False discovery rates: the procedure against its definition, and the promise by simulation. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_fdr.h"
#include "ts/ts_rng.h"
#include "../tap.h"

enum { CALIBRATION = 199, BATCH = 100, ROUNDS = 1500 };

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* As Benjamini and Hochberg write it: sort the p-values, find the largest k with p_(k) <= q k / m. */
static void by_definition(const double *cal, size_t n, const double *s, size_t m, double q, uint8_t *flag)
{
	double p[BATCH], sorted[BATCH], most = -1;

	for (size_t i = 0; i < m; i++) {
		size_t count = 1;
		for (size_t k = 0; k < n; k++)
			count += cal[k] <= s[i];
		p[i] = sorted[i] = (double)count / (double)(n + 1);
	}
	qsort(sorted, m, sizeof *sorted, ascending);
	for (size_t k = 1; k <= m; k++)
		if (sorted[k - 1] <= q * (double)k / (double)m + 1e-12)
			most = sorted[k - 1];
	for (size_t i = 0; i < m; i++)
		flag[i] = p[i] <= most;
}

/* n scores, the first `far` of them OOD, that is, lower. grid > 0: rounded to it, so that there are ties. */
static void draw(struct ts_rng *rng, double *v, size_t n, size_t far, double by, double grid)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = ts_rng_normal(rng) - (i < far ? by : 0);
		if (grid > 0)
			v[i] = grid * floor(v[i] / grid);
	}
}

static void definition(void)
{
	struct ts_rng rng = ts_rng_new(23, 0);
	double cal[CALIBRATION], s[BATCH];
	uint8_t got[BATCH], want[BATCH];
	int same = 0, flagged = 0;

	for (int i = 0; i < 300; i++) {
		const size_t n = 1 + ts_rng_below(&rng, CALIBRATION), m = 1 + ts_rng_below(&rng, BATCH);
		const double q = 0.05 + 0.3 * (double)(i % 5) / 4, grid = i % 2 ? 0.5 : 0;
		draw(&rng, cal, n, 0, 0, grid);
		draw(&rng, s, m, m / 2, 3, grid);
		qsort(cal, n, sizeof *cal, ascending);
		by_definition(cal, n, s, m, q, want);
		same += ood_fdr(cal, n, s, m, q, got) == 0 && memcmp(got, want, m) == 0;
		for (size_t k = 0; k < m; k++)
			flagged += want[k];
	}
	ok(same == 300 && flagged > 3000, "%d of 300 batches as by definition, %d rows flagged", same, flagged);
	ok(ood_fdr(cal, 3, s, 0, 0.1, got) == 0, "a batch without rows");
}

/* The mean share of ID rows among the flagged ones, and of OOD rows that are flagged. */
static double simulate(size_t far, double q, double grid, double *power)
{
	struct ts_rng rng = ts_rng_new(2023, far);
	double cal[CALIBRATION], s[BATCH], share = 0;
	uint8_t flag[BATCH];

	*power = 0;
	for (int i = 0; i < ROUNDS; i++) {
		size_t wrong = 0, right = 0;
		draw(&rng, cal, CALIBRATION, 0, 0, grid);
		draw(&rng, s, BATCH, far, 3, grid);
		qsort(cal, CALIBRATION, sizeof *cal, ascending);
		if (ood_fdr(cal, CALIBRATION, s, BATCH, q, flag) < 0)
			return NAN;
		for (size_t k = 0; k < BATCH; k++)
			*(k < far ? &right : &wrong) += flag[k];
		share += wrong ? (double)wrong / (double)(wrong + right) / ROUNDS : 0;
		*power += far ? (double)right / (double)far / ROUNDS : 0;
	}
	return share;
}

/* The promise is q times the share of ID rows. Three standard errors of these means are below 0.02. */
static void promise(void)
{
	double power, fdr = simulate(50, 0.2, 0, &power);

	ok(fdr <= 0.1 + 0.01 && fdr > 0.06 && power > 0.8, "half OOD, q 0.2: %.3f of the flagged are ID, %.2f found",
	   fdr, power);
	fdr = simulate(10, 0.2, 0, &power);
	ok(fdr <= 0.18 + 0.02 && fdr > 0.1, "a tenth OOD, q 0.2: %.3f of the flagged are ID, %.2f found", fdr, power);
	fdr = simulate(0, 0.2, 0, &power);
	ok(fdr <= 0.2 + 0.02 && fdr > 0.02, "no OOD at all: %.3f of the batches have a flagged row", fdr);
	fdr = simulate(50, 0.2, 0.5, &power);
	ok(fdr <= 0.1 + 0.01 && power > 0.5, "with ties: %.3f of the flagged are ID, %.2f found", fdr, power);
}

int main(void)
{
	definition();
	promise();
	return done();
}
