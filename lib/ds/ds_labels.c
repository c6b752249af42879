/* SPDX-License-Identifier: MIT
 * Labels that come as numbers. The same number means different things in different sets, so each file of labels states
 * its set, and a source may have only one: MNIST beside Fashion-MNIST, or the six sets of EMNIST's archive, would give
 * labels without a clear meaning. Mixing sources that are given one by one is the user's choice. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

struct set { /* a set that labels were found for */
	char *name, *path;
	size_t operand;
};

struct set_names { /* names of its classes, from the file at path */
	char *set, *path;
	struct ds_class *classes;
	size_t n;
};

struct ds_labels {
	struct set *sets;
	struct set_names *names;
	size_t n_sets, n_names;
};

static struct ds_labels *labels_of(struct ds_source *s, struct err *err)
{
	if (!s->labels && !(s->labels = calloc(1, sizeof *s->labels)))
		err_memory(err);
	return s->labels;
}

static void free_classes(struct ds_class *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(c[i].id);
		free(c[i].name);
	}
	free(c);
}

void ds_labels_free(struct ds_labels *l)
{
	for (size_t i = 0; l && i < l->n_sets; i++) {
		free(l->sets[i].name);
		free(l->sets[i].path);
	}
	for (size_t i = 0; l && i < l->n_names; i++) {
		free(l->names[i].set);
		free(l->names[i].path);
		free_classes(l->names[i].classes, l->names[i].n);
	}
	if (l) {
		free(l->sets);
		free(l->names);
	}
	free(l);
}

int ds_labels_mean(struct ds_source *s, size_t operand, const char *set, const char *path, struct err *err)
{
	struct ds_labels *l = labels_of(s, err);
	struct set *grown;

	for (size_t i = 0; l && i < l->n_sets; i++) {
		if (strcmp(l->sets[i].name, set) == 0)
			return 0;
		if (l->sets[i].operand == operand)
			return err_fail(err,
					"the labels of '%s' and of '%s' need not mean the same; --files PATTERN takes "
					"the files of one set, --split NAME those of one folder",
					l->sets[i].path, path);
	}
	if (!l)
		return -1;
	if (!(grown = realloc(l->sets, (l->n_sets + 1) * sizeof *grown)))
		return err_memory(err);
	l->sets = grown;
	grown[l->n_sets] = (struct set){ strdup(set), strdup(path), operand };
	l->n_sets++;
	return grown[l->n_sets - 1].name && grown[l->n_sets - 1].path ? 0 : err_memory(err);
}

static bool same_names(const struct set_names *a, const struct ds_class *c, size_t n)
{
	for (size_t i = 0; a->n == n && i < n; i++)
		if (strcmp(a->classes[i].id, c[i].id) != 0)
			return false;
	return a->n == n;
}

/* The names of the set's classes, or NULL. */
static struct set_names *names_of(struct ds_labels *l, const char *set)
{
	for (size_t i = 0; i < l->n_names; i++)
		if (strcmp(l->names[i].set, set) == 0)
			return &l->names[i];
	return NULL;
}

static int add_names(struct ds_labels *l, struct set_names names, struct err *err)
{
	struct set_names *grown = realloc(l->names, (l->n_names + 1) * sizeof *grown);

	if (!grown)
		return err_memory(err);
	l->names = grown;
	names.set = strdup(names.set);
	names.path = strdup(names.path);
	grown[l->n_names++] = names;
	return names.set && names.path ? 0 : err_memory(err);
}

int ds_labels_named(struct ds_source *s, const char *set, const char *path, struct ds_class *classes, size_t n,
		    struct err *err)
{
	struct ds_labels *l = labels_of(s, err);
	const struct set_names *other = l ? names_of(l, set) : NULL;
	const size_t before = l ? l->n_names : 0;
	int rc = -1;

	if (other && !same_names(other, classes, n))
		err_fail(err, "'%s' and '%s' name the classes of %s differently; choose one with --files PATTERN",
			 other->path, path, set);
	else if (l)
		rc = other ? 0 :
			     add_names(
				     l,
				     (struct set_names){ (char *)(uintptr_t)set, (char *)(uintptr_t)path, classes, n },
				     err);
	if (!l || l->n_names == before)
		free_classes(classes, n);
	return rc;
}

int ds_labels_end(struct ds_source *s, struct err *err)
{
	struct ds_labels *l = s->labels;
	struct set_names *names;

	for (size_t i = 1; l && i < l->n_sets; i++) {
		const struct set *a = &l->sets[0], *b = &l->sets[i];

		if (names_of(l, a->name) || names_of(l, b->name))
			return err_fail(err,
					"'%s' belongs to %s and '%s' to %s, whose classes differ: pack them one by one",
					a->path, a->name, b->path, b->name);
		if (ds_add_note(s, err,
				"the labels of '%s' and of '%s' are in one stream, where the same number is the same "
				"class",
				a->path, b->path) < 0)
			return -1;
	}
	if (!l || !l->n_sets || !(names = names_of(l, l->sets[0].name)))
		return 0;
	if (ds_name_classes(s, NULL, 0, err) < 0)
		return -1;
	free(s->classes);
	s->classes = names->classes;
	s->n_classes = s->cap_classes = names->n;
	names->classes = NULL;
	names->n = 0;
	return 0;
}

/* The length of the word for a split that p begins with, or 0. */
static size_t split_word(const char *p, bool first)
{
	static const char *const words[] = { "training", "train",      "testing", "test",
					     "t10k",     "validation", "valid",   "val" };

	for (size_t i = 0; first && i < sizeof words / sizeof *words; i++)
		if (strncmp(p, words[i], strlen(words[i])) == 0 && !isalnum((unsigned char)p[strlen(words[i])]))
			return strlen(words[i]);
	return 0;
}

void ds_set_name(char *path)
{
	char *to = path;
	size_t n;

	for (const char *p = path; *p; p += n) {
		n = split_word(p, p == path || !isalnum((unsigned char)p[-1]));
		if (n == 0) {
			*to++ = *p;
			n = 1;
		}
	}
	*to = '\0';
}
