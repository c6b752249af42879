/* SPDX-License-Identifier: MIT
 * Config files: flat YAML, `long-option: value`, handled by the same code as the command line. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cli/cli_internal.h"
#include "err/err_near.h"

static void bad(const char *path, size_t line, const char *what, const char *word)
{
	cli_usage("'%s' line %zu: %s '%s'", path, line, what, word);
}

/* Options that a config file cannot contain: they end the program, or name the file itself. */
static bool only_on_command_line(const char *name)
{
	return strcmp(name, "config") == 0 || strcmp(name, "help") == 0 || strcmp(name, "version") == 0;
}

/* Remembers that o was given; false if it was given before. Only lists may be given several times. */
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

/* A copy that lives as long as argv does. */
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

static void __attribute__((noreturn)) unknown_option(const char *path, size_t line, const char *name, const char *k)
{
	struct err_near near = err_near(name);

	for (const struct cli_option *o = cli_next(NULL); o; o = cli_next(o))
		err_near_try(&near, o->name);
	cli_usage("'%s' line %zu: unknown option '%s'%s", path, line, k, err_near_text(&near, "'"));
}

static int apply(void *data, const char *k, const char *v, size_t line, struct err *err)
{
	const char *path = data;
	char name[80], where[PATH_MAX + 64];
	const struct cli_option *o;
	bool yes, no;

	(void)err; /* errors end the program */
	snprintf(name, sizeof name, "%s", k);
	for (char *p = name; *p; p++)
		if (*p == '_')
			*p = '-';
	o = cli_find(name);
	if (!o)
		unknown_option(path, line, name, k);
	if (only_on_command_line(name))
		bad(path, line, "unknown option", k);
	if (!first_time(o))
		bad(path, line, "given twice:", k);
	snprintf(where, sizeof where, "'%s' line %zu: ", path, line);
	if (o->type != CLI_FLAG) {
		cli_set(o, keep(v), false, where);
		return 0;
	}
	yes = strcmp(v, "true") == 0 || strcmp(v, "yes") == 0;
	no = strcmp(v, "false") == 0 || strcmp(v, "no") == 0;
	if (!yes && !no)
		bad(path, line, "neither true nor false:", v);
	cli_set(o, NULL, no, where);
	return 0;
}

void cli_read_config(const char *path)
{
	FILE *f = fopen(path, "r");
	struct err err = { 0 };

	if (!f) {
		cli_error("cannot open '%s': %s", path, strerror(errno));
		exit(cli_failed());
	}
	if (cli_yaml_read(f, apply, (void *)(uintptr_t)path, &err) < 0 && err.memory)
		cli_oom();
	else if (err.text[0])
		cli_usage("'%s' %s", path, err.text);
	fclose(f);
}

/* ---- flat YAML ------------------------------------------------------------------------------- */

/* The state of reading: the number of open maps, and the option whose value comes next (or NO_EVENT). */
struct flat {
	int depth, documents;
	yaml_event_t key;
	int (*take)(void *data, const char *key, const char *value, size_t line, struct err *err);
	void *data;
};

static int wrong(const yaml_event_t *e, const char *what, const char *word, struct err *err)
{
	return err_fail(err, "line %zu: %s '%s'", e->start_mark.line + 1, what, word);
}

static const char *text_of(const yaml_event_t *e)
{
	return (const char *)e->data.scalar.value;
}

/* Handles a key, which is kept, or the value of the previous key. */
static int scalar(struct flat *y, yaml_event_t *e, struct err *err)
{
	if (y->depth == 0)
		return wrong(e, "not an `option: value` line:", text_of(e), err);
	if (strlen(text_of(e)) != e->data.scalar.length)
		return wrong(e, "a zero byte in", text_of(y->key.type ? &y->key : e), err);
	if (!y->key.type) {
		y->key = *e;
		*e = (yaml_event_t){ 0 };
		return 0;
	}
	int rc = y->take(y->data, text_of(&y->key), text_of(e), y->key.start_mark.line + 1, err);
	yaml_event_delete(&y->key);
	return rc;
}

static int event(struct flat *y, yaml_event_t *e, struct err *err)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return y->documents++ ? wrong(e, "a second document begins with", "---", err) : 0;
	case YAML_MAPPING_START_EVENT:
		if (y->depth++ == 0)
			return 0;
		/* fallthrough */
	case YAML_SEQUENCE_START_EVENT:
	case YAML_ALIAS_EVENT: return wrong(e, "only `option: value` lines are allowed, not", "a list or a map", err);
	case YAML_SCALAR_EVENT: return scalar(y, e, err);
	case YAML_MAPPING_END_EVENT: y->depth--; return 0;
	default: return 0;
	}
}

int cli_yaml_read(FILE *f, int (*take)(void *data, const char *key, const char *value, size_t line, struct err *err),
		  void *data, struct err *err)
{
	struct flat y = { .take = take, .data = data };
	yaml_parser_t parser;
	yaml_event_t e;
	bool done = false;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return err_memory(err);
	yaml_parser_set_input_file(&parser, f);
	while (rc == 0 && !done) {
		if (!yaml_parser_parse(&parser, &e)) {
			rc = parser.error == YAML_MEMORY_ERROR ?
				     err_memory(err) :
				     err_fail(err, "line %zu: not YAML: '%s'", parser.problem_mark.line + 1,
					      parser.problem ? parser.problem : "cannot be read");
			break;
		}
		done = e.type == YAML_STREAM_END_EVENT;
		rc = event(&y, &e, err);
		yaml_event_delete(&e);
	}
	yaml_event_delete(&y.key);
	yaml_parser_delete(&parser);
	return rc;
}
