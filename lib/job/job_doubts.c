/* SPDX-License-Identifier: MIT
 * Doubts about a run: what was asked for and does nothing. They are warnings, as nothing of it stops the run. */
#include "job/job_internal.h"

static void doubt_dropout(const struct job *j)
{
	if (j->o->train.dropout > 0 && !net_has_dropout(j->c.net))
		cli_warn("--dropout %g changes nothing: %s has no dropout", j->o->train.dropout, j->c.net->spec);
}

void job_doubts_before(const struct job *j)
{
	doubt_dropout(j);
}
