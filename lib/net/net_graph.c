/* SPDX-License-Identifier: MIT
 * Networks that are an ONNX graph. */
#include <stdlib.h>
#include <string.h>

#include "net/net_graph.h"

enum { MOST_FEATURES = 1 << 20 };

bool net_is_graph(const struct net *n)
{
	return strcmp(n->spec, NET_GRAPH_SPEC) == 0;
}

bool net_has_last_layer(const struct net *n)
{
	return n->nodes[n->head].op == NET_LINEAR;
}

struct net *net_graph_new(int c, int h, int w, size_t features, int classes, bool head, struct err *err)
{
	struct net *n;

	if (c < 1 || c > 4 || h < 1 || w < 1 || h > 4096 || w > 4096 || classes < 0 || classes == 1 ||
	    classes > 1000000 || features < 1 || features > MOST_FEATURES || (head && !classes)) {
		err_fail(err, "no network of ONNX for %d x %d x %d pixels, %zu features and %d classes", c, h, w,
			 features, classes);
		return NULL;
	}
	n = net_begin(c, h, w, classes, err);
	if (!n)
		return NULL;
	memcpy(n->spec, NET_GRAPH_SPEC, sizeof NET_GRAPH_SPEC);
	n->feature = n->head = net_graph_node(n, 0, (int)features);
	if (classes)
		n->head = head ? net_linear(n, n->feature, "fc", classes) : net_graph_node(n, 0, classes);
	if (n->failed) {
		err_memory(err);
		net_free(n);
		return NULL;
	}
	return n;
}

struct net *net_graph_of_meta(const struct ts_meta *m, int c, int h, int w, int classes, struct err *err)
{
	int64_t dim, head;

	if (ts_meta_get_int(m, "onnx.dim", &dim) != 1 || ts_meta_get_int(m, "onnx.head", &head) != 1 || dim < 0) {
		err_fail(err, "its header lacks how many features the graph has (meta 'onnx.dim', 'onnx.head')");
		return NULL;
	}
	return net_graph_new(c, h, w, (size_t)dim, classes, head != 0, err);
}

int net_graph_to_meta(const struct net *n, struct ts_meta *m)
{
	return ts_meta_set_int(m, "onnx.dim", n->nodes[n->feature].c) < 0 ||
			       ts_meta_set_int(m, "onnx.head", net_has_last_layer(n)) < 0 ?
		       -1 :
		       0;
}

static bool has_text(const struct ts_meta *m, const char *key)
{
	char *text = NULL;
	const bool has = ts_meta_get_str(m, key, &text) == 1 && *text;

	free(text);
	return has;
}

int net_graph_check(const struct net_checkpoint *c, const struct ts_meta *m, struct err *err)
{
	const struct ts_tensor *model = ts_set_get(&c->extra, NET_GRAPH_MODEL);

	if (!model || model->type != TS_U8 || model->ndim != 1)
		return err_fail(err, "its graph is missing (tensor '" NET_GRAPH_MODEL "', |u1 bytes)");
	if (c->extra.n > 1)
		return err_fail(err, "tensor '" ERR_NAME "' is not part of architecture " NET_GRAPH_SPEC,
				c->extra.t[model == &c->extra.t[0]].name);
	if (!has_text(m, NET_GRAPH_FEATURES) || has_text(m, NET_GRAPH_LOGITS) != (c->net->classes > 0))
		return err_fail(err, "its header does not say which values of the graph are features and logits (meta "
				     "'" NET_GRAPH_FEATURES "', '" NET_GRAPH_LOGITS "')");
	if (has_text(m, "mask"))
		return err_fail(err, "its header's 'mask' is not for an ONNX graph");
	return 0;
}

/* A dimension; 0: any. -1: not that of an image. */
static int dimension(int64_t v)
{
	return v == ONNX_FREE ? 0 : v <= 4096 ? (int)v : -1;
}

static bool channels(int64_t v)
{
	return v == 1 || v == 3 || v == 4;
}

/* The only input: further inputs would get no values. */
static const struct onnx_value *only_input(const struct onnx *g, struct err *err)
{
	if (g->n_inputs == 1)
		return &g->inputs[0];
	err_fail(err, "has %zu inputs where images go into one:", g->n_inputs);
	for (size_t i = 0; i < g->n_inputs && i < 8; i++)
		err_append(err, " '%.*s'", (int)(g->inputs[i].name.n < 100 ? g->inputs[i].name.n : 100),
			   (const char *)g->inputs[i].name.at);
	err_append(err, "; export only the part that sees images");
	return NULL;
}

int net_graph_input(struct net_graph_input *in, const struct onnx *g, struct err *err)
{
	const struct onnx_value *v = only_input(g, err);
	int d[4];

	*in = (struct net_graph_input){ 0 };
	if (!v)
		return -1;
	if (v->name.n == 0)
		return err_fail(err, "takes an input without a name");
	if (v->type != ONNX_FLOAT && v->type != ONNX_UINT8)
		return err_fail(err,
				"takes numbers of type %s; um-embed gives float and uint8: export it in single "
				"precision",
				onnx_type_name(v->type));
	if (v->ndim != 4)
		return err_fail(err, "takes an input of %d dimensions; images have (n,channels,height,width)", v->ndim);
	for (int i = 0; i < 4; i++)
		if ((d[i] = dimension(v->dim[i])) < 0)
			return err_fail(err, "takes images of %lld pixels a side", (long long)v->dim[i]);
	in->last = channels(v->dim[3]) && !channels(v->dim[1]);
	in->type = v->type;
	in->n = d[0];
	in->c = d[in->last ? 3 : 1];
	in->h = d[in->last ? 1 : 2];
	in->w = d[in->last ? 2 : 3];
	in->name = strndup((const char *)v->name.at, v->name.n);
	return in->name ? 0 : err_memory(err);
}
