/* SPDX-License-Identifier: MIT
 * Checkpoints: a state and the meta that makes it a usable model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mask/net_mask.h"
#include "net/net_graph.h"
#include "net/net_look.h"
#include "net/net_state.h"
#include "ts/ts_images.h"

/* A short vector of numbers from meta. -1: absent or of another length. */
static int get_numbers(const struct ts_meta *m, const char *key, size_t n, double *v)
{
	struct ts_tensor t = { 0 };
	int rc = ts_meta_get_tensor(m, key, &t) == 1 && ts_tensor_count(&t) == n ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < n; i++)
		v[i] = ts_get(t.type, t.data, i);
	ts_tensor_release(&t);
	return rc;
}

static int set_numbers(struct ts_meta *m, const char *key, enum ts_type type, size_t n, const double *v)
{
	struct ts_tensor t;
	int rc;

	if (ts_tensor_init(&t, key, type, 1, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (type == TS_I64)
			((int64_t *)t.data)[i] = (int64_t)v[i];
		else
			((double *)t.data)[i] = v[i];
	rc = ts_meta_set_tensor(m, key, &t);
	ts_tensor_release(&t);
	return rc;
}

/* Builds the network that meta describes. */
static int from_meta(struct net_checkpoint *c, const struct ts_meta *m, struct err *err)
{
	double input[3];
	int64_t n_classes;
	char *arch = NULL;

	if (ts_meta_get_str(m, "arch", &arch) != 1)
		return err_fail(err, "its header names no architecture (meta 'arch')");
	if (get_numbers(m, "input", 3, input) < 0 || input[0] > 4 || input[1] > 1e6 || input[2] > 1e6 ||
	    ts_meta_get_int(m, "n_classes", &n_classes) != 1 || n_classes < 0 || n_classes > 1 << 20) {
		err_fail(err, "its header lacks the input's shape or the number of classes "
			      "(meta 'input', 'n_classes')");
		free(arch);
		return -1;
	}
	if (strcmp(arch, NET_GRAPH_SPEC) == 0)
		c->net = net_graph_of_meta(m, (int)input[0], (int)input[1], (int)input[2], (int)n_classes, err);
	else
		c->net = net_new(arch, (int)input[0], (int)input[1], (int)input[2], (int)n_classes, err);
	free(arch);
	if (!c->net)
		return -1;
	if (get_numbers(m, "mean", (size_t)c->net->c, c->mean) < 0 ||
	    get_numbers(m, "std", (size_t)c->net->c, c->std) < 0)
		return err_fail(err, "its header lacks the input normalisation (meta 'mean', 'std')");
	for (int i = 0; i < c->net->c; i++)
		if (!(c->std[i] > 0))
			return err_fail(err, "its input normalisation has a std that is not positive");
	if (ts_meta_get_strs(m, "classes", &c->classes, &c->n_classes) < 0 ||
	    (c->classes && c->n_classes != (size_t)n_classes))
		return err_fail(err, "its class names and its classes differ in number");
	return 0;
}

/* Moves the tensors after the network's own to c->extra. */
static int split(struct net_checkpoint *c, struct err *err)
{
	const size_t own = (size_t)c->net->n_params, more = c->state.n - own;

	if (more == 0)
		return 0;
	c->extra.t = malloc(more * sizeof *c->extra.t);
	if (!c->extra.t)
		return err_memory(err);
	memcpy(c->extra.t, c->state.t + own, more * sizeof *c->extra.t);
	c->extra.n = c->extra.cap = more;
	c->state.n = own;
	return 0;
}

/* Reads it; what was looked at meanwhile (look not NULL) is known. */
static int read_looked(struct net_checkpoint *c, struct ts_reader *r, struct net_look *look, struct err *err)
{
	const struct ts_header *h = ts_reader_expect(r, "checkpoint");
	const struct ts_set_watch w = { net_look_begins, net_look_at, look };
	struct err why;
	int rc = -1;

	if (!h || ts_reader_set_watched(r, &c->state, look ? &w : NULL) < 0) {
		err_fail(err, "%s", ts_reader_error(r));
		goto out;
	}
	if (look)
		net_look_wait(look);
	if (from_meta(c, &h->meta, &why) < 0 ||
	    net_check_known(c->net, &c->state, look && net_look_finite(look), &why) < 0 || split(c, &why) < 0 ||
	    (net_is_graph(c->net) ? net_graph_check(c, &h->meta, &why) : net_mask_read(c, &h->meta, &why)) < 0) {
		err_fail(err, "'%s': %s", ts_reader_name(r), why.text);
		goto out;
	}
	ts_header_init(&c->header, "checkpoint");
	if (ts_meta_merge(&c->header.meta, &h->meta) < 0 || ts_header_chain(&c->header, h) < 0) {
		err_memory(err);
		goto out;
	}
	if (look && !net_is_graph(c->net) && !net_look_hash(look, &c->state, c->state_hash))
		c->state_hash[0] = '\0';
	rc = 0;
out:
	return rc;
}

int net_read(struct net_checkpoint *c, struct ts_reader *r, struct err *err)
{
	int rc;

	*c = (struct net_checkpoint){ 0 };
	if ((rc = read_looked(c, r, NULL, err)) < 0)
		net_checkpoint_release(c);
	return rc;
}

int net_read_beside(struct net_checkpoint *c, struct ts_reader *r, struct err *err)
{
	const struct ts_header *h = ts_reader_expect(r, "checkpoint");
	struct net_look *look = h ? net_look_begin(h->n_fields) : NULL;
	int rc;

	*c = (struct net_checkpoint){ 0 };
	rc = read_looked(c, r, look, err);
	net_look_end(look); /* it may still look at what is released now */
	if (rc < 0)
		net_checkpoint_release(c);
	return rc;
}

int net_load_any(struct net_checkpoint *c, const char *path, struct err *err)
{
	struct ts_reader *r = ts_reader_open(path);
	int rc = r ? net_read(c, r, err) : err_memory(err);

	if (!r)
		*c = (struct net_checkpoint){ 0 };
	ts_reader_close(r);
	return rc;
}

int net_load(struct net_checkpoint *c, const char *path, struct err *err)
{
	if (net_load_any(c, path, err) < 0)
		return -1;
	if (!net_is_graph(c->net))
		return 0;
	net_checkpoint_release(c);
	return err_fail(err, "'%s' is an ONNX graph, which um-embed runs and nothing else can read",
			path ? path : "<stdin>");
}

/* Appends the tensors of `from` to `all`, which borrows them. */
static int borrow(struct ts_set *all, const struct ts_set *from)
{
	struct ts_tensor *t = realloc(all->t, (all->n + from->n + 1) * sizeof *t);

	if (!t)
		return -1;
	if (from->n)
		memcpy(t + all->n, from->t, from->n * sizeof *t);
	all->t = t;
	all->n += from->n;
	return 0;
}

int net_write(struct net_checkpoint *c, struct ts_writer *w, struct err *err)
{
	const double input[3] = { c->net->c, c->net->h, c->net->w };
	struct ts_meta *m = &c->header.meta;
	struct ts_set all = { 0 };
	struct ts_header h;
	int rc = -1;

	ts_header_init(&h, "checkpoint");
	if (ts_meta_set_str(m, "arch", c->net->spec) < 0 ||
	    (net_is_graph(c->net) && net_graph_to_meta(c->net, m) < 0) ||
	    set_numbers(m, "input", TS_I64, 3, input) < 0 || ts_meta_set_int(m, "n_classes", c->net->classes) < 0 ||
	    set_numbers(m, "mean", TS_F64, (size_t)c->net->c, c->mean) < 0 ||
	    set_numbers(m, "std", TS_F64, (size_t)c->net->c, c->std) < 0 ||
	    (c->classes && ts_meta_set_strs(m, "classes", c->classes, c->n_classes) < 0) || net_mask_write(c, m) < 0 ||
	    ts_meta_merge(&h.meta, m) < 0 || ts_header_chain(&h, &c->header) < 0 || borrow(&all, &c->state) < 0 ||
	    borrow(&all, &c->extra) < 0)
		err_memory(err);
	else
		rc = ts_set_write(w, &h, &all, err);
	free(all.t);
	ts_header_release(&h);
	return rc;
}

int net_save(struct net_checkpoint *c, const char *path, struct err *err)
{
	struct ts_writer *w = ts_writer_open(path);
	int rc = w ? net_write(c, w, err) : err_memory(err);

	ts_writer_close(w);
	return rc;
}

static int copy_set(struct ts_set *to, const struct ts_set *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct ts_tensor *t = &from->t[i];
		struct ts_tensor *c = ts_set_add(to, t->name, t->type, t->ndim, t->shape);
		if (!c)
			return -1;
		memcpy(c->data, t->data, ts_tensor_bytes(t));
	}
	return 0;
}

int net_copy(struct net_checkpoint *ret, const struct net_checkpoint *c, struct err *err)
{
	const struct net *n = c->net;

	*ret = (struct net_checkpoint){ 0 };
	memcpy(ret->mean, c->mean, sizeof ret->mean);
	memcpy(ret->std, c->std, sizeof ret->std);
	ts_header_init(&ret->header, "checkpoint");
	ret->net = net_new(n->spec, n->c, n->h, n->w, n->classes, err);
	if (!ret->net)
		goto fail;
	if (c->mask && !(ret->mask = malloc(sizeof *ret->mask)))
		goto nomem;
	if (c->mask)
		*ret->mask = *c->mask;
	if (c->classes) {
		ret->classes = ts_copy_classes(c->classes, c->n_classes);
		if (!ret->classes)
			goto nomem;
		ret->n_classes = c->n_classes;
	}
	if (copy_set(&ret->state, &c->state) < 0 || copy_set(&ret->extra, &c->extra) < 0 ||
	    ts_meta_merge(&ret->header.meta, &c->header.meta) < 0 || ts_header_chain(&ret->header, &c->header) < 0)
		goto nomem;
	return 0;
nomem:
	err_memory(err);
fail:
	net_checkpoint_release(ret);
	return -1;
}

int net_last_layer(const struct net_checkpoint *c, struct ts_tensor *weight, struct ts_tensor *bias)
{
	const struct net_node *head = &c->net->nodes[c->net->head];
	const struct ts_tensor *w = &c->state.t[head->param];
	const size_t shape[2] = { (size_t)head->c, w->shape[1] };

	*bias = (struct ts_tensor){ 0 };
	if (ts_tensor_init(weight, "fc.weight", TS_F32, 2, shape) < 0 ||
	    ts_tensor_init(bias, "fc.bias", TS_F32, 1, shape) < 0) {
		ts_tensor_release(weight);
		return -1;
	}
	memcpy(weight->data, w->data, ts_tensor_bytes(weight));
	if (head->bias)
		memcpy(bias->data, w[1].data, ts_tensor_bytes(bias));
	return 0;
}

void net_checkpoint_release(struct net_checkpoint *c)
{
	if (!c)
		return;
	net_free(c->net);
	ts_set_release(&c->state);
	ts_set_release(&c->extra);
	free(c->mask);
	ts_header_release(&c->header);
	ts_strs_free(c->classes, c->n_classes);
	*c = (struct net_checkpoint){ 0 };
}
