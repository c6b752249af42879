/* SPDX-License-Identifier: MIT
 *
 * net_state: what net_check() and net_identity() do with a single tensor.
 */
#ifndef NET_STATE_H
#define NET_STATE_H

#include "net/net.h"
#include "ts/ts_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Index of the first number of t that is not finite; the number of elements if all are. */
size_t net_first_infinite(const struct ts_tensor *t);
/* net_check(), but if `finite`, the caller knows that all numbers are. */
int net_check_known(const struct net *n, struct ts_set *set, bool finite, struct err *err) TS_CHECKED;
/* Adds t's name and values to an identity. */
void net_hash(XXH3_state_t *x, const struct ts_tensor *t);
void net_identity_text(uint64_t sum, char id[17]);

#ifdef __cplusplus
}
#endif
#endif
