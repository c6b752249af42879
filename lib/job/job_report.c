/* SPDX-License-Identifier: MIT
 * How good a network is: its accuracy on the validation images, and how well its scores tell the sets of --ood from
 * them. */
#include "job/job_internal.h"

static int report_one(const struct job *j, bool masked, const char *which, struct err *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	char text[JOB_WORTH];
	struct um_worth worth;
	double sparsity;
	int rc = net_copy(&copy, &j->c, err);

	if (rc == 0)
		rc = net_bake(&copy, masked, &sparsity, err);
	if (rc == 0)
		rc = job_engine(j, &e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, &j->held, NULL, &worth, err);
	if (rc == 0) {
		job_say(j, "%s:%s sparsity=%.4f", which, job_worth_text(&worth, text), sparsity);
	}
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc == 0 && j->o->ood.n ? job_report_ood(j, masked, which, err) : rc;
}

int job_report(const struct job *j, struct err *err)
{
	const bool masked = j->c.mask != NULL;

	if (!j->held.n || (!masked && !j->o->ood.n))
		return 0;
	if (masked && report_one(j, true, "masked network", err) < 0)
		return -1;
	return report_one(j, false, masked ? "full network" : "network", err);
}
