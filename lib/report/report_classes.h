/* SPDX-License-Identifier: MIT
 *
 * report_classes: class names in place of numbers, if a stream names its classes.
 */
#ifndef REPORT_CLASSES_H
#define REPORT_CLASSES_H

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The contents of a stream's meta "classes". {0}: no names. */
struct report_classes {
	char **name;
	size_t n;
};

/* -1: "classes" is not a list of names, or memory ran out. A stream without it has none. */
int report_classes_init(struct report_classes *c, const struct ts_header *h, struct err *err) TS_CHECKED;
void report_classes_release(struct report_classes *c);
/* Is it a column of class numbers: label, pred or true-label, with one integer per row? */
bool report_is_class(const struct ts_field *f);
/* The class name for element i of such a column; NULL: another column, no names, or a number that names no class, such
 * as -1, which stays a number. */
const char *report_class_name(const struct report_classes *c, const struct ts_col *col, size_t i);

#ifdef __cplusplus
}
#endif
#endif
