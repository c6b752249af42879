/* SPDX-License-Identifier: MIT
 * ood-seeds: reads tables of ood-metrics for several seeds and writes mean and standard deviation. Holds one table in
 * memory. */
#include <string.h>

#include "cli/cli.h"
#include "report/report_seeds.h"

static long format = CLI_TEXT, ddof = 1;
static bool summary, pivot;
static const char *baseline, *show;

static const struct cli_option options[] = {
	{ "ddof", 0, CLI_INT, "N", &ddof, 0, 1, "divide the variance by the number of seeds minus N (default 1)" },
	{ "summary", 's', CLI_FLAG, NULL, &summary, 0, 0, "only the averages over the OOD sets" },
	{ "pivot", 'p', CLI_FLAG, NULL, &pivot, 0, 0, "one row per method, one column per set" },
	{ "show", 0, CLI_STR, "LIST", &show, 0, 0, "with --pivot: metrics, separated by commas (default auroc,fpr95)" },
	{ "baseline", 0, CLI_STR, "METHOD", &baseline, 0, 0,
	  "with --pivot: compare the best method with this one (default msp)" },
	{ "format", 'f', CLI_CHOICE, CLI_FORMATS, &format, 0, 0, "format of the table (default text)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-seeds",
	"[option...] TABLE...",
	"Print mean and standard deviation over seeds, from tables of ood-metrics --format tsv.",
	options,
	"A TABLE is one seed's; a file may hold those of several models, each with its heading.",
	CLI_ROWS,
	NULL
};

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = 0, dashes = 0;
	const struct report_seeds_look look = {
		stdout, cli_table_format((enum cli_format)format), summary, (size_t)ddof, pivot, baseline, show
	};
	struct report_seeds *t = report_seeds_new();
	struct err err;
	size_t uneven;
	char line[1024];

	if (first == argc)
		cli_usage("no TABLE is given");
	if ((show || baseline) && !pivot)
		cli_usage("--show and --baseline go with --pivot");
	for (int i = first; i < argc; i++)
		dashes += strcmp(argv[i], "-") == 0;
	if (dashes > 1)
		cli_usage("standard input can be read only once");
	if (!t)
		cli_oom();
	for (int i = first; i < argc && rc == 0; i++)
		if (report_seeds_read(t, argv[i], &err) < 0)
			rc = cli_error("%s", err.text);
	for (size_t i = 0; rc == 0 && report_seeds_lacking(t, &i, line, sizeof line);)
		cli_warn("%s", line);
	if (rc == 0 && (uneven = report_seeds_uneven(t, line, sizeof line)) > 0)
		cli_warn("%s%s", line, uneven > 1 ? "; so are those of others" : "");
	if (rc == 0 && report_seeds_unlike(t, line, sizeof line))
		cli_warn("%s", line);
	if (rc == 0 && report_seeds_twice(t, line, sizeof line))
		cli_warn("%s", line);
	if (pivot && rc == 0 && report_seeds_tables(t) == 2)
		cli_warn("a standard deviation over two seeds says little about a third");
	if (rc == 0 && report_seeds_print(t, &look, &err) < 0)
		rc = cli_error("%s", err.text);
	report_seeds_free(t);
	return cli_finish(rc ? 1 : 0);
}
