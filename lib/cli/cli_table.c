/* SPDX-License-Identifier: MIT
 * Tables in four forms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_table.h"

static void put_json(const char *s)
{
	putchar('"');
	for (; *s; s++)
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	putchar('"');
}

bool cli_format_is_for_people(enum cli_format f)
{
	return f == CLI_TEXT || f == CLI_MARKDOWN || f == CLI_LATEX;
}

static void put_csv(const char *s)
{
	const bool quoted = strpbrk(s, ",\"\n\r") != NULL;

	for (printf(quoted ? "\"" : ""); *s; s++)
		printf(*s == '"' ? "\"\"" : "%c", *s);
	printf(quoted ? "\"" : "");
}

static void put_latex(const char *s)
{
	for (; *s; s++) {
		if (strchr("&%$#_{}", *s))
			printf("\\%c", *s);
		else if (strchr("\\~^", *s))
			printf("\\text%s{}", *s == '~' ? "asciitilde" : *s == '^' ? "asciicircum" : "backslash");
		else
			putchar(*s);
	}
}

static void put_markdown(const char *s)
{
	for (; *s; s++)
		printf(*s == '|' ? "\\|" : "%c", *s);
}

static void put_cell(enum cli_format f, const struct cli_column *c, bool first, const char *cell)
{
	if (f == CLI_TEXT) {
		printf("%s%*s", first ? "" : "  ", c->width, cell ? cell : "-");
	} else if (f == CLI_TSV) {
		printf("%s%s", first ? "" : "\t", cell ? cell : "-");
	} else if (f == CLI_CSV) {
		printf("%s", first ? "" : ",");
		put_csv(cell ? cell : "");
	} else if (f == CLI_LATEX) {
		printf("%s", first ? "" : " & ");
		if (!cell)
			printf("--");
		else if (c->width < 0)
			put_latex(cell);
		else
			printf("%s", cell);
	} else if (f == CLI_MARKDOWN) {
		printf(first ? "| " : " ");
		put_markdown(cell ? cell : "-");
		printf(" |");
	} else {
		printf("%s\"%s\": ", first ? "{" : ", ", c->key);
		if (cell && c->width < 0)
			put_json(cell);
		else
			printf("%s", cell ? cell : "null");
	}
}

void cli_column_widen(struct cli_column *c, const char *cell)
{
	const int n = cell ? (int)strlen(cell) : 0;

	if (-n < c->width)
		c->width = -n;
}

void cli_table_row(enum cli_format f, const struct cli_column *c, size_t n, const char *const *cell)
{
	for (size_t i = 0; i < n; i++)
		put_cell(f, &c[i], i == 0, cell[i]);
	puts(f == CLI_JSON ? "}" : f == CLI_LATEX ? " \\\\" : "");
}

static void begin_latex(const struct cli_column *c, size_t n)
{
	printf("\\begin{tabular}{");
	for (size_t i = 0; i < n; i++)
		putchar(c[i].width < 0 ? 'l' : 'r');
	puts("}\n\\toprule");
	for (size_t i = 0; i < n; i++) {
		printf("%s", i ? " & " : "");
		put_latex(c[i].head);
	}
	puts(" \\\\\n\\midrule");
}

void cli_table_end(enum cli_format f)
{
	if (f == CLI_LATEX)
		puts("\\bottomrule\n\\end{tabular}");
}

void cli_table_heading(enum cli_format f, const struct cli_column *c, size_t n)
{
	if (f == CLI_JSON)
		return;
	if (f == CLI_LATEX) {
		begin_latex(c, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		put_cell(f, &c[i], i == 0, f == CLI_TSV || f == CLI_CSV ? c[i].key : c[i].head);
	puts("");
	for (size_t i = 0; f == CLI_MARKDOWN && i < n; i++)
		put_cell(f, &c[i], i == 0, c[i].width < 0 ? "---" : "---:");
	if (f == CLI_MARKDOWN)
		puts("");
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
