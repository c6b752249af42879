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

static bool any_arg(const struct ts_step *s, const char *arg)
{
	for (size_t i = 0; i < s->n_args; i++)
		if (strncmp(s->args[i], arg, strlen(arg)) == 0 && (arg[1] || !s->args[i][1]))
			return true;
	return false;
}

/* The step with this id; NULL: the history lacks it. */
static const struct ts_step *step(const struct ts_header *h, const char *id)
{
	for (size_t i = 0; i < h->n_history; i++)
		if (strcmp(h->history[i].id, id) == 0)
			return &h->history[i];
	return NULL;
}

/* How many of the streams that a step read hold the rows that it wrote. They come first. */
static size_t n_sources(const struct ts_step *s)
{
	if (is(s, "ts-cat"))
		return s->n_prev;
	return (is(s, "um-embed") || is(s, "ood-score") || is(s, "ts-split")) && s->n_prev ? 1 : 0;
}

/* Marks s and all steps above it that its rows came through. */
static void follow(struct walk *w, const struct ts_step *s)
{
	if (!s || w->rows[s - w->h->history])
		return;
	w->rows[s - w->h->history] = true;
	for (size_t i = 0; i < n_sources(s); i++)
		follow(w, step(w->h, s->prev[i]));
}

/* The images that rows were computed from, one by one: neither joined nor divided since. */
static const struct ts_step *images_of(const struct ts_header *h, const struct ts_step *s)
{
	while (s && n_sources(s) && (is(s, "um-embed") || is(s, "ood-score")))
		s = step(h, s->prev[0]);
	return s;
}

/* Does a step's id tell its rows from others? */
static bool has_own_id(const struct ts_step *s)
{
	if (is(s, "ts-split"))
		return any_arg(s, "# part") || any_arg(s, "# rest");
	return !any_arg(s, "-") && !any_arg(s, "--stream") && !any_arg(s, "--frames");
}

/* Are the rows of w some of those that were learnt from, or those among them? */
static bool meet(const struct walk *w, const struct ts_step *scored, const struct ts_step *learnt)
{
	struct walk from = { .h = w->h };

	learnt = images_of(w->h, learnt);
	if (!learnt || !has_own_id(learnt))
		return false;
	if (w->rows[learnt - w->h->history])
		return true;
	scored = images_of(w->h, scored);
	follow(&from, learnt);
	return scored && has_own_id(scored) && from.rows[scored - w->h->history];
}

static bool is_checkpoint(const struct ts_step *s)
{
	return strncmp(s->tool, "um-", 3) == 0 && !is(s, "um-embed");
}

/* Did training s read the scored rows? After the checkpoint that it began with, images to train on come first. */
static bool trained(const struct walk *w, const struct ts_step *scored, const struct ts_step *s)
{
	for (size_t i = 0; i < s->n_prev; i++) {
		const struct ts_step *from = step(w->h, s->prev[i]);

		if (from && !is_checkpoint(from))
			return meet(w, scored, from);
	}
	return false;
}

static bool fitted(const struct walk *w, const struct ts_step *scored, const struct ts_step *s)
{
	for (size_t i = 0; i < s->n_prev; i++) {
		const struct ts_step *from = step(w->h, s->prev[i]);

		if (from && !is(from, "ood-fit") && meet(w, scored, from))
			return true;
	}
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

		if ((is(s, "um-train") || is(s, "um-prune")) && trained(&w, last, s))
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
		 "'" ERR_NAME "': %s these images, or some of them, which score higher than new ones; take images "
		 "that were held out",
		 name, what);
	return true;
}
