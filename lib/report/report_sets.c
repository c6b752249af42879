/* SPDX-License-Identifier: MIT
 * Methods by sets, and their averages. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report_operands.h"
#include "report/report_pivot.h"
#include "report/report_sets.h"

/* of: (n_methods), for this set or average. */
static void print_row(const struct report *r, const struct report_sets *s, const char *set, const struct ood_result *of,
		      size_t m, size_t n_ood)
{
	report_print(r, &(struct report_row){ s->methods[m], set, &of[m], s->id, n_ood,
					      s->baseline && m == s->baseline_at, of[s->baseline_at].m.v[OOD_AUROC] });
}

/* The averages of the existing groups, and the pool: (OOD_MAX_GROUPS + 1, n_methods). */
static int average(const struct report_sets *s, struct ood_result *to)
{
	for (int g = 0; g < OOD_MAX_GROUPS; g++)
		if (ood_eval_group_size(s->eval, g) && ood_eval_group(s->eval, g, to + (size_t)g * s->n_methods) < 0)
			return -1;
	if (s->pool &&
	    (ood_scores_sort(s->pool) < 0 || ood_eval_set(s->eval, s->pool, 0, to + OOD_MAX_GROUPS * s->n_methods) < 0))
		return -1;
	return 0;
}

static const char *longer(const char *a, const char *b)
{
	return !a || strlen(b) > strlen(a) ? b : a;
}

/* Sets columns wide enough for every name. */
static struct report with_room(const struct report *r, const struct report_sets *s)
{
	struct report wide = *r;

	for (size_t m = 0; m < s->n_methods; m++)
		wide.method = longer(wide.method, s->methods[m]);
	for (size_t k = 0; k < s->n_sets; k++)
		wide.set = longer(wide.set, s->sets[k].name);
	return wide;
}

static void print_all(const struct report *r, const struct report_sets *s, const struct ood_result *averages)
{
	const size_t n = s->n_methods;
	const bool averages_too = r->summary || report_has_averages(s->n_sets, r->format);

	report_heading(r);
	for (size_t m = 0; m < n; m++) {
		for (size_t k = 0; k < s->n_sets && !r->summary; k++)
			print_row(r, s, s->sets[k].name, s->results + k * n, m, s->sets[k].n);
		for (size_t g = 0; g < OOD_MAX_GROUPS && averages_too; g++)
			if (ood_eval_group_size(s->eval, (int)g) && (g == OOD_MAX_GROUPS - 1 || !r->summary))
				print_row(r, s, report_groups[g], averages + g * n, m, 0);
		if (s->pool && !r->summary)
			print_row(r, s, "pooled", averages + OOD_MAX_GROUPS * n, m, s->pool->n);
	}
	if (!r->no_heading)
		cli_table_end(r->f, r->format);
}

/* Adds the results of a set or of an average as cells, each of which points into v. */
static void add_cells(const struct report *r, const struct report_sets *s, const char *set, const struct ood_result *of,
		      struct report_cell *cell, const double **v)
{
	for (size_t m = 0; m < s->n_methods; m++) {
		for (int k = 0; k < OOD_N_METRICS; k++)
			v[m * OOD_N_METRICS + (size_t)k] = &of[m].m.v[k];
		cell[m] =
			(struct report_cell){ r->label ? r->label : "", s->methods[m], set, v + m * OOD_N_METRICS, 1 };
	}
}

static int print_pivot(const struct report *r, const struct report_sets *s, const struct ood_result *averages,
		       struct err *err)
{
	const size_t n = s->n_methods, most = (s->n_sets + OOD_MAX_GROUPS + 1) * n;
	struct report_cell *cell = calloc(most, sizeof *cell);
	const double **v = calloc(most * OOD_N_METRICS, sizeof *v);
	const char *key[OOD_N_METRICS];
	size_t at[OOD_N_METRICS], used = 0, shown = 0;
	int rc = cell && v ? 0 : err_memory(err);

	for (size_t k = 0; k < s->n_sets && rc == 0; k++, used += n)
		add_cells(r, s, s->sets[k].name, s->results + k * n, cell + used, v + used * OOD_N_METRICS);
	for (size_t g = 0; g < OOD_MAX_GROUPS + 1 && rc == 0; g++) {
		if (g < OOD_MAX_GROUPS ? !ood_eval_group_size(s->eval, (int)g) : !s->pool)
			continue;
		add_cells(r, s, g < OOD_MAX_GROUPS ? report_groups[g] : "pooled", averages + g * n, cell + used,
			  v + used * OOD_N_METRICS);
		used += n;
	}
	for (int i = 0; i < r->n_shown; i++)
		if (r->shown[i] < OOD_N_METRICS) { /* metrics of the ID set alone are the same for every set */
			at[shown] = (size_t)r->shown[i];
			key[shown++] = report_metric_key(r->shown[i]);
		}
	if (rc == 0 && shown == 0)
		rc = err_fail(err, "--pivot shows metrics of OOD sets, and --show lists none");
	for (int i = 0; i < r->n_shown && rc == 0 && r->n_shown < REPORT_METRICS; i++) /* not of --show all */
		if (r->shown[i] >= OOD_N_METRICS)
			cli_warn("--pivot has no column for %s, which is of the ID set alone; see it without --pivot",
				 report_metric_key(r->shown[i]));
	if (rc == 0)
		rc = report_pivot(&(struct report_pivot){ cell, used, key, at, shown, r->format, r->summary, 1, 0, r->f,
							  s->baseline },
				  err);
	free(cell);
	free(v);
	return rc;
}

int report_sets(const struct report *look, const struct report_sets *s, struct err *err)
{
	const size_t n = s->n_methods;
	const struct report wide = with_room(look, s), *r = &wide;
	struct ood_result *averages = calloc((OOD_MAX_GROUPS + 1) * n, sizeof *averages);

	if (!averages || average(s, averages) < 0) {
		free(averages);
		return err_memory(err);
	}
	int rc = 0;
	if (s->pivot)
		rc = print_pivot(r, s, averages, err);
	else
		print_all(r, s, averages);
	free(averages);
	return rc;
}
