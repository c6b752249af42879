/* SPDX-License-Identifier: MIT
 *
 * ood_input: reads rows of scores from a scores stream or from text, so that any program's scores can be evaluated. The
 * first byte tells which it is: a stream's is above 127.
 *
 * Text is a table: lines of cells with tabs between them, as ts-dump --tsv writes them, or with commas, semicolons or
 * blanks, whichever the first line uses. Numbers keep all digits of a double (<f8). Blanks and double quotes around a
 * cell, a byte order mark and empty lines at the end are ignored. If the first line holds only words (perhaps after a
 * #), it names the columns; if it holds only numbers, the columns are called score, or score1, score2 and so on; if it
 * holds both, or a marker of a missing number (NA), it is refused. Columns called pred, label and true-label are
 * classes; those called name or verdict:..., and an index, are skipped (an index is a first column without a name,
 * called Unnamed: 0, or of quoted words without a heading); all others are scores. Text has no END, so truncation
 * cannot be detected.
 *
 * Rows are returned as they arrive: a batch of text ends where the reader would have to wait for more.
 */
#ifndef OOD_INPUT_H
#define OOD_INPUT_H

#include <stdbool.h>

#include "ts/ts.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_input;

/* Opens path; NULL or "-" is standard input. Returns NULL only when out of memory; ood_input_error() reports any other
 * failure. */
struct ood_input *ood_input_open(const char *path);
/* The same for text with one number per line: a column `score` of <f8. Everything read is also written to copy, unless
 * it is NULL, before it is parsed. */
struct ood_input *ood_input_open_numbers(const char *path, struct ts_file *copy);
void ood_input_close(struct ood_input *in);
bool ood_input_is_text(const struct ood_input *in);
/* Returns the header, of kind "scores", borrowed. NULL: failed. */
const struct ts_header *ood_input_header(struct ood_input *in);
/* Fills the batch, which the caller began with the header. Returns 1; 0 at the end; -1 on failure. */
int ood_input_next(struct ood_input *in, struct ts_batch *b) TS_CHECKED;
/* Records what is wrong with the input and returns -1. */
int ood_input_fail(struct ood_input *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line that names the input; NULL if nothing went wrong. */
const char *ood_input_error(const struct ood_input *in);

#ifdef __cplusplus
}
#endif
#endif
