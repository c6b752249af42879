/* SPDX-License-Identifier: MIT
 * um-prune: puts a mask before every weight of a trained network and learns it with the loss of Unleashing Mask (UMAP),
 * or sets it once by a rule. The checkpoint that it writes contains both networks, the full one and the masked one.
 * Holds its input in memory, as um-train does. */
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "job/job.h"

/* --method, of which the last three make the mask once; --subject. */
enum { UMAP, BERNOULLI, MAGNITUDE, RANDOM, SNIP }; /* from MAGNITUDE on as enum um_cut_by */
enum { SCORE, WEIGHT };

static struct job_options o;
static long method, scope, subject;
static bool dense_first, dense_last, train_weights;
static double keep = 0.8, prune_rate = NAN;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &o.start, 0, 0, "checkpoint of the network (required)" },
	{ "method", 0, CLI_CHOICE, "umap|bernoulli|magnitude|random|snip", &method, 0, 0,
	  "how to make the mask (default umap); the last three compute it once, before training" },
	{ "keep", 'k', CLI_DOUBLE, "RATIO", &keep, 0, 1, "fraction of the weights to keep (default 0.8)" },
	{ "prune-rate", 0, CLI_DOUBLE, "RATIO", &prune_rate, 0, 1, "same as --keep; the published program's name" },
	{ "scope", 0, CLI_CHOICE, NET_MASK_SCOPES, &scope, 0, 0,
	  "keep this fraction of each layer (default), or of the whole model" },
	{ "subject", 0, CLI_CHOICE, "score|weight", &subject, 0, 0,
	  "umap: mask by learnt scores (default), or by the weights" },
	{ "dense-first", 0, CLI_FLAG, NULL, &dense_first, 0, 0, "do not mask the first convolution" },
	{ "dense-last", 0, CLI_FLAG, NULL, &dense_last, 0, 0, "do not mask the classifier" },
	{ "train-weights", 0, CLI_FLAG, NULL, &train_weights, 0, 0,
	  "train the weights too (default: they are frozen)" },
	{ 0 }
};
static struct cli_option shared[JOB_OPTION_ROWS];

static const struct cli_tool tool = {
	"um-prune",
	"-m MODEL [option...] [FILE]",
	"Mask a trained network and write a checkpoint that holds both networks.",
	options,
	"With no FILE, or when FILE is -, read standard input. With --run and no -o the checkpoint is in\n"
	"the run directory only. The training options act with --method umap and bernoulli.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS,
	shared
};

static int refuse_masks(const struct net_checkpoint *c, struct err *err)
{
	if (!c->mask)
		return 0;
	return err_fail(err, "'%s' has masks already; um-ckpt bake makes an ordinary checkpoint of it", o.start);
}

/* A run may have replaced the file that it started from by its own output, and is resumed then. */
static int check_start(void *data, const struct net_checkpoint *c, struct err *err)
{
	(void)data;
	if (!isnan(prune_rate))
		cli_warn("--prune-rate %g keeps that fraction of the weights and cuts the rest, as --keep does",
			 prune_rate);
	return o.resume ? 0 : refuse_masks(c, err);
}

/* Puts the masks into the checkpoint. */
static int add_masks(void *data, struct job *job, struct err *err)
{
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed, UM_RNG_MASK);
	struct net_mask mask = { .keep = keep,
				 .scope = (enum net_mask_scope)scope,
				 .dense_first = dense_first,
				 .dense_last = dense_last,
				 .seed = (uint64_t)cli.seed };

	(void)data;
	if (refuse_masks(&job->c, err) < 0)
		return -1;
	mask.kind = method >= MAGNITUDE ? NET_MASK_FIXED :
		    method == BERNOULLI ? NET_MASK_BERNOULLI :
		    subject == WEIGHT   ? NET_MASK_WEIGHTS :
					  NET_MASK_SCORES;
	if (mask.kind != NET_MASK_FIXED)
		return net_mask_add(&job->c, &mask, &rng, err);
	return um_cut(&job->c, &mask, (enum um_cut_by)(method - MAGNITUDE), &job->data,
		      &(struct um_exec_options){ .torch = o.how.torch,
						 .device = o.how.device,
						 .threads = o.how.threads,
						 .batch = (size_t)o.train.batch,
						 .precision = o.precision },
		      err);
}

/* Trains the mask, or writes the one that was computed at once. */
static enum job_end run(void *data, struct job *job, struct err *err)
{
	(void)data;
	if (method < MAGNITUDE)
		return job_run(job, err);
	return net_write(&job->c, o.out, err) < 0 || job_report(job, err) < 0 ? JOB_FAILED : JOB_DONE;
}

static void check(void)
{
	struct err err;

	if (!o.start)
		cli_usage("no --model given");
	if (!isnan(prune_rate))
		keep = prune_rate;
	if (method != UMAP && subject == WEIGHT)
		cli_usage("--subject belongs to --method umap; --method magnitude cuts the smallest weights once");
	if (subject == WEIGHT && !train_weights)
		cli_usage("with --subject weight there is nothing to learn but the weights: add --train-weights");
	if (method >= MAGNITUDE && (o.run || !isnan(o.train.level) || o.aux))
		cli_usage("--run, --um and --aux are about training, which this --method does not do");
	o.train.freeze_weights = !train_weights;
	o.keep = keep;
	if (job_options_check(&o, &err) < 0)
		cli_usage("%s", err.text);
}

int main(int argc, char **argv)
{
	struct job_program program = { .check = check_start, .begin = add_masks, .run = run };
	const char *input;
	int first;

	job_options_init(&o, shared);
	first = cli_parse(&tool, argc, argv);
	input = cli_operand(first, argc, argv);
	check();
	if (method >= MAGNITUDE)
		program.alone = "computes the mask of this --method";
	return job_main(&o, &program, input);
}
