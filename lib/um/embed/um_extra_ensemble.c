/* SPDX-License-Identifier: MIT
 * The logits of other models of the same classes. */
#include <stdlib.h>
#include <string.h>

#include "um/embed/um_extra_internal.h"

struct ensemble {
	struct um_other *m; /* (n) */
	size_t n;
};

static void release(void *state)
{
	struct ensemble *e = state;

	for (size_t i = 0; i < e->n; i++)
		um_other_release(&e->m[i]);
	free(e->m);
	free(e);
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	struct ensemble *e;
	int rc = 0;

	(void)keep;
	if (o->n_ensemble == 0)
		return 0;
	if (!(*state = e = calloc(1, sizeof *e)) || !(e->m = calloc(o->n_ensemble, sizeof *e->m)))
		return err_memory(err);
	while (rc == 0 && e->n < o->n_ensemble) {
		rc = um_other_load(&e->m[e->n], o->ensemble[e->n], c, err);
		e->n++;
	}
	return rc;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct ensemble *e = state;
	const size_t shape[] = { e->n, (size_t)n->classes };

	if (um_pass_add(to, "ensemble", 2, shape, err) < 0)
		return -1;
	return um_other_tell(e->m, e->n, "ensemble.models", to, err);
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	struct ensemble *e = state;
	const size_t C = (size_t)p->net->classes;
	float *l = calloc(p->n * C, sizeof *l), *to = um_pass_column(p, 0); /* (n,models,C) */
	int rc = l ? 0 : err_memory(err);

	for (size_t k = 0; k < e->n && rc == 0; k++) {
		rc = um_other_run(&e->m[k], p, l, err);
		for (size_t i = 0; i < p->n && rc == 0; i++)
			memcpy(to + (i * e->n + k) * C, l + i * C, C * sizeof *l);
	}
	free(l);
	return rc;
}

static const struct ts_header *input(const void *state, size_t k)
{
	const struct ensemble *e = state;

	return k < e->n ? &e->m[k].c.header : NULL;
}

const struct um_extra um_extra_ensemble = { false, init, columns, run, release, input };
