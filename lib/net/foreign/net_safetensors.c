/* SPDX-License-Identifier: MIT
 * safetensors, read and written. The header is hostile until it is checked: every offset must lie in the file, every
 * size must match type and shape, and no two tensors may share a byte. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_safetensors.h"
#include "ts/ts_parse.h"

static const struct dtype {
	const char *name;
	enum net_elem elem;
	enum net_safetensor_kind kind;
	int type; /* enum ts_type, if one is the same; or -1 */
} dtypes[] = {
	{ "F32", NET_E_F32, NET_ST_FLOAT, TS_F32 }, { "F64", NET_E_F64, NET_ST_FLOAT, TS_F64 },
	{ "F16", NET_E_F16, NET_ST_FLOAT, TS_F16 }, { "BF16", NET_E_BF16, NET_ST_BFLOAT, -1 },
	{ "I64", NET_E_I64, NET_ST_INT, TS_I64 },   { "I32", NET_E_I32, NET_ST_INT, TS_I32 },
	{ "I16", NET_E_I16, NET_ST_INT, -1 },       { "I8", NET_E_I8, NET_ST_INT, TS_I8 },
	{ "U8", NET_E_U8, NET_ST_UINT, TS_U8 },     { "BOOL", NET_E_BOOL, NET_ST_BOOL, TS_BOOL },
	{ NULL, NET_E_OTHER, NET_ST_OTHER, -1 },
};
struct span {
	size_t begin, end;
};

static const struct dtype *dtype_of(const char *name)
{
	const struct dtype *d = dtypes;

	while (d->name && strcmp(d->name, name) != 0)
		d++;
	return d;
}

static uint64_t header_length(const unsigned char *p)
{
	uint64_t n;
	memcpy(&n, p, 8);
	return n;
}

bool net_safetensors_is(const unsigned char *p, size_t n)
{
	return n > 8 && p[8] == '{' && header_length(p) >> 40 == 0;
}

/* A whole number, 0 or more. */
static int get_size(const json_t *j, size_t *ret)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return -1;
	*ret = (size_t)json_integer_value(j);
	return 0;
}

static int read_entry(const char *name, const json_t *j, size_t room, struct net_view *v, struct span *span,
		      struct err *err)
{
	const char *dtype = json_string_value(json_object_get(j, "dtype"));
	const json_t *shape = json_object_get(j, "shape"), *at = json_object_get(j, "data_offsets");
	size_t bytes;

	if (net_view_name(v, name, strlen(name), err) < 0)
		return -1;
	if (!dtype || !json_is_array(shape) || json_array_size(shape) > TS_MAX_DIMS || json_array_size(at) != 2)
		return err_fail(err, "tensor '" ERR_NAME "' is not described as one that is known (dtype %s)", name,
				dtype ? dtype : "none");
	v->elem = dtype_of(dtype)->elem;
	v->ndim = (int)json_array_size(shape);
	for (size_t i = 0; i < (size_t)v->ndim; i++)
		if (get_size(json_array_get(shape, i), &v->shape[i]) < 0)
			return err_fail(err, "tensor '" ERR_NAME "' has a shape that is not numbers from 0 on", name);
	if (get_size(json_array_get(at, 0), &span->begin) < 0 || get_size(json_array_get(at, 1), &span->end) < 0 ||
	    span->begin > span->end || span->end > room) {
		return err_fail(err, "tensor '" ERR_NAME "' has data_offsets outside of the file's %zu bytes of data",
				name, room);
	}
	if (v->elem == NET_E_OTHER) /* of unknown size */
		return 0;
	net_view_straight(v);
	if (net_view_check(v, SIZE_MAX, err) < 0)
		return -1;
	if (__builtin_mul_overflow(v->count, net_elem_size(v->elem), &bytes) || bytes != span->end - span->begin)
		return err_fail(err, "tensor '" ERR_NAME "' has %zu bytes, but another number by its shape", name,
				span->end - span->begin);
	return 0;
}

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) :
				      (x->end > y->end) - (x->end < y->end);
}

/* Checks that the spans cover the data without gaps, as the format requires. */
static int check_spans(struct span *s, size_t n, size_t room, struct err *err)
{
	size_t at = 0;

	qsort(s, n, sizeof *s, by_begin);
	for (size_t i = 0; i < n; i++) {
		if (s[i].begin != at)
			return err_fail(err, "two tensors overlap or leave a gap at byte %zu of the data", s[i].begin);
		at = s[i].end;
	}
	if (at == room)
		return 0;
	return err_fail(err, "has %zu bytes of data, its tensors %zu", room, at);
}

static int read_meta(struct ts_meta *m, json_t *from)
{
	const char *key;
	json_t *j;

	json_object_foreach(from, key, j) if (json_is_string(j) && strlen(key) <= TS_MAX_NAME && m->n < 64 &&
					      ts_meta_set_str(m, key, json_string_value(j)) < 0) return -1;
	return 0;
}

static int give(const char *name, const json_t *j, const struct net_view *v, const unsigned char *data,
		const struct span *at, net_safetensor_fn *each, void *ctx, struct err *err)
{
	const char *dtype = json_string_value(json_object_get(j, "dtype"));
	const struct net_safetensor t = { .name = name,
					  .dtype = dtype,
					  .kind = dtype_of(dtype)->kind,
					  .size = v->elem == NET_E_OTHER ? 0 : net_elem_size(v->elem),
					  .ndim = v->ndim,
					  .shape = v->shape,
					  .data = data + at->begin,
					  .bytes = at->end - at->begin };

	return each(ctx, &t, err);
}

/* Visits every tensor of the header; metadata goes to *meta, which may be NULL. */
static int each_tensor(json_t *root, const unsigned char *data, size_t room, struct ts_meta *meta,
		       net_safetensor_fn *each, void *ctx, struct err *err)
{
	const size_t n = json_object_size(root);
	struct span *spans;
	const char *name;
	size_t k = 0;
	json_t *j;
	int rc = 0;

	if (n > TS_MAX_FIELDS)
		return err_fail(err, "holds more than %d tensors", TS_MAX_FIELDS);
	spans = calloc(n + 1, sizeof *spans);
	if (!spans)
		return err_memory(err);
	json_object_foreach(root, name, j)
	{
		struct net_view v = { .elem = NET_E_F32 };

		if (strcmp(name, "__metadata__") == 0) {
			if (!meta || read_meta(meta, j) == 0)
				continue;
			err_memory(err);
			rc = -1;
			break;
		}
		rc = read_entry(name, j, room, &v, &spans[k], err);
		if (rc == 0)
			rc = give(name, j, &v, data, &spans[k], each, ctx, err);
		k++;
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = check_spans(spans, k, room, err);
	free(spans);
	return rc;
}

int net_safetensors_each(const unsigned char *p, size_t n, struct ts_meta *meta, net_safetensor_fn *each, void *ctx,
			 struct err *err)
{
	json_t *root;
	uint64_t len;
	int rc = -1;

	len = n < 8 ? 0 : header_length(p);
	if (n < 8 || len > n - 8 || len > NET_MAX_JSON)
		return err_fail(err, "its header claims %llu bytes, more than the file has, or more than %d",
				(unsigned long long)len, NET_MAX_JSON);
	if (!(root = ts_parse_json(p + 8, (size_t)len, err)))
		return err->memory ? -1 : err_prefix(err, "its header, ");
	if (!json_is_object(root))
		err_fail(err, "its header is not a JSON object");
	else
		rc = each_tensor(root, p + 8 + len, n - 8 - (size_t)len, meta, each, ctx, err);
	json_decref(root);
	return rc;
}

static int take_tensor(void *ctx, const struct net_safetensor *t, struct err *err)
{
	struct net_foreign *f = ctx;
	struct net_view v = { .elem = dtype_of(t->dtype)->elem, .ndim = t->ndim };

	if (v.elem == NET_E_OTHER) {
		net_foreign_leave(f, t->name, t->dtype);
		return 0;
	}
	memcpy(v.shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
	net_view_straight(&v);
	if (net_view_name(&v, t->name, strlen(t->name), err) < 0 || net_view_check(&v, SIZE_MAX, err) < 0)
		return -1;
	return net_foreign_add(f, &v, t->data, err);
}

int net_safetensors_read(struct net_foreign *f, const unsigned char *p, size_t n, struct err *err)
{
	f->format = "safetensors";
	return net_safetensors_each(p, n, &f->meta, take_tensor, f, err);
}

/* ---- writing ---- */

static json_t *entry_json(const struct ts_tensor *t, size_t at)
{
	const struct dtype *d = dtypes;
	json_t *shape = json_array();
	bool failed = !shape;

	for (int i = 0; i < t->ndim; i++)
		failed |= json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) < 0;
	if (failed) { /* a shape without its last number would be valid, too */
		json_decref(shape);
		return NULL;
	}
	while (d->type != (int)t->type)
		d++;
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", d->name, "shape", shape, "data_offsets", (json_int_t)at,
			 (json_int_t)(at + ts_tensor_bytes(t)));
}

/* When Jansson runs out of memory, its text silently lacks parts. */
static bool reads_back(const char *text, const json_t *root)
{
	struct err err;
	json_t *again = ts_parse_json(text, strlen(text), &err);
	const bool same = again && json_equal(again, root);

	json_decref(again);
	return same;
}

/* The header, padded so that the data begins at a multiple of 8 bytes. The caller frees it. */
static char *header_json(const struct ts_set *set, const char *const *pairs)
{
	json_t *root = json_object(), *meta = json_object();
	char *text, *padded = NULL;
	bool failed = !root || !meta;
	size_t at = 0;

	for (size_t i = 0; pairs && pairs[i]; i += 2)
		failed |= json_object_set_new(meta, pairs[i], json_string(pairs[i + 1])) < 0;
	failed |= json_object_set(root, "__metadata__", meta) < 0;
	for (size_t i = 0; i < set->n; at += ts_tensor_bytes(&set->t[i++]))
		failed |= json_object_set_new(root, set->t[i].name, entry_json(&set->t[i], at)) < 0;
	text = failed ? NULL : json_dumps(root, JSON_COMPACT);
	if (text && !reads_back(text, root)) {
		free(text);
		text = NULL;
	}
	json_decref(meta);
	json_decref(root);
	if (text && (padded = malloc(strlen(text) + 9)) != NULL) {
		const size_t n = strlen(text), all = (n + 7) / 8 * 8;
		memcpy(padded, text, n);
		memset(padded + n, ' ', all - n);
		padded[all] = '\0';
	}
	free(text);
	return padded;
}

int net_safetensors_write(struct ts_file *f, const struct ts_set *set, const char *const *pairs, struct err *err)
{
	char *json = header_json(set, pairs);
	const uint64_t n = json ? strlen(json) : 0;
	int rc;

	if (!json)
		return err_memory(err);
	rc = ts_file_put(f, &n, 8);
	if (rc == 0)
		rc = ts_file_put(f, json, n);
	for (size_t i = 0; rc == 0 && i < set->n; i++)
		rc = ts_file_put(f, set->t[i].data, ts_tensor_bytes(&set->t[i]));
	free(json);
	return rc < 0 ? err_fail(err, "%s", ts_file_error(f)) : 0;
}
