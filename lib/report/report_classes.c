/* SPDX-License-Identifier: MIT
 * Names of classes. */
#include "report/report_classes.h"

int report_classes_init(struct report_classes *c, const struct ts_header *h, struct err *err)
{
	*c = (struct report_classes){ 0 };
	return ts_meta_get_strs(&h->meta, "classes", &c->name, &c->n) < 0 ?
		       err_fail(err, "meta 'classes' is not a list of names, or memory ran out") :
		       0;
}

void report_classes_release(struct report_classes *c)
{
	ts_strs_free(c->name, c->n);
	*c = (struct report_classes){ 0 };
}

bool report_is_class(const struct ts_field *f)
{
	return ts_usual_type(f->name) == TS_I64;
}

const char *report_class_name(const struct report_classes *c, const struct ts_col *col, size_t i)
{
	int64_t k;

	if (!c->n || ts_usual_type(col->name) != TS_I64)
		return NULL;
	k = ((const int64_t *)col->data)[i];
	return k >= 0 && (uint64_t)k < c->n ? c->name[k] : NULL;
}
