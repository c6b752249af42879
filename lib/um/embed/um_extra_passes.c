/* SPDX-License-Identifier: MIT
 * MC-dropout inside the network (Gal, Ghahramani, "Dropout as a Bayesian approximation", ICML 2016): the logits of
 * several passes in which the network's dropout is active, while its batch norms keep their running statistics. A pass
 * drops the same numbers from all images, so that an image's logits do not depend on those around it: each pass is one
 * thinned network. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_rng.h"
#include "um/embed/um_extra_internal.h"

struct passes {
	size_t n;
	double dropout;
	uint64_t seed;
};

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	struct passes *p;

	(void)keep;
	if (o->passes == 0)
		return 0;
	if (!net_has_dropout(c->net))
		return err_fail(err,
				"architecture %s has no dropout, so there is nothing for --passes; mc-dropout of "
				"ood-score drops features instead",
				c->net->spec);
	if (!(*state = p = malloc(sizeof *p)))
		return err_memory(err);
	*p = (struct passes){ o->passes, o->dropout, o->seed };
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct passes *p = state;
	const size_t shape[] = { p->n, (size_t)n->classes };

	if (um_pass_add(to, "passes", 2, shape, err) < 0)
		return -1;
	return ts_meta_set_int(&to->meta, "passes.n", (int64_t)p->n) < 0 ||
			       ts_meta_set_double(&to->meta, "passes.dropout", p->dropout) < 0 ||
			       ts_meta_set_int(&to->meta, "passes.seed", (int64_t)p->seed) < 0 ?
		       err_memory(err) :
		       0;
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct passes *s = state;
	const size_t C = (size_t)p->net->classes;
	float *l = calloc(p->n * C, sizeof *l), *to = um_pass_column(p, 0); /* (n,passes,C) */
	int rc = l ? 0 : err_memory(err);

	for (size_t k = 0; k < s->n && rc == 0; k++) {
		struct ts_rng r = ts_rng_new(s->seed, k);
		rc = um_exec_forward(p->exec, p->pixels, p->n, UM_DROPOUT, ts_rng_u64(&r), false, l, NULL, err);
		for (size_t i = 0; i < p->n && rc == 0; i++)
			memcpy(to + (i * s->n + k) * C, l + i * C, C * sizeof *l);
	}
	free(l);
	return rc;
}

const struct um_extra um_extra_passes = { true, init, columns, run, free, NULL };
