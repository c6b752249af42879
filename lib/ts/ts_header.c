/* SPDX-License-Identifier: MIT
 * Headers: fields, history, and their record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <xxhash.h>

#include "ts/ts_internal.h"

static const char *const kinds[] = { "images", "features", "scores", "fit", "checkpoint" };

void ts_header_init(struct ts_header *h, const char *kind)
{
	*h = (struct ts_header){ 0 };
	snprintf(h->kind, sizeof h->kind, "%s", kind);
}

static void step_release(struct ts_step *s)
{
	free(s->tool);
	free(s->version);
	ts_strs_free(s->args, s->n_args);
	ts_strs_free(s->prev, s->n_prev);
	*s = (struct ts_step){ 0 };
}

void ts_header_release(struct ts_header *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_fields; i++)
		free(h->fields[i].name);
	free(h->fields);
	for (size_t i = 0; i < h->meta.n; i++) {
		free(h->meta.e[i].key);
		free(h->meta.e[i].bytes);
	}
	free(h->meta.e);
	for (size_t i = 0; i < h->n_history; i++)
		step_release(&h->history[i]);
	free(h->history);
	*h = (struct ts_header){ 0 };
}

bool ts_header_is_set(const struct ts_header *h)
{
	return strcmp(h->kind, "checkpoint") == 0 || strcmp(h->kind, "fit") == 0;
}

int ts_header_add_all(struct ts_header *h, const struct ts_header *from)
{
	for (size_t i = 0; i < from->n_fields; i++) {
		const struct ts_field *f = &from->fields[i];

		if (ts_header_add(h, f->name, f->type, f->ndim, f->shape) < 0)
			return -1;
	}
	return 0;
}

const struct ts_field *ts_header_field(const struct ts_header *h, const char *name)
{
	for (size_t i = 0; i < h->n_fields; i++)
		if (strcmp(h->fields[i].name, name) == 0)
			return &h->fields[i];
	return NULL;
}

static int check_field(const struct ts_header *h, const char *name, enum ts_type type, int ndim, const size_t *shape,
		       struct err *err)
{
	const size_t most = ts_header_is_set(h) ? TS_MAX_TENSOR : (size_t)TS_MAX_RECORD;
	size_t bytes = type == TS_STR ? 1 : ts_type_size(type);
	bool fits = true;

	if (!*name || strlen(name) > TS_MAX_NAME)
		return err_fail(err, "a field's name has from 1 to %d bytes", TS_MAX_NAME);
	if (strcmp(name, "end") == 0 || strcmp(name, "unmask") == 0)
		return err_fail(err, "no field may be called '%s'", name);
	if (ts_header_field(h, name))
		return err_fail(err, "field '" ERR_NAME "' appears twice", name);
	if (h->n_fields >= TS_MAX_FIELDS)
		return err_fail(err, "more than %d fields", TS_MAX_FIELDS);
	if (ndim < 0 || ndim >= TS_MAX_DIMS)
		return err_fail(err, "field '" ERR_NAME "' has %d dimensions, more than %d", name, ndim,
				TS_MAX_DIMS - 1);
	if (type == TS_STR && (ndim != 0 || ts_header_is_set(h)))
		return err_fail(err, "field '" ERR_NAME "' is strings, which %s", name,
				ndim ? "have no shape" : "are no tensor");
	for (int i = 0; i < ndim; i++) /* even a shape without elements may not have boundless sizes beside its 0 */
		fits = fits && ts_mul(bytes, shape[i] ? shape[i] : 1, &bytes) == 0;
	if (!fits || bytes > most)
		return err_fail(err, "field '" ERR_NAME "' has more than %zu bytes%s", name, most,
				ts_header_is_set(h) ? "" : " a row");
	return 0;
}

static int add(struct ts_header *h, const char *name, enum ts_type type, int ndim, const size_t *shape, struct err *err)
{
	struct ts_field *f;

	if (check_field(h, name, type, ndim, shape, err) < 0)
		return -1;
	f = realloc(h->fields, (h->n_fields + 1) * sizeof *f);
	if (!f)
		return err_memory(err);
	h->fields = f;
	f = &f[h->n_fields];
	*f = (struct ts_field){ .name = strdup(name), .type = type, .ndim = ndim };
	if (!f->name)
		return err_memory(err);
	for (int i = 0; i < ndim; i++)
		f->shape[i] = shape[i];
	h->n_fields++;
	return 0;
}

int ts_header_add(struct ts_header *h, const char *name, enum ts_type type, int ndim, const size_t *shape)
{
	struct err err;

	return add(h, name, type, ndim, shape, &err);
}

int ts_usual_type(const char *name)
{
	if (strcmp(name, "label") == 0 || strcmp(name, "true-label") == 0 || strcmp(name, "pred") == 0)
		return TS_I64;
	return strcmp(name, "name") == 0 ? TS_STR : -1;
}

int ts_header_check(const struct ts_header *h, struct err *err)
{
	for (size_t i = 0; i < h->n_fields && !ts_header_is_set(h); i++) {
		const struct ts_field *f = &h->fields[i];
		const int usual = ts_usual_type(f->name);

		if (usual >= 0 && (f->ndim != 0 || f->type != (enum ts_type)usual))
			return err_fail(err, "field '%s' has %s %s per row, and must have one %s", f->name,
					f->ndim ? "an array of" : "one", ts_type_name(f->type),
					ts_type_name((enum ts_type)usual));
	}
	return 0;
}

/* ---- history ---- */

static char **strs_dup(char *const *v, size_t n)
{
	char **copy = calloc(n + 1, sizeof *copy);
	for (size_t i = 0; copy && i < n; i++)
		if (!(copy[i] = strdup(v[i]))) {
			ts_strs_free(copy, n);
			return NULL;
		}
	return copy;
}

/* A new zeroed entry at the end of the history, or NULL. */
static struct ts_step *step_new(struct ts_header *h)
{
	struct ts_step *s;
	if (h->n_history >= TS_MAX_HISTORY)
		return NULL;
	s = realloc(h->history, (h->n_history + 1) * sizeof *s);
	if (!s)
		return NULL;
	h->history = s;
	s += h->n_history++;
	*s = (struct ts_step){ 0 };
	return s;
}

int ts_header_chain(struct ts_header *h, const struct ts_header *src)
{
	for (size_t i = 0; i < src->n_history; i++) {
		const struct ts_step *from = &src->history[i];
		struct ts_step *s;
		bool known = false;

		for (size_t k = 0; k < h->n_history && !known; k++)
			known = strcmp(h->history[k].id, from->id) == 0;
		if (known)
			continue;
		if (!(s = step_new(h)))
			return -1;
		memcpy(s->id, from->id, sizeof s->id);
		s->tool = strdup(from->tool);
		s->version = strdup(from->version);
		s->args = strs_dup(from->args, from->n_args);
		s->prev = strs_dup(from->prev, from->n_prev);
		if (!s->tool || !s->version || !s->args || !s->prev)
			return -1;
		s->n_args = from->n_args;
		s->n_prev = from->n_prev;
	}
	return 0;
}

static int step_id(struct ts_step *s)
{
	XXH3_state_t *x = XXH3_createState();
	if (!x)
		return -1;
	XXH3_64bits_reset(x);
	XXH3_64bits_update(x, s->tool, strlen(s->tool) + 1);
	XXH3_64bits_update(x, s->version, strlen(s->version) + 1);
	for (size_t i = 0; i < s->n_args; i++)
		XXH3_64bits_update(x, s->args[i], strlen(s->args[i]) + 1);
	for (size_t i = 0; i < s->n_prev; i++)
		XXH3_64bits_update(x, s->prev[i], strlen(s->prev[i]) + 1);
	snprintf(s->id, sizeof s->id, "%016llx", (unsigned long long)XXH3_64bits_digest(x));
	XXH3_freeState(x);
	return 0;
}

int ts_header_log(struct ts_header *h, const char *tool, const char *version, int argc, char *const *argv,
		  const struct ts_header *const *inputs, size_t n)
{
	struct ts_step *s = step_new(h);

	if (!s)
		return -1;
	s->tool = strdup(tool);
	s->version = strdup(version);
	s->args = strs_dup(argv, (size_t)argc);
	s->prev = calloc(n + 1, sizeof *s->prev);
	if (!s->tool || !s->version || !s->args || !s->prev)
		return -1;
	s->n_args = (size_t)argc;
	for (size_t i = 0; i < n; i++) {
		if (!inputs[i])
			continue;
		s->prev[s->n_prev] =
			strdup(inputs[i]->n_history ? inputs[i]->history[inputs[i]->n_history - 1].id : "");
		if (!s->prev[s->n_prev++])
			return -1;
	}
	return step_id(s);
}

/* ---- record ---- */

static void pack_strs(msgpack_packer *pk, char *const *v, size_t n)
{
	msgpack_pack_array(pk, n);
	for (size_t i = 0; i < n; i++)
		ts_pack_str(pk, v[i]);
}

void ts_header_pack(const struct ts_header *h, struct ts_pack *out)
{
	msgpack_packer *pk = &out->pk;

	msgpack_pack_map(pk, 5);
	ts_pack_str(pk, "unmask");
	msgpack_pack_int(pk, TS_VERSION);
	ts_pack_str(pk, "kind");
	ts_pack_str(pk, h->kind);
	ts_pack_str(pk, "fields");
	msgpack_pack_map(pk, h->n_fields);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *f = &h->fields[i];
		ts_pack_str(pk, f->name);
		msgpack_pack_map(pk, 2);
		ts_pack_str(pk, "type");
		ts_pack_str(pk, ts_type_name(f->type));
		ts_pack_str(pk, "shape");
		msgpack_pack_array(pk, (size_t)f->ndim);
		for (int d = 0; d < f->ndim; d++)
			msgpack_pack_uint64(pk, f->shape[d]);
	}
	ts_pack_str(pk, "meta");
	msgpack_pack_map(pk, h->meta.n);
	for (size_t i = 0; i < h->meta.n; i++) {
		ts_pack_str(pk, h->meta.e[i].key);
		ts_pack_bytes(out, h->meta.e[i].bytes, h->meta.e[i].len);
	}
	ts_pack_str(pk, "history");
	msgpack_pack_array(pk, h->n_history);
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];
		msgpack_pack_map(pk, 5);
		ts_pack_str(pk, "id");
		ts_pack_str(pk, s->id);
		ts_pack_str(pk, "tool");
		ts_pack_str(pk, s->tool);
		ts_pack_str(pk, "version");
		ts_pack_str(pk, s->version);
		ts_pack_str(pk, "args");
		pack_strs(pk, s->args, s->n_args);
		ts_pack_str(pk, "prev");
		pack_strs(pk, s->prev, s->n_prev);
	}
}

/* A copy of the string o, NULL where there is none. what: what to call it in a message. */
static char *parse_str(const msgpack_object *o, size_t max, const char *what, struct err *err)
{
	char *text = ts_obj_strdup(o, max);

	if (!text && errno == ENOMEM)
		err_memory(err);
	else if (!text)
		err_fail(err, "%s is not a string of at most %zu bytes", what, max);
	return text;
}

static int parse_type(struct ts_header *h, const msgpack_object *o, const char *name, struct err *err)
{
	size_t shape[TS_MAX_DIMS];
	char what[TS_MAX_NAME + 32], *type;
	int ndim, t;

	snprintf(what, sizeof what, "field '" ERR_NAME "': its type", name);
	if (!(type = parse_str(ts_obj_get(o, "type"), TS_MAX_NAME, what, err)))
		return -1;
	if ((t = ts_type_parse(type)) < 0)
		err_fail(err,
			 "field '" ERR_NAME "' is of type '%.20s'; the types are |u1 |i1 |b1 <i4 <i8 <f2 <f4 <f8 str",
			 name, type);
	free(type);
	if (t < 0)
		return -1;
	if (ts_obj_shape(ts_obj_get(o, "shape"), &ndim, shape) < 0)
		return err_fail(err, "field '" ERR_NAME "': its shape is not a list of at most %d sizes", name,
				TS_MAX_DIMS - 1);
	return add(h, name, (enum ts_type)t, ndim, shape, err);
}

static int parse_field(struct ts_header *h, const msgpack_object_kv *kv, struct err *err)
{
	char *name = parse_str(&kv->key, TS_MAX_NAME, "a field's name", err);
	int rc = name ? parse_type(h, &kv->val, name, err) : -1;

	free(name);
	return rc;
}

static int parse_meta(struct ts_header *h, const msgpack_object_kv *kv, struct err *err)
{
	struct ts_meta one = { 0 };
	struct ts_entry e = { .key = parse_str(&kv->key, TS_MAX_NAME, "a name in the meta", err) };
	struct ts_pack p;
	int rc = -1;

	if (!e.key)
		return -1;
	ts_pack_init(&p);
	if (msgpack_pack_object(&p.pk, kv->val) == 0 && !p.failed) {
		e.bytes = p.out.data;
		e.len = p.out.size;
		one.e = &e;
		one.n = 1;
		rc = ts_meta_merge(&h->meta, &one);
	}
	ts_pack_release(&p);
	free(e.key);
	return rc < 0 ? err_memory(err) : 0;
}

static int parse_all_meta(struct ts_header *h, const msgpack_object *o, struct err *err)
{
	if (o->type != MSGPACK_OBJECT_MAP)
		return err_fail(err, "header whose meta is not a map");
	if (o->via.map.size > TS_MAX_META)
		return err_fail(err, "header with %u entries of meta, more than %d", (unsigned)o->via.map.size,
				TS_MAX_META);
	for (uint32_t i = 0; i < o->via.map.size; i++)
		if (parse_meta(h, &o->via.map.ptr[i], err) < 0)
			return -1;
	return 0;
}

/* None: an empty list. */
static int parse_strs(const msgpack_object *o, const char *what, char ***ret, size_t *n, struct err *err)
{
	size_t count = o && o->type == MSGPACK_OBJECT_ARRAY ? o->via.array.size : 0;

	if (o && o->type != MSGPACK_OBJECT_ARRAY)
		return err_fail(err, "%s is not in a list", what);
	*ret = calloc(count + 1, sizeof **ret);
	if (!*ret)
		return err_memory(err);
	for (*n = 0; *n < count; ++*n)
		if (!((*ret)[*n] = parse_str(&o->via.array.ptr[*n], TS_MAX_HEADER, what, err)))
			return -1;
	return 0;
}

static int parse_step(struct ts_header *h, const msgpack_object *o, struct err *err)
{
	struct ts_step *s = step_new(h); /* there is room, as parse_history() has checked */
	char *id;

	if (o->type != MSGPACK_OBJECT_MAP)
		return err_fail(err, "a step in the history is not a map");
	if (!s)
		return err_memory(err);
	if (!(id = parse_str(ts_obj_get(o, "id"), sizeof s->id - 1, "an id in the history", err)))
		return -1;
	strncpy(s->id, id, sizeof s->id - 1);
	free(id);
	if (!(s->tool = parse_str(ts_obj_get(o, "tool"), TS_MAX_NAME, "a tool in the history", err)) ||
	    !(s->version = parse_str(ts_obj_get(o, "version"), TS_MAX_NAME, "a version in the history", err)) ||
	    parse_strs(ts_obj_get(o, "args"), "an argument in the history", &s->args, &s->n_args, err) < 0)
		return -1;
	return parse_strs(ts_obj_get(o, "prev"), "a previous id in the history", &s->prev, &s->n_prev, err);
}

static int parse_history(struct ts_header *h, const msgpack_object *o, struct err *err)
{
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return err_fail(err, "header whose history is not a list");
	if (o->via.array.size > TS_MAX_HISTORY)
		return err_fail(err, "header with %u steps of history, more than %d", (unsigned)o->via.array.size,
				TS_MAX_HISTORY);
	for (uint32_t i = 0; i < o->via.array.size; i++)
		if (parse_step(h, &o->via.array.ptr[i], err) < 0)
			return -1;
	return 0;
}

static int parse_kind(struct ts_header *h, const msgpack_object *o)
{
	const msgpack_object *kind = ts_obj_get(o, "kind");

	for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++)
		if (ts_obj_is(kind, kinds[i])) {
			ts_header_init(h, kinds[i]);
			return 0;
		}
	return -1;
}

int ts_header_parse(struct ts_header *h, const msgpack_object *o, struct err *err)
{
	const msgpack_object *version = ts_obj_get(o, "unmask"), *fields = ts_obj_get(o, "fields");
	const msgpack_object *meta = ts_obj_get(o, "meta"), *history = ts_obj_get(o, "history");

	if (!version || version->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return err_fail(err, "not an unmask stream");
	if (version->via.u64 != TS_VERSION)
		return err_fail(err, "stream of a newer version than this program reads");
	if (parse_kind(h, o) < 0)
		return err_fail(err, "header of an unknown kind (not images, features, scores, fit or checkpoint)");
	if (!fields || fields->type != MSGPACK_OBJECT_MAP)
		return err_fail(err, "header without a map of fields");
	for (uint32_t i = 0; i < fields->via.map.size; i++)
		if (parse_field(h, &fields->via.map.ptr[i], err) < 0)
			return -1;
	if (ts_header_check(h, err) < 0)
		return -1;
	if (meta && parse_all_meta(h, meta, err) < 0)
		return -1;
	if (history && parse_history(h, history, err) < 0)
		return -1;
	return 0;
}
