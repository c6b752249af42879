/* SPDX-License-Identifier: MIT
 * ts_utf8: checks for UTF-8. File names are any bytes, strings of a stream must be UTF-8: readers such as Python's stop
 * at anything else. */
#ifndef TS_UTF8_H
#define TS_UTF8_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The length of the longest prefix of s that is valid UTF-8 (RFC 3629: no overlong forms, no surrogates). */
size_t ts_utf8_span(const char *s);
/* The length of the byte order mark that some programs write (Excel, PowerShell) if s begins with one; otherwise 0. */
size_t ts_utf8_mark(const char *s);

#ifdef __cplusplus
}
#endif
#endif
