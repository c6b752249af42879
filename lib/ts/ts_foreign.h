/* SPDX-License-Identifier: MIT
 * ts_foreign: recognises files that are not streams by their first bytes, for messages that say what to do with
 * them. */
#ifndef TS_FOREIGN_H
#define TS_FOREIGN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ts_foreign {
	TS_UNKNOWN,
	TS_PYTORCH,
	TS_PICKLE,
	TS_NPY,
	TS_NPZ,
	TS_ZIP,
	TS_SAFETENSORS,
	TS_HDF5,
	TS_PARQUET,
	TS_MATLAB,
	TS_PICTURE,
	TS_GZIP,
	TS_PACKED,
	TS_TEXT
};
/* The type of a file that begins with these n bytes; a few hundred are enough to be sure. */
enum ts_foreign ts_foreign_of(const void *p, size_t n);
/* "a PyTorch file", "text", ...; NULL if unknown. */
const char *ts_foreign_name(enum ts_foreign f);
/* Which program makes a stream from it: "um-ckpt import makes a checkpoint of it"; NULL: none. */
const char *ts_foreign_remedy(enum ts_foreign f);

#ifdef __cplusplus
}
#endif
#endif
