/* SPDX-License-Identifier: MIT
 * Arrays as columns: assigns roles. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arr/arr_import_internal.h"

const char *const arr_roles[] = { "features", "logits", "label", "name", "pred" };

void arr_import_say(const struct arr_import *im, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	im->o->say(text);
}

/* ---- the roles of arrays ----------------------------------------------------------------------- */

/* Can the array have this role, judging by its type and dimensions? */
static bool may_be(const struct arr *a, enum arr_role role)
{
	if (role == ARR_NAME)
		return arr_is_text(a) && (a->ndim == 1 || (a->ndim == 2 && a->shape[1] == 1));
	if (role == ARR_FEATURES || role == ARR_LOGITS)
		return (arr_is_number(a) && a->ndim >= 2) || a->why; /* the user is told why it cannot */
	return arr_is_number(a) && a->ndim >= 1;
}

/* In streams true-label is a column of its own beside label, and no other label. */
static bool is_another(const struct arr_set *s, const char *name, enum arr_role role)
{
	return strcmp(name, arr_roles[role]) != 0 && ts_usual_type(name) >= 0 && arr_find(s, arr_roles[role]);
}

static int not_there(const struct arr_import *im, const char *name, struct err *err)
{
	err_fail(err, "no array is named '" ERR_NAME "'; the arrays are:", name);
	for (size_t i = 0; i < im->s->n && i < 30; i++)
		err_append(err, " " ERR_NAME, im->s->a[i].name);
	return -1;
}

/* pred_confidence is a score, and no class: some of its numbers are not whole. What is called pred and nothing else is
 * one anyway, and refused for such a number. */
static bool is_no_class(const struct arr *a)
{
	for (size_t i = 0; !arr_is_called(a->name, ARR_PRED) && i < arr_count(a); i++) {
		const double v = arr_number(a, i);
		if (isfinite(v) && v != floor(v))
			return true;
	}
	return false;
}

static int find_role(struct arr_import *im, enum arr_role role, struct err *err)
{
	const struct arr_set *s = im->s;
	const char *asked = im->o->role[role];
	const struct arr **found = &im->role[role];

	if (asked)
		return (*found = arr_find(s, asked)) ? 0 : not_there(im, asked, err);
	for (size_t i = 0; i < s->n; i++) {
		if (!arr_may_be_called(s->a[i].name, role) || !may_be(&s->a[i], role))
			continue;
		if (is_another(s, s->a[i].name, role) || (role == ARR_PRED && is_no_class(&s->a[i])))
			continue;
		if (*found)
			return err_fail(err,
					"'" ERR_NAME "' and '" ERR_NAME "' could both be the %s: choose with --%s NAME",
					(*found)->name, s->a[i].name, arr_roles[role], arr_roles[role]);
		*found = &s->a[i];
	}
	return 0;
}

/* Nothing that was looked for is there. What is named is the first that could not be read, or else that is no numbers:
 * it may be it. */
static int none_found(const struct arr_import *im, const char *what, struct err *err)
{
	const struct arr *other = NULL;
	char text[ARR_TEXT];

	err_fail(err, "%s", what);
	for (size_t i = im->s->n; i-- > 0;) {
		const struct arr *a = &im->s->a[i];
		if (a->why || (a->kind == ARR_OTHER && !(other && other->why)))
			other = a;
	}
	if (other)
		err_append(err, "; '" ERR_NAME "' is %s", other->name, arr_describe(other, text));
	return -1;
}

/* The only matrix is the features, if nothing says otherwise; beside logits, the only one with as many rows. */
static void guess_features(struct arr_import *im)
{
	const struct arr *only = NULL, *logits = im->role[ARR_LOGITS];

	for (size_t i = 0; i < im->s->n; i++) {
		const struct arr *a = &im->s->a[i];
		if (!arr_is_number(a) || a->ndim < 2 || a == logits || arr_row(a) < 2 ||
		    (logits && a->shape[0] != logits->shape[0]))
			continue;
		if (only)
			return;
		only = a;
	}
	if (only)
		arr_import_say(im, "'" ERR_NAME "' is taken for the features (--features)", only->name);
	im->role[ARR_FEATURES] = only;
}

static int find_roles(struct arr_import *im, struct err *err)
{
	for (enum arr_role r = 0; r < ARR_ROLES; r++)
		if (find_role(im, r, err) < 0)
			return -1;
	im->scores = im->o->kind && strcmp(im->o->kind, "scores") == 0;
	if (im->scores) {
		im->role[ARR_FEATURES] = im->role[ARR_LOGITS] = NULL;
		return 0;
	}
	im->role[ARR_PRED] = NULL;
	if (!im->role[ARR_FEATURES])
		guess_features(im);
	if (im->role[ARR_FEATURES] || im->role[ARR_LOGITS])
		return 0;
	if (im->o->kind)
		return none_found(
			im, "found no array of features or logits; name it with --features NAME or --logits NAME", err);
	im->scores = true;
	return find_role(im, ARR_PRED, err);
}

/* ---- columns ----------------------------------------------------------------------------------- */

static int add_column(struct arr_import *im, struct ts_header *h, const struct arr *a, const char *name,
		      enum ts_type type, size_t n, struct err *err)
{
	const bool vector = n > 0;
	char text[ARR_TEXT];

	if (a && a->shape[0] != im->rows && im->n_c > 0)
		return err_fail(err, "'" ERR_NAME "' is %s, but '%s' has %zu rows", a->name, arr_describe(a, text),
				im->c[0].name, im->rows);
	if (im->n_c == TS_MAX_FIELDS)
		return err_fail(err, "more than %d columns", TS_MAX_FIELDS);
	if (ts_header_field(h, name) || strcmp(name, "end") == 0 || strcmp(name, "unmask") == 0)
		return err_fail(err, "'" ERR_NAME "' cannot name another column: it is taken or reserved", name);
	if (ts_header_add(h, name, type, vector, vector ? &n : NULL) < 0)
		return err_memory(err);
	if (im->n_c == 0)
		im->rows = a->shape[0];
	im->c[im->n_c] = (struct column){ .from = a, .name = h->fields[h->n_fields - 1].name, .type = type };
	im->c[im->n_c].n = vector ? n : 1;
	if (a && type == TS_STR && !(im->c[im->n_c].buf = malloc(arr_string_size(a))))
		return err_memory(err);
	im->n_c++;
	return 0;
}

/* Features and logits: (n,D), or (n,D,1,1). */
static int add_vectors(struct arr_import *im, struct ts_header *h, enum arr_role role, struct err *err)
{
	const struct arr *a = im->role[role];
	const char *odd;
	char text[ARR_TEXT];

	if (!a)
		return 0;
	if (!arr_is_number(a))
		return err_fail(err, "'" ERR_NAME "' is %s, where %s are numbers", a->name, arr_describe(a, text),
				arr_roles[role]);
	if (a->ndim < 2 || a->shape[1] == 0 || arr_row(a) != a->shape[1] || a->shape[0] == 0)
		return err_fail(err, "'" ERR_NAME "' is %s, where %s are a vector per row, (rows, numbers)%s", a->name,
				arr_describe(a, text), arr_roles[role],
				a->ndim > 2 ? "; of maps take the mean over their pixels" : "");
	if (role == ARR_LOGITS && a->shape[1] < 2)
		return err_fail(err, "'" ERR_NAME "' is %s, where logits are of two classes or more", a->name,
				arr_describe(a, text));
	if (role == ARR_LOGITS && (odd = arr_logits_odd(a)))
		arr_import_say(im, "'" ERR_NAME "' %s", a->name, odd);
	return add_column(im, h, a, arr_roles[role], TS_F32, a->shape[1], err);
}

static bool is_one_a_row(const struct arr *a)
{
	return a->ndim >= 1 && a->shape[0] > 0 && arr_row(a) == 1;
}

/* May the array be the column of this name, in which streams have one text, or one whole number, per row? */
static bool is_usual(const struct arr *a, const char *name)
{
	return (ts_usual_type(name) == TS_STR ? arr_is_text(a) : arr_is_number(a)) && is_one_a_row(a);
}

/* Adds the array as a column of which ts_usual_type() knows the type. */
static int add_usual(struct arr_import *im, struct ts_header *h, const struct arr *a, const char *name, struct err *err)
{
	const bool text = ts_usual_type(name) == TS_STR;
	char is[ARR_TEXT];

	if (!is_usual(a, name))
		return err_fail(err, "'" ERR_NAME "' is %s, where a %s is one %s per row%s", a->name,
				arr_describe(a, is), name, text ? "text" : "whole number",
				!text && arr_is_number(a) ? "; of one-hot rows take argmax(1)" : "");
	return add_column(im, h, a, name, text ? TS_STR : TS_I64, 0, err);
}

static int add_single(struct arr_import *im, struct ts_header *h, enum arr_role role, struct err *err)
{
	return im->role[role] ? add_usual(im, h, im->role[role], arr_roles[role], err) : 0;
}

/* The type that holds all of an array's numbers; scores are floats. */
static enum ts_type type_of(const struct arr_import *im, const struct arr *a)
{
	if (arr_is_text(a))
		return TS_STR;
	if (a->kind == ARR_FLOAT)
		return a->size == 8 ? TS_F64 : a->size == 2 ? TS_F16 : TS_F32;
	if (a->kind == ARR_BFLOAT)
		return TS_F32;
	return im->scores ? TS_F64 : TS_I64;
}

static bool is_used(const struct arr_import *im, const struct arr *a)
{
	for (size_t i = 0; i < im->n_c; i++)
		if (im->c[i].from == a)
			return true;
	for (size_t r = 0; r < ARR_ROLES; r++)
		if (im->role[r] == a)
			return true;
	return im->head.weight && (strcmp(a->name, "fc.weight") == 0 || strcmp(a->name, "fc.bias") == 0);
}

static int add_further(struct arr_import *im, struct ts_header *h, const struct arr *a, struct err *err)
{
	char text[ARR_TEXT];

	if (ts_usual_type(a->name) >= 0)
		return add_usual(im, h, a, a->name, err);
	if (a->kind == ARR_OTHER || a->ndim == 0 || a->ndim > 2 || a->shape[0] == 0 || arr_row(a) == 0 ||
	    (arr_is_text(a) && !is_one_a_row(a)) || (im->scores && !is_one_a_row(a)))
		return err_fail(err, "'" ERR_NAME "' is %s, which is not a column of %s", a->name,
				arr_describe(a, text), im->scores ? "scores" : "features");
	return add_column(im, h, a, a->name, type_of(im, a), a->ndim == 2 && !im->scores ? a->shape[1] : 0, err);
}

/* Is the column of this name another array's, as --label and the like may say? */
static bool is_taken(const struct arr_import *im, const char *name)
{
	for (enum arr_role r = 0; r < ARR_ROLES; r++)
		if (im->role[r] && strcmp(arr_roles[r], name) == 0)
			return true;
	return false;
}

/* Whole numbers that only say which row it is, as image_id and row; pandas calls them __index_level_0__ in Parquet. */
static bool is_row_number(const struct arr *a)
{
	static const char *const last[] = { "id", "idx", "index", "row", NULL };

	if (!arr_ends_with_word(a->name, last) && strcmp(a->name, "__index_level_0__") != 0)
		return false;
	for (size_t i = 0; i < arr_count(a); i++)
		if (arr_number(a, i) != floor(arr_number(a, i)))
			return false;
	return true;
}

/* May it be a column although it was not named? */
static bool is_further(const struct arr_import *im, const struct arr *a)
{
	if (is_used(im, a) || a->kind == ARR_OTHER || a->ndim == 0 || (im->n_c > 0 && a->shape[0] != im->rows))
		return false;
	if (ts_usual_type(a->name) >= 0)
		return is_usual(a, a->name) && !is_taken(im, a->name);
	if (im->scores)
		return arr_is_number(a) && is_one_a_row(a) && !arr_is_called(a->name, ARR_NAME) && !is_row_number(a);
	return a->ndim <= 2 && arr_row(a) > 0;
}

static int add_columns(struct arr_import *im, struct ts_header *h, struct err *err)
{
	const char *list = im->o->columns ? im->o->columns : im->scores ? "all" : "";
	char *copy, *rest, *name;
	int rc = 0;

	if (strcmp(list, "all") == 0) {
		for (size_t i = 0; i < im->s->n && rc == 0; i++)
			if (is_further(im, &im->s->a[i]))
				rc = add_further(im, h, &im->s->a[i], err);
		return rc;
	}
	if (!(rest = copy = strdup(list)))
		return err_memory(err);
	while (rc == 0 && *list && (name = strsep(&rest, ","))) {
		const struct arr *a = arr_find(im->s, name);
		rc = a ? add_further(im, h, a, err) : not_there(im, name, err);
	}
	free(copy);
	return rc;
}

static bool has_scores(const struct arr_import *im)
{
	for (size_t i = 0; i < im->n_c; i++)
		if (ts_usual_type(im->c[i].name) < 0)
			return true;
	return false;
}

/* Labels that are text, or of which some are missing, are easily overlooked among the arrays that are left out. */
static void say_no_labels(const struct arr_import *im)
{
	char text[ARR_TEXT];

	for (size_t i = 0; i < im->s->n && !im->role[ARR_LABEL]; i++) {
		const struct arr *a = &im->s->a[i];
		if (!is_used(im, a) && !arr_is_number(a) && arr_may_be_called(a->name, ARR_LABEL)) {
			arr_import_say(im,
				       "no labels: '" ERR_NAME
				       "' is %s; a label is the number of a class, from 0 in the order of "
				       "the logits, or -1 where there is none",
				       a->name, arr_describe(a, text));
			return;
		}
	}
}

static void say_unused(const struct arr_import *im)
{
	struct err list = { 0 };
	char text[ARR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < im->s->n; i++)
		if (!is_used(im, &im->s->a[i]) && n++ < 20)
			err_append(&list, "%s'" ERR_NAME "' %s", n > 1 ? ", " : "", im->s->a[i].name,
				   arr_describe(&im->s->a[i], text));
	if (n)
		arr_import_say(im, "left out: %s%s", list.text, n > 20 ? " and more" : "");
}

/* ---- the last layer ---------------------------------------------------------------------------- */

void arr_import_logits(struct arr_import *im, size_t i, double *out)
{
	for (size_t d = 0; d < im->head.dim; d++)
		im->x[d] = (double)(float)arr_number(im->role[ARR_FEATURES], i * im->head.dim + d);
	arr_head_logits(&im->head, im->x, out);
}

/* Existing logits must be those of the layer: weights of another model, or features from before a missing layer, would
 * give scores that are wrong and look right. */
static int check_logits(struct arr_import *im, struct err *err)
{
	const size_t C = im->head.classes;
	double *own = malloc(C * sizeof *own), worst = 0;
	size_t row = 0;

	if (!own)
		return err_memory(err);
	for (size_t i = 0; i < im->rows && i < 64; i++) {
		arr_import_logits(im, i, own);
		for (size_t c = 0; c < C; c++) {
			const double have = arr_number(im->role[ARR_LOGITS], i * C + c);
			const double off = fabs(have - own[c]) / (1 + fabs(have));
			row = off > worst ? i : row;
			worst = off > worst ? off : worst;
		}
	}
	if (worst > 0.02)
		arr_import_say(im,
			       "the logits are not those of the last layer and the features (row %zu is off by %.2g of "
			       "itself): "
			       "are all three of one model, and the features what its last layer gets?",
			       row, worst);
	free(own);
	return 0;
}

static int take_head(struct arr_import *im, struct ts_header *h, struct err *err)
{
	const struct arr *x = im->role[ARR_FEATURES], *logits = im->role[ARR_LOGITS];
	int rc;

	if (im->o->head && !x)
		return err_fail(err, "a last layer needs features, and no array holds any");
	rc = im->o->head ? arr_head_read(&im->head, im->o->head, x->shape[1], im->o->say, err) :
	     x           ? arr_head_of(&im->head, im->s, err) :
			   0;
	if (rc < 0 || !im->head.weight)
		return rc;
	if (im->head.dim != x->shape[1] || (logits && logits->shape[1] != im->head.classes))
		return err_fail(err, "a last layer of %zu classes and %zu features does not go with the arrays",
				im->head.classes, im->head.dim);
	if (!(im->x = malloc(im->head.dim * sizeof *im->x)))
		return err_memory(err);
	if (logits && check_logits(im, err) < 0)
		return -1;
	return arr_head_keep(&im->head, &h->meta, err);
}

/* Without logits nothing else gives the number of classes. */
static int set_classes(struct arr_import *im, struct ts_header *h, struct err *err)
{
	const struct arr *y = im->role[ARR_LABEL];
	int64_t v, most = (int64_t)im->o->classes;

	if (im->scores || !y || ts_header_field(h, "logits"))
		return 0;
	for (size_t i = 0; i < im->rows && !im->o->classes; i++)
		if (arr_whole(y, i, &v) && v >= most && v < INT32_MAX)
			most = v + 1;
	return most > 0 && ts_meta_set_int(&h->meta, "n_classes", most) < 0 ? err_memory(err) : 0;
}

static int make(struct arr_import *im, struct ts_header *h, struct err *err)
{
	if (find_roles(im, err) < 0)
		return -1;
	ts_header_init(h, im->scores ? "scores" : "features");
	if (!im->scores) {
		if (add_vectors(im, h, ARR_FEATURES, err) < 0 || add_vectors(im, h, ARR_LOGITS, err) < 0 ||
		    take_head(im, h, err) < 0)
			return -1;
		if (im->head.weight && !im->role[ARR_LOGITS] &&
		    add_column(im, h, NULL, "logits", TS_F32, im->head.classes, err) < 0)
			return -1;
	}
	if (im->scores && add_columns(im, h, err) < 0)
		return -1;
	if (im->scores && !has_scores(im))
		return none_found(im, "no array holds numbers to take as features, logits or scores", err);
	if (add_single(im, h, ARR_PRED, err) < 0 || add_single(im, h, ARR_LABEL, err) < 0 ||
	    add_single(im, h, ARR_NAME, err) < 0 || (!im->scores && add_columns(im, h, err) < 0))
		return -1;
	if (set_classes(im, h, err) < 0)
		return -1;
	say_no_labels(im);
	say_unused(im);
	return 0;
}

int arr_import_new(struct arr_import **ret, struct ts_header *h, const struct arr_set *s, const struct arr_options *o,
		   struct err *err)
{
	struct arr_import *im = *ret = calloc(1, sizeof *im);

	if (!im || !(im->c = calloc(TS_MAX_FIELDS, sizeof *im->c)))
		return err_memory(err);
	im->s = s;
	im->o = o;
	return make(im, h, err);
}

void arr_import_free(struct arr_import *im)
{
	if (!im)
		return;
	for (size_t i = 0; i < im->n_c; i++)
		free(im->c[i].buf);
	arr_head_release(&im->head);
	free(im->x);
	free(im->c);
	free(im);
}

size_t arr_import_rows(const struct arr_import *im)
{
	return im->rows;
}
