/* SPDX-License-Identifier: MIT
 * The metrics in words. */
#include "ood/eval/ood_metrics.h"

const struct ood_metric_name ood_metric_names[OOD_N_METRICS] = {
	[OOD_AUROC] = { "auroc", "AUROC",
			"probability that an ID row scores higher than an OOD row, ties half; 50 is chance, 100 is "
			"best" },
	[OOD_AUPR_IN] = { "aupr_in", "AUPR-IN",
			  "area under precision and recall with ID as the positives; chance is the share of ID rows" },
	[OOD_AUPR_OUT] = { "aupr_out", "AUPR-OUT",
			   "the same with OOD as the positives; chance is the share of OOD rows" },
	[OOD_FPR95] = { "fpr95", "FPR95", "false positive rate at 95 % recall, by the rule of --fpr; 0 is best" },
	[OOD_FPR95_NEAREST] = { "fpr95_nearest", "FPR95-NEAREST",
				"share of OOD rows taken for ID at the threshold where the share of ID rows kept is "
				"nearest to 95 %" },
	[OOD_FPR95_FIRST] = { "fpr95_first", "FPR95-FIRST",
			      "share of OOD rows taken for ID at the highest threshold that keeps at least 95 % of the "
			      "ID rows" },
	[OOD_FPR95_OPENOOD] = { "fpr95_openood", "FPR95-OPENOOD",
				"share of ID rows flagged where at least 95 % of the OOD rows are flagged, as OpenOOD "
				"counts" },
	[OOD_DETECTION] = { "detection_error", "DETECTION-ERROR",
			    "mean of both error rates at the best threshold; 50 is chance, 0 is best" },
	[OOD_AUTC] = { "autc", "AUTC",
		       "mean of both error rates over all thresholds between the smallest and the largest score; 0 is "
		       "best" },
	[OOD_OSCR] = { "oscr", "OSCR",
		       "area under the share of ID rows that are kept and classified right, over the share of OOD rows "
		       "kept; at most ID-ACC" },
	[OOD_CCR_1E4] = { "ccr@1e-4", "CCR@1E-4",
			  "share of ID rows that are kept and classified right where 1 in 10,000 OOD rows is kept" },
	[OOD_CCR_1E3] = { "ccr@1e-3", "CCR@1E-3", "the same where 1 in 1,000 OOD rows is kept" },
	[OOD_CCR_1E2] = { "ccr@1e-2", "CCR@1E-2", "the same where 1 in 100 OOD rows is kept" },
	[OOD_CCR_1E1] = { "ccr@1e-1", "CCR@1E-1", "the same where 1 in 10 OOD rows is kept" },
	[OOD_AURRA] = { "aurra", "AURRA",
			"mean accuracy on the k ID rows of the highest scores, over all k; does the score know what is "
			"classified right?" },
};
