/* SPDX-License-Identifier: MIT
 *
 * net_look: a thread that looks at a checkpoint's tensors while the next ones are read: is every number finite, and
 * what is the state's identity (net_identity())? Both take as long as a third of the reading.
 */
#ifndef NET_LOOK_H
#define NET_LOOK_H

#include <stddef.h>

#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

struct net_look;
/* For up to this many tensors. NULL: no memory, or no thread; then net_check() and net_identity() do the work. */
struct net_look *net_look_begin(size_t tensors);
/* These bytes are about to be read. If they are no more than have come before, their pages are made ready, the last
 * ones first, while the first ones are written: the kernel takes as long to clear a page as the reader to fill it. */
void net_look_begins(void *look, void *room, size_t bytes);
/* The next tensor, whose name and values must stay until net_look_wait(). */
void net_look_at(void *look, const struct ts_tensor *t);
/* Waits until all have been seen. */
void net_look_wait(struct net_look *l);
/* Waits, and frees. Accepts NULL. */
void net_look_end(struct net_look *l);
/* After net_look_wait(): are all numbers of all tensors finite? False also if one of them is of an unusual type. */
bool net_look_finite(const struct net_look *l);
/* What net_identity() needs to know of this state, if its tensors are those that came first, in this order. False: they
 * are not. */
bool net_look_hash(const struct net_look *l, const struct ts_set *state, char sum[17]);

#ifdef __cplusplus
}
#endif
#endif
