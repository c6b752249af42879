/* SPDX-License-Identifier: MIT
 * ood-seeds: tables of ood-metrics of several seeds in, mean and standard deviation out. Retains a table. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_table.h"

enum { MAX_COLUMNS = 64 };

static long format = CLI_TEXT, ddof = 1;
static bool summary;

static const struct cli_option options[] = {
	{ "ddof", 0, CLI_INT, "N", &ddof, 0, 1,
	  "the variance is divided by the number of seeds minus N (default 1)" },
	{ "summary", 's', CLI_FLAG, NULL, &summary, 0, 0, "only the averages over the OOD sets" },
	{ "format", 'f', CLI_CHOICE, "text|tsv|json|markdown", &format, 0, 0,
	  "form of the table (default text)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-seeds", "[option...] TABLE...",
	"Mean and standard deviation over seeds, of tables that ood-metrics --format tsv printed.", options,
	"A TABLE is one seed's; those of several models can stand in one file, each with its heading.", 0, NULL
};

/* A row of the result: the same model, method and set in every table. */
struct row {
	char *key[3];                     /* model (or ""), method, set */
	double *v[MAX_COLUMNS];           /* (n) a column: the seeds' numbers */
	size_t n;
	int table;                        /* the last one that had it */
};

static char *names[MAX_COLUMNS];          /* of columns with numbers, as the first table has them */
static size_t n_names;
static struct row *rows;
static size_t n_rows;
static bool has_model;

static void *grown(void *p, size_t n, size_t size)
{
	void *bigger = realloc(p, n * size);

	if (!bigger)
		cli_oom();
	return bigger;
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	if (!c)
		cli_oom();
	return c;
}

static struct row *find_row(const char *const key[3])
{
	for (size_t i = 0; i < n_rows; i++)
		if (!strcmp(rows[i].key[0], key[0]) && !strcmp(rows[i].key[1], key[1]) &&
		    !strcmp(rows[i].key[2], key[2]))
			return &rows[i];
	rows = grown(rows, n_rows + 1, sizeof *rows);
	rows[n_rows] = (struct row){ .key = { copy(key[0]), copy(key[1]), copy(key[2]) }, .table = -1 };
	return &rows[n_rows++];
}

/* Which column goes where: 0..2 key, 3.. number i + 3, -1 not at all. */
struct heading {
	int to[MAX_COLUMNS];
	size_t n;
};

/* Columns that are no metrics of their own. */
static bool is_passed(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "n_id") || !strcmp(name, "n_ood") || !strcmp(name, "p") ||
	       !strcmp(name, "versus") || (len > 4 && !strcmp(name + len - 4, "_low")) ||
	       (len > 5 && !strcmp(name + len - 5, "_high"));
}

static int column_of(const char *name, bool first)
{
	static const char *const keys[3] = { "model", "method", "set" };
	size_t i = 0;

	for (int k = 0; k < 3; k++)
		if (!strcmp(name, keys[k])) {
			has_model |= k == 0;
			return k;
		}
	if (is_passed(name))
		return -1;
	while (i < n_names && strcmp(names[i], name) != 0)
		i++;
	if (i == n_names && (!first || n_names == MAX_COLUMNS))
		return -2;
	if (i == n_names)
		names[n_names++] = copy(name);
	return (int)i + 3;
}

static int take_heading(struct heading *h, char *line, bool first, const char *path, size_t number)
{
	char *word, *rest = line;
	bool method = false;

	for (h->n = 0; (word = strsep(&rest, "\t")) != NULL; h->n++) {
		if (h->n == MAX_COLUMNS)
			return cli_error("'%s': line %zu: more than %d columns", path, number, MAX_COLUMNS);
		h->to[h->n] = column_of(word, first);
		if (h->to[h->n] == -2)
			return cli_error("'%s': line %zu: column '%s', which the first table lacks", path,
					 number, word);
		method |= h->to[h->n] == 1;
	}
	return method ? 0 : cli_error("'%s': line %zu: no table of ood-metrics --format tsv", path, number);
}

static int take_row(const struct heading *h, char *line, int table, const char *path, size_t number)
{
	const char *key[3] = { "", "", "average" };
	char *word, *rest = line;
	double v[MAX_COLUMNS];
	size_t i = 0;

	for (size_t k = 0; k < MAX_COLUMNS; k++)
		v[k] = NAN;
	for (; (word = strsep(&rest, "\t")) != NULL && i < h->n; i++) {
		char *end;
		if (h->to[i] >= 0 && h->to[i] < 3)
			key[h->to[i]] = word;
		if (h->to[i] < 3 || !strcmp(word, "-"))
			continue;
		v[h->to[i] - 3] = strtod(word, &end);
		if (!*word || *end)
			return cli_error("'%s': line %zu: '%s' is not a number", path, number, word);
	}
	if (word || i < h->n)
		return cli_error("'%s': line %zu: not the %zu columns of its heading", path, number, h->n);
	struct row *r = find_row(key);
	if (r->table == table)
		return cli_error("'%s': line %zu: %s, %s is there twice", path, number, key[1], key[2]);
	r->table = table;
	for (size_t k = 0; k < n_names; k++) {
		r->v[k] = grown(r->v[k], r->n + 1, sizeof **r->v);
		r->v[k][r->n] = v[k];
	}
	r->n++;
	return 0;
}

static int take_table(const char *path, int table)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct heading h = { .n = 0 };
	char *line = NULL;
	size_t cap = 0, number = 0;
	int rc = f ? 0 : cli_error("cannot open '%s': %s", path, strerror(errno));

	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		bool heading = !strncmp(line, "model\t", 6) || !strncmp(line, "method\t", 7);
		if (heading || number == 1)
			rc = take_heading(&h, line, table == 0 && number == 1, path, number);
		else
			rc = take_row(&h, line, table, path, number);
	}
	if (rc == 0 && ferror(f))
		rc = cli_error("cannot read '%s': %s", path, strerror(errno));
	if (rc == 0 && number < 2)
		rc = cli_error("'%s': no table of ood-metrics --format tsv", path);
	if (f && f != stdin)
		fclose(f);
	free(line);
	return rc;
}

/* ---- the result ------------------------------------------------------------------------------ */

static void mean_of(const double *v, size_t n, double *mean, double *std)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	*mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (v[i] - *mean) * (v[i] - *mean);
	*std = n > (size_t)ddof ? sqrt(squares / (double)(n - (size_t)ddof)) : NAN;
}

/* The cells of a row (NULL: the heading only), into c and cell; the number of columns. */
static size_t fill(const struct row *r, struct cli_column *c, const char **cell, char text[][64],
		   char head[][64])
{
	bool people = cli_format_is_for_people((enum cli_format)format);
	size_t n = 0;

	if (has_model)
		c[n++] = (struct cli_column){ "model", "model", -16 };
	c[n++] = (struct cli_column){ "method", "method", -20 };
	if (!summary)
		c[n++] = (struct cli_column){ "set", "set", -14 };
	for (size_t i = 0; r && i < n; i++)
		cell[i] = r->key[i + !has_model];
	for (size_t k = 0; k < n_names; k++) {
		double mean = NAN, std = NAN;
		if (r)
			mean_of(r->v[k], r->n, &mean, &std);
		c[n] = (struct cli_column){ names[k], names[k], 15 };
		if (people && isnan(std))
			snprintf(text[n], 64, isnan(mean) ? "-" : "%.2f", 100 * mean);
		else if (people)
			snprintf(text[n], 64, "%.2f (%.2f)", 100 * mean, 100 * std);
		else
			cli_number(text[n], mean);
		cell[n] = !people && isnan(mean) ? NULL : text[n];
		n++;
		if (people)
			continue;
		snprintf(head[n], 64, "%.50s_std", names[k]);
		c[n] = (struct cli_column){ head[n], head[n], 15 };
		cli_number(text[n], std);
		cell[n] = isnan(std) ? NULL : text[n];
		n++;
	}
	c[n] = (struct cli_column){ "seeds", "seeds", 6 };
	snprintf(text[n], 64, "%zu", r ? r->n : 0);
	cell[n] = text[n];
	return n + 1;
}

static void print_all(void)
{
	static char text[2 * MAX_COLUMNS + 4][64], head[2 * MAX_COLUMNS + 4][64];
	static struct cli_column c[2 * MAX_COLUMNS + 4];
	static const char *cell[2 * MAX_COLUMNS + 4];

	cli_table_heading((enum cli_format)format, c, fill(NULL, c, cell, text, head));
	for (size_t i = 0; i < n_rows; i++)
		if (!summary || strcmp(rows[i].key[2], "average") == 0)
			cli_table_row((enum cli_format)format, c, fill(&rows[i], c, cell, text, head), cell);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = 0, dashes = 0;

	if (first == argc)
		cli_usage("there is no TABLE");
	for (int i = first; i < argc; i++)
		dashes += strcmp(argv[i], "-") == 0;
	if (dashes > 1)
		cli_usage("standard input can be read once only");
	for (int i = first; i < argc && rc == 0; i++)
		rc = take_table(argv[i], i - first);
	for (size_t i = 0; i < n_rows && rc == 0; i++)
		if (rows[i].n != (size_t)(argc - first))
			cli_warn("%s, %s is in %zu of %d tables only", rows[i].key[1], rows[i].key[2], rows[i].n,
				 argc - first);
	if (rc == 0)
		print_all();
	for (size_t i = 0; i < n_rows; i++) {
		for (int k = 0; k < 3; k++)
			free(rows[i].key[k]);
		for (size_t k = 0; k < n_names; k++)
			free(rows[i].v[k]);
	}
	while (n_names > 0)
		free(names[--n_names]);
	free(rows);
	return cli_finish(rc ? 1 : 0);
}
