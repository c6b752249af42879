/* SPDX-License-Identifier: MIT
 * Where a pickle would call something: the names in the caller's table, and the inert values that stand for the results
 * of calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle/pickle_internal.h"

/* A copy of a name that is not in the table, shared by all its uses. NULL: out of memory. */
static const char *unknown(struct pickle *k, const char *name)
{
	size_t i = 0;

	if (k->n_unknown == PICKLE_MAX_UNKNOWN - 1)
		name = "others";
	while (i < k->n_unknown && strcmp(k->unknown[i], name) != 0)
		i++;
	if (i < k->n_unknown)
		return k->unknown[i];
	if (!(k->unknown[i] = strdup(name))) {
		err_memory(k->err);
		return NULL;
	}
	return k->unknown[k->n_unknown++];
}

static int push_name(struct pickle *k, const char *module, size_t m, const char *name, size_t n)
{
	struct pickle_value *v = pickle_make(k, PICKLE_NAME);
	char both[256];

	snprintf(both, sizeof both, "%.*s %.*s", (int)(m < 120 ? m : 120), module, (int)(n < 120 ? n : 120), name);
	if (!v)
		return -1;
	for (const struct pickle_name *q = k->names; q && q->name; q++)
		if (strcmp(q->name, both) == 0) {
			v->s = q->name;
			v->i = q->makes;
			return pickle_push(k, v);
		}
	for (char *c = both; *c; c++)
		*c = *c < 32 || *c > 126 ? '?' : *c;
	if (k->others) {
		v->i = PICKLE_MAKES_OBJECT;
		v->s = unknown(k, both);
		return v->s ? pickle_push(k, v) : -1;
	}
	if (strchr(both, ' '))
		*strchr(both, ' ') = '.';
	return pickle_fail(k, "refuses to call '%s': the file holds more than data", both);
}

/* GLOBAL: two lines of text. */
int pickle_op_global(struct pickle *k)
{
	const unsigned char *a = k->p, *b = memchr(a, '\n', (size_t)(k->end - a)), *c;

	c = b ? memchr(b + 1, '\n', (size_t)(k->end - b - 1)) : NULL;
	if (!c)
		return pickle_fail(k, "cut off in a name");
	k->p = c + 1;
	return push_name(k, (const char *)a, (size_t)(b - a), (const char *)b + 1, (size_t)(c - b - 1));
}

int pickle_op_stack_global(struct pickle *k)
{
	struct pickle_value *name = pickle_pop(k), *module = pickle_pop(k);

	if (!name || !module || name->type != PICKLE_STR || module->type != PICKLE_STR)
		return pickle_fail(k, "bad name");
	return push_name(k, module->s, module->n, name->s, name->n);
}

/* Guards against small files that copy the same thing again and again: all copies together must not be larger than the
 * pickle. */
static int spend(struct pickle *k, size_t bytes)
{
	k->n_own += bytes;
	return k->n_own > (size_t)(k->end - k->start) ? pickle_fail(k, "the same data is copied again and again") : 0;
}

/* Bytes, which Python 3 writes in protocol 2 as text to be encoded in Latin-1: _codecs.encode(text, "latin1"),
 * bytearray(text, "latin-1"); empty ones as bytes(), bytearray(). */
static struct pickle_value *make_bytes(struct pickle *k, const char *name, const struct pickle_value *args)
{
	const struct pickle_value *text = args->n ? args->item[0] : NULL;
	struct pickle_value *v;
	char *own;

	if (args->n == 0 || (args->n == 1 && text->type == PICKLE_STR)) {
		if ((v = pickle_make(k, PICKLE_STR))) {
			v->s = text ? text->s : "";
			v->n = text ? text->n : 0;
		}
		return v;
	}
	if (args->n != 2 || text->type != PICKLE_STR ||
	    (!pickle_is(args->item[1], "latin1") && !pickle_is(args->item[1], "latin-1"))) {
		pickle_fail(k, "bad call of '%s'", name);
		return NULL;
	}
	if (spend(k, text->n) < 0 || !(v = pickle_make(k, PICKLE_STR)))
		return NULL;
	if (!(own = k->all->own = malloc(text->n + 1))) {
		err_memory(k->err);
		return NULL;
	}
	for (size_t i = 0; i < text->n; i++) {
		unsigned char c = (unsigned char)text->s[i];

		if (c >= 0x80) {
			if ((c & 0xfe) != 0xc2 || ++i == text->n) {
				pickle_fail(k, "text that is not Latin-1");
				return NULL;
			}
			c = (unsigned char)(c << 6 | (text->s[i] & 0x3f));
		}
		own[v->n++] = (char)c;
	}
	v->s = own;
	return v;
}

/* OrderedDict(), OrderedDict([[key, value]...]) as Python 2 writes it, Counter({...}),
 * defaultdict(name). */
static struct pickle_value *make_dict(struct pickle *k, const struct pickle_value *args)
{
	struct pickle_value *from = args->n ? args->item[args->n - 1] : NULL, *v;

	if (from && from->type == PICKLE_DICT)
		return from;
	if (!(v = pickle_make(k, PICKLE_DICT)) || !from || from->type == PICKLE_NAME || from->type == PICKLE_NONE)
		return v;
	if (from->type != PICKLE_LIST && k->others) /* a defaultdict's factory */
		return v;
	if (from->type != PICKLE_LIST) {
		pickle_fail(k, "a dictionary of something other than pairs");
		return NULL;
	}
	if (spend(k, from->n) < 0)
		return NULL;
	for (size_t i = 0; i < from->n; i++) {
		const struct pickle_value *pair = from->item[i];

		if (pair->type != PICKLE_LIST || pair->n != 2) {
			pickle_fail(k, "a dictionary of something other than pairs");
			return NULL;
		}
		if (pickle_append(k, v, pair->item[0]) < 0 || pickle_append(k, v, pair->item[1]) < 0)
			return NULL;
	}
	return v;
}

static struct pickle_value *make_object(struct pickle *k, const char *name, struct pickle_value *args)
{
	struct pickle_value *v = pickle_make(k, PICKLE_OBJECT);

	if (!v || pickle_append(k, v, args) < 0)
		return NULL;
	v->s = name;
	return v;
}

/* Bytes of a dtype's elements: kinds b, i, u, f of 1, 2, 4 or 8 bytes; 0: another kind, or not a dtype. */
static size_t elem_size(const struct pickle_value *dtype)
{
	return dtype->type == PICKLE_STR && dtype->n == 2 && memchr("biuf", dtype->s[0], 4) &&
			       memchr("1248", dtype->s[1], 4) ?
		       (size_t)(dtype->s[1] - '0') :
		       0;
}

static bool is_scalar(const struct pickle_value *args)
{
	const size_t size = args->n == 2 ? elem_size(args->item[0]) : 0;

	return size && args->item[1]->type == PICKLE_STR && args->item[1]->n == size &&
	       (*args->item[0]->s != 'f' || size >= 4);
}

/* A NumPy number: dtype, bytes. */
static struct pickle_value *make_scalar(struct pickle *k, const struct pickle_value *args)
{
	const struct pickle_value *dtype = args->item[0], *bytes = args->item[1];
	const size_t size = bytes->n;
	struct pickle_value *v = pickle_make(k, *dtype->s == 'f' ? PICKLE_FLOAT : PICKLE_INT);
	uint64_t u = 0;
	float f;

	if (!v)
		return NULL;
	for (size_t i = 0; i < size; i++)
		u |= (uint64_t)(unsigned char)bytes->s[dtype->i == '>' ? size - 1 - i : i] << 8 * i;
	if (*dtype->s == 'f' && size == 4) {
		memcpy(&f, &u, 4);
		v->f = f;
	} else if (*dtype->s == 'f') {
		memcpy(&v->f, &u, 8);
	} else {
		if (*dtype->s == 'i' && size < 8 && u >> (8 * size - 1))
			u |= ~0ull << 8 * size;
		v->i = (int64_t)u;
	}
	return v;
}

static int fill_array(struct pickle *k, struct pickle_value *a, const struct pickle_value *shape,
		      const struct pickle_value *dtype, bool fortran, const struct pickle_value *data);

/* _frombuffer(bytes, dtype, shape, order) */
static struct pickle_value *make_buffer(struct pickle *k, const struct pickle_value *args)
{
	struct pickle_value *v = pickle_make(k, PICKLE_ARRAY);

	if (v && args->n != 4)
		pickle_fail(k, "bad array");
	return !v || args->n != 4 ||
			       fill_array(k, v, args->item[2], args->item[1], pickle_is(args->item[3], "F"),
					  args->item[0]) < 0 ?
		       NULL :
		       v;
}

/* NEWOBJ_EX: class, arguments, keyword arguments. */
int pickle_op_newobj_ex(struct pickle *k)
{
	return pickle_pop(k) ? pickle_op_reduce(k) : pickle_fail(k, "bad call");
}

int pickle_op_reduce(struct pickle *k)
{
	struct pickle_value *args = pickle_pop(k), *call = pickle_pop(k), *v;

	if (args && call && args->type == PICKLE_LIST && call->type != PICKLE_NAME && k->others)
		return pickle_push(k, make_object(k, call->type == PICKLE_OBJECT ? call->s : "?", args));
	if (!args || !call || args->type != PICKLE_LIST || call->type != PICKLE_NAME)
		return pickle_fail(k, "bad call");
	switch ((enum pickle_makes)call->i) {
	case PICKLE_MAKES_OBJECT: return pickle_push(k, make_object(k, call->s, args));
	case PICKLE_MAKES_DICT: return pickle_push(k, make_dict(k, args));
	case PICKLE_MAKES_BYTES: return pickle_push(k, make_bytes(k, call->s, args));
	case PICKLE_MAKES_BUFFER: return pickle_push(k, make_buffer(k, args));
	case PICKLE_MAKES_SCALAR:
		if (is_scalar(args))
			return pickle_push(k, make_scalar(k, args));
		break;
	case PICKLE_MAKES_ARRAY:
		if ((v = pickle_make(k, PICKLE_ARRAY)))
			v->ndim = 1; /* without elements until its state comes */
		return pickle_push(k, v);
	case PICKLE_MAKES_LIST:
		if (args->n == 0)
			return pickle_push(k, args);
		if (args->n == 1 && args->item[0]->type == PICKLE_LIST)
			return pickle_push(k, args->item[0]);
		break;
	case PICKLE_MAKES_DTYPE:
		if (args->n < 1 || args->item[0]->type != PICKLE_STR)
			break;
		if (!(v = pickle_make(k, PICKLE_STR)))
			return -1;
		v->s = args->item[0]->s;
		v->n = args->item[0]->n;
		return pickle_push(k, v);
	case PICKLE_MAKES_NOTHING: break;
	}
	if (k->others)
		return pickle_push(k, make_object(k, call->s, args));
	return pickle_fail(k, "bad call of '%s'", call->s);
}

/* Makes an inert object of an array that does not hold numbers, if the table allows it. */
static int no_array(struct pickle *k, struct pickle_value *a, const struct pickle_value *dtype)
{
	struct pickle_value *none = k->others ? pickle_make(k, PICKLE_LIST) : NULL;

	if (!k->others)
		return pickle_fail(k, "array of unknown elements '%.*s'", dtype->type == PICKLE_STR ? (int)dtype->n : 1,
				   dtype->type == PICKLE_STR ? dtype->s : "?");
	a->type = PICKLE_OBJECT;
	a->s = "numpy ndarray";
	return none ? pickle_append(k, a, none) : -1;
}

static int fill_array(struct pickle *k, struct pickle_value *a, const struct pickle_value *shape,
		      const struct pickle_value *dtype, bool fortran, const struct pickle_value *data)
{
	uint64_t bytes = elem_size(dtype);

	if (shape->type != PICKLE_LIST)
		return pickle_fail(k, "bad array");
	if (!bytes || data->type != PICKLE_STR || shape->n > 4)
		return no_array(k, a, dtype);
	snprintf(a->dtype, sizeof a->dtype, "%s%.2s", dtype->i == '>' ? ">" : "", dtype->s);
	for (a->ndim = 0; (size_t)a->ndim < shape->n; a->ndim++) {
		const struct pickle_value *d = shape->item[a->ndim];
		if (d->type != PICKLE_INT || d->i < 0 || __builtin_mul_overflow(bytes, (uint64_t)d->i, &bytes))
			return pickle_fail(k, "bad array shape");
		a->shape[a->ndim] = d->i;
	}
	if (bytes != data->n)
		return pickle_fail(k, "array of %zu bytes where its shape says %llu", data->n,
				   (unsigned long long)bytes);
	a->fortran = fortran;
	a->s = data->s;
	a->n = data->n;
	return 0;
}

/* An array's state: version, shape, dtype, fortran, data. */
static int build_array(struct pickle *k, struct pickle_value *a, const struct pickle_value *st)
{
	if (st->type != PICKLE_LIST || st->n != 5)
		return pickle_fail(k, "bad array");
	return fill_array(k, a, st->item[1], st->item[2], st->item[3]->type == PICKLE_INT && st->item[3]->i,
			  st->item[4]);
}

/* BUILD gives an array or an object its state. Of a dtype's state the byte order is kept; a dictionary's state
 * (attributes of an OrderedDict) is not needed. */
int pickle_op_build(struct pickle *k)
{
	struct pickle_value *st = pickle_pop(k), *v = pickle_top(k);

	if (!st || !v)
		return pickle_fail(k, "bad array");
	if (v->type == PICKLE_STR && st->type == PICKLE_LIST && st->n > 1 && pickle_is(st->item[1], ">"))
		v->i = '>';
	if (v->type == PICKLE_STR || v->type == PICKLE_DICT)
		return 0;
	if (v->type == PICKLE_OBJECT)
		return v->n > 1 ? pickle_fail(k, "an object with two states") : pickle_append(k, v, st);
	if (v->type == PICKLE_ARRAY)
		return build_array(k, v, st);
	return k->others ? 0 : pickle_fail(k, "bad array");
}
