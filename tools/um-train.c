/* SPDX-License-Identifier: MIT
 * um-train: trains a classifier, from scratch or from a checkpoint, with the plain loss or the one that Unleashing Mask
 * folds. Holds its input: the images are kept in memory, in stream order. */
#include <string.h>

#include "cli/cli.h"
#include "job/job.h"
#include "report/report_archs.h"
#include "ts/ts_images.h"

static struct job_options o;
static const char *arch, *mean_text, *std_text;
static struct net_init_options init; /* zeros: the default */

static const struct cli_option options[] = {
	{ "arch", 'a', CLI_STR, "SPEC", &arch, 0, 0,
	  "network, such as densenet:depth=40,growth=12 (default densenet); 'help' lists them" },
	{ "init", 'i', CLI_STR, "FILE", &o.start, 0, 0, "start from this checkpoint" },
	{ "init-weights", 0, CLI_CHOICE, net_init_names, &init.kind, 0, 0,
	  "initial weights of convolutions (default kaiming-normal)" },
	{ "init-fan", 0, CLI_CHOICE, "in|out", &init.fan_out, 0, 0,
	  "scale the initial weights by fan-in (default) or fan-out" },
	{ "init-nonlinearity", 0, CLI_CHOICE, net_nonlinearity_names, &init.nonlinearity, 0, 0,
	  "scale the initial weights by the gain of this nonlinearity (default relu)" },
	{ "mean", 0, CLI_STR, "X,...", &mean_text, 0, 0,
	  "mean of each channel, pixels in [0,1] (default: CIFAR-10's)" },
	{ "std", 0, CLI_STR, "X,...", &std_text, 0, 0, "standard deviation of each channel (default: CIFAR-10's)" },
	{ "freeze-weights", 0, CLI_FLAG, NULL, &o.train.freeze_weights, 0, 0, "train only the scores of masks" },
	{ 0 }
};
static struct cli_option shared[JOB_OPTION_ROWS];

static const struct cli_tool tool = {
	"um-train",
	"[option...] [FILE]",
	"Train a classifier on a stream of labelled images and write its checkpoint.",
	options,
	"With no FILE, or when FILE is -, read standard input. With --run and no -o the checkpoint is in\n"
	"the run directory only.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS | CLI_ROWS,
	shared
};

static int new_model(void *data, struct net_checkpoint *c, const struct um_data *d, struct err *err)
{
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed, UM_RNG_INIT);

	(void)data;
	c->net = net_new(arch ? arch : "densenet", d->c, d->h, d->w, (int)d->n_classes, err);
	if (!c->net)
		return -1;
	if (net_normalise(c, d->c == 3 ? "cifar10" : "half", err) < 0)
		return -1;
	if (net_normalise_by(c, mean_text, std_text, err) < 0)
		cli_usage("--%s", err->text);
	ts_header_init(&c->header, "checkpoint");
	if (net_init_as(c->net, &init, &rng, &c->state) < 0)
		return err_memory(err);
	if (d->classes && !(c->classes = ts_copy_classes(d->classes, d->n_classes)))
		return err_memory(err);
	c->n_classes = d->classes ? d->n_classes : 0;
	return 0;
}

/* An architecture given together with --init must be that of the checkpoint. */
static int check_arch(const struct net *n, struct err *err)
{
	struct net *want;
	int rc = 0;

	if (!arch)
		return 0;
	want = net_new(arch, n->c, n->h, n->w, n->classes, err);
	if (!want)
		return -1;
	if (strcmp(want->spec, n->spec) != 0)
		rc = err_fail(err, "'%s' is of architecture %s, not the %s that --arch asks for", o.start, n->spec,
			      want->spec);
	net_free(want);
	return rc;
}

/* So must a normalisation: that of the weights is theirs. A run that began with other numbers, when they were ignored,
 * is resumed as it began. */
static int check_normalise(const struct net_checkpoint *c, struct err *err)
{
	struct net_checkpoint want = *c; /* borrows all but the numbers */
	char mean[NET_NORMAL_TEXT], std[NET_NORMAL_TEXT];

	if (o.resume)
		return 0;
	if (net_normalise_by(&want, mean_text, std_text, err) < 0)
		return err_prefix(err, "--");
	if (net_same_normalisation(&want, c))
		return 0;
	return err_fail(err,
			"'%s' normalises by mean %s and std %s, not by what --mean and --std say; leave them out to "
			"keep it",
			o.start, net_normal_text(c->mean, c->net->c, mean), net_normal_text(c->std, c->net->c, std));
}

static int check_start(void *data, const struct net_checkpoint *c, struct err *err)
{
	(void)data;
	return check_arch(c->net, err) < 0 ? -1 : check_normalise(c, err);
}

int main(int argc, char **argv)
{
	const struct job_program program = { .fresh = new_model, .check = check_start };
	const char *input;
	struct err err;
	int first;

	job_options_init(&o, shared);
	first = cli_parse(&tool, argc, argv);
	if (arch && strcmp(arch, "help") == 0)
		return cli_finish(report_archs(stdout, &err) < 0 ? cli_error("%s", err.text) : 0);
	if (cli.json)
		cli_usage("--json goes with --arch help");
	input = cli_operand(first, argc, argv);
	if (job_options_check(&o, &err) < 0)
		cli_usage("%s", err.text);
	if (o.start && (init.kind || init.fan_out || init.nonlinearity))
		cli_usage("--init-weights, --init-fan and --init-nonlinearity are for fresh weights, but --init gives "
			  "the weights");
	return job_main(&o, &program, input);
}
