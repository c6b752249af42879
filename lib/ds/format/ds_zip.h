/* SPDX-License-Identifier: MIT
 * ds_zip: a zip stores each file's name twice, in front of the file and in the directory at its end, and no checksum
 * covers the names: if one bit has flipped and the two differ, the file would get another class. ds_archive uses it. */
#ifndef DS_ZIP_H
#define DS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the zip is: memory, or a file. */
struct ds_zip {
	const unsigned char *memory; /* NULL: */
	int fd;
	uint64_t size;
};
/* Compares all names. -1 with err: two differ, or the directory cannot be read. */
int ds_zip_check(const struct ds_zip *z, struct err *err);
/* The same for the file at path, if it begins like a zip. */
int ds_zip_check_file(const char *path, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
