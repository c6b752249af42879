/* SPDX-License-Identifier: MIT
 * Classes and choice: the classes get their numbers, some are left out or become others, and then
 * rows are chosen: N of each class, N at random, the first N, one in N. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ts/ts_rng.h"

static int no_memory(struct err *err)
{
	return err_memory(err);
}

/* ---- numbers ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct ds_class *const *)a)->id, (*(const struct ds_class *const *)b)->id);
}

/* Classes take the order of `order`, n of them; a row's label becomes number[label]. */
static int reorder(struct ds_source *s, struct ds_class *const *order, size_t n, const int32_t *number)
{
	struct ds_class *sorted = malloc((n + 1) * sizeof *sorted);

	if (!sorted)
		return -1;
	for (size_t i = 0; i < n; i++)
		sorted[i] = *order[i];
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].label >= 0)
			s->rows[i].label = number[s->rows[i].label];
	free(s->classes);
	s->classes = sorted;
	s->n_classes = s->cap_classes = n;
	return 0;
}

/* Sorts the classes by bytes and renumbers the rows. */
static int sort_classes(struct ds_source *s)
{
	size_t n = s->n_classes;
	struct ds_class **order = malloc((n + 1) * sizeof *order);
	int32_t *number = malloc((n + 1) * sizeof *number);
	int rc = -1;

	if (order && number) {
		for (size_t i = 0; i < n; i++)
			order[i] = &s->classes[i];
		qsort(order, n, sizeof *order, by_id);
		for (size_t i = 0; i < n; i++)
			number[order[i] - s->classes] = (int32_t)i;
		rc = reorder(s, order, n, number);
	}
	free(order);
	free(number);
	return rc;
}

/* Names for classes that came as numbers without a list of names: "0", "1", ... */
static int fill_classes(struct ds_source *s, struct err *err)
{
	int32_t max = -1;
	char name[16];

	for (size_t i = 0; i < s->n; i++)
		max = s->rows[i].label > max ? s->rows[i].label : max;
	if (s->n_classes && max >= 0 && (size_t)max >= s->n_classes) {
		return err_fail(err, "'%s': there are %zu classes, but a row has label %d",
			 s->operands[0].path, s->n_classes, (int)max);
	}
	if (max >= 1 << 20) {
		return err_fail(err, "label %d is too large a number for a class", (int)max);
	}
	for (int32_t c = (int32_t)s->n_classes; s->n_classes == (size_t)c && c <= max; c++) {
		snprintf(name, sizeof name, "%d", c);
		if (ds_class_number(s, name) < 0)
			return no_memory(err);
	}
	return 0;
}

static const char *class_name(const struct ds_class *c)
{
	return c->name ? c->name : c->id;
}

/* ---- which classes ---- */

/* Does a line of a list of classes mean this one? Its id, its name, or the first of its names. */
static bool means(const char *line, const struct ds_class *c)
{
	const char *name = class_name(c);
	size_t first = strcspn(name, ",");

	return strcmp(line, c->id) == 0 || strcmp(line, name) == 0 ||
	       (strlen(line) == first && memcmp(line, name, first) == 0);
}

/* Calls each() for every line: what stands before the first tab, and after it (or NULL). Empty lines
 * and those that begin with # are nothing. */
static int each_line(const char *path, struct err *err, struct ds_source *s, void *ctx,
		     int (*each)(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err))
{
	struct ds_bytes b = { 0 };
	char *copy = NULL, *line;
	struct err why;
	struct ds_text t;
	int rc = ds_bytes_load(path, &b, DS_MAX_TEXT, &why);

	if (rc == 0 && !(copy = ds_text_copy(&b))) {
		rc = -1;
		no_memory(&why);
	}
	t.rest = copy;
	while (rc == 0 && (line = ds_text_line(&t)) != NULL) {
		char *tab = strchr(line, '\t');

		if (tab)
			*tab++ = '\0';
		if (*line && *line != '#')
			rc = each(s, ctx, line, tab, &why);
	}
	free(copy);
	ds_bytes_release(&b);
	if (rc < 0)
		err_fail(err, "'%s': %s", path, why.text);
	return rc;
}

static int mark(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err)
{
	bool *marked = ctx, found = false;

	(void)rest;
	for (size_t i = 0; i < s->n_classes; i++)
		if (means(word, &s->classes[i]))
			found = marked[i] = true;
	if (!found)
		err_fail(err, "there is no class '%s' in the source", word);
	return found ? 0 : -1;
}

/* Drops the rows whose label becomes negative (or was: no_class says what then). */
static int drop_rows(struct ds_source *s, const int32_t *number, const char *option, struct err *err)
{
	char buf[DS_NAME];
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].label < 0) {
			err_fail(err, "'%s' has no class, so --%s cannot tell what to do with it",
				 ds_row_name(s, &s->rows[i], buf), option);
			/* Rows behind k were moved; the rest is still theirs. */
			memmove(&s->rows[k], &s->rows[i], (s->n - i) * sizeof *s->rows);
			s->n -= i - k;
			return -1;
		}
		if (number[s->rows[i].label] >= 0)
			s->rows[k++] = s->rows[i];
		else
			free(s->rows[i].name);
	}
	s->n = k;
	return 0;
}

/* Keeps the classes of --only-classes, or those not of --exclude-classes, and numbers them anew. */
static int filter_classes(struct ds_source *s, const char *path, bool only, struct err *err)
{
	size_t n = s->n_classes, k = 0;
	struct ds_class **order = malloc((n + 1) * sizeof *order);
	int32_t *number = malloc((n + 1) * sizeof *number);
	bool *marked = calloc(n + 1, sizeof *marked);
	int rc = -1;

	if (!order || !number || !marked) {
		no_memory(err);
		goto out;
	}
	if (each_line(path, err, s, marked, mark) < 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		number[i] = marked[i] == only ? (int32_t)k++ : -1;
	if (drop_rows(s, number, only ? "only-classes" : "exclude-classes", err) < 0)
		goto out;
	k = 0;
	for (size_t i = 0; i < n; i++)
		if (marked[i] == only)
			order[k++] = &s->classes[i];
	for (size_t i = 0; i < n; i++)
		if (marked[i] != only) {
			free(s->classes[i].id);
			free(s->classes[i].name);
			s->classes[i] = (struct ds_class){ 0 };
		}
	rc = reorder(s, order, k, number);
	if (rc < 0)
		no_memory(err);
out:
	free(order);
	free(number);
	free(marked);
	return rc;
}

/* ---- other classes ---- */

enum { UNMAPPED = -2 };

struct mapping {
	int32_t *number;                  /* of each class: its new one; -1: none */
	char **names;
	size_t n;
};

static int map_one(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err)
{
	struct mapping *m = ctx;
	int32_t to = -1;
	bool found = false;

	if (!rest || !*rest) {
		return err_fail(err, "'%s' is not followed by a tab and a new class", word);
	}
	if (strcmp(rest, "-") != 0) {
		for (to = 0; (size_t)to < m->n && strcmp(m->names[to], rest) != 0; to++)
			;
		if ((size_t)to == m->n) {
			char **grown = realloc(m->names, (m->n + 1) * sizeof *grown);
			if (!grown)
				return no_memory(err);
			m->names = grown;
			if (!(grown[m->n] = strdup(rest)))
				return no_memory(err);
			m->n++;
		}
	}
	for (size_t i = 0; i < s->n_classes; i++)
		if (means(word, &s->classes[i])) {
			m->number[i] = to;
			found = true;
		}
	if (!found)
		err_fail(err, "there is no class '%s' in the source", word);
	return found ? 0 : -1;
}

static int map_classes(struct ds_source *s, struct err *err)
{
	struct mapping m = { malloc((s->n_classes + 1) * sizeof *m.number), NULL, 0 };
	int rc = m.number ? 0 : no_memory(err);

	for (size_t i = 0; i < s->n_classes && rc == 0; i++)
		m.number[i] = UNMAPPED;
	if (rc == 0)
		rc = each_line(s->o.map, err, s, &m, map_one);
	for (size_t i = 0; i < s->n_classes && rc == 0; i++)
		if (m.number[i] == UNMAPPED) {
			err_fail(err, "'%s' says nothing of class '%s'", s->o.map,
				 class_name(&s->classes[i]));
			rc = -1;
		}
	for (size_t i = 0; i < s->n && rc == 0; i++)
		if (s->rows[i].label >= 0)
			s->rows[i].label = m.number[s->rows[i].label];
	free(m.number);
	if (rc == 0)
		return ds_name_classes(s, m.names, m.n) < 0 ? no_memory(err) : 0;
	for (size_t i = 0; i < m.n; i++)
		free(m.names[i]);
	free(m.names);
	return rc;
}

int ds_number_classes(struct ds_source *s, struct err *err)
{
	if (s->numbered && s->named) {
		return err_fail(err, "'%s' holds both image files and rows whose classes are numbers "
			 "(CIFAR, IDX, ...); --format takes one of them", s->operands[0].path);
	}
	if (s->numbered ? fill_classes(s, err) < 0 : sort_classes(s) < 0)
		return -1;
	if ((s->o.exclude && filter_classes(s, s->o.exclude, false, err) < 0) ||
	    (s->o.only && filter_classes(s, s->o.only, true, err) < 0) ||
	    (s->o.map && map_classes(s, err) < 0))
		return -1;
	if (!(s->names = malloc((s->n_classes + 1) * sizeof *s->names)))
		return no_memory(err);
	for (size_t i = 0; i < s->n_classes; i++)
		s->names[i] = s->classes[i].name ? s->classes[i].name : s->classes[i].id;
	return 0;
}

/* ---- which rows ---- */

/* Keeps the rows whose numbers stand in keep[0..n), ascending; frees the others. */
static void keep_rows(struct ds_source *s, const size_t *keep, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++)
		if (k < n && keep[k] == i)
			s->rows[k++] = s->rows[i];
		else
			free(s->rows[i].name);
	s->n = n;
}

/* Of each class, and of the rows without one, per_class at random: the rest of keep[] goes. */
static int choose_per_class(struct ds_source *s, size_t *keep, size_t *n)
{
	size_t groups = s->n_classes + 1, k = 0, *left = calloc(groups, sizeof *left);
	size_t *want = malloc(groups * sizeof *want);

	if (left && want) {
		struct ts_rng rng = ts_rng_new(s->o.seed, 1);

		for (size_t i = 0; i < *n; i++)
			left[s->rows[keep[i]].label + 1]++;
		for (size_t g = 0; g < groups; g++)
			want[g] = (size_t)s->o.per_class;
		for (size_t i = 0; i < *n; i++) {
			size_t g = (size_t)(s->rows[keep[i]].label + 1);
			/* Each subset is equally likely: one of those left is taken with want/left. */
			if (want[g] && ts_rng_below(&rng, left[g]) < want[g]) {
				want[g]--;
				keep[k++] = keep[i];
			}
			left[g]--;
		}
		*n = k;
	}
	free(left);
	free(want);
	return left && want ? 0 : -1;
}

int ds_choose(struct ds_source *s, struct err *err)
{
	struct ts_rng rng = ts_rng_new(s->o.seed, 0);
	size_t n = s->n, k = 0, *keep = malloc((n + 1) * sizeof *keep), *some;

	if (!keep)
		return no_memory(err);
	for (size_t i = 0; i < n; i++)
		keep[i] = i;
	if (s->o.per_class >= 0 && choose_per_class(s, keep, &n) < 0) {
		free(keep);
		return no_memory(err);
	}
	if (s->o.sample >= 0 && (size_t)s->o.sample < n) {
		if (!(some = malloc(((size_t)s->o.sample + 1) * sizeof *some))) {
			free(keep);
			return no_memory(err);
		}
		ts_rng_sample(&rng, some, (size_t)s->o.sample, n);
		n = (size_t)s->o.sample;
		for (size_t i = 0; i < n; i++)
			keep[i] = keep[some[i]];
		free(some);
	}
	if (s->o.limit >= 0 && (size_t)s->o.limit < n)
		n = (size_t)s->o.limit;
	for (size_t i = (size_t)s->o.shard; i < n; i += (size_t)s->o.n_shards)
		keep[k++] = keep[i];
	keep_rows(s, keep, k);
	free(keep);
	return 0;
}
