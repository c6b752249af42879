/* SPDX-License-Identifier: MIT
 * Doubts about a run: what was asked for and does nothing, classes that cannot be learnt. They are warnings, as the
 * user may mean it so. */
#include <math.h>
#include <stdlib.h>

#include "job/job_internal.h"
#include "um/loss/um_loss.h"

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

/* A level that the loss cannot fall below, and one that is worse than guessing. */
static void doubt_level(const struct job *j)
{
	const struct um_train_options *o = &j->o->train;
	const size_t classes = (size_t)j->c.net->classes;
	double least;

	if (!o->um || classes < 2)
		return;
	least = um_loss_least(classes, o->smoothing, o->logit_norm);
	if (o->beta * least >= o->level)
		cli_warn("--um %g never acts: %sthe loss of %zu classes is at least %.4g", o->level,
			 o->logit_norm > 0 ? "with --logit-norm " :
			 o->smoothing > 0  ? "with --label-smoothing " :
					     "",
			 classes, least);
	if (o->beta > 0 && o->level >= o->beta * log((double)classes))
		cli_warn("--um %g asks for a loss of %.4g, and guessing among %zu classes has %.4g: the network will "
			 "unlearn all; was it measured by um-estimate, with this network and these images?",
			 o->level, o->level / o->beta, classes, log((double)classes));
}

void job_doubts_before(const struct job *j)
{
	doubt_level(j);
	doubt_classes(j);
	doubt_dropout(j);
}
