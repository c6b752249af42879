/* SPDX-License-Identifier: MIT
 * Types, tensors and sets of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_internal.h"

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[TS_U8] = { "|u1", 1 },  [TS_I8] = { "|i1", 1 },  [TS_BOOL] = { "|b1", 1 },
	[TS_I32] = { "<i4", 4 }, [TS_I64] = { "<i8", 8 }, [TS_F16] = { "<f2", 2 },
	[TS_F32] = { "<f4", 4 }, [TS_F64] = { "<f8", 8 }, [TS_STR] = { "str", 0 },
};

size_t ts_type_size(enum ts_type type)
{
	return types[type].size;
}

const char *ts_type_name(enum ts_type type)
{
	return types[type].name;
}

bool ts_type_is_integer(enum ts_type type)
{
	return type != TS_F16 && type != TS_F32 && type != TS_F64 && type != TS_STR;
}

int ts_type_parse(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* A half has 1 sign, 5 exponent (bias 15) and 10 fraction bits; a float has 8 exponent (bias 127) and 23 fraction bits.
 * Done in integers, because not every compiler has a type for halves. */
float ts_half_get(uint16_t half)
{
	const float small = (float)(half & 1023) * 0x1p-24f; /* where the exponent is 0 */
	uint32_t bits = (half & 0x7fffu) << 13;
	float v;

	if (bits >= 0x7c00u << 13)
		bits |= 0x7f800000; /* infinite or not a number */
	else if (bits >= 0x0400u << 13)
		bits += 112u << 23; /* change the bias */
	else
		memcpy(&bits, &small, sizeof bits);
	bits |= (half & 0x8000u) << 16;
	memcpy(&v, &bits, sizeof v);
	return v;
}

uint16_t ts_half(float v)
{
	uint32_t bits, sign;

	memcpy(&bits, &v, sizeof bits);
	sign = bits >> 16 & 0x8000;
	bits &= 0x7fffffff;
	if (bits > 0x7f800000) /* not a number */
		return (uint16_t)(sign | 0x7e00);
	if (bits >= 0x47800000) /* 2^16 or more */
		return (uint16_t)(sign | 0x7c00);
	if (bits < 0x38800000) { /* below 2^-14: steps of 2^-24, which are those of floats at 1/2 */
		v = fabsf(v) + 0.5f;
		memcpy(&bits, &v, sizeof bits);
		return (uint16_t)(sign | (bits - 0x3f000000));
	}
	bits += 0xfff + (bits >> 13 & 1); /* round up if more than half a step is cut off, or exactly half of an odd
					   * one */
	return (uint16_t)(sign | (bits - (112u << 23)) >> 13);
}

double ts_get(enum ts_type type, const void *data, size_t i)
{
	switch (type) {
	case TS_U8:
	case TS_BOOL: return ((const uint8_t *)data)[i];
	case TS_I8: return ((const int8_t *)data)[i];
	case TS_I32: return ((const int32_t *)data)[i];
	case TS_I64: return (double)((const int64_t *)data)[i];
	case TS_F16: return (double)ts_half_get(((const uint16_t *)data)[i]);
	case TS_F32: return (double)((const float *)data)[i];
	case TS_F64: return ((const double *)data)[i];
	case TS_STR: break;
	}
	return NAN;
}

size_t ts_tensor_count(const struct ts_tensor *t)
{
	size_t n = 1;
	for (int i = 0; i < t->ndim; i++)
		n *= t->shape[i];
	return n;
}

const char *ts_shape_text(int ndim, const size_t *shape, char *buf)
{
	size_t k = (size_t)snprintf(buf, TS_SHAPE, "%s", ndim ? "" : "scalar");

	for (int i = 0; i < ndim && k < TS_SHAPE; i++)
		k += (size_t)snprintf(buf + k, TS_SHAPE - k, "%s%zu", i ? "x" : "", shape[i]);
	return buf;
}

size_t ts_tensor_bytes(const struct ts_tensor *t)
{
	return ts_tensor_count(t) * ts_type_size(t->type);
}

int ts_tensor_init(struct ts_tensor *t, const char *name, enum ts_type type, int ndim, const size_t *shape)
{
	size_t bytes = ts_type_size(type);

	*t = (struct ts_tensor){ .type = type, .ndim = ndim };
	if (ndim < 0 || ndim > TS_MAX_DIMS || type == TS_STR)
		return -1;
	for (int i = 0; i < ndim; i++) {
		t->shape[i] = shape[i];
		if (ts_mul(bytes, shape[i], &bytes) < 0)
			return -1;
	}
	if (bytes > TS_MAX_TENSOR)
		return -1;
	t->name = strdup(name ? name : "");
	t->data = calloc(bytes ? bytes : 1, 1);
	if (!t->name || !t->data) {
		ts_tensor_release(t);
		return -1;
	}
	return 0;
}

void ts_tensor_release(struct ts_tensor *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->data);
	*t = (struct ts_tensor){ 0 };
}

void ts_set_release(struct ts_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		ts_tensor_release(&s->t[i]);
	free(s->t);
	*s = (struct ts_set){ 0 };
}

struct ts_tensor *ts_set_get(const struct ts_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->t[i].name, name) == 0)
			return &s->t[i];
	return NULL;
}

struct ts_tensor *ts_set_add(struct ts_set *s, const char *name, enum ts_type type, int ndim, const size_t *shape)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct ts_tensor *t = realloc(s->t, cap * sizeof *t);
		if (!t)
			return NULL;
		s->t = t;
		s->cap = cap;
	}
	if (ts_tensor_init(&s->t[s->n], name, type, ndim, shape) < 0)
		return NULL;
	return &s->t[s->n++];
}
