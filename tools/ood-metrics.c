/* SPDX-License-Identifier: MIT
 * ood-metrics: how well scores tell OOD sets from an ID set. Retains the ID set and one OOD set, 4
 * bytes a row and method; prints when every input has come to its END. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ood/ood_metrics.h"
#include "ood/ood_set.h"

enum { TEXT, TSV, JSON, MARKDOWN };

static const char *id_path, *method_list, *label;
static long fpr_rule = OOD_FPR_NEAREST, format = TEXT;
static bool summary, no_heading;

static const struct cli_option options[] = {
	{ "id", 'i', CLI_STR, "FILE", &id_path, 0, 0, "scores of the ID set" },
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0,
	  "columns of scores, separated by commas (default all)" },
	{ "fpr", 0, CLI_CHOICE, "nearest|first|openood", &fpr_rule, 0, 0,
	  "threshold of FPR95 (default nearest)" },
	{ "format", 'f', CLI_CHOICE, "text|tsv|json|markdown", &format, 0, 0,
	  "form of the table (default text)" },
	{ "summary", 's', CLI_FLAG, NULL, &summary, 0, 0, "only the averages over the OOD sets" },
	{ "label", 'l', CLI_STR, "TEXT", &label, 0, 0, "first column: TEXT, under 'model'" },
	{ "no-heading", 0, CLI_FLAG, NULL, &no_heading, 0, 0, "leave out the heading" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-metrics", "[option...] --id FILE [NAME=]FILE...",
	"Measure how well scores tell each OOD set from the ID set.", options,
	"A FILE of - is standard input, once at most.", 0, NULL
};

struct input {
	char *name;
	const char *path;
	size_t n;                         /* rows */
};

/* ---- the table ------------------------------------------------------------------------------- */

enum { MODEL, METHOD, SET, AUROC, AUPR_IN, AUPR_OUT, FPR95, ID_ACC, N_ID, N_OOD, N_COLUMNS };

static const struct {
	const char *head, *key;           /* for people, for programs */
	int width;                        /* below 0: a text, to the left */
} columns[N_COLUMNS] = {
	{ "model", "model", -16 }, { "method", "method", -20 }, { "set", "set", -14 },
	{ "AUROC", "auroc", 6 }, { "AUPR-IN", "aupr_in", 7 }, { "AUPR-OUT", "aupr_out", 8 },
	{ "FPR95", "fpr95", 6 }, { "ID-ACC", "id_acc", 6 },
	{ "N-ID", "n_id", 8 }, { "N-OOD", "n_ood", 8 }
};

static bool is_shown(int column)
{
	return column == MODEL ? label != NULL : !summary || (column != SET && column < N_ID);
}

static void put_json(const char *s)
{
	putchar('"');
	for (; *s; s++)
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	putchar('"');
}

static void print_cells(const char *const cell[N_COLUMNS])
{
	bool first = true;

	for (int i = 0; i < N_COLUMNS; i++) {
		if (!is_shown(i))
			continue;
		if (format == TEXT) {
			printf("%s%*s", first ? "" : "  ", columns[i].width, cell[i]);
		} else if (format == TSV) {
			printf("%s%s", first ? "" : "\t", cell[i]);
		} else if (format == MARKDOWN) {
			printf("%s %s |", first ? "|" : "", cell[i]);
		} else {
			printf("%s\"%s\": ", first ? "{" : ", ", columns[i].key);
			if (columns[i].width < 0)
				put_json(cell[i]);
			else
				printf("%s", cell[i]);
		}
		first = false;
	}
	puts(format == JSON ? "}" : "");
}

static void print_heading(void)
{
	const char *head[N_COLUMNS], *rule[N_COLUMNS];

	for (int i = 0; i < N_COLUMNS; i++) {
		head[i] = format == TSV ? columns[i].key : columns[i].head;
		rule[i] = columns[i].width < 0 ? "---" : "---:";
	}
	if (no_heading || format == JSON)
		return;
	print_cells(head);
	if (format == MARKDOWN)
		print_cells(rule);
}

/* A share: percent with two decimals for people; as many digits as it takes for programs. */
static void put_share(char number[32], double v)
{
	if (format == TEXT || format == MARKDOWN) {
		snprintf(number, 32, "%.2f", 100 * v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(number, 32, "%.*g", digits, v);
		if (strtod(number, NULL) == v)
			break;
	}
}

/* n_ood 0: an average, of sets of different sizes. */
static void print_row(const char *method, const char *set, const struct ood_metrics *m,
		      const struct ood_set *id, size_t n_ood)
{
	char number[N_COLUMNS][32];
	const char *cell[N_COLUMNS] = { label, method, set };

	for (int i = AUROC; i < N_COLUMNS; i++) {
		snprintf(number[i], 32, format == JSON ? "null" : "-");
		cell[i] = number[i];
	}
	put_share(number[AUROC], m->auroc);
	put_share(number[AUPR_IN], m->aupr_in);
	put_share(number[AUPR_OUT], m->aupr_out);
	put_share(number[FPR95], m->fpr95);
	if (id->labelled)
		put_share(number[ID_ACC], (double)id->right / (double)id->labelled);
	snprintf(number[N_ID], 32, "%zu", id->n);
	if (n_ood)
		snprintf(number[N_OOD], 32, "%zu", n_ood);
	print_cells(cell);
}

/* m holds the methods' results, n_sets a method. */
static void print_table(const struct input *sets, size_t n_sets, char *const *methods,
			size_t n_methods, const struct ood_metrics *m, const struct ood_set *id)
{
	print_heading();
	for (size_t k = 0; k < n_methods; k++) {
		const struct ood_metrics *of = m + k * n_sets, mean = ood_mean(of, n_sets);
		for (size_t s = 0; s < n_sets && !summary; s++)
			print_row(methods[k], sets[s].name, &of[s], id, sets[s].n);
		print_row(methods[k], "average", &mean, id, 0);
	}
}

/* ---- the work -------------------------------------------------------------------------------- */

/* Names go into tables as they are. */
static bool is_printable(const char *s)
{
	while (*s && (unsigned char)*s >= ' ' && *s != 127)
		s++;
	return !*s;
}

/* "name=path", or a path whose base name without extension is the name. A name holds no slash. */
static struct input parse_operand(const char *arg)
{
	size_t len = strcspn(arg, "=/");
	struct input in = { .path = arg };

	if (arg[len] == '=') {
		in.name = strndup(arg, len);
		in.path = arg + len + 1;
	} else {
		const char *base = strrchr(arg, '/') ? strrchr(arg, '/') + 1 : arg;
		const char *dot = strrchr(base, '.');
		in.name = strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
	}
	if (!in.name)
		cli_oom();
	if (!*in.name || !*in.path || !is_printable(in.name))
		cli_usage("'%s' is not [NAME=]FILE", arg);
	return in;
}

static struct input *parse_operands(int n, char **args)
{
	struct input *in = calloc((size_t)n + 1, sizeof *in);
	int dashes = id_path && strcmp(id_path, "-") == 0;

	if (!in)
		cli_oom();
	if (!id_path)
		cli_usage("--id FILE is missing");
	if (label && !is_printable(label))
		cli_usage("--label: has a control character");
	if (n == 0)
		cli_usage("there is no OOD set: no [NAME=]FILE");
	for (int i = 0; i < n; i++) {
		in[i] = parse_operand(args[i]);
		dashes += strcmp(in[i].path, "-") == 0;
		if (strcmp(in[i].name, "average") == 0)
			cli_usage("'average' is the name of the last row; NAME=FILE gives another");
		for (int j = 0; j < i; j++)
			if (strcmp(in[i].name, in[j].name) == 0)
				cli_usage("two sets are called '%s'; NAME=FILE tells them apart",
					  in[i].name);
	}
	if (dashes > 1)
		cli_usage("standard input can be read once only");
	return in;
}

/* The columns to read: those asked for, or all of the header. */
static int choose_methods(struct ts_reader *r, char ***ret, size_t *n)
{
	const struct ts_header *h = ts_reader_expect(r, "scores");

	if (!h)
		return -1;
	if (!method_list) {
		if (ood_set_methods(h, ret, n))
			cli_oom();
		for (size_t i = 0; i < *n; i++)
			if (!is_printable((*ret)[i]))
				return ts_reader_fail(r, "control character in a column's name");
		return *n ? 0 : ts_reader_fail(r, "has no column of scores");
	}
	char *list = strdup(method_list), *rest = list, *word;
	*ret = calloc(strlen(method_list) + 1, sizeof **ret);
	if (!list || !*ret)
		cli_oom();
	for (*n = 0; (word = strsep(&rest, ",")) != NULL; (*n)++)
		if (!((*ret)[*n] = strdup(word)))
			cli_oom();
	free(list);
	return 0;
}

static int measure(struct input *sets, size_t n_sets)
{
	char **methods = NULL;
	size_t n = 0;
	struct ood_set id = { 0 };
	struct ood_metrics *m = NULL;
	struct ts_reader *r = cli_open(id_path);
	int rc = choose_methods(r, &methods, &n) || ood_set_read(&id, r, methods, n);

	m = calloc(n_sets * (n + 1), sizeof *m);
	if (!m)
		cli_oom();
	for (size_t s = 0; s < n_sets && rc == 0; s++) {
		struct ood_set ood;
		ts_reader_close(r);
		r = cli_open(sets[s].path);
		rc = (!method_list && ood_set_no_more(r, methods, n)) ||
		     ood_set_read(&ood, r, methods, n);
		if (rc)
			break;
		for (size_t k = 0; k < n; k++)
			m[k * n_sets + s] = ood_compare(id.scores[k], id.n, ood.scores[k], ood.n,
						   (enum ood_fpr)fpr_rule);
		sets[s].n = ood.n;
		ood_set_release(&ood);
	}
	if (rc == 0)
		print_table(sets, n_sets, methods, n, m, &id);
	cli_check_reader(r);
	ts_reader_close(r);
	ood_set_release(&id);
	ts_strs_free(methods, n);
	free(m);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), n = argc - first;
	struct input *sets = parse_operands(n, argv + first);
	int rc = measure(sets, (size_t)n);

	for (int i = 0; i < n; i++)
		free(sets[i].name);
	free(sets);
	return cli_finish(rc ? 1 : 0);
}
