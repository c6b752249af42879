/* SPDX-License-Identifier: MIT
 * ood-score: features in, scores out, larger for what looks more in-distribution. Streaming; with a fit, it holds
 * the fit. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "num/num_linalg.h"
#include "ood/act/ood_combine.h"
#include "ood/score/ood_method.h"
#include "ood/score/ood_output.h"
#include "ood/act/ood_threshold.h"

static const char *method_list, *fit_path, *val_path;
static struct cli_list sweeps;
static const char *reference, *threshold_path;
static long combining = -1; /* enum ood_combining; -1: none */
static bool list;

static const struct cli_option options[] = {
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0,
	  "methods, separated by commas: NAME[:PARAMETER=VALUE]... (default: all)" },
	{ "sweep", 0, CLI_LIST, "METHOD:PARAMETER=V,V...", &sweeps, 0, 0,
	  "a column for each combination of values; may be repeated" },
	{ "fit", 'f', CLI_STR, "FILE", &fit_path, 0, 0, "what ood-fit made of the training data" },
	{ "val", 0, CLI_STR, "FILE", &val_path, 0, 0,
	  "what ood-fit made of validation data, for the methods that are fitted to it" },
	{ "combine", 0, CLI_CHOICE, "fisher|min|mean", &combining, 0, 0,
	  "add a column that combines the methods' conformal p-values" },
	{ "reference", 0, CLI_STR, "FILE", &reference, 0, 0,
	  "for --combine: scores of ID validation data with the same columns" },
	{ "threshold", 't', CLI_STR, "FILE", &threshold_path, 0, 0,
	  "what ood-threshold made: adds a column of verdicts for each of its columns" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the methods and exit" },
	{ 0 }
};

static const struct cli_tool tool = { "ood-score",
				      "[option...] [FILE]",
				      "Score each row of a features stream: the larger, the more in-distribution.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_THREADS,
				      NULL };

static void print_methods(void)
{
	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++) {
			printf("%-12s %s\n", m->name, m->help);
			for (int i = 0; i < OOD_MAX_PARAMS && m->params[i].name; i++)
				printf("  %-14s %s (%g; %g to %g)\n", m->params[i].name, m->params[i].help,
				       m->params[i].value, m->params[i].min, m->params[i].max);
		}
}

/* ---- getting ready ----------------------------------------------------------------------------- */

/* Loads a fit and checks that it is of the model that made the stream. */
static int load_fit(struct ood_fit **ret, const char *path, struct ts_reader *in, const struct ood_source *from)
{
	struct err err;

	*ret = NULL;
	if (!path)
		return 0;
	if (ood_fit_load(ret, path, &err))
		return cli_error("%s", err.text);
	const struct ood_fit *f = *ret;
	return ood_source_same_model(from, f) ?
		       0 :
		       cli_error("fit '%s' and features '%s' are of different models", path, ts_reader_name(in));
}

/* The validation scores that p-values are taken against. */
static int load_reference(struct ood_combine *c, const struct ood_scorer *s, size_t n)
{
	char **names = calloc(n + 1, sizeof *names);

	if (combining < 0) {
		free(names);
		return 0;
	}
	struct ood_input *in = ood_input_open(reference);
	if (!in)
		cli_oom();
	for (size_t i = 0; i < n; i++)
		if (!names || !(names[i] = strdup(s[i].request.column)))
			cli_oom();
	int rc = n ? ood_combine_read(c, (enum ood_combining)combining, in, names, n) :
		     cli_error("--combine: no method is left to combine");
	if (ood_input_error(in))
		cli_error("%s", ood_input_error(in));
	ood_input_close(in);
	ts_strs_free(names, n);
	return rc;
}

/* Gets the requests ready; those of `all` that cannot work are left out, which is said if there is a
 * fit, that is, if the user could expect them. The array does not move: scorers are pointed at. */
static int make_scorers(const struct ood_requests *r, const struct ood_source *from, struct ood_scorer **ret, size_t *n)
{
	struct ood_scorer *s = calloc(r->n + 1, sizeof *s);
	struct err err;
	int rc = 0;

	if (!s)
		cli_oom();
	*n = 0;
	for (size_t i = 0; i < r->n && rc == 0; i++) {
		const struct ood_request *q = &r->q[i];
		if (ood_scorer_init(&s[*n], q, from, &err) == 0) {
			if (*s[*n].note)
				cli_info("%s: %s", q->column, s[*n].note);
			++*n;
		} else if (!q->optional) {
			rc = cli_error("method '%s': %s", q->column, err.text);
		} else {
			(from->fit && q->method->parts ? cli_warn : cli_info)("'%s' is left out: %s", q->column,
									      err.text);
		}
	}
	*ret = s;
	return rc;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct work {
	struct ts_reader *in;
	struct ts_batch from, to;
	struct ood_scorer *s;
	size_t n_s;
	struct ood_combine combine;
	struct ood_threshold threshold;
	struct ood_output output;
	struct ood_verdict verdict;
	float **out; /* the columns of `to` that the scorers fill */
};

/* Number of the batch's first row in its file, from 0. */
static unsigned long long first_row(const struct work *k)
{
	return ts_reader_rows(k->in) - k->from.n;
}

static int score_batch(struct work *k)
{
	struct err err;

	if (ts_batch_resize(&k->to, 0) || ts_batch_resize(&k->to, k->from.n))
		cli_oom();
	for (size_t m = 0; m < k->n_s; m++)
		k->out[m] = k->to.cols[m].data;
	if (ood_score_batch(k->s, k->n_s, &k->from, first_row(k), (int)cli.threads, k->out, &err))
		return ts_reader_fail(k->in, "%s", err.text);
	if (combining >= 0)
		ood_combine_rows(&k->combine, k->out, k->from.n, k->to.cols[k->n_s].data);
	if (ood_output_rows(&k->output, &k->to, &k->from, first_row(k), &err) < 0 ||
	    (threshold_path && ood_verdict_rows(&k->verdict, &k->to, first_row(k), &err) < 0))
		return ts_reader_fail(k->in, "%s", err.text);
	return 0;
}

/* all: the headers of the features, the fits, the thresholds; NULL: there is none. */
static int make_header(struct ts_header *h, const struct ood_source *from, const struct ts_header *const all[4],
		       struct work *k)
{
	char combined[32];
	struct err err;

	snprintf(combined, sizeof combined, "combine:%s", combining >= 0 ? ood_combining_names[combining] : "");
	if (ood_output_init(&k->output, h, from, k->s, k->n_s, combining >= 0 ? combined : NULL, &err) < 0)
		return cli_error("%s", err.text);
	if (threshold_path && ood_verdict_init(&k->verdict, &k->threshold, h, &err) < 0)
		return cli_error("threshold '%s': %s", threshold_path, err.text);
	cli_history(h, all, 4);
	return 0;
}

static int score_stream(struct work *k, struct ts_writer *out, const struct ts_header *header)
{
	int rc = ts_writer_begin(out, header);

	if (ts_batch_init(&k->to, header) || !(k->out = calloc(k->n_s + 1, sizeof *k->out)))
		cli_oom();
	while (rc == 0 && (rc = ts_reader_next(k->in, &k->from)) == 1) {
		rc = score_batch(k);
		if (rc == 0)
			rc = ts_writer_write(out, &k->to);
	}
	if (rc == 0)
		rc = ts_writer_finish(out);
	free(k->out);
	return rc;
}

static int run(struct work *k, struct ts_writer *out, const struct ood_requests *r)
{
	struct ood_source from;
	struct ood_fit *fit = NULL, *val = NULL;
	struct ts_header header = { 0 };
	int rc = -1;

	if (ood_source_init(&from, k->in))
		return -1;
	if (ts_batch_init(&k->from, from.header))
		cli_oom();
	if (load_fit(&fit, fit_path, k->in, &from) == 0 && load_fit(&val, val_path, k->in, &from) == 0) {
		const struct ts_header *all[4] = { from.header, fit ? &fit->header : NULL, val ? &val->header : NULL,
						   threshold_path ? &k->threshold.header : NULL };
		from.fit = fit;
		from.val = val;
		rc = make_scorers(r, &from, &k->s, &k->n_s) || load_reference(&k->combine, k->s, k->n_s);
		if (rc == 0)
			rc = make_header(&header, &from, all, k) || score_stream(k, out, &header);
	}
	for (size_t i = 0; i < k->n_s; i++)
		ood_scorer_release(&k->s[i]);
	free(k->s);
	ood_combine_release(&k->combine);
	ood_verdict_release(&k->verdict);
	ood_source_release(&from);
	ood_fit_free(fit);
	ood_fit_free(val);
	ts_header_release(&header);
	return rc;
}

/* The methods asked for; or those of the thresholds; or all. */
static void take_requests(struct ood_requests *r, const struct ood_threshold *t)
{
	struct err err;

	for (size_t i = 0; i < t->set.n && !method_list; i++)
		if (strncmp(t->set.t[i].name, "combine:", 8) != 0 && ood_requests_add(r, t->set.t[i].name, &err))
			cli_usage("--threshold: %s", err.text);
	if ((method_list || (sweeps.n == 0 && r->n == 0)) &&
	    ood_requests_add(r, method_list ? method_list : "all", &err))
		cli_usage("--method: %s", err.text);
	for (size_t i = 0; i < sweeps.n; i++)
		if (ood_requests_sweep(r, sweeps.v[i], &err))
			cli_usage("--sweep: %s", err.text);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv);
	struct ood_requests r = { 0 };

	if (list) {
		print_methods();
		return cli_finish(0);
	}
	if ((combining >= 0) != (reference != NULL))
		cli_usage("--combine and --reference FILE go together");
	struct work k = { 0 };
	struct err err;
	if (threshold_path && ood_threshold_load(&k.threshold, threshold_path, &err)) {
		cli_error("%s", err.text);
		ood_threshold_release(&k.threshold);
		return cli_finish(1);
	}
	take_requests(&r, &k.threshold);
	num_set_threads((int)cli.threads);
	k.in = cli_input(first, argc, argv);
	struct ts_writer *out = cli_output();
	int rc = run(&k, out, &r);
	if (cli_check_reader(k.in) == 0)
		cli_check_writer(out);
	ts_batch_release(&k.from);
	ts_batch_release(&k.to);
	ts_reader_close(k.in);
	ts_writer_close(out);
	ood_requests_release(&r);
	ood_threshold_release(&k.threshold);
	return cli_finish(rc ? 1 : 0);
}
