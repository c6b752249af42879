/* SPDX-License-Identifier: MIT
 *
 * report_verdict: the verdicts of ood-detect, one line per image: for people, as TSV, as JSON.
 */
#ifndef REPORT_VERDICT_H
#define REPORT_VERDICT_H

#include <stdio.h>

#include "unmask/unmask.h"

#ifdef __cplusplus
extern "C" {
#endif

enum report_verdict { REPORT_TEXT, REPORT_TSV, REPORT_JSON };

/* Writes the heading, if this form has one. */
void report_verdict_head(FILE *f, enum report_verdict form);
void report_verdict(FILE *f, enum report_verdict form, const char *name, const struct unmask_result *r);

#ifdef __cplusplus
}
#endif
#endif
