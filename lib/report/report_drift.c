/* SPDX-License-Identifier: MIT
 * Scores over time. */
#include <stdlib.h>

#include "num/num_sort.h"
#include "ood/act/ood_watch.h"
#include "report/report_drift.h"
#include "report/report_svg.h"

enum { WINDOWS = 50, LEAST = 20, LINES = 3 }; /* LEAST: minimum rows per window */
static const double percent[LINES] = { 95, 50, 5 };
static const char *const names[LINES] = { "95 % of the rows are below", "median", "5 % of the rows are below" };
/* ood-watch's default false-alarm probability, and its seed. */
static const double alpha = 0.01;

/* The index of a percentile in n sorted numbers. */
static size_t rank(size_t n, double p)
{
	return (size_t)((double)(n - 1) * p / 100);
}

/* order: numbers of the sorted rows. */
static double *in_order(const struct ood_sample *sorted, const uint32_t *order)
{
	double *v = malloc(sorted->n * sizeof *v);

	for (size_t k = 0; v && k < sorted->n; k++)
		v[order[k]] = ood_at(sorted, k);
	return v;
}

/* The row at which the alarm is raised, or n if it is not. SIZE_MAX: out of memory. */
static size_t alarm_at(const struct ood_sample *id, const double *v, size_t n)
{
	double *reference = malloc(id->n * sizeof *reference);
	struct ood_watch w = { 0 };
	size_t i = SIZE_MAX;

	for (size_t k = 0; reference && k < id->n; k++)
		reference[k] = ood_at(id, k);
	if (reference && ood_watch_init(&w, reference, id->n, alpha, false, 0) == 0)
		for (i = 0; i < n && !ood_watch_row(&w, v[i]); i++)
			;
	ood_watch_release(&w);
	free(reference);
	return i;
}

/* at (w): the middle row of each window; each y (w): its percentiles. v is reordered. */
static int take_windows(double *v, size_t n, size_t w, double *at, double *y[LINES])
{
	for (size_t i = 0; i < w; i++) {
		const size_t from = i * n / w, to = (i + 1) * n / w;

		if (num_sort_wide(v + from, to - from) < 0)
			return -1;
		at[i] = (double)(from + to) / 2;
		for (size_t k = 0; k < LINES; k++)
			y[k][i] = v[from + rank(to - from, percent[k])];
	}
	return 0;
}

static void put(FILE *f, const struct ood_sample *id, size_t n, size_t w, const double *at, double *const *y)
{
	const double ends[2] = { 0, (double)n };
	struct report_svg_line lines[2 * LINES];
	double level[LINES][2];

	for (size_t k = 0; k < LINES; k++) {
		level[k][0] = level[k][1] = ood_at(id, rank(id->n, percent[k]));
		lines[k] = (struct report_svg_line){ names[k], at, y[k], w };
		lines[LINES + k] = (struct report_svg_line){ "", ends, level[k], 2 };
	}
	fputs("<div class=\"plots\">\n", f);
	report_svg_lines(f, "scores as they came; straight: the ID set's", "row", lines, 2 * LINES);
	fputs("</div>\n", f);
}

int report_drift_put(FILE *f, const struct ood_scores *id, const struct ood_scores *rows, size_t m, struct err *err)
{
	const size_t n = rows->n, most = n / LEAST, w = most < 1 ? 1 : most > WINDOWS ? WINDOWS : most;
	double *v, *numbers = malloc((LINES + 1) * w * sizeof *numbers), *const at = numbers;
	struct ood_sample reference, came;
	double *y[LINES];
	size_t alarm;
	int rc = -1;

	ood_scores_pair(id, rows, m, &reference, &came);
	v = in_order(&came, rows->order[m]);
	alarm = v ? alarm_at(&reference, v, n) : SIZE_MAX;
	for (size_t k = 0; numbers && k < LINES; k++)
		y[k] = numbers + (k + 1) * w;
	if (alarm == SIZE_MAX || !numbers || take_windows(v, n, w, at, y) < 0) {
		err_memory(err);
		goto out;
	}
	put(f, &reference, n, w, at, y);
	fputs("<p>The test of ood-watch, whose probability of a false alarm is 1 %, ", f);
	if (alarm < n)
		fprintf(f, "raises the alarm at row %zu of %zu.</p>\n", alarm, n);
	else
		fprintf(f, "raises no alarm in these %zu rows.</p>\n", n);
	rc = 0;
out:
	free(v);
	free(numbers);
	return rc;
}
