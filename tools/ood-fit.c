/* SPDX-License-Identifier: MIT
 * ood-fit: reads features of ID data and writes the statistics that scores need. One pass; holds the statistics and the
 * bank. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "num/num_linalg.h"
#include "ood/fit/ood_fit.h"
#include "ood/score/ood_tune.h"
#include "ood/score/ood_method.h"

enum bank_type { F4, F2 };

static const char *method_list = "all";
static long bank = 50000, bank_type = F4;
static bool merge, published;
static const char *tune, *against;

static const struct cli_option options[] = {
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0,
	  "methods of ood-score to fit for, separated by commas (default all)" },
	{ "bank", 0, CLI_INT, "N", &bank, 0, 1e12,
	  "rows to keep in the bank, chosen by a hash of their contents (default 50000); 0: all" },
	{ "bank-type", 0, CLI_CHOICE, "f4|f2", &bank_type, 0, 0,
	  "type of the bank's features: single or half precision (default f4)" },
	{ "merge", 0, CLI_FLAG, NULL, &merge, 0, 0, "merge fits, instead of reading features" },
	{ "tune", 0, CLI_STR, "FIT", &tune, 0, 0,
	  "read features of ID validation data, and write FIT with what they tune" },
	{ "against", 0, CLI_STR, "FILE", &against, 0, 0,
	  "for --tune: features of adversarial versions of the same images" },
	{ "published-tuning", 0, CLI_FLAG, NULL, &published, 0, 0,
	  "for --tune: choose the step as the published program does on its test images" },
	{ 0 }
};

static const struct cli_tool tool = { "ood-fit",
				      "[option...] [FILE]\n       ood-fit --merge [-o FILE] FIT...\n"
				      "       ood-fit --tune FIT [--against FILE] [FILE]",
				      "Fit the statistics that ood-score needs to features of in-distribution data.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_PROGRESS,
				      NULL };

/* What the listed methods need from features with or without logits. -1 with err: a method requested by name needs
 * them. */
static int parts_of(const char *list, bool logits, struct err *err)
{
	struct ood_requests r = { 0 };
	int rc = 0;
	unsigned parts =
		/* whether these are wanted depends on the columns */
		OOD_PART_LAYERS | OOD_PART_GRAM | OOD_PART_MOVED | OOD_PART_EXTREMES;

	if (ood_requests_add(&r, list, err) < 0)
		return err_prefix(err, "--method: ");
	for (size_t i = 0; i < r.n && rc == 0; i++)
		if (logits || r.q[i].method->alone)
			parts |= r.q[i].method->parts;
		else if (!r.q[i].optional)
			rc = err_fail(
				err,
				"has no column 'logits', which method '%s' needs; ts-import --head computes it by the "
				"last layer",
				r.q[i].column);
	ood_requests_release(&r);
	return rc < 0 ? -1 : (int)parts;
}

struct work {
	struct ts_reader *in;
	struct ood_fit *fit;
};

static int add(void *data, const struct ts_batch *b)
{
	struct work *k = data;
	struct err err;

	kit_progress(k->in);
	return ood_fit_add(k->fit, b, &err) < 0 ? ts_reader_fail(k->in, "%s", err.text) : 0;
}

static int fit_stream(struct work *k)
{
	struct ood_fit_options o = { .bank = bank ? (size_t)bank : SIZE_MAX,
				     .half = bank_type == F2,
				     .seed = (uint64_t)cli.seed };
	const struct ts_header *h = ts_reader_expect(k->in, "features");
	struct err err;
	int parts;

	if (!h)
		return -1;
	if ((parts = parts_of(method_list, ts_header_field(h, "logits") != NULL, &err)) < 0)
		return ts_reader_fail(k->in, "%s", err.text);
	o.parts = (unsigned)parts;
	if (ood_fit_new(&k->fit, h, &o, &err) < 0)
		return ts_reader_fail(k->in, "%s", err.text);
	if (kit_each(k->in, add, k) < 0)
		return -1;
	return ood_fit_finish(k->fit, &err) < 0 ? ts_reader_fail(k->in, "%s", err.text) : 0;
}

/* Writes the fit, with the meta of the features and their history. */
static int save(struct ts_writer *out, struct ood_fit *f, const struct ts_header *const *from, size_t n)
{
	struct ts_header h;
	struct err err;

	ts_header_init(&h, "fit");
	if (ts_meta_merge(&h.meta, &from[0]->meta) < 0)
		cli_oom();
	cli_history(&h, from, n);
	int rc = ood_fit_write(f, &h, out, &err);
	if (rc < 0)
		cli_error("%s", err.text);
	ts_header_release(&h);
	return rc;
}

static int fit_one(struct ts_writer *out, int first, int argc, char **argv)
{
	struct work k = { cli_input(first, argc, argv), NULL };
	struct err doubt;
	int rc = fit_stream(&k);

	if (rc == 0)
		kit_warn_distorted(ts_reader_name(k.in), &ts_reader_header(k.in)->meta);
	if (rc == 0 && ood_fit_guesses(k.fit, &doubt))
		cli_warn("'%s': %s", ts_reader_name(k.in), doubt.text);
	if (rc == 0)
		rc = save(out, k.fit, (const struct ts_header *[]){ ts_reader_header(k.in) }, 1);
	cli_check_reader(k.in);
	ood_fit_free(k.fit);
	ts_reader_close(k.in);
	return rc;
}

static int tune_fit(struct ts_writer *out, int first, int argc, char **argv)
{
	struct ood_fit *f = NULL;
	struct err err;

	if (ood_fit_load(&f, tune, &err) < 0) {
		ood_fit_free(f);
		return cli_error("%s", err.text);
	}
	struct ts_reader *id = cli_input(first, argc, argv), *other = against ? cli_open(against) : NULL;
	int rc = ood_tune(f, id, other, published, &err);
	if (rc < 0) {
		cli_error("%s", err.text);
	} else {
		const struct ts_header *from[3] = { &f->header, ts_reader_header(id),
						    other ? ts_reader_header(other) : NULL };
		rc = save(out, f, from, 3);
	}
	ts_reader_close(id);
	ts_reader_close(other);
	ood_fit_free(f);
	return rc;
}

static int merge_one(struct ood_fit *to, const struct ood_fit *f, const char *path, struct err *err)
{
	const int again = ood_fit_repeats(to, f);

	if (again < 0)
		return err_memory(err);
	if (ood_fit_merge(to, f, err) < 0)
		return -1;
	if (again)
		cli_warn("'%s' holds rows of the fits before it, or they hold its rows: they count twice", path);
	return 0;
}

static int merge_fits(struct ts_writer *out, int n, char **paths)
{
	struct ood_fit **f = calloc((size_t)n, sizeof *f);
	const struct ts_header **from = calloc((size_t)n, sizeof *from);
	struct err err;
	int rc = 0;

	if (!f || !from)
		cli_oom();
	for (int i = 0; i < n && rc == 0; i++) {
		if ((rc = ood_fit_load(&f[i], paths[i], &err)) < 0)
			break;
		from[i] = &f[i]->header;
		if (i > 0 && (rc = merge_one(f[0], f[i], paths[i], &err)) < 0)
			err_prefix(&err, "'%s' ", paths[i]);
		if (i > 0)
			ood_fit_shrink(f[i]);
	}
	if (rc == 0)
		rc = ood_fit_finish(f[0], &err);
	if (rc < 0)
		cli_error("%s", err.text);
	if (rc == 0) {
		ood_tune_forget(&f[0]->header.meta);
		rc = save(out, f[0], from, (size_t)n);
	}
	for (int i = 0; i < n; i++)
		ood_fit_free(f[i]);
	free(f);
	free(from);
	return rc;
}

/* A fit that is there has its bank and its parts: what chooses them would be ignored. */
static void check_no_choice(const char *with)
{
	static const struct {
		const char *name;
		const void *value;
	} choices[] = {
		{ "method", &method_list }, { "bank", &bank }, { "bank-type", &bank_type }, { "seed", &cli.seed }
	};

	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
		if (cli_given(choices[i].value))
			cli_usage("--%s is for a fit that is made from features; --%s takes the fit as it is",
				  choices[i].name, with);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), n = argc - first;
	struct err err;

	num_set_threads((int)cli.threads);
	if (parts_of(method_list, true, &err) < 0)
		cli_usage("%s", err.text);
	if (merge && n == 0)
		cli_usage("--merge: no FIT");
	if (merge && tune)
		cli_usage("--merge and --tune are two steps");
	if (merge || tune)
		check_no_choice(merge ? "merge" : "tune");
	if ((against && !tune) || (published && !against))
		cli_usage("--against FILE goes with --tune FIT, and --published-tuning with both");
	struct ts_writer *out = cli_output(); /* before the work: refuses a terminal, and fails if writing is not
					       * possible */
	int rc = cli_check_writer(out);
	if (rc == 0)
		rc = merge ? merge_fits(out, n, argv + first) :
		     tune  ? tune_fit(out, first, argc, argv) :
			     fit_one(out, first, argc, argv);
	ts_writer_close(out);
	return cli_finish(rc < 0 ? 1 : 0);
}
