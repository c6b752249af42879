/* SPDX-License-Identifier: MIT
 * ds_mat: is a MATLAB file of version 5 whole, and what are its images and labels? libmatio stops where it has what it
 * was asked for, before the checksum, and takes a read that fails for the end of the file. */
#ifndef DS_MAT_H
#define DS_MAT_H

#include <stddef.h>
#include <stdint.h>

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

struct ds_mat {
	enum ds_mat_kind kind;
	uint32_t x; /* CRC-32 of the bytes of the variable X, as crc32_z() has it; 0: there is none */
	double *y;  /* the numbers of the variable y; NULL: there is none, or more than 2^23 */
	size_t n_y;
};
void ds_mat_release(struct ds_mat *m);

/* Goes through all elements of the file at path, which end where it ends; what is compressed is inflated to its end and
 * its Adler-32 compared. The head of each array must fit its size, as libmatio would allocate what a damaged one says.
 * -1 with err; ret->kind is then what was met so far. ds_mat_release() *ret in any case. */
int ds_mat_check(const char *path, struct ds_mat *ret, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
