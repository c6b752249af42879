/* SPDX-License-Identifier: MIT
 * Builds a detector from its files. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds_files.h"
#include "net/mask/net_mask.h"
#include "net/net_graph.h"
#include "ood/eval/ood_column.h"
#include "ood/ood_identity.h"
#include "unmask/unmask_bundle.h"
#include "unmask/unmask_internal.h"

/* ---- parts ---- */

/* Adds n bytes as a part; takes ownership of them. */
static int add_part(struct unmask_bundle *b, const char *name, unsigned char *p_take, size_t n, struct err *err)
{
	const size_t none = 0;
	struct ts_tensor *t = ts_set_add(&b->set, name, TS_U8, 1, &none);

	if (!t) {
		free(p_take);
		return err_memory(err);
	}
	free(t->data);
	t->data = p_take;
	t->shape[0] = n;
	return 0;
}

/* Keeps the header of a part, for the history. */
static int keep_header(struct ts_header *to, const char *kind, const struct ts_header *from, struct err *err)
{
	ts_header_init(to, kind);
	return ts_header_chain(to, from) < 0 || ts_meta_merge(&to->meta, &from->meta) < 0 ? err_memory(err) : 0;
}

/* The network as um-embed runs it: masks baked, without any run state. */
static int add_model(struct unmask_bundle *b, const char *path, struct err *err)
{
	struct ts_bytes bytes = { 0 };
	struct ts_writer *w = ts_writer_open_bytes(&bytes, "model");
	struct net_checkpoint c = { 0 };
	int rc = w ? net_load_any(&c, path, err) : err_memory(err);

	if (rc == 0 && !net_is_graph(c.net)) {
		net_strip(&c);
		rc = net_bake(&c, true, NULL, err);
	}
	if (rc == 0)
		rc = keep_header(&b->model, "checkpoint", &c.header, err);
	if (rc == 0)
		rc = net_write(&c, w, err);
	ts_writer_close(w);
	net_checkpoint_release(&c);
	if (rc == 0)
		return add_part(b, "model", bytes.p, bytes.n, err);
	free(bytes.p);
	return -1;
}

/* Adds a file unchanged. header: NULL, or receives the file's header. */
static int add_file(struct unmask_bundle *b, const char *name, const char *path, struct ts_header *header,
		    struct err *err)
{
	struct ds_bytes bytes = { 0 };
	struct ts_reader *r;
	const struct ts_header *h;
	int rc = -1;

	if (ds_bytes_load(path, &bytes, TS_MAX_TENSOR, err) < 0)
		return err_prefix(err, "'%s': ", path);
	if (!(r = ts_reader_open_bytes(bytes.p, bytes.n, path)))
		err_memory(err);
	else if (!(h = ts_reader_expect(r, "fit")))
		err_fail(err, "%s", ts_reader_error(r));
	else
		rc = header ? keep_header(header, "fit", h, err) : 0;
	ts_reader_close(r);
	if (rc == 0)
		return add_part(b, name, bytes.p, bytes.n, err);
	ds_bytes_release(&bytes);
	return -1;
}

/* ---- the method ---- */

/* The only method of the thresholds. */
static int only_method(const struct ts_header *h, char **ret, struct err *err)
{
	if (h->n_fields == 1)
		return (*ret = strdup(h->fields[0].name)) ? 0 : err_memory(err);
	err_fail(err, "has thresholds of %zu methods; choose with --method:", h->n_fields);
	for (size_t i = 0; i < h->n_fields; i++)
		err_append(err, "%s " ERR_NAME, i ? "," : "", h->fields[i].name);
	return -1;
}

static int choose_method(char **ret, const struct unmask_bundle_files *from, struct err *err)
{
	struct ts_reader *r;
	const struct ts_header *h;
	int rc = -1;

	if (from->method)
		return (*ret = strdup(from->method)) ? 0 : err_memory(err);
	if (!(r = ts_reader_open(from->threshold)))
		return err_memory(err);
	if (!(h = ts_reader_expect(r, "fit")))
		err_fail(err, "%s", ts_reader_error(r));
	else if ((rc = only_method(h, ret, err)) < 0 && !err->memory)
		err_prefix(err, "'%s' ", from->threshold);
	ts_reader_close(r);
	return rc;
}

/* Does the method with this text need a fit? */
static int wants_fit(const char *method, bool *wants, struct err *err)
{
	struct ood_requests r = { 0 };

	if (strncmp(method, "combine:", 8) == 0)
		return err_fail(err, "'" ERR_NAME "' combines scores of several methods; a detector has one", method);
	if (ood_requests_add(&r, method, err) < 0) {
		ood_requests_release(&r);
		return -1;
	}
	*wants = r.n == 1 && ood_method_fitted(r.q[0].method);
	ood_requests_release(&r);
	return 0;
}

/* ---- the reference ---- */

/* Adds scores of the method, which must have been made from these parts as the detector u makes them. */
static int add_reference(struct unmask_bundle *b, const struct unmask *u, const char *path, struct err *err)
{
	struct ood_origin of;
	size_t n;
	double *v = ood_column_read(path, u->method, &n, &of, err);
	struct ts_tensor *t;
	int rc = v ? 0 : -1;

	if (rc == 0 && *of.name)
		rc = ood_identity_check(&of.header.meta, "the reference", &u->scores.meta, "the detector", u->method,
					err);
	b->reference = of.header;
	of.header = (struct ts_header){ 0 };
	ood_origin_release(&of);
	if (rc == 0 && !(t = ts_set_add(&b->set, "reference", TS_F64, 1, &n)))
		rc = err_memory(err);
	if (rc == 0)
		memcpy(t->data, v, n * sizeof *v);
	free(v);
	return rc;
}

/* ---- all of it ---- */

static int add_parts(struct unmask_bundle *b, const struct unmask_bundle_files *from, const char *method,
		     struct err *err)
{
	bool fit = false;

	if (wants_fit(method, &fit, err) < 0 || add_model(b, from->model, err) < 0 ||
	    add_file(b, "threshold", from->threshold, &b->threshold, err) < 0)
		return -1;
	b->fit_unused = !fit && (from->fit || from->val);
	if (fit && from->fit && add_file(b, "fit", from->fit, &b->fit, err) < 0)
		return -1;
	return fit && from->val ? add_file(b, "val", from->val, NULL, err) : 0;
}

int unmask_bundle_make(struct unmask_bundle *b, const struct unmask_bundle_files *from, struct err *err)
{
	struct unmask *u = calloc(1, sizeof *u);
	char *method = NULL;
	int rc = u ? choose_method(&method, from, err) : err_memory(err);

	*b = (struct unmask_bundle){ 0 };
	ts_header_init(&b->header, "fit");
	if (rc == 0 && (ts_meta_set_str(&b->header.meta, "fit", UNMASK_BUNDLE_FIT) < 0 ||
			ts_meta_set_str(&b->header.meta, "method", method) < 0))
		rc = err_memory(err);
	if (rc == 0)
		rc = add_parts(b, from, method, err);
	if (rc == 0)
		rc = unmask_begin(u, &b->header.meta, 1, err);
	if (rc == 0)
		rc = unmask_build(u, &b->set, err);
	b->unchecked = rc == 0 && !ood_identity_known(&b->threshold.meta, method);
	if (rc == 0 && from->reference)
		rc = add_reference(b, u, from->reference, err);
	unmask_close(u);
	free(method);
	return rc;
}

void unmask_bundle_release(struct unmask_bundle *b)
{
	ts_header_release(&b->header);
	ts_header_release(&b->model);
	ts_header_release(&b->threshold);
	ts_header_release(&b->fit);
	ts_header_release(&b->reference);
	ts_set_release(&b->set);
}
