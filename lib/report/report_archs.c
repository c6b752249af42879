/* SPDX-License-Identifier: MIT
 * The list of networks. */
#include <stdbool.h>

#include "cli/cli.h"
#include "cli/cli_table.h"
#include "net/net.h"
#include "report/report_archs.h"

enum { SIDES = 2, CELL = 32, SPEC = 256 };
static const int sides[SIDES] = { 32, 224 };

/* The cost of a network, as cells; NULL: images of that side are too small for it. */
struct cost {
	char text[1 + SIDES][CELL];
	const char *cell[1 + SIDES];
};

/* In millions for people. */
static void count(struct cost *c, int i, double n)
{
	snprintf(c->text[i], CELL, cli.json ? "%.0f" : i == 0 ? "%.2f" : "%.1f", cli.json ? n : n / 1e6);
	c->cell[i] = c->text[i];
}

/* -1: neither side is large enough, or out of memory. The smaller side comes last, because its weights count: those of
 * dense layers over pixels depend on the side. */
static int measure(struct cost *c, const char *spec, struct err *err)
{
	*c = (struct cost){ 0 };
	for (int i = SIDES - 1; i >= 0; i--) {
		struct net *n = net_new(spec, 3, sides[i], sides[i], 10, err);

		if (!n)
			continue;
		count(c, 0, (double)net_count(n));
		count(c, 1 + i, net_multiply_adds(n));
		net_free(n);
	}
	return c->cell[0] ? 0 : -1;
}

static const struct cli_column columns[] = { { "NETWORK", "network", -24 },
					     { "WEIGHTS", "weights", 9 },
					     { "AT 32x32", "multiply_adds_32", 10 },
					     { "AT 224x224", "multiply_adds_224", 10 },
					     { "", "what", -1 },
					     { "", "spec", -1 } };

/* Writes one line; JSON has one more column, the spec. */
static int put(FILE *f, const char *name, const char *spec, const char *what, struct err *err)
{
	struct cost c;

	if (measure(&c, spec, err) < 0)
		return -1;
	cli_table_row(f, cli.json ? CLI_JSON : CLI_TEXT, columns, cli.json ? 6 : 5,
		      (const char *const[]){ name, c.cell[0], c.cell[1], c.cell[2], what, spec });
	return 0;
}

/* The network with all of its parameters, or only its name if it has none. */
static void put_spec(char spec[SPEC], const struct net_arch *a)
{
	int n = snprintf(spec, SPEC, "%s", a->name);

	for (int i = 0; i < NET_MAX_PARAMS && a->params[i].name && n < SPEC; i++)
		n += snprintf(spec + n, (size_t)(SPEC - n), "%c%s=%g", i ? ',' : ':', a->params[i].name,
			      a->params[i].value);
}

int report_archs(FILE *f, struct err *err)
{
	const char *name, *spec;
	char full[SPEC];

	if (!cli.json)
		cli_table_heading(f, CLI_TEXT, columns, 4);
	for (int i = 0; net_archs[i]; i++) {
		put_spec(full, net_archs[i]);
		if (put(f, net_archs[i]->name, full, net_archs[i]->help, err) < 0)
			return -1;
	}
	for (size_t i = 0; (name = net_alias(i, &spec)) != NULL; i++)
		if (put(f, name, spec, spec, err) < 0)
			return -1;
	if (cli.json)
		return 0;
	fputs("\nWeights, and multiply-adds per image, in millions, with 10 classes. Parameters, with their "
	      "defaults:\n\n",
	      f);
	for (int i = 0; net_archs[i]; i++)
		if (net_archs[i]->params[0].name) {
			put_spec(full, net_archs[i]);
			fprintf(f, "%s\n", full);
		}
	return 0;
}
