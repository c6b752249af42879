/* SPDX-License-Identifier: MIT
 * Lists of images as OpenOOD writes them: a line is a path, a space and the number of a class (or
 * -1); a path alone has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/ds_internal.h"

/* Cuts the label off the line; true if there is one. */
static bool split_label(char *line, long *label)
{
	char *space = strrchr(line, ' '), *tab = strrchr(line, '\t');
	char *cut = !space || (tab && tab > space) ? tab : space;

	*label = -1;
	if (!cut || !ds_number(cut + 1, -1, INT32_MAX, label))
		return false;
	while (cut > line && (cut[-1] == ' ' || cut[-1] == '\t'))
		cut--;
	*cut = '\0';
	return true;
}

static int add_line(struct ds_source *s, char *line, size_t *missing, char *first, size_t len, struct err *err)
{
	const char *root = s->operands[0].path;
	char path[8192];
	long label;

	split_label(line, &label);
	if (!*line || line[0] == '/' || strlen(line) > 4000) {
		return err_fail(err, "'%s' is not a path inside the root folder", line);
	}
	snprintf(path, sizeof path, "%.4000s/%s", root, line);
	if (access(path, R_OK) < 0) {
		if (!(*missing)++)
			snprintf(first, len, "%s", line);
		return 0;
	}
	s->path = line;
	s->have_file = false;
	err_memory(err);
	return ds_add_row(s, NULL, 0, NULL, label);
}

int ds_list_read(struct ds_source *s, struct err *err)
{
	struct ds_bytes b = { 0 };
	struct ds_text t = { NULL };
	char first[4096] = "", *copy = NULL, *line;
	struct err why = { 0 };
	size_t n = 0, missing = 0;
	int rc = ds_bytes_load(s->o.list, &b, DS_MAX_TEXT, &why);

	s->operands[0].folder = true;
	s->layout = 0;                        /* images */
	if (rc == 0 && !(copy = t.rest = ds_text_copy(&b))) {
		err_memory(&why);
		rc = -1;
	}
	while (rc == 0 && (line = ds_text_line(&t)) != NULL) {
		n++;
		if (*line && (rc = add_line(s, line, &missing, first, sizeof first, &why)) < 0) {
			err_fail(err, "'%s': line %zu: %s", s->o.list, n, why.text);
			goto out;
		}
	}
	if (rc < 0)
		err_fail(err, "'%s': %s", s->o.list, why.text);
	else if (missing) {
		err_fail(err, "'%s' lists '%s', which is not in '%s'; of its %zu files "
			 "%zu are missing (--root says where they begin)", s->o.list, first,
			 s->operands[0].path, missing + s->n, missing);
		rc = -1;
	}
out:
	free(copy);
	ds_bytes_release(&b);
	return rc;
}
