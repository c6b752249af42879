/* SPDX-License-Identifier: MIT
 * The footer of a Parquet file: which columns there are, and where their pages are.
 *
 *	"PAR1", pages, FileMetaData, its length (u32, little-endian), "PAR1"
 *
 * FileMetaData and its parts are Thrift structs; the field numbers are those of parquet.thrift. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parquet/parquet_internal.h"

enum { MAX_FOOTER = 1 << 28, DEPTH = 16, MAX_PATH = 1024 };

bool parquet_is(const void *head, size_t n)
{
	return n >= PARQUET_MAGIC &&
	       (memcmp(head, "PAR1", PARQUET_MAGIC) == 0 || memcmp(head, "PARE", PARQUET_MAGIC) == 0);
}

/* ---- the schema: a tree, each node before its children ---- */

struct element {
	int type, repetition; /* of a leaf; 0 required, 1 optional, 2 repeated */
	int meaning;
	int64_t length, children; /* length: bytes of PARQUET_FIXED */
	char name[256];
};

static char *copy_text(const unsigned char *p, size_t n)
{
	return strndup((const char *)p, n);
}

/* Of parquet.thrift's ConvertedType. */
static int meaning_of(int64_t converted)
{
	return converted == 0                     ? PARQUET_TEXT :
	       converted == 5                     ? PARQUET_DECIMAL :
	       converted >= 6 && converted <= 10  ? PARQUET_TIME :
	       converted >= 11 && converted <= 14 ? PARQUET_UNSIGNED :
						    PARQUET_ITSELF;
}

/* The newer LogicalType, a union, says some things that have no older form: times in nanoseconds, half floats. */
static int logical_of(struct thrift *t, const struct thrift_field *f, int meaning)
{
	struct thrift_field member = { 0 };

	thrift_struct(t, f);
	while (thrift_next(t, &member)) {
		if (member.id == 1)
			meaning = PARQUET_TEXT;
		else if (member.id >= 5 && member.id <= 8)
			meaning = member.id == 5 ? PARQUET_DECIMAL : PARQUET_TIME;
		else if (member.id == 15)
			meaning = PARQUET_HALF;
		thrift_skip(t, &member);
	}
	return meaning;
}

static void read_element(struct thrift *t, struct element *e)
{
	struct thrift_field f = { 0 };
	const unsigned char *p;
	size_t n;

	*e = (struct element){ .type = -1 };
	while (thrift_next(t, &f))
		switch (f.id) {
		case 1: e->type = (int)thrift_int(t, &f); break;
		case 2: e->length = thrift_int(t, &f); break;
		case 3: e->repetition = (int)thrift_int(t, &f); break;
		case 4:
			p = thrift_binary(t, &f, &n);
			snprintf(e->name, sizeof e->name, "%.*s", (int)(n < 255 ? n : 255), (const char *)p);
			break;
		case 5: e->children = thrift_int(t, &f); break;
		case 6: e->meaning = meaning_of(thrift_int(t, &f)); break;
		case 10: e->meaning = logical_of(t, &f, e->meaning); break;
		default: thrift_skip(t, &f);
		}
}

/* The state of the walk over the tree: how many elements are left in the list, and what is known from the nodes
 * above. */
struct walk {
	struct thrift *t;
	size_t left;
	struct parquet *p;
};

static int add_column(struct parquet *p, const struct element *e, const char *path, struct parquet_column from,
		      struct err *err)
{
	struct parquet_column *grown = realloc(p->columns, (p->n_columns + 1) * sizeof *grown);

	if (!grown)
		return err_memory(err);
	p->columns = grown;
	from.type = e->type;
	from.meaning = e->meaning;
	if (e->meaning == PARQUET_HALF && (e->type != PARQUET_FIXED || e->length != 2))
		from.meaning = PARQUET_ITSELF;
	if (!(from.path = strdup(path)))
		return err_memory(err);
	grown[p->n_columns++] = from;
	return 0;
}

/* Reads the next element and its children. `from`: how many optional and repeated names its parents have. */
static int read_tree(struct walk *w, const char *above, struct parquet_column from, int depth, struct err *err)
{
	char path[MAX_PATH];
	struct element e;

	if (depth == DEPTH || w->left == 0)
		return err_fail(err, "damaged Parquet file: its schema is not a tree, or too deep");
	w->left--;
	read_element(w->t, &e);
	if (w->t->bad)
		return err_fail(err, "damaged Parquet file: its schema");
	if (depth == 1)
		from.first = strlen(e.name);
	from.depth = depth;
	if (depth > 0) {
		from.optional += e.repetition == 1;
		from.repeated += e.repetition == 2;
	}
	/* The root's name is not part of a path. */
	if (snprintf(path, sizeof path, "%s%s%s", above, *above ? "." : "", depth > 0 ? e.name : "") >=
	    (int)sizeof path)
		return err_fail(err, "a column's path of more than %d bytes", MAX_PATH - 1);
	if (e.children == 0)
		return depth > 0 ? add_column(w->p, &e, path, from, err) : 0;
	for (int64_t i = 0; i < e.children; i++)
		if (read_tree(w, path, from, depth + 1, err) < 0)
			return -1;
	return 0;
}

static int read_schema(struct parquet *p, struct thrift *t, struct thrift_field *f, struct err *err)
{
	struct walk w = { t, thrift_list(t, f), p };

	thrift_struct(t, f);
	if (t->bad || p->columns)
		return err_fail(err, "damaged Parquet file: its schema");
	if (read_tree(&w, "", (struct parquet_column){ 0 }, 0, err) < 0)
		return -1;
	return w.left ? err_fail(err, "damaged Parquet file: its schema is not a tree") : 0;
}

/* ---- groups of rows ---- */

static void read_chunk_meta(struct thrift *t, struct parquet_chunk *k)
{
	struct thrift_field f = { 0 };

	while (thrift_next(t, &f))
		switch (f.id) {
		case 4: k->codec = (int)thrift_int(t, &f); break;
		case 5: k->values = thrift_int(t, &f); break;
		case 7: k->bytes = thrift_int(t, &f); break;
		case 9: k->data = thrift_int(t, &f); break;
		case 11: k->dictionary = thrift_int(t, &f); break;
		default: thrift_skip(t, &f);
		}
}

static void read_chunk(struct thrift *t, struct parquet_chunk *k)
{
	struct thrift_field f = { 0 };

	while (thrift_next(t, &f))
		if (f.id == 3 && f.type == THRIFT_STRUCT) {
			read_chunk_meta(t, k);
		} else {
			k->elsewhere |= f.id == 1;
			thrift_skip(t, &f);
		}
}

static int read_chunks(struct parquet *p, struct parquet_group *g, struct thrift *t, struct thrift_field *f,
		       struct err *err)
{
	const size_t n = thrift_list(t, f);

	thrift_struct(t, f);
	if (t->bad || n != p->n_columns || g->chunks)
		return err_fail(err, "damaged Parquet file: a group of %zu columns, where the schema has %zu", n,
				p->n_columns);
	if (!(g->chunks = calloc(n + 1, sizeof *g->chunks)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		read_chunk(t, &g->chunks[i]);
	return 0;
}

static int read_group(struct parquet *p, struct parquet_group *g, struct thrift *t, struct err *err)
{
	struct thrift_field f = { 0 };

	while (thrift_next(t, &f))
		if (f.id == 3)
			g->rows = thrift_int(t, &f);
		else if (f.id != 1)
			thrift_skip(t, &f);
		else if (read_chunks(p, g, t, &f, err) < 0)
			return -1;
	if (t->bad || !g->chunks || g->rows < 0)
		return err_fail(err, "damaged Parquet file: a group of rows");
	return 0;
}

static int read_groups(struct parquet *p, struct thrift *t, struct thrift_field *f, struct err *err)
{
	const size_t n = thrift_list(t, f);

	/* Chunks are matched to the schema's columns, so the schema must come first. */
	if (t->bad || p->groups || !p->columns || (n && f->type != THRIFT_STRUCT))
		return err_fail(err, "damaged Parquet file: its groups of rows");
	if (!(p->groups = calloc(n + 1, sizeof *p->groups)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++) {
		p->n_groups++;
		if (read_group(p, &p->groups[i], t, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the rest of the footer ---- */

static int read_meta(struct parquet_meta *m, struct thrift *t, struct err *err)
{
	struct thrift_field f = { 0 };
	const unsigned char *s;
	size_t n;

	while (thrift_next(t, &f)) {
		char **to = f.id == 1 ? &m->key : &m->value;

		if (f.id > 2 || *to) {
			thrift_skip(t, &f);
			continue;
		}
		s = thrift_binary(t, &f, &n);
		if (!t->bad && !(*to = copy_text(s, n)))
			return err_memory(err);
	}
	return 0;
}

static int read_metas(struct parquet *p, struct thrift *t, struct thrift_field *f, struct err *err)
{
	const size_t n = thrift_list(t, f);

	if (t->bad || p->metas || (n && f->type != THRIFT_STRUCT))
		return err_fail(err, "damaged Parquet file: its metadata");
	if (!(p->metas = calloc(n + 1, sizeof *p->metas)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++) {
		p->n_metas++;
		if (read_meta(&p->metas[i], t, err) < 0)
			return -1;
	}
	return 0;
}

static int read_field(struct parquet *p, struct thrift *t, struct thrift_field *f, struct err *err)
{
	switch (f->id) {
	case 2: return read_schema(p, t, f, err);
	case 3: p->rows = thrift_int(t, f); return 0;
	case 4: return read_groups(p, t, f, err);
	case 5: return read_metas(p, t, f, err);
	default: thrift_skip(t, f); return 0;
	}
}

/* Reading a list changes f's type to that of its elements, so each field is read through a copy. */
static int read_footer(struct parquet *p, const unsigned char *b, size_t n, struct err *err)
{
	struct thrift t = { b, b + n, false };
	struct thrift_field f = { 0 };
	int64_t rows = 0;

	while (thrift_next(&t, &f)) {
		struct thrift_field copy = f;

		if (read_field(p, &t, &copy, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].rows > INT64_MAX - rows)
			t.bad = true;
		else
			rows += p->groups[i].rows;
	if (t.bad || !p->columns || !p->groups || rows != p->rows)
		return err_fail(err, "damaged Parquet file: its footer");
	return 0;
}

static int load_footer(struct parquet *p, struct err *err)
{
	const struct parquet_from *from = &p->from;
	unsigned char tail[PARQUET_TAIL], *b;
	uint32_t n;
	int rc;

	if (from->size < PARQUET_MAGIC + PARQUET_TAIL)
		return err_fail(err, "no whole Parquet file: it has %llu bytes", (unsigned long long)from->size);
	if (from->read(from->ctx, from->size - PARQUET_TAIL, tail, PARQUET_TAIL, err) < 0)
		return -1;
	if (memcmp(tail + 4, "PARE", PARQUET_MAGIC) == 0)
		return err_fail(err, "an encrypted Parquet file, which is not read");
	if (memcmp(tail + 4, "PAR1", PARQUET_MAGIC) != 0)
		return err_fail(err, "a Parquet file that is cut off: its end is not there");
	n = parquet_u32(tail);
	if (n > MAX_FOOTER || n > from->size - PARQUET_MAGIC - PARQUET_TAIL)
		return err_fail(err, "damaged Parquet file: a footer of %u bytes", n);
	if (!(b = malloc(n + 1)))
		return err_memory(err);
	rc = from->read(from->ctx, from->size - PARQUET_TAIL - n, b, n, err);
	if (rc == 0)
		rc = read_footer(p, b, n, err);
	free(b);
	return rc;
}

struct parquet *parquet_open(const struct parquet_from *from, struct err *err)
{
	struct parquet *p = calloc(1, sizeof *p);

	if (!p) {
		err_memory(err);
		return NULL;
	}
	p->from = *from;
	if (load_footer(p, err) == 0)
		return p;
	parquet_close(p);
	return NULL;
}

void parquet_close(struct parquet *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_columns; i++)
		free(p->columns[i].path);
	for (size_t i = 0; i < p->n_groups; i++)
		free(p->groups[i].chunks);
	for (size_t i = 0; i < p->n_metas; i++) {
		free(p->metas[i].key);
		free(p->metas[i].value);
	}
	free(p->columns);
	free(p->groups);
	free(p->metas);
	free(p);
}

uint64_t parquet_rows(const struct parquet *p)
{
	return (uint64_t)p->rows;
}

size_t parquet_columns(const struct parquet *p)
{
	return p->n_columns;
}

const struct parquet_column *parquet_column(const struct parquet *p, size_t i)
{
	return &p->columns[i];
}

long parquet_find(const struct parquet *p, const char *path)
{
	for (size_t i = 0; i < p->n_columns; i++)
		if (strcmp(p->columns[i].path, path) == 0)
			return (long)i;
	return -1;
}

const char *parquet_meta(const struct parquet *p, const char *key)
{
	for (size_t i = 0; i < p->n_metas; i++)
		if (p->metas[i].key && strcmp(p->metas[i].key, key) == 0)
			return p->metas[i].value;
	return NULL;
}
