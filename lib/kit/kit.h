/* SPDX-License-Identifier: MIT
 *
 * kit: what programs do with streams again and again. Like lib/cli, on which it stands, it talks to the user: what is
 * wrong with an option ends the program, as cli_usage() does.
 *
 *	struct ts_reader *in = cli_input(first, argc, argv);
 *	struct ts_writer *out = cli_output();
 *	int rc = begin(in, out);
 *
 *	if (rc == 0)
 *		rc = kit_each(in, step, &work);		// step() for each batch, to the end of the stream
 *	if (rc == 0)
 *		rc = ts_writer_finish(out);
 *	return kit_end(in, out, rc);
 */
#ifndef KIT_H
#define KIT_H

#include "cli/cli.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads all batches of r, of a row kind, and hands each to step, which may change nothing of it and returns 0 to go on.
 * 0: the stream ended well; -1: the reader has the error, or step() returned it after saying why. */
int kit_each(struct ts_reader *r, int (*step)(void *data, const struct ts_batch *b), void *data) TS_CHECKED;
/* The end of a program: prints the errors of its reader and its writer (either may be NULL), closes both, and returns
 * the exit status: 0 if rc is 0, nothing failed and standard output took everything, else 1. */
int kit_end(struct ts_reader *r, struct ts_writer *w, int rc);

/* --shard I/N: rows I, I+N, I+2N, ... NULL: all rows, which is 0/1. */
struct kit_shard {
	uint64_t i, n;
};
struct kit_shard kit_shard(const char *text);
static inline bool kit_in_shard(const struct kit_shard *s, uint64_t row)
{
	return row % s->n == s->i;
}

/* The words of "a,b,c", *n of them, new: ts_strs_free() it. Empty ones stay. Ends the program when out of memory. */
char **kit_words(const char *list, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
