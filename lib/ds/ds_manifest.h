/* SPDX-License-Identifier: MIT
 * ds_manifest: what a source held, one line per row under a heading: path, label, bytes and XXH3, separated by tabs.
 * Tabs, line ends and backslashes in a path are escaped (\t \n \r \\), and so are other control characters, which would
 * reach a terminal, and bytes that are not UTF-8 (\x1b). */
#ifndef DS_MANIFEST_H
#define DS_MANIFEST_H

#include "ds/ds.h"
#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DS_MANIFEST_HEAD "path\tlabel\tbytes\txxh3\n"

/* The row's line, with its line end, in new memory. NULL with err: out of memory. Needs o.hash or o.check. */
char *ds_manifest_line(const struct ds_row *row, struct err *err);

struct ds_manifest;
/* Reads the manifest at path. NULL with err. */
struct ds_manifest *ds_manifest_open(const char *path, struct err *err);
void ds_manifest_close(struct ds_manifest *m);
/* Is this the manifest's next row? -1 with err, which says what differs. */
int ds_manifest_check(struct ds_manifest *m, const struct ds_row *row, struct err *err);
/* Was that all? -1 with err. */
int ds_manifest_end(const struct ds_manifest *m, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
