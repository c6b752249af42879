/* SPDX-License-Identifier: MIT
 *
 * report_methods: the list of the methods that score.
 */
#ifndef REPORT_METHODS_H
#define REPORT_METHODS_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes every method with its help and what it needs, and below it its parameters: name, help, default and range; in
 * groups. With --json an object per method. */
void report_methods(FILE *f);

#ifdef __cplusplus
}
#endif
#endif
