/* SPDX-License-Identifier: MIT
 * The command line: one table serves parsing, help and the config file. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_internal.h"
#include "version.h"

struct cli_shared cli = { .device = "cpu" };
const struct cli_tool *cli_tool_now;

static bool want_help, want_version;
static bool progress_on;

static const struct cli_option shared[] = {
	{ "output", 'o', CLI_STR, "FILE", &cli.output, 0, 0,
	  "write to FILE, whole or not at all (default: standard output)" },
	{ "seed", 0, CLI_INT, "N", &cli.seed, 0, 9007199254740992.0,
	  "seed of all that is random (default 0)" },
	{ "threads", 0, CLI_INT, "N", &cli.threads, 1, 4096, "threads (default: OMP_NUM_THREADS, or all processors)" },
	{ "device", 0, CLI_STR, "NAME", &cli.device, 0, 0, "cpu or cuda (default cpu)" },
	{ "config", 0, CLI_STR, "FILE", &cli.config, 0, 0,
	  "read options from FILE, flat YAML; the command line wins" },
	{ "no-history", 0, CLI_FLAG, NULL, &cli.no_history, 0, 0,
	  "leave out how the data came to be" },
	{ "progress", 0, CLI_FLAG, NULL, &progress_on, 0, 0,
	  "progress line even without a terminal (--no-progress: never)" },
	{ "quiet", 'q', CLI_FLAG, NULL, &cli.quiet, 0, 0, "no warnings, no progress" },
	{ "verbose", 'v', CLI_FLAG, NULL, &cli.verbose, 0, 0, "say more on standard error" },
	{ "help", 'h', CLI_FLAG, NULL, &want_help, 0, 0, "print this and exit" },
	{ "version", 'V', CLI_FLAG, NULL, &want_version, 0, 0, "print the version and exit" },
	{ 0 }
};

static bool in_use(const struct cli_option *o)
{
	int flags = cli_tool_now->flags;

	if (o->value == &cli.output || o->value == &cli.no_history)
		return flags & CLI_OUTPUT;
	if (o->value == &cli.seed)
		return flags & CLI_SEED;
	if (o->value == &cli.threads)
		return flags & CLI_THREADS;
	if (o->value == &cli.device)
		return flags & CLI_DEVICE;
	if (o->value == &progress_on)
		return flags & CLI_PROGRESS;
	return true;
}

static bool is_shared(const struct cli_option *o)
{
	return o >= shared && o < shared + sizeof shared / sizeof *shared;
}

/* Walks the tool's options, then those it shares with some, then those of all that are in use. Start
 * with NULL. */
static const struct cli_option *next_option(const struct cli_option *o)
{
	static bool in_more;

	if (!o)
		in_more = false;
	o = o ? o + 1 : cli_tool_now->options;
	if (!o->name && !is_shared(o) && !in_more && cli_tool_now->more) {
		in_more = true;
		o = cli_tool_now->more;
	}
	if (!o->name && !is_shared(o))
		o = shared;
	while (o->name && is_shared(o) && !in_use(o))
		o++;
	return o->name ? o : NULL;
}

const struct cli_option *cli_find(const char *name)
{
	for (const struct cli_option *o = next_option(NULL); o; o = next_option(o))
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

/* ---- values ---- */

int cli_parse_double(const char *s, double min, double max, double *ret)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(s, &end);
	if (end == s || *end || errno == ERANGE || !(v >= min && v <= max))
		return -1;
	*ret = v;
	return 0;
}

int cli_parse_int(const char *s, double min, double max, long *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (end == s || *end || errno || (double)v < min || (double)v > max)
		return -1;
	*ret = v;
	return 0;
}

/* Index of word in "a|b|c", or -1. */
static long choice(const char *words, const char *word)
{
	size_t len = strlen(word);
	long i = 0;

	for (const char *p = words; p; i++) {
		const char *bar = strchr(p, '|');
		size_t n = bar ? (size_t)(bar - p) : strlen(p);
		if (n == len && memcmp(p, word, n) == 0)
			return i;
		p = bar ? bar + 1 : NULL;
	}
	return -1;
}

/* Where the chosen word begins in the option's "a|b|c". */
static const char *choice_word(const struct cli_option *o)
{
	const char *p = o->arg;

	for (long i = *(const long *)o->value; i > 0; i--)
		p = strchr(p, '|') + 1;
	return p;
}

static void list_add(struct cli_list *l, const char *value)
{
	const char **v = realloc(l->v, (l->n + 1) * sizeof *v);
	if (!v)
		cli_oom();
	v[l->n++] = value;
	l->v = v;
}

void cli_set(const struct cli_option *o, const char *value, bool negated, const char *where)
{
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)o->value = !negated;
		if (o->value == &progress_on)
			cli_progress_mode = !negated;
		return;
	case CLI_STR:
		*(const char **)o->value = value;
		return;
	case CLI_LIST:
		list_add(o->value, value);
		return;
	case CLI_INT:
		if (cli_parse_int(value, o->min, o->max, o->value) < 0)
			cli_usage("%s%s: '%s' is not a whole number from %.0f to %.0f", where, o->name,
				  value, o->min, o->max);
		return;
	case CLI_DOUBLE:
		if (cli_parse_double(value, o->min, o->max, o->value) < 0)
			cli_usage("%s%s: '%s' is not a number from %g to %g", where, o->name, value,
				  o->min, o->max);
		return;
	case CLI_CHOICE:
		*(long *)o->value = choice(o->arg, value);
		if (*(long *)o->value < 0)
			cli_usage("%s%s: '%s' is none of %s", where, o->name, value, o->arg);
		return;
	}
}

/* ---- settings ---- */

/* Is it about this one call, not about what the program computes? */
static bool of_this_call(const struct cli_option *o, const char *const *skip)
{
	const void *const values[] = { &cli.output, &cli.no_history, &cli.quiet, &cli.verbose, &cli.config,
				       &progress_on, &want_help, &want_version };

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (o->value == values[i])
			return true;
	for (; skip && *skip; skip++)
		if (strcmp(o->name, *skip) == 0)
			return true;
	return false;
}

/* A string as YAML's double-quoted scalar, which JSON's strings are. */
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
	case CLI_INT:
		fprintf(f, "%s: %ld\n", o->name, *(const long *)o->value);
		return;
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
	case CLI_FLAG:
		fprintf(f, "%s: %s\n", o->name, *(const bool *)o->value ? "true" : "false");
		return;
	case CLI_CHOICE:
		fprintf(f, "%s: %.*s\n", o->name,
			(int)strcspn(choice_word(o), "|"), choice_word(o));
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
	for (const struct cli_option *o = next_option(NULL); o; o = next_option(o))
		if (!of_this_call(o, skip))
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
	for (const struct cli_option *o = next_option(NULL); o; o = next_option(o)) {
		char left[200];
		char letter[8] = "    ";

		if (o->key)
			snprintf(letter, sizeof letter, "-%c, ", o->key);
		snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		printf(strlen(left) > 30 ? "%s\n%31s%s\n" : "%-30s%s %s\n", left, "", o->help);
	}
	if (t->footer)
		printf("\n%s\n", t->footer);
}

/* OMP_NUM_THREADS may be a list, a number for each level of nesting; the first counts. */
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

	for (const struct cli_option *o = next_option(NULL); o && t->n < MAX_OPTIONS;
	     o = next_option(o)) {
		bool flag = o->type == CLI_FLAG;
		t->longs[n_long++] = (struct option){ o->name, flag ? no_argument :
			required_argument, NULL, LONG_BASE + t->n };
		if (flag && strncmp(o->name, "no-", 3) != 0) {
			snprintf(t->negated[t->n], sizeof t->negated[0], "no-%s", o->name);
			t->longs[n_long++] = (struct option){ t->negated[t->n], no_argument, NULL,
				NEGATED + t->n };
		}
		if (o->key) {
			t->shorts[n_short++] = (char)o->key;
			if (!flag)
				t->shorts[n_short++] = ':';
		}
		t->opts[t->n++] = o;
	}
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
			cli_usage("bad option '%s'%s", argv[optind - 1],
				  optopt ? ": its value is missing, or it takes none" : "");
		}
		if (c >= LONG_BASE)
			o = t->opts[c - (negated ? NEGATED : LONG_BASE)];
		for (int i = 0; i < t->n && !o; i++)
			if (t->opts[i]->key == c)
				o = t->opts[i];
		if (o && only_config == (o->value == &cli.config))
			cli_set(o, optarg, negated, "--");
	}
}

int cli_parse(const struct cli_tool *tool, int argc, char **argv)
{
	static struct table t;

	cli_tool_now = tool;
	cli.tool = tool->name;
	cli_signals_init();
	cli.threads = default_threads();
	cli.argc = argc - 1;
	cli.argv = calloc((size_t)argc + 1, sizeof *cli.argv);
	if (!cli.argv)
		cli_oom();
	for (int i = 1; i < argc; i++)        /* getopt permutes argv; the history wants it as given */
		cli.argv[i - 1] = argv[i];
	build_table(&t);
	walk(&t, argc, argv, true);
	if (cli.config)
		cli_read_config(cli.config);
	walk(&t, argc, argv, false);
	if (want_help) {
		print_help();
		exit(cli_finish(0));
	}
	if (want_version) {
		printf("%s (unmask) %s\nbuilt with %s\n", tool->name, UNMASK_VERSION, UNMASK_BUILD);
		exit(cli_finish(0));
	}
	return optind;
}
