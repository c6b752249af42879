/* SPDX-License-Identifier: MIT
 *
 * report_archs: the networks that --arch takes, with their size and their cost.
 */
#ifndef REPORT_ARCHS_H
#define REPORT_ARCHS_H

#include <stdio.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A line for each network as it is by default, and for each name of one with parameters: its trained numbers with 10
 * classes, and the multiply-adds of an image of 32x32 and of 224x224 pixels ("-": it takes none of these), in
 * millions. Then what parameters there are. With --json an object for each, of whole numbers. -1: out of memory. */
int report_archs(FILE *f, struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
