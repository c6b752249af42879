/* SPDX-License-Identifier: MIT
 *
 * report_classes: names in place of the numbers of classes, where a stream names its classes.
 */
#ifndef REPORT_CLASSES_H
#define REPORT_CLASSES_H

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What meta "classes" of a stream says. {0}: no names. */
struct report_classes {
	char **name;
	size_t n;
};

/* -1: "classes" is not a list of names, or memory ran out. A stream without it has none. */
int report_classes_init(struct report_classes *c, const struct ts_header *h, struct err *err) TS_CHECKED;
void report_classes_release(struct report_classes *c);
/* Is it a column of numbers of classes: label, pred or true-label, one integer per row? */
bool report_is_class(const struct ts_field *f);
/* The name of element i of a column of such numbers; NULL: another column, no names, or a number that names no class,
 * such as -1, which stays a number. */
const char *report_class_name(const struct report_classes *c, const struct ts_col *col, size_t i);

#ifdef __cplusplus
}
#endif
#endif
