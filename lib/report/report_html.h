/* SPDX-License-Identifier: MIT
 *
 * report_html: a page that is one file: style and script are in it, and its policy forbids it to load anything.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The page's beginning, down to its heading, and its end. */
void report_html_begin(FILE *f, const char *title);
void report_html_end(FILE *f);
/* Text of any origin, in an element or between double quotes: markup is escaped, control characters are blanks, and
 * bytes that are no UTF-8 the replacement character. */
void report_html_text(FILE *f, const char *s);
/* n bytes as base64. */
void report_html_base64(FILE *f, const unsigned char *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
