/* SPDX-License-Identifier: MIT
 * ds_mat: is a MATLAB file of version 5 whole? libmatio stops where it has what it was asked for, before the
 * checksum. */
#ifndef DS_MAT_H
#define DS_MAT_H

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the file's variables are. */
enum ds_mat_kind {
	DS_MAT_NOTES,  /* there is no X of bytes */
	DS_MAT_IMAGES, /* there is, and all are arrays of numbers or text, whose heads are right */
	DS_MAT_MIXED   /* there is, beside structures, cells and the like */
};

/* Goes through all elements of the file at path, which end where it ends; what is compressed is inflated to its end and
 * its Adler-32 compared. The head of each array must fit its size, as libmatio would allocate what a damaged one says.
 * -1 with err; *kind is then what was met so far. */
int ds_mat_check(const char *path, enum ds_mat_kind *kind, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
