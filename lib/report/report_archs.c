/* SPDX-License-Identifier: MIT
 * The list of networks. */
#include <stdbool.h>

#include "net/net.h"
#include "report/report_archs.h"

/* Columns of a network for images of that side; *weights stays if there is none. */
static int measure(const char *spec, int side, double *weights, char cost[32], struct err *err)
{
	struct net *n = net_new(spec, 3, side, side, 10, err);

	snprintf(cost, 32, "-"); /* such images are too small for it, or there is no memory */
	if (!n)
		return -1;
	*weights = (double)net_count(n);
	snprintf(cost, 32, "%.1f", net_multiply_adds(n) / 1e6);
	net_free(n);
	return 0;
}

static int put(FILE *f, const char *name, const char *spec, const char *note, struct err *err)
{
	char small[32], large[32];
	double weights = 0;
	/* In this order, as dense layers over pixels depend on the side: the smaller one's count. */
	const bool none_large = measure(spec, 224, &weights, large, err) < 0;

	if (measure(spec, 32, &weights, small, err) < 0 && none_large)
		return -1;
	fprintf(f, "%-18s %9.2f %10s %10s  %s\n", name, weights / 1e6, small, large, note);
	return 0;
}

static void put_params(FILE *f, const struct net_arch *a)
{
	if (!a->params[0].name)
		return;
	fputs(a->name, f);
	for (int i = 0; i < NET_MAX_PARAMS && a->params[i].name; i++)
		fprintf(f, "%c%s=%g", i ? ',' : ':', a->params[i].name, a->params[i].value);
	fputs("\n", f);
}

int report_archs(FILE *f, struct err *err)
{
	const char *name, *spec;

	fprintf(f, "%-18s %9s %10s %10s\n", "NETWORK", "WEIGHTS", "AT 32x32", "AT 224x224");
	for (int i = 0; net_archs[i]; i++)
		if (put(f, net_archs[i]->name, net_archs[i]->name, net_archs[i]->help, err) < 0)
			return -1;
	for (size_t i = 0; (name = net_alias(i, &spec)) != NULL; i++)
		if (put(f, name, spec, spec, err) < 0)
			return -1;
	fputs("\nWeights, and multiply-adds per image, in millions, with 10 classes. Parameters, with their "
	      "defaults:\n\n",
	      f);
	for (int i = 0; net_archs[i]; i++)
		put_params(f, net_archs[i]);
	return 0;
}
