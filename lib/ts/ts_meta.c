/* SPDX-License-Identifier: MIT
 * Meta: values are kept as their MessagePack bytes, so that values we do not know pass through whole. Also helpers that
 * take MessagePack objects apart. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_internal.h"
#include "ts/ts_utf8.h"

/* ---- objects ---- */

static bool bytes_of(const msgpack_object *o, const char **p, size_t *n)
{
	if (o->type == MSGPACK_OBJECT_STR) {
		*p = o->via.str.ptr;
		*n = o->via.str.size;
		return true;
	}
	if (o->type == MSGPACK_OBJECT_BIN) {
		*p = o->via.bin.ptr;
		*n = o->via.bin.size;
		return true;
	}
	return false;
}

bool ts_obj_is(const msgpack_object *o, const char *s)
{
	const char *p;
	size_t n;
	return bytes_of(o, &p, &n) && n == strlen(s) && memcmp(p, s, n) == 0;
}

/* The length of s as ts_pack_str() writes it: 4 for each byte that is not UTF-8. */
static size_t written_length(const char *s)
{
	const size_t n = strlen(s);
	size_t more = 0;

	for (size_t i = ts_utf8_span(s); i < n; i += 1 + ts_utf8_span(s + i + 1))
		more += 3;
	return n + more;
}

char *ts_obj_strdup(const msgpack_object *o, size_t max)
{
	const char *p;
	size_t n;
	char *text;

	errno = EINVAL;
	if (!o || !bytes_of(o, &p, &n) || n > max || (n && memchr(p, 0, n)) || !(text = strndup(n ? p : "", n)))
		return NULL;
	if (written_length(text) > max) { /* otherwise a copy would be refused */
		free(text);
		errno = EINVAL;
		return NULL;
	}
	return text;
}

const msgpack_object *ts_obj_get(const msgpack_object *map, const char *key)
{
	if (map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (ts_obj_is(&map->via.map.ptr[i].key, key))
			return &map->via.map.ptr[i].val;
	return NULL;
}

int ts_obj_shape(const msgpack_object *o, int *ndim, size_t *shape)
{
	if (!o || o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size > TS_MAX_DIMS)
		return -1;
	*ndim = (int)o->via.array.size;
	for (int i = 0; i < *ndim; i++) {
		const msgpack_object *e = &o->via.array.ptr[i];
		if (e->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
			return -1;
		shape[i] = e->via.u64;
	}
	return 0;
}

int ts_obj_tensor(const msgpack_object *o, struct ts_view *v, struct err *err)
{
	const msgpack_object *nd, *type, *data;
	char name[8] = "";
	const char *text;
	size_t bytes;
	int t = -1;

	if (o->type != MSGPACK_OBJECT_MAP || !(nd = ts_obj_get(o, "nd")) || !(type = ts_obj_get(o, "type")) ||
	    !(data = ts_obj_get(o, "data")) || nd->type != MSGPACK_OBJECT_BOOLEAN || !nd->via.boolean ||
	    data->type != MSGPACK_OBJECT_BIN)
		return err_fail(err, "is not a tensor");
	if (ts_obj_shape(ts_obj_get(o, "shape"), &v->ndim, v->shape) < 0)
		return err_fail(err, "has a shape that is not a list of sizes");
	if (bytes_of(type, &text, &bytes) && bytes < sizeof name) {
		memcpy(name, text, bytes);
		t = ts_type_parse(name);
	}
	if (t < 0 || t == TS_STR)
		return err_fail(err, "has an element type that is not one of |u1 |i1 |b1 <i4 <i8 <f2 <f4 <f8");
	bytes = ts_type_size((enum ts_type)t);
	for (int i = 0; i < v->ndim; i++)
		if (ts_mul(bytes, v->shape[i], &bytes) < 0)
			return err_fail(err, "has a shape that does not match its bytes");
	if (bytes != data->via.bin.size)
		return err_fail(err, "has a shape that does not match its bytes");
	v->type = (enum ts_type)t;
	v->data = data->via.bin.ptr;
	v->bytes = bytes;
	return 0;
}

static int pack_write(void *ctx, const char *buf, size_t len)
{
	struct ts_pack *p = ctx;

	p->failed = p->failed || msgpack_sbuffer_write(&p->out, buf, len) < 0;
	return p->failed ? -1 : 0;
}

void ts_pack_init(struct ts_pack *p)
{
	p->failed = false;
	msgpack_sbuffer_init(&p->out);
	msgpack_packer_init(&p->pk, p, pack_write);
}

void ts_pack_release(struct ts_pack *p)
{
	msgpack_sbuffer_destroy(&p->out);
}

void ts_pack_bytes(struct ts_pack *p, const void *data, size_t len)
{
	(void)pack_write(p, data, len);
}

void ts_pack_str(msgpack_packer *pk, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	const size_t n = strlen(s), length = written_length(s);

	msgpack_pack_str(pk, length);
	if (length == n) {
		msgpack_pack_str_body(pk, s, n);
		return;
	}
	/* A byte that is not UTF-8 becomes \xe9, as four characters. */
	for (;;) {
		const size_t good = ts_utf8_span(s);
		const unsigned char bad = (unsigned char)s[good];
		const char escaped[4] = { '\\', 'x', hex[bad >> 4], hex[bad & 15] };

		msgpack_pack_str_body(pk, s, good);
		if (!bad)
			return;
		msgpack_pack_str_body(pk, escaped, sizeof escaped);
		s += good + 1;
	}
}

static void pack_bin_key(msgpack_packer *pk, const char *s)
{
	msgpack_pack_bin(pk, strlen(s));
	msgpack_pack_bin_body(pk, s, strlen(s));
}

void ts_pack_tensor_head(msgpack_packer *pk, enum ts_type type, int ndim, const size_t *shape, size_t bytes)
{
	msgpack_pack_map(pk, 5);
	pack_bin_key(pk, "nd");
	msgpack_pack_true(pk);
	pack_bin_key(pk, "type");
	ts_pack_str(pk, ts_type_name(type));
	pack_bin_key(pk, "kind");
	msgpack_pack_bin(pk, 0);
	pack_bin_key(pk, "shape");
	msgpack_pack_array(pk, (size_t)ndim);
	for (int i = 0; i < ndim; i++)
		msgpack_pack_uint64(pk, shape[i]);
	pack_bin_key(pk, "data");
	msgpack_pack_bin(pk, bytes);
}

/* ---- the map ---- */

static struct ts_entry *find(const struct ts_meta *m, const char *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->e[i].key, key) == 0)
			return &m->e[i];
	return NULL;
}

/* Takes ownership of bytes (malloc'ed), also on failure. */
static int set_take(struct ts_meta *m, const char *key, void *bytes, size_t len)
{
	struct ts_entry *e = find(m, key);

	if (!bytes)
		return -1;
	if (!e) {
		if (m->n == m->cap) {
			size_t cap = m->cap ? 2 * m->cap : 8;
			struct ts_entry *grown = realloc(m->e, cap * sizeof *grown);
			if (!grown)
				goto fail;
			m->e = grown;
			m->cap = cap;
		}
		e = &m->e[m->n];
		*e = (struct ts_entry){ .key = strdup(key) };
		if (!e->key)
			goto fail;
		m->n++;
	}
	free(e->bytes);
	e->bytes = bytes;
	e->len = len;
	return 0;
fail:
	free(bytes);
	return -1;
}

/* Takes ownership of what is packed, also on failure. */
static int set_packed(struct ts_meta *m, const char *key, struct ts_pack *p)
{
	size_t len = p->out.size;

	if (p->failed) {
		ts_pack_release(p);
		return -1;
	}
	return set_take(m, key, msgpack_sbuffer_release(&p->out), len);
}

int ts_meta_set_str(struct ts_meta *m, const char *key, const char *value)
{
	struct ts_pack p;

	ts_pack_init(&p);
	ts_pack_str(&p.pk, value);
	return set_packed(m, key, &p);
}

int ts_meta_set_int(struct ts_meta *m, const char *key, int64_t value)
{
	struct ts_pack p;

	ts_pack_init(&p);
	msgpack_pack_int64(&p.pk, value);
	return set_packed(m, key, &p);
}

int ts_meta_set_double(struct ts_meta *m, const char *key, double value)
{
	struct ts_pack p;

	ts_pack_init(&p);
	msgpack_pack_double(&p.pk, value);
	return set_packed(m, key, &p);
}

int ts_meta_set_strs(struct ts_meta *m, const char *key, char *const *values, size_t n)
{
	struct ts_pack p;

	ts_pack_init(&p);
	msgpack_pack_array(&p.pk, n);
	for (size_t i = 0; i < n; i++)
		ts_pack_str(&p.pk, values[i]);
	return set_packed(m, key, &p);
}

int ts_meta_set_tensor(struct ts_meta *m, const char *key, const struct ts_tensor *t)
{
	size_t bytes = ts_tensor_bytes(t);
	struct ts_pack p;

	ts_pack_init(&p);
	ts_pack_tensor_head(&p.pk, t->type, t->ndim, t->shape, bytes);
	msgpack_pack_bin_body(&p.pk, t->data, bytes);
	return set_packed(m, key, &p);
}

int ts_meta_merge(struct ts_meta *dst, const struct ts_meta *src)
{
	for (size_t i = 0; i < src->n; i++) {
		void *copy = malloc(src->e[i].len);
		if (!copy)
			return -1;
		memcpy(copy, src->e[i].bytes, src->e[i].len);
		if (set_take(dst, src->e[i].key, copy, src->e[i].len) < 0)
			return -1;
	}
	return 0;
}

void ts_meta_del(struct ts_meta *m, const char *key)
{
	struct ts_entry *e = find(m, key);
	if (!e)
		return;
	free(e->key);
	free(e->bytes);
	memmove(e, e + 1, (size_t)(m->e + m->n - (e + 1)) * sizeof *e);
	m->n--;
}

bool ts_meta_same(const struct ts_meta *a, const struct ts_meta *b, const char *key)
{
	const struct ts_entry *x = find(a, key), *y = find(b, key);

	return x && y ? x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0 : !x && !y;
}

bool ts_meta_has(const struct ts_meta *m, const char *key)
{
	return find(m, key) != NULL;
}

bool ts_meta_agree(const struct ts_meta *a, const struct ts_meta *b, const char *key)
{
	return !ts_meta_has(a, key) || !ts_meta_has(b, key) || ts_meta_same(a, b, key);
}

/* Unpacks key's value into *u (the caller destroys it). 1, 0 absent, -1. */
static int unpack(const struct ts_meta *m, const char *key, msgpack_unpacked *u)
{
	struct ts_entry *e = find(m, key);
	size_t off = 0;

	msgpack_unpacked_init(u);
	if (!e)
		return 0;
	return msgpack_unpack_next(u, e->bytes, e->len, &off) == MSGPACK_UNPACK_SUCCESS ? 1 : -1;
}

int ts_meta_get_str(const struct ts_meta *m, const char *key, char **ret)
{
	msgpack_unpacked u;
	int rc = unpack(m, key, &u);
	if (rc == 1 && !(*ret = ts_obj_strdup(&u.data, TS_MAX_HEADER)))
		rc = -1;
	msgpack_unpacked_destroy(&u);
	return rc;
}

int ts_meta_get_int(const struct ts_meta *m, const char *key, int64_t *ret)
{
	msgpack_unpacked u;
	int rc = unpack(m, key, &u);
	const msgpack_object *o = &u.data;

	if (rc == 1) {
		if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= INT64_MAX)
			*ret = (int64_t)o->via.u64;
		else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
			*ret = o->via.i64;
		else if ((o->type == MSGPACK_OBJECT_FLOAT64 || o->type == MSGPACK_OBJECT_FLOAT32) &&
			 o->via.f64 == floor(o->via.f64) && fabs(o->via.f64) < 0x1p63)
			*ret = (int64_t)o->via.f64;
		else
			rc = -1;
	}
	msgpack_unpacked_destroy(&u);
	return rc;
}

int ts_meta_get_double(const struct ts_meta *m, const char *key, double *ret)
{
	msgpack_unpacked u;
	int rc = unpack(m, key, &u);
	const msgpack_object *o = &u.data;

	if (rc == 1) {
		/* An integer of more than 53 bits would be rounded, which is a loss, so it does not count. */
		if (o->type == MSGPACK_OBJECT_FLOAT64 || o->type == MSGPACK_OBJECT_FLOAT32)
			*ret = o->via.f64;
		else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= UINT64_C(1) << 53)
			*ret = (double)o->via.u64;
		else if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o->via.i64 >= -(INT64_C(1) << 53))
			*ret = (double)o->via.i64;
		else
			rc = -1;
	}
	msgpack_unpacked_destroy(&u);
	return rc;
}

int ts_meta_get_strs(const struct ts_meta *m, const char *key, char ***ret, size_t *n)
{
	msgpack_unpacked u;
	int rc = unpack(m, key, &u);

	if (rc == 1 && u.data.type != MSGPACK_OBJECT_ARRAY)
		rc = -1;
	if (rc == 1) {
		*n = u.data.via.array.size;
		*ret = calloc(*n + 1, sizeof **ret);
		for (size_t i = 0; *ret && i < *n; i++)
			if (!((*ret)[i] = ts_obj_strdup(&u.data.via.array.ptr[i], TS_MAX_HEADER))) {
				ts_strs_free(*ret, *n);
				*ret = NULL;
			}
		if (!*ret)
			rc = -1;
	}
	msgpack_unpacked_destroy(&u);
	return rc;
}

int ts_meta_get_tensor(const struct ts_meta *m, const char *key, struct ts_tensor *ret)
{
	msgpack_unpacked u;
	struct ts_view v;
	struct err why;
	int rc = unpack(m, key, &u);

	if (rc == 1 && (ts_obj_tensor(&u.data, &v, &why) < 0 || ts_tensor_init(ret, key, v.type, v.ndim, v.shape) < 0))
		rc = -1;
	if (rc == 1 && v.bytes)
		memcpy(ret->data, v.data, v.bytes);
	msgpack_unpacked_destroy(&u);
	return rc;
}

void ts_strs_free(char **strs, size_t n)
{
	for (size_t i = 0; strs && i < n; i++)
		free(strs[i]);
	free(strs);
}
