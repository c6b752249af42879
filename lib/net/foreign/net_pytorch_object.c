/* SPDX-License-Identifier: MIT
 * What a PyTorch pickle means: storages, tensors that look into them, and where the state is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_pytorch_internal.h"

const struct pickle_name torch_names[] = { PICKLE_NUMPY,
					   { "numpy.core.multiarray scalar", PICKLE_MAKES_OBJECT },
					   { "numpy._core.multiarray scalar", PICKLE_MAKES_OBJECT },
					   { "collections OrderedDict", PICKLE_MAKES_DICT },
					   { "collections defaultdict", PICKLE_MAKES_DICT },
					   { "collections Counter", PICKLE_MAKES_DICT },
					   { "builtins dict", PICKLE_MAKES_NOTHING },
					   { "__builtin__ dict", PICKLE_MAKES_NOTHING },
					   { "builtins set", PICKLE_MAKES_LIST },
					   { "__builtin__ set", PICKLE_MAKES_LIST },
					   { "argparse Namespace", PICKLE_MAKES_OBJECT },
					   { "torch Size", PICKLE_MAKES_LIST },
					   { "torch device", PICKLE_MAKES_OBJECT },
					   { "torch Tensor", PICKLE_MAKES_NOTHING },
					   { "torch.nn.parameter Parameter", PICKLE_MAKES_NOTHING },
					   { "torch._utils _rebuild_tensor", PICKLE_MAKES_OBJECT },
					   { "torch._utils _rebuild_tensor_v2", PICKLE_MAKES_OBJECT },
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
					   { "torch float32", PICKLE_MAKES_NOTHING },
					   { "torch float64", PICKLE_MAKES_NOTHING },
					   { "torch float16", PICKLE_MAKES_NOTHING },
					   { "torch bfloat16", PICKLE_MAKES_NOTHING },
					   { "torch int64", PICKLE_MAKES_NOTHING },
					   { "torch int32", PICKLE_MAKES_NOTHING },
					   { "torch uint8", PICKLE_MAKES_NOTHING },
					   { "torch bool", PICKLE_MAKES_NOTHING },
					   { 0 } };

static const struct {
	const char *name;
	enum net_elem elem;
} storage_types[] = {
	{ "torch DoubleStorage", NET_E_F64 },
	{ "torch FloatStorage", NET_E_F32 },
	{ "torch HalfStorage", NET_E_F16 },
	{ "torch BFloat16Storage", NET_E_BF16 },
	{ "torch LongStorage", NET_E_I64 },
	{ "torch IntStorage", NET_E_I32 },
	{ "torch ShortStorage", NET_E_I16 },
	{ "torch CharStorage", NET_E_I8 },
	{ "torch ByteStorage", NET_E_U8 },
	{ "torch BoolStorage", NET_E_BOOL },
	{ "torch.storage UntypedStorage", NET_E_U8 },
	{ "torch.storage _UntypedStorage", NET_E_U8 },
};

/* ---- storages ---- */

/* Takes ("storage", type, key, device, elements, view?) apart; *first: where a view of old files begins. */
static int read_id(const struct pickle_value *id, struct torch_storage *s, size_t *first)
{
	const struct pickle_value *t = id->type == PICKLE_PERSISTENT ? id->item[0] : NULL, *view;
	size_t i = 0;

	if (!t || t->type != PICKLE_LIST || t->n < 5 || t->n > 6 || !pickle_is(t->item[0], "storage") ||
	    t->item[1]->type != PICKLE_NAME || t->item[2]->type != PICKLE_STR || t->item[2]->n > 64 ||
	    t->item[4]->type != PICKLE_INT || t->item[4]->i < 0)
		return -1;
	while (i < sizeof storage_types / sizeof *storage_types && strcmp(storage_types[i].name, t->item[1]->s) != 0)
		i++;
	if (i == sizeof storage_types / sizeof *storage_types)
		return -1;
	*s = (struct torch_storage){ t->item[2]->s,         t->item[2]->n, storage_types[i].elem,
				     (size_t)t->item[4]->i, false,         false };
	*first = 0;
	view = t->n == 6 ? t->item[5] : NULL;
	if (view && view->type == PICKLE_LIST) {
		if (view->n != 3 || view->item[1]->type != PICKLE_INT || view->item[1]->i < 0)
			return -1;
		*first = (size_t)view->item[1]->i;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct torch_storage *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int read_storages(struct torch_object *o, const struct pickle *k, struct err *err)
{
	size_t n = 0, first, kept = 0;

	while (pickle_persistent(k, n))
		n++;
	o->storages = calloc(n + 1, sizeof *o->storages);
	if (!o->storages)
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		if (read_id(pickle_persistent(k, i), &o->storages[i], &first) < 0)
			return err_fail(err, "a persistent id that is not a storage of numbers");
	qsort(o->storages, n, sizeof *o->storages, by_key);
	for (size_t i = 0; i < n; i++) {
		struct torch_storage *s = kept ? &o->storages[kept - 1] : NULL;
		const struct torch_storage *next = &o->storages[i];

		if (!s || by_key(s, next) != 0)
			o->storages[kept++] = *next;
		else if (s->elem != next->elem || s->numel != next->numel)
			return err_fail(err, "two storages of one key");
	}
	o->n_storages = kept;
	return 0;
}

struct torch_storage *torch_object_find(const struct torch_object *o, const char *key, size_t len)
{
	const struct torch_storage want = { .key = key, .key_len = len };
	return o->n_storages ? bsearch(&want, o->storages, o->n_storages, sizeof want, by_key) : NULL;
}

/* ---- tensors ---- */

/* The arguments (storage, offset, size, stride...) of a tensor, or NULL: it is none. */
static const struct pickle_value *tensor_args(const struct pickle_value *v)
{
	for (int depth = 0; depth < 4 && v->type == PICKLE_OBJECT; depth++) {
		const struct pickle_value *a = v->item[0];

		if (strncmp(v->s, "torch._utils _rebuild_tensor", 28) == 0)
			return a->n >= 4 ? a : NULL;
		if (strcmp(v->s, "torch._tensor _rebuild_from_type_v2") == 0)
			return a->n >= 3 && a->item[0]->type == PICKLE_NAME &&
					       strncmp(a->item[0]->s, "torch._utils _rebuild_tensor", 28) == 0 &&
					       a->item[2]->type == PICKLE_LIST && a->item[2]->n >= 4 ?
				       a->item[2] :
				       NULL;
		if (strncmp(v->s, "torch._utils _rebuild_parameter", 31) != 0 || a->n < 1)
			return NULL;
		v = a->item[0];
	}
	return NULL;
}

static int read_view(const struct torch_object *o, const struct pickle_value *name, const struct pickle_value *a,
		     struct torch_view *t, struct err *err)
{
	const struct pickle_value *size = a->item[2], *stride = a->item[3];
	struct torch_storage s, *have;
	struct net_view *v = &t->v;

	if (net_view_name(v, name->s, name->n, err) < 0)
		return -1;
	if (read_id(a->item[0], &s, &v->offset) < 0 || a->item[1]->type != PICKLE_INT || a->item[1]->i < 0 ||
	    __builtin_add_overflow(v->offset, (size_t)a->item[1]->i, &v->offset) || size->type != PICKLE_LIST ||
	    stride->type != PICKLE_LIST || size->n != stride->n || size->n > TS_MAX_DIMS)
		return err_fail(err, "tensor '%.100s' is not described as one (offset, size, stride)", v->name);
	have = torch_object_find(o, s.key, s.key_len);
	have->used = true;
	t->storage = (size_t)(have - o->storages);
	v->elem = have->elem;
	v->ndim = (int)size->n;
	for (size_t i = 0; i < size->n; i++) {
		if (size->item[i]->type != PICKLE_INT || size->item[i]->i < 0 || stride->item[i]->type != PICKLE_INT ||
		    stride->item[i]->i < 0)
			return err_fail(err,
					"tensor '%.100s' has a size or a stride that is not a number "
					"from 0 on",
					v->name);
		v->shape[i] = (size_t)size->item[i]->i;
		v->stride[i] = (size_t)stride->item[i]->i;
	}
	return net_view_check(v, have->numel, err);
}

static size_t count_tensors(const struct pickle_value *dict)
{
	size_t n = 0;

	for (size_t i = 0; dict && dict->type == PICKLE_DICT && i + 1 < dict->n; i += 2)
		n += dict->item[i]->type == PICKLE_STR && tensor_args(dict->item[i + 1]) != NULL;
	return n;
}

/* The dictionary of tensors: under `key`, under a usual key, or the root. */
static const struct pickle_value *find_state(const struct pickle_value *root, const char *key, struct net_foreign *f,
					     struct err *err)
{
	static const char *const usual[] = { "state_dict",     "model_state_dict", "model",     "net",
					     "network",        "module",           "params",    "weights",
					     "ema_state_dict", "state_dict_ema",   "model_ema", "ema" };
	const struct pickle_value *found = NULL;

	if (key) {
		snprintf(f->key, sizeof f->key, "%.60s", key);
		if (count_tensors(found = pickle_get(root, key)))
			return found;
		err_fail(err, "has no dictionary of tensors under the key '%.60s'", key);
		return NULL;
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		const struct pickle_value *v = pickle_get(root, usual[i]);

		if (!count_tensors(v))
			continue;
		if (found)
			snprintf(strchr(f->others, '\0'), sizeof f->others - strlen(f->others), " %s", usual[i]);
		else
			snprintf(f->key, sizeof f->key, "%s", usual[i]);
		found = found ? found : v;
	}
	if (!found && count_tensors(root))
		found = root;
	if (!found)
		err_fail(err, "holds no dictionary of tensors, neither by itself nor under a usual key "
			      "(state_dict, model, net...)");
	return found;
}

/* The training dictionary's numbers and short texts: epoch, arch, best_acc1... */
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

int torch_object_read(struct torch_object *o, const struct pickle *k, const char *key, struct net_foreign *f,
		      struct err *err)
{
	const struct pickle_value *state;

	if (read_storages(o, k, err) < 0 || !(state = find_state(pickle_root(k), key, f, err)))
		return -1;
	if (count_tensors(state) > TS_MAX_FIELDS)
		return err_fail(err, "holds more than 8192 tensors");
	o->views = calloc(count_tensors(state), sizeof *o->views);
	if (!o->views || read_meta(pickle_root(k), &f->meta) < 0)
		return err_memory(err);
	for (size_t i = 0; i + 1 < state->n; i += 2) {
		const struct pickle_value *a = tensor_args(state->item[i + 1]);

		if (state->item[i]->type != PICKLE_STR || !a)
			f->skipped++;
		else if (read_view(o, state->item[i], a, &o->views[o->n_views], err) < 0)
			return -1;
		else
			o->n_views++;
	}
	return 0;
}

int torch_object_fill(struct torch_object *o, struct torch_storage *s, const unsigned char *data, struct net_foreign *f,
		      struct err *err)
{
	if (s->done)
		return err_fail(err, "a storage is there twice");
	s->done = true;
	for (size_t i = 0; s->used && i < o->n_views; i++)
		if (&o->storages[o->views[i].storage] == s && net_foreign_add(f, &o->views[i].v, data, err) < 0)
			return -1;
	return 0;
}

int torch_object_finish(struct torch_object *o, struct net_foreign *f, struct err *err)
{
	for (size_t i = 0; i < o->n_views; i++) {
		const struct torch_view *t = &o->views[i];
		struct torch_storage *s = &o->storages[t->storage];
		struct ts_tensor *have, swap;

		if (!s->done && s->numel)
			return err_fail(err, "the numbers of tensor '%.100s' are missing (storage '%.*s')", t->v.name,
					(int)s->key_len, s->key);
		if (!s->done && torch_object_fill(o, s, (const unsigned char *)"", f, err) < 0)
			return -1;
		have = ts_set_get(&f->state, t->v.name);
		swap = *have;
		*have = f->state.t[i];
		f->state.t[i] = swap;
	}
	return 0;
}

void torch_object_release(struct torch_object *o)
{
	free(o->storages);
	free(o->views);
	*o = (struct torch_object){ 0 };
}
