/* SPDX-License-Identifier: MIT
 * ds_noise: deliberately wrong labels, to study their effect on a network. */
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

/* what: the share of labels that become another class, all others being equally likely (symmetric noise), as "0.4"; or
 * the path of a confusion matrix: one line per class, in which column k is the probability that the label becomes k;
 * each line sums to 1, within 1e-4. -1 with a line in err: it is neither, or does not have one line and one column for
 * each class. */
int ds_noise_new(struct ds_noise **ret, const char *what, size_t classes, uint64_t seed, struct err *err) TS_CHECKED;
void ds_noise_free(struct ds_noise *z);
/* The new label of the image of this name. It depends on the seed, the name and the label alone, not on other images. A
 * missing label (-1) stays missing. */
int64_t ds_noise_label(const struct ds_noise *z, const char *name, int64_t label);

/* Adds the columns true-label and noisy to a stream's header. -1: out of memory. */
int ds_noise_header(struct ts_header *h) TS_CHECKED;
/* Writes row i of these two columns, which begin at `columns`; returns the new label. */
int64_t ds_noise_put(const struct ds_noise *z, const char *name, int64_t label, struct ts_col *columns, size_t i);

#ifdef __cplusplus
}
#endif
#endif
