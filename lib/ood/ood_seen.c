/* SPDX-License-Identifier: MIT
 * Follows rows through a history, from scores up to the images that were packed. */
#include <string.h>

#include "ood/ood_seen.h"

struct walk {
	const struct ts_header *h;
	bool rows[TS_MAX_HISTORY]; /* which steps made or passed on the rows */
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

/* What um-train --held wrote: images. */
static bool is_held(const struct ts_step *s)
{
	return is(s, "um-train") && any_arg(s, "# held");
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

/* Marks s and all steps above it that its rows came through. */
static void follow(struct walk *w, const struct ts_step *s)
{
	if (!s || w->rows[s - w->h->history])
		return;
	w->rows[s - w->h->history] = true;
	for (size_t i = 0; i < n_sources(s); i++)
		follow(w, input(w->h, s, i));
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

/* Does a step's id tell its rows from others? */
static bool has_own_id(const struct ts_header *h, const struct ts_step *s)
{
	struct walk w = { .h = h };

	follow(&w, s);
	for (size_t i = 0; i < h->n_history; i++)
		if (w.rows[i] && !says_whence(h, &h->history[i]))
			return false;
	return s != NULL;
}

/* Are the rows of w some of those that were learnt from, or those among them? */
static bool meet(const struct walk *w, const struct ts_step *scored, const struct ts_step *learnt)
{
	struct walk from = { .h = w->h };

	learnt = images_of(w->h, learnt);
	if (!has_own_id(w->h, learnt))
		return false;
	if (w->rows[learnt - w->h->history])
		return true;
	scored = images_of(w->h, scored);
	follow(&from, learnt);
	return scored && has_own_id(w->h, scored) && from.rows[scored - w->h->history];
}

/* Did training s hold out the rows of w? */
static bool held_out(const struct walk *w, const struct ts_step *s)
{
	for (size_t i = 0; i < w->h->n_history; i++) {
		const struct ts_step *t = &w->h->history[i];
		size_t same = 0;

		if (!w->rows[i] || !is_held(t) || t->n_args != s->n_args + 1 || !t->n_prev ||
		    strcmp(t->prev[0], s->prev[1]) != 0)
			continue;
		while (same < s->n_args && strcmp(t->args[same], s->args[same]) == 0)
			same++;
		if (same == s->n_args)
			return true;
	}
	return false;
}

/* Did training s read the scored rows? It names what it began with, images, images of --val, and outliers, each of
 * which may be missing. Earlier versions left out what was missing, so there it is not known. */
static bool trained(const struct walk *w, const struct ts_step *scored, const struct ts_step *s)
{
	return s->n_prev == 4 && !held_out(w, s) && meet(w, scored, input(w->h, s, 1));
}

static bool fitted(const struct walk *w, const struct ts_step *scored, const struct ts_step *s)
{
	for (size_t i = 0; i < s->n_prev; i++)
		if (meet(w, scored, input(w->h, s, i)))
			return true;
	return false;
}

/* What saw the rows. NULL: nothing that is known. */
static const char *what_saw(const struct ts_header *h)
{
	const struct ts_step *last = &h->history[h->n_history - 1];
	struct walk w = { .h = h };
	const char *what = NULL;

	follow(&w, last);
	for (size_t i = 0; i < h->n_history; i++) {
		const struct ts_step *s = &h->history[i];

		if ((is(s, "um-train") || is(s, "um-prune")) && !is_held(s) && trained(&w, last, s))
			return "the network was trained on";
		if (is(s, "ood-fit") && !any_arg(s, "--tune") && fitted(&w, last, s))
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
