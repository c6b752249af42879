/* SPDX-License-Identifier: MIT
 * The state for resuming a run in a checkpoint, and its removal. */
#include <string.h>

#include "net/net.h"

/* The one place that knows how a run's own state is named. */
bool net_is_run_state(const char *name)
{
	return strncmp(name, "train/", 6) == 0;
}

void net_strip_meta(struct ts_meta *m)
{
	for (size_t i = m->n; i-- > 0;)
		if (net_is_run_state(m->e[i].key))
			ts_meta_del(m, m->e[i].key);
}

void net_strip(struct net_checkpoint *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->extra.n; i++)
		if (net_is_run_state(c->extra.t[i].name))
			ts_tensor_release(&c->extra.t[i]);
		else
			c->extra.t[n++] = c->extra.t[i];
	c->extra.n = n;
	net_strip_meta(&c->header.meta);
}
