/* SPDX-License-Identifier: MIT
 * Methods by sets, and their averages. */
#include <stdlib.h>
#include <string.h>

#include "report/report_sets.h"

/* of: (n_methods), of this set or average. */
static void print_row(const struct report *r, const struct report_sets *s, const char *set, const struct ood_result *of,
		      size_t m, size_t n_ood)
{
	report_print(r, &(struct report_row){ s->methods[m], set, &of[m], s->id, n_ood,
					      s->baseline && m == s->baseline_at, of[s->baseline_at].m.v[OOD_AUROC] });
}

/* The averages of the groups that there are, and the pool: (OOD_MAX_GROUPS + 1, n_methods). */
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

/* Columns with room for every name. */
static struct report with_room(const struct report *r, const struct report_sets *s)
{
	struct report wide = *r;

	for (size_t m = 0; m < s->n_methods; m++)
		wide.method = longer(wide.method, s->methods[m]);
	for (size_t k = 0; k < s->n_sets; k++)
		wide.set = longer(wide.set, s->sets[k].name);
	return wide;
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
	report_heading(r);
	for (size_t m = 0; m < n; m++) {
		for (size_t k = 0; k < s->n_sets && !r->summary; k++)
			print_row(r, s, s->sets[k].name, s->results + k * n, m, s->sets[k].n);
		for (size_t g = 0; g < OOD_MAX_GROUPS; g++)
			if (ood_eval_group_size(s->eval, (int)g) && (g == OOD_MAX_GROUPS - 1 || !r->summary))
				print_row(r, s, report_groups[g], averages + g * n, m, 0);
		if (s->pool && !r->summary)
			print_row(r, s, "pooled", averages + OOD_MAX_GROUPS * n, m, s->pool->n);
	}
	free(averages);
	return 0;
}
