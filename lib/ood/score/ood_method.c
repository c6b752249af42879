/* SPDX-License-Identifier: MIT
 * The list of families, and the parser of what users ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err/err_near.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* One row per family: ood_NAME.c defines the array ood_NAME_family; and what the list calls it. */
#define FAMILIES(row) \
	row(logits, "Logits alone") row(calibrate, "Logits, fitted") row(shape, "Features, and the last layer") \
		row(means, "Means of classes") row(gauss, "Covariances") row(subspace, "Principal axes") \
			row(neighbours, "Neighbours in the bank of a fit") row(layers, "Features of many layers") \
				row(gram, "Gram matrices") row(extra, "Further passes through the network")

#define DECLARE(name, title) extern const struct ood_method ood_##name##_family[];
FAMILIES(DECLARE)
#define ADDRESS(name, title) ood_##name##_family,
const struct ood_method *const ood_families[] = { FAMILIES(ADDRESS) NULL };
#define TITLE(name, title) title,
static const char *const titles[] = { FAMILIES(TITLE) };

/* The method called so, or NULL. */
static const struct ood_method *find_method(const char *name)
{
	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++)
			if (strcmp(m->name, name) == 0)
				return m;
	return NULL;
}

static int unknown_method(const char *name, struct err *err)
{
	struct err_near near = err_near(name);

	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++)
			err_near_try(&near, m->name);
	err_fail(err, "unknown method '%s'%s%s there are:", name, err_near_text(&near, "'"), near.best ? "" : ",");
	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++)
			err_append(err, " %s", m->name);
	return -1;
}

void ood_requests_release(struct ood_requests *r)
{
	free(r->q);
	*r = (struct ood_requests){ 0 };
}

/* Appends a request; a column that is there already is an error. */
static int append(struct ood_requests *r, const struct ood_request *q, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->q[i].column, q->column) == 0)
			return err_fail(err, "method '%s' is asked for twice", q->column);
	if (r->n == TS_MAX_FIELDS) /* each is a column */
		return err_fail(err, "more than %d methods are asked for", TS_MAX_FIELDS);
	struct ood_request *bigger = realloc(r->q, (r->n + 1) * sizeof *bigger);
	if (!bigger)
		return err_memory(err);
	r->q = bigger;
	r->q[r->n++] = *q;
	return 0;
}

void ood_methods_list(FILE *f)
{
	for (size_t i = 0; ood_families[i]; i++) {
		fprintf(f, "%s%s:\n", i ? "\n" : "", titles[i]);
		for (const struct ood_method *m = ood_families[i]; m->name; m++) {
			fprintf(f, "%-18s %s%s%s\n", m->name, m->help, m->needs ? "; needs " : "",
				m->needs ? m->needs : "");
			for (const struct ood_param *p = m->params; p < m->params + OOD_MAX_PARAMS && p->name; p++)
				fprintf(f, "  %-16s %s (%g; %g to %g)\n", p->name, p->help, p->value, p->min, p->max);
		}
	}
}

static struct ood_request defaults(const struct ood_method *m)
{
	struct ood_request q = { .method = m };

	for (size_t i = 0; i < OOD_MAX_PARAMS && m->params[i].name; i++)
		q.params[i] = m->params[i].value;
	snprintf(q.column, sizeof q.column, "%s", m->name);
	return q;
}

static int unknown_param(const struct ood_method *m, const char *text, size_t len, struct err *err)
{
	err_fail(err, "method '%s' has no parameter '%.*s'%s", m->name, (int)len, text,
		 m->params[0].name ? ", but" : "");
	for (size_t i = 0; i < OOD_MAX_PARAMS && m->params[i].name; i++)
		err_append(err, " %s", m->params[i].name);
	return -1;
}

/* Takes "name=value" into q, and a bit for it into *given. */
static int parse_param(struct ood_request *q, const char *text, unsigned *given, struct err *err)
{
	const struct ood_param *p = q->method->params;
	const char *method = q->method->name, *value = strchr(text, '=');
	size_t i = 0, len = strcspn(text, "=");
	char *end;

	if (!value)
		return err_fail(err, "'%s' of method '%s' is not PARAMETER=VALUE", text, method);
	while (i < OOD_MAX_PARAMS && p[i].name && (strncmp(p[i].name, text, len) != 0 || p[i].name[len]))
		i++;
	if (i == OOD_MAX_PARAMS || !p[i].name)
		return unknown_param(q->method, text, len, err);
	if (*given & 1u << i)
		return err_fail(err, "%s of method '%s' is given twice", p[i].name, method);
	*given |= 1u << i;
	double x = strtod(++value, &end);
	if (end == value || *end || !(x >= p[i].min && x <= p[i].max))
		return err_fail(err, "%s of method '%s' is '%s', not a number from %g to %g", p[i].name, method, value,
				p[i].min, p[i].max);
	q->params[i] = x;
	return 0;
}

/* Appends METHOD[:PARAMETER=VALUE]..., text that may be written to. */
static int add_item(struct ood_requests *r, char *item, struct err *err)
{
	char column[OOD_MAX_COLUMN], *rest = item, *word = strsep(&rest, ":");

	if (strlen(word) + (rest ? strlen(rest) + 1 : 0) >= OOD_MAX_COLUMN)
		return err_fail(err, "method '%.20s...' is longer than %d bytes", item, OOD_MAX_COLUMN - 1);
	const struct ood_method *m = find_method(word);
	if (!m)
		return unknown_method(word, err);
	snprintf(column, sizeof column, "%s%s%s", word, rest ? ":" : "", rest ? rest : "");
	struct ood_request q = defaults(m);
	unsigned given = 0;
	while ((word = strsep(&rest, ":")) != NULL)
		if (parse_param(&q, word, &given, err) < 0)
			return -1;
	memcpy(q.column, column, sizeof column);
	return append(r, &q, err);
}

static int add_all(struct ood_requests *r, struct err *err)
{
	for (const struct ood_method *const *f = ood_families; *f; f++)
		for (const struct ood_method *m = *f; m->name; m++) {
			struct ood_request q = defaults(m);
			q.optional = true;
			if (append(r, &q, err) < 0)
				return -1;
		}
	return 0;
}

int ood_requests_add(struct ood_requests *r, const char *text, struct err *err)
{
	char *copy = strdup(text), *rest = copy, *item;
	int rc = copy ? 0 : err_memory(err);

	while (rc == 0 && (item = strsep(&rest, ",")) != NULL)
		rc = strcmp(item, "all") == 0 ? add_all(r, err) : add_item(r, item, err);
	free(copy);
	return rc;
}

/* Appends every combination: `item` holds what is chosen so far, rest what is not. */
static int sweep(struct ood_requests *r, const char *item, char *rest, struct err *err)
{
	char next[2 * OOD_MAX_COLUMN], *word = strsep(&rest, ":"), *value;

	if (!word) {
		snprintf(next, sizeof next, "%s", item);
		return add_item(r, next, err);
	}
	char *values = strchr(word, '=');
	if (!values)
		return err_fail(err, "'%s' of '%s' is not PARAMETER=VALUE,VALUE...", word, item);
	*values++ = '\0';
	while ((value = strsep(&values, ",")) != NULL) {
		char *copy = rest ? strdup(rest) : NULL;
		snprintf(next, sizeof next, "%s:%s=%s", item, word, value);
		int rc = strlen(next) >= OOD_MAX_COLUMN ? err_fail(err, "'%.20s...' is too long", item) :
							  sweep(r, next, copy, err);
		free(copy);
		if (rc)
			return -1;
	}
	return 0;
}

int ood_requests_sweep(struct ood_requests *r, const char *text, struct err *err)
{
	char *copy = strdup(text), *rest = copy;
	int rc = -1;

	if (!copy)
		return err_memory(err);
	char *method = strsep(&rest, ":");
	if (!rest || !strchr(rest, '='))
		err_fail(err, "'%s' is not METHOD:PARAMETER=VALUE,VALUE...", text);
	else if (strlen(method) >= OOD_MAX_COLUMN)
		err_fail(err, "'%.20s...' is too long", method);
	else
		rc = sweep(r, method, rest, err);
	free(copy);
	return rc;
}

void ood_request_text(const struct ood_request *q, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "%s", q->method->name);
	const struct ood_param *p = q->method->params;
	for (size_t i = 0; i < OOD_MAX_PARAMS && p[i].name && used < len; i++)
		used += (size_t)snprintf(buf + used, len - used, ":%s=%.17g", p[i].name, q->params[i]);
}
