/* SPDX-License-Identifier: MIT
 *
 * ts_join: columns of one row stream (scores, say) for the rows of another (their images). Rows are matched by the
 * string column "name" if both streams have one, otherwise by position. Each row must have exactly one partner: a name
 * that appears twice or has no partner is an error that names it, and so are different numbers of rows, and partners
 * with two labels of the same classes, because a silent mismatch gives every row a wrong value.
 *
 * Held in memory: the requested columns, the label, and with names also the name and 17 bytes per row.
 */
#ifndef TS_JOIN_H
#define TS_JOIN_H

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ts_join {
	struct ts_batch kept;       /* all rows in stream order: "name", "label" and the columns */
	const struct ts_col *name;  /* borrowed from kept; NULL: by position */
	const struct ts_col *label; /* likewise; NULL: the stream has none, or they are of other classes */
	char **classes;             /* names of the label's classes; NULL: not known */
	size_t n_classes;
	size_t *order;     /* rows, sorted by name */
	bool *used;        /* rows that have found their partner */
	uint64_t partners; /* rows that have been looked up */
};

/* Reads r to END and keeps its n columns; named: the other stream has names. -1: r has failed and says why. Call
 * ts_join_release() in either case. */
int ts_join_read(struct ts_join *j, struct ts_reader *r, const char *const *columns, size_t n, bool named) TS_CHECKED;
/* *ret = the row of j->kept for the next row of the other stream; name is that row's name, or NULL when matching by
 * position, label its label, below 0 if unknown. -1: `other` has failed and says why. Of r only the name is used. */
int ts_join_next(struct ts_join *j, const struct ts_reader *r, struct ts_reader *other, const char *name, int64_t label,
		 size_t *ret) TS_CHECKED;
/* To be called after the other stream's last row. -1 if rows are left without a partner; then `other` has failed and
 * says which. */
int ts_join_finish(struct ts_join *j, const struct ts_reader *r, struct ts_reader *other) TS_CHECKED;
void ts_join_release(struct ts_join *j);

#ifdef __cplusplus
}
#endif
#endif
