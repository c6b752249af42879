/* SPDX-License-Identifier: MIT
 * ts_utf8: is it UTF-8? Names of files are any bytes, strings of a stream are not: readers such as Python's stop at
 * others. */
#ifndef TS_UTF8_H
#define TS_UTF8_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many bytes s begins with that are characters of UTF-8 (RFC 3629: no overlong forms, no surrogates). */
size_t ts_utf8_span(const char *s);
/* Bytes of the mark that some programs put before UTF-8 (Excel, PowerShell), if s begins with it; else 0. */
size_t ts_utf8_mark(const char *s);

#ifdef __cplusplus
}
#endif
#endif
