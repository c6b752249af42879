/* SPDX-License-Identifier: MIT
 * Validation: a copy of the checkpoint as it would be written, run over images. */
#include "job/job_internal.h"

int job_engine(const struct job *j, struct um_engine **ret, struct net_checkpoint *c, struct err *err)
{
	return um_engine_new(ret, c, &j->o->how, err);
}

int job_evaluate(const struct job *j, struct um_worth *worth, struct err *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	int rc = net_copy(&copy, &j->c, err);

	if (rc == 0)
		rc = net_bake(&copy, true, NULL, err);
	if (rc == 0)
		rc = job_engine(j, &e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, &j->held, j->o->team, worth, err);
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc;
}
