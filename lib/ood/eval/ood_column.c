/* SPDX-License-Identifier: MIT
 * Reads a column of scores, one number after another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/eval/ood_column.h"
#include "ood/eval/ood_scores.h"
#include "ood/ood_identity.h"
#include "ood/ood_internal.h"

/* Finds the column of scores. */
static int choose(struct ood_column *c, const struct ts_header *h, const char *name, struct err *err)
{
	char **all;
	size_t n;
	int rc = 0;

	if (ood_input_is_text(c->in))
		return 0;
	if (ood_scores_methods(h, &all, &n) < 0)
		return err_memory(err);
	if (!name && n == 1)
		name = all[0];
	if (!name) {
		ood_input_fail(c->in, "has %zu columns of scores; choose one with --method", n);
		rc = err_fail(err, "%s", ood_input_error(c->in));
	} else if (!ood_is_score(ts_header_field(h, name))) {
		ood_no_score(h, name, err);
		ood_input_fail(c->in, "%s", err->text);
		rc = err_fail(err, "%s", ood_input_error(c->in));
	} else {
		c->at = (size_t)ts_header_col(h, name);
	}
	ts_strs_free(all, n);
	return rc;
}

int ood_column_open(struct ood_column *c, const char *path, const char *name, struct ts_file *copy, struct err *err)
{
	const struct ts_header *h;

	*c = (struct ood_column){ .in = ood_input_open_numbers(path, copy) };
	if (!c->in)
		return err_memory(err);
	if (!(h = ood_input_header(c->in)))
		return err_fail(err, "%s", ood_input_error(c->in));
	if (choose(c, h, name, err) < 0)
		return -1;
	c->floats = h->fields[c->at].type != TS_F64;
	return ts_batch_init(&c->b, h) < 0 ? err_memory(err) : 0;
}

int ood_column_next(struct ood_column *c, double *ret, struct err *err)
{
	const struct ts_col *col;
	int rc;

	while (c->i == c->b.n) {
		c->i = 0;
		rc = ood_input_next(c->in, &c->b);
		if (rc != 1)
			return rc == 0 ? 0 : err_fail(err, "%s", ood_input_error(c->in));
	}
	col = &c->b.cols[c->at];
	*ret = ts_get(col->type, col->data, c->i++);
	if (c->round)
		*ret = (double)(float)*ret;
	if (isnan(*ret)) {
		ood_input_fail(c->in, "row %llu: '%s' is not a number", (unsigned long long)c->row, col->name);
		return err_fail(err, "%s", ood_input_error(c->in));
	}
	c->row++;
	return 1;
}

void ood_column_close(struct ood_column *c)
{
	ts_batch_release(&c->b);
	ood_input_close(c->in);
	*c = (struct ood_column){ 0 };
}

static int note_origin(const struct ood_column *c, struct ood_origin *from, struct err *err)
{
	from->floats = c->floats;
	if (ood_input_is_text(c->in))
		return 0;
	snprintf(from->name, sizeof from->name, "%s", c->b.cols[c->at].name);
	if (ts_meta_merge(&from->header.meta, &ood_input_header(c->in)->meta) < 0 ||
	    ts_header_chain(&from->header, ood_input_header(c->in)) < 0)
		return err_memory(err);
	return 0;
}

int ood_column_same(const struct ood_column *c, const struct ood_origin *from, struct err *err)
{
	const char *name = ood_input_is_text(c->in) ? "" : c->b.cols[c->at].name;
	struct err why;

	if (!*name || !*from->name)
		return 0;
	if (strcmp(name, from->name) != 0)
		err_fail(&why, "its scores are '%s', and the reference's '%s'; --method names what both have", name,
			 from->name);
	else if (ood_identity_check(&from->header.meta, "the reference", &ood_input_header(c->in)->meta, "this stream",
				    name, &why) == 0)
		return 0;
	ood_input_fail(c->in, "%s", why.text);
	return err_fail(err, "%s", ood_input_error(c->in));
}

void ood_origin_release(struct ood_origin *from)
{
	ts_header_release(&from->header);
	*from = (struct ood_origin){ 0 };
}

double *ood_column_read(const char *path, const char *name, size_t *n, struct ood_origin *from, struct err *err)
{
	struct ood_column c;
	double *v = NULL, score;
	size_t cap = 0;
	int rc = ood_column_open(&c, path, name, NULL, err);

	*n = 0;
	*from = (struct ood_origin){ 0 };
	if (rc == 0)
		rc = note_origin(&c, from, err);
	while (rc == 0 && (rc = ood_column_next(&c, &score, err)) == 1) {
		rc = 0;
		if (*n == cap) {
			cap = ood_capacity(cap, *n + 1);
			rc = ood_grow(&v, 1, cap, sizeof *v) < 0 ? err_memory(err) : 0;
		}
		if (rc == 0)
			v[(*n)++] = score;
	}
	if (rc == 0 && *n == 0)
		rc = err_fail(err, "'%s': no rows, so nothing to compare with", path);
	ood_column_close(&c);
	if (rc == 0)
		return v;
	free(v);
	return NULL;
}
