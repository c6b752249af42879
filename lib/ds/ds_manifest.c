/* SPDX-License-Identifier: MIT
 * Manifests are compared line by line, in order: training on the same rows in another order is training on another
 * data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ds/ds_manifest.h"
#include "ts/ts_utf8.h"

struct ds_manifest {
	char *path, *text;
	struct ds_text t;
	char *line; /* the next one, or NULL */
	size_t n;   /* rows found equal */
};

char *ds_manifest_line(const struct ds_row *row, struct err *err)
{
	static const char escaped[] = "\t\n\r\\", letters[] = "tnr\\";
	char *line = malloc(4 * strlen(row->name) + 100), *to = line;
	const char *e, *good = row->name;

	if (!line) {
		err_memory(err);
		return NULL;
	}
	good += ts_utf8_span(good);
	for (const char *p = row->name; *p; p++) {
		const unsigned char c = (unsigned char)*p;

		if ((e = strchr(escaped, *p)) != NULL) {
			*to++ = '\\';
			*to++ = letters[e - escaped];
		} else if (c < 32 || c == 127 || p == good || (c == 0xc2 && (unsigned char)p[1] < 0xa0) ||
			   (p > row->name && (unsigned char)p[-1] == 0xc2 && c >= 0x80 && c < 0xa0))
			to += snprintf(to, 5, "\\x%02x", c);
		else
			*to++ = *p;
		if (p == good)
			good += 1 + ts_utf8_span(good + 1);
	}
	snprintf(to, 100, "\t%lld\t%llu\t%016llx\n", (long long)row->label, (unsigned long long)row->bytes,
		 (unsigned long long)row->hash);
	return line;
}

struct ds_manifest *ds_manifest_open(const char *path, struct err *err)
{
	struct ds_manifest *m = calloc(1, sizeof *m);
	struct ds_bytes b = { 0 };
	const char *head;

	if (!m || !(m->path = strdup(path))) {
		err_memory(err);
		goto fail;
	}
	if (ds_bytes_load(path, &b, DS_MAX_FILE, err) < 0)
		goto fail;
	if (!(m->text = ds_text_copy(&b, err)))
		goto fail;
	ds_bytes_release(&b);
	m->t.rest = m->text;
	head = ds_text_line(&m->t);
	m->line = ds_text_line(&m->t);
	if (head && strcmp(head, "path\tlabel\tbytes\txxh3") == 0)
		return m;
	err_fail(err, "not a manifest (ds-pack --manifest writes one)");
fail:
	err_prefix(err, "'%s': ", path);
	ds_bytes_release(&b);
	ds_manifest_close(m);
	return NULL;
}

void ds_manifest_close(struct ds_manifest *m)
{
	if (!m)
		return;
	free(m->path);
	free(m->text);
	free(m);
}

/* Reports the first field in which two lines differ. Returns -1. */
static int differ(struct ds_manifest *m, char *is, char *was, struct err *err)
{
	static const char *const fields[] = { "path", "label", "size", "content" };
	char *a = NULL;

	for (int i = 0; i < 4; i++) {
		char *x = strsep(&is, "\t"), *y = strsep(&was, "\t");

		if (i == 0 && x && y && strcmp(x, y) != 0)
			return err_fail(err, "row %zu is '%s', but '%s' has '%s' there", m->n, x, m->path, y);
		a = i == 0 ? x : a;
		if (!x || !y || strcmp(x, y) != 0)
			return err_fail(err, "'%s' is of another %s than '%s' says: %s, not %s", a, fields[i], m->path,
					x ? x : "none", y ? y : "none");
	}
	return err_fail(err, "'%s': row %zu has too many fields", m->path, m->n);
}

int ds_manifest_check(struct ds_manifest *m, const struct ds_row *row, struct err *err)
{
	char *line = ds_manifest_line(row, err);
	int rc = 0;

	if (!line)
		return -1;
	line[strlen(line) - 1] = '\0';
	if (!m->line)
		rc = err_fail(err, "'%s' is row %zu, but '%s' has no more than %zu", row->name, m->n, m->path, m->n);
	else if (strcmp(line, m->line) != 0)
		rc = differ(m, line, m->line, err);
	else {
		m->n++;
		m->line = ds_text_line(&m->t);
	}
	free(line);
	return rc;
}

int ds_manifest_end(const struct ds_manifest *m, struct err *err)
{
	if (!m->line)
		return 0;
	return err_fail(err, "there are %zu rows, but '%s' has more; the next is '%.*s'", m->n, m->path,
			(int)strcspn(m->line, "\t"), m->line);
}
