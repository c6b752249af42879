/* SPDX-License-Identifier: MIT
 * ood-score: reads features and writes scores, larger for what looks more in-distribution. Streaming; with a fit, it
 * holds the fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "num/num_linalg.h"
#include "ood/act/ood_combine.h"
#include "ood/act/ood_threshold.h"
#include "ood/ood_identity.h"
#include "ood/score/ood_method.h"
#include "ood/score/ood_output.h"
#include "report/report_methods.h"

static const char *method_list, *fit_path, *val_path, *outliers_path;
static struct cli_list sweeps;
static const char *reference, *threshold_path;
static long combining = -1; /* enum ood_combining; -1: none */
static bool list;

static const struct cli_option options[] = {
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0,
	  "methods, separated by commas: NAME[:PARAMETER=VALUE]... (default: all)" },
	{ "sweep", 0, CLI_LIST, "METHOD:PARAMETER=V,V...", &sweeps, 0, 0,
	  "add a column for each combination of values; may be repeated" },
	{ "fit", 'f', CLI_STR, "FILE", &fit_path, 0, 0, "the training data's fit, from ood-fit" },
	{ "val", 0, CLI_STR, "FILE", &val_path, 0, 0,
	  "the validation data's fit, from ood-fit, for methods that need it" },
	{ "outliers", 0, CLI_STR, "FILE", &outliers_path, 0, 0,
	  "the outliers' fit, from ood-fit, for methods that need it" },
	{ "combine", 0, CLI_CHOICE, "fisher|min|mean", &combining, 0, 0,
	  "add a column that combines the methods' conformal p-values" },
	{ "reference", 0, CLI_STR, "FILE", &reference, 0, 0,
	  "for --combine: scores of ID validation data with the same columns" },
	{ "threshold", 't', CLI_STR, "FILE", &threshold_path, 0, 0,
	  "thresholds from ood-threshold: add a column of verdicts for each" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the methods and exit" },
	{ 0 }
};

static const struct cli_tool tool = { "ood-score",
				      "[option...] [FILE]",
				      "Score each row of a features stream; larger means more in-distribution.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_THREADS | CLI_PROGRESS | CLI_ROWS,
				      NULL };

/* ---- preparation -------------------------------------------------------------------------------- */

/* Methods left out of `all`: those that a user with a fit could expect get a message for each reason, the others share
 * one. */
enum { REASONS = 16 };
struct left {
	bool fit, outliers, logits;
	size_t n, n_why;
	struct err names;
	struct reason {
		char *why;
		struct err names;
		size_t n;
	} reason[REASONS];
};

/* Adds a method to those with the same reason. */
static void add_reason(struct left *l, const char *name, const char *why)
{
	struct reason *r = l->reason;

	while (r < l->reason + l->n_why && strcmp(r->why, why) != 0)
		r++;
	if (r == l->reason + REASONS) {
		cli_warn("'%s' is left out: %s", name, why);
		return;
	}
	if (r == l->reason + l->n_why) {
		if (!(r->why = strdup(why)))
			cli_oom();
		r->names.text[0] = '\0';
		l->n_why++;
	}
	err_append(&r->names, "%s'%s'", r->n++ ? ", " : "", name);
}

static void left_out(void *data, const struct ood_request *q, const char *why)
{
	struct left *l = data;
	const bool expected =
		l->fit && q->method->parts && (l->logits || q->method->alone) && (l->outliers || !q->method->outliers);

	if (expected) {
		add_reason(l, q->column, why);
		return;
	}
	cli_info("'%s' is left out: %s", q->column, why);
	err_append(&l->names, "%s%s", l->n++ ? ", " : "", q->column);
}

static void say_reasons(struct left *l)
{
	for (size_t i = 0; i < l->n_why; i++) {
		cli_warn("%s %s left out: %s", l->reason[i].names.text, l->reason[i].n > 1 ? "are" : "is",
			 l->reason[i].why);
		free(l->reason[i].why);
	}
}

/* Distances to the means of some classes alone: a fit to the first rows of a sorted set. One line for all methods. */
static void warn_of_classes(const struct ood_scorer *s, size_t n, const struct ood_fit *fit)
{
	size_t with = 0, first = n;

	for (size_t i = n; i-- > 0;)
		if (s[i].without > 0) {
			first = i;
			with++;
		}
	if (with)
		cli_warn(
			"%s%s: the fit has no sample of %zu of %zu classes, whose images will look out-of-distribution",
			s[first].request.column, with > 1 ? " and others" : "", s[first].without, fit->classes);
}

static int make_scorers(const struct ood_requests *r, const struct ood_basis *from, struct ood_scorer **s, size_t *n)
{
	struct left l = { .fit = from->fit != NULL,
			  .outliers = from->outliers != NULL,
			  .logits = from->classes > 0,
			  .names = { .text = "" } };
	struct err err;

	if (ood_scorers_new(s, n, r, from, left_out, &l, &err) < 0)
		return cli_error("%s", err.text);
	say_reasons(&l);
	if (*n == 0)
		return cli_error("none of the methods can work%s: %s; --verbose says why for each",
				 from->classes ? "" : ": the stream has no logits", l.names.text);
	for (size_t i = 0; i < *n; i++)
		if (*(*s)[i].note)
			cli_info("%s: %s", (*s)[i].request.column, (*s)[i].note);
	warn_of_classes(*s, *n, from->fit);
	if (l.n)
		cli_warn("%zu%s methods of 'all' are left out because a fit, the last layer or columns are missing%s: "
			 "%s; --verbose says why for each",
			 l.n, l.fit ? " more" : "", l.logits ? "" : " (the stream has no logits)", l.names.text);
	return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct work {
	struct ts_reader *in;
	struct kit_out out;
	struct ood_basis from;
	struct ood_fit *fit, *val, *outliers; /* or NULL */
	struct ood_scorer *s;
	size_t n_s;
	struct ood_combine combine;
	struct ood_threshold threshold;
	struct ood_output output;
	struct ood_verdict verdict;
	float **column; /* output columns, one per scorer, that the scorers write to */
	/* for verdicts over the whole input, whose rows are held until its end */
	struct ts_batch held;
	ptrdiff_t *map; /* of the held rows' columns; NULL: no rows are held */
};

static int hold(struct work *k)
{
	struct ts_batch *from = &k->out.rows;

	for (size_t i = 0; i < from->n; i++)
		if (ts_batch_append(&k->held, from, k->map, i) < 0)
			cli_oom();
	if (ts_batch_resize(from, 0) < 0)
		cli_oom();
	return 0;
}

/* Computes the verdicts of all held rows and writes the rows. */
static int release_held(struct work *k)
{
	struct err err;

	if (ood_verdict_rows(&k->verdict, &k->held, 0, &err) < 0)
		return ts_reader_fail(k->in, "%s", err.text);
	return ts_writer_write(k->out.w, &k->held);
}

static int score(void *data, const struct ts_batch *b)
{
	struct work *k = data;
	struct ts_batch *to = &k->out.rows;
	const uint64_t first = ts_reader_rows(k->in) - b->n; /* number of the batch's first row */
	struct err err;

	kit_out_add(&k->out, b->n);
	for (size_t m = 0; m < k->n_s; m++)
		k->column[m] = to->cols[m].data;
	if (ood_score_batch(k->s, k->n_s, b, first, (int)cli.threads, k->column, &err) < 0)
		return ts_reader_fail(k->in, "%s", err.text);
	if (combining >= 0)
		ood_combine_rows(&k->combine, k->column, b->n, to->cols[k->n_s].data);
	if (ood_output_rows(&k->output, to, b, first, &err) < 0 ||
	    (threshold_path && !k->map && ood_verdict_rows(&k->verdict, to, first, &err) < 0))
		return ts_reader_fail(k->in, "%s", err.text);
	kit_progress(k->in);
	return k->map ? hold(k) : kit_out_write(&k->out);
}

/* Warns of a threshold that does not say what made its scores. */
static void warn_unchecked(const struct work *k)
{
	for (size_t i = 0; i < k->threshold.set.n; i++) {
		const char *name = k->threshold.set.t[i].name;

		if (ood_identity_known(&k->threshold.header.meta, name))
			continue;
		cli_warn("'%s' does not say which model and fit made its scores '%s', which were text or another "
			 "program's: nothing checks that it belongs to these",
			 threshold_path, name);
		return;
	}
}

/* Warns of labels that go by names, because the model has none. */
static void warn_names(const struct work *k)
{
	const struct ood_output *o = &k->output;

	if (o->classes.to && o->label >= 0 && o->classes.found == 0)
		cli_warn("its classes are not those that '%s' learnt from, so its labels become -1", fit_path);
	else if (o->classes.to && o->label >= 0)
		cli_warn("the model does not name its classes: %zu of these %zu get the labels of those that '%s' "
			 "learnt from, by their names%s; um-ckpt import --classes names the model's",
			 o->classes.found, o->classes.n, fit_path,
			 o->classes.found < o->classes.n ? ", and others -1" : "");
}

static int make_header(struct work *k)
{
	const struct ts_header *inputs[] = { k->from.header, k->fit ? &k->fit->header : NULL,
					     k->val ? &k->val->header : NULL, k->outliers ? &k->outliers->header : NULL,
					     threshold_path ? &k->threshold.header : NULL };
	char combined[32];
	struct err err;

	snprintf(combined, sizeof combined, "combine:%s", combining >= 0 ? ood_combining_names[combining] : "");
	if (ood_output_init(&k->output, &k->out.header, &k->from, k->s, k->n_s, combining >= 0 ? combined : NULL,
			    &err) < 0)
		return cli_error("%s", err.text);
	if (combining >= 0 &&
	    (ood_combine_load(&k->combine, (enum ood_combining)combining, reference, k->s, k->n_s, &k->out.header.meta,
			      &err) < 0 ||
	     ood_identity_mix(&k->out.header.meta, combined, ood_combine_hash(&k->combine), &err) < 0))
		return cli_error("--combine: %s", err.text);
	if (threshold_path && ood_verdict_init(&k->verdict, &k->threshold, &k->out.header, &err) < 0)
		return cli_error("threshold '%s': %s", threshold_path, err.text);
	warn_unchecked(k);
	warn_names(k);
	cli_history(&k->out.header, inputs, sizeof inputs / sizeof *inputs);
	return 0;
}

/* Warns if another fit is of the very rows of --fit. */
static void warn_same(const struct work *k, const struct ood_fit *f, const char *option, const char *what)
{
	if (f && k->fit && f->rows == k->fit->rows && ood_fit_hash(f) == ood_fit_hash(k->fit))
		cli_warn("--%s is of the same rows as --fit, and not of %s", option, what);
}

/* Warns if the labels of another fit mean other classes than those of --fit. */
static void warn_labels(const struct work *k, const struct ood_fit *f, const char *option)
{
	if (f && k->fit && !ts_meta_agree(&f->header.meta, &k->fit->header.meta, "classes"))
		cli_warn(
			"--%s learnt from other classes than --fit, or from the same in another order: its labels mean "
			"others",
			option);
}

static int run(struct work *k, const struct ood_requests *r)
{
	const char *name = ts_reader_name(k->in);
	char note[OOD_NOTE];
	struct err err;

	if (ood_basis_init(&k->from, k->in) < 0)
		return -1;
	if ((fit_path && ood_basis_fit(&k->from, name, &k->fit, fit_path, &err) < 0) ||
	    (val_path && ood_basis_fit(&k->from, name, &k->val, val_path, &err) < 0) ||
	    (outliers_path && ood_basis_fit(&k->from, name, &k->outliers, outliers_path, &err) < 0))
		return cli_error("%s", err.text);
	k->from.fit = k->fit;
	k->from.val = k->val;
	k->from.outliers = k->outliers;
	warn_same(k, k->val, "val", "images that the model was not trained on");
	warn_same(k, k->outliers, "outliers", "outliers");
	warn_labels(k, k->val, "val");
	if (make_scorers(r, &k->from, &k->s, &k->n_s) < 0 || make_header(k) < 0)
		return -1;
	if (kit_out_begin(&k->out) < 0)
		return -1;
	if (!(k->column = calloc(k->n_s + 1, sizeof *k->column)))
		cli_oom();
	if (threshold_path && k->threshold.promise.guarantee == OOD_FDR &&
	    (!(k->map = ts_header_map(&k->out.header, &k->out.header)) || ts_batch_init(&k->held, &k->out.header) < 0))
		cli_oom();
	if (kit_each(k->in, score, k) < 0 || (k->map && release_held(k) < 0))
		return -1;
	for (size_t m = 0; m < k->n_s; m++)
		if (*ood_score_note(&k->s[m], note))
			cli_warn("%s: %s", k->s[m].request.column, note);
	return kit_out_finish(&k->out);
}

static void release(struct work *k)
{
	ood_scorers_free(k->s, k->n_s);
	free(k->column);
	free(k->map);
	ts_batch_release(&k->held);
	ood_combine_release(&k->combine);
	ood_output_release(&k->output);
	ood_verdict_release(&k->verdict);
	ood_threshold_release(&k->threshold);
	ood_basis_release(&k->from);
	ood_fit_free(k->fit);
	ood_fit_free(k->val);
	ood_fit_free(k->outliers);
}

/* Takes the requested methods, or those of the thresholds, or all. */
static void take_requests(struct ood_requests *r, const struct ood_threshold *t)
{
	struct err err;

	for (size_t i = 0; i < t->set.n && !method_list; i++)
		if (strncmp(t->set.t[i].name, "combine:", 8) != 0 && ood_requests_add(r, t->set.t[i].name, &err) < 0)
			cli_usage("--threshold: %s", err.text);
	if ((method_list || (sweeps.n == 0 && r->n == 0)) &&
	    ood_requests_add(r, method_list ? method_list : "all", &err) < 0)
		cli_usage("--method: %s", err.text);
	for (size_t i = 0; i < sweeps.n; i++)
		if (ood_requests_sweep(r, sweeps.v[i], &err) < 0)
			cli_usage("--sweep: %s", err.text);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct ood_requests r = { 0 };
	struct work k = { 0 };
	struct err err;

	if (list) {
		report_methods(stdout);
		return cli_finish(0);
	}
	if (cli.json)
		cli_usage("--json goes with --list");
	if ((combining >= 0) != (reference != NULL))
		cli_usage("--combine and --reference FILE go together");
	if (threshold_path && ood_threshold_load(&k.threshold, threshold_path, &err) < 0) {
		ood_threshold_release(&k.threshold);
		return cli_finish(cli_error("%s", err.text));
	}
	take_requests(&r, &k.threshold);
	num_set_threads((int)cli.threads);
	k.in = cli_input(first, argc, argv);
	kit_out_init(&k.out, "scores", cli_output());
	rc = run(&k, &r);
	rc = kit_end(k.in, &k.out, rc);
	release(&k);
	ood_requests_release(&r);
	return rc;
}
