/* SPDX-License-Identifier: MIT
 * Chooses columns and fills them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_table.h"
#include "report/report_table.h"

enum { MAX_COLUMNS = 3 + 3 * REPORT_METRICS + 5, CELL = 64 };

const char *report_metric_key(int metric)
{
	return metric == REPORT_ID_ACC ? "id_acc" : metric == REPORT_ECE ? "ece" : ood_metric_names[metric].key;
}

static const char *head(int metric)
{
	return metric == REPORT_ID_ACC ? "ID-ACC" : metric == REPORT_ECE ? "ECE" : ood_metric_names[metric].head;
}

static const char *meaning(int metric)
{
	return metric == REPORT_ID_ACC ? "share of the labelled ID rows that are classified right" :
	       metric == REPORT_ECE    ? "expected calibration error of the labelled ID rows' softmax, 15 bins; "
					 "from the column msp of ood-score" :
					 ood_metric_names[metric].meaning;
}

static bool shows(const struct report *r, int metric)
{
	for (int i = 0; i < r->n_shown; i++)
		if (r->shown[i] == metric)
			return true;
	return false;
}

static int choose_one(struct report *r, const char *word, struct err *err)
{
	int metric = 0;

	while (metric < REPORT_METRICS && strcmp(report_metric_key(metric), word) != 0)
		metric++;
	if (metric == REPORT_METRICS)
		return err_fail(err, "'%s' is not a metric; --show all --explain lists them", word);
	if (shows(r, metric))
		return err_fail(err, "'%s' appears twice", word);
	r->shown[r->n_shown++] = metric;
	return 0;
}

int report_choose(struct report *r, const char *list, struct err *err)
{
	char *copy = strdup(list ? list : "auroc,aupr_in,aupr_out,fpr95,id_acc"), *rest = copy, *word;
	int rc = copy ? 0 : err_memory(err);

	r->n_shown = 0;
	if (list && strcmp(list, "all") == 0) {
		for (int k = 0; k < REPORT_METRICS; k++)
			r->shown[r->n_shown++] = k;
	} else {
		while (rc == 0 && (word = strsep(&rest, ",")) != NULL)
			rc = choose_one(r, word, err);
	}
	free(copy);
	return rc;
}

bool report_shows_right(const struct report *r)
{
	for (int i = 0; i < r->n_shown; i++)
		if (r->shown[i] >= OOD_OSCR && r->shown[i] < OOD_N_METRICS)
			return true;
	return false;
}

void report_rules(struct report *r, const struct ood_conventions *by)
{
	static const char *const fpr[] = {
		[OOD_FPR_NEAREST] = "nearest", [OOD_FPR_FIRST] = "first", [OOD_FPR_OPENOOD] = "openood"
	};
	const bool aupr = shows(r, OOD_AUPR_IN) || shows(r, OOD_AUPR_OUT);
	struct err text = { 0 };
	char number[CELL];

	if (shows(r, OOD_FPR95) && by->fpr != OOD_FPR_NEAREST)
		err_append(&text, " fpr=%s", fpr[by->fpr]);
	if (aupr && by->trapezoid)
		err_append(&text, " aupr=trapezoid");
	if (aupr && by->prevalence > 0) {
		cli_number(number, by->prevalence);
		err_append(&text, " prevalence=%s", number);
	}
	snprintf(r->rules, sizeof r->rules, "%.*s", (int)sizeof r->rules - 1, *text.text ? text.text + 1 : "");
}

bool report_is_printable(const char *s)
{
	while (*s && (unsigned char)*s >= ' ' && *s != 127)
		s++;
	return !*s;
}

/* ---- columns and cells ----------------------------------------------------------------------- */

struct table {
	struct cli_column column[MAX_COLUMNS];
	char text[MAX_COLUMNS][CELL], key[MAX_COLUMNS][CELL];
	const char *cell[MAX_COLUMNS];
	size_t n;
};

/* Adds a column; the cell is text, or NULL. */
static void add(struct table *t, const char *h, const char *k, const char *suffix, int width, const char *cell)
{
	snprintf(t->key[t->n], CELL, "%s%s", k, suffix);
	t->column[t->n] = (struct cli_column){ h, t->key[t->n], width };
	t->cell[t->n++] = cell;
}

/* Adds a column of words; `longest` is the longest of them, or NULL. */
static void add_words(struct table *t, const char *name, int width, const char *cell, const char *longest)
{
	add(t, name, name, "", -width, cell);
	cli_column_widen(&t->column[t->n - 1], longest);
}

/* A share: percent with two decimals for people; all significant digits for programs. NaN: NULL. */
static const char *share(const struct report *report, char text[CELL], double v)
{
	if (isnan(v))
		return NULL;
	if (cli_format_is_for_people(report->format))
		snprintf(text, CELL, "%.2f", 100 * v);
	else
		cli_number(text, v);
	return text;
}

static double value(const struct report_row *r, int metric)
{
	const struct ood_scores *id = r->id;

	if (metric == REPORT_ECE)
		return id->ece;
	if (metric == REPORT_ID_ACC)
		return id->labelled ? (double)id->n_right / (double)id->labelled : NAN;
	return r->result->m.v[metric];
}

/* Adds a metric with its interval: one cell for people, three for programs. r NULL: only headings. */
static void add_metric(struct table *t, const struct report *report, const struct report_row *r, int metric)
{
	bool people = cli_format_is_for_people(report->format);
	bool interval = report->intervals && metric < OOD_N_METRICS;
	double low = r && interval ? r->result->low.v[metric] : NAN;
	double high = r && interval ? r->result->high.v[metric] : NAN;
	int width = (int)strlen(head(metric)) > 6 ? (int)strlen(head(metric)) : 6;
	size_t at = t->n;
	const char *cell = r ? share(report, t->text[at], value(r, metric)) : NULL;

	if (people && interval) {
		if (cell && !isnan(low)) {
			size_t len = strlen(t->text[at]);
			snprintf(t->text[at] + len, CELL - len, " [%.2f %.2f]", 100 * low, 100 * high);
		}
		width = width > 22 ? width : 22;
	}
	add(t, head(metric), report_metric_key(metric), "", width, cell);
	if (people || !interval)
		return;
	add(t, head(metric), report_metric_key(metric), "_low", width, share(report, t->text[t->n], low));
	add(t, head(metric), report_metric_key(metric), "_high", width, share(report, t->text[t->n], high));
}

/* In which direction the AUROC differs from the baseline's, if significantly so at level 1 - confidence. */
static const char *verdict(const struct ood_result *result, double alpha, double than)
{
	if (isnan(result->p))
		return NULL;
	return result->p > alpha ? "same" : result->m.v[OOD_AUROC] > than ? "better" : "worse";
}

static void add_test(struct table *t, const struct report *report, const struct report_row *r)
{
	const char *p = NULL;

	if (r && !isnan(r->result->p)) {
		if (cli_format_is_for_people(report->format))
			snprintf(t->text[t->n], CELL, "%.2g", r->result->p);
		else
			cli_number(t->text[t->n], r->result->p);
		p = t->text[t->n];
	}
	add(t, "P", "p", "", 8, p);
	add(t, "VERSUS", "versus", "", -8,
	    !r          ? NULL :
	    r->baseline ? "baseline" :
			  verdict(r->result, 1 - report->confidence, r->versus));
}

static void add_sizes(struct table *t, const struct report_row *r)
{
	if (r)
		snprintf(t->text[t->n], CELL, "%zu", r->id->n);
	add(t, "N-ID", "n_id", "", 8, t->text[t->n]);
	if (r && r->n_ood)
		snprintf(t->text[t->n], CELL, "%zu", r->n_ood);
	add(t, "N-OOD", "n_ood", "", 8, r && r->n_ood ? t->text[t->n] : NULL);
}

/* All columns, with the row's cells; r NULL: only headings. */
static void fill(struct table *t, const struct report *report, const struct report_row *r)
{
	t->n = 0;
	if (report->label)
		add_words(t, "model", 16, report->label, report->label);
	add_words(t, "method", 20, r ? r->method : NULL, report->method);
	if (!report->summary)
		add_words(t, "set", 14, r ? r->set : NULL, report->set);
	for (int i = 0; i < report->n_shown; i++)
		add_metric(t, report, r, report->shown[i]);
	if (report->test)
		add_test(t, report, r);
	if (!report->summary)
		add_sizes(t, r);
	if (*report->rules && !cli_format_is_for_people(report->format))
		add_words(t, "rules", 16, report->rules, NULL);
}

void report_heading(const struct report *report)
{
	struct table t;

	fill(&t, report, NULL);
	if (!report->no_heading)
		cli_table_heading(report->f, report->format, t.column, t.n);
}

void report_print(const struct report *report, const struct report_row *row)
{
	struct table t;

	fill(&t, report, row);
	cli_table_row(report->f, report->format, t.column, t.n, t.cell);
}

/* ---- words ----------------------------------------------------------------------------------- */

void report_explain(const struct report *report, const char *baseline, size_t replicates)
{
	FILE *const f = report->f;

	fputs("\n", f);
	for (int i = 0; i < report->n_shown; i++)
		fprintf(f, "%-16s %s\n", head(report->shown[i]), meaning(report->shown[i]));
	fputs("average          mean over the OOD sets, all of one weight; near and far: over those so marked\n", f);
	fputs("pooled           all OOD sets as one, so that large ones weigh more\n", f);
	if (replicates)
		fprintf(f, "[low high]       %g %% of %zu resamplings of ID and of OOD rows lie between\n",
			100 * report->confidence, replicates);
	else if (report->intervals)
		fprintf(f, "[low high]       %g %% interval of AUROC for other rows of the same kind (DeLong)\n",
			100 * report->confidence);
	if (baseline)
		fprintf(f,
			"P, VERSUS        whether AUROC differs from that of %s on the same rows (DeLong's paired\n"
			"                 test; P after Holm's correction over the methods), at %g %%\n",
			baseline, 100 * (1 - report->confidence));
	fputs("Intervals and tests know of other rows, not of another training: compare several seeds for that.\n", f);
}
