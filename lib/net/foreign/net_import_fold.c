/* SPDX-License-Identifier: MIT
 * Biases of convolutions before batch norm. BN(x + b) with running mean m is BN(x) with m - b, and the nodes in between
 * add, join or pool maps, which constants pass through. So a bias b of a convolution is a shift of its map's channels
 * that every batch norm after it moves into its mean:
 *
 *	shift(conv) = b          shift(a + b) = shift(a) + shift(b)      shift(join(a, b)) = join(shift(a), shift(b))
 *	shift(pool x) = shift(x) shift(dropout x) = shift(x)             shift(BN x) = 0, mean <- mean - shift(x)
 *
 * If anything else follows a shift (a ReLU, a convolution), this does not work, and the bias has no place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import_internal.h"

/* The state's bias of a convolution that has none in the network, or NULL. */
static struct ts_tensor *bias_of(const struct net_importing *im, const struct net_node *node)
{
	const struct net *n = im->c->net;
	char name[NET_NAME];
	size_t shape[1] = { (size_t)node->c };
	struct ts_tensor *t;

	if (node->op != NET_CONV || node->bias)
		return NULL;
	snprintf(name, sizeof name, "%.*s.bias", (int)(strlen(n->params[node->param].name) - strlen(".weight")),
		 n->params[node->param].name);
	t = ts_set_get(im->state, name);
	return t && net_import_same_shape(t, 1, shape) ? t : NULL;
}

static bool passes(enum net_op op)
{
	return op == NET_DROPOUT || op == NET_CONCAT || op == NET_ADD || op == NET_AVGPOOL || op == NET_MAXPOOL ||
	       op == NET_MEAN;
}

/* Can batch norms take the bias of node b? at: room for one flag per node. */
static bool foldable(const struct net *n, int b, bool *at)
{
	memset(at, 0, (size_t)n->n_nodes * sizeof *at);
	at[b] = true;
	for (int i = b + 1; i < n->n_nodes; i++) {
		const struct net_node *node = &n->nodes[i];
		const bool shifted = (node->in[0] >= 0 && at[node->in[0]]) || (node->in[1] >= 0 && at[node->in[1]]);

		if (shifted && !passes(node->op) && node->op != NET_BN)
			return false;
		at[i] = shifted && node->op != NET_BN;
	}
	return !at[n->n_nodes - 1];
}

/* Computes shift[i] of node i; NULL: none. */
static int shift_node(struct net_importing *im, int i, double **shift)
{
	const struct net_node *node = &im->c->net->nodes[i];
	const double *a = node->in[0] >= 0 ? shift[node->in[0]] : NULL,
		     *b = node->in[1] >= 0 ? shift[node->in[1]] : NULL;
	const struct ts_tensor *bias = bias_of(im, node);
	const int c0 = node->in[0] >= 0 ? im->c->net->nodes[node->in[0]].c : 0;

	if (node->op == NET_BN && a) {
		float *mean = im->c->state.t[node->param + (node->affine ? 2 : 0)].data;

		for (int c = 0; c < node->c; c++)
			mean[c] = (float)((double)mean[c] - a[c]);
	}
	if (!(bias && im->taken[bias - im->state->t]) && !(passes(node->op) && (a || b)))
		return 0;
	if (!(shift[i] = calloc((size_t)node->c, sizeof **shift)))
		return -1;
	for (int c = 0; c < node->c; c++)
		if (node->op == NET_CONV)
			shift[i][c] = ts_get(bias->type, bias->data, (size_t)c);
		else if (node->op == NET_CONCAT)
			shift[i][c] = c < c0 ? (a ? a[c] : 0) : (b ? b[c - c0] : 0);
		else
			shift[i][c] = (a ? a[c] : 0) + (b ? b[c] : 0);
	return 0;
}

int net_import_fold(struct net_importing *im, bool apply, struct err *err)
{
	const struct net *n = im->c->net;
	double **shift = apply ? calloc((size_t)n->n_nodes, sizeof *shift) : NULL;
	bool *at = calloc((size_t)n->n_nodes, sizeof *at);
	size_t folded = 0;
	int rc = at && (shift || !apply) ? 0 : -1;

	for (int i = 0; rc == 0 && i < n->n_nodes; i++) {
		const struct ts_tensor *bias = bias_of(im, &n->nodes[i]);

		if (bias && foldable(n, i, at)) {
			im->taken[bias - im->state->t] = true;
			folded++;
		}
	}
	for (int i = 0; apply && folded && rc == 0 && i < n->n_nodes; i++)
		rc = shift_node(im, i, shift);
	for (int i = 0; shift && i < n->n_nodes; i++)
		free(shift[i]);
	free(shift);
	free(at);
	if (rc == 0 && apply && folded)
		net_import_say(im, false, "biases of %zu convolutions were taken into the running means behind them",
			       folded);
	return rc < 0 ? err_memory(err) : 0;
}
