/* SPDX-License-Identifier: MIT
 * The command line: parsing, help and the config file all use one table. */
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_internal.h"
#include "err/err_near.h"
#include "version.h"

/* clang's version string includes its name. */
#ifdef __clang__
static const char compiler[] = __VERSION__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

/* ---- settings ---- */

static bool is_skipped(const struct cli_option *o, const char *const *skip)
{
	for (; skip && *skip; skip++)
		if (strcmp(o->name, *skip) == 0)
			return true;
	return cli_is_of_call(o);
}

/* Writes a string as a YAML double-quoted scalar, as JSON strings are, but keeps every byte of a file name. */
static void put_string(FILE *f, const char *name, const char *value)
{
	char *text = ts_str_json(value);

	if (!text)
		cli_oom();
	fprintf(f, "%s: %s\n", name, text);
	free(text);
}

static void put_setting(FILE *f, const struct cli_option *o)
{
	const struct cli_list *l = o->value;
	const double *d = o->value;
	char number[32];

	switch (o->type) {
	case CLI_INT: fprintf(f, "%s: %ld\n", o->name, *(const long *)o->value); return;
	case CLI_DOUBLE:
		snprintf(number, sizeof number, "%.15g", *d);
		if (strtod(number, NULL) != *d)
			snprintf(number, sizeof number, "%.17g", *d);
		if (!isnan(*d))
			fprintf(f, "%s: %s\n", o->name, number);
		return;
	case CLI_STR:
		if (*(const char *const *)o->value)
			put_string(f, o->name, *(const char *const *)o->value);
		return;
	case CLI_FLAG: fprintf(f, "%s: %s\n", o->name, *(const bool *)o->value ? "true" : "false"); return;
	case CLI_CHOICE:
		fprintf(f, "%s: %.*s\n", o->name, (int)strcspn(cli_choice_word(o), "|"), cli_choice_word(o));
		return;
	case CLI_LIST:
		for (size_t i = 0; i < l->n; i++)
			put_string(f, o->name, l->v[i]);
		return;
	}
}

char *cli_settings(const char *const *skip)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		cli_oom();
	for (const struct cli_option *o = cli_next(NULL); o; o = cli_next(o))
		if (!is_skipped(o, skip))
			put_setting(f, o);
	if (fclose(f) != 0 || !text)
		cli_oom();
	return text;
}

/* ---- help ---- */

static void print_help(void)
{
	const struct cli_tool *t = cli_tool_now;

	printf("Usage: %s %s\n%s\n\n", t->name, t->synopsis, t->purpose);
	for (const struct cli_option *o = cli_next(NULL); o; o = cli_next(o)) {
		char left[200];
		char letter[8] = "    ";

		if (o->key)
			snprintf(letter, sizeof letter, "-%c, ", o->key);
		snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		printf(strlen(left) > 30 ? "%s\n%31s%s\n" : "%-30s%s %s\n", left, "", o->help);
	}
	if (t->footer)
		printf("\n%s\n", t->footer);
}

/* OMP_NUM_THREADS may be a list, one number for each level of nesting; the first counts. */
static long default_threads(void)
{
	const char *asked = getenv("OMP_NUM_THREADS");
	const long n = asked ? strtol(asked, NULL, 10) : 0;
	cpu_set_t set;

	if (n >= 1 && n <= 4096)
		return n;
	return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* ---- argv ---- */

enum { LONG_BASE = 1000, NEGATED = 100000, MAX_OPTIONS = CLI_MAX_OPTIONS };

struct table {
	struct option longs[2 * MAX_OPTIONS];
	const struct cli_option *opts[MAX_OPTIONS];
	char shorts[2 * MAX_OPTIONS];
	char negated[MAX_OPTIONS][40];
	int n;
};

static void build_table(struct table *t)
{
	int n_long = 0, n_short = 0;

	for (const struct cli_option *o = cli_next(NULL); o && t->n < MAX_OPTIONS; o = cli_next(o)) {
		const bool flag = o->type == CLI_FLAG;
		const bool no = flag || (o->type == CLI_CHOICE && cli_choice(o->arg, "none") >= 0);

		t->longs[n_long++] =
			(struct option){ o->name, flag ? no_argument : required_argument, NULL, LONG_BASE + t->n };
		if (no && strncmp(o->name, "no-", 3) != 0) {
			snprintf(t->negated[t->n], sizeof t->negated[0], "no-%s", o->name);
			t->longs[n_long++] = (struct option){ t->negated[t->n], no_argument, NULL, NEGATED + t->n };
		}
		if (o->key) {
			t->shorts[n_short++] = (char)o->key;
			if (!flag)
				t->shorts[n_short++] = ':';
		}
		t->opts[t->n++] = o;
	}
}

/* Reports an unknown option, and suggests the one that may be meant: a similar name, or a long name without its
 * "--". */
static void unknown_option(const struct table *t, const char *given)
{
	char *word = strndup(given + strspn(given, "-"), strcspn(given + strspn(given, "-"), "="));
	struct err_near near;

	if (!word)
		cli_oom();
	near = err_near(word);
	for (const struct option *o = t->longs; o->name; o++)
		err_near_try(&near, o->name);
	cli_usage("bad option '%s'%s", given, err_near_text(&near, "--"));
}

static const struct cli_option *given[MAX_OPTIONS]; /* on the command line, each once; NULL ends it */

static void note_given(const struct cli_option *o)
{
	int n = 0;

	while (n < MAX_OPTIONS && given[n] && given[n] != o)
		n++;
	if (n < MAX_OPTIONS)
		given[n] = o;
}

bool cli_given(const void *value)
{
	for (int i = 0; i < MAX_OPTIONS && given[i]; i++)
		if (given[i]->value == value)
			return true;
	return false;
}

/* One walk over argv. With only_config, nothing but --config takes effect. */
static void walk(struct table *t, int argc, char **argv, bool only_config)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, t->shorts, t->longs, NULL)) != -1) {
		const struct cli_option *o = NULL;
		bool negated = c >= NEGATED;

		if (c == '?') {
			if (optopt && optopt < LONG_BASE)
				cli_usage("bad option '-%c', or its value is missing", optopt);
			if (optopt)
				cli_usage("bad option '%s': its value is missing, or it takes none", argv[optind - 1]);
			unknown_option(t, argv[optind - 1]);
		}
		if (c >= LONG_BASE)
			o = t->opts[c - (negated ? NEGATED : LONG_BASE)];
		for (int i = 0; i < t->n && !o; i++)
			if (t->opts[i]->key == c)
				o = t->opts[i];
		if (o && only_config == (o->value == &cli.config)) {
			cli_set(o, optarg, negated, "--");
			note_given(o);
		}
	}
}

int cli_parse(const struct cli_tool *tool, int argc, char **argv)
{
	static struct table t;

	cli_tool_now = tool;
	cli.tool = tool->name;
	cli_standard_init();
	cli_signals_init();
	cli.threads = default_threads();
	cli.argc = argc - 1;
	cli.argv = calloc((size_t)argc + 1, sizeof *cli.argv);
	if (!cli.argv)
		cli_oom();
	for (int i = 1; i < argc; i++) /* getopt permutes argv; the history wants it as given */
		cli.argv[i - 1] = argv[i];
	cli.defaults = cli_settings(NULL);
	build_table(&t);
	walk(&t, argc, argv, true);
	if (cli.config)
		cli_read_config(cli.config);
	walk(&t, argc, argv, false);
	if (cli_want_help) {
		print_help();
		exit(cli_finish(0));
	}
	if (cli_want_version) {
		printf("%s (unmask) %s, %s, %s\n", tool->name, UNMASK_VERSION, compiler, UNMASK_BUILD);
		exit(cli_finish(0));
	}
	return optind;
}
