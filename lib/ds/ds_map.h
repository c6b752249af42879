/* SPDX-License-Identifier: MIT
 * ds_map: strings to numbers, by hashing. Keys are copied. */
#ifndef DS_MAP_H
#define DS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_map {
	struct ds_map_place {
		char *key; /* NULL: free */
		uint64_t hash;
		int64_t value;
	} * at;
	size_t n, cap;
};
/* The value of key, or -1. */
int64_t ds_map_get(const struct ds_map *m, const char *key);
/* Sets the value of key, value >= 0. 1: the key existed (and now has the new value), 0: it is new, -1 with err: out of
 * memory. */
int ds_map_set(struct ds_map *m, const char *key, int64_t value, struct err *err);
void ds_map_release(struct ds_map *m);

#ifdef __cplusplus
}
#endif
#endif
