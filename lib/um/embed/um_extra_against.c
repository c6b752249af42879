/* SPDX-License-Identifier: MIT
 * Distance from a second model: sum_c q_c (log q_c - log p_c), q the other's probabilities, p the model's
 * (the published program's 'distance', between the model's start and its end). */
#include <math.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "um/embed/um_extra_internal.h"

static void release(void *state)
{
	um_other_release(state);
	free(state);
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	(void)keep;
	if (!o->against)
		return 0;
	if (!(*state = calloc(1, sizeof(struct um_other))))
		return err_memory(err);
	return um_other_load(*state, o->against, c, err);
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	(void)n;
	return um_pass_add(to, "kl-distance", 0, NULL, err) < 0 ?
		       -1 :
		       um_other_tell(state, 1, "kl-distance.models", to, err);
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const size_t C = (size_t)p->net->classes;
	float *other = calloc(p->n * C, sizeof *other), *to = um_pass_column(p, 0);
	int rc = other ? um_other_run(state, p, other, err) : err_memory(err);

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

static const struct ts_header *input(const void *state, size_t k)
{
	return k == 0 ? &((const struct um_other *)state)->c.header : NULL;
}

const struct um_extra um_extra_against = { false, init, columns, run, release, input };
