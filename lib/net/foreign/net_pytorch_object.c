/* SPDX-License-Identifier: MIT
 * The contents of a PyTorch pickle: storages, and the tensors that are views of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_pytorch_internal.h"

/* The meaning of the names that are known here; any other creates an inert object. */
const struct pickle_name pytorch_names[] = { PICKLE_NUMPY,
					     { "collections OrderedDict", PICKLE_MAKES_DICT },
					     { "collections defaultdict", PICKLE_MAKES_DICT },
					     { "collections Counter", PICKLE_MAKES_DICT },
					     { "builtins dict", PICKLE_MAKES_DICT },
					     { "__builtin__ dict", PICKLE_MAKES_DICT },
					     { "builtins set", PICKLE_MAKES_LIST },
					     { "__builtin__ set", PICKLE_MAKES_LIST },
					     { "builtins list", PICKLE_MAKES_LIST },
					     { "__builtin__ list", PICKLE_MAKES_LIST },
					     { "argparse Namespace", PICKLE_MAKES_OBJECT },
					     { "torch Size", PICKLE_MAKES_LIST },
					     { "torch device", PICKLE_MAKES_OBJECT },
					     { "torch Tensor", PICKLE_MAKES_NOTHING },
					     { "torch.nn.parameter Parameter", PICKLE_MAKES_NOTHING },
					     { "torch._utils _rebuild_tensor", PICKLE_MAKES_OBJECT },
					     { "torch._utils _rebuild_tensor_v2", PICKLE_MAKES_OBJECT },
					     { "torch._utils _rebuild_tensor_v3", PICKLE_MAKES_OBJECT },
					     { "torch._utils _rebuild_parameter", PICKLE_MAKES_OBJECT },
					     { "torch._utils _rebuild_parameter_with_state", PICKLE_MAKES_OBJECT },
					     { "torch._tensor _rebuild_from_type_v2", PICKLE_MAKES_OBJECT },
					     { "torch DoubleStorage", PICKLE_MAKES_NOTHING },
					     { "torch FloatStorage", PICKLE_MAKES_NOTHING },
					     { "torch HalfStorage", PICKLE_MAKES_NOTHING },
					     { "torch BFloat16Storage", PICKLE_MAKES_NOTHING },
					     { "torch LongStorage", PICKLE_MAKES_NOTHING },
					     { "torch IntStorage", PICKLE_MAKES_NOTHING },
					     { "torch ShortStorage", PICKLE_MAKES_NOTHING },
					     { "torch CharStorage", PICKLE_MAKES_NOTHING },
					     { "torch ByteStorage", PICKLE_MAKES_NOTHING },
					     { "torch BoolStorage", PICKLE_MAKES_NOTHING },
					     { "torch.storage UntypedStorage", PICKLE_MAKES_NOTHING },
					     { "torch.storage _UntypedStorage", PICKLE_MAKES_NOTHING },
					     PICKLE_OTHERS,
					     { 0 } };

static const struct {
	const char *name;
	enum net_elem elem;
	size_t size; /* bytes per element */
} storage_types[] = {
	{ "torch DoubleStorage", NET_E_F64, 8 },
	{ "torch FloatStorage", NET_E_F32, 4 },
	{ "torch HalfStorage", NET_E_F16, 2 },
	{ "torch BFloat16Storage", NET_E_BF16, 2 },
	{ "torch LongStorage", NET_E_I64, 8 },
	{ "torch IntStorage", NET_E_I32, 4 },
	{ "torch ShortStorage", NET_E_I16, 2 },
	{ "torch CharStorage", NET_E_I8, 1 },
	{ "torch ByteStorage", NET_E_U8, 1 },
	{ "torch BoolStorage", NET_E_BOOL, 1 },
	{ "torch.storage UntypedStorage", NET_E_U8, 1 },
	{ "torch.storage _UntypedStorage", NET_E_U8, 1 },
	/* A checkpoint cannot hold these; their sizes are needed to find what follows them. */
	{ "torch ComplexFloatStorage", NET_E_OTHER, 8 },
	{ "torch ComplexDoubleStorage", NET_E_OTHER, 16 },
	{ "torch QInt8Storage", NET_E_OTHER, 1 },
	{ "torch QUInt8Storage", NET_E_OTHER, 1 },
	{ "torch QInt32Storage", NET_E_OTHER, 4 },
};
enum { STORAGE_TYPES = sizeof storage_types / sizeof *storage_types };

/* ---- storages ---- */

/* Parses ("storage", type, key, device, elements, view?); *first: where a view begins (old files). */
static int read_id(const struct pickle_value *id, struct pytorch_storage *s, size_t *first)
{
	const struct pickle_value *t = id->type == PICKLE_PERSISTENT ? id->item[0] : NULL, *view;
	size_t i = 0;

	if (!t || t->type != PICKLE_LIST || t->n < 5 || t->n > 6 || !pickle_is(t->item[0], "storage") ||
	    t->item[1]->type != PICKLE_NAME || t->item[2]->type != PICKLE_STR || t->item[2]->n > 64 ||
	    t->item[4]->type != PICKLE_INT || t->item[4]->i < 0)
		return -1;
	while (i < STORAGE_TYPES && strcmp(storage_types[i].name, t->item[1]->s) != 0)
		i++;
	*s = (struct pytorch_storage){ .key = t->item[2]->s,
				       .key_len = t->item[2]->n,
				       .type = t->item[1]->s,
				       .elem = i < STORAGE_TYPES ? storage_types[i].elem : NET_E_OTHER,
				       .elem_size = i < STORAGE_TYPES ? storage_types[i].size : 0,
				       .numel = (size_t)t->item[4]->i };
	*first = 0;
	view = t->n == 6 ? t->item[5] : NULL;
	if (view && view->type == PICKLE_LIST) {
		if (view->n != 3 || view->item[1]->type != PICKLE_INT || view->item[1]->i < 0)
			return -1;
		*first = (size_t)view->item[1]->i;
	}
	return 0;
}

/* Is it the id of a module's class, as in files before PyTorch 1.6, with its source text? */
static bool is_module_id(const struct pickle_value *id)
{
	const struct pickle_value *t = id->item[0];

	return t->type == PICKLE_LIST && t->n == 4 && pickle_is(t->item[0], "module");
}

static int by_key(const void *a, const void *b)
{
	const struct pytorch_storage *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int read_storages(struct pytorch_object *o, const struct pickle *k, struct err *err)
{
	size_t n = 0, first, kept = 0;

	while (pickle_persistent(k, n))
		n++;
	o->storages = calloc(n + 1, sizeof *o->storages);
	if (!o->storages)
		return err_memory(err);
	n = 0;
	for (size_t i = 0; pickle_persistent(k, i); i++) {
		if (is_module_id(pickle_persistent(k, i)))
			continue;
		if (read_id(pickle_persistent(k, i), &o->storages[n++], &first) < 0)
			return err_fail(err, "a persistent id that is not a storage of numbers");
	}
	qsort(o->storages, n, sizeof *o->storages, by_key);
	for (size_t i = 0; i < n; i++) {
		struct pytorch_storage *s = kept ? &o->storages[kept - 1] : NULL;
		const struct pytorch_storage *next = &o->storages[i];

		if (!s || by_key(s, next) != 0)
			o->storages[kept++] = *next;
		else if (s->elem != next->elem || s->numel != next->numel)
			return err_fail(err, "two storages of one key");
	}
	o->n_storages = kept;
	return 0;
}

struct pytorch_storage *pytorch_object_find(const struct pytorch_object *o, const char *key, size_t len)
{
	const struct pytorch_storage want = { .key = key, .key_len = len };
	return o->n_storages ? bsearch(&want, o->storages, o->n_storages, sizeof want, by_key) : NULL;
}

/* ---- tensors ---- */

/* Why a tensor's numbers are not those in its storage, or NULL: (storage, offset, size, stride, grad, hooks, dtype) of
 * _rebuild_tensor_v3, whose storage holds bytes; or a last dictionary with "neg" or "conj". */
static const char *other_numbers(const struct pickle_value *a)
{
	const struct pickle_value *last = a->item[a->n - 1];

	if (a->n >= 7 && a->item[6]->type == PICKLE_NAME)
		return strrchr(a->item[6]->s, ' ') ? strrchr(a->item[6]->s, ' ') + 1 : a->item[6]->s;
	return a->n >= 7 && (pickle_get(last, "neg") || pickle_get(last, "conj")) ? "a negated view" : NULL;
}

/* Adds the view of a tensor. One that cannot be read is left out and noted in f, as it may not be needed. */
static int add_view(struct pytorch_object *o, const char *name, size_t len, const struct pickle_value *a,
		    struct net_foreign *f, struct err *err)
{
	const struct pickle_value *size = a->item[2], *stride = a->item[3];
	struct pytorch_view *t = &o->views[o->n_views];
	struct net_view *v = &t->v;
	struct pytorch_storage s, *have;
	const char *other;

	if (net_view_name(v, name, len, err) < 0)
		return -1;
	if (read_id(a->item[0], &s, &v->offset) < 0 || a->item[1]->type != PICKLE_INT || a->item[1]->i < 0 ||
	    __builtin_add_overflow(v->offset, (size_t)a->item[1]->i, &v->offset) || size->type != PICKLE_LIST ||
	    stride->type != PICKLE_LIST || size->n != stride->n || size->n > TS_MAX_DIMS)
		return err_fail(err, "tensor '" ERR_NAME "' is not described as one (offset, size, stride)", v->name);
	have = pytorch_object_find(o, s.key, s.key_len);
	other = other_numbers(a);
	if (!other && have->elem == NET_E_OTHER)
		other = strrchr(have->type, ' ') ? strrchr(have->type, ' ') + 1 : have->type;
	if (other) {
		net_foreign_leave(f, v->name, other);
		return 0;
	}
	have->used = true;
	t->storage = (size_t)(have - o->storages);
	v->elem = have->elem;
	v->ndim = (int)size->n;
	for (size_t i = 0; i < size->n; i++) {
		if (size->item[i]->type != PICKLE_INT || size->item[i]->i < 0 || stride->item[i]->type != PICKLE_INT ||
		    stride->item[i]->i < 0)
			return err_fail(err,
					"tensor '" ERR_NAME "' has a size or a stride that is not a number "
					"from 0 on",
					v->name);
		v->shape[i] = (size_t)size->item[i]->i;
		v->stride[i] = (size_t)stride->item[i]->i;
	}
	o->n_views++;
	return net_view_check(v, have->numel, err);
}

/* ---- the whole ---- */

/* Copies the training dictionary's numbers and short texts: epoch, arch, best_acc1... */
static int read_meta(const struct pickle_value *root, struct ts_meta *m)
{
	int rc = 0;

	for (size_t i = 0; root->type == PICKLE_DICT && i + 1 < root->n && m->n < 64 && rc == 0; i += 2) {
		const struct pickle_value *v = root->item[i + 1];
		char key[64], text[256];

		if (root->item[i]->type != PICKLE_STR || root->item[i]->n >= sizeof key)
			continue;
		snprintf(key, sizeof key, "%.*s", (int)root->item[i]->n, root->item[i]->s);
		if (v->type == PICKLE_INT)
			rc = ts_meta_set_int(m, key, v->i);
		else if (v->type == PICKLE_FLOAT)
			rc = ts_meta_set_double(m, key, v->f);
		else if (v->type == PICKLE_STR && v->n < sizeof text) {
			snprintf(text, sizeof text, "%.*s", (int)v->n, v->s);
			rc = ts_meta_set_str(m, key, text);
		}
	}
	return rc;
}

/* Lists the unknown names that the pickle would have called. */
static void say_unknown(const struct pickle *k, char *text, size_t size)
{
	for (size_t i = 0; pickle_unknown(k, i); i++) {
		const size_t at = strlen(text);

		snprintf(text + at, size - at, "%s%s", i ? ", " : "", pickle_unknown(k, i));
		for (char *c = text + at + (i ? 2 : 0); *c; c++)
			*c = *c == ' ' ? '.' : *c;
	}
}

static int add_one(struct pytorch_walk *w, const char *name, const struct pickle_value *args)
{
	return add_view(w->o, name, strlen(name), args, w->f, w->err);
}

int pytorch_object_read(struct pytorch_object *o, const struct pickle *k, const char *key, struct net_foreign *f,
			struct err *err)
{
	struct pytorch_walk w = { .each = add_one, .o = o, .f = f, .err = err };
	const struct pickle_value *state;

	say_unknown(k, f->unknown, sizeof f->unknown);
	if (read_storages(o, k, err) < 0)
		return -1;
	if (!(state = pytorch_find_state(pickle_root(k), key, f, err)))
		return *f->unknown ? err_append(err, "; nothing is called of what it names: %s", f->unknown) : -1;
	if (pytorch_count_state(state) > TS_MAX_FIELDS)
		return err_fail(err, "holds more than 8192 tensors");
	o->views = calloc(pytorch_count_state(state), sizeof *o->views);
	if (!o->views || read_meta(pickle_root(k), &f->meta) < 0)
		return err_memory(err);
	if (pytorch_module_state(state)) {
		snprintf(f->module, sizeof f->module, "%s", state->s);
		if (strchr(f->module, ' '))
			*strchr(f->module, ' ') = '.';
		return pytorch_walk_module(&w, pytorch_module_state(state), "", 0);
	}
	for (size_t i = 0; i + 1 < state->n; i += 2) {
		const struct pickle_value *a = pytorch_tensor_args(state->item[i + 1]);

		if (state->item[i]->type != PICKLE_STR || !a)
			f->skipped++;
		else if (add_view(o, state->item[i]->s, state->item[i]->n, a, f, err) < 0)
			return -1;
	}
	return 0;
}

int pytorch_object_fill(struct pytorch_object *o, struct pytorch_storage *s, const unsigned char *data,
			struct net_foreign *f, struct err *err)
{
	if (s->done)
		return err_fail(err, "a storage appears twice");
	s->done = true;
	for (size_t i = 0; s->used && i < o->n_views; i++)
		if (&o->storages[o->views[i].storage] == s && net_foreign_add(f, &o->views[i].v, data, err) < 0)
			return -1;
	return 0;
}

int pytorch_object_finish(struct pytorch_object *o, struct net_foreign *f, struct err *err)
{
	for (size_t i = 0; i < o->n_views; i++) {
		const struct pytorch_view *t = &o->views[i];
		struct pytorch_storage *s = &o->storages[t->storage];
		struct ts_tensor *have, swap;

		if (!s->done && s->numel)
			return err_fail(err, "the numbers of tensor '" ERR_NAME "' are missing (storage '%.*s')",
					t->v.name, (int)s->key_len, s->key);
		if (!s->done && pytorch_object_fill(o, s, (const unsigned char *)"", f, err) < 0)
			return -1;
		have = ts_set_get(&f->state, t->v.name);
		swap = *have;
		*have = f->state.t[i];
		f->state.t[i] = swap;
	}
	return 0;
}

void pytorch_object_release(struct pytorch_object *o)
{
	free(o->storages);
	free(o->views);
	*o = (struct pytorch_object){ 0 };
}
