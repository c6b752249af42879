/* SPDX-License-Identifier: MIT
 * Models of other programs: options that the command line must give for them. */
#include <string.h>

#include "job/job_model.h"

static void ask(void)
{
	cli_usage("how was the input normalised when the network was trained? give --normalise " NET_NORMALISERS
		  ", or --mean and --std; the file does not record it");
}

void job_model_check(const struct job_model *o, bool recorded)
{
	if (o->normalise && (o->mean || o->std))
		cli_usage("--normalise, or --mean and --std, not both");
	if (!o->mean != !o->std)
		cli_usage("--mean and --std go together");
	if (o->normalise && !net_is_normaliser(o->normalise))
		cli_usage("--normalise: '%s' is not one of " NET_NORMALISERS ", or give --mean and --std",
			  o->normalise);
	if (!o->normalise && !o->mean && !recorded)
		ask();
}

/* Sets what the options say. */
static int set_normal(const struct job_model *o, struct net_checkpoint *c, struct err *err)
{
	if (o->mean)
		return net_normalise_by(c, o->mean, o->std, err) < 0 ? err_prefix(err, "--") : 0;
	if (net_normalise(c, o->normalise, err) < 0)
		return err_append(err, "; use --mean and --std");
	return 0;
}

int job_model_normalise(const struct job_model *o, struct net_checkpoint *c, struct err *err)
{
	const struct net_checkpoint file = *c;
	const bool recorded = c->std[0] > 0;
	char mean[NET_NORMAL_TEXT], std[NET_NORMAL_TEXT];
	struct err doubt;

	if (!o->normalise && !o->mean) {
		if (!recorded)
			ask();
		return 0;
	}
	if (set_normal(o, c, err) < 0)
		return -1;
	if (recorded && !net_same_normalisation(&file, c))
		cli_warn("normalisation: the file says that the network was trained with --mean %s --std %s, which is "
			 "taken where no other is given",
			 net_normal_text(file.mean, c->net->c, mean), net_normal_text(file.std, c->net->c, std));
	else if (!recorded && o->normalise && strcmp(o->normalise, "cifar10") == 0)
		cli_warn("normalisation: std %.4f,%.4f,%.4f; if it was trained with 0.2023,0.1994,0.2010, "
			 "--normalise cifar10-narrow",
			 c->std[0], c->std[1], c->std[2]);
	if (!net_is_graph(c->net))
		return 0;
	if (net_onnx_check_normal(c, &doubt, err) < 0)
		return -1;
	if (doubt.text[0])
		cli_warn("%s", doubt.text);
	return 0;
}

void job_model_say(bool wrong, const char *line)
{
	if (wrong)
		cli_error("%s", line);
	else
		cli_warn("%s", line);
}
