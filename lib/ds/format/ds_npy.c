/* SPDX-License-Identifier: MIT
 * Arrays of images as NumPy writes them: .npy files, (n,h,w,3), (n,3,h,w), (n,h,w,1) or (n,h,w) of bytes, and .npz
 * files of such arrays. Labels are another array, of n whole numbers, (n) or (n,1), which is matched to the images by
 * its name:
 *
 *	images, data, x    labels, targets, y     cifar10.1_v6_data.npy, cifar10.1_v6_labels.npy; x_train, y_train
 *	any                labels                 CIFAR-10-C/fog.npy, CIFAR-10-C/labels.npy
 *
 * The last kind is that of CIFAR-10-C and CIFAR-100-C, whose files hold five severities one after another: these are
 * their splits, 1 to 5. Other splits are part of the arrays' names (train_images of MedMNIST). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/format/ds_archive.h"
#include "ds/format/ds_array.h"
#include "ds/format/ds_pair.h"

enum { SEVERITIES = 5 };

struct images { /* of an array */
	const unsigned char *data;
	size_t n, h, w, c;
	bool planar;
};

static bool named(const char *path)
{
	return ds_ends_in(path, ".npy") || ds_ends_in(path, ".npz");
}

static bool starts(const unsigned char *p, size_t n)
{
	return (n >= 10 && memcmp(p, "\x93NUMPY", 6) == 0) || ds_is_npz(p, n);
}

static bool is_bytes(const struct ds_array *a)
{
	return strcmp(a->dtype, "u1") == 0 || strcmp(a->dtype, "|u1") == 0;
}

/* Is the array one of images? */
static bool images_of(const struct ds_array *a, struct images *m)
{
	if (!is_bytes(a) || a->fortran || a->ndim < 3)
		return false;
	*m = (struct images){ .data = a->data, .n = a->shape[0], .h = a->shape[1], .w = a->shape[2], .c = 1 };
	if (a->ndim == 4) {
		m->planar = a->shape[3] != 3 && a->shape[3] != 1 && (a->shape[1] == 3 || a->shape[1] == 1);
		m->c = a->shape[m->planar ? 1 : 3];
		m->h = a->shape[m->planar ? 2 : 1];
		m->w = a->shape[m->planar ? 3 : 2];
	}
	/* (h,w,3) is one picture, not h of w x 3. */
	if ((m->c != 3 && m->c != 1) || (a->ndim == 3 && m->w <= 4))
		return false;
	return m->h >= 1 && m->w >= 1 && m->h <= DS_MAX_SIDE && m->w <= DS_MAX_SIDE;
}

static bool is_whole(const struct ds_array *a)
{
	const char kind = !a->data ? '\0' : a->dtype[0] == 'u' || a->dtype[0] == 'i' ? a->dtype[0] : a->dtype[1];

	return kind == 'u' || kind == 'i';
}

/* A description of the array for a message: "|u1 (50000, 3072)". */
static const char *describe(const struct ds_array *a, char buf[160])
{
	int len = snprintf(buf, 160, "%s (", a->dtype);

	for (int i = 0; i < a->ndim && len < 140; i++)
		len += snprintf(buf + len, 160 - (size_t)len, "%s%zu", i ? ", " : "", a->shape[i]);
	snprintf(buf + len, 160 - (size_t)len, ")%s", a->fortran ? " in Fortran's order" : "");
	return buf;
}

/* ---- arrays of a file ---- */

/* Reads a whole array, or one whose elements are not numbers: its data is then NULL, as it is neither images nor
 * labels. */
static int read_array(const struct ds_bytes *b, struct ds_array *a, struct err *err)
{
	return ds_array_npy(b->p, b->n, a, err) < 0 && a->data ? -1 : 0;
}

/* Calls each() for the array of a .npy file, or for those of an .npz, with the member's name. -1 with err. */
static int each_array(const struct ds_bytes *b, void *ctx,
		      int (*each)(void *ctx, const char *member, const struct ds_array *a, struct err *err),
		      struct err *err)
{
	struct ds_bytes member = { 0 };
	struct ds_archive *z;
	struct ds_array a;
	enum ds_kind kind;
	const char *name;
	int rc;

	if (!ds_is_npz(b->p, b->n))
		return read_array(b, &a, err) < 0 ? -1 : each(ctx, "", &a, err);
	if (!(z = ds_archive_open_zip(b->p, b->n, "npz", err)))
		return -1;
	while ((rc = ds_archive_next(z, &name, &kind, err)) == 1) {
		if (!ds_ends_in(name, ".npy"))
			continue;
		if ((rc = ds_archive_read_all(z, &member, DS_MAX_FILE, err)) < 0 ||
		    (rc = read_array(&member, &a, err)) < 0) {
			err_prefix(err, "'%s': ", name);
			break;
		}
		if ((rc = each(ctx, name, &a, err)) < 0)
			break;
	}
	ds_archive_close(z);
	ds_bytes_release(&member);
	return rc < 0 ? -1 : 0;
}

/* ---- listing ---- */

struct listing {
	struct ds_source *s;
	struct ds_in *in;
	size_t at; /* images of the file so far */
	bool some; /* an array was accepted */
};

/* The split named in an array's name, or NULL. */
static const char *split_of(const char *name)
{
	static const char *const words[][2] = { { "train", "train" }, { "test", "test" }, { "val", "val" } };
	const char *base = ds_base(name);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(base, words[i][0]))
			return words[i][1];
	return NULL;
}

/* The requested severity, 1 to 5; 0: none. */
static int severity(const struct ds_source *s)
{
	const char *split = s->o.split;

	return split && split[0] >= '1' && split[0] <= '0' + SEVERITIES && !split[1] ? split[0] - '0' : 0;
}

static int add_labels(struct listing *l, const char *member, const struct ds_array *a, struct err *err)
{
	struct ds_part *x = ds_part_add(l->s, DS_LAYOUT_npy, l->in, member, err);

	if (!x || !(x->label = malloc((ds_array_labels(a) + 1) * sizeof *x->label)))
		return x ? err_memory(err) : -1;
	for (size_t i = 0; i < ds_array_labels(a); i++)
		if (ds_array_label(a, i, &x->label[i], err) < 0)
			return -1;
	x->n = ds_array_labels(a);
	return 0;
}

static int add_images(struct listing *l, const char *member, const struct images *m, struct err *err)
{
	struct ds_source *s = l->s;
	const char *path = *member ? member : l->in->path;
	const int k = *member ? 0 : severity(s);
	size_t first = 0, n = m->n;
	struct ds_part *x;

	if (!ds_wanted(s) || (!ds_in_split(s, l->in->path, split_of(path)) && !k))
		return 0;
	if (k && !ds_in_split(s, l->in->path, split_of(path))) {
		if (m->n % SEVERITIES)
			return err_fail(err, "%zu images are not %d severities of as many each", m->n, SEVERITIES);
		n = m->n / SEVERITIES;
		first = (size_t)(k - 1) * n;
	}
	if (!(x = ds_part_add(s, DS_LAYOUT_npy, l->in, member, err)))
		return -1;
	x->row = s->n;
	x->n = n;
	x->from = first;
	x->of = m->n;
	for (size_t i = 0; i < n; i++)
		if (ds_add_row(s, NULL, l->at + first + i, NULL, -1, err) < 0)
			return -1;
	return 0;
}

static int list_array(void *ctx, const char *member, const struct ds_array *a, struct err *err)
{
	struct listing *l = ctx;
	struct images m;
	char buf[160];
	int rc;

	if (images_of(a, &m)) {
		rc = add_images(l, member, &m, err);
		l->at += m.n;
	} else if (ds_array_labels(a) && is_whole(a))
		rc = add_labels(l, member, a, err);
	else
		return ds_pass(l->s, l->in->path,
			       "holds an array%s%s of %s, which is neither images, |u1 (n, h, w, 3), nor labels",
			       *member ? " " : "", member, describe(a, buf));
	l->some = true;
	return rc;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_FILE, err);
	struct listing l = { .s = s, .in = in };

	if (!b)
		return -1;
	return each_array(b, &l, list_array, err) < 0 ? -1 : l.some;
}

/* ---- labels to images ---- */

/* Is p at the start of a word? */
static bool begins_word(const char *path, const char *p)
{
	return p == path || !isalnum((unsigned char)p[-1]);
}

/* The path with the word at `at`, n bytes long, replaced; in buf. */
static void replace(const char *path, const char *at, size_t n, const char *by, char buf[DS_NAME])
{
	snprintf(buf, DS_NAME, "%.*s%s%s", (int)(at - path), path, by, at + n);
}

/* Pairs of words in the names of images and of their labels. */
static const char *const pairs[][2] = {
	{ "images", "labels" }, { "images", "targets" },
	{ "data", "labels" },   { "data", "targets" },
	{ "imgs", "labels" },   { "x", "y" },
	{ "X", "y" },           { "X", "Y" },
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* Number i of the names that the labels for the images at path may have; the last is that of CIFAR-10-C. False: no such
 * name. */
static bool labels_name(const char *path, size_t i, char buf[DS_NAME])
{
	const char *base = ds_base(path), *word;
	size_t n;

	if (i == PAIRS) {
		snprintf(buf, DS_NAME, "%.*slabels.npy", (int)(base - path), path);
		return true;
	}
	n = strlen(pairs[i][0]);
	for (word = base; (word = strstr(word, pairs[i][0])) != NULL; word++)
		if (begins_word(base, word) && !isalnum((unsigned char)word[n])) {
			replace(path, word, n, pairs[i][1], buf);
			return true;
		}
	return false;
}

static struct ds_part *find(struct ds_part *all, const struct ds_part *images, const char *path)
{
	for (; all; all = all->next)
		if (all->label && all->operand == images->operand && strcmp(all->path, path) == 0)
			return all;
	return NULL;
}

static int read_beside_array(void *ctx, const char *member, const struct ds_array *a, struct err *err)
{
	struct ds_part *x = ctx;
	char buf[160];

	(void)member;
	if (!ds_array_labels(a) || !is_whole(a))
		return err_fail(err, "array of %s, which cannot be labels", describe(a, buf));
	if (!(x->label = malloc((ds_array_labels(a) + 1) * sizeof *x->label)))
		return err_memory(err);
	x->n = ds_array_labels(a);
	for (size_t i = 0; i < x->n; i++)
		if (ds_array_label(a, i, &x->label[i], err) < 0)
			return -1;
	return 0;
}

/* Reads labels from the file on the disk beside a file of images that is an operand by itself. -1 with err. */
static int read_beside(const char *path, struct ds_part *x, struct err *err)
{
	struct ds_in in = { 0 };
	const struct ds_bytes *b;
	int rc = -1;

	ds_in_begin(&in, NULL, path, path);
	if ((x->path = strdup(path)) == NULL)
		err_memory(err);
	else if ((b = ds_in_content(&in, DS_MAX_FILE, err)))
		rc = each_array(b, x, read_beside_array, err);
	ds_in_release(&in);
	return rc < 0 ? err_prefix(err, "'%s': ", path) : 0;
}

/* *labels: the labels of the images (may be *beside), or NULL; *common: they are those of CIFAR-10-C. -1 with err. */
static int find_labels(struct ds_source *s, struct ds_part *all, const struct ds_part *images, struct ds_part *beside,
		       struct ds_part **labels, bool *common, struct err *err)
{
	const bool plain = s->operands[images->operand].plain && !images->member;
	char name[DS_NAME];

	*labels = NULL;
	for (size_t i = 0; i <= PAIRS && !(*labels && i == PAIRS); i++) {
		struct ds_part *other;

		if (!labels_name(plain ? images->real : images->path, i, name))
			continue;
		*common = i == PAIRS;
		other = plain ? NULL : find(all, images, name);
		if (plain && access(name, R_OK) == 0 && strcmp(name, images->real) != 0) {
			if (*labels)
				return err_fail(err, "'%s' and '%s' are both labels of '%s'", (*labels)->path, name,
						images->path);
			if (read_beside(name, beside, err) < 0)
				return -1;
			other = beside;
		}
		if (other && *labels && other != *labels)
			return err_fail(err, "'%s' and '%s' are both labels of '%s'", (*labels)->path, other->path,
					images->path);
		*labels = other ? other : *labels;
		*common &= *labels != NULL;
	}
	return 0;
}

/* The set that the labels of these images belong to, as a path. NULL: out of memory. */
static char *set_of(const struct ds_source *s, const struct ds_part *images, const struct ds_part *labels)
{
	const struct ds_operand *o = &s->operands[images->operand];
	char *set;

	if (o->plain && !images->member)
		return strdup(labels->path);
	return asprintf(&set, "%s/%s", o->path, o->plain ? "" : labels->path) < 0 ? NULL : set;
}

/* Labels that were lost for their name alone are said: images without a class look as if they had none. */
static int note_unpaired(struct ds_source *s, const struct ds_part *all, struct err *err)
{
	for (const struct ds_part *l = all; l; l = l->next)
		for (const struct ds_part *x = all; x && l->label && !l->paired; x = x->next)
			if (!x->label && !x->paired && x->operand == l->operand && x->of == l->n)
				return ds_add_note(
					s, err,
					"'%s' holds %zu whole numbers, but its name is not that of the labels "
					"of '%s', which have no class; pairs are images and labels, data and "
					"targets, x and y",
					l->path, l->n, x->path);
	return 0;
}

static int finish(struct ds_source *s, struct err *err)
{
	struct ds_part *all = *ds_state(s, DS_LAYOUT_npy), *labels;

	if (all && s->n == 0 && !s->o.split)
		return ds_pass(s, all->path, "holds labels only; the images are in another array");
	for (struct ds_part *x = all; x; x = x->next) {
		struct ds_part beside = { 0 };
		bool common = false;
		int rc;

		if (x->label)
			continue;
		rc = find_labels(s, all, x, &beside, &labels, &common, err);
		if (rc == 0 && x->n != x->of && !(labels && common))
			rc = err_fail(err,
				      "'%s' has no severities, which are the splits 1 to %d of files with a labels.npy "
				      "beside them",
				      x->path, SEVERITIES);
		if (rc == 0 && labels) {
			rc = ds_part_label(s, x, labels, set_of(s, x, labels), err);
			labels->paired = x->paired = true;
		}
		free(beside.path);
		free(beside.label);
		if (rc < 0)
			return -1;
	}
	return note_unpaired(s, all, err);
}

/* ---- reading ---- */

struct memo {
	struct images *part;
	struct ds_bytes *own;
	size_t n;
};

static int keep_array(void *ctx, const char *member, const struct ds_array *a, struct err *err)
{
	struct memo *m = ctx;
	struct images one, *parts;
	struct ds_bytes *own;
	size_t size;

	(void)member;
	if (!images_of(a, &one))
		return 0;
	parts = realloc(m->part, (m->n + 1) * sizeof *parts);
	m->part = parts ? parts : m->part;
	own = realloc(m->own, (m->n + 1) * sizeof *own);
	m->own = own ? own : m->own;
	size = one.n * one.h * one.w * one.c;
	if (!parts || !own || !(own[m->n] = (struct ds_bytes){ malloc(size + 1), size, size + 1 }).p)
		return err_memory(err);
	memcpy(own[m->n].p, one.data, size);
	one.data = own[m->n].p;
	parts[m->n++] = one;
	return 0;
}

static int load(struct ds_in *in, void **memo, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_FILE, err);
	struct memo *m = *memo = calloc(1, sizeof *m);
	struct ds_array a;

	if (!b)
		return -1;
	if (!m)
		return err_memory(err);
	if (ds_is_npz(b->p, b->n))
		return each_array(b, m, keep_array, err);
	/* A .npy file is kept whole, without a second copy. */
	if (!(m->part = malloc(sizeof *m->part)) || !(m->own = malloc(sizeof *m->own)))
		return err_memory(err);
	if (ds_array_npy(b->p, b->n, &a, err) < 0)
		return -1;
	if (!images_of(&a, m->part))
		return err_fail(err, "the file changed while it was read");
	m->own[m->n++] = ds_in_detach(in);
	return 0;
}

static int decode(const void *memo, size_t at, struct ds_pixels *p, struct err *err)
{
	const struct memo *m = memo;
	size_t k = 0, area;
	const unsigned char *from;

	while (k < m->n && at >= m->part[k].n)
		at -= m->part[k++].n;
	if (k == m->n)
		return ds_pixels_row(p, 0, 0, 1, 1, err);
	if (ds_pixels_row(p, at, m->part[k].n, m->part[k].h, m->part[k].w, err) < 0)
		return -1;
	area = m->part[k].h * m->part[k].w;
	from = m->part[k].data + at * area * m->part[k].c;
	if (m->part[k].c == 3 && !m->part[k].planar)
		memcpy(p->rgb, from, 3 * area);
	for (size_t i = 0; i < area && (m->part[k].c == 1 || m->part[k].planar); i++)
		for (size_t c = 0; c < 3; c++)
			p->rgb[3 * i + c] = from[m->part[k].c == 1 ? i : c * area + i];
	return 0;
}

static void forget(void *memo)
{
	struct memo *m = memo;

	for (size_t i = 0; m && i < m->n; i++)
		ds_bytes_release(&m->own[i]);
	if (m) {
		free(m->own);
		free(m->part);
	}
	free(m);
}

const struct ds_layout ds_layout_npy = {
	.name = "npy",
	.what = "arrays of images, .npy or .npz, with labels of their name: CIFAR-10-C, CIFAR-10.1, MedMNIST",
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
