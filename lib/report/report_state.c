/* SPDX-License-Identifier: MIT
 * States as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "net/foreign/net_foreign.h"
#include "net/foreign/net_import.h"
#include "report/report_rows.h"
#include "report/report_state.h"

enum { SHORT = 16 }; /* numbers of a vector that is shown */

/* A tensor of meta: some numbers as numbers, and a shape as a shape, which is what a person asks of a network; of
 * others `json`, its type and shape. -1: out of memory. */
static int put_tensor(FILE *f, const struct ts_meta *meta, const char *key, const char *json)
{
	const bool shape = strcmp(key, "input") == 0;
	struct ts_tensor t;
	char text[32];

	if (ts_meta_get_tensor(meta, key, &t) != 1)
		return -1;
	const size_t n = t.type != TS_STR && t.ndim <= 1 && ts_tensor_count(&t) <= SHORT ? ts_tensor_count(&t) : 0;
	if (n == 0)
		fputs(json, f);
	for (size_t i = 0; i < n; i++) {
		if (t.type == TS_F64)
			snprintf(text, sizeof text, "%.9g", ((const double *)t.data)[i]);
		else
			ts_elem_text(t.type, t.data, i, text);
		fprintf(f, "%s%s", i == 0 ? "" : shape ? "x" : " ", text);
	}
	ts_tensor_release(&t);
	return 0;
}

/* How a checkpoint came to be, a line for each step: program, version, what it was given. */
static void put_history(FILE *f, const struct ts_header *h)
{
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];

		fputs("# history\t", f);
		cli_put_cell(f, s->tool);
		fputc(' ', f);
		cli_put_cell(f, s->version);
		for (size_t k = 0; k < s->n_args; k++) {
			fputc(' ', f);
			cli_put_cell(f, s->args[k]);
		}
		fputc('\n', f);
	}
}

/* How many numbers training may move: all but running means, variances and counts. */
static size_t parameters(const struct ts_set *state)
{
	size_t n = 0;

	for (size_t i = 0; i < state->n; i++) {
		const char *end = strrchr(state->t[i].name, '.');
		if (state->t[i].type == TS_F32 && !(end && strncmp(end, ".running_", 9) == 0))
			n += ts_tensor_count(&state->t[i]);
	}
	return n;
}

static int put_meta(FILE *f, const struct ts_meta *meta)
{
	for (size_t i = 0; i < meta->n; i++) {
		char *json;
		int rc = 0;

		if (net_is_run_state(meta->e[i].key))
			continue;
		if (!(json = ts_entry_json(&meta->e[i])))
			return -1;
		fputs("# ", f);
		cli_put_cell(f, meta->e[i].key);
		fputc('\t', f);
		if (strncmp(json, "{\"type\"", 7) == 0)
			rc = put_tensor(f, meta, meta->e[i].key, json);
		else
			fputs(json, f);
		fputc('\n', f);
		free(json);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void put_tensors(FILE *f, const struct ts_set *state)
{
	fputs("name\ttype\tshape\telements\tsum\tmin\tmax\n", f);
	for (size_t i = 0; i < state->n; i++) {
		const struct ts_tensor *t = &state->t[i];
		const struct report_range r = report_range(t);
		char shape[TS_SHAPE];

		cli_put_cell(f, t->name);
		fprintf(f, "\t%s\t%s\t%zu\t%.9g\t%.*g\t%.*g\n", ts_type_name(t->type),
			ts_shape_text(t->ndim, t->shape, shape), ts_tensor_count(t), r.sum, r.digits, r.least, r.digits,
			r.most);
	}
}

int report_state(FILE *f, const char *path, const char *key, struct err *err)
{
	struct net_foreign in;
	int rc;

	if (net_foreign_read(&in, path, key, err) < 0)
		return -1;
	fprintf(f, "# format\t\"%s\"\n", in.format);
	if (*in.module)
		fprintf(f, "# module\t\"%s\"\n", in.module);
	if (*in.left)
		fprintf(f, "# left out\t\"%s\"\n", in.left);
	rc = put_meta(f, &in.meta) < 0 ? err_memory(err) : 0;
	if (rc == 0) {
		put_history(f, &in.made);
		fprintf(f, "# parameters\t%zu\n", parameters(&in.state));
		put_tensors(f, &in.state);
	}
	net_foreign_release(&in);
	return rc;
}

/* Numbers that a double does not hold apart differ too. */
static double int_difference(int64_t x, int64_t y)
{
	return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
}

/* Of two of one type and shape. Not-a-number equals itself only. */
static double difference(const struct ts_tensor *a, const struct ts_tensor *b)
{
	double most = 0;

	for (size_t k = 0; k < ts_tensor_count(a); k++) {
		const double x = ts_get(a->type, a->data, k), y = ts_get(b->type, b->data, k);
		const bool same = x == y || (isnan(x) && isnan(y));
		double d = same ? 0 : isnan(x) || isnan(y) ? INFINITY : fabs(x - y);

		if (a->type == TS_I64)
			d = int_difference(((const int64_t *)a->data)[k], ((const int64_t *)b->data)[k]);
		most = d > most ? d : most;
	}
	return most;
}

static size_t diff_one(FILE *f, const struct ts_tensor *a, const struct ts_tensor *b, double tolerance)
{
	const bool shaped =
		a && b && a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
	char x[TS_SHAPE], y[TS_SHAPE];
	const bool same = shaped && a->type == b->type;
	const double d = same ? difference(a, b) : 0;

	if (same && d <= tolerance)
		return 0;
	cli_put_cell(f, a ? a->name : b->name);
	if (!a || !b) {
		fprintf(f, "\tmissing in %s\n", a ? "B" : "A");
	} else if (same) {
		fprintf(f, "\t%.9g\n", d);
	} else if (shaped) {
		fprintf(f, "\ttype %s against %s\n", ts_type_name(a->type), ts_type_name(b->type));
	} else {
		fprintf(f, "\tshape %s against %s\n", ts_shape_text(a->ndim, a->shape, x),
			ts_shape_text(b->ndim, b->shape, y));
	}
	return 1;
}

static size_t diff_states(FILE *f, const struct ts_set *a, const struct ts_set *b, double tolerance)
{
	size_t rows = 0;

	for (size_t i = 0; i < a->n; i++)
		rows += diff_one(f, &a->t[i], ts_set_get(b, a->t[i].name), tolerance);
	for (size_t i = 0; i < b->n; i++)
		if (!ts_set_get(a, b->t[i].name))
			rows += diff_one(f, NULL, &b->t[i], tolerance);
	return rows;
}

int report_state_diff(FILE *f, const char *a, const char *b, const char *key, double tolerance, size_t *rows,
		      struct err *err)
{
	struct net_foreign x = { 0 }, y = { 0 };
	int rc = -1;

	if (net_foreign_read(&x, a, key, err) == 0 && net_foreign_read(&y, b, key, err) == 0 &&
	    net_import_prefixes(&x.state, err) == 0 && net_import_prefixes(&y.state, err) == 0) {
		*rows = diff_states(f, &x.state, &y.state, tolerance);
		rc = 0;
	}
	if (rc == 0 && (x.doubles || y.doubles))
		cli_warn("%zu tensors of A and %zu of B are double precision; compared in single", x.doubles,
			 y.doubles);
	net_foreign_release(&x);
	net_foreign_release(&y);
	return rc;
}
