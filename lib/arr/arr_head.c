/* SPDX-License-Identifier: MIT
 * The last layer, read from files of arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arr/arr_import.h"
#include "arr/arr_internal.h"

void arr_head_release(struct arr_head *head)
{
	free(head->weight);
	free(head->bias);
	*head = (struct arr_head){ 0 };
}

static double *numbers(const struct arr *a, size_t n, struct err *err)
{
	double *v = calloc(n + 1, sizeof *v);

	if (!v)
		err_memory(err);
	for (size_t i = 0; v && a && i < n; i++)
		if (!isfinite(v[i] = arr_number(a, i))) {
			err_fail(err, "'" ERR_NAME "' holds a number that is not finite", a->name);
			free(v);
			return NULL;
		}
	return v;
}

static bool is_float(const struct arr *a)
{
	return a->kind == ARR_FLOAT || a->kind == ARR_BFLOAT;
}

/* Takes W, and b, which may be NULL: zeros. */
static int take(struct arr_head *head, const struct arr *w, const struct arr *b, struct err *err)
{
	char text[ARR_TEXT], other[ARR_TEXT];

	*head = (struct arr_head){ .classes = w->shape[0], .dim = w->shape[1] };
	head->wide = w->size == 8 || (b && b->size == 8);
	if (w->shape[0] < 2 || w->shape[1] == 0)
		return err_fail(err, "'" ERR_NAME "' is %s, where the weights of a last layer are (classes, features)",
				w->name, arr_describe(w, text));
	if (b && !arr_is_number(b))
		return err_fail(err, "'" ERR_NAME "' is %s, where a last layer's bias is numbers", b->name,
				arr_describe(b, other));
	if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
		return err_fail(err,
				"'" ERR_NAME "' is %s and '" ERR_NAME
				"' %s, where a last layer is (classes, features) and "
				"(classes,): transpose the weights, or give its own bias",
				w->name, arr_describe(w, text), b->name, arr_describe(b, other));
	if (!(head->weight = numbers(w, arr_count(w), err)) || !(head->bias = numbers(b, w->shape[0], err)))
		return -1;
	return 0;
}

/* The bias for NAME.weight or NAME_W: NAME.bias or NAME_b; if there are only one matrix and one vector, that vector. */
static const struct arr *bias_of(const struct arr_set *s, const struct arr *w)
{
	static const char *const ends[][2] = { { "weight", "bias" }, { "W", "b" }, { "w", "b" }, { "kernel", "bias" } };
	const struct arr *only = NULL;
	size_t matrices = 0, vectors = 0, n = strlen(w->name);
	char name[TS_MAX_NAME + 8];

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t m = strlen(ends[i][0]);
		if (n < m || strcmp(w->name + n - m, ends[i][0]) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s%s", (int)(n - m), w->name, ends[i][1]);
		if ((only = arr_find(s, name)))
			return only;
	}
	for (size_t i = 0; i < s->n; i++) {
		matrices += is_float(&s->a[i]) && s->a[i].ndim == 2;
		if (is_float(&s->a[i]) && s->a[i].ndim == 1) {
			vectors++;
			only = &s->a[i];
		}
	}
	return matrices == 1 && vectors == 1 ? only : NULL;
}

/* A matrix that may be W: it takes `dim` features, unless there are at most two arrays; with_bias: only one that has a
 * bias. *found: how many there are; names: which. */
static const struct arr *find_weight(const struct arr_set *s, size_t dim, bool with_bias, size_t *found,
				     struct err *names)
{
	const struct arr *w = NULL;

	*found = 0;
	*names->text = '\0';
	for (size_t i = 0; i < s->n; i++) {
		const struct arr *a = &s->a[i];
		if (!is_float(a) || a->ndim != 2 || (a->shape[1] != dim && s->n > 2) || (with_bias && !bias_of(s, a)))
			continue;
		err_append(names, "%s'" ERR_NAME "'", *found ? ", " : "", a->name);
		w = a;
		++*found;
	}
	return w;
}

static int choose(struct arr_head *head, const struct arr_set *s, size_t dim, void (*say)(const char *text),
		  struct err *err)
{
	const struct arr *w, *b;
	struct err names = { 0 };
	size_t found;

	w = find_weight(s, dim, true, &found, &names);
	if (found == 0)
		w = find_weight(s, dim, false, &found, &names);
	if (found == 0)
		return err_fail(err, "holds no weights (classes, %zu), which the features go with", dim);
	if (found > 1)
		return err_fail(err,
				"%s could each be the last layer: write it alone to a file, as fc.weight and fc.bias",
				names.text);
	if (!(b = bias_of(s, w)))
		say("the last layer has no bias: zeros are used");
	if (take(head, w, b, err) < 0)
		return -1;
	return head->dim == dim ?
		       0 :
		       err_fail(err, "a last layer of %zu features does not go with features of %zu", head->dim, dim);
}

int arr_head_read(struct arr_head *head, const char *paths, size_t dim, void (*say)(const char *text), struct err *err)
{
	char *copy = strdup(paths), *rest = copy, *path;
	struct arr_set s = { 0 };
	int rc = copy ? 0 : err_memory(err);

	*head = (struct arr_head){ 0 };
	while (rc == 0 && (path = strsep(&rest, ",")))
		rc = arr_read(&s, path, err);
	if (rc == 0)
		rc = choose(head, &s, dim, say, err);
	if (rc < 0)
		arr_head_release(head);
	arr_set_release(&s);
	free(copy);
	return rc < 0 && !err->memory ? err_prefix(err, "the last layer: ") : rc;
}

int arr_head_of(struct arr_head *head, const struct arr_set *s, struct err *err)
{
	const struct arr *w = arr_find(s, "fc.weight"), *b = arr_find(s, "fc.bias");

	*head = (struct arr_head){ 0 };
	if (!w || !b)
		return 0;
	if (!is_float(w) || !is_float(b) || w->ndim != 2)
		return err_fail(
			err,
			"'fc.weight' and 'fc.bias' are not a last layer, which is a matrix and a vector of floats");
	if (take(head, w, b, err) == 0)
		return 1;
	arr_head_release(head);
	return -1;
}

int arr_head_keep(const struct arr_head *head, struct ts_meta *meta, struct err *err)
{
	struct ts_tensor w = { .name = NULL }, b = { .name = NULL };
	const enum ts_type type = head->wide ? TS_F64 : TS_F32;
	const size_t shape[] = { head->classes, head->dim };
	int rc = ts_tensor_init(&w, "fc.weight", type, 2, shape);

	if (rc == 0)
		rc = ts_tensor_init(&b, "fc.bias", type, 1, shape);
	for (size_t i = 0; rc == 0 && i < head->classes * head->dim; i++)
		if (head->wide)
			((double *)w.data)[i] = head->weight[i];
		else
			((float *)w.data)[i] = (float)head->weight[i];
	for (size_t i = 0; rc == 0 && i < head->classes; i++)
		if (head->wide)
			((double *)b.data)[i] = head->bias[i];
		else
			((float *)b.data)[i] = (float)head->bias[i];
	if (rc == 0)
		rc = ts_meta_set_tensor(meta, "fc.weight", &w) < 0 ? -1 : ts_meta_set_tensor(meta, "fc.bias", &b);
	ts_tensor_release(&w);
	ts_tensor_release(&b);
	return rc < 0 ? err_memory(err) : 0;
}

void arr_head_logits(const struct arr_head *head, const double *x, double *out)
{
	for (size_t c = 0; c < head->classes; c++) {
		const double *w = head->weight + c * head->dim;
		double sum = head->bias[c];

		for (size_t d = 0; d < head->dim; d++)
			sum += w[d] * x[d];
		out[c] = sum;
	}
}
