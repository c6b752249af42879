/* SPDX-License-Identifier: MIT
 * Handles: opening one, using it, and how errors are handed out. */
#include <locale.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unmask/unmask_internal.h"
#include "version.h"

/* Numbers in methods' parameters use a decimal point, whatever the caller's locale is. Changes the locale of this
 * thread only; it must be restored. NULL: out of memory. */
static locale_t speak_c(locale_t *was)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	*was = c ? uselocale(c) : (locale_t)0;
	return c;
}

static void speak_again(locale_t c, locale_t was)
{
	uselocale(was);
	freelocale(c);
}

/* Reads the network, most of a detector, as it arrives. Errors of r itself are left to read_detector(). */
static int read_first(struct unmask *u, struct ts_reader *r, struct err *err)
{
	struct ts_reader *model = ts_reader_part(r, "model");
	int rc = model ? unmask_read_model(u, model, err) : 0;

	ts_reader_close(model);
	return rc;
}

static int read_detector(struct unmask *u, struct ts_reader *r, int threads, struct err *err)
{
	const struct ts_header *h = ts_reader_header(r);
	struct ts_set set = { 0 };
	int rc = -1;

	if (h && strcmp(h->kind, "fit") != 0)
		ts_reader_fail(r, "holds %s%s, not a detector; ood-pack makes those",
			       strcmp(h->kind, "checkpoint") == 0 ? "a " : "", h->kind);
	if (!ts_reader_error(r) && (rc = unmask_begin(u, &h->meta, threads, err)) == 0 &&
	    (rc = read_first(u, r, err)) == 0 && (rc = ts_reader_set(r, &set)) == 0)
		rc = unmask_build(u, &set, err);
	if (ts_reader_error(r))
		rc = err_fail(err, "%s", ts_reader_error(r));
	else if (rc < 0 && !err->memory)
		err_prefix(err, "'%s': ", ts_reader_name(r));
	ts_set_release(&set);
	return rc;
}

/* A child of fork() has none of its parent's OpenMP threads, but the OpenMP library there would wait for them for ever.
 * So those of the thread that forks end before; they start anew when they are needed. */
static void end_threads(void)
{
	(void)omp_pause_resource_all(omp_pause_soft);
}

static void survive_forks(void)
{
	(void)pthread_atfork(end_threads, NULL, NULL);
}

static struct unmask *open_reader(struct ts_reader *r_take, int threads, const char *device)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct unmask *u = calloc(1, sizeof *u);
	locale_t was, c = speak_c(&was);

	pthread_once(&once, survive_forks);
	if (u && (!r_take || !c || !(u->device = strdup(device))))
		u->broken = err_memory(&u->error) < 0;
	else if (u)
		u->broken = read_detector(u, r_take, threads, &u->error) < 0;
	if (c)
		speak_again(c, was);
	ts_reader_close(r_take);
	return u;
}

struct unmask *unmask_open(const char *path, int threads)
{
	return unmask_open_on(path, threads, "cpu");
}

struct unmask *unmask_open_on(const char *path, int threads, const char *device)
{
	return open_reader(ts_reader_open(path), threads, device);
}

struct unmask *unmask_open_memory(const void *detector, size_t bytes, int threads)
{
	return open_reader(ts_reader_open_bytes(detector, bytes, "detector"), threads, "cpu");
}

void unmask_close(struct unmask *u)
{
	if (!u)
		return;
	unmask_release(u);
	free(u);
}

const char *unmask_error(const struct unmask *u)
{
	if (!u)
		return "out of memory";
	return u->error.text[0] ? u->error.text : NULL;
}

const char *unmask_method(const struct unmask *u)
{
	return u->broken ? "" : u->method;
}

size_t unmask_classes(const struct unmask *u)
{
	return u->broken ? 0 : u->basis.classes;
}

const char *unmask_class_name(const struct unmask *u, size_t i)
{
	return i < unmask_classes(u) ? u->names[i] : NULL;
}

void unmask_sizes(const struct unmask *u, int *channels, int *height, int *width, size_t *features)
{
	const struct net *n = u->broken ? NULL : u->c.net;

	if (channels)
		*channels = n ? n->c : 0;
	if (height)
		*height = n ? n->h : 0;
	if (width)
		*width = n ? n->w : 0;
	if (features)
		*features = n ? u->basis.dim : 0;
}

const char *unmask_prepare(const struct unmask *u)
{
	return u->broken || !u->prepare[0] ? NULL : u->prepare;
}

const char *unmask_version(void)
{
	return UNMASK_VERSION;
}
