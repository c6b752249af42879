/* SPDX-License-Identifier: MIT
 * Where a pickle would call something: the names that the caller's table has, and the inert values
 * that stand for what they would have made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle/pickle_internal.h"

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
		*c = *c == ' ' ? '.' : *c < 32 || *c > 126 ? '?' : *c;
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

/* Small files that copy the same thing again and again: all copies together are no larger than the
 * pickle. */
static int spend(struct pickle *k, size_t bytes)
{
	k->n_own += bytes;
	return k->n_own > (size_t)(k->end - k->start) ? pickle_fail(k, "the same data is copied again and again") : 0;
}

/* Bytes, which Python 3 writes in protocol 2 as text that is to be encoded in Latin-1. */
static struct pickle_value *make_bytes(struct pickle *k, const struct pickle_value *args)
{
	const struct pickle_value *text = args->n == 2 ? args->item[0] : NULL;
	struct pickle_value *v;
	char *own;

	if (!text || text->type != PICKLE_STR || !pickle_is(args->item[1], "latin1")) {
		pickle_fail(k, "bad call of '_codecs.encode'");
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
	if (!(v = pickle_make(k, PICKLE_DICT)) || !from || from->type == PICKLE_NAME)
		return v;
	if (from->type != PICKLE_LIST) {
		pickle_fail(k, "a dictionary of something else than pairs");
		return NULL;
	}
	if (spend(k, from->n) < 0)
		return NULL;
	for (size_t i = 0; i < from->n; i++) {
		const struct pickle_value *pair = from->item[i];

		if (pair->type != PICKLE_LIST || pair->n != 2) {
			pickle_fail(k, "a dictionary of something else than pairs");
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

int pickle_op_reduce(struct pickle *k)
{
	struct pickle_value *args = pickle_pop(k), *call = pickle_pop(k), *v;

	if (!args || !call || args->type != PICKLE_LIST || call->type != PICKLE_NAME)
		return pickle_fail(k, "bad call");
	switch ((enum pickle_makes)call->i) {
	case PICKLE_MAKES_OBJECT: return pickle_push(k, make_object(k, call->s, args));
	case PICKLE_MAKES_DICT: return pickle_push(k, make_dict(k, args));
	case PICKLE_MAKES_BYTES: return pickle_push(k, make_bytes(k, args));
	case PICKLE_MAKES_ARRAY:
		if ((v = pickle_make(k, PICKLE_ARRAY)))
			v->ndim = 1; /* of no elements, until its state comes */
		return pickle_push(k, v);
	case PICKLE_MAKES_LIST:
		if (args->n == 0)
			return pickle_push(k, args);
		if (args->n == 1 && args->item[0]->type == PICKLE_LIST)
			return pickle_push(k, args->item[0]);
		break;
	case PICKLE_MAKES_FIRST:
		if (args->n < 1 || args->item[0]->type != PICKLE_STR)
			break;
		if (!(v = pickle_make(k, PICKLE_STR)))
			return -1;
		v->s = args->item[0]->s;
		v->n = args->item[0]->n;
		return pickle_push(k, v);
	case PICKLE_MAKES_NOTHING: break;
	}
	return pickle_fail(k, "bad call of '%s'", call->s);
}

/* An array's state: version, shape, dtype, fortran, data. */
static int build_array(struct pickle *k, struct pickle_value *a, const struct pickle_value *st)
{
	uint64_t bytes;

	if (st->type != PICKLE_LIST || st->n != 5 || st->item[1]->type != PICKLE_LIST || st->item[1]->n > 4 ||
	    st->item[2]->type != PICKLE_STR || st->item[2]->n >= sizeof a->dtype || st->item[4]->type != PICKLE_STR)
		return pickle_fail(k, "bad array");
	memcpy(a->dtype, st->item[2]->s, st->item[2]->n);
	a->dtype[st->item[2]->n] = '\0';
	bytes = a->dtype[0] ? (uint64_t)(a->dtype[strlen(a->dtype) - 1] - '0') : 0;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return pickle_fail(k, "array of unknown elements '%s'", a->dtype);
	for (a->ndim = 0; (size_t)a->ndim < st->item[1]->n; a->ndim++) {
		const struct pickle_value *d = st->item[1]->item[a->ndim];
		if (d->type != PICKLE_INT || d->i < 0 || __builtin_mul_overflow(bytes, (uint64_t)d->i, &bytes))
			return pickle_fail(k, "bad array shape");
		a->shape[a->ndim] = d->i;
	}
	if (bytes != st->item[4]->n)
		return pickle_fail(k, "array of %zu bytes where its shape says %llu", st->item[4]->n,
				   (unsigned long long)bytes);
	a->fortran = st->item[3]->type == PICKLE_INT && st->item[3]->i;
	a->s = st->item[4]->s;
	a->n = st->item[4]->n;
	return 0;
}

/* BUILD gives an array or an object its state. That of a dtype or a dictionary (attributes of an
 * OrderedDict) is not needed. */
int pickle_op_build(struct pickle *k)
{
	struct pickle_value *st = pickle_pop(k), *v = pickle_top(k);

	if (st && v && (v->type == PICKLE_STR || v->type == PICKLE_DICT))
		return 0;
	if (st && v && v->type == PICKLE_OBJECT)
		return v->n > 1 ? pickle_fail(k, "an object with two states") : pickle_append(k, v, st);
	if (!st || !v || v->type != PICKLE_ARRAY)
		return pickle_fail(k, "bad array");
	return build_array(k, v, st);
}
