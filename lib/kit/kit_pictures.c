/* SPDX-License-Identifier: MIT
 * Sources of pictures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_live.h"
#include "ds/ds_files.h"
#include "ds/ds_prep.h"
#include "kit/kit.h"
#include "kit/kit_pictures.h"
#include "ts/ts_images.h"
#include "ts/ts_utf8.h"

void kit_pictures_wrong(struct kit_pictures *k, const char *name, const char *why)
{
	cli_error("'%s': %s", name, why);
	k->trouble = true;
}

void kit_pictures_release(struct kit_pictures *k)
{
	ds_decoder_free(k->decoder);
	ds_pixels_release(&k->pixels);
}

static int from_file(struct kit_pictures *k, const char *path)
{
	struct ds_bytes bytes = { 0 };
	struct err err;
	int rc = ds_bytes_load_picture(path, &bytes, &err);

	if (!k->decoder && !(k->decoder = ds_decoder_new()))
		cli_oom();
	if (rc == 0)
		rc = ds_decoder_run(k->decoder, bytes.p, bytes.n, 0, &k->pixels, &err);
	ds_bytes_release(&bytes);
	if (rc == 0)
		return k->take(k->data, path, &k->pixels, false);
	kit_pictures_wrong(k, path, err.text);
	return 0;
}

/* Converts (c,h,w), c 3 or 1, to (h,w,3). */
static int from_planes(struct kit_pictures *k, const char *name, const uint8_t *planes, size_t c, size_t h, size_t w,
		       bool row)
{
	struct ds_pixels *p = &k->pixels;
	struct err err;

	if (ds_pixels_from_planes(p, planes, c, h, w, &err) < 0)
		cli_oom();
	return k->take(k->data, name, p, row && p->h == k->h && p->w == k->w);
}

/* ---- folders, archives, data sets ---- */

static int from_row(struct kit_pictures *k, const char *path, const struct ds_row *row)
{
	const size_t len = strlen(path);
	char name[8192];

	snprintf(name, sizeof name, "%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", row->name);
	return from_planes(k, name, row->image, (size_t)row->c, (size_t)row->h, (size_t)row->w, false);
}

/* Its errors name the source, and the picture. */
static void source_wrong(void *data, const char *what)
{
	struct kit_pictures *k = data;

	cli_error("%s", what);
	k->trouble = true;
}

static int from_source(struct kit_pictures *k, char *path)
{
	const struct ds_options o = { .per_class = -1,
				      .sample = -1,
				      .limit = -1,
				      .n_shards = 1,
				      .empty_classes = DS_EMPTY_DROP,
				      .unreadable = source_wrong,
				      .data = k,
				      .threads = k->threads };
	struct err err;
	struct ds_source *s = ds_open(&path, 1, &o, &err);
	enum ds_step step = DS_END;
	struct ds_row row;
	int rc = 0;

	if (!s) {
		source_wrong(k, err.text);
		return 0;
	}
	if (ds_unread(s))
		cli_warn("%s", ds_unread(s));
	while (rc == 0 && !k->stop(k->data) && (step = ds_next(s, &row, &err)) != DS_END && step != DS_BROKEN)
		if (step == DS_ROW)
			rc = from_row(k, path, &row);
		else
			source_wrong(k, err.text);
	if (step == DS_BROKEN)
		source_wrong(k, err.text);
	ds_close(s);
	return rc;
}

/* ---- streams ---- */

struct stream {
	struct kit_pictures *k;
	struct ts_reader *r;
	size_t image;
	ptrdiff_t name; /* -1: there is none */
};

static int from_rows(void *data, const struct ts_batch *b)
{
	const struct stream *s = data;
	const struct ts_col *c = &b->cols[s->image];
	char number[32];
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (s->k->stop(s->k->data))
			return -1;
		snprintf(number, sizeof number, "%llu", (unsigned long long)(ts_reader_rows(s->r) - b->n + i));
		rc = from_planes(s->k, s->name < 0 ? number : ts_col_str(&b->cols[s->name], i),
				 (const uint8_t *)c->data + i * c->row, c->shape[0], c->shape[1], c->shape[2], true);
	}
	return rc == 0 ? s->k->idle(s->k->data) : rc;
}

/* Finds the columns. -1: the reader has failed. */
static int find_columns(struct stream *s)
{
	const struct ts_field *image = ts_images_field(s->r);
	const struct ts_header *h = ts_reader_header(s->r);

	if (!image)
		return -1;
	if ((image->shape[0] != 1 && image->shape[0] != 3) || image->shape[1] > DS_MAX_SIDE ||
	    image->shape[2] > DS_MAX_SIDE || image->shape[1] * image->shape[2] > DS_MAX_PIXELS)
		return ts_reader_fail(s->r, "has images of %zux%zux%zu, which are not pictures", image->shape[0],
				      image->shape[1], image->shape[2]);
	s->image = (size_t)(image - h->fields);
	s->name = ts_header_col(h, "name");
	return 0;
}

/* Warns about rows that are used as they are, but were prepared differently from the network's images. */
static void check_prepared(const struct stream *s)
{
	const struct ts_header *h = ts_reader_header(s->r);
	struct ts_header network;
	struct err words;

	ts_header_init(&network, "checkpoint");
	if (s->k->prepare && ts_meta_set_str(&network.meta, TS_IMAGES_PREPARE, s->k->prepare) < 0)
		cli_oom();
	if (h->fields[s->image].shape[1] == (size_t)s->k->h && h->fields[s->image].shape[2] == (size_t)s->k->w &&
	    ds_prep_differs(&h->meta, s->k->h, s->k->w, &network.meta, &words))
		cli_warn("'%s': %s", ts_reader_name(s->r), words.text);
	ts_header_release(&network);
}

static int from_stream(struct kit_pictures *k, struct ts_reader *r_take)
{
	struct stream s = { .k = k, .r = r_take };
	int rc;

	if (!r_take)
		cli_oom();
	rc = find_columns(&s);
	if (rc == 0) {
		check_prepared(&s);
		rc = kit_each(r_take, from_rows, &s);
	}
	if (ts_reader_error(r_take)) {
		/* a stream that a signal has ended is truncated, which is not an error */
		if (!k->stop(k->data)) {
			cli_check_reader(r_take);
			k->trouble = true;
		}
		rc = 0;
	}
	ts_reader_close(r_take);
	return rc;
}

/* A small, non-empty map of MessagePack. No text begins like that, and of all pictures only PNG. An empty one is the
 * beginning of a pickle, as in CIFAR's files. */
static bool is_stream(const unsigned char *head, size_t n)
{
	return n && head[0] > 0x80 && head[0] < 0x90;
}

/* ---- standard input ---- */

static ssize_t read_live(void *ctx, void *buf, size_t len)
{
	struct kit_pictures *k = ctx;
	ssize_t n;

	do
		n = cli_live_read(buf, len);
	while (n < 0 && errno == EINTR && !k->stop(k->data));
	return n;
}

static int from_names(struct kit_pictures *k)
{
	enum cli_live what;
	bool first = true;
	char *line;
	int rc = 0;

	while (rc == 0 && !k->stop(k->data)) {
		what = cli_live_line(&line);
		k->trouble = k->trouble || what == CLI_BROKEN;
		if (what == CLI_END || what == CLI_BROKEN)
			break;
		if (what == CLI_LINE) {
			line += first ? ts_utf8_mark(line) : 0;
			first = false;
			rc = *line ? from_file(k, line) : 0;
		}
		if (rc == 0 && !cli_live_ready())
			rc = k->idle(k->data);
	}
	cli_live_unread();
	return rc;
}

static int from_stdin(struct kit_pictures *k)
{
	unsigned char head[32];
	enum cli_live what;
	size_t n;

	do
		what = cli_live_peek(head, sizeof head, &n);
	while (what == CLI_SIGNAL && !k->stop(k->data));
	if (what == CLI_LINE && n && ds_is_image(head, n)) {
		kit_pictures_wrong(k, "<stdin>", "is a picture, where names of pictures are read; give it as FILE");
		return 0;
	}
	if (what == CLI_LINE && is_stream(head, n))
		return from_stream(k, ts_reader_open_fn(read_live, k, "<stdin>"));
	return from_names(k);
}

int kit_pictures_of(struct kit_pictures *k, char *path)
{
	unsigned char head[32];
	struct stat st;
	size_t n = 0;
	FILE *f;

	if (strcmp(path, "-") == 0)
		return from_stdin(k);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (f = fopen(path, "rbe"))) {
		n = fread(head, 1, sizeof head, f);
		fclose(f);
	}
	if (n && ds_is_image(head, n))
		return from_file(k, path);
	return is_stream(head, n) ? from_stream(k, ts_reader_open(path)) : from_source(k, path);
}
