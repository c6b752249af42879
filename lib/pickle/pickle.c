/* SPDX-License-Identifier: MIT
 * A pickle machine for data only: a stack and a memo. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle/pickle_internal.h"

int pickle_fail(struct pickle *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->err->text, sizeof k->err->text, fmt, ap);
	va_end(ap);
	return err_prefix(k->err, "pickle, byte %zu: ", (size_t)(k->p - k->start));
}

struct pickle_value *pickle_make(struct pickle *k, enum pickle_type type)
{
	struct pickle_block *b;

	if (k->n_values == PICKLE_MAX_VALUES) {
		pickle_fail(k, "more than %d values", PICKLE_MAX_VALUES);
		return NULL;
	}
	if (!(b = calloc(1, sizeof *b))) {
		err_memory(k->err);
		return NULL;
	}
	k->n_values++;
	b->next = k->all;
	k->all = b;
	b->v.type = type;
	return &b->v;
}

/* Grows an array of pointers or sizes to hold one more. */
static int more(struct pickle *k, void *array, size_t n, size_t *cap, size_t size)
{
	void **a = array, *grown;

	if (n < *cap)
		return 0;
	grown = realloc(*a, (*cap ? 2 * *cap : 16) * size);
	if (!grown)
		return err_memory(k->err);
	*a = grown;
	*cap = *cap ? 2 * *cap : 16;
	return 0;
}

int pickle_push(struct pickle *k, struct pickle_value *v)
{
	if (!v)
		return -1;
	if (more(k, &k->stack, k->depth, &k->stack_cap, sizeof *k->stack) < 0)
		return -1;
	k->stack[k->depth++] = v;
	return 0;
}

/* The bottom of the stack for popping: values below the last mark are out of reach. */
static size_t bottom(const struct pickle *k)
{
	return k->n_marks ? k->marks[k->n_marks - 1] : 0;
}

struct pickle_value *pickle_pop(struct pickle *k)
{
	return k->depth > bottom(k) ? k->stack[--k->depth] : NULL;
}

int pickle_append(struct pickle *k, struct pickle_value *list, struct pickle_value *v)
{
	if (more(k, &list->item, list->n, &list->cap, sizeof *list->item) < 0)
		return -1;
	list->item[list->n++] = v;
	return 0;
}

/* Pops the values above the last mark into a new list. */
static struct pickle_value *collect(struct pickle *k, size_t from)
{
	struct pickle_value *list = pickle_make(k, PICKLE_LIST);

	for (size_t i = from; list && i < k->depth; i++)
		if (pickle_append(k, list, k->stack[i]) < 0)
			return NULL;
	k->depth = from;
	return list;
}

static struct pickle_value *to_mark(struct pickle *k)
{
	if (k->n_marks)
		return collect(k, k->marks[--k->n_marks]);
	pickle_fail(k, "no mark");
	return NULL;
}

struct pickle_value *pickle_top(const struct pickle *k)
{
	return k->depth > bottom(k) ? k->stack[k->depth - 1] : NULL;
}

static int number(struct pickle *k, int bytes, uint64_t *ret)
{
	if (k->end - k->p < bytes)
		return pickle_fail(k, "cut off");
	*ret = 0;
	for (int i = bytes; i-- > 0;)
		*ret = *ret << 8 | k->p[i];
	k->p += bytes;
	return 0;
}

static int push_int(struct pickle *k, int64_t i)
{
	struct pickle_value *v = pickle_make(k, PICKLE_INT);
	if (v)
		v->i = i;
	return pickle_push(k, v);
}

/* A little-endian number of `width` bytes, read as signed if it has 4 (BININT) or is a LONG1. */
static int op_int(struct pickle *k, int width)
{
	uint64_t v = 0;
	if (number(k, width, &v) < 0)
		return -1;
	return push_int(k, width == 4 ? (int32_t)v : (int64_t)v);
}

static int op_str(struct pickle *k, int width, enum pickle_type type)
{
	struct pickle_value *v = pickle_make(k, type);
	uint64_t n = 0;

	if (!v || number(k, width, &n) < 0)
		return -1;
	if (n > (uint64_t)(k->end - k->p))
		return pickle_fail(k, "cut off in a string");
	v->s = (const char *)k->p;
	v->n = (size_t)n;
	k->p += n;
	return pickle_push(k, v);
}

/* LONG1, LONG4: an integer of any size. */
static int op_long(struct pickle *k, int width)
{
	uint64_t n = 0, v = 0;

	if (number(k, width, &n) < 0)
		return -1;
	if (n > (uint64_t)(k->end - k->p))
		return pickle_fail(k, "cut off in an integer");
	if (n > 8) {
		k->p -= width;
		return op_str(k, width, PICKLE_LONG);
	}
	if (number(k, (int)n, &v) < 0)
		return -1;
	if (n && n < 8 && v >> (8 * n - 1))
		v |= ~0ull << (8 * n);
	return push_int(k, (int64_t)v);
}

static int op_float(struct pickle *k)
{
	struct pickle_value *v = pickle_make(k, PICKLE_FLOAT);
	uint64_t bits = 0;

	if (number(k, 8, &bits) < 0 || !v)
		return -1;
	bits = __builtin_bswap64(bits);
	memcpy(&v->f, &bits, sizeof bits);
	return pickle_push(k, v);
}

static int set_memo(struct pickle *k, uint64_t at)
{
	if (k->depth <= bottom(k) || at >= PICKLE_MAX_VALUES)
		return pickle_fail(k, "bad memo");
	while (k->n_memo <= at) {
		if (more(k, &k->memo, k->n_memo, &k->memo_cap, sizeof *k->memo) < 0)
			return -1;
		k->memo[k->n_memo++] = NULL;
	}
	k->memo[at] = k->stack[k->depth - 1];
	return 0;
}

static int op_put(struct pickle *k, int width)
{
	uint64_t at = 0;
	return number(k, width, &at) < 0 ? -1 : set_memo(k, at);
}

static int op_get(struct pickle *k, int width)
{
	uint64_t at = 0;
	if (number(k, width, &at) < 0)
		return -1;
	if (at >= k->n_memo || !k->memo[at])
		return pickle_fail(k, "bad memo");
	return pickle_push(k, k->memo[at]);
}

/* ---- containers ---- */

static int extend(struct pickle *k, struct pickle_value *items, enum pickle_type type)
{
	struct pickle_value *to = pickle_top(k);

	if (to && to->type == PICKLE_OBJECT && k->others) { /* of a class derived from dict or list */
		to->type = type;
		to->n = 0;
	}
	if (!to || to->type != type || (type == PICKLE_DICT && items->n % 2))
		return pickle_fail(k, "nothing to add to");
	for (size_t i = 0; i < items->n; i++)
		if (pickle_append(k, to, items->item[i]) < 0)
			return -1;
	return 0;
}

static int op_extend(struct pickle *k, enum pickle_type type)
{
	struct pickle_value *items = to_mark(k);
	return items ? extend(k, items, type) : -1;
}

static int op_take(struct pickle *k, size_t n, enum pickle_type into)
{
	struct pickle_value *items;

	if (k->depth - bottom(k) < n)
		return pickle_fail(k, "stack is empty");
	if (!(items = collect(k, k->depth - n)))
		return -1;
	return into == PICKLE_NONE ? pickle_push(k, items) : extend(k, items, into);
}

/* DICT: a dictionary of the keys and values above the mark. */
static int op_dict(struct pickle *k)
{
	struct pickle_value *items = to_mark(k);

	if (!items)
		return -1;
	if (items->n % 2)
		return pickle_fail(k, "a key without a value");
	items->type = PICKLE_DICT;
	return pickle_push(k, items);
}

static int op_persistent(struct pickle *k)
{
	struct pickle_value *id = pickle_pop(k), *v;

	if (!id)
		return pickle_fail(k, "stack is empty");
	if (!(v = pickle_make(k, PICKLE_PERSISTENT)) || pickle_append(k, v, id) < 0 ||
	    more(k, &k->ids, k->n_ids, &k->ids_cap, sizeof *k->ids) < 0)
		return -1;
	k->ids[k->n_ids++] = v;
	return pickle_push(k, v);
}

/* DUP: pushes the same value again. */
static int op_dup(struct pickle *k)
{
	struct pickle_value *v = pickle_top(k);

	return v ? pickle_push(k, v) : pickle_fail(k, "stack is empty");
}

static int op_mark(struct pickle *k)
{
	if (more(k, &k->marks, k->n_marks, &k->marks_cap, sizeof *k->marks) < 0)
		return -1;
	k->marks[k->n_marks++] = k->depth;
	return 0;
}

/* Runs one opcode. 0: go on, 1: stop, -1: error. */
static int step(struct pickle *k)
{
	unsigned char op;
	uint64_t unused;

	if (k->p == k->end)
		return pickle_fail(k, "cut off");
	op = *k->p++;
	switch (op) {
	case 0x80: return number(k, 1, &unused); /* PROTO */
	case 0x95: return number(k, 8, &unused); /* FRAME */
	case '.': return 1;
	case '(': return op_mark(k);
	case '0': return pickle_pop(k) ? 0 : pickle_fail(k, "stack is empty");
	case 'N': return pickle_push(k, pickle_make(k, PICKLE_NONE));
	case 0x88:
	case 0x89: return push_int(k, op == 0x88);
	case 'K': return op_int(k, 1);
	case 'M': return op_int(k, 2);
	case 'J': return op_int(k, 4);
	case 0x8a:
	case 0x8b: return op_long(k, op == 0x8a ? 1 : 4);
	case 'G': return op_float(k);
	case 'U':
	case 'C':
	case 0x8c: return op_str(k, 1, PICKLE_STR);
	case 'T':
	case 'B':
	case 'X': return op_str(k, 4, PICKLE_STR);
	case 0x8d:
	case 0x8e:
	case 0x96: return op_str(k, 8, PICKLE_STR);
	case ']':
	case ')':
	case 0x8f: return pickle_push(k, pickle_make(k, PICKLE_LIST));
	case '}': return pickle_push(k, pickle_make(k, PICKLE_DICT));
	case 'a': return op_take(k, 1, PICKLE_LIST);
	case 'e':
	case 0x90: return op_extend(k, PICKLE_LIST);
	case 's': return op_take(k, 2, PICKLE_DICT);
	case 'u': return op_extend(k, PICKLE_DICT);
	case 't':
	case 'l':
	case 0x91: return pickle_push(k, to_mark(k));
	case 'd': return op_dict(k);
	case 'Q': return op_persistent(k);
	case '1': return to_mark(k) ? 0 : -1;
	case '2': return op_dup(k);
	case 0x85:
	case 0x86:
	case 0x87: return op_take(k, op - 0x84u, PICKLE_NONE);
	case 'q':
	case 'r': return op_put(k, op == 'q' ? 1 : 4);
	case 0x94: return set_memo(k, k->n_memo);
	case 'h':
	case 'j': return op_get(k, op == 'h' ? 1 : 4);
	case 'c': return pickle_op_global(k);
	case 0x93: return pickle_op_stack_global(k);
	case 'R':
	case 0x81: return pickle_op_reduce(k);
	case 0x92: return pickle_op_newobj_ex(k);
	case 'b': return pickle_op_build(k);
	default: return pickle_fail(k, "refuses opcode 0x%02x: it is not one that data needs", op);
	}
}

struct pickle *pickle_read(const void *data, size_t len, const struct pickle_name *names, struct err *err)
{
	struct pickle *k = calloc(1, sizeof *k);
	int rc;

	if (!k) {
		err_memory(err);
		return NULL;
	}
	k->p = k->start = data;
	k->end = k->p + len;
	k->names = names;
	k->err = err;
	while (names && names->name)
		k->others = strcmp(names++->name, "*") == 0;
	while ((rc = step(k)) == 0)
		;
	if (rc == 1 && (k->depth != 1 || k->n_marks))
		rc = pickle_fail(k, "does not end with one value");
	if (rc == 1)
		return k;
	pickle_free(k);
	return NULL;
}

bool pickle_starts(const unsigned char *p, size_t n)
{
	return n > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5;
}

void pickle_free(struct pickle *k)
{
	if (!k)
		return;
	while (k->all) {
		struct pickle_block *b = k->all;
		k->all = b->next;
		free(b->v.item);
		free(b->own);
		free(b);
	}
	for (size_t i = 0; i < k->n_unknown; i++)
		free(k->unknown[i]);
	free(k->stack);
	free(k->memo);
	free(k->ids);
	free(k->marks);
	free(k);
}

const struct pickle_value *pickle_root(const struct pickle *k)
{
	return k->stack[0];
}

const struct pickle_value *pickle_persistent(const struct pickle *k, size_t i)
{
	return i < k->n_ids ? k->ids[i] : NULL;
}

const char *pickle_unknown(const struct pickle *k, size_t i)
{
	return i < k->n_unknown ? k->unknown[i] : NULL;
}

size_t pickle_size(const struct pickle *k)
{
	return (size_t)(k->p - k->start);
}

bool pickle_is(const struct pickle_value *v, const char *s)
{
	return v && v->type == PICKLE_STR && v->n == strlen(s) && memcmp(v->s, s, v->n) == 0;
}

const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
	if (!dict || dict->type != PICKLE_DICT)
		return NULL;
	for (size_t i = 0; i + 1 < dict->n; i += 2)
		if (pickle_is(dict->item[i], key))
			return dict->item[i + 1];
	return NULL;
}
