/* SPDX-License-Identifier: MIT
 * Operands of ood-metrics. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_operands.h"
#include "report/report_table.h"

const char *const report_groups[OOD_MAX_GROUPS] = { "near average", "far average", "average" };

bool report_is_average(const char *set)
{
	int g = 0;

	while (g < OOD_MAX_GROUPS && strcmp(report_groups[g], set) != 0)
		g++;
	return g < OOD_MAX_GROUPS;
}

bool report_is_set(const char *name)
{
	return !report_is_average(name) && strcmp(name, "pooled") != 0;
}

bool report_has_averages(size_t n, enum cli_format format)
{
	return n != 1 || !cli_format_is_for_people(format);
}

/* A name contains no slash, so paths with a = in them need no name. */
static int parse(struct report_operand *in, const char *arg, struct err *err)
{
	const char *rest = arg;

	in->groups = 1 << REPORT_ALL;
	if (strncmp(arg, "near:", 5) == 0 || strncmp(arg, "far:", 4) == 0) {
		in->groups |= 1 << (*arg == 'n' ? REPORT_NEAR : REPORT_FAR);
		rest = strchr(arg, ':') + 1;
	}
	size_t len = strcspn(rest, "=/");
	in->path = rest;
	if (rest[len] == '=') {
		in->name = strndup(rest, len);
		in->path = rest + len + 1;
	} else {
		const char *base = strrchr(rest, '/') ? strrchr(rest, '/') + 1 : rest;
		const char *dot = strrchr(base, '.');
		in->name = strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
	}
	if (!in->name)
		return err_memory(err);
	if (!*in->name || !*in->path || !report_is_printable(in->name))
		return err_fail(err, "'%s' is not [near:|far:][NAME=]FILE", arg);
	return 0;
}

/* Checks the name of the last of n operands against the others. */
static int check_name(const struct report_operand *in, int n, struct err *err)
{
	const char *name = in[n - 1].name;

	if (!report_is_set(name))
		return err_fail(err, "'%s' is the name of another row; NAME=FILE gives another", name);
	for (int i = 0; i < n - 1; i++)
		if (strcmp(name, in[i].name) == 0)
			return err_fail(err, "two sets are called '%s'; NAME=FILE tells them apart", name);
	return 0;
}

bool report_operands_alike(const struct report_operand *in, size_t n, uint64_t id, struct err *words)
{
	for (size_t i = 0; i < n; i++) {
		if (in[i].hash == id) {
			err_fail(words,
				 "OOD set '%s' has the very scores of the ID set; leave it out, as averages count it",
				 in[i].name);
			return true;
		}
		for (size_t k = 0; k < i; k++)
			if (in[k].hash == in[i].hash) {
				err_fail(words,
					 "OOD sets '%s' and '%s' have the same scores; averages count them twice",
					 in[k].name, in[i].name);
				return true;
			}
	}
	return false;
}

void report_operands_free(struct report_operand *in, int n)
{
	for (int i = 0; in && i < n; i++)
		free(in[i].name);
	free(in);
}

int report_operands_new(struct report_operand **ret, int n, char **args, const char *id_path, struct err *err)
{
	struct report_operand *in = calloc((size_t)n + 1, sizeof *in);
	int dashes = strcmp(id_path, "-") == 0, rc = in ? 0 : err_memory(err);

	if (rc == 0 && n == 0)
		rc = err_fail(err, "no OOD set is given: [NAME=]FILE");
	for (int i = 0; i < n && rc == 0; i++) {
		rc = parse(&in[i], args[i], err) < 0 || check_name(in, i + 1, err) < 0 ? -1 : 0;
		dashes += rc == 0 && strcmp(in[i].path, "-") == 0;
	}
	if (rc == 0 && dashes > 1)
		rc = err_fail(err, "standard input can be read only once");
	if (rc < 0) {
		report_operands_free(in, n);
		in = NULL;
	}
	*ret = in;
	return rc;
}
