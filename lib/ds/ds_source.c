/* SPDX-License-Identifier: MIT
 * Sources: the list of rows, the choice among them, and the second pass that decodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_internal.h"
#include "ts/ts_rng.h"

static const struct ds_layout *const layouts[] = { &ds_layout_cifar, &ds_layout_images };

struct row {
	uint32_t file, at;                /* the file's number in the source, the row's in the file */
	int32_t label;
	char *name;
};

struct ds_source {
	char *path;
	struct ds_options o;
	struct ds_files *files;
	const struct ds_layout *layout;   /* of the current file */
	char *file_name;                  /* the current file's path */
	uint32_t file;                    /* files gone past, the current one included */
	struct ds_bytes content;
	bool have_content;
	void *memo;                       /* the layout's, of the current file */
	struct row *rows;
	size_t n, cap, next;
	char **classes;
	size_t n_classes, cap_classes;
	bool numbered;                    /* the layout numbers classes, and classes are in its order */
	bool named;                       /* classes are folders */
	size_t passed;                    /* files that no layout takes, passed over so far */
	size_t ignored;                   /* the same in the whole source */
	char splits[512];                 /* what --split could have said, for an error's text */
};

/* ---- what layouts call ---- */

const char *ds_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

const struct ds_bytes *ds_content(struct ds_source *s, char *err)
{
	if (!s->have_content && ds_files_read(s->files, &s->content, err) < 0)
		return NULL;
	s->have_content = true;
	return &s->content;
}

int ds_name_classes(struct ds_source *s, char **names, size_t n)
{
	for (size_t i = 0; i < s->n_classes; i++)
		free(s->classes[i]);
	free(s->classes);
	s->classes = names;
	s->n_classes = s->cap_classes = n;
	return names ? 0 : -1;
}

/* The number of a class by name, in the order of first sight. */
static int class_number(struct ds_source *s, const char *name)
{
	static const size_t step = 64;

	/* Files of a class lie side by side, so the last one is asked first. */
	for (size_t i = s->n_classes; i-- > 0;)
		if (strcmp(s->classes[i], name) == 0)
			return (int)i;
	if (s->n_classes == s->cap_classes) {
		char **grown = realloc(s->classes, (s->cap_classes + step) * sizeof *grown);
		if (!grown)
			return -1;
		s->classes = grown;
		s->cap_classes += step;
	}
	if (!(s->classes[s->n_classes] = strdup(name)))
		return -1;
	return (int)s->n_classes++;
}

int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_name, int label)
{
	struct row *r;

	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct row *grown = realloc(s->rows, cap * sizeof *grown);
		if (!grown)
			return -1;
		s->rows = grown;
		s->cap = cap;
	}
	r = &s->rows[s->n];
	*r = (struct row){ .file = s->file, .at = (uint32_t)at, .label = label, .name = strdup(name) };
	if (!r->name || (class_name && (r->label = class_number(s, class_name)) < 0))
		return -1;
	s->numbered |= !class_name && label >= 0;
	s->named |= class_name != NULL;
	s->n++;
	return 0;
}

/* Remembers the name of a split, once, as long as there is room. */
static void note_split(struct ds_source *s, const char *name, size_t len)
{
	size_t used = strlen(s->splits);
	const char *p = s->splits, *end;

	for (; *p; p = end) {
		end = p + 1 + strcspn(p + 1, " ");
		if ((size_t)(end - p) == len + 1 && memcmp(p + 1, name, len) == 0)
			return;
	}
	if (used + len + 2 <= sizeof s->splits)
		snprintf(s->splits + used, sizeof s->splits - used, " %.*s", (int)len, name);
}

bool ds_in_split(struct ds_source *s, const char *path, const char *own)
{
	size_t len;

	if (!s->o.split || (own && strcmp(own, s->o.split) == 0))
		return true;
	if (own)
		note_split(s, own, strlen(own));
	len = strlen(s->o.split);
	for (const char *p = path, *slash; (slash = strchr(p, '/')) != NULL; p = slash + 1) {
		if ((size_t)(slash - p) == len && memcmp(p, s->o.split, len) == 0)
			return true;
		/* The last folder is the class, unless it is the only one. */
		if (p == path || strchr(slash + 1, '/'))
			note_split(s, p, (size_t)(slash - p));
	}
	return false;
}

/* ---- images by folder ---- */

static bool image_takes(const char *path)
{
	const char *dot = strrchr(ds_base(path), '.');

	return dot && ds_base(path)[0] != '.' && !strstr(path, "__MACOSX/") &&
	       (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
		strcasecmp(dot, ".jpeg") == 0);
}

static int image_list(struct ds_source *s, const char *path, char *err)
{
	size_t len = (size_t)(ds_base(path) - path);
	char folder[4096];
	const char *name;

	(void)err;
	if (!ds_in_split(s, path, NULL))
		return 0;
	if (len < 2 || len > sizeof folder)
		return ds_add_row(s, path, 0, NULL, -1);
	memcpy(folder, path, len - 1);
	folder[len - 1] = '\0';
	name = ds_base(folder);
	/* Images right in the split's folder have no class. */
	if (s->o.split && strcmp(name, s->o.split) == 0)
		return ds_add_row(s, path, 0, NULL, -1);
	return ds_add_row(s, path, 0, name, -1);
}

static int image_decode(const struct ds_bytes *b, const char *path, size_t at, void **memo,
			struct ds_pixels *p, char *err)
{
	(void)path;
	(void)at;
	(void)memo;
	return ds_decode(b->p, b->n, p, err);
}

const struct ds_layout ds_layout_images = { "images", image_takes, image_list, image_decode, NULL };

/* ---- listing ---- */

static void forget(struct ds_source *s)
{
	if (s->memo)
		s->layout->forget(s->memo);
	s->memo = NULL;
}

/* Goes to the next file that a layout takes. 1, 0, -1. */
static int next_file(struct ds_source *s, char *err)
{
	const char *name;
	int rc;

	while ((rc = ds_files_next(s->files, &name, err)) == 1) {
		s->file++;
		s->have_content = false;
		forget(s);
		s->layout = NULL;
		for (size_t i = 0; i < sizeof layouts / sizeof *layouts && !s->layout; i++)
			if (layouts[i]->takes(name))
				s->layout = layouts[i];
		if (!s->layout) {
			s->passed++;
			continue;
		}
		free(s->file_name);
		if ((s->file_name = strdup(name)))
			return 1;
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	return rc;
}

static int list(struct ds_source *s, char *err)
{
	char why[DS_ERR];
	int rc;

	while ((rc = next_file(s, err)) == 1) {
		snprintf(why, sizeof why, "out of memory");
		if (s->layout->list(s, s->file_name, why) < 0) {
			snprintf(err, DS_ERR, "'%.200s': '%.400s': %.300s", s->path, s->file_name,
				 why);
			return -1;
		}
	}
	if (rc < 0)
		return -1;
	s->ignored = s->passed;
	if (s->n)
		return 0;
	if (s->o.split)
		snprintf(err, DS_ERR, "'%.400s' has no images in a folder '%.80s'; its folders are:%.400s",
			 s->path, s->o.split, s->splits[0] ? s->splits : " none");
	else
		snprintf(err, DS_ERR, "'%.600s' holds no images (.png, .jpg, .jpeg, CIFAR files)", s->path);
	return -1;
}

/* ---- classes and choice ---- */

static char **sort_names;
static int by_name(const void *a, const void *b)
{
	return strcmp(sort_names[*(const size_t *)a], sort_names[*(const size_t *)b]);
}

/* Sorts the classes by bytes and renumbers the rows. */
static int sort_classes(struct ds_source *s)
{
	size_t n = s->n_classes, *order = malloc((n + 1) * sizeof *order);
	char **sorted = malloc((n + 1) * sizeof *sorted);
	int32_t *number = malloc((n + 1) * sizeof *number);
	int rc = -1;

	if (!order || !sorted || !number)
		goto out;
	rc = 0;
	if (n == 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	sort_names = s->classes;
	qsort(order, n, sizeof *order, by_name);
	for (size_t i = 0; i < n; i++) {
		sorted[i] = s->classes[order[i]];
		number[order[i]] = (int32_t)i;
	}
	memcpy(s->classes, sorted, n * sizeof *sorted);
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].label >= 0)
			s->rows[i].label = number[s->rows[i].label];
out:
	free(order);
	free(sorted);
	free(number);
	return rc;
}

/* Names for classes that came as numbers without a list of names: "0", "1", ... */
static int number_classes(struct ds_source *s, char *err)
{
	int32_t max = -1;
	char name[16];

	for (size_t i = 0; i < s->n; i++)
		max = s->rows[i].label > max ? s->rows[i].label : max;
	if (s->n_classes && max >= 0 && (size_t)max >= s->n_classes) {
		snprintf(err, DS_ERR, "'%.600s': there are %zu classes, but a row has label %d", s->path,
			 s->n_classes, (int)max);
		return -1;
	}
	for (int32_t c = (int32_t)s->n_classes; s->n_classes == (size_t)c && c <= max; c++) {
		snprintf(name, sizeof name, "%d", c);
		if (class_number(s, name) < 0) {
			snprintf(err, DS_ERR, "out of memory");
			return -1;
		}
	}
	return 0;
}

/* Keeps the rows whose numbers stand in keep[0..n), ascending; frees the others. */
static void keep_rows(struct ds_source *s, const size_t *keep, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++)
		if (k < n && keep[k] == i)
			s->rows[k++] = s->rows[i];
		else
			free(s->rows[i].name);
	s->n = n;
}

static int choose(struct ds_source *s, char *err)
{
	struct ts_rng rng = ts_rng_new(s->o.seed, 0);
	size_t n = s->n, k = 0, *keep = malloc((n + 1) * sizeof *keep);

	if (!keep) {
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		keep[i] = i;
	if (s->o.sample >= 0 && (size_t)s->o.sample < n) {
		ts_rng_sample(&rng, keep, (size_t)s->o.sample, n);
		n = (size_t)s->o.sample;
	}
	if (s->o.limit >= 0 && (size_t)s->o.limit < n)
		n = (size_t)s->o.limit;
	for (size_t i = (size_t)s->o.shard; i < n; i += (size_t)s->o.n_shards)
		keep[k++] = keep[i];
	keep_rows(s, keep, k);
	free(keep);
	return 0;
}

/* Starts the second pass. */
static int rewind_files(struct ds_source *s, char *err)
{
	ds_files_close(s->files);
	s->files = ds_files_open(s->path, err);
	s->file = 0;
	return s->files ? 0 : -1;
}

struct ds_source *ds_open(const char *path, const struct ds_options *o, char *err)
{
	struct ds_source *s = calloc(1, sizeof *s);

	snprintf(err, DS_ERR, "out of memory");
	if (!s || !(s->path = strdup(path)))
		goto fail;
	s->o = *o;
	s->files = ds_files_open(path, err);
	if (!s->files || list(s, err) < 0)
		goto fail;
	if (s->numbered && s->named) {
		snprintf(err, DS_ERR, "'%.600s' holds both image files and CIFAR files", path);
		goto fail;
	}
	if (s->numbered ? number_classes(s, err) < 0 : sort_classes(s) < 0)
		goto fail;
	if (choose(s, err) == 0 && rewind_files(s, err) == 0)
		return s;
fail:
	ds_close(s);
	return NULL;
}

void ds_close(struct ds_source *s)
{
	if (!s)
		return;
	forget(s);
	ds_files_close(s->files);
	for (size_t i = 0; i < s->n; i++)
		free(s->rows[i].name);
	for (size_t i = 0; i < s->n_classes; i++)
		free(s->classes[i]);
	free(s->classes);
	free(s->rows);
	free(s->content.p);
	free(s->file_name);
	free(s->path);
	free(s);
}

char *const *ds_classes(const struct ds_source *s, size_t *n)
{
	*n = s->n_classes;
	return s->classes;
}

size_t ds_ignored(const struct ds_source *s)
{
	return s->ignored;
}

size_t ds_rows(const struct ds_source *s)
{
	return s->n;
}

/* ---- the second pass ---- */

/* Is the row one of this file? Its name is the file's, or begins with it. */
static bool is_of(const struct row *r, const char *file)
{
	size_t len = strlen(file);
	return strncmp(r->name, file, len) == 0 && (r->name[len] == '\0' || r->name[len] == '/');
}

int ds_next(struct ds_source *s, struct ds_row *row, struct ds_pixels *p, char *err)
{
	const struct row *r;
	char why[DS_ERR];
	int rc = 1;

	if (s->next == s->n)
		return 0;
	r = &s->rows[s->next++];
	row->name = r->name;
	row->label = r->label;
	while (s->file < r->file && (rc = next_file(s, err)) == 1)
		;
	if (rc == 0 || (rc == 1 && !is_of(r, s->file_name))) {
		snprintf(err, DS_ERR, "'%s' changed while it was read", s->path);
		return -2;
	}
	if (rc < 0)
		return -2;
	if (!ds_content(s, why))
		rc = -2;
	else if (s->layout->decode(&s->content, s->file_name, r->at, &s->memo, p, why) < 0)
		rc = -1;
	else
		return 1;
	snprintf(err, DS_ERR, "'%.200s': '%.400s': %.300s", s->path, r->name, why);
	return rc;
}
