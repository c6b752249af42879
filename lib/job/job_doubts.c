/* SPDX-License-Identifier: MIT
 * Doubts about a run: what was asked for and does nothing, classes that cannot be learnt. They are warnings, as the
 * user may mean it so. */
#include <stdlib.h>

#include "job/job_internal.h"

static void doubt_dropout(const struct job *j)
{
	if (j->o->train.dropout > 0 && !net_has_dropout(j->c.net))
		cli_warn("--dropout %g changes nothing: %s has no dropout", j->o->train.dropout, j->c.net->spec);
}

/* Classes without an image: those of a part of a sorted set, or where labels begin at 1. */
static void doubt_classes(const struct job *j)
{
	const struct um_data *d = &j->data;
	const size_t classes = (size_t)j->c.net->classes;
	bool *seen = calloc(classes + 1, sizeof *seen);
	size_t missing = 0, first = 0;
	char number[32];

	for (size_t i = 0; seen && i < d->n; i++)
		seen[d->label[i]] = true;
	for (size_t k = classes; seen && k-- > 0;)
		if (!seen[k]) {
			missing++;
			first = k;
		}
	free(seen);
	snprintf(number, sizeof number, "%zu", first);
	if (missing)
		cli_warn(
			"'%s' has no image of %zu of the network's %zu classes, the first '%s', which it cannot learn; "
			"ts-cat --sample takes a part of all classes",
			j->input, missing, classes, j->c.classes ? j->c.classes[first] : number);
}

void job_doubts_before(const struct job *j)
{
	doubt_classes(j);
	doubt_dropout(j);
}
