/* SPDX-License-Identifier: MIT
 *
 * ood_combine: combines several scores of a sample into one. Each becomes its conformal p-value against ID
 * validation data, p = (1 + rows that score no higher) / (1 + rows), which is uniform (except for ties) on new ID
 * samples, whatever the score's scale (Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005; for OOD
 * detection: Bates et al., "Testing for outliers with conformal p-values", 2023); then the p-values are combined into
 * one number.
 */
#ifndef OOD_COMBINE_H
#define OOD_COMBINE_H

#include <stddef.h>
#include <stdint.h>

#include "ood/eval/ood_scores.h"
#include "ood/score/ood_method.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* FISHER: sum log p (Fisher, 1925); MIN: the smallest p; MEAN: the mean of p. */
enum ood_combining { OOD_FISHER, OOD_MIN, OOD_MEAN, OOD_N_COMBININGS };
/* "fisher", ...: their names on command lines and in columns. */
extern const char *const ood_combining_names[OOD_N_COMBININGS];

struct ood_combine {
	enum ood_combining how;
	struct ood_scores val; /* scores of the validation data, each sorted: 4 bytes per row */
};

/* Reads the columns of these n scorers from the scores at path, a stream or text. They must have been made as the meta
 * `made` records (ood_identity.h). -1: err names the columns; also if n is 0. */
int ood_combine_load(struct ood_combine *c, enum ood_combining how, const char *path, const struct ood_scorer *s,
		     size_t n, const struct ts_meta *made, struct err *err) TS_CHECKED;
/* XXH3-64 of the validation scores, in their sorted order: other validation data make other combined scores. */
uint64_t ood_combine_hash(const struct ood_combine *c);
void ood_combine_release(struct ood_combine *c);
/* Combines n rows of the scores in[0..], one array per scorer, into out (n). */
void ood_combine_rows(const struct ood_combine *c, float *const *in, size_t n, float *out);

#ifdef __cplusplus
}
#endif
#endif
