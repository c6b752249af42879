/* SPDX-License-Identifier: MIT
 * A model shared by several processes, and the sums over them. */
#include <stdlib.h>
#include <string.h>

#include "um/run/um_flat.h"
#include "um/train/um_ranks.h"

int um_ranks_new(struct um_ranks **ret, const struct um_model *m, struct team *team, bool sync_bn, struct err *err)
{
	struct um_ranks *r = calloc(1, sizeof *r);
	size_t n = 0;

	*ret = NULL;
	if (!r)
		return err_memory(err);
	r->team = team;
	r->net = m->net;
	r->sync_bn = sync_bn;
	r->cap = um_exec_batch(m->exec);
	r->image = malloc(r->cap * net_node_size(&m->net->nodes[0]));
	r->z = malloc(r->cap * (size_t)m->net->classes * sizeof *r->z);
	for (int i = 0; i < m->n; i++)
		n += m->v[i].n;
	r->sum = malloc((n + 1) * sizeof *r->sum);
	if (r->image && r->z && r->sum) {
		*ret = r;
		return 0;
	}
	um_ranks_free(r);
	return err_memory(err);
}

void um_ranks_free(struct um_ranks *r)
{
	if (!r)
		return;
	free(r->image);
	free(r->z);
	free(r->sum);
	free(r);
}

void um_ranks_share(const struct um_ranks *r, size_t n, size_t *from, size_t *to)
{
	team_share(r->team, n, from, to);
}

int um_ranks_rows(struct um_ranks *r, size_t n, float *logits, float *features, struct err *err)
{
	team_rows(r->team, logits, n, (size_t)r->net->classes * sizeof *logits);
	if (features)
		team_rows(r->team, features, n, (size_t)r->net->nodes[r->net->feature].c * sizeof *features);
	return team_check(r->team, err);
}

/* Copies the gradients of trained values to r->sum and, where ranks differ in them, the running statistics in use times
 * this rank's share; or copies both back. Returns how many numbers. */
static size_t pack(struct um_model *m, bool back)
{
	struct um_ranks *r = m->ranks;
	size_t at = 0;

	for (int i = 0; i < m->n; i++) {
		const struct um_value *v = &m->v[i];

		if (!v->trained)
			continue;
		memcpy(back ? v->gradient : r->sum + at, back ? r->sum + at : v->gradient, v->n * sizeof *r->sum);
		at += v->n;
	}
	for (int i = 0; i < m->net->n_params && !r->sync_bn; i++) {
		const struct um_value *v = &m->v[m->extra[i] < 0 ? i : m->extra[i]];

		if (!net_is_statistic(m->net, i) || !v->v)
			continue;
		for (size_t k = 0; k < v->n; k++) {
			if (back)
				v->v[k] = r->sum[at + k];
			else
				r->sum[at + k] = (float)(r->share * (double)v->v[k]);
		}
		at += v->n;
	}
	return at;
}

int um_ranks_gradients(struct um_model *m, struct err *err)
{
	if (m->flat)
		return um_flat_sum(m, m->ranks->share, err);
	team_sum(m->ranks->team, m->ranks->sum, pack(m, false));
	if (team_check(m->ranks->team, err) < 0)
		return -1;
	(void)pack(m, true);
	return 0;
}
