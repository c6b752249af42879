/* SPDX-License-Identifier: MIT
 *
 * net_graph: networks that are an ONNX graph. lib/net knows only their input and how many features and logits they
 * give. ONNX Runtime runs them (um_graph.h); nothing trains them or looks inside, so they have no feature list. As a
 * checkpoint:
 *
 *	tensor onnx.model |u1 (bytes)      the file, with its numbers in it
 *	tensors fc.weight, fc.bias <f4     the last layer, if it was found
 *	meta arch "onnx", input, n_classes (0: no logits), mean, std, classes: as of every checkpoint
 *	meta onnx.features, onnx.logits    the values of the graph that become the columns
 *	meta onnx.dim, onnx.head           how many features; is there a last layer?
 */
#ifndef NET_GRAPH_H
#define NET_GRAPH_H

#include "err/err.h"
#include "net/net.h"
#include "onnx/onnx.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NET_GRAPH_SPEC "onnx"
#define NET_GRAPH_MODEL "onnx.model"
#define NET_GRAPH_FEATURES "onnx.features"
#define NET_GRAPH_LOGITS "onnx.logits"

bool net_is_graph(const struct net *n);
/* A network from the input to `features` numbers, and to logits of `classes` classes (0: none). head: the last layer
 * between them is known. NULL with a line in err. */
struct net *net_graph_new(int c, int h, int w, size_t features, int classes, bool head, struct err *err);
/* The same from a checkpoint's meta; net_graph_to_meta() writes to meta what only a graph has. */
struct net *net_graph_of_meta(const struct ts_meta *m, int c, int h, int w, int classes, struct err *err);
int net_graph_to_meta(const struct net *n, struct ts_meta *m) TS_CHECKED;
/* Checks that a checkpoint has the graph and the names of its values, and nothing that does not belong to a graph. */
int net_graph_check(const struct net_checkpoint *c, const struct ts_meta *m, struct err *err) TS_CHECKED;
/* Is there a last layer for net_last_layer()? */
bool net_has_last_layer(const struct net *n);

/* How a graph takes its images. */
struct net_graph_input {
	char *name;  /* owned */
	int type;    /* ONNX_FLOAT, or ONNX_UINT8: pixels from 0 to 255, not normalised */
	bool last;   /* (n,h,w,c), not (n,c,h,w): decided by which one has 1, 3 or 4 channels */
	int n;       /* how many at a time; 0: any */
	int c, h, w; /* 0: any */
};
/* -1: the graph does not have exactly one input, of images. */
int net_graph_input(struct net_graph_input *in, const struct onnx *g, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
