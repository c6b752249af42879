/* SPDX-License-Identifier: MIT
 * Names of rows are unique: labels and scores are looked up by name, and would go to another row of the same name. An
 * archive may hold a name twice (tar -r), and so may a list. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ds/ds_internal.h"

/* A row and the hash of its name: 16 bytes each, where a table of names would take 100. */
struct mark {
	uint64_t hash;
	size_t row;
};

static int by_hash(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Reports two rows of the same name. */
static int twice(struct ds_source *s, size_t a, size_t b, const char *name, struct err *err)
{
	const struct ds_operand *o = &s->operands[s->files[s->rows[b].file].operand];

	if (!s->o.list)
		return err_fail(err, "'%s': '%s' appears twice, as image %zu and as image %zu", o->path, name, a, b);
	if (s->rows[a].label == s->rows[b].label || s->rows[a].label < 0 || s->rows[b].label < 0)
		return ds_add_note(s, err, "'%s' lists '%s' more than once", s->o.list, name);
	return err_fail(err, "'%s' lists '%s' twice, with label %d and with label %d", s->o.list, name,
			(int)s->rows[a].label, (int)s->rows[b].label);
}

static int compare(struct ds_source *s, const struct mark *marks, struct err *err)
{
	char a[DS_NAME], b[DS_NAME];
	bool said = false;

	for (size_t i = 1; i < s->n; i++) {
		const char *x, *y;

		if (marks[i].hash != marks[i - 1].hash ||
		    (said && s->rows[marks[i].row].label == s->rows[marks[i - 1].row].label))
			continue;
		x = ds_row_name(s, &s->rows[marks[i - 1].row], a);
		y = ds_row_name(s, &s->rows[marks[i].row], b);
		if (strcmp(x, y) != 0)
			continue;
		if (twice(s, marks[i - 1].row, marks[i].row, y, err) < 0)
			return -1;
		said = true;
	}
	return 0;
}

int ds_check_names(struct ds_source *s, struct err *err)
{
	struct mark *marks = malloc((s->n + 1) * sizeof *marks);
	char buf[DS_NAME];
	int rc;

	if (!marks)
		return err_memory(err);
	for (size_t i = 0; i < s->n; i++) {
		const char *name = ds_row_name(s, &s->rows[i], buf);

		marks[i] = (struct mark){ XXH3_64bits(name, strlen(name)), i };
	}
	qsort(marks, s->n, sizeof *marks, by_hash);
	rc = compare(s, marks, err);
	free(marks);
	return rc;
}
