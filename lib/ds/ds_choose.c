/* SPDX-License-Identifier: MIT
 * Choosing classes and rows: numbers the classes, leaves some out, renames or merges them, and then chooses rows: N of
 * each class, N at random, the first N, one in N. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ts/ts_rng.h"

/* ---- numbers ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct ds_class *const *)a)->id, (*(const struct ds_class *const *)b)->id);
}

/* Puts the n classes into this order; a row's label becomes number[label]. */
static int reorder(struct ds_source *s, struct ds_class *const *order, size_t n, const int32_t *number, struct err *err)
{
	struct ds_class *sorted = malloc((n + 1) * sizeof *sorted);

	if (!sorted)
		return err_memory(err);
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

/* Is the id a whole number that fits? */
static bool is_number(const char *id)
{
	const size_t n = strlen(id);

	return n && n <= 18 && strspn(id, "0123456789") == n;
}

static long long value_of(const char *id)
{
	return strtoll(id, NULL, 10);
}

static int by_number(const void *a, const void *b)
{
	const long long x = value_of((*(const struct ds_class *const *)a)->id);
	const long long y = value_of((*(const struct ds_class *const *)b)->id);

	return x != y ? (x > y) - (x < y) : by_id(a, b);
}

/* Classes that are all numbers are sorted by value: folder 10 comes after folder 2, though its name does not. */
static bool all_numbers(const struct ds_source *s)
{
	for (size_t i = 0; i < s->n_classes; i++)
		if (!is_number(s->classes[i].id))
			return false;
	return s->n_classes > 1;
}

/* Adds a note about classes that are numbers, now that they are sorted. */
static int note_numbers(struct ds_source *s, struct err *err)
{
	const struct ds_class *c = s->classes;
	const long long first = value_of(c[0].id);
	const bool by_value = s->o.class_order == DS_BY_NUMBER;
	size_t i = 1;

	while (i < s->n_classes &&
	       (by_value ? strcmp(c[i - 1].id, c[i].id) < 0 : value_of(c[i - 1].id) < value_of(c[i].id)))
		i++;
	if (i < s->n_classes && !by_value)
		return ds_add_note(s, err, "the classes are numbers and sorted as texts: '%s' has label %zu", c[i].id,
				   i);
	if (i < s->n_classes &&
	    ds_add_note(s, err,
			"the classes are numbers and sorted by value, '%s' before '%s' (--class-order "
			"bytes: as texts, as torchvision does)",
			c[i - 1].id, c[i].id) < 0)
		return -1;
	for (i = 1; i < s->n_classes; i++)
		if (value_of(c[i - 1].id) == value_of(c[i].id))
			return ds_add_note(
				s, err, "the classes are numbers, but '%s' and '%s' are two, with labels %zu and %zu",
				c[i - 1].id, c[i].id, i - 1, i);
	for (i = 0; i < s->n_classes && value_of(c[i].id) == (long long)i + (first == 1); i++)
		;
	return i == s->n_classes ?
		       0 :
		       ds_add_note(s, err, "the classes are numbers, but some are missing: '%s' has label %zu", c[i].id,
				   i);
}

/* Sorts the classes by bytes, or by value if they are numbers, and renumbers the rows. */
static int sort_classes(struct ds_source *s, struct err *err)
{
	const bool numbers = all_numbers(s);
	size_t n = s->n_classes;
	struct ds_class **order = malloc((n + 1) * sizeof *order);
	int32_t *number = calloc(n + 1, sizeof *number);
	int rc = -1;

	if (!order || !number)
		err_memory(err);
	else {
		for (size_t i = 0; i < n; i++)
			order[i] = &s->classes[i];
		qsort(order, n, sizeof *order, numbers && s->o.class_order == DS_BY_NUMBER ? by_number : by_id);
		for (size_t i = 0; i < n; i++)
			number[order[i] - s->classes] = (int32_t)i;
		rc = reorder(s, order, n, number, err);
	}
	free(order);
	free(number);
	return rc == 0 && numbers ? note_numbers(s, err) : rc;
}

/* Each number up to the largest label is a class and gets a name, so a stray label would cost much memory. */
enum { MAX_LABEL = 1 << 20 };

/* Names for classes that are numbers without a list of names: "0", "1", ... */
static int fill_classes(struct ds_source *s, struct err *err)
{
	int32_t max = -1;
	char name[16];

	for (size_t i = 0; i < s->n; i++)
		max = s->rows[i].label > max ? s->rows[i].label : max;
	if (s->n_classes && max >= 0 && (size_t)max >= s->n_classes)
		return err_fail(err, "'%s': there are %zu classes, but a row has label %d", s->operands[0].path,
				s->n_classes, (int)max);
	if (max >= MAX_LABEL)
		return err_fail(err, "'%s': label %d is too large a number for a class; at most %d is",
				s->operands[0].path, (int)max, MAX_LABEL - 1);
	for (int32_t c = (int32_t)s->n_classes; s->n_classes == (size_t)c && c <= max; c++) {
		snprintf(name, sizeof name, "%d", c);
		if (ds_class_number(s, name, err) < 0)
			return -1;
	}
	return 0;
}

static const char *class_name(const struct ds_class *c)
{
	return c->name ? c->name : c->id;
}

/* ---- which classes ---- */

/* Does a line of a class list mean this class? It may be its id, its name, or the first of its names. */
static bool means(const char *line, const struct ds_class *c)
{
	const char *name = class_name(c);
	size_t first = strcspn(name, ",");

	return strcmp(line, c->id) == 0 || strcmp(line, name) == 0 ||
	       (strlen(line) == first && memcmp(line, name, first) == 0);
}

/* Calls each() for every line with the text before the first tab and the text after it (or NULL). Skips empty lines and
 * those that begin with #. */
static int each_line(const char *path, struct err *err, struct ds_source *s, void *ctx,
		     int (*each)(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err))
{
	struct ds_bytes b = { 0 };
	char *copy = NULL, *line;
	struct ds_text t;
	int rc = ds_bytes_load(path, &b, DS_MAX_TEXT, err);

	if (rc == 0 && !(copy = ds_text_copy(&b, err)))
		rc = -1;
	t.rest = copy;
	while (rc == 0 && (line = ds_text_line(&t)) != NULL) {
		char *tab = strchr(line, '\t');

		if (tab)
			*tab++ = '\0';
		if (*line && *line != '#')
			rc = each(s, ctx, line, tab, err);
	}
	free(copy);
	ds_bytes_release(&b);
	return rc < 0 ? err_prefix(err, "'%s': ", path) : 0;
}

static int mark(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err)
{
	bool *marked = ctx, found = false;

	(void)rest;
	for (size_t i = 0; i < s->n_classes; i++)
		if (means(word, &s->classes[i]))
			found = marked[i] = true;
	return found ? 0 : err_fail(err, "the source has no class '%s'", word);
}

/* Drops the rows whose class gets no number. A row without a class is an error, which names the option. */
static int drop_rows(struct ds_source *s, const int32_t *number, const char *option, struct err *err)
{
	char buf[DS_NAME];
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].label < 0) {
			err_fail(err, "'%s' has no class, so --%s cannot tell what to do with it",
				 ds_row_name(s, &s->rows[i], buf), option);
			/* ds_close() frees rows[0..n): close the gap that the dropped rows left. */
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

/* Keeps the classes of --only-classes, or those not in --exclude-classes, and renumbers them. */
static int filter_classes(struct ds_source *s, const char *path, bool only, struct err *err)
{
	size_t n = s->n_classes, k = 0;
	struct ds_class **order = malloc((n + 1) * sizeof *order);
	int32_t *number = malloc((n + 1) * sizeof *number);
	bool *marked = calloc(n + 1, sizeof *marked);
	int rc = -1;

	if (!order || !number || !marked) {
		err_memory(err);
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
	rc = reorder(s, order, k, number, err);
out:
	free(order);
	free(number);
	free(marked);
	return rc;
}

/* ---- other classes ---- */

enum { UNMAPPED = -2 };

struct mapping {
	int32_t *number; /* of each class: its new one; -1: none */
	char **names;
	size_t n;
};

static int map_one(struct ds_source *s, void *ctx, char *word, char *rest, struct err *err)
{
	struct mapping *m = ctx;
	int32_t to = -1;
	bool found = false;

	if (!rest || !*rest)
		return err_fail(err, "'%s' is not followed by a tab and a new class", word);
	if (strcmp(rest, "-") != 0) {
		for (to = 0; (size_t)to < m->n && strcmp(m->names[to], rest) != 0; to++)
			;
		if ((size_t)to == m->n) {
			char **grown = realloc(m->names, (m->n + 1) * sizeof *grown);
			if (!grown)
				return err_memory(err);
			m->names = grown;
			if (!(grown[m->n] = strdup(rest)))
				return err_memory(err);
			m->n++;
		}
	}
	for (size_t i = 0; i < s->n_classes; i++)
		if (means(word, &s->classes[i])) {
			m->number[i] = to;
			found = true;
		}
	return found ? 0 : err_fail(err, "the source has no class '%s'", word);
}

static int map_classes(struct ds_source *s, struct err *err)
{
	struct mapping m = { malloc((s->n_classes + 1) * sizeof *m.number), NULL, 0 };
	int rc = m.number ? 0 : err_memory(err);

	for (size_t i = 0; i < s->n_classes && rc == 0; i++)
		m.number[i] = UNMAPPED;
	if (rc == 0)
		rc = each_line(s->o.map, err, s, &m, map_one);
	for (size_t i = 0; i < s->n_classes && rc == 0; i++)
		if (m.number[i] == UNMAPPED)
			rc = err_fail(err, "'%s' does not mention class '%s'", s->o.map, class_name(&s->classes[i]));
	for (size_t i = 0; i < s->n && rc == 0; i++)
		if (s->rows[i].label >= 0)
			s->rows[i].label = m.number[s->rows[i].label];
	free(m.number);
	if (rc == 0)
		return ds_name_classes(s, m.names, m.n, err);
	for (size_t i = 0; i < m.n; i++)
		free(m.names[i]);
	free(m.names);
	return rc;
}

int ds_number_classes(struct ds_source *s, struct err *err)
{
	if (s->numbered && s->named)
		return err_fail(err,
				"'%s' holds both image files and rows whose classes are numbers "
				"(CIFAR, IDX, ...); choose one kind with --format",
				s->operands[0].path);
	if (s->numbered ? fill_classes(s, err) < 0 : sort_classes(s, err) < 0)
		return -1;
	if ((s->o.exclude && filter_classes(s, s->o.exclude, false, err) < 0) ||
	    (s->o.only && filter_classes(s, s->o.only, true, err) < 0) || (s->o.map && map_classes(s, err) < 0))
		return -1;
	if (!(s->names = malloc((s->n_classes + 1) * sizeof *s->names)))
		return err_memory(err);
	for (size_t i = 0; i < s->n_classes; i++)
		s->names[i] = s->classes[i].name ? s->classes[i].name : s->classes[i].id;
	return 0;
}

/* ---- which rows ---- */

/* Keeps the rows whose indices are in keep[0..n), ascending; frees the others. */
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

/* Keeps per_class rows of each class, and of the rows without one, at random: keep[0..n) becomes shorter. One pass, in
 * order (Knuth's algorithm S): a row is taken with probability want/left, where its class still wants `want` and has
 * `left` rows to come, so that each subset is equally likely. Group 0 is the rows without a class. */
static int choose_per_class(struct ds_source *s, size_t *keep, size_t *n, struct err *err)
{
	size_t groups = s->n_classes + 1, k = 0, *left = calloc(groups, sizeof *left);
	size_t *want = malloc(groups * sizeof *want);
	const bool memory = left && want;

	if (memory) {
		struct ts_rng rng = ts_rng_new(s->o.seed, 1);

		for (size_t i = 0; i < *n; i++)
			left[s->rows[keep[i]].label + 1]++;
		for (size_t g = 0; g < groups; g++)
			want[g] = (size_t)s->o.per_class;
		for (size_t i = 0; i < *n; i++) {
			size_t g = (size_t)(s->rows[keep[i]].label + 1);
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
	return memory ? 0 : err_memory(err);
}

int ds_choose(struct ds_source *s, struct err *err)
{
	struct ts_rng rng = ts_rng_new(s->o.seed, 0);
	size_t n = s->n, k = 0, *keep = malloc((n + 1) * sizeof *keep), *some;

	if (!keep)
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		keep[i] = i;
	if (s->o.per_class >= 0 && choose_per_class(s, keep, &n, err) < 0) {
		free(keep);
		return -1;
	}
	if (s->o.sample >= 0 && (size_t)s->o.sample < n) {
		if (!(some = malloc(((size_t)s->o.sample + 1) * sizeof *some))) {
			free(keep);
			return err_memory(err);
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
