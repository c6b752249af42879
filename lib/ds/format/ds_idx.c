/* SPDX-License-Identifier: MIT
 * IDX, the format of MNIST and its relatives: two zero bytes, a type, the number of dimensions, the dimensions (4 bytes
 * each, big-endian), then data. Images are in one file, labels in another; two files of one operand are a pair if their
 * names are equal up to "images" or "labels". The rest of the path, without the words for splits, names the set: labels
 * of emnist-letters-train and emnist-letters-test mean the same, those of emnist-digits-test do not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/format/ds_pair.h"

enum { UBYTE = 0x08, FLOAT = 0x0d }; /* types; 0x09 to 0x0c are signed integers, 0x0e is double */

struct head {
	int type, ndim;
	size_t dim[4], size, data; /* bytes of an element; where data begins */
};

/* train-labels-idx1-ubyte.gz, t10k-images.idx3-ubyte. The name is enough: an empty file of labels, if it were ignored,
 * would leave its images without labels. */
static bool named(const char *path)
{
	const char *p = strstr(ds_base(path), "idx");
	const size_t n = p ? strspn(p + 3, "1234") : 0;

	return n == 1 && p > ds_base(path) && strchr("-.", p[-1]) && p[4] == '-' &&
	       (strstr(p, "byte") || strstr(p, "-int") || strstr(p, "-float"));
}

static bool starts(const unsigned char *p, size_t n)
{
	return n >= 8 && p[0] == 0 && p[1] == 0 && p[2] >= 8 && p[2] <= 14 && p[2] != 10 && p[3] >= 1 && p[3] <= 4;
}

/* Reads the header and checks that the file has the length that it declares. */
static int read_head(const struct ds_bytes *b, struct head *h, struct err *err)
{
	static const unsigned char sizes[] = { 1, 1, 0, 2, 4, 4, 8 };
	size_t bytes;

	if (!starts(b->p, b->n))
		return err_fail(err, "is named like an IDX file, but does not begin like one: cut off, or damaged");
	*h = (struct head){ .type = b->p[2], .ndim = b->p[3], .size = sizes[b->p[2] - 8] };
	h->data = 4 + 4 * (size_t)h->ndim;
	bytes = h->size;
	for (int i = 0; i < h->ndim && b->n >= h->data; i++) {
		const unsigned char *p = b->p + 4 + 4 * i;

		h->dim[i] = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		if (__builtin_mul_overflow(bytes, h->dim[i], &bytes))
			return err_fail(err, "IDX file of impossible size");
	}
	if (b->n >= h->data && b->n - h->data == bytes)
		return 0;
	return err_fail(err, "IDX file of %zu bytes, but its header says %zu: cut off, or damaged", b->n,
			h->data + bytes);
}

/* How much of the path identifies the set: up to "images" or "labels" in its last component, or all. */
static size_t key_length(const char *path)
{
	const char *base = ds_base(path), *end = strstr(base, "images");

	if (!end)
		end = strstr(base, "labels");
	return end ? (size_t)(end - path) : strlen(path);
}

static const char *split_of(const char *path)
{
	const char *base = ds_base(path);

	return strstr(base, "train") ? "train" : strstr(base, "t10k") || strstr(base, "test") ? "test" : NULL;
}

/* Labels: one number per row, or the first of several (QMNIST). */
static int read_labels(const struct ds_bytes *b, const struct head *h, struct ds_part *x, struct err *err)
{
	size_t step = h->ndim == 2 ? h->dim[1] : 1;

	x->n = h->dim[0];
	if (h->ndim > 2 || step == 0 || (h->size != 1 && h->size != 4) || h->type == FLOAT)
		return err_fail(err, "IDX file of neither images nor labels");
	if (!(x->label = malloc((x->n + 1) * sizeof *x->label)))
		return err_memory(err);
	for (size_t i = 0; i < x->n; i++) {
		const unsigned char *p = b->p + h->data + i * step * h->size;

		x->label[i] =
			h->size == 1 ?
				p[0] :
				(int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
	}
	return 0;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const struct ds_bytes *b;
	struct head h;
	struct ds_part *x;

	if (!ds_in_split(s, in->path, split_of(in->path)))
		return 1;
	if (!(b = ds_in_content(in, DS_MAX_FILE, err)) || read_head(b, &h, err) < 0)
		return -1;
	if (h.ndim >= 3 && !ds_wanted(s))
		return 0;
	if (!(x = ds_part_add(s, DS_LAYOUT_idx, in, "", err)))
		return -1;
	if (h.ndim < 3)
		return read_labels(b, &h, x, err) < 0 ? -1 : 1;
	if (h.type != UBYTE || h.ndim != 3 || h.dim[1] == 0 || h.dim[2] == 0 || h.dim[1] > DS_MAX_SIDE ||
	    h.dim[2] > DS_MAX_SIDE)
		return err_fail(err, "IDX file that does not hold 8-bit gray images");
	x->row = s->n;
	x->n = x->of = h.dim[0];
	for (size_t i = 0; i < x->n; i++)
		if (ds_add_row(s, NULL, i, NULL, -1, err) < 0)
			return -1;
	return 1;
}

/* For a file of images that is an operand by itself, reads the labels from the file beside it: train-images-idx3-ubyte,
 * train-labels-idx1-ubyte; either may be gzipped. 1 found, 0, -1. */
static int read_beside(struct ds_source *s, const struct ds_part *images, struct ds_part *x, struct err *err)
{
	const char *at = strstr(ds_base(images->real), "images"), *rest = at ? at + 6 : NULL;
	char path[8192], *idx3;
	struct ds_in in = { 0 };
	const struct ds_bytes *b;
	struct head h;
	int rc = 0;

	if (!at || !s->operands[images->operand].plain)
		return 0;
	snprintf(path, sizeof path, "%.*slabels%s", (int)(at - images->real), images->real, rest);
	if ((idx3 = strstr(path + (ds_base(path) - path), "idx3")) != NULL)
		idx3[3] = '1';
	if (access(path, R_OK) < 0 && strlen(path) > 3 && strcmp(path + strlen(path) - 3, ".gz") == 0)
		path[strlen(path) - 3] = '\0';
	else if (access(path, R_OK) < 0)
		snprintf(path + strlen(path), sizeof path - strlen(path), ".gz");
	if (access(path, R_OK) < 0)
		return 0;
	if (!(x->path = strdup(path)))
		return err_memory(err);
	ds_in_begin(&in, NULL, path, path);
	rc = (b = ds_in_content(&in, DS_MAX_FILE, err)) && read_head(b, &h, err) == 0 &&
			     read_labels(b, &h, x, err) == 0 ?
		     1 :
		     err_prefix(err, "'%s': ", path);
	ds_in_release(&in);
	return rc;
}

/* The set that the images belong to: their path, up to "images". NULL: out of memory. */
static char *set_of(const struct ds_source *s, const struct ds_part *x)
{
	const struct ds_operand *o = &s->operands[x->operand];
	const size_t key = key_length(x->path), prefix = strlen(o->prefix);
	const ptrdiff_t base = ds_base(x->path) - x->path;
	char *set = NULL;
	int rc;

	if (o->plain) /* the path is that of the file */
		rc = asprintf(&set, "%.*s", (int)(ds_base(o->path) - o->path + (ptrdiff_t)key - base), o->path);
	else
		rc = asprintf(&set, "%s/%.*s", o->path, (int)(key - prefix), x->path + prefix);
	return rc < 0 ? NULL : set;
}

static bool is_pair(const struct ds_part *a, const struct ds_part *b)
{
	const size_t key = key_length(a->path);

	return a->operand == b->operand && key == key_length(b->path) && strncmp(a->path, b->path, key) == 0;
}

/* *labels: the labels of these images, or NULL. If there are two such files, the one that --files wants. -1 with err:
 * it wants both, or the labels belong to other images as well. */
static int find_labels(const struct ds_part *all, const struct ds_part *images, const struct ds_part **labels,
		       struct err *err)
{
	const struct ds_part *other = NULL;

	*labels = NULL;
	for (const struct ds_part *l = all; l; l = l->next) {
		if (l == images || !is_pair(l, images))
			continue;
		if (!l->label)
			return err_fail(err,
					"'%s' and '%s' would have the same labels; choose one with --files PATTERN",
					l->path, images->path);
		if (*labels && (*labels)->wanted == l->wanted)
			other = l;
		else if (!*labels || l->wanted)
			*labels = l;
	}
	if (other && other->wanted == (*labels)->wanted)
		return err_fail(err,
				"'%s' and '%s' are both labels of '%s'; --files PATTERN takes the files that match it",
				other->path, (*labels)->path, images->path);
	return 0;
}

static int finish(struct ds_source *s, struct err *err)
{
	const struct ds_part *all = *ds_state(s, DS_LAYOUT_idx), *l;

	if (all && s->n == 0 && !s->o.split)
		return ds_pass(s, all->path, "holds labels only; the images are in another file");
	for (const struct ds_part *x = all; x; x = x->next) {
		struct ds_part beside = { 0 };
		int rc;

		if (x->label)
			continue;
		if (find_labels(all, x, &l, err) < 0)
			return -1;
		rc = l ? 1 : x->real ? read_beside(s, x, &beside, err) : 0;
		if (rc == 1)
			rc = ds_part_label(s, x, l ? l : &beside, set_of(s, x), err);
		else if (rc == 0)
			ds_pass(s, x->path, "has no file of labels beside it");
		free(beside.path);
		free(beside.label);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* ---- reading ---- */

struct images {
	const unsigned char *p;
	size_t n, h, w;
	struct ds_bytes own;
};

static int load(struct ds_in *in, void **memo, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_FILE, err);
	struct images *m = *memo = calloc(1, sizeof *m);
	struct head h;

	if (!b || read_head(b, &h, err) < 0)
		return -1;
	if (!m)
		return err_memory(err);
	m->own = ds_in_detach(in);
	m->p = m->own.p + h.data;
	m->n = h.dim[0];
	m->h = h.dim[1];
	m->w = h.dim[2];
	return 0;
}

static int decode(const void *memo, size_t at, struct ds_pixels *p, struct err *err)
{
	const struct images *m = memo;
	const unsigned char *from;

	if (ds_pixels_row(p, at, m->n, m->h, m->w, err) < 0)
		return -1;
	from = m->p + at * m->h * m->w;
	for (size_t i = 0; i < m->h * m->w; i++)
		memset(p->rgb + 3 * i, from[i], 3);
	return 0;
}

static void forget(void *memo)
{
	struct images *m = memo;

	ds_bytes_release(&m->own);
	free(m);
}

const struct ds_layout ds_layout_idx = {
	.name = "idx",
	.what = "MNIST and its relatives: images and labels in IDX, gzipped or not",
	.named = named,
	.starts = starts,
	.annotates = true,
	.list = list,
	.finish = finish,
	.load = load,
	.decode = decode,
	.forget = forget,
	.drop = ds_parts_free,
};
