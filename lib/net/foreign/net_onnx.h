/* SPDX-License-Identifier: MIT
 *
 * net_onnx: makes a checkpoint of an ONNX file (net_graph.h). Features and logits are values of its graph. If they are
 * not named, they are guessed: the logits are the first output or, if that is a softmax, its input; the features are
 * the input of the linear layer that computes the logits, whose weight and bias are then the last layer.
 */
#ifndef NET_ONNX_H
#define NET_ONNX_H

#include "err/err.h"
#include "net/net_graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds how many numbers per image values of a graph have, where the file does not tell: those of names[i] go into
 * sizes[i], for images of n's size. lib/um provides it, as it can run the graph (um_graph_sizes()). */
typedef int net_onnx_probe(const struct net *n, const void *model, size_t bytes, const char *const *names,
			   size_t n_names, size_t *sizes, struct err *err);

struct net_onnx {
	const char *features, *logits; /* names of values; NULL: guess; logits "none": there are none */
	int c, h, w;                   /* the images, for a graph that takes any; 0: not known */
	char *const *names;            /* of the classes, or NULL */
	size_t classes;                /* how many names */
	net_onnx_probe *probe;
	void (*say)(bool wrong, const char *line); /* reports what was guessed; or NULL */
};

/* Is the file at path (not a pipe) an ONNX file, by its first bytes? */
bool net_onnx_is(const char *path);
/* Reads it into a zeroed *c; the caller sets the normalisation. -1 with a line in err that names the file; the caller
 * releases *c even then. */
int net_onnx_read(struct net_checkpoint *c, const char *path, const struct net_onnx *how, struct err *err) TS_CHECKED;
/* Checks that the normalisation fits the graph's input: a graph that takes bytes normalises them itself. If it seems to
 * do so with floats, too, doubt is a line about it, and else empty. */
int net_onnx_check_normal(const struct net_checkpoint *c, struct err *doubt, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
