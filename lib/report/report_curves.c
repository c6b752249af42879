/* SPDX-License-Identifier: MIT
 * The files for --roc, --pr and --hist. */
#include <stdbool.h>
#include <string.h>

#include "ood/eval/ood_curve.h"
#include "report/report_curves.h"

static const struct {
	const char *heading;
	int (*write)(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		     const struct ood_sample *ood);
} curves[REPORT_CURVES] = {
	[REPORT_ROC] = { ood_roc_heading, ood_roc_write },
	[REPORT_PR] = { ood_pr_heading, ood_pr_write },
	[REPORT_HIST] = { ood_hist_heading, ood_hist_write },
};

int report_curves_open(struct report_curves *c, const char *const path[REPORT_CURVES], struct err *err)
{
	*c = (struct report_curves){ { NULL } };
	for (int i = 0; i < REPORT_CURVES; i++) {
		if (!path[i])
			continue;
		if (!(c->f[i] = ts_file_open(path[i])))
			return err_memory(err);
		if (ts_file_put(c->f[i], curves[i].heading, strlen(curves[i].heading)) < 0)
			return err_fail(err, "%s", ts_file_error(c->f[i]));
	}
	return 0;
}

int report_curves_write(struct report_curves *c, char *const *methods, const struct ood_scores *id, const char *set,
			const struct ood_scores *ood, struct err *err)
{
	for (int i = 0; i < REPORT_CURVES; i++)
		for (size_t m = 0; m < id->n_methods && c->f[i]; m++) {
			struct ood_sample a, b;
			ood_scores_pair(id, ood, m, &a, &b);
			if (curves[i].write(c->f[i], methods[m], set, &a, &b) < 0)
				return err_fail(err, "%s", ts_file_error(c->f[i]));
		}
	return 0;
}

int report_curves_close(struct report_curves *c, bool keep, struct err *err)
{
	int rc = 0;

	for (int i = 0; i < REPORT_CURVES; i++) {
		if (keep && rc == 0 && c->f[i] && ts_file_finish(c->f[i]) < 0)
			rc = err_fail(err, "%s", ts_file_error(c->f[i]));
		ts_file_close(c->f[i]);
	}
	return rc;
}
