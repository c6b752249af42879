/* SPDX-License-Identifier: MIT
 * The loop over a stream, its end, and options that several programs take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/ds_prep.h"
#include "err/err_near.h"
#include "kit/kit.h"
#include "ts/ts_images.h"

int kit_each(struct ts_reader *r, int (*step)(void *data, const struct ts_batch *b), void *data)
{
	const struct ts_header *h = ts_reader_header(r);
	struct ts_batch b;
	int rc;

	if (!h)
		return -1;
	if (ts_batch_init(&b, h) < 0)
		cli_oom();
	while ((rc = ts_reader_next(r, &b)) == 1)
		if (step(data, &b) != 0) {
			rc = -1;
			break;
		}
	ts_batch_release(&b);
	return rc;
}

void kit_progress(struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_header(r);
	const char *what = h && strcmp(h->kind, "images") == 0 ? "images" : "rows";
	const uint64_t rows = ts_reader_rows(r);

	cli_progress("%llu %s, %s", (unsigned long long)rows, what,
		     cli_pace(what, (double)rows, ts_reader_expected(r)));
}

void kit_out_init(struct kit_out *out, const char *kind, struct ts_writer *w)
{
	if (!w)
		cli_oom();
	*out = (struct kit_out){ .w = w };
	ts_header_init(&out->header, kind);
}

int kit_out_begin(struct kit_out *out)
{
	if (ts_batch_init(&out->rows, &out->header) < 0)
		cli_oom();
	return ts_writer_begin(out->w, &out->header);
}

size_t kit_out_add(struct kit_out *out, size_t n)
{
	const size_t first = out->rows.n;

	if (ts_batch_resize(&out->rows, first + n) < 0)
		cli_oom();
	return first;
}

int kit_out_write(struct kit_out *out)
{
	if (ts_writer_write(out->w, &out->rows) < 0)
		return -1;
	if (ts_batch_resize(&out->rows, 0) < 0)
		cli_oom();
	return 0;
}

int kit_out_some(struct kit_out *out, size_t most)
{
	return out->rows.n < ts_batch_rows(&out->rows, most, 8 << 20) ? 0 : kit_out_write(out);
}

int kit_out_finish(struct kit_out *out)
{
	return kit_out_write(out) < 0 ? -1 : ts_writer_finish(out->w);
}

int kit_out_end(struct kit_out *out, bool tell)
{
	const int rc = tell && out->w ? cli_check_writer(out->w) : 0;

	ts_writer_close(out->w);
	ts_batch_release(&out->rows);
	ts_header_release(&out->header);
	*out = (struct kit_out){ 0 };
	return rc;
}

int kit_end(struct ts_reader *r, struct kit_out *out, int rc)
{
	const bool failed = r && cli_check_reader(r) < 0;

	if (out && kit_out_end(out, !failed) < 0)
		rc = -1;
	ts_reader_close(r);
	return cli_finish(failed ? -1 : rc);
}

int kit_no_terminal(const char *path)
{
	if ((path && strcmp(path, "-") != 0) || !isatty(STDIN_FILENO))
		return 0;
	return cli_error("scores are not read from a terminal; name a FILE or use a pipe");
}

struct kit_shard kit_shard(const char *text)
{
	long i = 0, n = 1;
	char tail;

	if (text && (sscanf(text, "%ld/%ld%c", &i, &n, &tail) != 2 || n < 1 || i < 0 || i >= n))
		cli_usage("--shard: '%s' is not I/N with 0 <= I < N", text);
	return (struct kit_shard){ (uint64_t)i, (uint64_t)n };
}

size_t kit_range(const char *text, double min, double max, double *v, size_t most)
{
	double part[3]; /* first, last, step */
	char copy[96], *next = copy, *one;
	size_t n = 0;

	if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
		return 0;
	for (; n < 3 && (one = strsep(&next, ":")); n++)
		if (cli_parse_double(one, n < 2 ? min : 1e-6, n < 2 ? max : max - min, &part[n]) < 0)
			return 0;
	if (n == 2 || next || most == 0)
		return 0;
	if (n == 1) {
		v[0] = part[0];
		return 1;
	}
	if (part[1] < part[0] || (part[1] - part[0]) / part[2] > (double)most - 1)
		return 0;
	n = 1 + (size_t)((part[1] - part[0]) / part[2] + 1e-9);
	for (size_t i = 0; i < n; i++) { /* 0.9 + 2 * 0.04 is not exactly the intended 0.98 */
		snprintf(copy, sizeof copy, "%.12g", part[0] + (double)i * part[2]);
		v[i] = strtod(copy, NULL);
	}
	return n;
}

static int select_one(struct ts_header *to, const struct ts_header *from, const char *name)
{
	const struct ts_field *f = ts_header_field(from, name);

	if (!f) {
		struct err_near near = err_near(name);

		for (size_t i = 0; i < from->n_fields; i++)
			err_near_try(&near, from->fields[i].name);
		return cli_error("no field '%s' to select; ts-dump --header lists them%s", name,
				 err_near_text(&near, "'"));
	}
	if (ts_header_field(to, f->name))
		return cli_error("field '%s' is selected twice", name);
	if (ts_header_add(to, f->name, f->type, f->ndim, f->shape) < 0)
		cli_oom();
	return 0;
}

int kit_select(struct ts_header *to, const struct ts_header *from, const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	int rc = 0;

	if (!copy)
		cli_oom();
	while (rc == 0 && (name = strsep(&rest, ",")))
		rc = select_one(to, from, name);
	free(copy);
	return rc;
}

void kit_warn_prepared(const char *name, const struct ts_meta *images, int h, int w, const struct ts_meta *model)
{
	struct err words;

	if (ds_prep_differs(images, h, w, model, &words))
		cli_warn("'%s': %s", name, words.text);
}

void kit_warn_distorted(const char *name, const struct ts_meta *m)
{
	char *words = NULL;
	double eps;

	if (ts_meta_get_double(m, "fgsm.eps", &eps) == 1)
		cli_warn("'%s': the images were attacked (um-embed --fgsm %g): this is learnt of them, not of clean "
			 "ones",
			 name, eps);
	if (ts_meta_get_str(m, TS_IMAGES_DISTORTED, &words) == 1)
		cli_warn("'%s': the images were distorted on purpose (%s): this is learnt of them, not of clean ones",
			 name, words);
	free(words);
}
