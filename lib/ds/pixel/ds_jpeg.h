/* SPDX-License-Identifier: MIT
 * ds_jpeg: how libjpeg's errors become ours, for reading and writing. */
#ifndef DS_JPEG_H
#define DS_JPEG_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "err/err.h"

struct ds_jpeg_trouble {
	struct jpeg_error_mgr mgr; /* first: libjpeg knows it alone */
	jmp_buf jump;              /* set by setjmp() before libjpeg is called */
	struct err *err;
	const char *what; /* precedes libjpeg's own message */
};

/* The error_exit of mgr: sets the reason and jumps; libjpeg needs a function that does not return. */
void ds_jpeg_fail(j_common_ptr j) __attribute__((noreturn));

#endif
