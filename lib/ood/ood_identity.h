/* SPDX-License-Identifier: MIT
 *
 * ood_identity: records what made a column of scores, so that a threshold, reference or ID set from another model, or
 * from a method with other parameters, is not mistaken for a match. The header of scores or thresholds holds it in its
 * meta, one text per column: "identities": ["MODEL HASH NAME", ...]. MODEL is the meta "model" of the features
 * (net_identity()), or a hash of their last layer if they lack it, or dashes; HASH is XXH3-64 of it, of the method with
 * all its parameters, of the fit that it uses (and of the fit's bank, if the method looks at rows), of how um-embed
 * made its columns (meta "odin.temperature" and the like, and "precision"), and of the reference that scores were
 * combined by. Both have 16 characters. Files from other programs have none; then nothing is compared.
 */
#ifndef OOD_IDENTITY_H
#define OOD_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_IDENTITY = 35 + TS_MAX_NAME };

/* um-embed writes it to the meta of features that it computed in bfloat16. */
#define OOD_PRECISION "precision"
/* Were features with these metas computed in the same precision? True if one does not name its model: it is from
 * another program. */
bool ood_same_precision(const struct ts_meta *a, const struct ts_meta *b);
/* Writes the text for a column. model: 16 characters, or "" (not known). */
void ood_identity_text(char text[OOD_IDENTITY], const char *model, uint64_t hash, const char *column);
/* Checks that column `name` was made the same way in a, called what_a in messages ("the thresholds"), and in b. -1: the
 * model, method or fit differs, or out of memory. */
int ood_identity_check(const struct ts_meta *a, const char *what_a, const struct ts_meta *b, const char *what_b,
		       const char *name, struct err *err) TS_CHECKED;
/* Does m say what made column `name`? False also if that cannot be read. */
bool ood_identity_known(const struct ts_meta *m, const char *name);
/* Adds to column `name`'s HASH what else made it, such as the reference of a combination. A column without an identity
 * stays without. */
int ood_identity_mix(struct ts_meta *m, const char *name, uint64_t with, struct err *err) TS_CHECKED;
/* Copies the identities of the columns names[0..n) from src to dst. */
int ood_identity_copy(struct ts_meta *dst, const struct ts_meta *src, char *const *names, size_t n,
		      struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
