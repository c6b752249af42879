/* SPDX-License-Identifier: MIT
 * ood-metrics: how well scores separate OOD sets from an ID set, and with what uncertainty. Holds the ID set and one
 * OOD set in memory, 4 bytes per row and method (8 for text and <f8; 4 more with intervals); prints once every input
 * has reached its END. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_table.h"
#include "err/err_near.h"
#include "kit/kit.h"
#include "ood/eval/ood_eval.h"
#include "report/report_braille.h"
#include "report/report_curves.h"
#include "report/report_read.h"
#include "report/report_sets.h"
#include "ts/ts_file.h"

enum aupr { AVERAGE, TRAPEZOID };

static const char *id_path, *method_list, *baseline, *show, *curve_path[REPORT_CURVES];
static long fpr = OOD_FPR_NEAREST, aupr = AVERAGE, format = CLI_TEXT, replicates;
static double prevalence;
static bool delong, pooled, explain, plot, pivot;
static struct report report = { .confidence = .95 };

static const struct cli_option options[] = {
	{ "id", 'i', CLI_STR, "FILE", &id_path, 0, 0, "scores of the ID set, a stream or text (required)" },
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0, "columns of scores, separated by commas (default all)" },
	{ "fpr", 0, CLI_CHOICE, "nearest|first|openood", &fpr, 0, 0, "threshold of FPR95 (default nearest)" },
	{ "aupr", 0, CLI_CHOICE, "average|trapezoid", &aupr, 0, 0,
	  "area under precision and recall (default average precision)" },
	{ "prevalence", 0, CLI_DOUBLE, "P", &prevalence, 1e-9, 1 - 1e-9,
	  "AUPR as if this share of rows were OOD (default: the actual share)" },
	{ "delong", 0, CLI_FLAG, NULL, &delong, 0, 0, "confidence intervals of AUROC, by DeLong" },
	{ "bootstrap", 'b', CLI_INT, "N", &replicates, 0, 1e6,
	  "confidence intervals of all metrics, from N resamplings (default 0: none)" },
	{ "confidence", 0, CLI_DOUBLE, "P", &report.confidence, .01, .9999,
	  "confidence of the intervals and tests (default 0.95)" },
	{ "baseline", 0, CLI_STR, "METHOD", &baseline, 0, 0,
	  "mark methods whose AUROC differs from this one's (DeLong, Holm)" },
	{ "pooled", 0, CLI_FLAG, NULL, &pooled, 0, 0, "add a row for all OOD sets pooled" },
	{ "show", 0, CLI_STR, "LIST", &show, 0, 0,
	  "metrics, separated by commas, or all (default auroc,aupr_in,aupr_out,fpr95,id_acc)" },
	{ "explain", 0, CLI_FLAG, NULL, &explain, 0, 0, "explain each column below the table" },
	{ "plot", 0, CLI_FLAG, NULL, &plot, 0, 0,
	  "draw histograms of each score and set below the table, in Braille dots" },
	{ "roc", 0, CLI_STR, "FILE", &curve_path[REPORT_ROC], 0, 0, "write ROC curves as TSV" },
	{ "pr", 0, CLI_STR, "FILE", &curve_path[REPORT_PR], 0, 0, "write precision and recall as TSV" },
	{ "hist", 0, CLI_STR, "FILE", &curve_path[REPORT_HIST], 0, 0, "write histograms as TSV" },
	{ "pivot", 'p', CLI_FLAG, NULL, &pivot, 0, 0,
	  "one row per method, one column per set (default of --show then: auroc,fpr95)" },
	{ "format", 'f', CLI_CHOICE, CLI_FORMATS, &format, 0, 0, "format of the table (default text)" },
	{ "summary", 's', CLI_FLAG, NULL, &report.summary, 0, 0, "print only the averages over the OOD sets" },
	{ "label", 'l', CLI_STR, "TEXT", &report.label, 0, 0, "add a first column 'model' that holds TEXT" },
	{ "no-heading", 0, CLI_FLAG, NULL, &report.no_heading, 0, 0, "leave out the heading" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-metrics",
	"[option...] --id FILE [[near:|far:][NAME=]FILE]...",
	"Measure how well scores tell each OOD set from the ID set.",
	options,
	"A FILE is a scores stream, or text: one number per line, or a table (tabs, commas, blanks).\n"
	"A FILE of - is standard input, at most once.",
	CLI_SEED | CLI_THREADS | CLI_ROWS,
	NULL
};

/* ---- the work -------------------------------------------------------------------------------- */

struct work {
	struct report_operand *sets;
	size_t n_sets;
	struct report_read read; /* methods */
	struct ood_scores id, pool;
	struct ood_eval *eval;
	size_t baseline;            /* its index, if there is one */
	struct ood_result *results; /* (n_sets, n) */
	struct report_curves curves;
	FILE *plots; /* text to print below the table, into plot_text; NULL: not requested */
	char *plot_text;
	size_t plot_len;
};

static unsigned what_to_keep(void)
{
	return (delong || baseline || replicates ? OOD_SCORES_ORDER : 0) |
	       (report_shows_right(&report) ? OOD_SCORES_RIGHT : 0);
}

/* Says what --baseline may be. */
static int no_baseline(const struct work *k)
{
	struct err_near near = err_near(baseline);
	struct err names = { .text = "" };

	for (size_t m = 0; m < k->read.n; m++) {
		err_near_try(&near, k->read.methods[m]);
		err_append(&names, "%s%s", m ? ", " : "", k->read.methods[m]);
	}
	return cli_error("--baseline: '%s' is not among the scores to compare%s%s %s", baseline,
			 err_near_text(&near, "'"), near.best ? " they are" : "; they are", names.text);
}

static struct ood_conventions conventions(void)
{
	return (struct ood_conventions){ (enum ood_fpr)fpr, aupr == TRAPEZOID, prevalence };
}

static int begin(struct work *k)
{
	struct ood_eval_options o = { .by = conventions(),
				      .delong = delong,
				      .test = baseline,
				      .bootstrap = (size_t)replicates,
				      .confidence = report.confidence,
				      .seed = (uint64_t)cli.seed,
				      .threads = (int)cli.threads };
	struct err err;

	if (kit_no_terminal(id_path) < 0)
		return -1;
	if (report_read_id(&k->read, id_path, method_list, what_to_keep(), &k->id, NULL, &err) < 0)
		return cli_error("%s", err.text);
	if (*k->read.seen.text)
		cli_warn("%s", k->read.seen.text);
	if (*k->read.guess.text)
		cli_warn("%s", k->read.guess.text);
	while (baseline && k->baseline < k->read.n && strcmp(k->read.methods[k->baseline], baseline) != 0)
		k->baseline++;
	if (baseline && k->baseline == k->read.n)
		return no_baseline(k);
	o.baseline = k->baseline;
	k->results = calloc((k->n_sets + 1) * k->read.n, sizeof *k->results);
	k->eval = ood_eval_new(&k->id, &o);
	if (!k->results || !k->eval)
		cli_oom();
	return 0;
}

/* A method that gives every row the same score measures nothing: warns instead of hiding it behind 50 %. */
static void warn_constant(const struct work *k, const struct ood_scores *ood, const char *set)
{
	for (size_t m = 0; m < k->read.n; m++) {
		struct ood_sample a, b;
		ood_scores_pair(&k->id, ood, m, &a, &b);
		const double v = ood_at(&a, 0);
		if (ood_at(&a, a.n - 1) == v && ood_at(&b, 0) == v && ood_at(&b, b.n - 1) == v)
			cli_warn("'%s': all scores of ID and '%s' are %g", k->read.methods[m], set, v);
	}
}

/* Reports numbers that mean little: always in a table for print, otherwise with --verbose. */
static void tell_little(const struct work *k, const struct ood_scores *ood, const char *set)
{
	void (*const tell)(const char *, ...) = pivot ? cli_warn : cli_info;
	const double share = (double)ood->n / (double)(ood->n + k->id.n);

	if (ood->n < OOD_EVAL_FEW || k->id.n < OOD_EVAL_FEW) {
		if (report.intervals || baseline)
			cli_warn("'%s': of %zu ID and %zu OOD rows: of fewer than %d, intervals are too narrow and "
				 "tests too sure",
				 set, k->id.n, ood->n, OOD_EVAL_FEW);
		else
			tell("'%s': of %zu ID and %zu OOD rows: at so few, one row moves FPR95 by a point or more", set,
			     k->id.n, ood->n);
	}
	for (int i = 0; i < report.n_shown; i++)
		if ((report.shown[i] == OOD_AUPR_IN || report.shown[i] == OOD_AUPR_OUT) && prevalence == 0 &&
		    fabs(share - .5) > .3) {
			tell("'%s': %.0f %% of the rows are OOD, which AUPR goes by: --prevalence 0.5 makes sets "
			     "comparable",
			     set, 100 * share);
			break;
		}
	for (size_t m = 0; m < k->read.n; m++) {
		struct ood_sample a, b;
		ood_scores_pair(&k->id, ood, m, &a, &b);
		const double ties = ood_share_of_ties(&a, &b);
		if (ties > .01)
			tell("'%s', '%s': %.0f %% of the pairs of an ID and an OOD row tie, so that FPR95 can jump",
			     k->read.methods[m], set, 100 * ties);
	}
}

static void draw(const struct work *k, const struct ood_scores *ood, const char *set)
{
	for (size_t m = 0; m < k->read.n && k->plots; m++) {
		struct ood_sample a, b;

		ood_scores_pair(&k->id, ood, m, &a, &b);
		report_braille(k->plots, k->read.methods[m], set, &a, &b);
	}
}

static int measure(struct work *k, struct report_operand *set, struct ood_result *out)
{
	struct ood_scores ood = { 0 };
	struct err err;
	int rc;

	if (kit_no_terminal(set->path) < 0)
		return -1;
	rc = report_read_ood(&k->read, set->path, what_to_keep() & OOD_SCORES_ORDER, &ood, NULL, &err);
	if (rc < 0) {
		cli_error("%s", err.text);
	} else {
		set->n = ood.n;
		set->hash = ood_scores_hash(&ood);
		warn_constant(k, &ood, set->name);
		tell_little(k, &ood, set->name);
		draw(k, &ood, set->name);
		if (ood_eval_set(k->eval, &ood, set->groups, out) < 0)
			cli_oom();
		if ((pooled && ood_scores_append(&k->pool, &ood, &err) < 0) ||
		    report_curves_write(&k->curves, k->read.methods, &k->id, set->name, &ood, &err) < 0)
			rc = cli_error("%s", err.text);
	}
	ood_scores_release(&ood);
	return rc;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int print_table(struct work *k)
{
	const struct report_sets all = { .sets = k->sets,
					 .n_sets = k->n_sets,
					 .methods = k->read.methods,
					 .n_methods = k->read.n,
					 .id = &k->id,
					 .pool = pooled ? &k->pool : NULL,
					 .eval = k->eval,
					 .results = k->results,
					 .baseline = baseline,
					 .baseline_at = k->baseline,
					 .pivot = pivot };
	struct err err;

	if (report_operands_alike(k->sets, k->n_sets, ood_scores_hash(&k->id), &err))
		cli_warn("%s", err.text);
	if (ood_eval_reversed(k->eval, REPORT_ALL, k->read.methods, &err))
		cli_warn("%s", err.text);
	if (report_sets(&report, &all, &err) < 0)
		return cli_error("%s", err.text);
	if (k->plots) {
		if (fflush(k->plots) != 0)
			cli_oom();
		fwrite(k->plot_text, 1, k->plot_len, stdout);
	}
	if (explain)
		report_explain(&report, baseline, (size_t)replicates);
	return 0;
}

static int run(struct work *k)
{
	struct err err;
	int rc = report_curves_open(&k->curves, curve_path, &err) < 0 ? cli_error("%s", err.text) : begin(k);

	if (plot && !(k->plots = open_memstream(&k->plot_text, &k->plot_len)))
		cli_oom();
	for (size_t s = 0; s < k->n_sets && rc == 0; s++)
		rc = measure(k, &k->sets[s], k->results + s * k->read.n);
	if (rc == 0)
		rc = print_table(k);
	if (report_curves_close(&k->curves, rc == 0, &err) < 0)
		rc = cli_error("%s", err.text);
	ood_scores_release(&k->id);
	ood_scores_release(&k->pool);
	report_read_release(&k->read);
	ood_eval_free(k->eval);
	free(k->results);
	if (k->plots)
		fclose(k->plots);
	free(k->plot_text);
	return rc;
}

/* A file, or nothing yet: not /dev/null. */
static bool is_kept(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

/* The last of two outputs with one name would replace the first. */
static void check_curves(void)
{
	static const char *const names[REPORT_CURVES] = {
		[REPORT_ROC] = "roc", [REPORT_PR] = "pr", [REPORT_HIST] = "hist"
	};

	for (int i = 0; i < REPORT_CURVES; i++) {
		if (curve_path[i] && ts_file_same(curve_path[i], NULL))
			cli_usage("--%s - would mix two outputs: the table goes to standard output", names[i]);
		for (int j = 0; j < i && curve_path[i]; j++)
			if (curve_path[j] && is_kept(curve_path[j]) && ts_file_same(curve_path[i], curve_path[j]))
				cli_usage("--%s and --%s are the same file, '%s'", names[j], names[i], curve_path[i]);
	}
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), n = argc - first;
	struct work k = { .n_sets = (size_t)n };
	struct err err;

	if (!id_path)
		cli_usage("--id FILE is missing");
	cli_check_once("--method", method_list);
	if (report.label && !report_is_printable(report.label))
		cli_usage("--label: has a control character");
	if (report_operands_new(&k.sets, n, argv + first, id_path, &err) < 0)
		cli_usage("%s", err.text);
	if (report_choose(&report, show || !pivot ? show : "auroc,fpr95", &err) < 0)
		cli_usage("--show: %s", err.text);
	const struct ood_conventions by = conventions();

	report_rules(&report, &by);
	report.f = stdout;
	report.format = cli_table_format((enum cli_format)format);
	report.intervals = delong || replicates;
	report.test = baseline;
	if (pivot && (delong || replicates || report.no_heading || explain))
		cli_usage("--pivot has no room for --delong, --bootstrap, --no-heading and --explain");
	if (plot && (report.format != CLI_TEXT || pivot))
		cli_usage("--plot goes with --format text, without --pivot");
	if (explain && report.format != CLI_TEXT && report.format != CLI_MARKDOWN)
		cli_usage("--explain goes with --format text or markdown");
	if (cli_given(&report.confidence) && !delong && !replicates && !baseline)
		cli_usage("--confidence is that of intervals and tests: --delong, --bootstrap N, --baseline METHOD");
	check_curves();
	int rc = run(&k);
	report_operands_free(k.sets, n);
	return cli_finish(rc ? 1 : 0);
}
