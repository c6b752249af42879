/* SPDX-License-Identifier: MIT
 * Tiny ImageNet as its zip lays it out. ds_images.c lists train/WNID/images/; this file reads the text files beside the
 * images: val/val_annotations.txt has the classes of val/images/, words.txt the meanings of the WordNet ids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

struct tiny {
	struct ds_map annotated; /* from paths of images to the numbers of their classes */
	char *words;             /* words.txt */
	struct ds_map folders;   /* folders of the annotated images */
};

static bool named(const char *path)
{
	const char *base = ds_base(path);

	return strcmp(base, "val_annotations.txt") == 0 || strcmp(base, "words.txt") == 0 ||
	       strcmp(base, "wnids.txt") == 0;
}

static int annotate(struct ds_source *s, struct tiny *t, const char *path, char *text, struct err *err)
{
	struct ds_text lines = { text };
	char *line, folder[4096], image[8192];
	size_t n = 0;

	snprintf(folder, sizeof folder, "%.*simages/", (int)(ds_base(path) - path < 4000 ? ds_base(path) - path : 4000),
		 path);
	if (ds_map_set(&t->folders, folder, 0, err) < 0)
		return -1;
	while ((line = ds_text_line(&lines)) != NULL) {
		char *id = strchr(line, '\t');
		int class_number;

		n++;
		if (!id || id == line || !ds_is_wnid(id + 1, strcspn(id + 1, "\t")))
			return err_fail(err, "line %zu is not an image's name, a tab and a WordNet id", n);
		*id++ = '\0';
		id[strcspn(id, "\t")] = '\0';
		snprintf(image, sizeof image, "%s%s", folder, line);
		class_number = ds_class_number(s, id, err);
		if (class_number < 0)
			return -1;
		if (ds_map_get(&t->annotated, image) >= 0)
			return err_fail(err, "line %zu is the second line for '%s'", n, line);
		if (ds_map_set(&t->annotated, image, class_number, err) < 0)
			return -1;
	}
	return 1;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	struct tiny **t = (struct tiny **)ds_state(s, DS_LAYOUT_tiny);
	const struct ds_bytes *b;
	char *text;
	int rc = 1;

	if (!*t && !(*t = calloc(1, sizeof **t)))
		return err_memory(err);
	if (strcmp(ds_base(in->path), "wnids.txt") == 0 ||
	    (ds_base(in->path)[0] == 'v' && !ds_in_split(s, in->path, NULL)))
		return 1;
	if (!(b = ds_in_content(in, DS_MAX_TEXT, err)) || !(text = ds_text_copy(b, err)))
		return -1;
	if (ds_base(in->path)[0] == 'w') {
		free((*t)->words);
		(*t)->words = text;
		return 1;
	}
	rc = annotate(s, *t, in->path, text, err);
	free(text);
	return rc;
}

/* Names the classes that are WordNet ids with their words. */
static int name_classes(struct ds_source *s, char *words, struct err *err)
{
	struct ds_text t = { words };
	char *line;

	while ((line = ds_text_line(&t)) != NULL) {
		char *tab = strchr(line, '\t');
		int64_t at;

		if (!tab || !ds_is_wnid(line, (size_t)(tab - line)))
			continue;
		*tab = '\0';
		at = ds_map_get(&s->by_id, line);
		if (at < 0 || !tab[1] || s->classes[at].name)
			continue;
		if (!(s->classes[at].name = strdup(tab + 1)))
			return err_memory(err);
	}
	return 0;
}

/* Two classes may have the same words (crane, the bird, and crane, the machine): the later one becomes
 * "crane (n03126707)". */
static int tell_apart(struct ds_source *s, struct err *err)
{
	struct ds_map seen = { 0 };
	int rc = 0;

	for (size_t i = 0; i < s->n_classes && rc >= 0; i++) {
		struct ds_class *c = &s->classes[i];
		char *both;

		if (!c->name || (rc = ds_map_set(&seen, c->name, 0, err)) <= 0)
			continue;
		if (asprintf(&both, "%s (%s)", c->name, c->id) < 0) {
			rc = err_memory(err);
		} else {
			free(c->name);
			c->name = both;
		}
	}
	ds_map_release(&seen);
	return rc < 0 ? -1 : 0;
}

/* Does the image lie in a folder of annotated images? */
static bool is_annotated_folder(const struct tiny *t, const char *name)
{
	char folder[4096];

	snprintf(folder, sizeof folder, "%.*s", (int)(ds_base(name) - name), name);
	return ds_map_get(&t->folders, folder) >= 0;
}

static int finish(struct ds_source *s, struct err *err)
{
	struct tiny *t = *ds_state(s, DS_LAYOUT_tiny);
	char buf[DS_NAME];

	if (!t)
		return 0;
	for (size_t i = 0; i < s->n && t->annotated.n; i++) {
		struct ds_entry *r = &s->rows[i];
		const char *name = ds_row_name(s, r, buf);
		int64_t label = r->label < 0 ? ds_map_get(&t->annotated, name) : -1;

		if (label >= 0) {
			r->label = (int32_t)label;
			s->named = true;
		} else if (r->label < 0 && is_annotated_folder(t, name))
			return err_fail(err, "'%s' has no line in val_annotations.txt", name);
	}
	if (t->words && s->named && (name_classes(s, t->words, err) < 0 || tell_apart(s, err) < 0))
		return -1;
	return 0;
}

static void drop(void *state)
{
	struct tiny *t = state;

	ds_map_release(&t->annotated);
	ds_map_release(&t->folders);
	free(t->words);
	free(t);
}

const struct ds_layout ds_layout_tiny = {
	.name = "tiny-imagenet",
	.what = "train/WNID/images, val/images with val_annotations.txt, words.txt",
	.with = &ds_layout_images,
	.named = named,
	.annotates = true,
	.list = list,
	.finish = finish,
	.drop = drop,
};
