/* SPDX-License-Identifier: MIT
 * Images in one file, their labels in another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/format/ds_pair.h"

struct ds_part *ds_part_add(struct ds_source *s, int layout, const struct ds_in *in, const char *member,
			    struct err *err)
{
	struct ds_part **all = (struct ds_part **)ds_state(s, layout), *x = calloc(1, sizeof *x);

	if (!x) {
		err_memory(err);
		return NULL;
	}
	while (*all) /* in the order of the files */
		all = &(*all)->next;
	*all = x;
	if (asprintf(&x->path, "%s%s%s", in->path, *member ? "/" : "", member) < 0)
		x->path = NULL;
	x->real = in->real ? strdup(in->real) : NULL;
	x->member = *member != '\0';
	x->wanted = ds_wanted(s);
	x->operand = s->listing.operand;
	if (x->path && (x->real || !in->real))
		return x;
	err_memory(err);
	return NULL;
}

int ds_part_label(struct ds_source *s, const struct ds_part *images, const struct ds_part *labels, char *set_take,
		  struct err *err)
{
	int rc;

	if (!set_take)
		return err_memory(err);
	ds_set_name(set_take);
	rc = ds_labels_mean(s, images->operand, set_take, images->path, err);
	free(set_take);
	if (rc == 0 && labels->n != images->of)
		return err_fail(err, "'%s' holds %zu images, but '%s' %zu labels", images->path, images->of,
				labels->path, labels->n);
	for (size_t i = 0; i < images->n && rc == 0; i++) {
		const int64_t label = labels->label[images->from + i];

		if (label < 0 || label > INT32_MAX)
			rc = err_fail(err, "'%s': label %lld of row %zu is not from 0 to %d", labels->path,
				      (long long)label, images->from + i, INT32_MAX);
		else
			s->rows[images->row + i].label = (int32_t)label;
	}
	s->numbered = true;
	return rc;
}

void ds_parts_free(void *parts)
{
	struct ds_part *next;

	for (struct ds_part *x = parts; x; x = next) {
		next = x->next;
		free(x->path);
		free(x->real);
		free(x->label);
		free(x);
	}
}
