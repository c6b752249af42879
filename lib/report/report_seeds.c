/* SPDX-License-Identifier: MIT
 * Combines the tables of several seeds, row by row. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report_operands.h"
#include "report/report_pivot.h"
#include "report/report_seeds_internal.h"
#include "ts/ts_utf8.h"

/* A position in an input. */
struct place {
	const char *path;
	int table;   /* the input's number, from 0 */
	size_t line; /* from 1 */
};

/* Makes *p, a pointer to malloc'ed memory, large enough for n elements. */
static int grow(void *p, size_t n, size_t size, struct err *err)
{
	void *old, *bigger;

	memcpy(&old, p, sizeof old);
	if (!(bigger = realloc(old, n * size)))
		return err_memory(err);
	memcpy(p, &bigger, sizeof bigger);
	return 0;
}

/* The row with this key, which is added if it is new. NULL: out of memory. */
static struct row *find_row(struct report_seeds *t, const char *const key[3], struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		if (!strcmp(r->key[0], key[0]) && !strcmp(r->key[1], key[1]) && !strcmp(r->key[2], key[2]))
			return r;
	}
	if (grow(&t->row, t->n + 1, sizeof *t->row, err) < 0)
		return NULL;
	struct row *r = &t->row[t->n++];
	*r = (struct row){ .key = { strdup(key[0]), strdup(key[1]), strdup(key[2]) },
			   .sizes = { NAN, NAN },
			   .others = { NAN, NAN } };
	if (r->key[0] && r->key[1] && r->key[2])
		return r;
	err_memory(err);
	return NULL;
}

/* What a column is: part of the key; FIRST + i: number i of the names; PASSED: skipped; N_ID, N_OOD: sizes; RULES that
 * metrics go by; UNKNOWN to the first table. */
enum { FIRST = KEYS, PASSED = -1, UNKNOWN = -2, FAILED = -3, N_ID = -4, N_OOD = -5, RULES = -6 };

struct heading {
	int to[MAX_COLUMNS];
	size_t n;
};

/* Columns that are not metrics of their own. */
static bool is_passed(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "p") || !strcmp(name, "versus") || (len > 4 && !strcmp(name + len - 4, "_low")) ||
	       (len > 5 && !strcmp(name + len - 5, "_high"));
}

/* first: this is the heading that determines the columns. */
static int column_of(struct report_seeds *t, const char *name, bool first, struct err *err)
{
	static const char *const keys[] = { [MODEL] = "model", [METHOD] = "method", [SET] = "set" };
	size_t i = 0;

	for (int k = MODEL; k < FIRST; k++)
		if (!strcmp(name, keys[k])) {
			t->has_model |= k == MODEL;
			return k;
		}
	if (!strcmp(name, "n_id"))
		return N_ID;
	if (!strcmp(name, "n_ood"))
		return N_OOD;
	if (!strcmp(name, "rules"))
		return RULES;
	if (is_passed(name))
		return PASSED;
	while (i < t->n_names && strcmp(t->name[i], name) != 0)
		i++;
	if (i == t->n_names && !first)
		return UNKNOWN;
	if (i == t->n_names) {
		if (!(t->name[i] = strdup(name))) {
			err_memory(err);
			return FAILED;
		}
		t->n_names++;
	}
	return FIRST + (int)i;
}

static int take_heading(struct report_seeds *t, struct heading *h, char *line, bool first, const struct place *at,
			struct err *err)
{
	char *word, *rest = line;
	bool method = false;

	for (h->n = 0; (word = strsep(&rest, "\t")) != NULL; h->n++) {
		if (h->n == MAX_COLUMNS)
			return err_fail(err, "'%s': line %zu: more than %d columns", at->path, at->line, MAX_COLUMNS);
		h->to[h->n] = column_of(t, word, first, err);
		if (h->to[h->n] == FAILED)
			return -1;
		if (h->to[h->n] == UNKNOWN)
			return err_fail(err, "'%s': line %zu: column '%s', which the first table lacks", at->path,
					at->line, word);
		method |= h->to[h->n] == METHOD;
	}
	return method ? 0 : err_fail(err, "'%s': line %zu: no table of ood-metrics --format tsv", at->path, at->line);
}

/* Remembers a row's sizes, or that they are others than before. */
static void take_sizes(struct row *r, const double sizes[SIZES])
{
	for (int k = 0; k < SIZES; k++) {
		if (isnan(r->sizes[k]))
			r->sizes[k] = sizes[k];
		else if (!isnan(sizes[k]) && sizes[k] != r->sizes[k] && isnan(r->others[k]))
			r->others[k] = sizes[k];
	}
}

/* Adds a row's numbers, (n_names), to the result. */
static int add_row(struct report_seeds *t, const char *const key[3], const double *v, const double sizes[SIZES],
		   const struct place *at, struct err *err)
{
	struct row *r = find_row(t, key, err);

	if (!r)
		return -1;
	if (r->n && r->of[r->n - 1] == at->table)
		return err_fail(err, "'%s': line %zu: %s, %s appears twice", at->path, at->line, key[METHOD], key[SET]);
	take_sizes(r, sizes);
	if (grow(&r->of, r->n + 1, sizeof *r->of, err) < 0)
		return -1;
	r->of[r->n] = at->table;
	for (size_t k = 0; k < t->n_names; k++) {
		if (grow(&r->v[k], r->n + 1, sizeof **r->v, err) < 0)
			return -1;
		r->v[k][r->n] = v[k];
	}
	r->n++;
	return 0;
}

/* Checks that a row's numbers go by the same rules as those of the first row; "" are the usual ones. */
static int take_rules(struct report_seeds *t, const char *rules, const struct place *at, struct err *err)
{
	if (!t->rules)
		return (t->rules = strdup(rules)) ? 0 : err_memory(err);
	if (strcmp(t->rules, rules) == 0)
		return 0;
	return err_fail(err,
			"'%s': line %zu: its numbers go by %s%s, those of the first row by %s%s: give ood-metrics the "
			"same --fpr, --aupr and --prevalence",
			at->path, at->line, *rules ? "the rules " : "the usual rules", rules,
			*t->rules ? "the rules " : "the usual rules", t->rules);
}

static int take_row(struct report_seeds *t, const struct heading *h, char *line, const struct place *at,
		    struct err *err)
{
	const char *key[] = { [MODEL] = "", [METHOD] = "", [SET] = "average" };
	const char *rules = "";
	char *word, *rest = line;
	double v[MAX_COLUMNS], sizes[SIZES] = { NAN, NAN };
	size_t i = 0;

	for (size_t k = 0; k < MAX_COLUMNS; k++)
		v[k] = NAN;
	for (; (word = strsep(&rest, "\t")) != NULL && i < h->n; i++) {
		const int k = h->to[i];
		double *to = k >= FIRST ? &v[k - FIRST] : k == N_ID || k == N_OOD ? &sizes[N_ID - k] : NULL;
		char *end;

		if (k >= 0 && k < FIRST)
			key[k] = word;
		if (k == RULES && strcmp(word, "-") != 0)
			rules = word;
		if (!to || !strcmp(word, "-"))
			continue;
		*to = strtod(word, &end);
		if (!*word || *end)
			return err_fail(err, "'%s': line %zu: '%s' is not a number", at->path, at->line, word);
	}
	if (word || i < h->n)
		return err_fail(err, "'%s': line %zu: not the %zu columns of its heading", at->path, at->line, h->n);
	if (take_rules(t, rules, at, err) < 0)
		return -1;
	return add_row(t, key, v, sizes, at, err);
}

/* Handles line number at->line of a table. */
static int take_line(struct report_seeds *t, struct heading *h, char *line, const struct place *at, struct err *err)
{
	if (at->line == 1)
		line += ts_utf8_mark(line);
	bool heading = !strncmp(line, "model\t", 6) || !strncmp(line, "method\t", 7);

	if (heading || at->line == 1)
		return take_heading(t, h, line, at->table == 0 && at->line == 1, at, err);
	return take_row(t, h, line, at, err);
}

int report_seeds_read(struct report_seeds *t, const char *path, struct err *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct place at = { path, t->tables, 0 };
	struct heading h = { .n = 0 };
	char *line = NULL;
	size_t cap = 0;
	int rc = f ? 1 : err_fail(err, "cannot open '%s': %s", path, strerror(errno));

	if (rc == 1 && grow(&t->path, (size_t)t->tables + 1, sizeof *t->path, err) < 0)
		rc = -1;
	if (rc == 1 && !(t->path[t->tables++] = strdup(path)))
		rc = err_memory(err);
	while (rc == 1) {
		at.line++;
		rc = cli_line(f, &line, &cap, err);
		if (rc < 0)
			err_prefix(err, "'%s': line %zu: ", path, at.line);
		if (rc < 0 && at.line == 1 && !err->memory)
			err_append(err, "; tables are what ood-metrics --format tsv prints");
		else if (rc == 1 && take_line(t, &h, line, &at, err) < 0)
			rc = -1;
	}
	if (rc == 0 && at.line < 3)
		rc = err_fail(err, "'%s': %s; see what its ood-metrics --format tsv said", path,
			      at.line < 2 ? "is empty" : "has a heading, but no rows");
	if (f && f != stdin)
		fclose(f);
	free(line);
	return rc;
}

/* ---- the result ------------------------------------------------------------------------------ */

enum { MAX_CELLS = 2 * MAX_COLUMNS + 4, CELL = 64 };

struct cells {
	struct cli_column column[MAX_CELLS];
	const char *cell[MAX_CELLS]; /* borrowed, or in text */
	char text[MAX_CELLS][CELL], head[MAX_CELLS][CELL];
	size_t n;
};

/* Adds a column's mean and deviation: one cell for people, two for programs. r NULL: only the heading. */
static void add_mean(struct cells *c, const struct report_seeds *t, const struct report_seeds_look *how,
		     const struct row *r, size_t k)
{
	bool people = cli_format_is_for_people(how->format);
	double mean = NAN, std = NAN;
	size_t at = c->n++;

	if (r)
		mean = report_mean(r->v[k], r->n, how->ddof, &std);
	c->column[at] = (struct cli_column){ t->name[k], t->name[k], 15 };
	if (people && isnan(std))
		snprintf(c->text[at], CELL, isnan(mean) ? "-" : "%.2f", 100 * mean);
	else if (people)
		snprintf(c->text[at], CELL, "%.2f (%.2f)", 100 * mean, 100 * std);
	else
		cli_number(c->text[at], mean);
	c->cell[at] = !people && isnan(mean) ? NULL : c->text[at];
	if (people)
		return;
	at = c->n++;
	snprintf(c->head[at], CELL, "%s_std", t->name[k]);
	c->column[at] = (struct cli_column){ c->head[at], c->head[at], 15 };
	cli_number(c->text[at], std);
	c->cell[at] = isnan(std) ? NULL : c->text[at];
}

/* The cells of a row; NULL: only the heading. */
static void fill(struct cells *c, const struct report_seeds *t, const struct report_seeds_look *how,
		 const struct row *r)
{
	c->n = 0;
	if (t->has_model)
		c->column[c->n++] = (struct cli_column){ "model", "model", -16 };
	c->column[c->n++] = (struct cli_column){ "method", "method", -20 };
	if (!how->summary)
		c->column[c->n++] = (struct cli_column){ "set", "set", -14 };
	for (size_t i = 0; i < c->n; i++) {
		for (size_t row = 0; row < t->n; row++)
			cli_column_widen(&c->column[i], t->row[row].key[i + !t->has_model]);
		c->cell[i] = r ? r->key[i + !t->has_model] : NULL;
	}
	for (size_t k = 0; k < t->n_names; k++)
		add_mean(c, t, how, r, k);
	c->column[c->n] = (struct cli_column){ "seeds", "seeds", 6 };
	snprintf(c->text[c->n], CELL, "%zu", r ? r->n : 0);
	c->cell[c->n] = c->text[c->n];
	c->n++;
}

/* Looks up the metrics of the list, separated by commas: their numbers into at, their names into names. Returns how
 * many; 0: err says which is missing. */
static size_t choose(const struct report_seeds *t, char *list, size_t at[MAX_COLUMNS], const char *names[MAX_COLUMNS],
		     struct err *err)
{
	size_t n = 0;
	char *word;

	while ((word = strsep(&list, ",")) != NULL) {
		size_t k = 0;
		while (k < t->n_names && strcmp(t->name[k], word) != 0)
			k++;
		if (k == t->n_names || n == MAX_COLUMNS) {
			err_fail(err, "the tables have no metric '%s', but:", word);
			for (k = 0; k < t->n_names; k++)
				err_append(err, " %s", t->name[k]);
			return 0;
		}
		names[n] = t->name[k];
		at[n++] = k;
	}
	return n;
}

static int print_pivot(const struct report_seeds *t, const struct report_seeds_look *how, struct err *err)
{
	struct report_cell *cell = calloc(t->n + 1, sizeof *cell);
	char *list = strdup(how->show ? how->show : "auroc,fpr95");
	const char *names[MAX_COLUMNS];
	size_t at[MAX_COLUMNS], n = 0;
	int rc = cell && list ? 0 : err_memory(err);

	if (rc == 0 && (n = choose(t, list, at, names, err)) == 0)
		rc = -1;
	for (size_t i = 0; i < t->n && rc == 0; i++) {
		const struct row *r = &t->row[i];
		cell[i] = (struct report_cell){ r->key[MODEL], r->key[METHOD], r->key[SET], (const double *const *)r->v,
						r->n };
	}
	if (rc == 0)
		rc = report_pivot(&(struct report_pivot){ cell, t->n, names, at, n, how->format, how->summary,
							  (size_t)t->tables, how->ddof, how->f, how->baseline },
				  err);
	free(cell);
	free(list);
	return rc;
}

size_t report_seeds_tables(const struct report_seeds *t)
{
	return (size_t)t->tables;
}

/* The number of OOD sets: 0, 1, or 2 if there are more. */
static size_t count_sets(const struct report_seeds *t)
{
	const char *only = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const char *set = t->row[i].key[SET];

		if (!report_is_set(set))
			continue;
		if (only && strcmp(only, set) != 0)
			return 2;
		only = set;
	}
	return only != NULL;
}

int report_seeds_print(const struct report_seeds *t, const struct report_seeds_look *how, struct err *err)
{
	struct cells c;

	if (how->pivot)
		return print_pivot(t, how, err);
	const bool averages = report_has_averages(count_sets(t), how->format);

	fill(&c, t, how, NULL);
	cli_table_heading(how->f, how->format, c.column, c.n);
	for (size_t i = 0; i < t->n; i++) {
		const char *set = t->row[i].key[SET];

		if (how->summary ? strcmp(set, "average") != 0 : report_is_average(set) && !averages)
			continue;
		fill(&c, t, how, &t->row[i]);
		cli_table_row(how->f, how->format, c.column, c.n, c.cell);
	}
	cli_table_end(how->f, how->format);
	return 0;
}

struct report_seeds *report_seeds_new(void)
{
	return calloc(1, sizeof(struct report_seeds));
}

void report_seeds_free(struct report_seeds *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		for (int k = MODEL; k < FIRST; k++)
			free(t->row[i].key[k]);
		for (size_t k = 0; k < t->n_names; k++)
			free(t->row[i].v[k]);
		free(t->row[i].of);
	}
	for (int i = 0; i < t->tables; i++)
		free(t->path[i]);
	free(t->path);
	free(t->rules);
	for (size_t k = 0; k < t->n_names; k++)
		free(t->name[k]);
	free(t->row);
	free(t);
}
