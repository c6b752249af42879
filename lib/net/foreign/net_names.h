/* SPDX-License-Identifier: MIT
 *
 * net_names: the names that other programs give to the tensors of our architectures.
 *
 * Wrappers may be anywhere in a name and are removed: module. (data parallel), _orig_mod. (compiled), and those of
 * sharded and checkpointed modules. The rest may begin with any prefix (model., backbone., ...), which the import finds
 * by trying all. After it, names follow one of a few dialects: a program's own names for a network that we have, with
 * rules that turn them into ours.
 */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include "err/err.h"
#include "net/net.h"

enum { NET_FOREIGN_NAME = TS_MAX_NAME + 1, NET_MAX_PREFIXES = 256 };

/* Removes wrappers from every name. -1 with a line in err: two names become one. */
int net_names_unwrap(struct ts_set *s, struct err *err) TS_CHECKED;
/* Concatenates queries, keys and values in three tensors, x.query.*, x.key.* and x.value.*, into one, x.qkv.*. */
int net_names_join(struct ts_set *s, struct err *err) TS_CHECKED;
/* "FROM=TO": in each name, replaces the first FROM that is at the start or after a dot by TO. -1 with a line in err: no
 * '=', no name contains FROM, or two names become one. */
int net_names_replace(struct ts_set *s, const char *rule, struct err *err) TS_CHECKED;

/* A rule's `from` matches at the start ('^') or after any dot; if it ends in a dot, something must follow; '#' matches
 * digits. In `to`, %1 is the first of these numbers, %1+1 one more, %1-1 one less. */
struct net_dialect {
	const char *whose; /* "HuggingFace's"; "": of no particular program */
	struct {
		const char *from, *to;
	} rules[16];
};
/* Ends with one whose `whose` is NULL. The first has no rules. */
extern const struct net_dialect net_dialects[];
/* Applies the dialect's rules to the name, each once, in order; the result goes into buf (NET_FOREIGN_NAME). Did any
 * apply? */
bool net_dialect_apply(const struct net_dialect *d, const char *name, char *buf);

/* The part of a state under a prefix; names without the prefix, translated by a dialect. Tensors are borrowed. */
struct net_named {
	struct ts_set set;
	const struct ts_tensor **sorted; /* of set, sorted by name */
	bool renamed;                    /* some rule of the dialect applied */
};
int net_named_init(struct net_named *n, const struct ts_set *state, const char *prefix, const struct net_dialect *d,
		   struct err *err) TS_CHECKED;
void net_named_release(struct net_named *n);
/* As ts_set_get(), by binary search. */
const struct ts_tensor *net_named_get(const struct net_named *n, const char *name);

/* The prefixes with at least four tensors, including "": those with most tensors first, then shorter ones, then in the
 * order of the file. The caller frees each and the array. */
int net_names_prefixes(const struct ts_set *state, char ***ret, size_t *n, struct err *err) TS_CHECKED;

#endif
