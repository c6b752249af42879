/* SPDX-License-Identifier: MIT
 *
 * report_methods: the list of scoring methods.
 */
#ifndef REPORT_METHODS_H
#define REPORT_METHODS_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes every method with its help and what it needs, followed by its parameters: name, help, default and range; in
 * groups. With --json writes an object per method. */
void report_methods(FILE *f);

#ifdef __cplusplus
}
#endif
#endif
