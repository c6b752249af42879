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

/* Writes a line for each network with its defaults, and for each alias of one with parameters: the number of
 * trained parameters with 10 classes, and the multiply-adds for an image of 32x32 and of 224x224 pixels ("-": the
 * network does not take that size), in millions. Then lists the parameters of networks. With --json writes an object
 * for each, with whole numbers. -1: out of memory. */
int report_archs(FILE *f, struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
