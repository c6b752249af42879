/* SPDX-License-Identifier: MIT
 * The list of methods, and the parser of what users ask for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_method.h"

/* One row a method: it is defined as ood_NAME in ood_NAME.c. */
#define METHODS(row) \
	row(msp) \
	row(maxlogit) \
	row(energy)

#define DECLARE(name) extern const struct ood_method ood_##name;
METHODS(DECLARE)
#define ADDRESS(name) &ood_##name,
const struct ood_method *const ood_methods[] = { METHODS(ADDRESS) NULL };

enum { N_METHODS = sizeof(ood_methods) / sizeof(ood_methods[0]) - 1 };

size_t ood_argmax(const float *logits, size_t n)
{
	size_t best = 0;
	for (size_t i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

double ood_log_sum_exp(const float *logits, size_t n, size_t skip, double shift, double t)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (i != skip)
			sum += exp((logits[i] - shift) / t);
	return log(sum);
}

static int unknown_method(const char *name, char *err, size_t len)
{
	size_t used = (size_t)snprintf(err, len, "unknown method '%s', there are:", name);
	for (size_t i = 0; i < N_METHODS && used < len; i++)
		used += (size_t)snprintf(err + used, len - used, " %s", ood_methods[i]->name);
	return -1;
}

static void request_init(struct ood_request *q, const struct ood_method *m)
{
	*q = (struct ood_request){ .method = m };
	for (size_t i = 0; i < OOD_MAX_PARAMS && m->params[i].name; i++)
		q->params[i] = m->params[i].value;
	snprintf(q->column, sizeof q->column, "%s", m->name);
}

/* Takes "name=value" into q. */
static int parse_param(struct ood_request *q, char *text, char *err, size_t len)
{
	const char *method = q->method->name;
	char *value = strchr(text, '='), *end;
	if (!value) {
		snprintf(err, len, "'%s' of method '%s' is not PARAMETER=VALUE", text, method);
		return -1;
	}
	*value++ = '\0';
	const struct ood_param *p = q->method->params;
	size_t i = 0;
	while (i < OOD_MAX_PARAMS && p[i].name && strcmp(p[i].name, text) != 0)
		i++;
	if (i == OOD_MAX_PARAMS || !p[i].name) {
		snprintf(err, len, "method '%s' has no parameter '%s'", method, text);
		return -1;
	}
	double x = strtod(value, &end);
	if (end == value || *end || !(x >= p[i].min && x <= p[i].max)) {
		snprintf(err, len, "%s of method '%s' is '%s', not a number from %g to %g", text,
			 method, value, p[i].min, p[i].max);
		return -1;
	}
	q->params[i] = x;
	return 0;
}

/* Takes one item of the list, which it cuts up, into q. */
static int parse_item(struct ood_request *q, char *item, char *err, size_t len)
{
	char *column = NULL, *rest = strchr(item, ':');
	if (strlen(item) >= OOD_MAX_COLUMN) {
		snprintf(err, len, "method '%.20s...' is longer than %d bytes", item,
			 OOD_MAX_COLUMN - 1);
		return -1;
	}
	if (rest) {
		column = strdup(item);
		if (!column) {
			snprintf(err, len, "out of memory");
			return -1;
		}
		*rest++ = '\0';
	}
	size_t i = 0;
	while (i < N_METHODS && strcmp(ood_methods[i]->name, item) != 0)
		i++;
	int status = -1;
	if (i == N_METHODS) {
		unknown_method(item, err, len);
		goto out;
	}
	request_init(q, ood_methods[i]);
	while (rest) {
		char *next = strchr(rest, ':');
		if (next)
			*next++ = '\0';
		if (parse_param(q, rest, err, len))
			goto out;
		rest = next;
	}
	if (column)
		snprintf(q->column, sizeof q->column, "%s", column);
	status = 0;
out:
	free(column);
	return status;
}

static int check_columns(const struct ood_request *q, size_t n, char *err, size_t len)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (strcmp(q[i].column, q[j].column) == 0) {
				snprintf(err, len, "method '%s' is asked for twice", q[i].column);
				return -1;
			}
	return 0;
}

int ood_request_parse(const char *text, struct ood_request **ret, size_t *n, char *err, size_t len)
{
	size_t items = 1, k = 0;
	for (const char *p = text; *p; p++)
		items += *p == ',';
	char *copy = strdup(text);
	struct ood_request *q = calloc(items, N_METHODS * sizeof *q);
	if (!copy || !q) {
		snprintf(err, len, "out of memory");
		goto fail;
	}
	for (char *item = copy, *next; item; item = next) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		if (strcmp(item, "all") == 0) {
			for (size_t i = 0; i < N_METHODS; i++)
				request_init(&q[k++], ood_methods[i]);
		} else if (parse_item(&q[k++], item, err, len)) {
			goto fail;
		}
	}
	if (check_columns(q, k, err, len))
		goto fail;
	free(copy);
	*ret = q;
	*n = k;
	return 0;
fail:
	free(copy);
	free(q);
	return -1;
}

void ood_request_text(const struct ood_request *q, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "%s", q->method->name);
	const struct ood_param *p = q->method->params;
	for (size_t i = 0; i < OOD_MAX_PARAMS && p[i].name && used < len; i++)
		used += (size_t)snprintf(buf + used, len - used, ":%s=%.17g", p[i].name,
					 q->params[i]);
}
