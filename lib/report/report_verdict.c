/* SPDX-License-Identifier: MIT
 * Verdicts as lines. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/cli_table.h"
#include "report/report_verdict.h"

void report_verdict_head(FILE *f, enum report_verdict form)
{
	if (form == REPORT_TSV)
		fputs("name\tclass\tscore\tverdict\n", f);
}

static void put_json(FILE *f, const char *name, const char *score, const struct unmask_result *r, const char *verdict)
{
	char number[32];
	const bool known = r->class_index >= 0;
	static const struct cli_column columns[] = { { "", "name", -1 },
						     { "", "class", -1 },
						     { "", "class_index", 1 },
						     { "", "score", 1 },
						     { "", "verdict", -1 } };
	const char *const cells[] = { name, known ? r->class_name : NULL, known ? number : NULL, score, verdict };

	snprintf(number, sizeof number, "%d", r->class_index);
	cli_table_row(f, CLI_JSON, columns, 5, cells);
}

void report_verdict(FILE *f, enum report_verdict form, const char *name, const struct unmask_result *r)
{
	const char *verdict = r->out ? "out" : "in";
	char score[32];

	ts_elem_text(TS_F32, &r->score, 0, score);
	if (form == REPORT_JSON) {
		put_json(f, name, score, r, verdict);
		return;
	}
	if (form == REPORT_TEXT) {
		fprintf(f, "%-3s  %-13s  ", verdict, score);
		cli_put_cell(f, r->class_index >= 0 ? r->class_name : "-");
		fputs("  ", f);
		cli_put_cell(f, name);
	} else {
		cli_put_cell(f, name);
		fputs("\t", f);
		cli_put_cell(f, r->class_name);
		fprintf(f, "\t%s\t%s", score, verdict);
	}
	fputs("\n", f);
}
