/* SPDX-License-Identifier: MIT
 * The list of families, and the parser of users' requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err/err_near.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* One row per family: ood_NAME.c defines the array ood_NAME_family, and the title is its heading in lists; neighbours
 * share one. */
#define FAMILIES(row) \
	row(logits, "Logits alone") row(calibrate, "Logits, fitted") row(mcm, SHAPE) row(shape, SHAPE) \
		row(optfs, SHAPE) row(ras, SHAPE) row(nac, SHAPE) row(weiper, SHAPE) row(dropout, SHAPE) \
			row(means, MEANS) row(caref, MEANS) row(core, MEANS) row(gauss, COVARIANCES) \
				row(gmm, COVARIANCES) row(pnml, COVARIANCES) row(subspace, AXES) row(kpca, AXES) \
					row(knn, BANK) row(cfood, BANK) row(grood, BANK) row(layers, LAYERS) \
						row(combood, LAYERS) row(gram, "Gram matrices") row(extra, PASSES) \
							row(adascale, PASSES) row(ensemble, PASSES)
#define SHAPE "Features, and the last layer"
#define MEANS "Means of classes"
#define COVARIANCES "Covariances"
#define AXES "Principal axes"
#define PASSES "Further passes through the network"
#define LAYERS "Features of many layers"
#define BANK "Neighbours in the bank of a fit"

#define DECLARE(name, title) extern const struct ood_method ood_##name##_family[];
FAMILIES(DECLARE)
#define ADDRESS(name, title) ood_##name##_family,
const struct ood_method *const ood_families[] = { FAMILIES(ADDRESS) NULL };
#define TITLE(name, title) title,
const char *const ood_family_titles[] = { FAMILIES(TITLE) };

/* The method of this name, or NULL. */
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
	err_fail(err, "unknown method '%s'%s%s the methods are:", name, err_near_text(&near, "'"),
		 near.best ? "" : ";");
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

/* Appends a request; a column that already exists is an error. */
static int append(struct ood_requests *r, const struct ood_request *q, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->q[i].column, q->column) == 0)
			return err_fail(err, "method '%s' is given twice", q->column);
	if (r->n == TS_MAX_FIELDS) /* each is a column */
		return err_fail(err, "more than %d methods are asked for", TS_MAX_FIELDS);
	struct ood_request *bigger = realloc(r->q, (r->n + 1) * sizeof *bigger);
	if (!bigger)
		return err_memory(err);
	r->q = bigger;
	r->q[r->n++] = *q;
	return 0;
}

static struct ood_request defaults(const struct ood_method *m)
{
	struct ood_request q = { .method = m };

	for (size_t i = 0; i < OOD_MAX_PARAMS && m->params[i].name; i++)
		q.params[i] = m->params[i].value;
	snprintf(q.column, sizeof q.column, "%s", m->name);
	return q;
}

/* Parameter i of a request: the method's, then those of the score that follows it. NULL: none. */
static const struct ood_param *param_of(const struct ood_request *q, size_t i)
{
	const struct ood_method *m = i < OOD_MAX_PARAMS ? q->method : q->then;
	const struct ood_param *p = m ? &m->params[i % OOD_MAX_PARAMS] : NULL;

	return p && p->name ? p : NULL;
}

static int unknown_param(const struct ood_request *q, const char *method, const char *text, size_t len, struct err *err)
{
	size_t n = 0;

	err_fail(err, "method '%s' has no parameter '%.*s'", method, (int)len, text);
	for (size_t i = 0; i < 2 * OOD_MAX_PARAMS; i++)
		if (param_of(q, i))
			err_append(err, "%s %s", n++ ? "" : ", but", param_of(q, i)->name);
	return -1;
}

/* Parses "name=value" into q, which the user calls `method`, and sets its bit in *given. */
static int parse_param(struct ood_request *q, const char *method, const char *text, unsigned *given, struct err *err)
{
	const struct ood_param *p = NULL;
	const char *value = strchr(text, '=');
	size_t i, len = strcspn(text, "=");
	char *end;

	if (!value)
		return err_fail(err, "'%s' of method '%s' is not PARAMETER=VALUE", text, method);
	for (i = 0; i < 2 * OOD_MAX_PARAMS; i++)
		if ((p = param_of(q, i)) && strncmp(p->name, text, len) == 0 && !p->name[len])
			break;
	if (i == 2 * OOD_MAX_PARAMS)
		return unknown_param(q, method, text, len, err);
	if (*given & 1u << i)
		return err_fail(err, "%s of method '%s' is given twice", p->name, method);
	*given |= 1u << i;
	double x = strtod(++value, &end);
	if (end == value || *end || !(x >= p->min && x <= p->max))
		return err_fail(err, "%s of method '%s' is '%s', not a number from %g to %g", p->name, method, value,
				p->min, p->max);
	*(i < OOD_MAX_PARAMS ? &q->params[i] : &q->then_params[i - OOD_MAX_PARAMS]) = x;
	return 0;
}

/* Fills a request for METHOD or METHOD+SCORE with the defaults. */
static int parse_name(struct ood_request *q, const char *word, struct err *err)
{
	char name[OOD_MAX_COLUMN];
	const char *then = strchr(word, '+');

	/* mds++ is a name, not a sum */
	const struct ood_method *m = find_method(word), *score = NULL;
	if (!m && then) {
		snprintf(name, sizeof name, "%.*s", (int)(then - word), word);
		if (!(m = find_method(name)))
			return unknown_method(name, err);
		if (!(score = find_method(then + 1)))
			return unknown_method(then + 1, err);
		if (!m->reshapes)
			return err_fail(err, "'%s': %s makes no new logits for %s", word, m->name, score->name);
		if (!score->logits)
			return err_fail(err, "'%s': %s is not a score of logits alone", word, score->name);
	}
	if (!m)
		return unknown_method(word, err);
	*q = defaults(m);
	q->then = score;
	for (size_t i = 0; score && i < OOD_MAX_PARAMS && score->params[i].name; i++)
		q->then_params[i] = score->params[i].value;
	return 0;
}

/* Appends METHOD[:PARAMETER=VALUE]..., text, which it may overwrite. */
static int add_item(struct ood_requests *r, char *item, struct err *err)
{
	char column[OOD_MAX_COLUMN], *rest = item, *word = strsep(&rest, ":");

	if (strlen(word) + (rest ? strlen(rest) + 1 : 0) >= OOD_MAX_COLUMN)
		return err_fail(err, "method '%.20s...' is longer than %d bytes", item, OOD_MAX_COLUMN - 1);
	struct ood_request q;
	if (parse_name(&q, word, err) < 0)
		return -1;
	snprintf(column, sizeof column, "%s%s%s", word, rest ? ":" : "", rest ? rest : "");
	const char *method = word;
	unsigned given = 0;
	while ((word = strsep(&rest, ":")) != NULL)
		if (parse_param(&q, method, word, &given, err) < 0)
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

/* Appends every combination: `item` holds the choices so far, rest what remains. */
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
	size_t used =
		(size_t)snprintf(buf, len, "%s%s%s", q->method->name, q->then ? "+" : "", q->then ? q->then->name : "");

	for (size_t i = 0; i < 2 * OOD_MAX_PARAMS && used < len; i++) {
		const struct ood_param *p = param_of(q, i);
		const struct ood_method *m = i < OOD_MAX_PARAMS ? q->method : q->then;
		double x = i < OOD_MAX_PARAMS ? q->params[i] : q->then_params[i - OOD_MAX_PARAMS];
		if (p && (!(m->later & 1u << i % OOD_MAX_PARAMS) || x != p->value))
			used += (size_t)snprintf(buf + used, len - used, ":%s=%.17g", p->name, x);
	}
}
