/* SPDX-License-Identifier: MIT
 * ts_internal: what the files of lib/ts share and nobody else sees. */
#ifndef TS_INTERNAL_H
#define TS_INTERNAL_H

#include <msgpack.h>

#include "err/err.h"
#include "ts/ts.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "streams are little-endian");

/* The scanner finds where a record ends without building anything, so that every limit is checked before msgpack-c
 * allocates what a record promises. When more bytes arrive it continues where it stopped. */
struct ts_scan {
	size_t pos;   /* bytes scanned */
	size_t limit; /* bytes that the record may have */
	int depth;
	uint64_t left[TS_MAX_DEPTH]; /* objects still to come, per level */
	uint64_t objects;
	const char *error;
};
void ts_scan_init(struct ts_scan *s, size_t limit);
/* 1: the record is p[0..s->pos); 0: more bytes are needed; -1: s->error. */
int ts_scan_step(struct ts_scan *s, const unsigned char *p, size_t len);

/* a * b into *ret; -1 on overflow. */
static inline int ts_mul(size_t a, size_t b, size_t *ret)
{
	return __builtin_mul_overflow(a, b, ret) ? -1 : 0;
}

/* Is o a string (or bytes) equal to s? */
bool ts_obj_is(const msgpack_object *o, const char *s);
/* The string as new memory. NULL, and errno is EINVAL: o is NULL or not a string, holds a NUL, or is too long (max
 * bytes, as ts_pack_str() would write it); ENOMEM: out of memory. */
char *ts_obj_strdup(const msgpack_object *o, size_t max);
/* The keys of the record that a failed program writes in place of the next one after it has told the user why: its
 * name, and the process group that was told. */
#define TS_FAILED "failed"
#define TS_GROUP "group"
/* The value of key in a map, or NULL. */
const msgpack_object *ts_obj_get(const msgpack_object *map, const char *key);
/* An array of uints into shape; -1 if it is anything else or too long. */
int ts_obj_shape(const msgpack_object *o, int *ndim, size_t *shape);

/* A TENSOR map taken apart; data points into the record. -1 with *why. */
struct ts_view {
	enum ts_type type;
	int ndim;
	size_t shape[TS_MAX_DIMS];
	const void *data;
	size_t bytes;
};
int ts_obj_tensor(const msgpack_object *o, struct ts_view *v, struct err *err);

/* A buffer that MessagePack is packed into. Its failure is sticky, so that no caller has to check each call: once
 * memory has run out nothing more is added, and the code that uses the bytes checks `failed`. */
struct ts_pack {
	msgpack_sbuffer out;
	msgpack_packer pk;
	bool failed;
};
void ts_pack_init(struct ts_pack *p); /* the struct must not move afterwards */
void ts_pack_release(struct ts_pack *p);
void ts_pack_bytes(struct ts_pack *p, const void *data, size_t len);

/* Packs the head of a TENSOR map, up to where the bytes of its data follow. */
void ts_pack_tensor_head(msgpack_packer *pk, enum ts_type type, int ndim, const size_t *shape, size_t bytes);
void ts_pack_str(msgpack_packer *pk, const char *s);

/* Checks that fields of rows have the types of ts_usual_type(). */
int ts_header_check(const struct ts_header *h, struct err *err);
/* Converts a header to and from its record. parse: -1 with *why. */
void ts_header_pack(const struct ts_header *h, struct ts_pack *out);
int ts_header_parse(struct ts_header *h, const msgpack_object *o, struct err *err);

/* Fills *b, which must be empty, from a record. -1 with a line in why. */
int ts_rows_unpack(struct ts_batch *b, const msgpack_object_map *m, struct err *err);

#endif
