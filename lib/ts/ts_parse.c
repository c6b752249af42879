/* SPDX-License-Identifier: MIT
 * When memory runs out, jansson's parser reads memory that it did not get, or reports an invalid token. So we leave it
 * at once then, and leak what it holds. */
#include <setjmp.h>
#include <stdlib.h>

#include "ts/ts_parse.h"

static _Thread_local jmp_buf no_memory;

static void *get_memory(size_t n)
{
	void *p = malloc(n);

	if (!p)
		longjmp(no_memory, 1);
	return p;
}

json_t *ts_parse_json(const void *p, size_t n, struct err *err)
{
	json_error_t why;
	json_t *root;

	if (setjmp(no_memory)) {
		json_set_alloc_funcs(malloc, free);
		err_memory(err);
		return NULL;
	}
	json_set_alloc_funcs(get_memory, free);
	root = json_loadb(p, n, JSON_REJECT_DUPLICATES, &why);
	json_set_alloc_funcs(malloc, free);
	if (!root)
		err_fail(err, "byte %d: %s", why.position, why.text);
	return root;
}
