/* SPDX-License-Identifier: MIT
 * Lists of images as OpenOOD writes them: a line is a path, a space and the number of a class (or
 * -1); a path alone has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds_internal.h"

/* Cuts the label off the line; -1: there is none. */
static void split_label(char *line, long *label)
{
	char *space = strrchr(line, ' '), *tab = strrchr(line, '\t');
	char *cut = !space || (tab && tab > space) ? tab : space;

	*label = -1;
	if (!cut || !ds_number(cut + 1, -1, INT32_MAX, label))
		return;
	while (cut > line && (cut[-1] == ' ' || cut[-1] == '\t'))
		cut--;
	*cut = '\0';
}

/* Files that a list names and that are not there. */
struct missing {
	size_t n;
	char first[4096];
};

static int add_line(struct ds_source *s, char *line, struct missing *m, struct err *err)
{
	const char *root = s->operands[0].path;
	char path[8192];
	struct stat st;
	long label;

	split_label(line, &label);
	if (!*line || line[0] == '/' || strlen(line) > 4000)
		return err_fail(err, "'%s' is not a path inside the root folder", line);
	snprintf(path, sizeof path, "%.4000s/%s", root, line);
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
	struct ds_text t = { text };
	char *line;

	for (size_t n = 1; (line = ds_text_line(&t)) != NULL; n++)
		if (*line && add_line(s, line, m, err) < 0)
			return err_prefix(err, "line %zu: ", n);
	return 0;
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
			      "%zu are missing (--root says where they begin)",
			      s->o.list, m.first, s->operands[0].path, m.n + s->n, m.n);
	free(text);
	ds_bytes_release(&b);
	return rc;
}
