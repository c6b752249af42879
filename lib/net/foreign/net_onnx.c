/* SPDX-License-Identifier: MIT
 * Checkpoints of ONNX files. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/foreign/net_onnx.h"
#include "ts/ts_images.h"

/* The import of a file in progress. */
struct reading {
	const struct net_onnx *how;
	struct onnx g;
	struct onnx_head head;
	struct net_graph_input in;
	char *features, *logits; /* names, owned; no logits: NULL */
	size_t dim, classes;     /* 0: not known yet */
	bool last;               /* the head leads from these features to these logits */
};

static void __attribute__((format(printf, 2, 3))) say(const struct reading *r, const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (r->how->say)
		r->how->say(false, line);
}

bool net_onnx_is(const char *path)
{
	unsigned char first[16];
	struct stat st;
	int fd = path && strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	bool is = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		is = pread(fd, first, sizeof first, 0) == sizeof first && onnx_starts(first, sizeof first);
	close(fd);
	return is;
}

/* Reads the file as a tensor of bytes. */
static int read_file(struct ts_tensor *t, const char *path, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0, at = 0;
	int rc = 0;

	*t = (struct ts_tensor){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_fail(err, "cannot open: %s", strerror(errno));
	} else if (st.st_size > INT32_MAX) {
		rc = err_fail(err, "has more than 2 GiB, which ONNX files cannot have");
	} else {
		n = (size_t)st.st_size;
		rc = ts_tensor_init(t, NET_GRAPH_MODEL, TS_U8, 1, &n) < 0 ? err_memory(err) : 0;
	}
	while (rc == 0 && at < n) {
		const ssize_t got = read(fd, (char *)t->data + at, n - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			rc = err_fail(err, "cannot be read: %s", got ? strerror(errno) : "it became shorter");
		else
			at += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Embeds numbers from other files into the tensor. */
static int embed(struct reading *r, struct ts_tensor *t, const char *path, struct err *err)
{
	struct ts_tensor all = { 0 };
	uint8_t *bytes;
	size_t n;
	int rc;

	if (!r->g.external)
		return 0;
	if (onnx_embed(&r->g, t->data, ts_tensor_bytes(t), path, &bytes, &n, err) < 0)
		return -1;
	rc = ts_tensor_init(&all, NET_GRAPH_MODEL, TS_U8, 1, &n) < 0 ? err_memory(err) : 0;
	if (rc == 0)
		memcpy(all.data, bytes, n);
	free(bytes);
	onnx_release(&r->g);
	ts_tensor_release(t);
	*t = all;
	return rc < 0 ? -1 : onnx_read(&r->g, t->data, n, err);
}

static int copy_name(char **to, struct onnx_span name, struct err *err)
{
	if (name.n == 0)
		return err_fail(err, "its graph has an output without a name");
	*to = strndup((const char *)name.at, name.n);
	return *to ? 0 : err_memory(err);
}

/* Appends the outputs to err, as "'a' (1x3), 'b' (any x 768)". */
static int list_outputs(const struct reading *r, struct err *err)
{
	err_append(err, "; its outputs are");
	for (size_t i = 0; i < r->g.n_outputs && i < 8; i++) {
		const struct onnx_value *v = &r->g.outputs[i];

		err_append(err, "%s '%.*s'", i ? "," : "", (int)(v->name.n < 100 ? v->name.n : 100),
			   (const char *)v->name.at);
		for (int k = 0; k < v->ndim; k++) {
			err_append(err, k ? "," : " (");
			v->dim[k] == ONNX_FREE ? err_append(err, "n") : err_append(err, "%lld", (long long)v->dim[k]);
		}
		if (v->ndim > 0)
			err_append(err, ")");
	}
	return -1;
}

static int check_name(const struct reading *r, const char *option, const char *name, struct err *err)
{
	if (!name || onnx_makes(&r->g, name))
		return 0;
	err_fail(err, "--%s: no node of its graph makes a value called '" ERR_NAME "'", option, name);
	return list_outputs(r, err);
}

/* Finds the output that gives the logits, and the layer before it. */
static int find_logits(struct reading *r, struct err *err)
{
	const char *asked = r->how->logits;
	struct onnx_span output;

	if (asked && strcmp(asked, "none") == 0)
		return 0;
	if (check_name(r, "logits", asked, err) < 0)
		return -1;
	if (r->g.n_outputs == 0)
		return err_fail(err, "its graph has no outputs");
	output = asked ? (struct onnx_span){ (const uint8_t *)asked, strlen(asked) } : r->g.outputs[0].name;
	if (onnx_find_head(&r->g, output, &r->head, err) < 0)
		return -1;
	if (r->head.softmax)
		say(r, "'%.*s' is a softmax: its input is taken as the logits", (int)output.n, (const char *)output.at);
	return copy_name(&r->logits, r->head.logits, err);
}

/* Finds the features, and whether the layer found reads them. */
static int find_features(struct reading *r, struct err *err)
{
	const char *asked = r->how->features;

	if (check_name(r, "features", asked, err) < 0)
		return -1;
	if (!asked && !r->head.feature.n) {
		if (!r->logits)
			err_fail(err, "which value of the graph holds the features? name it with --features NODE");
		else
			err_fail(err,
				 "the logits seem to come from %s, so the features cannot be guessed: "
				 "give --features NODE, and --logits NODE or --logits none",
				 r->head.why);
		return list_outputs(r, err);
	}
	r->last = r->head.feature.n && (!asked || onnx_is(r->head.feature, asked));
	if (asked)
		r->features = strdup(asked);
	else if (copy_name(&r->features, r->head.feature, err) < 0)
		return -1;
	if (!r->features)
		return err_memory(err);
	say(r, "features are '%s'%s%s%s; the last layer is %s", r->features, r->logits ? ", logits '" : "",
	    r->logits ? r->logits : "", r->logits ? "'" : ", and there are no logits",
	    r->last ? "known" : "not known, so scores that need it are not available");
	return 0;
}

/* Numbers per image of a value: all dimensions but the first. 0: the file does not tell. */
static size_t said_size(const struct reading *r, const char *name)
{
	const struct onnx_value *v = name ? onnx_find(&r->g, name) : NULL;
	size_t n = v && v->ndim > 1 ? 1 : 0, wide = 0;

	for (int i = 1; v && i < v->ndim && n; i++) {
		n = v->dim[i] == ONNX_FREE ? 0 : n * (size_t)v->dim[i];
		wide += v->dim[i] != 1;
	}
	return wide > 1 ? 0 : n; /* maps and tokens: refused by their shape when the graph is run */
}

/* One side of the images: the graph's, or the one asked for. */
static int side(const char *what, int own, int asked, int *ret, struct err *err)
{
	if (own && asked && own != asked)
		return err_fail(err, "its graph takes images of %s %d, not %d", what, own, asked);
	*ret = own ? own : asked;
	if (!*ret)
		return err_fail(err, "its graph takes images of any %s; choose with --size CxHxW", what);
	return 0;
}

/* Makes the network from what the file tells about the graph, then from what running it tells. */
static int make_net(struct reading *r, struct net_checkpoint *c, const struct ts_tensor *model, struct err *err)
{
	const char *names[2] = { r->features, r->logits };
	size_t sizes[2] = { r->last ? r->head.dim : said_size(r, r->features),
			    r->last ? r->head.classes : said_size(r, r->logits) };
	const size_t n_names = r->logits ? 2 : 1;
	int chw[3];

	if (net_graph_input(&r->in, &r->g, err) < 0 || side("channels", r->in.c, r->how->c, &chw[0], err) < 0 ||
	    side("height", r->in.h, r->how->h, &chw[1], err) < 0 || side("width", r->in.w, r->how->w, &chw[2], err) < 0)
		return -1;
	if (!sizes[0] || (r->logits && !sizes[1])) {
		struct net *any = net_graph_new(chw[0], chw[1], chw[2], 1, 0, false, err);
		int rc = any ? r->how->probe(any, model->data, ts_tensor_bytes(model), names, n_names, sizes, err) : -1;

		net_free(any);
		if (rc < 0)
			return -1;
	}
	if (r->logits && (sizes[1] < 2 || sizes[1] > 1000000))
		return err_fail(err, "'%s' has %zu numbers per image, which cannot be logits of classes", r->logits,
				sizes[1]);
	c->net = net_graph_new(chw[0], chw[1], chw[2], sizes[0], (int)(r->logits ? sizes[1] : 0), r->last, err);
	return c->net ? 0 : -1;
}

/* The last layer, as the network's parameters. */
static int make_state(const struct reading *r, struct net_checkpoint *c, struct err *err)
{
	for (int i = 0; i < c->net->n_params; i++) {
		const struct net_param *p = &c->net->params[i];
		struct ts_tensor *t = ts_set_add(&c->state, p->name, TS_F32, p->ndim, p->shape);

		if (!t)
			return err_memory(err);
		memcpy(t->data, p->role == NET_BIAS ? r->head.bias : r->head.weight, ts_tensor_bytes(t));
	}
	return net_check(c->net, &c->state, err);
}

static int name_classes(const struct reading *r, struct net_checkpoint *c, struct err *err)
{
	const struct net_onnx *how = r->how;

	if (!how->names)
		return 0;
	if (how->classes != (size_t)c->net->classes)
		return err_fail(err, "--classes names %zu classes, one per line; the graph has %d", how->classes,
				c->net->classes);
	c->classes = ts_copy_classes(how->names, how->classes);
	c->n_classes = how->classes;
	return c->classes ? 0 : err_memory(err);
}

/* Outputs must be the image's own, and the same every time. */
static int check_mode(const struct reading *r, struct err *err)
{
	const struct onnx_node *n = onnx_find_chance(&r->g);

	if (!n)
		return 0;
	return err_fail(err,
			"its graph has a %.*s that is in training mode or random, so that an image's logits depend on "
			"chance or on the images beside it; call model.eval() before torch.onnx.export()",
			(int)n->op.n, (const char *)n->op.at);
}

/* Stores the file's bytes in the checkpoint. */
static int keep_model(struct net_checkpoint *c, struct ts_tensor *model, const struct reading *r, struct err *err)
{
	c->extra.t = malloc(sizeof *c->extra.t);
	if (!c->extra.t)
		return err_memory(err);
	c->extra.t[0] = *model;
	c->extra.n = c->extra.cap = 1;
	*model = (struct ts_tensor){ 0 };
	return ts_meta_set_str(&c->header.meta, NET_GRAPH_FEATURES, r->features) < 0 ||
			       (r->logits && ts_meta_set_str(&c->header.meta, NET_GRAPH_LOGITS, r->logits) < 0) ?
		       err_memory(err) :
		       0;
}

static int read_graph(struct reading *r, struct net_checkpoint *c, const char *path, struct err *err)
{
	struct ts_tensor model;
	int rc = read_file(&model, path, err);

	if (rc == 0 && (onnx_read(&r->g, model.data, ts_tensor_bytes(&model), err) < 0 ||
			embed(r, &model, path, err) < 0 || check_mode(r, err) < 0 || find_logits(r, err) < 0 ||
			find_features(r, err) < 0 || make_net(r, c, &model, err) < 0 || make_state(r, c, err) < 0 ||
			name_classes(r, c, err) < 0 || keep_model(c, &model, r, err) < 0))
		rc = -1;
	ts_tensor_release(&model);
	return rc;
}

int net_onnx_read(struct net_checkpoint *c, const char *path, const struct net_onnx *how, struct err *err)
{
	struct reading r = { .how = how };
	int rc;

	ts_header_init(&c->header, "checkpoint");
	rc = read_graph(&r, c, path, err);
	onnx_head_release(&r.head);
	onnx_release(&r.g);
	free(r.in.name);
	free(r.features);
	free(r.logits);
	return rc < 0 ? err_prefix(err, "'%s': ", path) : 0;
}

/* Does the graph begin by what may be a normalisation of its own, and the pixels that it gets do not suit that? */
static void doubt_normal(const struct net_checkpoint *c, const struct onnx *g, struct err *doubt)
{
	const struct onnx_node *n = onnx_find_normal(g);
	bool none = true, bytes = true; /* pixels from 0 to 1, from 0 to 255 */

	for (int i = 0; i < c->net->c; i++) {
		none = none && c->mean[i] == 0 && c->std[i] == 1;
		bytes = bytes && c->mean[i] == 0 && fabs(c->std[i] * 255 - 1) < 1e-3;
	}
	if (!n || bytes)
		return;
	if (!none)
		err_fail(
			doubt,
			"its graph begins with a %.*s of the pixels: if it normalises them itself, they are normalised "
			"twice; --normalise none leaves it to the graph",
			(int)n->op.n, (const char *)n->op.at);
	else if (onnx_is(n->op, "Mul") || onnx_is(n->op, "Div"))
		err_fail(
			doubt,
			"its graph begins with a %.*s of the pixels, which are from 0 to 1: if it takes them from 0 to "
			"255, give --mean 0,... --std 0.00392156863,... for each channel",
			(int)n->op.n, (const char *)n->op.at);
}

int net_onnx_check_normal(const struct net_checkpoint *c, struct err *doubt, struct err *err)
{
	const struct ts_tensor *model = ts_set_get(&c->extra, NET_GRAPH_MODEL);
	struct net_graph_input in = { 0 };
	struct onnx g;
	int rc = onnx_read(&g, model->data, ts_tensor_bytes(model), err);

	if (rc == 0)
		rc = net_graph_input(&in, &g, err);
	for (int i = 0; rc == 0 && i < c->net->c; i++)
		if (in.type == ONNX_UINT8 && (c->mean[i] != 0 || c->std[i] != 1))
			rc = err_fail(err, "its graph takes pixels as bytes, which it normalises itself: "
					   "--normalise none");
	doubt->text[0] = '\0';
	if (rc == 0 && in.type != ONNX_UINT8)
		doubt_normal(c, &g, doubt);
	free(in.name);
	onnx_release(&g);
	return rc;
}
