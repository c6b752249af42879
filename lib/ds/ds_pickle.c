/* SPDX-License-Identifier: MIT
 * A pickle machine that knows data alone: a stack, a memo, and three callables that make NumPy
 * arrays. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds.h"
#include "ds/ds_pickle.h"

struct block {
	struct block *next;
	char *own;                        /* bytes that are not in the file */
	struct ds_value v;
};

struct ds_pickle {
	const unsigned char *p, *end, *start;
	struct block *all;                /* every value, to be freed */
	size_t n_values, n_own;           /* how many; bytes they own */
	struct ds_value **stack, **memo;
	size_t depth, stack_cap, n_memo, memo_cap;
	size_t *marks, n_marks, marks_cap;
	char *err;
};

static int __attribute__((format(printf, 2, 3)))
fail(struct ds_pickle *k, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(k->err, DS_ERR, "pickle, byte %zu: %s", (size_t)(k->p - k->start), text);
	return -1;
}

static struct ds_value *make(struct ds_pickle *k, enum ds_value_type type)
{
	struct block *b = k->n_values < DS_MAX_VALUES ? calloc(1, sizeof *b) : NULL;

	if (!b) {
		fail(k, "more than %d values, or out of memory", DS_MAX_VALUES);
		return NULL;
	}
	k->n_values++;
	b->next = k->all;
	k->all = b;
	b->v.type = type;
	return &b->v;
}

/* Grows an array of pointers or sizes to hold one more. */
static int more(void *array, size_t n, size_t *cap, size_t size)
{
	void **a = array, *grown;

	if (n < *cap)
		return 0;
	grown = realloc(*a, (*cap ? 2 * *cap : 16) * size);
	if (!grown)
		return -1;
	*a = grown;
	*cap = *cap ? 2 * *cap : 16;
	return 0;
}

static int push(struct ds_pickle *k, struct ds_value *v)
{
	if (!v)
		return -1;
	if (more(&k->stack, k->depth, &k->stack_cap, sizeof *k->stack) < 0)
		return fail(k, "out of memory");
	k->stack[k->depth++] = v;
	return 0;
}

/* The lowest that may be popped: values below the last mark are out of reach. */
static size_t bottom(const struct ds_pickle *k)
{
	return k->n_marks ? k->marks[k->n_marks - 1] : 0;
}

static struct ds_value *pop(struct ds_pickle *k)
{
	return k->depth > bottom(k) ? k->stack[--k->depth] : NULL;
}

static int append(struct ds_pickle *k, struct ds_value *list, struct ds_value *v)
{
	if (!v || more(&list->item, list->n, &list->cap, sizeof *list->item) < 0)
		return fail(k, "stack is empty, or out of memory");
	list->item[list->n++] = v;
	return 0;
}

/* Pops what lies above the last mark (or `count` values) into a new list. */
static struct ds_value *collect(struct ds_pickle *k, size_t from)
{
	struct ds_value *list = make(k, DS_LIST);

	for (size_t i = from; list && i < k->depth; i++)
		if (append(k, list, k->stack[i]) < 0)
			return NULL;
	k->depth = from;
	return list;
}

static struct ds_value *to_mark(struct ds_pickle *k)
{
	if (k->n_marks)
		return collect(k, k->marks[--k->n_marks]);
	fail(k, "no mark");
	return NULL;
}

/* The top of the stack if it is of this type. */
static struct ds_value *top(struct ds_pickle *k, enum ds_value_type type)
{
	struct ds_value *v = k->depth > bottom(k) ? k->stack[k->depth - 1] : NULL;
	return v && v->type == type ? v : NULL;
}

static int number(struct ds_pickle *k, int bytes, uint64_t *ret)
{
	if (k->end - k->p < bytes)
		return fail(k, "cut off");
	*ret = 0;
	for (int i = bytes; i-- > 0;)
		*ret = *ret << 8 | k->p[i];
	k->p += bytes;
	return 0;
}

static int push_int(struct ds_pickle *k, int64_t i)
{
	struct ds_value *v = make(k, DS_INT);
	if (v)
		v->i = i;
	return push(k, v);
}

/* A little-endian number of `width` bytes, read as signed if it has 4 (BININT) or is a LONG1. */
static int op_int(struct ds_pickle *k, int width)
{
	uint64_t v = 0;
	if (number(k, width, &v) < 0)
		return -1;
	return push_int(k, width == 4 ? (int32_t)v : (int64_t)v);
}

static int op_long(struct ds_pickle *k)
{
	uint64_t n = 0, v = 0;

	if (number(k, 1, &n) < 0)
		return -1;
	if (n > 8 || (size_t)(k->end - k->p) < n)
		return fail(k, "integer of %d bytes", (int)n);
	if (number(k, (int)n, &v) < 0)
		return -1;
	if (n && n < 8 && v >> (8 * n - 1))
		v |= ~0ull << (8 * n);
	return push_int(k, (int64_t)v);
}

static int op_float(struct ds_pickle *k)
{
	struct ds_value *v = make(k, DS_FLOAT);
	uint64_t bits = 0;

	if (number(k, 8, &bits) < 0 || !v)
		return -1;
	bits = __builtin_bswap64(bits);
	memcpy(&v->f, &bits, sizeof bits);
	return push(k, v);
}

static int op_str(struct ds_pickle *k, int width)
{
	struct ds_value *v = make(k, DS_STR);
	uint64_t n = 0;

	if (!v || number(k, width, &n) < 0)
		return -1;
	if (n > (uint64_t)(k->end - k->p))
		return fail(k, "cut off in a string");
	v->s = (const char *)k->p;
	v->n = (size_t)n;
	k->p += n;
	return push(k, v);
}

static int set_memo(struct ds_pickle *k, uint64_t at)
{
	if (k->depth <= bottom(k) || at > (uint64_t)(k->end - k->start))
		return fail(k, "bad memo");
	while (k->n_memo <= at) {
		if (more(&k->memo, k->n_memo, &k->memo_cap, sizeof *k->memo) < 0)
			return fail(k, "out of memory");
		k->memo[k->n_memo++] = NULL;
	}
	k->memo[at] = k->stack[k->depth - 1];
	return 0;
}

static int op_put(struct ds_pickle *k, int width)
{
	uint64_t at = 0;
	return number(k, width, &at) < 0 ? -1 : set_memo(k, at);
}

static int op_get(struct ds_pickle *k, int width)
{
	uint64_t at = 0;
	if (number(k, width, &at) < 0)
		return -1;
	if (at >= k->n_memo || !k->memo[at])
		return fail(k, "bad memo");
	return push(k, k->memo[at]);
}

/* ---- callables ---- */

static const char *const allowed[] = {
	"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct",
	"numpy ndarray", "numpy dtype", "_codecs encode",
};

static int push_callable(struct ds_pickle *k, const char *module, size_t m, const char *name, size_t n)
{
	struct ds_value *v = make(k, DS_CALLABLE);
	char both[256];

	snprintf(both, sizeof both, "%.*s %.*s", (int)(m < 120 ? m : 120), module,
		 (int)(n < 120 ? n : 120), name);
	if (!v)
		return -1;
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (strcmp(allowed[i], both) == 0) {
			v->s = allowed[i];
			return push(k, v);
		}
	for (char *c = both; *c; c++)
		*c = *c == ' ' ? '.' : *c < 32 || *c > 126 ? '?' : *c;
	return fail(k, "refuses to call '%s': this file holds more than data", both);
}

/* GLOBAL: two lines of text. */
static int op_global(struct ds_pickle *k)
{
	const unsigned char *a = k->p, *b = memchr(a, '\n', (size_t)(k->end - a)), *c;

	c = b ? memchr(b + 1, '\n', (size_t)(k->end - b - 1)) : NULL;
	if (!c)
		return fail(k, "cut off in a name");
	k->p = c + 1;
	return push_callable(k, (const char *)a, (size_t)(b - a), (const char *)b + 1,
			     (size_t)(c - b - 1));
}

static int op_stack_global(struct ds_pickle *k)
{
	struct ds_value *name = pop(k), *module = pop(k);

	if (!name || !module || name->type != DS_STR || module->type != DS_STR)
		return fail(k, "bad name");
	return push_callable(k, module->s, module->n, name->s, name->n);
}

/* Bytes, which Python 3 writes in protocol 2 as text that is to be encoded in Latin-1. */
static int push_latin1(struct ds_pickle *k, const struct ds_value *args)
{
	const struct ds_value *text = args->n == 2 ? args->item[0] : NULL;
	const struct ds_value *code = text ? args->item[1] : NULL;
	struct ds_value *v;
	char *own;

	if (!text || text->type != DS_STR || code->type != DS_STR || code->n != 6 ||
	    memcmp(code->s, "latin1", 6) != 0)
		return fail(k, "bad call of '_codecs.encode'");
	k->n_own += text->n;
	if (k->n_own > (size_t)(k->end - k->start))
		return fail(k, "the same text is encoded again and again");
	v = make(k, DS_STR);
	if (!v || !(own = k->all->own = malloc(text->n + 1)))
		return fail(k, "out of memory");
	for (size_t i = 0; i < text->n; i++) {
		unsigned char c = (unsigned char)text->s[i];

		if (c >= 0x80) {
			if ((c & 0xfe) != 0xc2 || ++i == text->n)
				return fail(k, "text that is not Latin-1");
			c = (unsigned char)(c << 6 | (text->s[i] & 0x3f));
		}
		own[v->n++] = (char)c;
	}
	v->s = own;
	return push(k, v);
}

static int op_reduce(struct ds_pickle *k)
{
	struct ds_value *args = pop(k), *call = pop(k), *v;

	if (!args || !call || args->type != DS_LIST || call->type != DS_CALLABLE)
		return fail(k, "bad call");
	if (strstr(call->s, "_reconstruct")) {
		if ((v = make(k, DS_ARRAY)))
			v->ndim = 1;          /* of no elements, until its state comes */
		return push(k, v);
	}
	if (strcmp(call->s, "_codecs encode") == 0)
		return push_latin1(k, args);
	if (args->n < 1 || args->item[0]->type != DS_STR || strcmp(call->s, "numpy ndarray") == 0)
		return fail(k, "bad call of '%s'", call->s);
	v = make(k, DS_STR);                  /* a dtype's name */
	if (!v)
		return -1;
	v->s = args->item[0]->s;
	v->n = args->item[0]->n;
	return push(k, v);
}

/* BUILD: gives an array its state (version, shape, dtype, fortran, data); a dtype's is not
 * needed. */
static int op_build(struct ds_pickle *k)
{
	struct ds_value *st = pop(k), *a = k->depth > bottom(k) ? k->stack[k->depth - 1] : NULL;
	uint64_t bytes;

	if (st && a && a->type == DS_STR)
		return 0;
	if (!st || !a || a->type != DS_ARRAY || st->type != DS_LIST || st->n != 5 ||
	    st->item[1]->type != DS_LIST || st->item[1]->n > 4 || st->item[2]->type != DS_STR ||
	    st->item[2]->n >= sizeof a->dtype || st->item[4]->type != DS_STR)
		return fail(k, "bad array");
	memcpy(a->dtype, st->item[2]->s, st->item[2]->n);
	a->dtype[st->item[2]->n] = '\0';
	bytes = a->dtype[0] ? (uint64_t)(a->dtype[strlen(a->dtype) - 1] - '0') : 0;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return fail(k, "array of unknown elements '%s'", a->dtype);
	for (a->ndim = 0; (size_t)a->ndim < st->item[1]->n; a->ndim++) {
		const struct ds_value *d = st->item[1]->item[a->ndim];
		if (d->type != DS_INT || d->i < 0 ||
		    __builtin_mul_overflow(bytes, (uint64_t)d->i, &bytes))
			return fail(k, "bad array shape");
		a->shape[a->ndim] = d->i;
	}
	if (bytes != st->item[4]->n)
		return fail(k, "array of %zu bytes where its shape says %llu", st->item[4]->n,
			    (unsigned long long)bytes);
	a->fortran = st->item[3]->type == DS_INT && st->item[3]->i;
	a->s = st->item[4]->s;
	a->n = st->item[4]->n;
	return 0;
}

/* ---- containers ---- */

static int extend(struct ds_pickle *k, struct ds_value *items, enum ds_value_type type)
{
	struct ds_value *to = top(k, type);

	if (!to || (type == DS_DICT && items->n % 2))
		return fail(k, "nothing to add to");
	for (size_t i = 0; i < items->n; i++)
		if (append(k, to, items->item[i]) < 0)
			return -1;
	return 0;
}

static int op_extend(struct ds_pickle *k, enum ds_value_type type)
{
	struct ds_value *items = to_mark(k);
	return items ? extend(k, items, type) : -1;
}

static int op_take(struct ds_pickle *k, size_t n, enum ds_value_type into)
{
	struct ds_value *items;

	if (k->depth - bottom(k) < n)
		return fail(k, "stack is empty");
	if (!(items = collect(k, k->depth - n)))
		return -1;
	return into == DS_NONE ? push(k, items) : extend(k, items, into);
}

static int op_mark(struct ds_pickle *k)
{
	if (more(&k->marks, k->n_marks, &k->marks_cap, sizeof *k->marks) < 0)
		return fail(k, "out of memory");
	k->marks[k->n_marks++] = k->depth;
	return 0;
}

/* 0 go on, 1 stop, -1. */
static int step(struct ds_pickle *k)
{
	unsigned char op;
	uint64_t unused;

	if (k->p == k->end)
		return fail(k, "cut off");
	op = *k->p++;
	switch (op) {
	case 0x80: return number(k, 1, &unused);        /* PROTO */
	case 0x95: return number(k, 8, &unused);        /* FRAME */
	case '.': return 1;
	case '(': return op_mark(k);
	case '0': return pop(k) ? 0 : fail(k, "stack is empty");
	case 'N': return push(k, make(k, DS_NONE));
	case 0x88: case 0x89: return push_int(k, op == 0x88);
	case 'K': return op_int(k, 1);
	case 'M': return op_int(k, 2);
	case 'J': return op_int(k, 4);
	case 0x8a: return op_long(k);
	case 'G': return op_float(k);
	case 'U': case 'C': case 0x8c: return op_str(k, 1);
	case 'T': case 'B': case 'X': return op_str(k, 4);
	case 0x8d: case 0x8e: return op_str(k, 8);
	case ']': case ')': return push(k, make(k, DS_LIST));
	case '}': return push(k, make(k, DS_DICT));
	case 'a': return op_take(k, 1, DS_LIST);
	case 'e': return op_extend(k, DS_LIST);
	case 's': return op_take(k, 2, DS_DICT);
	case 'u': return op_extend(k, DS_DICT);
	case 't': return push(k, to_mark(k));
	case 0x85: case 0x86: case 0x87: return op_take(k, op - 0x84u, DS_NONE);
	case 'q': case 'r': return op_put(k, op == 'q' ? 1 : 4);
	case 0x94: return set_memo(k, k->n_memo);
	case 'h': case 'j': return op_get(k, op == 'h' ? 1 : 4);
	case 'c': return op_global(k);
	case 0x93: return op_stack_global(k);
	case 'R': return op_reduce(k);
	case 'b': return op_build(k);
	default:
		return fail(k, "refuses opcode 0x%02x: it is not one that data needs", op);
	}
}

struct ds_pickle *ds_pickle_read(const void *data, size_t len, char *err)
{
	struct ds_pickle *k = calloc(1, sizeof *k);
	int rc;

	snprintf(err, DS_ERR, "out of memory");
	if (!k)
		return NULL;
	k->p = k->start = data;
	k->end = k->p + len;
	k->err = err;
	while ((rc = step(k)) == 0)
		;
	if (rc == 1 && (k->depth != 1 || k->n_marks))
		rc = fail(k, "does not end with one value");
	if (rc == 1)
		return k;
	ds_pickle_free(k);
	return NULL;
}

void ds_pickle_free(struct ds_pickle *k)
{
	if (!k)
		return;
	while (k->all) {
		struct block *b = k->all;
		k->all = b->next;
		free(b->v.item);
		free(b->own);
		free(b);
	}
	free(k->stack);
	free(k->memo);
	free(k->marks);
	free(k);
}

const struct ds_value *ds_pickle_root(const struct ds_pickle *k)
{
	return k->stack[0];
}

const struct ds_value *ds_value_get(const struct ds_value *dict, const char *key)
{
	size_t len = strlen(key);

	if (!dict || dict->type != DS_DICT)
		return NULL;
	for (size_t i = 0; i + 1 < dict->n; i += 2)
		if (dict->item[i]->type == DS_STR && dict->item[i]->n == len &&
		    memcmp(dict->item[i]->s, key, len) == 0)
			return dict->item[i + 1];
	return NULL;
}
