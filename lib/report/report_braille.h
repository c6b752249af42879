/* SPDX-License-Identifier: MIT
 *
 * report_braille: a histogram of two sets for a terminal, in the dots of Braille letters (Unicode 2800 to 28ff).
 */
#ifndef REPORT_BRAILLE_H
#define REPORT_BRAILLE_H

#include <stdio.h>

#include "ood/eval/ood_curve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Method and set in a line, the bins of the ID set, those of the other below, both of the same area, and the ends of
 * the axis. 55 columns wide. */
void report_braille(FILE *f, const char *method, const char *set, const struct ood_sample *id,
		    const struct ood_sample *ood);

#ifdef __cplusplus
}
#endif
#endif
