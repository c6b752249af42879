/* SPDX-License-Identifier: MIT
 * Forward and back, with a share of the images. */
#include <string.h>

#include "nn/train/nn_train.h"
#include "um/train/um_ranks.h"

/* The images of a pass that are this rank's: some of the ID images, then some of the outliers. */
struct shares {
	size_t in, n, out, k; /* of each kind: the first, and how many */
	size_t all;           /* images of the pass, over all ranks */
};

static struct shares shares_of(const struct um_ranks *r, const struct um_batch *b, bool in, bool out)
{
	struct shares s = { .all = (in ? b->n : 0) + (out ? b->k : 0) };
	size_t end;

	team_share(r->team, in ? b->n : 0, &s.in, &end);
	s.n = end - s.in;
	team_share(r->team, out ? b->k : 0, &s.out, &end);
	s.k = end - s.out;
	return s;
}

/* Copies this rank's rows of the batch, which has all ID images first, to one contiguous block; or back. */
static void move(const struct shares *s, const struct um_batch *b, size_t row, void *all, void *mine, bool back)
{
	char *const in = (char *)all + s->in * row, *const out = (char *)all + (b->n + s->out) * row;
	char *const to = (char *)mine + s->n * row;

	memcpy(back ? in : mine, back ? mine : in, s->n * row);
	memcpy(back ? out : to, back ? to : out, s->k * row);
}

int um_ranks_forward(struct um_model *m, const struct um_batch *b, bool in, bool out, enum um_pass_mode mode,
		     struct err *err)
{
	struct um_ranks *r = m->ranks;
	const struct shares s = shares_of(r, b, in, out);
	const size_t row = b->C * sizeof *b->logits;

	um_exec_among(m->exec,
		      &(struct nn_among){ .here = s.n, .first = s.in, .then = (in ? b->n : 0) + s.out, .all = s.all });
	move(&s, b, net_node_size(&m->net->nodes[0]), b->image, r->image, false);
	if (um_model_forward(m, r->image, s.n + s.k, mode, true, r->z, NULL, err) < 0)
		return -1;
	if (mode == UM_TRAINING)
		r->share = (double)(s.n + s.k) / (double)s.all;
	move(&s, b, row, b->logits, r->z, true);
	if (in)
		team_rows(r->team, b->logits, b->n, row);
	if (out)
		team_rows(r->team, b->logits + b->n * b->C, b->k, row);
	return team_check(r->team, err);
}

int um_ranks_backward(struct um_model *m, const struct um_batch *b, bool in, bool out, bool add, struct err *err)
{
	const struct shares s = shares_of(m->ranks, b, in, out);

	move(&s, b, b->C * sizeof *b->dlogits, b->dlogits, m->ranks->z, false);
	return um_model_backward(m, m->ranks->z, add, err);
}
