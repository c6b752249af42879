/* SPDX-License-Identifier: MIT
 * ts_parse: JSON of others, through jansson. */
#ifndef TS_PARSE_H
#define TS_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* n bytes as JSON without keys that appear twice, which the caller json_decref()s. NULL with err: what is wrong, and
 * at which byte; or out of memory. */
json_t *ts_parse_json(const void *p, size_t n, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
