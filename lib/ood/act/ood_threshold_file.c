/* SPDX-License-Identifier: MIT
 * Writes and reads files of thresholds. Reading checks everything that verdicts rely on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/act/ood_threshold.h"

static int set_meta(const struct ood_threshold *t, struct ts_meta *m)
{
	struct ts_tensor rows = { .name = (char[]){ "class.rows" },
				  .type = TS_I64,
				  .ndim = 1,
				  .shape = { t->classes },
				  .data = t->class_rows };
	bool binomial = t->promise.guarantee == OOD_BINOMIAL;

	return ts_meta_set_str(m, "fit", "threshold") < 0 || ts_meta_set_double(m, "alpha", t->promise.alpha) < 0 ||
			       ts_meta_set_str(m, "guarantee", ood_guarantee_names[t->promise.guarantee]) < 0 ||
			       (binomial && ts_meta_set_double(m, "confidence", t->promise.confidence) < 0) ||
			       ts_meta_set_int(m, "rows", (int64_t)t->rows) < 0 ||
			       (t->classes && (ts_meta_set_tensor(m, "class.rows", &rows) < 0 ||
					       ts_meta_set_int(m, "class.fallback", (int64_t)t->fallback) < 0)) ?
		       -1 :
		       0;
}

int ood_threshold_write(const struct ood_threshold *t, struct ts_header *h, struct ts_writer *w, struct err *err)
{
	int rc;

	if (set_meta(t, &h->meta) < 0)
		return err_memory(err);
	for (size_t i = 0; i < t->set.n; i++) {
		const struct ts_tensor *v = &t->set.t[i];
		if (ts_header_field(h, v->name))
			return err_fail(err, "column '%s' appears twice", v->name);
		if (ts_header_add(h, v->name, v->type, 1, v->shape) < 0)
			return err_memory(err);
	}
	rc = ts_writer_begin(w, h);
	for (size_t i = 0; i < t->set.n && rc == 0; i++)
		rc = ts_writer_tensor(w, &t->set.t[i]);
	if (rc == 0)
		rc = ts_writer_finish(w);
	return rc < 0 ? err_fail(err, "%s", ts_writer_error(w)) : 0;
}

static int find_guarantee(enum ood_guarantee *ret, const char *name)
{
	for (int i = 0; i <= OOD_FDR; i++)
		if (strcmp(name, ood_guarantee_names[i]) == 0) {
			*ret = (enum ood_guarantee)i;
			return 0;
		}
	return -1;
}

/* The promise and the counts. */
static int get_meta(struct ood_threshold *t, struct ts_reader *r, const struct ts_meta *m)
{
	char *what = NULL, *guarantee = NULL;
	struct ts_tensor rows = { 0 };
	int64_t n = 0, fallback = 0;
	int per_class = 0, rc = -1;

	if (ts_meta_get_str(m, "fit", &what) != 1 || strcmp(what, "threshold") != 0) {
		ts_reader_fail(r, "holds no thresholds; ood-threshold makes them");
		goto out;
	}
	if (ts_meta_get_str(m, "guarantee", &guarantee) != 1 ||
	    ts_meta_get_double(m, "alpha", &t->promise.alpha) != 1 ||
	    ts_meta_get_double(m, "confidence", &t->promise.confidence) < 0) {
		ts_reader_fail(r, "the thresholds' meta lacks what they promise: guarantee, alpha, confidence");
		goto out;
	}
	if (find_guarantee(&t->promise.guarantee, guarantee) < 0) {
		ts_reader_fail(r, "the thresholds promise '" ERR_NAME "', which this version does not know", guarantee);
		goto out;
	}
	if (ts_meta_get_int(m, "rows", &n) != 1 || (per_class = ts_meta_get_tensor(m, "class.rows", &rows)) < 0 ||
	    ts_meta_get_int(m, "class.fallback", &fallback) < 0 ||
	    (per_class && (rows.type != TS_I64 || rows.ndim != 1 || rows.shape[0] < 1))) {
		ts_reader_fail(r, "the thresholds' meta lacks the number of rows that they were chosen from");
		goto out;
	}
	t->rows = (uint64_t)n;
	t->fallback = (size_t)fallback;
	if (per_class) {
		t->classes = rows.shape[0];
		t->class_rows = rows.data;
		rows.data = NULL;
	}
	rc = 0;
out:
	free(what);
	free(guarantee);
	ts_tensor_release(&rows);
	return rc;
}

/* Checks that the kept scores are ascending, and that the classes' counts add up. */
static int check_kept(const struct ood_threshold *t, struct ts_reader *r, const struct ts_tensor *v)
{
	size_t left = (size_t)t->rows, end = t->classes ? 0 : left, c = 0;

	for (size_t i = 0; i < t->classes; i++) {
		if (t->class_rows[i] < 0 || (uint64_t)t->class_rows[i] > left)
			return ts_reader_fail(r, "the classes' rows are not %llu in all", (unsigned long long)t->rows);
		left -= (size_t)t->class_rows[i];
	}
	if (t->classes && left)
		return ts_reader_fail(r, "the classes' rows are not %llu in all", (unsigned long long)t->rows);
	for (size_t i = 0; i < t->rows; i++) {
		const bool first = i == 0 || i == end;
		while (i >= end)
			end += (size_t)t->class_rows[c++];
		if (!first && ts_get(v->type, v->data, i) < ts_get(v->type, v->data, i - 1))
			return ts_reader_fail(r, "'%s': its scores are not in order", v->name);
	}
	return 0;
}

static int check_tensors(const struct ood_threshold *t, struct ts_reader *r)
{
	size_t want = ood_threshold_numbers(t);

	if (t->set.n == 0)
		return ts_reader_fail(r, "holds no thresholds");
	for (size_t i = 0; i < t->set.n; i++) {
		const struct ts_tensor *v = &t->set.t[i];
		if ((v->type != TS_F32 && v->type != TS_F64) || v->ndim != 1 || v->shape[0] != want)
			return ts_reader_fail(r, "'%s' is not %zu thresholds", v->name, want);
		for (size_t c = 0; c < want; c++)
			if (isnan(ts_get(v->type, v->data, c)))
				return ts_reader_fail(r, "'%s': a threshold is not a number", v->name);
		if (t->promise.guarantee == OOD_FDR && check_kept(t, r, v) < 0)
			return -1;
	}
	return 0;
}

int ood_threshold_read(struct ood_threshold *t, struct ts_reader *r, struct err *err)
{
	const struct ts_header *h = ts_reader_expect(r, "fit");
	int rc = -1;

	*t = (struct ood_threshold){ 0 };
	ts_header_init(&t->header, "fit");
	if (h && (ts_header_chain(&t->header, h) < 0 || ts_meta_merge(&t->header.meta, &h->meta) < 0))
		ts_reader_fail(r, "out of memory");
	else if (h && get_meta(t, r, &h->meta) == 0 && ts_reader_set(r, &t->set) == 0)
		rc = check_tensors(t, r);
	return rc < 0 ? err_fail(err, "%s", ts_reader_error(r)) : 0;
}

int ood_threshold_load(struct ood_threshold *t, const char *path, struct err *err)
{
	struct ts_reader *r = ts_reader_open(path);
	int rc;

	*t = (struct ood_threshold){ 0 };
	if (!r)
		return err_memory(err);
	rc = ood_threshold_read(t, r, err);
	ts_reader_close(r);
	return rc;
}
