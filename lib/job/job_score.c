/* SPDX-License-Identifier: MIT
 * Validation: a copy of the checkpoint as it would be written, run over images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"

int job_engine(struct um_engine **ret, struct net_checkpoint *c, struct err *err)
{
	const struct um_engine_options how = job_how();

	return um_engine_new(ret, c, &how, err);
}

int job_evaluate(const struct net_checkpoint *c, const struct um_data *d, bool full, double *loss,
		 double *accuracy, struct err *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	int rc = net_copy(&copy, c, err);

	if (rc == 0)
		rc = net_bake(&copy, !full, NULL, err);
	if (rc == 0)
		rc = job_engine(&e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, d, loss, accuracy, err);
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc;
}
