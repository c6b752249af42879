/* SPDX-License-Identifier: MIT
 *
 * kit: what programs do with streams again and again. Like lib/cli, on which it builds, it talks to the user: a wrong
 * option ends the program, as cli_usage() does.
 *
 *	struct ts_reader *in = cli_input(first, argc, argv);
 *	struct kit_out out;
 *	int rc;
 *
 *	kit_out_init(&out, "scores", cli_output());
 *	rc = begin(in, &out.header);			// its fields, meta, history
 *	if (rc == 0)
 *		rc = kit_out_begin(&out);
 *	if (rc == 0)
 *		rc = kit_each(in, step, &work);		// step() for each batch, to the end of the stream
 *	if (rc == 0)
 *		rc = kit_out_finish(&out);
 *	return kit_end(in, &out, rc);
 */
#ifndef KIT_H
#define KIT_H

#include "cli/cli.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads all batches of r, of a row kind, and passes each to step(), which must not change it and returns 0 to go on. 0:
 * the stream ended well; -1: the reader has the error, or step() returned -1 after a message. */
int kit_each(struct ts_reader *r, int (*step)(void *data, const struct ts_batch *b), void *data) TS_CHECKED;

/* The progress line of a program that goes through r: its images, or rows, so far, speed, and time left. */
void kit_progress(struct ts_reader *r);

/* An output stream of a row kind, and its rows that wait to be written. Running out of memory ends the program. */
struct kit_out {
	struct ts_writer *w;
	struct ts_header header; /* the caller fills it before kit_out_begin() writes it */
	struct ts_batch rows;
};
/* Takes w, from cli_output() or ts_writer_open(). */
void kit_out_init(struct kit_out *out, const char *kind, struct ts_writer *w);
int kit_out_begin(struct kit_out *out) TS_CHECKED;
/* Adds n rows, zero and empty. Returns the index of the first in out->rows, whose columns may have moved. */
size_t kit_out_add(struct kit_out *out, size_t n);
/* Writes the waiting rows; kit_out_some() only if there are `most` rows, or 8 MiB. */
int kit_out_write(struct kit_out *out) TS_CHECKED;
int kit_out_some(struct kit_out *out, size_t most) TS_CHECKED;
/* Writes the waiting rows and the end of the stream. */
int kit_out_finish(struct kit_out *out) TS_CHECKED;

/* Ends a program: prints the error of its reader, or else of its writer (either may be NULL), closes both, and returns
 * the exit status: 0 if rc is 0, nothing failed and standard output took everything, else 1. */
int kit_end(struct ts_reader *r, struct kit_out *out, int rc);
/* Closes an out that is not the program's only one; tell: prints its error, if there is one, and returns -1. Accepts
 * one that is all zero. */
int kit_out_end(struct kit_out *out, bool tell);

/* For scores, which may be text, from path; NULL or "-": standard input. Refuses a terminal: -1 with a message. */
int kit_no_terminal(const char *path) TS_CHECKED;

/* Warns if the images behind the stream `name`, with meta m, were distorted on purpose (ds-pack --distort) or attacked
 * (um-embed --fgsm): results are then not about clean images. */
void kit_warn_distorted(const char *name, const struct ts_meta *m);
/* Warns if the images of the stream `name`, with this meta, were prepared otherwise than those of the network (h,w)
 * whose checkpoint has meta `model`: that changes what is computed from them, and nothing else would tell. */
void kit_warn_prepared(const char *name, const struct ts_meta *images, int h, int w, const struct ts_meta *model);

/* --shard I/N: rows I, I+N, I+2N, ... NULL: all rows, as with 0/1. */
struct kit_shard {
	uint64_t i, n;
};
struct kit_shard kit_shard(const char *text);
static inline bool kit_in_shard(const struct kit_shard *s, uint64_t row)
{
	return row % s->n == s->i;
}

/* Parses "X" or "FIRST:LAST:STEP", numbers from min to max, into v[0..most) and returns how many; 0: malformed, or too
 * many. */
size_t kit_range(const char *text, double min, double max, double *v, size_t most);
/* --select "a,b,c": adds these fields of `from`, in this order. -1 after a message: one is missing, or named twice. */
int kit_select(struct ts_header *to, const struct ts_header *from, const char *list) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
