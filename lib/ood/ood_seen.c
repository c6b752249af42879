/* SPDX-License-Identifier: MIT
 * Follows rows through a history, from scores up to the images that were packed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_seen.h"

/* What um-train and um-prune read, in this order. */
enum { INIT, IMAGES, VAL, AUX, TRAINING_INPUTS };

/* What is known of the rows that each step wrote. */
struct flow {
	const struct ts_header *h;
	const struct ts_step *images;    /* the scored rows' images; NULL: not known */
	bool passed[TS_MAX_HISTORY];     /* the scored rows, or some of them, came through it */
	bool has_images[TS_MAX_HISTORY]; /* its rows are some of those images */
	bool own_id[TS_MAX_HISTORY];     /* its id tells its rows from others */
};

static bool is(const struct ts_step *s, const char *tool)
{
	return strcmp(s->tool, tool) == 0;
}

static bool any_arg(const struct ts_step *s, const char *start)
{
	for (size_t i = 0; i < s->n_args; i++)
		if (strncmp(s->args[i], start, strlen(start)) == 0)
			return true;
	return false;
}

static bool is_training(const struct ts_step *s)
{
	return is(s, "um-train") || is(s, "um-prune");
}

/* What --held wrote: images. */
static bool is_held(const struct ts_step *s)
{
	return is_training(s) && any_arg(s, "# held");
}

static bool is_checkpoint(const struct ts_step *s)
{
	return strncmp(s->tool, "um-", 3) == 0 && !is(s, "um-embed") && !is_held(s);
}

/* The step that wrote what s read as its input `at`; NULL: not known. Only those before s count, so that no damaged
 * history leads round in circles. */
static const struct ts_step *input(const struct ts_header *h, const struct ts_step *s, size_t at)
{
	for (const struct ts_step *t = h->history; t < s && at < s->n_prev; t++)
		if (strcmp(t->id, s->prev[at]) == 0)
			return t;
	return NULL;
}

/* How many of the streams that a step read hold the rows that it wrote. They come first. */
static size_t n_sources(const struct ts_step *s)
{
	if (is(s, "ts-cat"))
		return s->n_prev;
	return is(s, "um-embed") || is(s, "ood-score") || is(s, "ts-split") || is_held(s);
}

/* The images that rows were computed from, one by one: neither joined nor divided since. */
static const struct ts_step *images_of(const struct ts_header *h, const struct ts_step *s)
{
	while (s && (is(s, "um-embed") || is(s, "ood-score")))
		s = input(h, s, 0);
	return s && !is_checkpoint(s) && !is(s, "ood-fit") ? s : NULL;
}

/* Does a step say where its rows came from? Not if it read standard input, nor which part of a ts-split it is. */
static bool says_whence(const struct ts_header *h, const struct ts_step *s)
{
	const size_t n = n_sources(s);

	if (is(s, "ts-split") && !any_arg(s, "# part") && !any_arg(s, "# rest"))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!input(h, s, i))
			return false;
	for (size_t i = 0; i < s->n_args && n == 0; i++) /* getopt takes the beginning of --stream, too */
		if (strcmp(s->args[i], "-") == 0 || strncmp(s->args[i], "/dev/", 5) == 0 ||
		    strncmp(s->args[i], "--st", 4) == 0 || strncmp(s->args[i], "--fr", 4) == 0)
			return false;
	return true;
}

/* Fills f. A step reads what stands before it, so that once from first to last, and once back, is enough. */
static void trace(struct flow *f, const struct ts_header *h)
{
	const struct ts_step *from;

	*f = (struct flow){ .h = h, .images = images_of(h, &h->history[h->n_history - 1]) };
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];

		f->own_id[i] = says_whence(h, s);
		f->has_images[i] = s == f->images;
		for (size_t k = 0; k < n_sources(s); k++)
			if ((from = input(h, s, k)) != NULL) {
				f->own_id[i] &= f->own_id[from - h->history];
				f->has_images[i] |= f->has_images[from - h->history];
			}
	}
	f->passed[h->n_history - 1] = true;
	for (size_t i = h->n_history; i-- > 0;)
		for (size_t k = 0; f->passed[i] && k < n_sources(&h->history[i]); k++)
			if ((from = input(h, &h->history[i], k)) != NULL)
				f->passed[from - h->history] = true;
}

/* Are the scored rows some of those that s read as its input `at` to learn from, or those among them? */
static bool learnt(const struct flow *f, const struct ts_step *s, size_t at)
{
	const struct ts_step *from = images_of(f->h, input(f->h, s, at));
	const size_t i = from ? (size_t)(from - f->h->history) : 0;

	if (!from || !f->own_id[i])
		return false;
	return f->passed[i] || (f->images && f->own_id[f->images - f->h->history] && f->has_images[i]);
}

/* The number that an option has; getopt takes its beginning, too. The last one counts. 0: none. NAN: not known, as a
 * config file may have one. */
static double number(const struct ts_step *s, const char *start)
{
	double x = any_arg(s, "--co") ? NAN : 0;

	for (size_t i = 0; i < s->n_args; i++) {
		const char *equals = strchr(s->args[i], '=');

		if (strncmp(s->args[i], start, strlen(start)) != 0)
			continue;
		if (equals)
			x = strtod(equals + 1, NULL);
		else if (i + 1 < s->n_args)
			x = strtod(s->args[i + 1], NULL);
	}
	return x;
}

static bool may_be_same(double a, double b)
{
	return isnan(a) || isnan(b) || a == b;
}

/* Did training s hold out the scored rows? The images, the share and the seed say which these are, so that one training
 * that goes on from another may hold out the same. */
static bool held_out(const struct flow *f, const struct ts_step *s)
{
	for (size_t i = 0; i < f->h->n_history; i++) {
		const struct ts_step *t = &f->h->history[i];

		if (f->passed[i] && is_held(t) && t->n_prev && strcmp(t->prev[0], s->prev[IMAGES]) == 0 &&
		    may_be_same(number(s, "--val-f"), number(t, "--val-f")) &&
		    may_be_same(number(s, "--see"), number(t, "--see")))
			return true;
	}
	return false;
}

/* Earlier versions left inputs out that were not given, so there it is not known which is which. */
static bool trained(const struct flow *f, const struct ts_step *s)
{
	return s->n_prev == TRAINING_INPUTS && !held_out(f, s) && learnt(f, s, IMAGES);
}

static bool fitted(const struct flow *f, const struct ts_step *s)
{
	for (size_t k = 0; k < s->n_prev; k++)
		if (learnt(f, s, k))
			return true;
	return false;
}

/* What saw the rows. NULL: nothing that is known. */
static const char *what_saw(const struct ts_header *h)
{
	const char *what = NULL;
	struct flow f;

	trace(&f, h);
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];

		if (is_training(s) && !is_held(s) && trained(&f, s))
			return "the network was trained on";
		if (is(s, "ood-fit") && !any_arg(s, "--tune") && fitted(&f, s))
			what = "the fit was made of";
	}
	return what;
}

bool ood_seen(const struct ts_header *scores, const char *name, struct err *words)
{
	const char *what = scores->n_history ? what_saw(scores) : NULL;

	if (!what)
		return false;
	err_fail(words,
		 "'" ERR_NAME
		 "': by its history, %s these rows, or some of them, which score higher than new ones; take "
		 "images that were held out",
		 name, what);
	return true;
}

bool ood_seen_images(const struct ts_header *network, const struct ts_header *images)
{
	struct ts_header all; /* as if they had been embedded: the last step is theirs */

	ts_header_init(&all, "features");
	const bool seen = ts_header_chain(&all, network) == 0 && ts_header_chain(&all, images) == 0 &&
			  ts_header_log(&all, "um-embed", "", 0, NULL, &images, 1) == 0 && what_saw(&all);
	ts_header_release(&all);
	return seen;
}
