/* SPDX-License-Identifier: MIT
 * Do images fit a network's input, and their labels its classes? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "ts/ts_images.h"

int net_check_input(const struct net *n, int c, int h, int w, struct err *err)
{
	if (c == n->c && h == n->h && w == n->w)
		return 0;
	return err_fail(err,
			"holds images of %dx%dx%d where the model takes %dx%dx%d; ds-pack --for MODEL, or --size, "
			"makes them fit",
			c, h, w, n->c, n->h, n->w);
}

int net_check_images(const struct net *n, struct ts_reader *r)
{
	const struct ts_field *f = ts_images_field(r);
	struct err err;

	if (!f)
		return -1;
	if (net_check_input(n, (int)f->shape[0], (int)f->shape[1], (int)f->shape[2], &err) < 0)
		return ts_reader_fail(r, "%s", err.text);
	return 0;
}

int net_check_labels(const struct net *n, struct ts_reader *r, const int64_t *label, size_t rows, int least)
{
	for (size_t i = 0; i < rows; i++)
		if (label[i] < least || label[i] >= n->classes)
			return ts_reader_fail(r, "row %llu: label %lld is out of range for a model of %d classes",
					      (unsigned long long)(ts_reader_rows(r) - rows + i), (long long)label[i],
					      n->classes);
	return 0;
}

int net_check_classes(const struct net *n, size_t n_classes, struct err *err)
{
	if (n_classes <= (size_t)n->classes)
		return 0;
	return err_fail(err, "labels up to %zu are out of range for a model of %d classes", n_classes - 1, n->classes);
}

bool net_same_classes(const struct net *n, char *const *own, char *const *names, size_t n_names, char *why)
{
	size_t i = 0;

	if (names && n_names != (size_t)n->classes) {
		snprintf(why, NET_WHY, "there are %zu classes, the model has %d", n_names, n->classes);
		return false;
	}
	if (ts_same_classes(names, n_names, own, (size_t)n->classes))
		return true;
	while (strcmp(names[i], own[i]) == 0)
		i++;
	snprintf(why, NET_WHY,
		 "its classes are not the model's: label %zu is '%.60s', and the model's '%.60s'; ds-pack "
		 "--map-classes renames and orders them",
		 i, names[i], own[i]);
	return false;
}

int net_check_names(const struct net_checkpoint *c, struct ts_reader *r)
{
	char **names = NULL, why[NET_WHY];
	size_t n = 0;
	bool same;

	if (ts_images_classes(r, &names, &n) < 0)
		return -1;
	same = net_same_classes(c->net, c->classes, names, n, why);
	ts_strs_free(names, n);
	return same ? 0 : ts_reader_fail(r, "%s", why);
}

int net_map_classes(struct ts_class_map *m, const struct ts_header *images, const struct net_checkpoint *c,
		    struct err *err)
{
	char **have = NULL;
	bool same;
	size_t n;
	int rc;

	*m = (struct ts_class_map){ 0 };
	if (c->net->classes == 0) /* without logits there is nothing to compare with */
		return 0;
	if ((rc = ts_meta_get_strs(&images->meta, "classes", &have, &n)) <= 0)
		return rc < 0 ? err_fail(err, "meta 'classes' is not a list of names, or memory ran out") : 0;
	same = c->classes ? ts_same_classes(have, n, c->classes, c->n_classes) : n == (size_t)c->net->classes;
	rc = same ? 0 : ts_map_classes(m, have, n, c->classes, c->n_classes);
	ts_strs_free(have, n);
	return rc < 0 ? err_memory(err) : 0;
}

bool net_class_map_words(const struct ts_class_map *m, const struct net_checkpoint *c, struct err *words)
{
	if (!c->classes)
		err_fail(words,
			 "it has %zu classes and the model %d, without names, so its labels become -1; um-ckpt import "
			 "--classes names them",
			 m->n, c->net->classes);
	else if (m->found == 0)
		err_fail(words, "its classes are not the model's, so its labels become -1");
	else if (m->found < m->n)
		err_fail(words, "%zu of its %zu classes are the model's, whose labels they get; others become -1",
			 m->found, m->n);
	else
		err_fail(words, "its %zu classes get the model's labels, by their names", m->n);
	return !c->classes || m->found < m->n;
}

int net_map_all_classes(struct ts_class_map *m, struct ts_reader *r, const struct net_checkpoint *c)
{
	const struct ts_header *h = ts_reader_header(r);
	char **names = NULL;
	size_t n = 0;
	struct err err;

	if (net_map_classes(m, h, c, &err) < 0)
		return ts_reader_fail(r, "%s", err.text);
	if (!m->to)
		return 0;
	if (!c->classes) /* and the numbers of classes differ */
		return net_check_names(c, r);
	if (m->found < m->n && ts_meta_get_strs(&h->meta, "classes", &names, &n) != 1)
		return ts_reader_fail(r, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (m->to[i] < 0) {
			ts_reader_fail(r, "its classes are not the model's: the model does not know '%s'", names[i]);
			break;
		}
	ts_strs_free(names, n);
	return n ? -1 : 0;
}

int net_check_mapped(const struct ts_class_map *m, struct ts_reader *r, const int64_t *label, size_t rows)
{
	for (size_t i = 0; m->to && i < rows; i++)
		if (label[i] >= 0 && (size_t)label[i] >= m->n)
			return ts_reader_fail(r, "row %llu: label %lld is not one of its %zu classes",
					      (unsigned long long)(ts_reader_rows(r) - rows + i), (long long)label[i],
					      m->n);
	return 0;
}
