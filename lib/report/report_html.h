/* SPDX-License-Identifier: MIT
 *
 * report_html: a page in a single file: style and script are embedded, and its policy forbids loading anything.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write the beginning of the page, including its heading, and its end. */
void report_html_begin(FILE *f, const char *title);
void report_html_end(FILE *f);
/* Writes text of any origin, in an element or between double quotes: markup is escaped, control characters become
 * blanks, and bytes that are not UTF-8 become the replacement character. */
void report_html_text(FILE *f, const char *s);
/* Writes n bytes as base64. */
void report_html_base64(FILE *f, const unsigned char *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
