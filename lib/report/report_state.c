/* SPDX-License-Identifier: MIT
 * States as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_table.h"
#include "net/foreign/net_foreign.h"
#include "net/foreign/net_import.h"
#include "report/report_rows.h"
#include "report/report_state.h"

enum { SHORT = 16 }; /* numbers in a vector that is shown */

/* Writes the value of a meta entry: JSON, but for a tensor of a few numbers these numbers, separated by `between`; for
 * other tensors ts_entry_json() gives type and shape. */
static void put_value(FILE *f, const struct ts_meta *meta, const struct ts_entry *e, const char *between)
{
	char *json = ts_entry_json(e), text[32];
	const bool is_tensor = json && strncmp(json, "{\"type\"", 7) == 0;
	struct ts_tensor t = { 0 };

	if (!json || (is_tensor && ts_meta_get_tensor(meta, e->key, &t) != 1))
		cli_oom();
	const size_t n = is_tensor && t.type != TS_STR && t.ndim <= 1 ? ts_tensor_count(&t) : 0;
	if (n == 0 || n > SHORT)
		fputs(json, f);
	else if (cli.json)
		fputc('[', f);
	for (size_t i = 0; i < n && n <= SHORT; i++) {
		if (t.type == TS_F64 && !cli.json)
			snprintf(text, sizeof text, "%.9g", ((const double *)t.data)[i]);
		else
			ts_elem_text(t.type, t.data, i, text);
		fprintf(f, "%s%s", i == 0 ? "" : between, text);
	}
	if (n > 0 && n <= SHORT && cli.json)
		fputc(']', f);
	ts_tensor_release(&t);
	free(json);
}

/* Writes how a checkpoint was made, one line per step: program, version, arguments. */
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

/* How many numbers training may change: all but running means, variances and counts. */
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

/* For people, the shape of the network's input is printed as a shape. */
static void put_meta(FILE *f, const struct ts_meta *meta)
{
	for (size_t i = 0; i < meta->n; i++) {
		const struct ts_entry *e = &meta->e[i];

		if (net_is_run_state(e->key))
			continue;
		fputs("# ", f);
		cli_put_cell(f, e->key);
		fputc('\t', f);
		put_value(f, meta, e, strcmp(e->key, "input") == 0 ? "x" : " ");
		fputc('\n', f);
	}
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

static void put_text(FILE *f, const struct net_foreign *in)
{
	fprintf(f, "# format\t\"%s\"\n", in->format);
	if (*in->module)
		fprintf(f, "# module\t\"%s\"\n", in->module);
	if (*in->left)
		fprintf(f, "# left out\t\"%s\"\n", in->left);
	put_meta(f, &in->meta);
	put_history(f, &in->made);
	fprintf(f, "# parameters\t%zu\n", parameters(&in->state));
	put_tensors(f, &in->state);
}

/* ---- as JSON ---- */

static void put_word(FILE *f, const char *key, const char *word)
{
	fprintf(f, "\"%s\": ", key);
	if (*word)
		cli_put_json(f, word);
	else
		fputs("null", f);
	fputs(", ", f);
}

/* Writes an object for the file, then one per tensor. */
static void put_objects(FILE *f, const struct net_foreign *in)
{
	const char *between = "";

	fputs("{", f);
	put_word(f, "format", in->format);
	put_word(f, "module", in->module);
	put_word(f, "left_out", in->left);
	fputs("\"meta\": {", f);
	for (size_t i = 0; i < in->meta.n; i++) {
		if (net_is_run_state(in->meta.e[i].key))
			continue;
		fputs(between, f);
		between = ", ";
		cli_put_json(f, in->meta.e[i].key);
		fputs(": ", f);
		put_value(f, &in->meta, &in->meta.e[i], ", ");
	}
	fputs("}, \"history\": [", f);
	for (size_t i = 0; i < in->made.n_history; i++) {
		fputs(i ? ", " : "", f);
		report_step_json(f, &in->made.history[i]);
	}
	fprintf(f, "], \"parameters\": %zu}\n", parameters(&in->state));
	for (size_t i = 0; i < in->state.n; i++)
		report_tensor_json(f, &in->state.t[i]);
}

int report_state(FILE *f, const char *path, const char *key, struct err *err)
{
	struct net_foreign in;

	if (net_foreign_read(&in, path, key, err) < 0)
		return -1;
	(cli.json ? put_objects : put_text)(f, &in);
	net_foreign_release(&in);
	return 0;
}

/* ---- differences ---- */

/* Integers that differ but round to the same double count as different, too. */
static double int_difference(int64_t x, int64_t y)
{
	return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
}

/* For two tensors of one type and shape. NaN equals only NaN. */
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

/* Writes the largest difference, or any other problem. In a table both share one column. */
static void put_difference(FILE *f, const char *name, const char *number, const char *what)
{
	static const struct cli_column columns[] = { { "", "name", -1 }, { "", "difference", 1 }, { "", "what", -1 } };
	const char *const json[] = { name, number, what }, *const tsv[] = { name, number ? number : what };

	cli_rows_put(f, columns, cli.json ? 3 : 2, cli.json ? json : tsv);
}

static size_t diff_one(FILE *f, const struct ts_tensor *a, const struct ts_tensor *b, double tolerance)
{
	const bool shaped =
		a && b && a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
	char x[TS_SHAPE], y[TS_SHAPE], number[32], what[2 * TS_SHAPE + 32];
	const bool same = shaped && a->type == b->type;
	const double d = same ? difference(a, b) : 0;

	if (same && d <= tolerance)
		return 0;
	if (!a || !b)
		snprintf(what, sizeof what, "missing in %s", a ? "B" : "A");
	else if (!shaped)
		snprintf(what, sizeof what, "shape %s against %s", ts_shape_text(a->ndim, a->shape, x),
			 ts_shape_text(b->ndim, b->shape, y));
	else if (!same)
		snprintf(what, sizeof what, "type %s against %s", ts_type_name(a->type), ts_type_name(b->type));
	snprintf(number, sizeof number, "%.9g", d);
	put_difference(f, a ? a->name : b->name, same ? number : NULL, same ? NULL : what);
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

/* Is key in both with numbers that are the same in single precision, in which they are used? */
static bool same_numbers(const struct ts_meta *a, const struct ts_meta *b, const char *key)
{
	struct ts_tensor x = { 0 }, y = { 0 };
	bool same = ts_meta_get_tensor(a, key, &x) == 1 && ts_meta_get_tensor(b, key, &y) == 1 && x.type == TS_F64 &&
		    y.type == TS_F64 && ts_tensor_count(&x) == ts_tensor_count(&y);

	for (size_t i = 0; same && i < ts_tensor_count(&x); i++)
		same = (float)((double *)x.data)[i] == (float)((double *)y.data)[i];
	ts_tensor_release(&x);
	ts_tensor_release(&y);
	return same;
}

/* Names what else two checkpoints say differently about what their network computes. Files of other programs do not
 * say. */
static void warn_meta(const struct ts_meta *a, const struct ts_meta *b)
{
	static const char *const keys[] = { "arch", "input", "mean", "std", "classes" };
	struct err words = { .text = "" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!ts_meta_agree(a, b, keys[i]) && !same_numbers(a, b, keys[i]))
			err_append(&words, "%s%s", n++ ? ", " : "", keys[i]);
	if (n)
		cli_warn("A and B are different networks beyond their tensors: they differ in %s (um-ckpt show)",
			 words.text);
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
	if (rc == 0)
		warn_meta(&x.meta, &y.meta);
	net_foreign_release(&x);
	net_foreign_release(&y);
	return rc;
}
