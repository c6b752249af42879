/* SPDX-License-Identifier: MIT
 * Rows and tensors as text. */
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "report/report_rows.h"

/* Writes the sizes of a shape, separated by `between`. */
static void put_shape(FILE *f, int ndim, const size_t *shape, const char *between)
{
	for (int i = 0; i < ndim; i++)
		fprintf(f, "%s%zu", i ? between : "", shape[i]);
}

void report_header_json(FILE *f, const struct ts_header *h, uint64_t rows)
{
	fprintf(f, "{\"unmask\": %d, \"kind\": \"%s\", \"rows\": %llu,\n \"fields\": {", TS_VERSION, h->kind,
		(unsigned long long)rows);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *field = &h->fields[i];

		fputs(i ? ",\n  " : "\n  ", f);
		cli_put_json(f, field->name);
		fprintf(f, ": {\"type\": \"%s\", \"shape\": [", ts_type_name(field->type));
		put_shape(f, field->ndim, field->shape, ", ");
		fputs("]}", f);
	}
	fputs("},\n \"meta\": {", f);
	for (size_t i = 0; i < h->meta.n; i++) {
		char *text = ts_entry_json(&h->meta.e[i]);

		if (!text)
			cli_oom();
		fputs(i ? ",\n  " : "\n  ", f);
		cli_put_json(f, h->meta.e[i].key);
		fprintf(f, ": %s", text);
		free(text);
	}
	fputs("}}\n", f);
}

static void put_list(FILE *f, char *const *word, size_t n)
{
	fputs("[", f);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", f);
		cli_put_json(f, word[i]);
	}
	fputs("]", f);
}

void report_step_json(FILE *f, const struct ts_step *s)
{
	fputs("{\"id\": ", f);
	cli_put_json(f, s->id);
	fputs(", \"previous\": ", f);
	put_list(f, s->prev, s->n_prev);
	fputs(", \"program\": ", f);
	cli_put_json(f, s->tool);
	fputs(", \"version\": ", f);
	cli_put_json(f, s->version);
	fputs(", \"arguments\": ", f);
	put_list(f, s->args, s->n_args);
	fputs("}", f);
}

void report_history(FILE *f, const struct ts_header *h)
{
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];

		if (cli.json) {
			report_step_json(f, s);
			fputc('\n', f);
			continue;
		}
		cli_put_cell(f, s->id);
		for (size_t k = 0, n = 0; k < s->n_prev; k++) {
			if (!*s->prev[k])
				continue; /* it had no history */
			fputs(n++ ? "," : " <- ", f);
			cli_put_cell(f, s->prev[k]);
		}
		fputc('\t', f);
		cli_put_cell(f, s->tool);
		fputc(' ', f);
		cli_put_cell(f, s->version);
		fputc('\t', f);
		for (size_t k = 0; k < s->n_args; k++) {
			fputs(k ? " " : "", f);
			cli_put_cell(f, s->args[k]);
		}
		fputc('\n', f);
	}
}

/* Elements [first, first + prod(shape)) as nested lists. */
static size_t put_nested(FILE *f, const struct ts_col *c, size_t first, int dim)
{
	char text[32];

	if (dim == c->ndim) {
		ts_elem_text(c->type, c->data, first, text);
		fputs(text, f);
		return first + 1;
	}
	fputc('[', f);
	for (size_t i = 0; i < c->shape[dim]; i++) {
		fputs(i ? ", " : "", f);
		first = put_nested(f, c, first, dim + 1);
	}
	fputc(']', f);
	return first;
}

void report_row_json(FILE *f, const struct ts_batch *b, size_t i, const struct report_classes *classes)
{
	fputc('{', f);
	for (size_t k = 0; k < b->n_cols; k++) {
		const struct ts_col *c = &b->cols[k];
		const char *word = c->type == TS_STR ? ts_col_str(c, i) : report_class_name(classes, c, i);

		fputs(k ? ", " : "", f);
		cli_put_json(f, c->name);
		fputs(": ", f);
		if (word)
			cli_put_json(f, word);
		else
			put_nested(f, c, i * (c->row / ts_type_size(c->type)), 0);
	}
	fputs("}\n", f);
}

void report_names_tsv(FILE *f, const struct ts_header *h)
{
	bool first = true;

	for (size_t k = 0; k < h->n_fields; k++) {
		if (h->fields[k].ndim)
			continue;
		fputs(first ? "" : "\t", f);
		first = false;
		cli_put_cell(f, h->fields[k].name);
	}
	fputc('\n', f);
}

void report_row_tsv(FILE *f, const struct ts_batch *b, size_t i, const struct report_classes *classes)
{
	char text[32];
	bool first = true;

	for (size_t k = 0; k < b->n_cols; k++) {
		const struct ts_col *c = &b->cols[k];
		const char *word = c->type == TS_STR && !c->ndim ? ts_col_str(c, i) : report_class_name(classes, c, i);

		if (c->ndim)
			continue;
		fputs(first ? "" : "\t", f);
		first = false;
		if (word) {
			cli_put_cell(f, word);
			continue;
		}
		ts_elem_text(c->type, c->data, i, text);
		for (const char *p = text; *p; p++)
			if (*p != '"') /* JSON writes numbers that are not finite as strings */
				fputc(*p, f);
	}
	fputc('\n', f);
}

struct report_range report_range(const struct ts_tensor *t)
{
	struct report_range r = { 0, NAN, NAN, t->type == TS_F64 ? 17 : 9 };

	for (size_t i = 0; i < ts_tensor_count(t); i++) {
		const double v = ts_get(t->type, t->data, i);

		r.sum += v;
		r.least = fmin(r.least, v);
		r.most = fmax(r.most, v);
	}
	return r;
}

void report_tensor_json(FILE *f, const struct ts_tensor *t)
{
	const struct report_range r = report_range(t);
	const bool some = ts_tensor_count(t) > 0;

	fputs("{\"name\": ", f);
	cli_put_json(f, t->name);
	fprintf(f, ", \"type\": \"%s\", \"shape\": [", ts_type_name(t->type));
	put_shape(f, t->ndim, t->shape, ", ");
	if (isfinite(r.sum) && some)
		fprintf(f, "], \"sum\": %.9g, \"min\": %.*g, \"max\": %.*g}\n", r.sum, r.digits, r.least, r.digits,
			r.most);
	else
		fprintf(f, "], \"sum\": \"%s\"}\n", some ? "not finite" : "empty");
}

void report_tensor_tsv(FILE *f, const struct ts_tensor *t)
{
	const struct report_range r = report_range(t);

	cli_put_cell(f, t->name);
	fprintf(f, "\t%s\t", ts_type_name(t->type));
	put_shape(f, t->ndim, t->shape, "x");
	fprintf(f, "\t%.9g\t%.*g\t%.*g\n", r.sum, r.digits, r.least, r.digits, r.most);
}
