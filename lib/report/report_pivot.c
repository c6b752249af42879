/* SPDX-License-Identifier: MIT
 * Methods by sets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_operands.h"
#include "report/report_pivot.h"

enum { CELL = 96 };
enum mark { PLAIN, BEST, SECOND };

struct pivot {
	const struct report_pivot *p;
	const struct report_cell **at;  /* (rows, sets); NULL: no such cell */
	const struct report_cell **row; /* (rows): one cell of each row, for its names */
	const char **set;               /* (sets) */
	size_t rows, sets;
	int model, method;  /* width of these columns */
	bool models, seeds; /* some cell has a model; has several numbers */
	bool averages;      /* are in the table beside the sets */
};

static bool lower_is_better(const char *metric)
{
	return strncmp(metric, "fpr", 3) == 0 || strcmp(metric, "detection_error") == 0 ||
	       strcmp(metric, "autc") == 0 || strcmp(metric, "ece") == 0;
}

static const char *head_of(const char *metric)
{
	for (int k = 0; k < OOD_N_METRICS; k++)
		if (strcmp(ood_metric_names[k].key, metric) == 0)
			return ood_metric_names[k].head;
	return metric;
}

/* ---- rows and columns ------------------------------------------------------------------------ */

static bool is_shown(const struct pivot *t, const char *set)
{
	return report_is_average(set) ? t->p->summary || t->averages : !t->p->summary;
}

static size_t find_row(const struct pivot *t, const struct report_cell *c)
{
	size_t i = 0;

	while (i < t->rows && (strcmp(t->row[i]->model, c->model) != 0 || strcmp(t->row[i]->method, c->method) != 0))
		i++;
	return i;
}

static size_t find_set(const struct pivot *t, const char *set)
{
	size_t i = 0;

	while (i < t->sets && strcmp(t->set[i], set) != 0)
		i++;
	return i;
}

static void release(struct pivot *t)
{
	free(t->at);
	free(t->row);
	free(t->set);
}

static int wider(int width, const char *text)
{
	return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static int arrange(struct pivot *t, const struct report_pivot *p, struct err *err)
{
	size_t own = 0;

	*t = (struct pivot){ .p = p,
			     .model = 16,
			     .method = 20,
			     .row = malloc((p->n + 1) * sizeof *t->row),
			     .set = malloc((p->n + 1) * sizeof *t->set) };
	if (!t->row || !t->set)
		return err_memory(err);
	for (size_t i = 0; i < p->n; i++) {
		const struct report_cell *c = &p->cell[i];
		if (find_row(t, c) == t->rows)
			t->row[t->rows++] = c;
		if (find_set(t, c->set) == t->sets) {
			t->set[t->sets++] = c->set;
			own += report_is_set(c->set);
		}
		t->models |= *c->model != '\0';
		t->model = wider(t->model, c->model);
		t->method = wider(t->method, c->method);
		t->seeds |= c->n > 1;
	}
	t->averages = report_has_averages(own, p->format);
	if (!(t->at = calloc(t->rows * t->sets + 1, sizeof *t->at)))
		return err_memory(err);
	for (size_t i = 0; i < p->n; i++)
		t->at[find_row(t, &p->cell[i]) * t->sets + find_set(t, p->cell[i].set)] = &p->cell[i];
	return 0;
}

double report_mean(const double *v, size_t n, size_t ddof, double *std)
{
	double sum = 0, squares = 0, mean;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (v[i] - mean) * (v[i] - mean);
	*std = n > ddof ? sqrt(squares / (double)(n - ddof)) : NAN;
	return mean;
}

/* Mean of metric number k of the cell, and its deviation over the seeds; NaN: unknown. */
static double mean_of(const struct pivot *t, const struct report_cell *c, size_t k, double *std)
{
	double mean;

	*std = NAN;
	if (!c || c->n == 0)
		return NAN;
	mean = report_mean(c->v[t->p->at[k]], c->n, t->p->ddof, std);
	if (c->n == 1)
		*std = NAN; /* one seed, whatever ddof is */
	return mean;
}

/* A number as people see it: in hundredths of a percent, signed so that more is better. */
static double seen(const struct pivot *t, size_t row, size_t set, size_t k)
{
	double std, v = mean_of(t, t->at[row * t->sets + set], k, &std);

	v = nearbyint(1e4 * v);
	return isnan(v) ? -INFINITY : lower_is_better(t->p->metric[k]) ? -v : v;
}

/* Numbers that look the same get the same mark. */
static enum mark mark_of(const struct pivot *t, size_t row, size_t set, size_t k)
{
	const double own = seen(t, row, set, k);
	double best = -INFINITY, second = -INFINITY;

	if (t->rows < 2 || isinf(own) || !cli_format_is_for_people(t->p->format))
		return PLAIN;
	for (size_t r = 0; r < t->rows; r++)
		best = fmax(best, seen(t, r, set, k));
	for (size_t r = 0; r < t->rows; r++) {
		double v = seen(t, r, set, k);
		second = v < best ? fmax(second, v) : second;
	}
	return own == best ? BEST : own == second ? SECOND : PLAIN;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void show(char to[CELL], const struct pivot *t, double mean, double std, enum mark mark)
{
	static const char *const before[][3] = { [CLI_TEXT] = { "", "", "" },
						 [CLI_MARKDOWN] = { "", "**", "<u>" },
						 [CLI_LATEX] = { "", "\\textbf{", "\\underline{" } };
	static const char *const behind[][3] = {
		[CLI_TEXT] = { " ", "*", "+" }, [CLI_MARKDOWN] = { "", "**", "</u>" }, [CLI_LATEX] = { "", "}", "}" }
	};
	const enum cli_format f = t->p->format;
	char spread[32] = "";

	if (!isnan(std))
		snprintf(spread, sizeof spread,
			 f == CLI_TEXT  ? " (%.2f)" :
			 f == CLI_LATEX ? " $\\pm$ %.2f" :
					  " ± %.2f",
			 100 * std);
	snprintf(to, CELL, "%s%.2f%s%s", before[f][mark], 100 * mean, behind[f][mark], spread);
}

/* The columns of a row; row == t->rows: the heading. */
struct line {
	struct cli_column *column;
	const char **cell;
	char (*text)[CELL], (*key)[256];
	size_t n;
};

static void add(struct line *l, const char *head, const char *key, int width, const char *cell)
{
	l->column[l->n] = (struct cli_column){ head, key, width };
	l->cell[l->n++] = cell;
}

static void add_number(struct line *l, const struct pivot *t, size_t row, size_t set, size_t k)
{
	const bool people = cli_format_is_for_people(t->p->format);
	const struct report_cell *c = row < t->rows ? t->at[row * t->sets + set] : NULL;
	const char *metric = t->p->metric[k];
	double std, mean = mean_of(t, c, k, &std);
	size_t at = l->n;

	if (people && t->p->n_metrics == 1)
		snprintf(l->key[at], sizeof *l->key, "%s", t->set[set]);
	else if (people)
		snprintf(l->key[at], sizeof *l->key, "%s %s", t->set[set], head_of(metric));
	else
		snprintf(l->key[at], sizeof *l->key, "%s.%s", t->set[set], metric);
	if (people && !isnan(mean))
		show(l->text[at], t, mean, std, mark_of(t, row, set, k));
	else
		cli_number(l->text[at], mean);
	int width = (int)strlen(l->key[at]), least = t->seeds ? 14 : 7;
	add(l, l->key[at], l->key[at], width > least ? width : least, isnan(mean) ? NULL : l->text[at]);
	if (people || !t->seeds)
		return;
	at = l->n;
	snprintf(l->key[at], sizeof *l->key, "%s.%s_std", t->set[set], metric);
	cli_number(l->text[at], std);
	add(l, l->key[at], l->key[at], 8, isnan(std) ? NULL : l->text[at]);
}

static void fill(struct line *l, const struct pivot *t, size_t row)
{
	const struct report_cell *c = row < t->rows ? t->row[row] : NULL;

	l->n = 0;
	if (t->models)
		add(l, "model", "model", -t->model, c ? c->model : NULL);
	add(l, "method", "method", -t->method, c ? c->method : NULL);
	for (size_t s = 0; s < t->sets; s++)
		for (size_t k = 0; k < t->p->n_metrics && is_shown(t, t->set[s]); k++)
			add_number(l, t, row, s, k);
}

static int print_rows(const struct pivot *t, struct err *err)
{
	const size_t most = 2 + 2 * t->sets * t->p->n_metrics;
	struct line l = { calloc(most, sizeof *l.column), calloc(most, sizeof *l.cell), calloc(most, sizeof *l.text),
			  calloc(most, sizeof *l.key), 0 };
	int rc = l.column && l.cell && l.text && l.key ? 0 : err_memory(err);

	for (size_t row = 0; row <= t->rows && rc == 0; row++) {
		fill(&l, t, row == 0 ? t->rows : row - 1);
		if (row == 0)
			cli_table_heading(t->p->f, t->p->format, l.column, l.n);
		else
			cli_table_row(t->p->f, t->p->format, l.column, l.n, l.cell);
	}
	if (rc == 0)
		cli_table_end(t->p->f, t->p->format);
	free(l.column);
	free(l.cell);
	free(l.text);
	free(l.key);
	return rc;
}

/* ---- the sentence ---------------------------------------------------------------------------- */

/* The row that is best in the first metric on set s, not counting `but`; rows: none. */
static size_t best_row(const struct pivot *t, size_t s, size_t but)
{
	size_t best = t->rows;
	double std, top = -INFINITY;

	for (size_t r = 0; r < t->rows; r++) {
		double v = mean_of(t, t->at[r * t->sets + s], 0, &std);
		v = lower_is_better(t->p->metric[0]) ? -v : v;
		if (r != but && !isnan(v) && (best == t->rows || v > top)) {
			best = r;
			top = v;
		}
	}
	return best;
}

/* The difference of two cells in the first metric, signed so that more is better, and its deviation over the seeds. */
static double difference(const struct pivot *t, const struct report_cell *a, const struct report_cell *b, double *std)
{
	const double sign = lower_is_better(t->p->metric[0]) ? -1 : 1;
	double s[2], d = sign * (mean_of(t, a, 0, &s[0]) - mean_of(t, b, 0, &s[1])), squares = 0;

	*std = NAN;
	if (isnan(d) || a->n != t->p->seeds || b->n != t->p->seeds || a->n < 2)
		return d;
	for (size_t i = 0; i < a->n; i++) {
		double own = sign * (a->v[t->p->at[0]][i] - b->v[t->p->at[0]][i]);
		squares += (own - d) * (own - d);
	}
	*std = sqrt(squares / ((double)a->n - (double)t->p->ddof));
	return d;
}

static void name_row(const struct pivot *t, size_t r)
{
	fprintf(t->p->f, "%s%s%s", t->row[r]->model, t->models ? " " : "", t->row[r]->method);
}

/* Prints nothing if neither is better. */
static void say(const struct pivot *t, size_t a, size_t b, size_t average)
{
	double std, d = difference(t, t->at[a * t->sets + average], t->at[b * t->sets + average], &std), own;
	size_t of = 0, wins = 0;

	if (!(d > 0))
		return;
	for (size_t s = 0; s < t->sets; s++) {
		if (!report_is_set(t->set[s]))
			continue;
		double by = difference(t, t->at[a * t->sets + s], t->at[b * t->sets + s], &own);
		of += isnan(by) ? 0 : 1;
		wins += by > 0;
	}
	fprintf(t->p->f, t->p->format == CLI_LATEX ? "%% " : "\n");
	name_row(t, a);
	fprintf(t->p->f, " beats ");
	name_row(t, b);
	fprintf(t->p->f, isnan(std) ? " by %.1f" : " by %.1f ± %.1f", 100 * d, 100 * std);
	fprintf(t->p->f, " points of %s", head_of(t->p->metric[0]));
	if (of)
		fprintf(t->p->f, ", on %zu of %zu sets", wins, of);
	fprintf(t->p->f, ".%s\n", t->p->format == CLI_TEXT ? " * best, + second of a column." : "");
}

static int find_baseline(const struct pivot *t, size_t *ret, struct err *err)
{
	const char *name = t->p->baseline ? t->p->baseline : "msp";

	for (*ret = 0; *ret < t->rows; ++*ret)
		if (strcmp(t->row[*ret]->method, name) == 0)
			return 0;
	*ret = 0;
	return t->p->baseline ? err_fail(err, "--baseline: unknown method '%s'", name) : 0;
}

/* Compares the method that is best on average with the baseline; or, if that is the best, with the second best. */
static void close_with(const struct pivot *t, size_t base)
{
	size_t average = find_set(t, report_groups[REPORT_ALL]);

	if (average == t->sets || t->rows < 2 || !cli_format_is_for_people(t->p->format))
		return;
	size_t best = best_row(t, average, t->rows), other = base == best ? best_row(t, average, best) : base;
	if (best < t->rows && other < t->rows)
		say(t, best, other, average);
}

int report_pivot(const struct report_pivot *p, struct err *err)
{
	struct pivot t;
	size_t base;
	int rc = arrange(&t, p, err);

	if (rc == 0)
		rc = find_baseline(&t, &base, err);
	if (rc == 0)
		rc = print_rows(&t, err);
	if (rc == 0)
		close_with(&t, base);
	release(&t);
	return rc;
}
