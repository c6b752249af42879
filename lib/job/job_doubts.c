/* SPDX-License-Identifier: MIT
 * Doubts about a run: what was asked for and does nothing, classes that cannot be learnt, a network that has learnt
 * nothing. They are warnings, as the user may mean it so. */
#include <math.h>
#include <stdlib.h>

#include "job/job_internal.h"
#include "ood/ood_seen.h"
#include "um/loss/um_loss.h"

static void doubt_dropout(const struct job *j)
{
	if (j->o->train.dropout > 0 && !net_has_dropout(j->c.net))
		cli_warn("--dropout %g changes nothing: %s has no dropout", j->o->train.dropout, j->c.net->spec);
}

/* The images of each class, new: (classes). NULL: out of memory, and then nothing is doubted. */
static size_t *count(const struct um_data *d, size_t classes)
{
	size_t *rows = calloc(classes + 1, sizeof *rows);

	for (size_t i = 0; rows && i < d->n; i++)
		rows[d->label[i]]++;
	return rows;
}

/* Classes without an image: those of a part of a sorted set, or where labels begin at 1. */
static void doubt_classes(const struct job *j)
{
	const size_t classes = (size_t)j->c.net->classes;
	size_t *rows = count(&j->data, classes), missing = 0, first = 0;
	char number[32];

	for (size_t k = classes; rows && k-- > 0;)
		if (rows[k] == 0) {
			missing++;
			first = k;
		}
	free(rows);
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

/* Is there a batch norm of maps of one pixel? */
static bool norms_pixels(const struct net *n)
{
	for (int i = 0; i < n->n_nodes; i++)
		if (n->nodes[i].op == NET_BN && n->nodes[i].h == 1 && n->nodes[i].w == 1)
			return true;
	return false;
}

/* A pass of one image through such a batch norm has one number in each channel, which becomes 0: what comes out is the
 * same for every image. PyTorch refuses it. */
static void doubt_batches(const struct job *j)
{
	const struct job_options *o = j->o;
	const size_t batch = (size_t)o->train.batch, parts = o->sync_bn ? 1 : (size_t)team_size(o->team);
	const size_t last = j->data.n % batch ? j->data.n % batch : batch;
	const size_t outliers = o->aux && !o->oe.separate_bn ? um_oe_outliers(&o->oe, last) / parts : 0;

	if (last / parts + outliers == 1 && norms_pixels(j->c.net))
		cli_warn("the last batch has a pass of 1 image, and the network has batch norms of maps of one pixel: "
			 "what comes out of them is the same for every such image, and nothing is learnt from it; "
			 "choose a --batch-size that leaves more than 1 of %zu images",
			 j->data.n);
}

/* What --val or --val-fraction gave, for messages. */
static const char *val_name(const struct job *j, char *buf, size_t len)
{
	if (j->o->val)
		snprintf(buf, len, "'%s'", j->o->val);
	return j->o->val ? buf : "--val-fraction";
}

/* By their histories, does the network learn from the images to validate on, or did it before --init? */
static bool doubt_histories(const struct job *j)
{
	const struct job_options *o = j->o;
	struct ts_header held;
	struct err err;
	bool seen;

	if (o->val) {
		seen = ood_seen_images(&j->c.header, &j->parents[JOB_VAL]);
		if (seen)
			cli_warn("'%s': by its history, the network is trained on these images, or some of them, so "
				 "that validation looks better than on new ones; take images that are held out",
				 o->val);
		return seen;
	}
	seen = job_held_header(j, &held, &err) == 0 && ood_seen_images(&j->c.header, &held);
	if (seen)
		cli_warn("--val-fraction: by its history, '%s' was trained on some of these images, so that validation "
			 "looks better than on new ones; hold out the same with its --val-fraction and --seed, or give "
			 "other images to --val",
			 o->start ? o->start : j->input);
	ts_header_release(&held);
	return seen;
}

/* Images to validate on that the network learns from, by their histories or by their pixels: the best epoch and what
 * --ood reports are chosen on them. Public sets hold a few images twice. */
static void doubt_validation(const struct job *j)
{
	char buf[JOB_PATH];
	size_t shared;

	if (j->resumed || !j->held.n || !job_is_first(j->o) || doubt_histories(j))
		return;
	shared = um_data_shared(&j->data, &j->held);
	if (shared > j->held.n / 100)
		cli_warn("%s: %zu of %zu images are, pixel by pixel, among those to train on, so that validation looks "
			 "better than on new ones; %s",
			 val_name(j, buf, sizeof buf), shared, j->held.n,
			 j->o->val ? "take images that are held out" :
				     "the input holds images twice, and --val takes others");
}

/* Labels that are wrong on purpose, which what is measured on these images takes for right. */
static void doubt_labels(const struct job *j)
{
	const size_t wrong = um_data_noisy(&j->held);
	char buf[JOB_PATH];

	if (wrong)
		cli_warn("%s: the labels of %zu of %zu images are wrong on purpose (--label-noise), and val_loss and "
			 "val_acc take them for right",
			 val_name(j, buf, sizeof buf), wrong, j->held.n);
}

void job_doubts_before(const struct job *j)
{
	doubt_labels(j);
	doubt_validation(j);
	doubt_batches(j);
	doubt_level(j);
	doubt_classes(j);
	doubt_dropout(j);
}

/* The share of the data's most common class: the accuracy of guessing. */
static double chance(const struct um_data *d, size_t classes)
{
	size_t *rows = count(d, classes), most = 0;

	for (size_t k = 0; rows && k < classes; k++)
		most = rows[k] > most ? rows[k] : most;
	free(rows);
	return (double)most / (double)d->n;
}

/* Has training learnt nothing, so that its checkpoint is useless? With few images there is no telling. */
static void doubt_learning(const struct job *j, double accuracy)
{
	enum { ENOUGH = 500 };
	const struct um_data *d = &j->data;
	const size_t classes = (size_t)j->c.net->classes;
	const double p = chance(d, classes), n = (double)d->n;

	if (d->n < ENOUGH || classes < 2 || accuracy > p + 3 * sqrt(p * (1 - p) / n))
		return;
	cli_warn("in the last epoch %.4g %% of the training images were classified right, and guessing gets %.4g %%: "
		 "nothing was learnt; try another --lr (it was %g)",
		 100 * accuracy, 100 * p, j->o->train.lr);
}

/* Is much of the average still the values before training? Their share is decay^steps. */
static void doubt_average(const struct job *j, long steps)
{
	const double decay = j->o->train.ema, left = pow(decay, (double)steps);

	if (decay > 0 && left > 0.1)
		cli_warn("--ema %g over %ld steps: %.3g %% of what is written are the values before training; "
			 "%.4g would leave 1 %%",
			 decay, steps, 100 * left, pow(0.01, 1 / (double)steps));
}

void job_doubts_after(const struct job *j, double accuracy, long steps)
{
	doubt_learning(j, accuracy);
	doubt_average(j, steps);
}
