/* SPDX-License-Identifier: MIT
 * Operands of ood-metrics. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report_sets.h"
#include "report/report_table.h"

const char *const report_groups[OOD_MAX_GROUPS] = { "near average", "far average", "average" };

/* A name holds no slash, so that paths with a = in them need no name. */
static struct report_set parse(const char *arg)
{
	struct report_set in = { .groups = 1 << REPORT_ALL };
	const char *rest = arg;

	if (strncmp(arg, "near:", 5) == 0 || strncmp(arg, "far:", 4) == 0) {
		in.groups |= 1 << (*arg == 'n' ? REPORT_NEAR : REPORT_FAR);
		rest = strchr(arg, ':') + 1;
	}
	size_t len = strcspn(rest, "=/");
	in.path = rest;
	if (rest[len] == '=') {
		in.name = strndup(rest, len);
		in.path = rest + len + 1;
	} else {
		const char *base = strrchr(rest, '/') ? strrchr(rest, '/') + 1 : rest;
		const char *dot = strrchr(base, '.');
		in.name = strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
	}
	if (!in.name)
		cli_oom();
	if (!*in.name || !*in.path || !report_is_printable(in.name))
		cli_usage("'%s' is not [near:|far:][NAME=]FILE", arg);
	return in;
}

static bool is_taken(const char *name)
{
	for (int g = 0; g < OOD_MAX_GROUPS; g++)
		if (strcmp(name, report_groups[g]) == 0)
			return true;
	return strcmp(name, "pooled") == 0;
}

struct report_set *report_sets(int n, char **args, const char *id_path)
{
	struct report_set *in = calloc((size_t)n + 1, sizeof *in);
	int dashes = strcmp(id_path, "-") == 0;

	if (!in)
		cli_oom();
	if (n == 0)
		cli_usage("there is no OOD set: no [NAME=]FILE");
	for (int i = 0; i < n; i++) {
		in[i] = parse(args[i]);
		dashes += strcmp(in[i].path, "-") == 0;
		if (is_taken(in[i].name))
			cli_usage("'%s' is the name of another row; NAME=FILE gives another", in[i].name);
		for (int j = 0; j < i; j++)
			if (strcmp(in[i].name, in[j].name) == 0)
				cli_usage("two sets are called '%s'; NAME=FILE tells them apart",
					  in[i].name);
	}
	if (dashes > 1)
		cli_usage("standard input can be read once only");
	return in;
}
