/* SPDX-License-Identifier: MIT
 * Verdicts as lines. */
#include <stdlib.h>

#include "cli/cli.h"
#include "report/report_verdict.h"

void report_verdict_head(FILE *f, enum report_verdict form)
{
	if (form == REPORT_TSV)
		fputs("name\tclass\tscore\tverdict\n", f);
}

static int put_json(FILE *f, const char *name, const char *score, const struct unmask_result *r, const char *verdict)
{
	char *json_name = ts_str_json(name), *json_class = ts_str_json(r->class_name);
	const int rc = json_name && json_class ? 0 : -1;

	if (rc == 0 && r->class_index >= 0)
		fprintf(f, "{\"name\": %s, \"class\": %s, \"class_index\": %d, \"score\": %s, \"verdict\": \"%s\"}\n",
			json_name, json_class, r->class_index, score, verdict);
	else if (rc == 0)
		fprintf(f,
			"{\"name\": %s, \"class\": null, \"class_index\": null, \"score\": %s, \"verdict\": \"%s\"}\n",
			json_name, score, verdict);
	free(json_name);
	free(json_class);
	return rc;
}

int report_verdict(FILE *f, enum report_verdict form, const char *name, const struct unmask_result *r)
{
	const char *verdict = r->out ? "out" : "in";
	char score[32];

	ts_elem_text(TS_F32, &r->score, 0, score);
	if (form == REPORT_JSON)
		return put_json(f, name, score, r, verdict);
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
	return 0;
}
