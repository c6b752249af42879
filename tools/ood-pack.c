/* SPDX-License-Identifier: MIT
 * ood-pack: combines a network, a fit and a threshold into one file, the detector that ood-detect and libunmask open.
 * Holds its files in memory, and opens them together before it writes anything. */
#include <string.h>

#include "kit/kit.h"
#include "ood/act/ood_watch.h"
#include "ood/ood_seen.h"
#include "unmask/unmask_bundle.h"

static struct unmask_bundle_files files;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &files.model, 0, 0, "checkpoint of the network (required)" },
	{ "threshold", 't', CLI_STR, "FILE", &files.threshold, 0, 0, "thresholds from ood-threshold (required)" },
	{ "fit", 'f', CLI_STR, "FILE", &files.fit, 0, 0, "the training data's fit, from ood-fit" },
	{ "val", 0, CLI_STR, "FILE", &files.val, 0, 0, "the validation data's fit, if the scores were made with it" },
	{ "method", 0, CLI_STR, "NAME", &files.method, 0, 0,
	  "the score to use (default: the only one in the thresholds)" },
	{ "reference", 'r', CLI_STR, "FILE", &files.reference, 0, 0,
	  "scores of validation images, for ood-detect --watch" },
	{ 0 }
};

static const struct cli_tool tool = { "ood-pack",
				      "-m MODEL -t THRESHOLD [option...]",
				      "Put everything that a detector needs into one file.",
				      options,
				      NULL,
				      CLI_OUTPUT,
				      NULL };

/* What would make the alarm's promise wrong. */
static void warn_reference(const struct unmask_bundle *b)
{
	const struct ts_tensor *t = ts_set_get(&b->set, "reference");
	struct err err;

	if (!t)
		return;
	if (ood_watch_few(t->shape[0], files.reference, "a reference", &err))
		cli_warn("%s", err.text);
	kit_warn_distorted(files.reference, &b->reference.meta);
	if (ood_seen(&b->reference, files.reference, &err))
		cli_warn("%s", err.text);
}

static int pack(struct ts_writer *w)
{
	struct unmask_bundle b;
	struct err err;
	int rc = unmask_bundle_make(&b, &files, &err);

	if (rc == 0 && b.fit_unused)
		cli_warn("the method uses no fit, so none is in the detector");
	if (rc == 0 && b.unchecked)
		cli_warn("'%s' does not say which model and fit made its scores, which were text or another program's: "
			 "nothing checks that it belongs to these",
			 files.threshold);
	if (rc == 0) {
		warn_reference(&b);
		const struct ts_header *inputs[3] = { &b.model, &b.threshold, b.fit.n_history ? &b.fit : NULL };

		cli_history(&b.header, inputs, 3);
		rc = ts_set_write(w, &b.header, &b.set, &err);
	}
	unmask_bundle_release(&b);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct ts_writer *w;

	if (first < argc)
		cli_usage("all files are given by options, but '%s' is not", argv[first]);
	if (!files.model)
		cli_usage("no --model given");
	if (!files.threshold)
		cli_usage("no --threshold given: ood-threshold makes one from the scores of ID images");
	w = cli_output();
	rc = cli_check_writer(w) < 0 ? -1 : pack(w);
	ts_writer_close(w);
	return cli_finish(rc);
}
