/* SPDX-License-Identifier: MIT
 * Config files: flat YAML, `long-option: value`, through the same code as the command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cli/cli_internal.h"

static void bad(const char *path, size_t line, const char *what, const char *word)
{
	cli_usage("'%s' line %zu: %s '%s'", path, line + 1, what, word);
}

/* Options that a file cannot give: they end the program, or are the file. */
static bool only_on_command_line(const char *name)
{
	return strcmp(name, "config") == 0 || strcmp(name, "help") == 0 || strcmp(name, "version") == 0;
}

/* Remembers that o was given; false if it was before. Only lists may be given several times. */
static bool first_time(const struct cli_option *o)
{
	static const struct cli_option *given[CLI_MAX_OPTIONS];
	size_t n = 0;

	while (n < CLI_MAX_OPTIONS && given[n] && given[n] != o)
		n++;
	if (n < CLI_MAX_OPTIONS && !given[n]) {
		given[n] = o;
		return true;
	}
	return o->type == CLI_LIST;
}

/* A copy that lives to the end, as argv does. */
static const char *keep(const char *value)
{
	static struct text {
		struct text *next;
		char s[];
	} * all;
	struct text *t = malloc(sizeof *t + strlen(value) + 1);

	if (!t)
		cli_oom();
	memcpy(t->s, value, strlen(value) + 1);
	t->next = all;
	all = t;
	return t->s;
}

static void apply(const char *path, const yaml_event_t *key, const yaml_event_t *value)
{
	char name[80], where[512];
	const char *k = (const char *)key->data.scalar.value;
	const char *v = (const char *)value->data.scalar.value;
	const struct cli_option *o;
	bool yes, no;

	if (strlen(k) != key->data.scalar.length || strlen(v) != value->data.scalar.length)
		bad(path, key->start_mark.line, "a zero byte in", k);
	snprintf(name, sizeof name, "%s", k);
	for (char *p = name; *p; p++)
		if (*p == '_')
			*p = '-';
	o = cli_find(name);
	if (!o || only_on_command_line(name))
		bad(path, key->start_mark.line, "unknown option", k);
	if (!first_time(o))
		bad(path, key->start_mark.line, "given twice:", k);
	snprintf(where, sizeof where, "'%.300s' line %zu: ", path, key->start_mark.line + 1);
	if (o->type != CLI_FLAG) {
		cli_set(o, keep(v), false, where);
		return;
	}
	yes = strcmp(v, "true") == 0 || strcmp(v, "yes") == 0;
	no = strcmp(v, "false") == 0 || strcmp(v, "no") == 0;
	if (!yes && !no)
		bad(path, value->start_mark.line, "neither true nor false:", v);
	cli_set(o, NULL, no, where);
}

void cli_read_config(const char *path)
{
	FILE *f = fopen(path, "r");
	yaml_parser_t parser;
	yaml_event_t e, key = { 0 };
	bool have_key = false, done = false;
	int depth = 0, documents = 0;

	if (!f) {
		cli_error("cannot open '%s': %s", path, strerror(errno));
		exit(1);
	}
	if (!yaml_parser_initialize(&parser))
		cli_oom();
	yaml_parser_set_input_file(&parser, f);
	while (!done) {
		if (!yaml_parser_parse(&parser, &e))
			bad(path, parser.problem_mark.line,
			    "not YAML:", parser.problem ? parser.problem : "cannot be read");
		done = e.type == YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT && documents++)
			bad(path, e.start_mark.line, "a second document begins with", "---");
		if (e.type == YAML_MAPPING_START_EVENT && depth++ == 0) {
			yaml_event_delete(&e);
			continue;
		}
		if (depth > 1 || e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_ALIAS_EVENT)
			bad(path, e.start_mark.line, "only `option: value` lines are allowed, not", "a list or a map");
		if (e.type == YAML_SCALAR_EVENT) {
			if (depth == 0)
				bad(path, e.start_mark.line,
				    "not an `option: value` line:", (const char *)e.data.scalar.value);
			if (!have_key) {
				key = e;
				have_key = true;
				continue;
			}
			apply(path, &key, &e);
			yaml_event_delete(&key);
			have_key = false;
		} else if (e.type == YAML_MAPPING_END_EVENT) {
			depth--;
		}
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	fclose(f);
}
