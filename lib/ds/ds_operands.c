/* SPDX-License-Identifier: MIT
 * The paths that make up a source. With several, a row's name begins with its operand's prefix: as much of the
 * operand's path as distinguishes it from all others, so that no two files have the same name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

/* The end of a path, beginning `up` components before its last one. */
static const char *tail(const char *path, size_t up)
{
	const char *p = path + strlen(path);

	for (size_t slashes = 0; p > path; p--)
		if (p[-1] == '/' && slashes++ == up)
			break;
	return p;
}

/* The prefix at a level: the last component up to its first dot, all of it, with the folder above, and so on. New
 * memory; NULL: out of memory. */
static char *prefix_at(const char *path, const char *real, size_t level)
{
	const char *base = ds_base(path);
	char *prefix = NULL;

	if (level == 0) {
		const size_t len = base[0] ? 1 + strcspn(base + 1, ".") : 0;
		return asprintf(&prefix, "%.*s/", (int)(len < 250 ? len : 250), base) < 0 ? NULL : prefix;
	}
	return asprintf(&prefix, "%s/", level == 1 ? base : tail(real, level - 1)) < 0 ? NULL : prefix;
}

/* Gives all operands the prefixes of a level. 1: they all differ; 0; -1 with err. */
static int try_level(struct ds_source *s, char *const *real, size_t level, struct err *err)
{
	struct ds_map seen = { 0 };
	int rc = 1;

	for (size_t i = 0; i < s->n_operands && rc == 1; i++) {
		struct ds_operand *o = &s->operands[i];

		free(o->prefix);
		if (!(o->prefix = prefix_at(o->path, real[i], level)))
			rc = err_memory(err);
		else if ((rc = ds_map_set(&seen, o->prefix, 0, err)) >= 0)
			rc = !rc;
	}
	ds_map_release(&seen);
	return rc;
}

/* Checks that no path is given twice or lies in another. */
static int check_apart(const struct ds_source *s, char *const *real, struct err *err)
{
	struct ds_map seen = { 0 };
	int64_t other = -1;
	int rc = 0;

	for (size_t i = 0; i < s->n_operands && rc == 0; i++)
		if ((other = ds_map_get(&seen, real[i])) >= 0)
			rc = err_fail(err, "'%s' and '%s' are one and the same", s->operands[other].path,
				      s->operands[i].path);
		else
			rc = ds_map_set(&seen, real[i], (int64_t)i, err);
	for (size_t i = 0; i < s->n_operands && rc == 0; i++) {
		char *up = strdup(real[i]), *slash;

		if (!up)
			rc = err_memory(err);
		while (rc == 0 && (slash = strrchr(up, '/')) != NULL && slash > up) {
			*slash = '\0';
			if ((other = ds_map_get(&seen, up)) >= 0)
				rc = err_fail(err, "'%s' lies in '%s', so its images would come twice",
					      s->operands[i].path, s->operands[other].path);
		}
		free(up);
	}
	ds_map_release(&seen);
	return rc;
}

static int tell_apart(struct ds_source *s, struct err *err)
{
	char **real = calloc(s->n_operands + 1, sizeof *real);
	int rc = real ? 0 : err_memory(err);

	for (size_t i = 0; i < s->n_operands && rc == 0; i++)
		/* A missing path is reported when it is opened. */
		if (!(real[i] = realpath(s->operands[i].path, NULL)) && !(real[i] = strdup(s->operands[i].path)))
			rc = err_memory(err);
	if (rc == 0)
		rc = check_apart(s, real, err);
	for (size_t level = 0; rc == 0 && level < 4096; level++)
		rc = try_level(s, real, level, err);
	for (size_t i = 0; real && i < s->n_operands; i++)
		free(real[i]);
	free(real);
	return rc < 0 ? -1 : 0;
}

static int add_stdin(struct ds_operand *o, struct err *err)
{
	char path[DS_STDIN];

	o->path = strdup("<stdin>");
	o->prefix = strdup("");
	if (o->path && o->prefix && ds_stdin_open(path, &o->fd, err) < 0)
		return err_prefix(err, "'%s' ", o->path);
	o->at = strdup(path);
	return o->path && o->prefix && o->at ? 0 : err_memory(err);
}

static int add(struct ds_source *s, const char *path, struct err *err)
{
	struct ds_operand *o = &s->operands[s->n_operands];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	o->fd = -1;
	s->n_operands++;
	if (!s->o.list && strcmp(path, "-") == 0)
		return add_stdin(o, err);
	o->path = strndup(path, len);
	o->at = strndup(path, len);
	o->prefix = strdup("");
	return o->path && o->at && o->prefix ? 0 : err_memory(err);
}

int ds_add_operands(struct ds_source *s, char *const *paths, size_t n, struct err *err)
{
	if (n > DS_MAX_OPERANDS)
		return err_fail(err, "%zu sources; at most %d can be read at once", n, DS_MAX_OPERANDS);
	if (!(s->operands = calloc(n + 2, sizeof *s->operands)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		if (add(s, paths[i], err) < 0)
			return -1;
	if (s->o.list)
		return add(s, s->o.root ? s->o.root : ".", err);
	return n > 1 ? tell_apart(s, err) : 0;
}
