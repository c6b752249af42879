/* SPDX-License-Identifier: MIT
 * Lists of images as OpenOOD writes them: a line is a path, a space and the number of a class (or -1), or JSON that has
 * it as `label`; a path alone has no label. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds_internal.h"
#include "ts/ts_parse.h"

static void trim(char *line)
{
	size_t n = strlen(line);

	while (n > 0 && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
}

/* The blank before the label: JSON from a brace on, or the last word. NULL: there is none. */
static char *label_of(char *line)
{
	char *brace = strstr(line, " {"), *space = strrchr(line, ' '), *tab = strrchr(line, '\t');

	if (brace && line[strlen(line) - 1] == '}')
		return brace;
	return !space || (tab && tab > space) ? tab : space;
}

/* Lists for MOS have JSON with labels of several kinds: `label` is that of all classes. */
static int json_label(const char *text, long *label, struct err *err)
{
	json_t *all = ts_parse_json(text, strlen(text), err), *v = json_object_get(all, "label");
	const json_int_t n = json_integer_value(v);
	const bool good = json_is_integer(v) && n >= -1 && n <= INT32_MAX;

	if (!all && err->memory)
		return -1;
	json_decref(all);
	*label = good ? (long)n : -1;
	return good ? 0 : err_fail(err, "'" ERR_NAME "' is JSON without a whole number 'label', -1 or more", text);
}

/* Parses a label that is a word: a whole number, also written as 3.0. 1; 0: not a number; -1: not the number of a
 * class. */
static int word_label(const char *word, long *label, struct err *err)
{
	char *end;
	const double v = strtod(word, &end);

	if (end == word || *end)
		return 0;
	if (!(v >= -1 && v <= INT32_MAX) || v != floor(v))
		return err_fail(err, "label '" ERR_NAME "' is not a class: classes are integers from 0, or -1 for none",
				word);
	*label = (long)v;
	return 1;
}

/* Cuts the label off the line; -1: there is none. A path with blanks in it has no label, if a file of that name
 * exists. */
static int split_label(const char *root, char *line, long *label, struct err *err)
{
	char path[8192], *cut, *word;
	int rc;

	trim(line);
	*label = -1;
	if (!(cut = label_of(line)))
		return 0;
	word = cut + 1;
	rc = *word == '{' ? json_label(word, label, err) < 0 ? -1 : 1 : word_label(word, label, err);
	snprintf(path, sizeof path, "%s/%s", root, line);
	if (rc < 0)
		return access(path, R_OK) == 0 ? (*label = -1, 0) : -1;
	if (rc == 0) { /* a path, or a word where a label belongs? */
		snprintf(path, sizeof path, "%s/%.*s", root, (int)(cut - line < 4000 ? cut - line : 4000), line);
		return access(path, R_OK) == 0 ? err_fail(err, "label '" ERR_NAME "' is not a number", word) : 0;
	}
	*cut = '\0';
	trim(line);
	return 0;
}

/* Files that a list names but that do not exist. */
struct missing {
	size_t n;
	char first[4096];
};

/* Where an absolute path goes on behind this folder; NULL: it leads elsewhere. */
static char *behind(const char *folder, char *line)
{
	size_t n = strlen(folder);

	while (n > 0 && folder[n - 1] == '/')
		n--;
	return strncmp(line, folder, n) == 0 && line[n] == '/' ? line + n + strspn(line + n, "/") : NULL;
}

/* Where the path inside the root begins; NULL: it is absolute and leads elsewhere. real: the root's absolute path, or
 * NULL; the root may be relative, or a link. */
static char *inside(const char *root, const char *real, char *line)
{
	char *at = line[0] == '/' ? behind(root, line) : line;

	return at || !real ? at : behind(real, line);
}

static int add_line(struct ds_source *s, const char *real, char *text, struct missing *m, struct err *err)
{
	const char *root = s->operands[0].path;
	char *line = inside(root, real, text), path[8192];
	struct stat st;
	long label;

	if (!line)
		return err_fail(err, "'" ERR_NAME "' is not a path inside '%s'; --root / takes them from anywhere",
				text, root);
	if (split_label(root, line, &label, err) < 0)
		return -1;
	if (!*line || strlen(line) > 4000)
		return err_fail(err, "'" ERR_NAME "' is not the path of a file", text);
	snprintf(path, sizeof path, "%s/%s", root, line);
	if (access(path, R_OK) < 0) {
		if (!m->n++)
			snprintf(m->first, sizeof m->first, "%s", line);
		return 0;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_fail(err, "'%s' is a %s, not a file", line,
				S_ISDIR(st.st_mode) ? "folder" : "FIFO, a socket or a device");
	ds_listing_file(s, line);
	return ds_add_row(s, NULL, 0, NULL, label, err);
}

static int add_lines(struct ds_source *s, char *text, struct missing *m, struct err *err)
{
	char *real = realpath(s->operands[0].path, NULL), *line;
	struct ds_text t = { text };
	int rc = 0;

	for (size_t n = 1; rc == 0 && (line = ds_text_line(&t)) != NULL; n++)
		if (line[strspn(line, " \t\r")] && add_line(s, real, line, m, err) < 0)
			rc = err_prefix(err, "line %zu: ", n);
	free(real);
	return rc;
}

int ds_list_read(struct ds_source *s, struct err *err)
{
	struct ds_bytes b = { 0 };
	struct missing m = { 0 };
	char *text = NULL;
	int rc = -1;

	s->operands[0].folder = true;
	s->listing = (struct ds_listing){ .operand = 0, .layout = DS_LAYOUT_images };
	if (ds_bytes_load(s->o.list, &b, DS_MAX_TEXT, err) == 0 && (text = ds_text_copy(&b, err)))
		rc = add_lines(s, text, &m, err);
	if (rc < 0)
		err_prefix(err, "'%s': ", s->o.list);
	else if (m.n)
		rc = err_fail(err,
			      "'%s' lists '%s', which is not in '%s'; of its %zu files "
			      "%zu are missing (a line is a path, a blank and a label; --root says where paths begin)",
			      s->o.list, m.first, s->operands[0].path, m.n + s->n, m.n);
	free(text);
	ds_bytes_release(&b);
	return rc;
}
