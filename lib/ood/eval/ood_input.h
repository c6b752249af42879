/* SPDX-License-Identifier: MIT
 *
 * ood_input: rows of scores from a scores stream or from text, so that any program's scores can be
 * judged. The first byte tells which: a stream's is above 127.
 *
 * Text is a table: lines of cells with tabs between them, as ts-dump --tsv writes them, or with the commas, semicolons
 * or blanks that the first line shows. Numbers keep all digits of a double (<f8). Blanks and double quotes around a
 * cell, a byte order mark and empty lines at the end count nothing. If the first line holds words alone (behind a #,
 * too), it names the columns; if numbers alone, they are called score, or score1, score2 and so on; if both, or what
 * stands for a missing number (NA), it is refused. Columns called pred and label are classes; those called name, or
 * verdict:..., and an index are passed over (a first column without a name, called Unnamed: 0, or of quoted words that
 * the heading lacks); all others are scores. Text has no END, so that text which was cut off cannot be told.
 *
 * Rows are given as they come: a batch of text ends where more would have to be waited for.
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

/* Opens path; NULL or "-" is standard input. NULL only when out of memory; what else went wrong is in
 * ood_input_error(). */
struct ood_input *ood_input_open(const char *path);
/* The same where text is one number per line: a column `score` of <f8. All that is read goes to
 * copy too (NULL: it does not), before anybody has looked at it. */
struct ood_input *ood_input_open_numbers(const char *path, struct ts_file *copy);
void ood_input_close(struct ood_input *in);
bool ood_input_is_text(const struct ood_input *in);
/* The header, of kind "scores", borrowed. NULL: failed. */
const struct ts_header *ood_input_header(struct ood_input *in);
/* Fills the batch, which the caller began with the header. 1; 0: that was all; -1: failed. */
int ood_input_next(struct ood_input *in, struct ts_batch *b) TS_CHECKED;
/* Notes what is wrong with the input, returns -1. */
int ood_input_fail(struct ood_input *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line that names the input; NULL if nothing went wrong. */
const char *ood_input_error(const struct ood_input *in);

#ifdef __cplusplus
}
#endif
#endif
