/* SPDX-License-Identifier: MIT
 * ood-threshold: reads scores of ID rows and writes the thresholds that flag the requested share of them. Holds its
 * input, 8 bytes per row and method; writes once that has reached its END. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "ood/eval/ood_scores.h"
#include "ood/act/ood_threshold.h"
#include "ood/ood_identity.h"
#include "ood/ood_seen.h"

static const char *method_list;
static double alpha, fdr, confidence; /* 0: not given */
static long guarantee = OOD_CONFORMAL;
static bool per_class, fallback;

static const struct cli_option options[] = {
	{ "false-alarm", 'a', CLI_DOUBLE, "RATE", &alpha, 1e-9, 1 - 1e-9,
	  "share of ID rows that may be flagged (default 0.05)" },
	{ "fdr", 0, CLI_DOUBLE, "Q", &fdr, 1e-9, 1 - 1e-9,
	  "instead: bound the mean share of ID rows among those flagged in a batch" },
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0, "columns of scores, separated by commas (default all)" },
	{ "guarantee", 'g', CLI_CHOICE, "conformal|binomial", &guarantee, 0, 0,
	  "bound the mean rate, or with --confidence the rate itself (default conformal)" },
	{ "confidence", 0, CLI_DOUBLE, "P", &confidence, 1e-9, 1 - 1e-9,
	  "confidence of the binomial guarantee (default 0.95)" },
	{ "per-class", 0, CLI_FLAG, NULL, &per_class, 0, 0, "a threshold for each predicted class" },
	{ "per-class-fallback", 0, CLI_FLAG, NULL, &fallback, 0, 0,
	  "like --per-class, but classes with too few rows get the threshold of all rows" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-threshold",
	"[option...] [FILE]",
	"Choose the thresholds below which rows are flagged as OOD, from scores of ID validation data.",
	options,
	"With no FILE, or when FILE is -, read standard input.",
	CLI_OUTPUT,
	NULL
};

/* Chooses the requested columns, or all of the header. */
static int choose_methods(struct ts_reader *r, const struct ts_header *h, char ***ret, size_t *n)
{
	struct err err;

	if (ood_scores_choose(h, method_list, ret, n, &err) < 0)
		return ts_reader_fail(r, "%s", err.text);
	return 0;
}

/* Prints a line per method, and one for each class that had too few rows. */
static void tell(const struct ood_threshold *t)
{
	for (size_t m = 0; m < t->set.n; m++) {
		const struct ts_tensor *v = &t->set.t[m];
		const double first = ts_get(v->type, v->data, 0);
		const int digits = v->type == TS_F64 ? 17 : 9; /* enough to read back to the same bits */
		double lo = first, hi = first;
		if (t->promise.guarantee == OOD_FDR) {
			cli_info("%s: %llu scores, for batches with a false discovery rate of %g", v->name,
				 (unsigned long long)t->rows, t->promise.alpha);
			continue;
		}
		for (size_t c = 1; c < t->classes; c++) {
			lo = fmin(lo, ts_get(v->type, v->data, c));
			hi = fmax(hi, ts_get(v->type, v->data, c));
		}
		if (t->classes)
			cli_info("%s: thresholds from %.*g to %.*g, of %zu classes and %llu rows", v->name, digits, lo,
				 digits, hi, t->classes, (unsigned long long)t->rows);
		else
			cli_info("%s: threshold %.*g, the score of rank %llu of %llu", v->name, digits, first,
				 (unsigned long long)ood_promise_rank(&t->promise, t->rows),
				 (unsigned long long)t->rows);
	}
	for (size_t c = 0; c < t->classes; c++)
		if (ood_promise_rank(&t->promise, (uint64_t)t->class_rows[c]) == 0)
			cli_info("class %zu: %lld rows, so it has the threshold of all rows", c,
				 (long long)t->class_rows[c]);
}

enum { MANY_TIES = 10 };

/* Rows that tie with the threshold are not flagged. Where a third of those that it should flag do, as where all scores
 * are alike or -inf, hardly any row ever is, whatever the rate. */
static void warn_ties(const struct ood_threshold *t)
{
	for (size_t m = 0; m < t->set.n; m++) {
		const struct ood_at_threshold *at = &t->at[m];
		const double n = (double)at->rows;

		if (at->tied >= MANY_TIES && 3 * (double)at->lost > t->promise.alpha * n)
			cli_warn("'%s': %llu other rows tie with %s, so that it flags %.2g %% of these %llu rows, not "
				 "%g %%",
				 t->set.t[m].name, (unsigned long long)at->tied,
				 t->classes ? "their class's threshold" : "the threshold", 100 * (double)at->below / n,
				 (unsigned long long)at->rows, 100 * t->promise.alpha);
	}
}

static int fit(struct ts_reader *in, struct kit_out *out)
{
	struct ood_promise promise = { fdr > 0 ? OOD_FDR : (enum ood_guarantee)guarantee,
				       fdr > 0   ? fdr :
				       alpha > 0 ? alpha :
						   0.05,
				       confidence > 0 ? confidence : 0.95 };
	unsigned flags =
		(per_class || fallback ? OOD_THRESHOLD_PER_CLASS : 0) | (fallback ? OOD_THRESHOLD_FALLBACK : 0);
	const struct ts_header *from = ts_reader_expect(in, "scores");
	struct ood_threshold t = { 0 };
	struct err err;
	char **methods = NULL;
	size_t n = 0;
	int rc = -1;

	if (from && choose_methods(in, from, &methods, &n) == 0)
		rc = ood_threshold_fit(&t, in, methods, n, &promise, flags);
	if (rc == 0 && ood_identity_copy(&out->header.meta, &from->meta, methods, n, &err) < 0)
		rc = ts_reader_fail(in, "%s", err.text);
	if (rc == 0) {
		tell(&t);
		warn_ties(&t);
		kit_warn_distorted(ts_reader_name(in), &from->meta);
		if (ood_seen(from, ts_reader_name(in), &err))
			cli_warn("%s", err.text);
		cli_history(&out->header, &from, 1);
		rc = ood_threshold_write(&t, &out->header, out->w, &err);
		if (rc < 0)
			cli_error("%s", err.text);
	}
	ood_threshold_release(&t);
	ts_strs_free(methods, n);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv);
	struct kit_out out;
	int rc;

	if (fdr > 0 && (alpha > 0 || guarantee != OOD_CONFORMAL || fallback || confidence > 0))
		cli_usage("--fdr bounds another rate; leave out --false-alarm, --guarantee, --confidence and "
			  "--per-class-fallback");
	if (confidence > 0 && guarantee != OOD_BINOMIAL)
		cli_usage("--confidence goes with --guarantee binomial; the conformal one bounds the mean rate, "
			  "without any");
	cli_check_once("--method", method_list);
	struct ts_reader *in = cli_input(first, argc, argv);
	kit_out_init(&out, "fit", cli_output());
	rc = fit(in, &out);
	kit_out_end(&out, false); /* fit() has printed its errors */
	return kit_end(in, NULL, rc);
}
