/* SPDX-License-Identifier: MIT
 * ds_mat: checks that a MATLAB file of version 5 is complete, and finds its images and labels. libmatio stops once it
 * has what it was asked for, before the checksum, and takes a failed read for the end of the file. */
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
	DS_MAT_NOTES,  /* no variable X of bytes */
	DS_MAT_IMAGES, /* there is one, and all variables are arrays of numbers or text with valid headers */
	DS_MAT_MIXED   /* there is one, beside structures, cells and the like */
};

struct ds_mat {
	enum ds_mat_kind kind;
	uint32_t x; /* CRC-32 of the bytes of the variable X, as from crc32_z(); 0: there is none */
	double *y;  /* the numbers of the variable y; NULL: there is none, or it has more than 2^23 */
	size_t n_y;
};
void ds_mat_release(struct ds_mat *m);

/* Goes through all elements of the file at path, the last of which must end where the file does; compressed data is
 * inflated to its end and its Adler-32 compared. The header of each array must fit its size, because libmatio would
 * allocate whatever a damaged header says. -1 with err; ret->kind is then what was found so far. ds_mat_release() *ret
 * in any case. */
int ds_mat_check(const char *path, struct ds_mat *ret, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
