/* SPDX-License-Identifier: MIT
 * The list of methods. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_table.h"
#include "ood/score/ood_method.h"
#include "report/report_methods.h"

static bool is_param(const struct ood_method *m, const struct ood_param *p)
{
	return p < m->params + OOD_MAX_PARAMS && p->name;
}

static void put_text(FILE *f, const struct ood_method *m)
{
	fprintf(f, "%-18s %s%s%s\n", m->name, m->help, m->needs ? "; needs " : "", m->needs ? m->needs : "");
	for (const struct ood_param *p = m->params; is_param(m, p); p++)
		fprintf(f, "  %-16s %s (%g; %g to %g)\n", p->name, p->help, p->value, p->min, p->max);
}

static void put_params(FILE *f, const struct ood_method *m)
{
	fputs("{", f);
	for (const struct ood_param *p = m->params; is_param(m, p); p++) {
		fprintf(f,
			"%s\"%s\": {\"default\": %g, \"min\": %g, \"max\": %g, \"help\": ", p == m->params ? "" : ", ",
			p->name, p->value, p->min, p->max);
		cli_put_json(f, p->help);
		fputs("}", f);
	}
	fputs("}", f);
}

static void put_json(FILE *f, const char *group, const struct ood_method *m)
{
	static const struct cli_column columns[] = { { "", "method", -1 },
						     { "", "group", -1 },
						     { "", "help", -1 },
						     { "", "needs", -1 },
						     { "", "parameters", 1 } };
	char *params = NULL;
	size_t len;
	FILE *to = open_memstream(&params, &len);

	if (!to)
		cli_oom();
	put_params(to, m);
	if (fclose(to) != 0 || !params)
		cli_oom();
	cli_table_row(f, CLI_JSON, columns, 5, (const char *const[]){ m->name, group, m->help, m->needs, params });
	free(params);
}

void report_methods(FILE *f)
{
	for (size_t i = 0; ood_families[i]; i++) {
		const char *group = ood_family_titles[i];

		if (!cli.json && (i == 0 || strcmp(group, ood_family_titles[i - 1]) != 0))
			fprintf(f, "%s%s:\n", i ? "\n" : "", group);
		for (const struct ood_method *m = ood_families[i]; m->name; m++)
			if (cli.json)
				put_json(f, group, m);
			else
				put_text(f, m);
	}
}
