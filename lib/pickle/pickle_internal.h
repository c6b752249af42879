/* SPDX-License-Identifier: MIT
 * Inside the pickle machine: pickle.c runs the opcodes, pickle_call.c makes the results of "calls". */
#ifndef PICKLE_INTERNAL_H
#define PICKLE_INTERNAL_H

#include "err/err.h"
#include "pickle/pickle.h"

struct pickle_block {
	struct pickle_block *next;
	char *own; /* bytes that are not in the file */
	struct pickle_value v;
};

struct pickle {
	const unsigned char *p, *end, *start;
	const struct pickle_name *names;
	struct pickle_block *all; /* every value, to be freed */
	size_t n_values, n_own;   /* number of values; bytes copied */
	struct pickle_value **stack, **memo, **ids;
	size_t depth, stack_cap, n_memo, memo_cap, n_ids, ids_cap;
	size_t *marks, n_marks, marks_cap;
	bool others; /* the table ends in PICKLE_OTHERS */
	char *unknown[PICKLE_MAX_UNKNOWN];
	size_t n_unknown;
	struct err *err;
};

/* Functions that return int give 0, or -1 with the error set. pickle_fail() adds the position in the pickle. */
int pickle_fail(struct pickle *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A new value; NULL with the error set: too many values, or out of memory. */
struct pickle_value *pickle_make(struct pickle *k, enum pickle_type type);
/* Neither list nor v is NULL. */
int pickle_append(struct pickle *k, struct pickle_value *list, struct pickle_value *v);
/* With v NULL, returns -1 and leaves the error that is set. */
int pickle_push(struct pickle *k, struct pickle_value *v);
/* NULL: nothing above the last mark. */
struct pickle_value *pickle_pop(struct pickle *k);
struct pickle_value *pickle_top(const struct pickle *k);

/* GLOBAL, STACK_GLOBAL, REDUCE (and NEWOBJ), NEWOBJ_EX, BUILD. */
int pickle_op_global(struct pickle *k);
int pickle_op_stack_global(struct pickle *k);
int pickle_op_reduce(struct pickle *k);
int pickle_op_newobj_ex(struct pickle *k);
int pickle_op_build(struct pickle *k);

#endif
