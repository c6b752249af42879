/* SPDX-License-Identifier: MIT
 * ds_noise: labels that are wrong on purpose, to study what a network makes of them. */
#ifndef DS_NOISE_H
#define DS_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_noise;

/* what: the share of labels that become another class, each of the others as likely (symmetric noise), as "0.4"; or the
 * path of a confusion matrix: a line a class, in which column k is the probability that the label becomes k; each line
 * sums to 1, to 1e-4. -1 with a line in err: it is neither, or has not one line and column for each of the classes. */
int ds_noise_new(struct ds_noise **ret, const char *what, size_t classes, uint64_t seed, struct err *err) TS_CHECKED;
void ds_noise_free(struct ds_noise *z);
/* What becomes of the label of the image of this name. It depends on the seed, the name and the label alone, not on the
 * images beside it. Without a label (-1) there is nothing to change. */
int64_t ds_noise_label(const struct ds_noise *z, const char *name, int64_t label);

/* Adds the columns true-label and noisy to a stream's. -1: out of memory. */
int ds_noise_header(struct ts_header *h) TS_CHECKED;
/* Writes row i of these two, which begin at `columns`; returns what becomes of the label. */
int64_t ds_noise_put(const struct ds_noise *z, const char *name, int64_t label, struct ts_col *columns, size_t i);

#ifdef __cplusplus
}
#endif
#endif
