/* SPDX-License-Identifier: MIT
 *
 * report_curves: the files of --roc, --pr and --hist, each of which may be asked for (ood_curve.h).
 */
#ifndef REPORT_CURVES_H
#define REPORT_CURVES_H

#include "ood/eval/ood_set.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REPORT_CURVES = 3 };
extern const char *report_curve_path[REPORT_CURVES];    /* of roc, pr, hist; NULL: not asked for */

struct report_curves {
	struct ts_file *f[REPORT_CURVES];
};

/* All return 0, or -1 after an error that they have printed. */
int report_curves_open(struct report_curves *c);
/* Adds the curves of every method for the set. */
int report_curves_write(struct report_curves *c, char *const *methods, const struct ood_set *id,
			const char *set, const struct ood_set *ood);
/* rc 0: gives the files their names, else removes them. Returns rc, or -1. */
int report_curves_close(struct report_curves *c, int rc);

#ifdef __cplusplus
}
#endif
#endif
