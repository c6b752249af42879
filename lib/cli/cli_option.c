/* SPDX-License-Identifier: MIT
 * The options of a program, its own and the shared ones: walking them, finding them by name, setting them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_internal.h"

bool cli_want_help, cli_want_version;
static bool progress_on;

static const struct cli_option shared[] = {
	{ "output", 'o', CLI_STR, "FILE", &cli.output, 0, 0,
	  "write to FILE, whole or not at all (default: standard output)" },
	{ "seed", 0, CLI_INT, "N", &cli.seed, 0, 9007199254740992.0, "seed for everything random (default 0)" },
	{ "threads", 0, CLI_INT, "N", &cli.threads, 1, 4096, "threads (default: OMP_NUM_THREADS, or all processors)" },
	{ "device", 0, CLI_STR, "NAME", &cli.device, 0, 0, "cpu or cuda (default cpu)" },
	{ "json", 'j', CLI_FLAG, NULL, &cli.json, 0, 0, "print tables as JSON, an object per row" },
	{ "config", 0, CLI_STR, "FILE", &cli.config, 0, 0, "read options from FILE, flat YAML; the command line wins" },
	{ "no-history", 0, CLI_FLAG, NULL, &cli.no_history, 0, 0, "do not record the command history" },
	{ "progress", 0, CLI_FLAG, NULL, &progress_on, 0, 0,
	  "progress line even without a terminal (--no-progress: never)" },
	{ "quiet", 'q', CLI_FLAG, NULL, &cli.quiet, 0, 0, "no warnings, no progress" },
	{ "verbose", 'v', CLI_FLAG, NULL, &cli.verbose, 0, 0, "more messages on standard error" },
	{ "help", 'h', CLI_FLAG, NULL, &cli_want_help, 0, 0, "print this and exit" },
	{ "version", 'V', CLI_FLAG, NULL, &cli_want_version, 0, 0, "print the version and exit" },
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
	if (o->value == &cli.json)
		return flags & CLI_ROWS;
	return true;
}

static bool is_shared(const struct cli_option *o)
{
	return o >= shared && o < shared + sizeof shared / sizeof *shared;
}

/* Does o mark the end of the program's own options? */
static bool ends_own(const struct cli_option *o)
{
	const struct cli_option *end = cli_tool_now->options;

	while (end->name)
		end++;
	return o == end;
}

const struct cli_option *cli_next(const struct cli_option *o)
{
	o = o ? o + 1 : cli_tool_now->options;
	if (cli_tool_now->more && ends_own(o))
		o = cli_tool_now->more;
	if (!o->name && !is_shared(o))
		o = shared;
	while (o->name && is_shared(o) && !in_use(o))
		o++;
	return o->name ? o : NULL;
}

bool cli_is_of_call(const struct cli_option *o)
{
	const void *const values[] = { &cli.output, &cli.no_history, &cli.quiet,     &cli.verbose,     &cli.json,
				       &cli.config, &progress_on,    &cli_want_help, &cli_want_version };

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (o->value == values[i])
			return true;
	return false;
}

const struct cli_option *cli_find(const char *name)
{
	for (const struct cli_option *o = cli_next(NULL); o; o = cli_next(o))
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

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

int cli_parse_sizes(const char *s, long most, long *v, int n)
{
	for (int i = 0; i < n; i++) {
		char *end;

		if (!isdigit((unsigned char)*s)) /* strtol() would accept blanks and signs */
			return 0;
		errno = 0;
		v[i] = strtol(s, &end, 10);
		if (errno || v[i] < 1 || v[i] > most)
			return 0;
		if (*end == '\0')
			return i + 1;
		if (*end != 'x')
			return 0;
		s = end + 1;
	}
	return 0;
}

void cli_check_once(const char *option, const char *list)
{
	for (const char *s = list, *next; s; s = next) {
		const size_t len = strcspn(s, ",");

		next = s[len] ? s + len + 1 : NULL;
		for (const char *t = next; t; t = (t = strchr(t, ',')) ? t + 1 : NULL)
			if (strcspn(t, ",") == len && memcmp(s, t, len) == 0)
				cli_usage("%s: '%.*s' appears twice", option, (int)len, s);
	}
}

/* Index of word in "a|b|c", or -1. */
long cli_choice(const char *words, const char *word)
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

const char *cli_choice_word(const struct cli_option *o)
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

/* A number or a word that is not there: an empty variable of a script gives "", or without quotes the next option. */
static void check_given(const struct cli_option *o, const char *value, const char *where)
{
	if (!*value)
		cli_usage("%s%s: its value is empty; is a variable of a script empty?", where, o->name);
	if (value[0] == '-' && (value[1] == '-' || isalpha((unsigned char)value[1])))
		cli_usage("%s%s: its value is missing, as '%s' follows; is a variable of a script empty?", where,
			  o->name, value);
}

/* "; did you mean 0.05?" for 5%, and 0.1 for 0,1; or "". */
static const char *meant(const struct cli_option *o, const char *value, char text[64])
{
	char *end;
	const double v = strtod(value, &end);

	text[0] = '\0';
	if (end != value && strcmp(end, "%") == 0 && v / 100 >= o->min && v / 100 <= o->max)
		snprintf(text, 64, "; did you mean %g?", v / 100);
	else if (end != value && *end == ',' && end[1] && !end[1 + strspn(end + 1, "0123456789")])
		snprintf(text, 64, "; did you mean %.*s.%.20s?", (int)(end - value < 20 ? end - value : 20), value,
			 end + 1);
	return text;
}

void cli_set(const struct cli_option *o, const char *value, bool negated, const char *where)
{
	char text[64];

	if (o->type == CLI_INT || o->type == CLI_DOUBLE || (o->type == CLI_CHOICE && !negated))
		check_given(o, value, where);
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)o->value = !negated;
		if (o->value == &progress_on)
			cli_progress_mode = !negated;
		return;
	case CLI_STR:
		/* Probably an empty variable of a script: reported now, not when the work is done. */
		if (!*value && (strcmp(o->arg, "FILE") == 0 || strcmp(o->arg, "DIR") == 0))
			cli_usage("%s%s: its value is empty, and must name a file", where, o->name);
		*(const char **)o->value = value;
		return;
	case CLI_LIST: list_add(o->value, value); return;
	case CLI_INT:
		if (cli_parse_int(value, o->min, o->max, o->value) < 0)
			cli_usage("%s%s: '%s' is not a whole number from %.0f to %.0f", where, o->name, value, o->min,
				  o->max);
		return;
	case CLI_DOUBLE:
		if (cli_parse_double(value, o->min, o->max, o->value) < 0)
			cli_usage("%s%s: '%s' is not a number from %g to %g%s", where, o->name, value, o->min, o->max,
				  meant(o, value, text));
		return;
	case CLI_CHOICE:
		value = negated ? "none" : value;
		*(long *)o->value = cli_choice(o->arg, value);
		if (*(long *)o->value < 0)
			cli_usage("%s%s: '%s' is not one of %s", where, o->name, value, o->arg);
		return;
	}
}
