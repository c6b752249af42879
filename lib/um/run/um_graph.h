/* SPDX-License-Identifier: MIT
 *
 * um_graph: a network that is an ONNX graph (net_graph.h), run by ONNX Runtime (lib/ort). Values that are not outputs
 * of the graph are made outputs in memory, before ONNX Runtime reads it.
 */
#ifndef UM_GRAPH_H
#define UM_GRAPH_H

#include "err/err.h"
#include "net/net_graph.h"
#include "um/run/um_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_graph;

/* Opens c's graph; c may be released afterwards. o: `device`, `threads` and `chunk` matter; options that a graph does
 * not support are refused. */
int um_graph_new(struct um_graph **ret, const struct net_checkpoint *c, const struct um_engine_options *o,
		 struct err *err) TS_CHECKED;
void um_graph_free(struct um_graph *g); /* accepts NULL */
/* As um_engine_run(). Also fails if the output is not one row per image. */
int um_graph_run(struct um_graph *g, const void *input, size_t n, float *logits, float *features,
		 struct err *err) TS_CHECKED;
/* A net_onnx_probe: runs an image of zeros. */
int um_graph_sizes(const struct net *n, const void *model, size_t bytes, const char *const *names, size_t n_names,
		   size_t *sizes, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
