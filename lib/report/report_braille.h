/* SPDX-License-Identifier: MIT
 *
 * report_braille: a histogram of two sets for a terminal, in Braille dots (Unicode 2800 to 28ff).
 */
#ifndef REPORT_BRAILLE_H
#define REPORT_BRAILLE_H

#include <stdio.h>

#include "ood/eval/ood_curve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a line with method and set, the bins of the ID set, those of the other set below them, both with equal areas,
 * and the ends of the axis. 55 columns wide. */
void report_braille(FILE *f, const char *method, const char *set, const struct ood_sample *id,
		    const struct ood_sample *ood);

#ifdef __cplusplus
}
#endif
#endif
