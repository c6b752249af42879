/* SPDX-License-Identifier: MIT
 * fuzz_onnx: any bytes as an ONNX graph: its input, outputs and last layer; and adding our outputs gives the same graph
 * with these. */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "net/net_graph.h"

static volatile float sink; /* what was read is used */

static void look(const struct onnx *g)
{
	struct net_graph_input in;
	struct onnx_head head;
	struct err err;

	if (net_graph_input(&in, g, &err) == 0)
		hold(in.c >= 0 && in.c <= 4096 && in.h >= 0 && in.w <= 4096);
	free(in.name);
	hold(!onnx_find_chance(g) || g->n_nodes);
	hold(!onnx_find_normal(g) || g->n_nodes);
	for (size_t i = 0; i < g->n_outputs && i < 4; i++) {
		if (onnx_find_head(g, g->outputs[i].name, &head, &err) < 0)
			continue;
		hold(!head.feature.n || (head.weight && head.bias && head.classes && head.dim));
		for (size_t k = 0; k < head.classes * head.dim; k++)
			sink += head.weight[k];
		for (size_t k = 0; k < head.classes; k++)
			sink += head.bias[k];
		onnx_head_release(&head);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const names[] = { "one", "" };
	struct onnx g, more;
	struct err err;
	uint8_t *bytes;
	size_t n;

	(void)onnx_starts(data, size);
	if (onnx_read(&g, data, size, &err) < 0)
		return 0;
	look(&g);
	if (!g.external && onnx_embed(&g, data, size, "x", &bytes, &n, &err) == 0) {
		hold(n == size && memcmp(bytes, data, n) == 0);
		free(bytes);
	}
	if ((bytes = onnx_with_outputs(data, size, names, 2, &n))) {
		hold(onnx_read(&more, bytes, n, &err) == 0 && more.n_outputs == g.n_outputs + 2 &&
		     more.n_nodes == g.n_nodes && onnx_is(more.outputs[more.n_outputs - 2].name, "one"));
		onnx_release(&more);
		free(bytes);
	}
	onnx_release(&g);
	return 0;
}
