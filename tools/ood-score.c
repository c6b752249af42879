/* SPDX-License-Identifier: MIT
 * ood-score: features in, scores out, larger for what looks more in-distribution. Streaming. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ood/ood_method.h"

static const char *method_list = "all";
static bool list;

static const struct cli_option options[] = {
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0,
	  "methods, separated by commas: NAME[:PARAMETER=VALUE]... (default all)" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the methods and exit" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-score", "[option...] [FILE]",
	"Score each row of a features stream: the larger, the more in-distribution.", options,
	"With no FILE, or when FILE is -, read standard input.", CLI_OUTPUT, NULL
};

static void print_methods(void)
{
	for (const struct ood_method *const *m = ood_methods; *m; m++) {
		const struct ood_param *p = (*m)->params;
		printf("%-12s %s\n", (*m)->name, (*m)->help);
		for (int i = 0; i < OOD_MAX_PARAMS && p[i].name; i++)
			printf("  %-14s %s (%g; %g to %g)\n", p[i].name, p[i].help, p[i].value,
			       p[i].min, p[i].max);
	}
}

/* ---- the two headers ------------------------------------------------------------------------ */

static int check_input(struct ts_reader *in, const struct ts_header *h)
{
	const struct ts_field *logits = ts_header_field(h, "logits");
	const struct ts_field *label = ts_header_field(h, "label");
	const struct ts_field *name = ts_header_field(h, "name");

	if (!logits)
		return ts_reader_fail(in, "has no column 'logits'");
	if (logits->type != TS_F32 || logits->ndim != 1 || logits->shape[0] < 2)
		return ts_reader_fail(in, "column 'logits' is not <f4 of two or more classes");
	if (label && (label->type != TS_I64 || label->ndim != 0))
		return ts_reader_fail(in, "column 'label' is not one <i8 a row");
	if (name && name->type != TS_STR)
		return ts_reader_fail(in, "column 'name' is not strings");
	return 0;
}

static void make_header(struct ts_header *h, const struct ts_header *in,
			const struct ood_request *q, size_t n)
{
	char text[OOD_MAX_COLUMN + 64], **methods = calloc(n, sizeof *methods);

	ts_header_init(h, "scores");
	if (!methods || ts_meta_merge(&h->meta, &in->meta))
		cli_oom();
	ts_meta_del(&h->meta, "fc.weight");   /* large, and no use with scores */
	ts_meta_del(&h->meta, "fc.bias");
	for (size_t i = 0; i < n; i++) {
		ood_request_text(&q[i], text, sizeof text);
		methods[i] = strdup(text);
		if (!methods[i] || ts_header_add(h, q[i].column, TS_F32, 0, NULL))
			cli_oom();
	}
	if (ts_meta_set_strs(&h->meta, "methods", methods, n) ||
	    ts_header_add(h, "pred", TS_I64, 0, NULL) ||
	    (ts_header_field(in, "label") && ts_header_add(h, "label", TS_I64, 0, NULL)) ||
	    (ts_header_field(in, "name") && ts_header_add(h, "name", TS_STR, 0, NULL)))
		cli_oom();
	cli_history(h, &in, 1);
	ts_strs_free(methods, n);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct work {
	struct ts_reader *in;
	struct ts_batch from, to;
	const struct ood_request *q;
	size_t n_q;
};

/* Number of row i of the batch in its file, from 0. */
static unsigned long long row_of(const struct work *k, size_t i)
{
	return ts_reader_rows(k->in) - k->from.n + i;
}

static int score_row(struct work *k, size_t i, const float *logits, size_t n)
{
	for (size_t c = 0; c < n; c++)
		if (!isfinite(logits[c]))
			return ts_reader_fail(k->in, "row %llu: logit %zu is %g", row_of(k, i), c,
					      logits[c]);
	for (size_t m = 0; m < k->n_q; m++) {
		double score = k->q[m].method->score(logits, n, k->q[m].params);
		if (!(fabs(score) <= FLT_MAX))
			return ts_reader_fail(k->in, "row %llu: '%s' is too large for <f4",
					      row_of(k, i), k->q[m].column);
		((float *)k->to.cols[m].data)[i] = (float)score;
	}
	((int64_t *)k->to.cols[k->n_q].data)[i] = (int64_t)ood_argmax(logits, n);
	return 0;
}

static int score_batch(struct work *k)
{
	const struct ts_col *logits = ts_batch_col(&k->from, "logits");
	const struct ts_col *label = ts_batch_col(&k->from, "label");
	const struct ts_col *name = ts_batch_col(&k->from, "name");
	size_t n = logits->shape[0];

	if (ts_batch_resize(&k->to, 0) || ts_batch_resize(&k->to, k->from.n))
		cli_oom();
	for (size_t i = 0; i < k->from.n; i++) {
		if (score_row(k, i, (const float *)logits->data + i * n, n))
			return -1;
		if (label) {
			int64_t l = ((const int64_t *)label->data)[i];
			if (l < -1 || l >= (int64_t)n)
				return ts_reader_fail(k->in, "row %llu: labels out of range: %lld, "
						      "with %zu classes", row_of(k, i),
						      (long long)l, n);
			((int64_t *)ts_batch_col(&k->to, "label")->data)[i] = l;
		}
		if (name && ts_col_set_str(ts_batch_col(&k->to, "name"), i, ts_col_str(name, i)))
			cli_oom();
	}
	return 0;
}

static int score_stream(struct work *k, struct ts_writer *out)
{
	struct ts_header header;
	const struct ts_header *in = ts_reader_expect(k->in, "features");
	int rc;

	if (!in || check_input(k->in, in))
		return -1;
	make_header(&header, in, k->q, k->n_q);
	if (ts_batch_init(&k->from, in) || ts_batch_init(&k->to, &header))
		cli_oom();
	rc = ts_writer_begin(out, &header);
	while (rc == 0 && (rc = ts_reader_next(k->in, &k->from)) == 1) {
		rc = score_batch(k);
		if (rc == 0)
			rc = ts_writer_write(out, &k->to);
	}
	if (rc == 0)
		rc = ts_writer_finish(out);
	ts_header_release(&header);
	return rc;
}

int main(int argc, char **argv)
{
	char err[256];
	int first = cli_parse(&tool, argc, argv);
	struct ood_request *q;
	size_t n_q;

	if (list) {
		print_methods();
		return cli_finish(0);
	}
	if (ood_request_parse(method_list, &q, &n_q, err, sizeof err))
		cli_usage("--method: %s", err);
	struct work k = { .in = cli_input(first, argc, argv), .q = q, .n_q = n_q };
	struct ts_writer *out = cli_output();
	int rc = score_stream(&k, out);
	if (cli_check_reader(k.in) == 0)
		cli_check_writer(out);
	ts_batch_release(&k.from);
	ts_batch_release(&k.to);
	ts_reader_close(k.in);
	ts_writer_close(out);
	free(q);
	return cli_finish(rc ? 1 : 0);
}
