/* SPDX-License-Identifier: MIT
 * JSON text of what a stream holds. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_internal.h"

static void put_string(FILE *f, const char *p, size_t n)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else if (c == 0xc2 && i + 1 < n && (p[i + 1] & 0xe0) == 0x80) /* C1, which terminals obey too */
			fprintf(f, "\\u%04x", (unsigned char)p[++i]);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void put_double(FILE *f, double v)
{
	if (isfinite(v))
		fprintf(f, "%.17g", v);
	else
		fprintf(f, "\"%s\"", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

static void put_object(FILE *f, const msgpack_object *o);

static void put_map(FILE *f, const msgpack_object *o)
{
	struct ts_view v;
	struct err why;

	if (ts_obj_tensor(o, &v, &why) == 0) {
		fprintf(f, "{\"type\": \"%s\", \"shape\": [", ts_type_name(v.type));
		for (int i = 0; i < v.ndim; i++)
			fprintf(f, "%s%zu", i ? ", " : "", v.shape[i]);
		fputs("]}", f);
		return;
	}
	fputc('{', f);
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		fputs(i ? ", " : "", f);
		put_object(f, &o->via.map.ptr[i].key);
		fputs(": ", f);
		put_object(f, &o->via.map.ptr[i].val);
	}
	fputc('}', f);
}

static void put_object(FILE *f, const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN: fputs(o->via.boolean ? "true" : "false", f); return;
	case MSGPACK_OBJECT_POSITIVE_INTEGER: fprintf(f, "%" PRIu64, o->via.u64); return;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER: fprintf(f, "%" PRId64, o->via.i64); return;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64: put_double(f, o->via.f64); return;
	case MSGPACK_OBJECT_STR: put_string(f, o->via.str.ptr, o->via.str.size); return;
	case MSGPACK_OBJECT_BIN: fprintf(f, "\"<%u bytes>\"", o->via.bin.size); return;
	case MSGPACK_OBJECT_ARRAY:
		fputc('[', f);
		for (uint32_t i = 0; i < o->via.array.size; i++) {
			fputs(i ? ", " : "", f);
			put_object(f, &o->via.array.ptr[i]);
		}
		fputc(']', f);
		return;
	case MSGPACK_OBJECT_MAP: put_map(f, o); return;
	case MSGPACK_OBJECT_NIL:
	case MSGPACK_OBJECT_EXT: break;
	}
	fputs("null", f);
}

char *ts_entry_json(const struct ts_entry *e)
{
	msgpack_unpacked u;
	char *text = NULL;
	size_t len, off = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	msgpack_unpacked_init(&u);
	bool whole = msgpack_unpack_next(&u, e->bytes, e->len, &off) == MSGPACK_UNPACK_SUCCESS;
	if (whole)
		put_object(f, &u.data);
	msgpack_unpacked_destroy(&u);
	if (fclose(f) != 0 || !whole) {
		free(text);
		return NULL;
	}
	return text;
}

char *ts_str_json(const char *s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	put_string(f, s, strlen(s));
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void ts_elem_text(enum ts_type type, const void *data, size_t i, char *buf)
{
	double v = type == TS_I64 ? 0 : ts_get(type, data, i);

	if (type == TS_I64)
		snprintf(buf, 32, "%" PRId64, ((const int64_t *)data)[i]);
	else if (ts_type_is_integer(type))
		snprintf(buf, 32, "%.0f", v);
	else if (!isfinite(v))
		snprintf(buf, 32, "%s", isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
	else
		snprintf(buf, 32, "%.*g", type == TS_F64 ? 17 : type == TS_F16 ? 6 : 9, v);
}
