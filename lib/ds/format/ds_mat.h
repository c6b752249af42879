/* SPDX-License-Identifier: MIT
 * ds_mat: is a MATLAB file of version 5 whole? libmatio stops where it has what it was asked for, before the
 * checksum. */
#ifndef DS_MAT_H
#define DS_MAT_H

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Goes through all elements of the file at path, which end where it ends; what is compressed is inflated to its end and
 * its Adler-32 compared. -1 with err. */
int ds_mat_check(const char *path, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
