/* SPDX-License-Identifier: MIT
 * Reading: chunks of rows go round a ring. A worker takes the next free chunk, reads the bytes of its
 * rows (one worker at a time, because an archive is read front to back; the files of a folder are read
 * when they are decoded) and decodes them, while other workers do the same with other chunks.
 * ds_next() hands out the chunks' rows in the order of the ring. So rows keep the order of the input,
 * whichever thread was faster, and memory is bounded by the ring. With one thread ds_next() does all
 * of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "ds/ds_reading_internal.h"
#include "ds/pixel/ds_distort.h"

/* ---- decoding: by all workers at once ---- */

/* Sets it->at and it->n to the content of the row's file. */
static int content(struct ds_reading *k, struct worker *w, const struct chunk *c, struct item *it)
{
	const struct ds_file *f = &k->s->files[it->row->file];
	char real[8192];
	struct err err;
	struct stat st;

	if (it->at)
		return 0;
	if (!ds_real_path(k->s, f, real)) {
		it->at = c->bytes.p + it->from;
		return 0;
	}
	if (ds_bytes_load(real, &w->file, DS_MAX_IMAGE, &err) < 0) {
		/* A file that is too large is a damaged picture; one that cannot be read may be a good one. */
		const bool large = stat(real, &st) == 0 && st.st_size >= DS_MAX_IMAGE;
		return ds_fail_row(k, it, large ? DS_DAMAGED : DS_UNREADABLE, &err);
	}
	it->at = w->file.p;
	it->n = w->file.n;
	return 0;
}

/* Appends the decoded picture to the chunk's pixels: (h,w,3) becomes (c,h,w). */
static int store(struct ds_reading *k, struct worker *w, struct chunk *c, struct item *it)
{
	const size_t plane = (size_t)w->p.h * (size_t)w->p.w;
	struct err err;

	it->c = k->s->o.shape.gray ? 1 : 3;
	it->h = w->p.h;
	it->w = w->p.w;
	it->pixels = c->pixels.n;
	while (c->pixels.cap - c->pixels.n < plane * (size_t)it->c) {
		size_t n = c->pixels.n;

		c->pixels.n = c->pixels.cap;
		if (ds_bytes_grow(&c->pixels, SIZE_MAX - 1, &err) < 0)
			return ds_fail_row(k, it, DS_BROKEN, &err);
		c->pixels.n = n;
	}
	ds_pixels_planes(&w->p, it->c, c->pixels.p + c->pixels.n);
	c->pixels.n += plane * (size_t)it->c;
	return 0;
}

static void decode_row(struct ds_reading *k, struct worker *w, struct chunk *c, struct item *it)
{
	const struct ds_layout *l = k->s->layouts[k->s->files[it->row->file].layout];
	const struct ds_options *o = &k->s->o;
	struct err err;
	int rc;

	if (it->rc < 0)
		return;
	if (l->decode)
		rc = l->decode(k->shared.memo, it->row->at, &w->p, &err);
	else if (content(k, w, c, it) < 0)
		return;
	else if (o->hash)
		rc = 0;
	else
		rc = ds_decoder_run(w->decoder, it->at, it->n, ds_shape_at_least(&o->shape), &w->p, &err);
	it->is_short = rc == 0 && !l->decode && !o->hash && ds_decoder_short(w->decoder);
	if (rc == 0 && (o->hash || o->check)) {
		it->bytes = l->decode ? 3 * (uint64_t)w->p.h * (uint64_t)w->p.w : it->n;
		it->hash = XXH3_64bits(l->decode ? w->p.rgb : it->at, it->bytes);
	}
	if (rc == 0 && !o->hash && o->distort)
		rc = ds_distort(&w->p, &w->spare, o->distort, &err);
	if (rc == 0 && !o->hash)
		rc = ds_reshape(&w->p, &w->spare, &o->shape, &err);
	if (rc < 0)
		ds_fail_row(k, it, DS_DAMAGED, &err);
	else if (!o->hash)
		store(k, w, c, it);
}

/* Frees large buffers: one large image is no reason to hold that much memory from then on. */
static void let_go(struct worker *w)
{
	if (w->file.cap > LARGE_BYTES)
		ds_bytes_release(&w->file);
	if (w->p.cap > LARGE_BYTES)
		ds_pixels_release(&w->p);
	if (w->spare.cap > LARGE_BYTES)
		ds_pixels_release(&w->spare);
}

/* Decodes the chunk's rows until their pixels reach LARGE_BYTES, and leaves the others for later: small files may be
 * large pictures. Rows of a shared file are all decoded now, because the file may be gone later. */
static void decode(struct ds_reading *k, struct worker *w, struct chunk *c)
{
	bool later = false;

	for (size_t i = 0; i < c->n; i++)
		if (c->pixels.n > LARGE_BYTES && !c->shared)
			later = c->item[i].later = true;
		else
			decode_row(k, w, c, &c->item[i]);
	let_go(w);
	if (!later && c->bytes.cap > LARGE_BYTES)
		ds_bytes_release(&c->bytes);
}

/* ---- the ring ---- */

/* Takes the next chunk and reads its bytes; NULL: there is nothing more to do. */
static struct chunk *take(struct ds_reading *k)
{
	struct chunk *c = NULL;
	size_t most;

	pthread_mutex_lock(&k->feed);
	pthread_mutex_lock(&k->lock);
	while (!k->stop && !k->over && k->head - k->tail == k->n_ring)
		pthread_cond_wait(&k->change, &k->lock);
	if (k->next == k->s->n && !k->over) {
		k->over = true;
		pthread_cond_broadcast(&k->change);
	}
	if (!k->stop && !k->over)
		c = &k->ring[k->head % k->n_ring];
	most = k->row_bytes ? CHUNK_BYTES / k->row_bytes : 1;
	pthread_mutex_unlock(&k->lock);
	if (c) {
		ds_feed(k, c, most < 1 ? 1 : most > CHUNK_ROWS ? CHUNK_ROWS : most);
		pthread_mutex_lock(&k->lock);
		k->shared.users += c->shared;
		k->head++;
		pthread_mutex_unlock(&k->lock);
	}
	pthread_mutex_unlock(&k->feed);
	return c;
}

static void work(struct ds_reading *k, struct worker *w, struct chunk *c)
{
	decode(k, w, c);
	pthread_mutex_lock(&k->lock);
	k->shared.users -= c->shared;
	if (c->n && c->pixels.n)
		k->row_bytes = c->pixels.n / c->n + 1;
	c->done = true;
	pthread_cond_broadcast(&k->change);
	pthread_mutex_unlock(&k->lock);
}

static void *run(void *ctx)
{
	struct worker *w = ctx;
	struct chunk *c;

	while ((c = take(w->k)) != NULL)
		work(w->k, w, c);
	return NULL;
}

static int start(struct ds_source *s, struct err *err)
{
	struct ds_reading *k = s->reading = calloc(1, sizeof *k);
	size_t n = s->o.threads < 1 ? 1 : s->o.threads > MAX_THREADS ? MAX_THREADS : (size_t)s->o.threads;

	if (!k)
		return err_memory(err);
	k->s = s;
	k->operand = k->shared.file = SIZE_MAX;
	pthread_mutex_init(&k->feed, NULL);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->change, NULL);
	k->n_ring = n == 1 ? 1 : 2 * n + 2;
	if (!(k->ring = calloc(k->n_ring, sizeof *k->ring)) || !(k->workers = calloc(n + 1, sizeof *k->workers)))
		return err_memory(err);
	for (; k->n_workers <= n; k->n_workers++) {
		k->workers[k->n_workers].k = k;
		if (!(k->workers[k->n_workers].decoder = ds_decoder_new()))
			return err_memory(err);
		if (s->o.lenient)
			ds_decoder_lenient(k->workers[k->n_workers].decoder);
	}
	/* If the system gives fewer threads, those do all the work; if it gives none, ds_next() does. */
	while (n > 1 && k->n_started < n &&
	       pthread_create(&k->workers[k->n_started].thread, NULL, run, &k->workers[k->n_started]) == 0)
		k->n_started++;
	return 0;
}

void ds_reading_free(struct ds_source *s)
{
	struct ds_reading *k = s->reading;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->change);
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; i < k->n_started; i++)
		pthread_join(k->workers[i].thread, NULL);
	for (size_t i = 0; i < k->n_workers; i++) {
		ds_decoder_free(k->workers[i].decoder);
		ds_pixels_release(&k->workers[i].p);
		ds_pixels_release(&k->workers[i].spare);
		ds_bytes_release(&k->workers[i].file);
	}
	for (size_t i = 0; k->ring && i < k->n_ring; i++) {
		for (size_t j = 0; j < CHUNK_ROWS; j++)
			free(k->ring[i].item[j].why);
		ds_bytes_release(&k->ring[i].bytes);
		ds_bytes_release(&k->ring[i].pixels);
	}
	ds_shared_forget(&k->shared);
	ds_in_release(&k->in);
	ds_files_close(k->files);
	free(k->ring);
	free(k->workers);
	free(k);
	s->reading = NULL;
}

/* The chunk that is to be handed out, once it is decoded; NULL: there are no more. */
static struct chunk *wait_for_chunk(struct ds_reading *k)
{
	struct chunk *c = &k->ring[k->tail % k->n_ring];

	if (k->n_started == 0) {
		if (k->head == k->tail && take(k))
			work(k, &k->workers[k->n_workers - 1], c);
		return k->head == k->tail ? NULL : c;
	}
	pthread_mutex_lock(&k->lock);
	while (!(k->head > k->tail && c->done) && !(k->over && k->head == k->tail))
		pthread_cond_wait(&k->change, &k->lock);
	if (k->head == k->tail)
		c = NULL;
	pthread_mutex_unlock(&k->lock);
	return c;
}

static void give_back(struct ds_reading *k, struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->item[i].why);
		c->item[i].why = NULL;
	}
	if (c->bytes.cap > LARGE_BYTES)
		ds_bytes_release(&c->bytes);
	if (c->pixels.cap > 2 * LARGE_BYTES)
		ds_bytes_release(&c->pixels);
	pthread_mutex_lock(&k->lock);
	c->done = false;
	k->tail++;
	pthread_cond_broadcast(&k->change);
	pthread_mutex_unlock(&k->lock);
}

enum ds_step ds_next(struct ds_source *s, struct ds_row *row, struct err *err)
{
	struct chunk *c;
	struct item *it;

	if (!s->reading && start(s, err) < 0) {
		ds_reading_free(s);
		return DS_BROKEN;
	}
	for (;;) {
		if (!(c = wait_for_chunk(s->reading)))
			return DS_END;
		if (c->next < c->n)
			break;
		give_back(s->reading, c);
	}
	it = &c->item[c->next++];
	if (it->later) {
		c->pixels.n = 0;
		decode_row(s->reading, &s->reading->workers[s->reading->n_workers - 1], c, it);
		let_go(&s->reading->workers[s->reading->n_workers - 1]);
	}
	*row = (struct ds_row){
		.name = ds_row_name(s, it->row, s->reading->name),
		.label = it->row->label,
		.c = it->c,
		.h = it->h,
		.w = it->w,
		.is_short = it->is_short,
		.bytes = it->bytes,
		.hash = it->hash,
		.image = it->rc == DS_ROW && !s->o.hash ? c->pixels.p + it->pixels : NULL,
	};
	if (it->rc < 0 && it->why)
		err_fail(err, "%s", it->why);
	else if (it->rc < 0)
		err_memory(err);
	return it->rc;
}
