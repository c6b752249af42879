/* SPDX-License-Identifier: MIT
 * Turns pictures that arrive one at a time into rows, and writes each before it waits for the next. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_live.h"
#include "ds/ds_live.h"
#include "ds/ds_prep.h"
#include "ds/ds_stream.h"
#include "job/job_live.h"
#include "ts/ts_utf8.h"

static const char input[] = "<stdin>";

struct live {
	const struct job_live *o;
	struct kit_out *out;
	struct ds_live *pictures;
	unsigned long long rows, bad, n_short;
	struct err err;
};

void job_live_check(const struct job_live *o)
{
	int h, w;

	if (!ds_prep_size(&o->shape, &h, &w) && !(o->h && !o->shape.h))
		cli_usage("pictures that come one at a time need one size, which the stream's header says before the "
			  "first: --size (with --crop behind --resize short), or --for MODEL");
}

static int begin(struct live *l)
{
	const struct job_live *o = l->o;
	int h, w;

	if (!ds_prep_size(&o->shape, &h, &w)) { /* frames keep their size */
		h = o->h;
		w = o->w;
	}
	if (ds_stream_begin(&l->out->header, &o->shape, h, w, input) < 0)
		cli_oom();
	cli_history(&l->out->header, NULL, 0);
	return kit_out_begin(l->out);
}

static int put(struct live *l, const struct ds_row *row)
{
	if (ds_stream_fits(&l->out->header, row, &l->err) < 0)
		return cli_error("%s", l->err.text);
	if (ds_stream_put(&l->out->rows, kit_out_add(l->out, 1), row, NULL) < 0)
		cli_oom();
	l->rows++;
	if (row->is_short && !l->n_short++)
		cli_warn("'%s' is a truncated JPEG; the missing part is gray", row->name);
	cli_progress("%llu images, %s", l->rows, cli_pace("images", (double)l->rows, 0));
	return kit_out_write(l->out);
}

static int fail(const struct live *l)
{
	return cli_error("'%s': %s", input, l->err.text);
}

static int names(struct live *l)
{
	enum cli_live what = CLI_END;
	struct ds_row row;
	char *name;

	while (!cli_stopping() && (what = cli_live_line(&name)) == CLI_LINE) {
		if (l->rows + l->bad == 0)
			name += ts_utf8_mark(name);
		if (!*name)
			continue;
		if (ds_live_file(l->pictures, name, &row, &l->err) == 0) {
			if (put(l, &row) < 0)
				return -1;
			continue;
		}
		if (l->err.memory)
			return fail(l);
		cli_warn("%s", l->err.text);
		l->bad++;
	}
	cli_live_unread();
	return what == CLI_BROKEN ? -1 : 0;
}

/* Reads frame `at`. 1; 0: the end came before it, or a signal; -1 after a message. */
static int read_frame(const struct job_live *o, unsigned long long at, uint8_t *rgb)
{
	const size_t bytes = 3 * (size_t)o->h * (size_t)o->w;
	size_t have = 0;
	ssize_t n = 1;

	for (; have < bytes && n > 0 && !cli_stopping(); have += n > 0 ? (size_t)n : 0)
		n = cli_live_read(rgb + have, bytes - have);
	if (n < 0 && errno != EINTR)
		return -1;
	if (n == 0 && have > 0)
		return cli_error("'%s': frame %llu of %dx%d pixels of three bytes: ends after %zu of %zu bytes", input,
				 at, o->h, o->w, have, bytes);
	return have == bytes && !cli_stopping();
}

static int each_frame(struct live *l, uint8_t *rgb)
{
	const struct job_live *o = l->o;
	unsigned long long at = 0;
	struct ds_row row;
	char name[32];
	int rc;

	for (; (rc = read_frame(o, at, rgb)) == 1; at++) {
		snprintf(name, sizeof name, "%08llu", at);
		if (at % (unsigned long long)o->every)
			continue;
		if (ds_live_frame(l->pictures, rgb, o->h, o->w, name, &row, &l->err) < 0)
			return cli_error("frame %llu: %s", at, l->err.text);
		if (put(l, &row) < 0)
			return -1;
	}
	return rc;
}

static int frames(struct live *l)
{
	uint8_t *rgb = malloc(3 * (size_t)l->o->h * (size_t)l->o->w);
	int rc = rgb ? 0 : (err_memory(&l->err), fail(l));

	if (rc == 0)
		rc = each_frame(l, rgb);
	free(rgb);
	return rc;
}

int job_live(const struct job_live *o, struct kit_out *out)
{
	struct live l = { .o = o, .out = out };
	int rc = -1;

	if (!(l.pictures = ds_live_new(&o->shape, o->lenient, &l.err)))
		return cli_error("%s", l.err.text);
	if (cli_live_begin(false) == 0 && begin(&l) == 0)
		rc = o->h ? frames(&l) : names(&l);
	cli_info("%llu images", l.rows);
	if (l.bad)
		cli_warn("%llu names that are not whole pictures were left out", l.bad);
	if (l.n_short)
		cli_warn("%llu truncated JPEGs were read as far as they go", l.n_short);
	ds_live_free(l.pictures);
	return rc < 0 ? -1 : kit_out_finish(out);
}
