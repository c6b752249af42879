/* SPDX-License-Identifier: MIT
 * ts_parse: JSON from other programs, through jansson. */
#ifndef TS_PARSE_H
#define TS_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parses n bytes as JSON without duplicate keys; the caller json_decref()s the result. NULL with err: what is wrong,
 * and at which byte; or out of memory. */
json_t *ts_parse_json(const void *p, size_t n, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
