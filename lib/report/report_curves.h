/* SPDX-License-Identifier: MIT
 *
 * report_curves: the files of --roc, --pr and --hist, all optional (ood_curve.h).
 */
#ifndef REPORT_CURVES_H
#define REPORT_CURVES_H

#include <stdbool.h>

#include "err/err.h"
#include "ood/eval/ood_scores.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REPORT_ROC, REPORT_PR, REPORT_HIST, REPORT_CURVES };

struct report_curves {
	struct ts_file *f[REPORT_CURVES]; /* NULL: not requested */
};

/* Opens the files with these paths (NULL: not requested) and writes their headings. Call report_curves_close() in
 * either case. */
int report_curves_open(struct report_curves *c, const char *const path[REPORT_CURVES], struct err *err) TS_CHECKED;
/* Adds the curves of all methods for the set. */
int report_curves_write(struct report_curves *c, char *const *methods, const struct ood_scores *id, const char *set,
			const struct ood_scores *ood, struct err *err) TS_CHECKED;
/* keep: renames the files to their final names, otherwise removes them. -1: renaming failed for some. */
int report_curves_close(struct report_curves *c, bool keep, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
