/* SPDX-License-Identifier: MIT
 * Distance from a second model: sum_c q_c (log q_c - log p_c), q the other's probabilities, p the model's
 * (the published program's 'distance', between the model's start and its end). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ts/ts_images.h"
#include "um/embed/um_extra_internal.h"

struct against {
	struct net_checkpoint c;
	struct um_engine *e; /* made on first use: only then is it known how to run it */
};

static void release(void *state)
{
	struct against *a = state;

	um_engine_free(a->e);
	net_checkpoint_release(&a->c);
	free(a);
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	const struct net *n = c->net, *other;
	struct against *a;

	(void)keep;
	if (!o->against)
		return 0;
	*state = a = calloc(1, sizeof *a);
	if (!a)
		return err_memory(err);
	if (net_load(&a->c, o->against, err) < 0 || net_bake(&a->c, true, NULL, err) < 0)
		return -1;
	other = a->c.net;
	if (other->c != n->c || other->h != n->h || other->w != n->w)
		return err_fail(err, "'%s' takes images of %dx%dx%d where the model takes %dx%dx%d", o->against,
				other->c, other->h, other->w, n->c, n->h, n->w);
	if (other->classes != n->classes || !ts_same_classes(c->classes, c->n_classes, a->c.classes, a->c.n_classes))
		return err_fail(err,
				"'%s' has other classes than the model, so there is no distance "
				"between them",
				o->against);
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	(void)state, (void)n;
	return um_pass_add(to, "kl-distance", 0, NULL, err);
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	struct against *a = state;
	const size_t C = (size_t)p->net->classes;
	float *other, *to = um_pass_column(p, 0);
	int rc;

	if (!a->e && um_engine_new(&a->e, &a->c, p->engine, err) < 0)
		return -1;
	other = calloc(p->n * C, sizeof *other);
	if (!other)
		return err_memory(err);
	rc = um_engine_run(a->e, p->image, p->n, other, NULL, NULL, err);
	for (size_t i = 0; i < p->n && rc == 0; i++) {
		const float *l = p->logits + i * C, *m = other + i * C;
		const double lse = num_lse(l, C), lse_other = num_lse(m, C);
		double sum = 0;

		for (size_t c = 0; c < C; c++) {
			const double lp = (double)l[c] - lse, lq = (double)m[c] - lse_other;
			sum += exp(lq) * (lq - lp);
		}
		to[i] = (float)sum;
	}
	free(other);
	return rc;
}

static const struct ts_header *input(const void *state)
{
	return &((const struct against *)state)->c.header;
}

const struct um_extra um_extra_against = { false, init, columns, run, release, input };
