/* SPDX-License-Identifier: MIT
 *
 * net_graph: networks that are an ONNX graph, which lib/net knows only from outside: what goes in, how many features
 * and logits come out. ONNX Runtime runs them (um_graph.h), nothing trains them or looks into them, so they have no
 * feature list. As a checkpoint:
 *
 *	tensor onnx.model |u1 (bytes)      the file, with its numbers in it
 *	tensors fc.weight, fc.bias <f4     the last layer, if it was found
 *	meta arch "onnx", input, n_classes (0: no logits), mean, std, classes: as of every checkpoint
 *	meta onnx.features, onnx.logits    the values of the graph that are the columns
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
/* From the input to `features` numbers, and to logits of so many classes (0: none), by a last layer that is known or
 * not. NULL with a line in err. */
struct net *net_graph_new(int c, int h, int w, size_t features, int classes, bool head, struct err *err);
/* The same of a checkpoint's meta; and what net_graph_new() has not, to it. */
struct net *net_graph_of_meta(const struct ts_meta *m, int c, int h, int w, int classes, struct err *err);
int net_graph_to_meta(const struct net *n, struct ts_meta *m) TS_CHECKED;
/* Checks that a checkpoint has the graph, which of its values are meant, and nothing that a graph has not. */
int net_graph_check(const struct net_checkpoint *c, const struct ts_meta *m, struct err *err) TS_CHECKED;
/* Is there the last layer of which net_last_layer() tells? */
bool net_has_last_layer(const struct net *n);

/* How a graph takes its images. */
struct net_graph_input {
	char *name;  /* owned */
	int type;    /* ONNX_FLOAT, or ONNX_UINT8: pixels from 0 to 255, not normalised */
	bool last;   /* (n,h,w,c), not (n,c,h,w): by where there are 1, 3 or 4 channels */
	int n;       /* how many at a time; 0: any */
	int c, h, w; /* 0: any */
};
/* -1: there is not one input of images. */
int net_graph_input(struct net_graph_input *in, const struct onnx *g, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
