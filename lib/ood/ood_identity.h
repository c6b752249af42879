/* SPDX-License-Identifier: MIT
 *
 * ood_identity: what made a column of scores, so that a threshold, a reference, an ID set of another model or of a
 * method with other parameters is not taken for its own. A header of scores, or of thresholds, has it in its meta, a
 * text per column: "identities": ["MODEL HASH NAME", ...]. MODEL is the meta "model" of the features (net_identity()),
 * or of their last layer where they lack it, or dashes; HASH is XXH3-64 of it, of the method with all its parameters,
 * and of the fit that it uses. Both have 16 characters. What others write has none, and nothing is compared then.
 */
#ifndef OOD_IDENTITY_H
#define OOD_IDENTITY_H

#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_IDENTITY = 35 + TS_MAX_NAME };

/* Writes the text of a column. model: 16 characters, or "" (not known). */
void ood_identity_text(char text[OOD_IDENTITY], const char *model, uint64_t hash, const char *column);
/* Checks that column `name` has been made alike in a, called what_a ("the thresholds"), and in b. -1: other models,
 * methods or fits, or out of memory. */
int ood_identity_check(const struct ts_meta *a, const char *what_a, const struct ts_meta *b, const char *what_b,
		       const char *name, struct err *err) TS_CHECKED;
/* Copies what src says of the columns names[0..n) to dst. */
int ood_identity_copy(struct ts_meta *dst, const struct ts_meta *src, char *const *names, size_t n,
		      struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
