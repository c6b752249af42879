/* SPDX-License-Identifier: MIT
 *
 * arc: libarchive, opened on first use. It brings libxml2, ICU and libstdc++ with it, which the loader needs 3 ms and
 * more for: longer than the rest of a start, and few runs read an archive.
 *
 * Its functions have libarchive's own names: arc->archive_read_new().
 *
 * arc.c opens it. The programs of the bundle are linked with it, and with arc_linked.c instead (Makefile).
 */
#ifndef ARC_H
#define ARC_H

#include <archive.h>
#include <archive_entry.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ARC_FUNCTIONS(X) \
	X(archive_entry_clear) \
	X(archive_entry_filetype) \
	X(archive_entry_free) \
	X(archive_entry_hardlink) \
	X(archive_entry_new) \
	X(archive_entry_pathname) \
	X(archive_entry_set_filetype) \
	X(archive_entry_set_pathname_utf8) \
	X(archive_entry_set_perm) \
	X(archive_entry_set_size) \
	X(archive_errno) \
	X(archive_error_string) \
	X(archive_filter_bytes) \
	X(archive_format) \
	X(archive_read_data) \
	X(archive_read_data_skip) \
	X(archive_read_free) \
	X(archive_read_new) \
	X(archive_read_next_header) \
	X(archive_read_open) \
	X(archive_read_open_filename) \
	X(archive_read_open_memory) \
	X(archive_read_support_filter_bzip2) \
	X(archive_read_support_filter_compress) \
	X(archive_read_support_filter_lz4) \
	X(archive_read_support_filter_lzma) \
	X(archive_read_support_filter_xz) \
	X(archive_read_support_filter_zstd) \
	X(archive_read_support_format_7zip) \
	X(archive_read_support_format_tar) \
	X(archive_read_support_format_zip_seekable) \
	X(archive_set_error) \
	X(archive_write_close) \
	X(archive_write_data) \
	X(archive_write_fail) \
	X(archive_write_free) \
	X(archive_write_header) \
	X(archive_write_new) \
	X(archive_write_open) \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_set_format_zip) \
	X(archive_write_zip_set_compression_store)

struct arc {
#define ARC_MEMBER(NAME) __typeof__(NAME) *NAME;
	ARC_FUNCTIONS(ARC_MEMBER)
#undef ARC_MEMBER
};

/* NULL until it is open. */
extern const struct arc *arc;

/* Opens it; further calls do nothing. Any thread may call it. -1: it cannot be loaded; err.memory is then set, as no
 * caller can do without it. */
int arc_open(struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
