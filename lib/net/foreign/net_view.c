/* SPDX-License-Identifier: MIT
 * Views of tensors in the bytes of a file: their names, sizes and values. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_pytorch.h"
#include "net/foreign/net_safetensors.h"

size_t net_elem_size(enum net_elem e)
{
	static const size_t sizes[] = {
		[NET_E_F32] = 4, [NET_E_F64] = 8, [NET_E_F16] = 2, [NET_E_BF16] = 2, [NET_E_I64] = 8,  [NET_E_I32] = 4,
		[NET_E_I16] = 2, [NET_E_I8] = 1,  [NET_E_U8] = 1,  [NET_E_BOOL] = 1, [NET_E_OTHER] = 0
	};
	return sizes[e];
}

/* p need not be aligned. */
static float get_float(enum net_elem e, const unsigned char *p)
{
	uint32_t bits = 0;
	uint16_t h;
	float f;
	double d;

	switch (e) {
	case NET_E_F64: memcpy(&d, p, 8); return (float)d;
	case NET_E_F16: memcpy(&h, p, 2); return (float)ts_get(TS_F16, &h, 0);
	case NET_E_BF16:
		memcpy(&h, p, 2);
		bits = (uint32_t)h << 16;
		break;
	default: memcpy(&bits, p, 4);
	}
	memcpy(&f, &bits, 4);
	return f;
}

static int64_t get_int(enum net_elem e, const unsigned char *p)
{
	int64_t v;
	int32_t i;
	int16_t s;

	switch (e) {
	case NET_E_I64: memcpy(&v, p, 8); return v;
	case NET_E_I32: memcpy(&i, p, 4); return i;
	case NET_E_I16: memcpy(&s, p, 2); return s;
	case NET_E_I8: return (int8_t)*p;
	default: return *p;
	}
}

int net_view_name(struct net_view *v, const char *name, size_t len, struct err *err)
{
	if (len == 0 || len > TS_MAX_NAME)
		return err_fail(err, "a tensor's name has %zu bytes", len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 32 || name[i] == 127)
			return err_fail(err, "a tensor's name holds control characters");
	memcpy(v->name, name, len);
	v->name[len] = '\0';
	return 0;
}

void net_view_straight(struct net_view *v)
{
	size_t step = 1;

	for (int i = v->ndim; i-- > 0;) {
		v->stride[i] = step;
		if (__builtin_mul_overflow(step, v->shape[i], &step))
			step = SIZE_MAX; /* net_view_check refuses it */
	}
}

int net_view_check(struct net_view *v, size_t numel, struct err *err)
{
	size_t last = v->offset, far;

	v->count = 1;
	for (int i = 0; i < v->ndim; i++)
		if (__builtin_mul_overflow(v->count, v->shape[i], &v->count))
			return err_fail(err, "tensor '" ERR_NAME "' has too many elements to count", v->name);
	for (int i = 0; i < v->ndim && v->count; i++)
		if (__builtin_mul_overflow(v->shape[i] - 1, v->stride[i], &far) ||
		    __builtin_add_overflow(last, far, &last))
			return err_fail(err, "tensor '" ERR_NAME "' reaches beyond all memory", v->name);
	if (v->count && last >= numel) {
		return err_fail(err, "tensor '" ERR_NAME "' reaches element %zu of a storage of %zu", v->name, last,
				numel);
	}
	return 0;
}

static void copy(const struct net_view *v, const unsigned char *data, struct ts_tensor *t)
{
	const size_t size = net_elem_size(v->elem);
	size_t at[TS_MAX_DIMS] = { 0 }, from = v->offset, run = 1;

	for (int i = v->ndim; i-- > 0 && (v->stride[i] == run || v->shape[i] == 1);)
		run *= v->shape[i];
	if (run == v->count && ((t->type == TS_F32 && v->elem == NET_E_F32) || v->elem == NET_E_I64)) {
		memcpy(t->data, data + from * size, v->count * size);
		return;
	}
	for (size_t k = 0; k < v->count; k++) {
		if (t->type == TS_F32)
			((float *)t->data)[k] = get_float(v->elem, data + from * size);
		else
			((int64_t *)t->data)[k] = get_int(v->elem, data + from * size);
		for (int i = v->ndim; i-- > 0;) { /* moves on to the next element */
			from += v->stride[i];
			if (++at[i] < v->shape[i])
				break;
			from -= at[i] * v->stride[i];
			at[i] = 0;
		}
	}
}

int net_foreign_add(struct net_foreign *f, const struct net_view *v, const unsigned char *data, struct err *err)
{
	const enum ts_type type = v->elem <= NET_E_BF16 ? TS_F32 : TS_I64;
	size_t bytes = 0;
	struct ts_tensor *t;

	for (size_t i = 0; i < f->state.n; i++)
		bytes += ts_tensor_bytes(&f->state.t[i]);
	if (v->count > f->file_size || bytes + v->count * ts_type_size(type) > 8 * f->file_size)
		return err_fail(err, "tensor '" ERR_NAME "' brings the tensors to more than 8 times the file's size",
				v->name);
	if (f->state.n == TS_MAX_FIELDS)
		return err_fail(err, "holds more than %d tensors", TS_MAX_FIELDS);
	if (ts_set_get(&f->state, v->name))
		return err_fail(err, "tensor '" ERR_NAME "' appears twice", v->name);
	t = ts_set_add(&f->state, v->name, type, v->ndim, v->shape);
	if (!t)
		return err_memory(err);
	if (v->count)
		copy(v, data, t);
	f->doubles += v->elem == NET_E_F64;
	return 0;
}

void net_foreign_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 32 || *text == 127)
			*text = '?';
}

void net_foreign_leave(struct net_foreign *f, const char *name, const char *type)
{
	const size_t at = strlen(f->left);
	const int n = snprintf(f->left + at, sizeof f->left - at, "%s'" ERR_NAME "' (" ERR_NAME ")", at ? ", " : "",
			       name, type);

	if (n < 0 || (size_t)n >= sizeof f->left - at) /* no truncated name */
		f->left[at] = '\0';
	net_foreign_plain(f->left + at);
	f->skipped++;
}

void net_foreign_release(struct net_foreign *f)
{
	ts_set_release(&f->state);
	ts_header_release(&f->made);
	while (f->meta.n)
		ts_meta_del(&f->meta, f->meta.e[0].key);
	free(f->meta.e);
	*f = (struct net_foreign){ 0 };
}
