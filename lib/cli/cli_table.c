/* SPDX-License-Identifier: MIT
 * Tables in all their forms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_align.h"
#include "cli/cli_table.h"

/* A cell of no words: JSON already, or a number; for what is not finite JSON has none. */
static void put_json_number(FILE *to, const char *cell)
{
	char *end;
	const double v = strtod(cell, &end);

	if ((*cell && strchr("{[\"", *cell)) || (end != cell && !*end && isfinite(v)))
		fputs(cell, to);
	else
		cli_put_json(to, cell);
}

enum cli_format cli_table_format(enum cli_format said)
{
	if (cli.json && said != CLI_TEXT && said != CLI_JSON)
		cli_usage("--json is --format json, and another --format is given");
	return cli.json ? CLI_JSON : said;
}

bool cli_format_is_for_people(enum cli_format f)
{
	return f == CLI_TEXT || f == CLI_MARKDOWN || f == CLI_LATEX;
}

static void put_csv(FILE *to, const char *s)
{
	const bool quoted = strpbrk(s, ",\"\n\r") != NULL;

	for (fprintf(to, quoted ? "\"" : ""); *s; s++)
		fprintf(to, *s == '"' ? "\"\"" : "%c", *s);
	fprintf(to, quoted ? "\"" : "");
}

static void put_latex(FILE *to, const char *s)
{
	for (; *s; s++) {
		if (strchr("&%$#_{}", *s))
			fprintf(to, "\\%c", *s);
		else if (strchr("\\~^", *s))
			fprintf(to, "\\text%s{}", *s == '~' ? "asciitilde" : *s == '^' ? "asciicircum" : "backslash");
		else
			putc(*s, to);
	}
}

static void put_markdown(FILE *to, const char *s)
{
	for (; *s; s++)
		fprintf(to, *s == '|' ? "\\|" : "%c", *s);
}

/* Not by printf()'s width, which counts bytes. */
static void put_padded(FILE *to, int width, bool first, const char *cell)
{
	const int n = (int)cli_width(cell, strlen(cell));

	fprintf(to, "%s%*s%s%*s", first ? "" : "  ", width > n ? width - n : 0, "", cell, -width > n ? -width - n : 0,
		"");
}

static void put_cell(FILE *to, enum cli_format f, const struct cli_column *c, bool first, const char *cell)
{
	if (f == CLI_TEXT) {
		put_padded(to, c->width, first, cell ? cell : "-");
	} else if (f == CLI_TSV) {
		fprintf(to, "%s%s", first ? "" : "\t", cell ? cell : "-");
	} else if (f == CLI_CSV) {
		fprintf(to, "%s", first ? "" : ",");
		put_csv(to, cell ? cell : "");
	} else if (f == CLI_LATEX) {
		fprintf(to, "%s", first ? "" : " & ");
		if (!cell)
			fprintf(to, "--");
		else if (c->width < 0)
			put_latex(to, cell);
		else
			fprintf(to, "%s", cell);
	} else if (f == CLI_MARKDOWN) {
		fprintf(to, first ? "| " : " ");
		put_markdown(to, cell ? cell : "-");
		fprintf(to, " |");
	} else {
		fputs(first ? "{" : ", ", to);
		cli_put_json(to, c->key);
		fputs(": ", to);
		if (!cell)
			fputs("null", to);
		else if (c->width < 0)
			cli_put_json(to, cell);
		else
			put_json_number(to, cell);
	}
}

void cli_column_widen(struct cli_column *c, const char *cell)
{
	const int n = cell ? (int)cli_width(cell, strlen(cell)) : 0;

	if (-n < c->width)
		c->width = -n;
}

void cli_table_row(FILE *to, enum cli_format f, const struct cli_column *c, size_t n, const char *const *cell)
{
	for (size_t i = 0; i < n; i++)
		put_cell(to, f, &c[i], i == 0, cell[i]);
	fputs(f == CLI_JSON ? "}\n" : f == CLI_LATEX ? " \\\\\n" : "\n", to);
}

static void begin_latex(FILE *to, const struct cli_column *c, size_t n)
{
	fprintf(to, "\\begin{tabular}{");
	for (size_t i = 0; i < n; i++)
		putc(c[i].width < 0 ? 'l' : 'r', to);
	fputs("}\n\\toprule\n", to);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%s", i ? " & " : "");
		put_latex(to, c[i].head);
	}
	fputs(" \\\\\n\\midrule\n", to);
}

void cli_table_end(FILE *to, enum cli_format f)
{
	if (f == CLI_LATEX)
		fputs("\\bottomrule\n\\end{tabular}\n", to);
}

void cli_table_heading(FILE *to, enum cli_format f, const struct cli_column *c, size_t n)
{
	if (f == CLI_JSON)
		return;
	if (f == CLI_LATEX) {
		begin_latex(to, c, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		put_cell(to, f, &c[i], i == 0, f == CLI_TSV || f == CLI_CSV ? c[i].key : c[i].head);
	putc('\n', to);
	for (size_t i = 0; f == CLI_MARKDOWN && i < n; i++)
		put_cell(to, f, &c[i], i == 0, c[i].width < 0 ? "---" : "---:");
	if (f == CLI_MARKDOWN)
		putc('\n', to);
}

/* Words may hold what would break the table. */
static void put_tsv(FILE *to, const struct cli_column *c, size_t n, const char *const *cell)
{
	for (size_t i = 0; i < n; i++) {
		fputs(i ? "\t" : "", to);
		cli_put_cell(to, cell ? cell[i] ? cell[i] : "-" : c[i].key);
	}
	putc('\n', to);
}

void cli_rows_heading(FILE *to, const struct cli_column *c, size_t n)
{
	if (!cli.json)
		put_tsv(to, c, n, NULL);
}

void cli_rows_put(FILE *to, const struct cli_column *c, size_t n, const char *const *cell)
{
	if (cli.json)
		cli_table_row(to, CLI_JSON, c, n, cell);
	else
		put_tsv(to, c, n, cell);
}

void cli_list_put(const char *name, const char *what)
{
	static const struct cli_column columns[] = { { "", "name", -13 }, { "", "what", -1 } };
	const char *const cells[] = { name, what };

	cli_table_row(stdout, cli.json ? CLI_JSON : CLI_TEXT, columns, 2, cells);
}

void cli_number(char buf[32], double v)
{
	snprintf(buf, 32, "-");
	for (int digits = 15; !isnan(v) && digits <= 17; digits++) {
		snprintf(buf, 32, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
}
