/* SPDX-License-Identifier: MIT
 *
 * net_names: what other programs call the tensors of our architectures.
 *
 * Wrappers stand anywhere in a name and are cut: module. (data parallel), _orig_mod. (compiled), and those of
 * sharded and checkpointed modules. What is left may begin with any prefix (model., backbone., ...), which the
 * import finds by trying all. Behind it, names follow one of a few dialects: a program's own names of a network
 * that we have, with rules that make ours of them.
 */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include "err/err.h"
#include "net/net.h"

enum { NET_FOREIGN_NAME = TS_MAX_NAME + 1, NET_MAX_PREFIXES = 256 };

/* Cuts wrappers out of every name. -1 with a line in err: two names become one. */
int net_names_unwrap(struct ts_set *s, struct err *err) TS_CHECKED;
/* Queries, keys and values that are three tensors, x.query.*, x.key.* and x.value.*, become one, x.qkv.*, one behind
 * the other. */
int net_names_join(struct ts_set *s, struct err *err) TS_CHECKED;
/* "FROM=TO": gives each name that has FROM behind a dot or in front TO in its first such place. -1 with a line in
 * err: no '=', no name that has it, two names become one. */
int net_names_replace(struct ts_set *s, const char *rule, struct err *err) TS_CHECKED;

/* A rule's `from` begins in front ('^') or behind any dot, and behind one that ends in a dot there is more; '#' are
 * digits. In `to`, %1 is the first of these, %1+1 one
 * more, %1-1 one less. */
struct net_dialect {
	const char *whose; /* "HuggingFace's"; "": nobody's in particular */
	struct {
		const char *from, *to;
	} rules[16];
};
/* Behind the last is one whose `whose` is NULL. The first has no rules. */
extern const struct net_dialect net_dialects[];
/* The name by the dialect's rules, each once, in order, into buf (NET_FOREIGN_NAME). Did any apply? */
bool net_dialect_apply(const struct net_dialect *d, const char *name, char *buf);

/* A state under a prefix, its names without it and by a dialect. Tensors are borrowed. */
struct net_named {
	struct ts_set set;
	const struct ts_tensor **sorted; /* of set, by name */
	bool renamed;                    /* the dialect did something */
};
int net_named_init(struct net_named *n, const struct ts_set *state, const char *prefix, const struct net_dialect *d,
		   struct err *err) TS_CHECKED;
void net_named_release(struct net_named *n);
/* As ts_set_get(), without looking at each. */
const struct ts_tensor *net_named_get(const struct net_named *n, const char *name);

/* The prefixes under which there are at least four tensors, "" among them; that of most tensors first, of equal ones
 * the shorter, then that which the file has first. The caller frees each and the array. */
int net_names_prefixes(const struct ts_set *state, char ***ret, size_t *n, struct err *err) TS_CHECKED;

#endif
