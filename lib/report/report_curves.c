/* SPDX-License-Identifier: MIT
 * The files behind --roc, --pr, --hist. */
#include <string.h>

#include "cli/cli.h"
#include "ood/eval/ood_curve.h"
#include "report/report_curves.h"

const char *report_curve_path[REPORT_CURVES];

int report_curves_open(struct report_curves *c)
{
	const char *const heading[REPORT_CURVES] = { ood_roc_heading, ood_pr_heading, ood_hist_heading };

	for (int i = 0; i < REPORT_CURVES; i++) {
		if (!report_curve_path[i])
			continue;
		if (!(c->f[i] = ts_file_open(report_curve_path[i])))
			cli_oom();
		if (ts_file_put(c->f[i], heading[i], strlen(heading[i])))
			return cli_error("%s", ts_file_error(c->f[i]));
	}
	return 0;
}

int report_curves_write(struct report_curves *c, char *const *methods, const struct ood_set *id,
			const char *set, const struct ood_set *ood)
{
	static int (*const write[REPORT_CURVES])(struct ts_file *f, const char *method, const char *set,
						 const struct ood_sample *id,
						 const struct ood_sample *ood) = {
		ood_roc_write, ood_pr_write, ood_hist_write
	};

	for (int i = 0; i < REPORT_CURVES; i++)
		for (size_t m = 0; m < id->n_methods && c->f[i]; m++)
			if (write[i](c->f[i], methods[m], set,
				     &(struct ood_sample){ id->scores[m], id->n, NULL },
				     &(struct ood_sample){ ood->scores[m], ood->n, NULL }))
				return cli_error("%s", ts_file_error(c->f[i]));
	return 0;
}

int report_curves_close(struct report_curves *c, int rc)
{
	for (int i = 0; i < REPORT_CURVES; i++) {
		if (rc == 0 && c->f[i] && ts_file_finish(c->f[i]))
			rc = cli_error("%s", ts_file_error(c->f[i]));
		ts_file_close(c->f[i]);
	}
	return rc;
}
