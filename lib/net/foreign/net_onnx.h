/* SPDX-License-Identifier: MIT
 *
 * net_onnx: a checkpoint of an ONNX file (net_graph.h). Features and logits are values of its graph. What is not said
 * is guessed: the logits are the first output, or, where that is a softmax, what goes into it; the features are what
 * goes into the linear layer that makes the logits, whose weight and bias are then the last layer.
 */
#ifndef NET_ONNX_H
#define NET_ONNX_H

#include "err/err.h"
#include "net/net_graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many numbers per image values of a graph have that the file does not tell of: names[i] into sizes[i], for
 * images of n's size. It is lib/um's, which runs it (um_graph_sizes()). */
typedef int net_onnx_probe(const struct net *n, const void *model, size_t bytes, const char *const *names,
			   size_t n_names, size_t *sizes, struct err *err);

struct net_onnx {
	const char *features, *logits; /* names of values; NULL: guessed; logits "none": it has none */
	int c, h, w;                   /* the images, for a graph that takes any; 0: not known */
	char *const *names;            /* of the classes, or NULL */
	size_t classes;                /* how many names */
	net_onnx_probe *probe;
	void (*say)(bool wrong, const char *line); /* what was guessed; NULL: nobody listens */
};

/* Is the file at path, no pipe, one of ONNX, by its first bytes? */
bool net_onnx_is(const char *path);
/* Reads it into a zeroed *c; the normalisation is the caller's to set. -1 with a line in err that names the file; the
 * caller releases *c also then. */
int net_onnx_read(struct net_checkpoint *c, const char *path, const struct net_onnx *how, struct err *err) TS_CHECKED;
/* Does this normalisation go with how the graph takes its images? Bytes it normalises itself. */
int net_onnx_check_normal(const struct net_checkpoint *c, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
