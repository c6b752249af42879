/* SPDX-License-Identifier: MIT
 * Builds a detector from its parts. Each step is that of one of the programs in the pipe, by the same function:
 * um-embed's header of features, ood-score's basis, scorer and header of scores, and their verdicts. So all checks of
 * these programs that files belong together are made here, too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_images.h"
#include "unmask/unmask_bundle.h"
#include "unmask/unmask_internal.h"

/* ---- parts ---- */

/* A reader for the stream in the tensor `name`, which errors use as its name. NULL with err. */
static struct ts_reader *part(const struct ts_set *set, const char *name, struct err *err)
{
	const struct ts_tensor *t = ts_set_get(set, name);
	struct ts_reader *r;

	if (!t || t->type != TS_U8 || t->ndim != 1) {
		err_fail(err, "has no part '%s', |u1", name);
		return NULL;
	}
	if (!(r = ts_reader_open_bytes(t->data, t->shape[0], name)))
		err_memory(err);
	return r;
}

/* How pictures become the model's images, if its checkpoint says so. */
static int read_preparation(struct unmask *u, struct err *err)
{
	const struct ts_meta *m = &u->c.header.meta;
	int rc;

	if (!ts_meta_has(m, TS_IMAGES_PREPARE))
		return 0;
	if ((rc = ds_prep_for(&u->shape, m, err)) < 0)
		return err_prefix(err, "its network: ");
	if (rc > 0)
		ds_prep_words(&u->shape, u->prepare);
	else
		snprintf(u->prepare, sizeof u->prepare, "none");
	return 0;
}

int unmask_read_model(struct unmask *u, struct ts_reader *r, struct err *err)
{
	if ((u->threads > 1 ? net_read_beside : net_read)(&u->c, r, err) < 0)
		return -1;
	if (read_preparation(u, err) < 0)
		return -1;
	if (u->c.mask)
		return err_fail(err, "its network has masks, which ood-pack bakes");
	if (u->c.net->c != 3 && u->c.net->c != 1)
		return err_fail(err, "its network takes images of %d channels, but pictures have 3 or 1", u->c.net->c);
	return 0;
}

static int read_model(struct unmask *u, const struct ts_set *set, struct err *err)
{
	struct ts_reader *r = part(set, "model", err);
	int rc = r ? unmask_read_model(u, r, err) : -1;

	ts_reader_close(r);
	return rc;
}

/* Reads the fit in the part `name`; none if there is no such part. */
static int read_fit(const struct unmask *u, struct ood_fit **ret, const struct ts_set *set, const char *name,
		    struct err *err)
{
	struct ts_reader *r;
	int rc;

	if (!ts_set_get(set, name))
		return 0;
	if (!(r = part(set, name, err)))
		return -1;
	rc = ood_fit_read(ret, r, err);
	ts_reader_close(r);
	return rc < 0 ? -1 : ood_basis_check(&u->basis, "model", *ret, name, err);
}

/* Keeps only this method's threshold if there are several. */
static int keep_threshold(struct unmask *u, struct err *err)
{
	struct ts_set *s = &u->threshold.set;
	struct ts_tensor *t = ts_set_get(s, u->method), one;

	if (u->threshold.promise.guarantee == OOD_FDR)
		return err_fail(err, "its threshold is from ood-threshold --fdr, which judges all pictures together; a "
				     "detector judges each by itself, and needs one from --false-alarm");
	if (!t)
		return err_fail(err, "its threshold is not of the method '" ERR_NAME "'", u->method);
	one = *t;
	*t = s->t[0];
	s->t[0] = one;
	while (s->n > 1)
		ts_tensor_release(&s->t[--s->n]);
	return 0;
}

static int read_threshold(struct unmask *u, const struct ts_set *set, struct err *err)
{
	struct ts_reader *r = part(set, "threshold", err);
	int rc = r ? ood_threshold_read(&u->threshold, r, err) : -1;

	ts_reader_close(r);
	return rc < 0 ? -1 : keep_threshold(u, err);
}

static int read_reference(struct unmask *u, const struct ts_set *set, struct err *err)
{
	const struct ts_tensor *t = ts_set_get(set, "reference");

	if (!t)
		return 0;
	if (t->type != TS_F64 || t->ndim != 1 || t->shape[0] == 0)
		return err_fail(err, "its reference is not a <f8 of one or more scores");
	u->n_reference = t->shape[0];
	if (!(u->reference = malloc(ts_tensor_bytes(t))))
		return err_memory(err);
	for (size_t i = 0; i < u->n_reference; i++) {
		u->reference[i] = (double)(float)ts_get(TS_F64, t->data, i); /* as scores are: it may come from text */
		if (u->reference[i] != u->reference[i])
			return err_fail(err, "score %zu of its reference is not a number", i);
	}
	return 0;
}

/* ---- the streams between them ---- */

/* The class names that the model has, or numbers. */
static int name_classes(struct unmask *u, struct err *err)
{
	char number[24];

	if (ts_meta_get_strs(&u->features.meta, "classes", &u->names, &u->n_names) != 0)
		return u->names ? 0 : err_memory(err);
	if (!(u->names = calloc(u->basis.classes + 1, sizeof *u->names)))
		return err_memory(err);
	for (; u->n_names < u->basis.classes; u->n_names++) {
		snprintf(number, sizeof number, "%zu", u->n_names);
		if (!(u->names[u->n_names] = strdup(number)))
			return err_memory(err);
	}
	return 0;
}

/* The features stream that um-embed would write for pictures that have only pixels. */
static int make_features(struct unmask *u, struct err *err)
{
	const struct um_extra_options none = { 0 };
	const size_t shape[3] = { (size_t)u->c.net->c, (size_t)u->c.net->h, (size_t)u->c.net->w };

	ts_header_init(&u->images, "images");
	ts_header_init(&u->features, "features");
	if (ts_header_add(&u->images, "image", TS_U8, 3, shape) < 0)
		return err_memory(err);
	if (um_extras_new(&u->pass, &none, &u->c, err) < 0 ||
	    um_extras_header(u->pass, &u->features, &u->images, &u->c, err) < 0)
		return -1;
	return ood_basis_of(&u->basis, &u->features, err) < 0 ? -1 : name_classes(u, err);
}

static void never(void *data, const struct ood_request *q, const char *why)
{
	(void)data;
	(void)q;
	(void)why; /* only methods of "all" are left out */
}

/* The scores stream that ood-score would write. */
static int make_scores(struct unmask *u, struct err *err)
{
	struct ood_requests r = { 0 };
	int rc = ood_requests_add(&r, u->method, err);

	ts_header_init(&u->scores, "scores");
	if (rc == 0 && (r.n != 1 || r.q[0].optional))
		rc = err_fail(err, "'" ERR_NAME "' is not one method", u->method);
	if (rc == 0)
		rc = ood_scorers_new(&u->scorer, &u->n_scorers, &r, &u->basis, never, NULL, err);
	ood_requests_release(&r);
	if (rc < 0)
		return -1;
	return ood_output_init(&u->output, &u->scores, &u->basis, u->scorer, 1, NULL, err) < 0 ?
		       -1 :
		       ood_verdict_init(&u->verdict, &u->threshold, &u->scores, err);
}

static int make_batches(struct unmask *u, struct err *err)
{
	if (ts_batch_init(&u->image, &u->images) < 0 || ts_batch_init(&u->feature, &u->features) < 0 ||
	    ts_batch_init(&u->score, &u->scores) < 0)
		return err_memory(err);
	u->logits_at = u->basis.logits_at;
	u->features_at = u->basis.features_at;
	u->pred_at = u->basis.classes ? (size_t)ts_header_col(&u->scores, "pred") : 0;
	return 0;
}

/* ---- all of it ---- */

/* Libraries opened on first use are opened once for all threads, so opening must be exclusive. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static int build(struct unmask *u, const struct ts_set *set, struct err *err)
{
	const char *device = u->device ? u->device : "cpu";
	const struct um_engine_options how = {
		.graph = true, .torch = um_engine_is_torch(UM_NN, device), .device = device, .threads = u->threads
	};

	if ((!u->c.net && read_model(u, set, err) < 0) || make_features(u, err) < 0 ||
	    read_fit(u, &u->fit, set, "fit", err) < 0 || read_fit(u, &u->val, set, "val", err) < 0 ||
	    read_threshold(u, set, err) < 0 || read_reference(u, set, err) < 0)
		return -1;
	u->basis.fit = u->fit;
	u->basis.val = u->val;
	if (make_scores(u, err) < 0 || make_batches(u, err) < 0)
		return -1;
	return um_extras_open(u->pass, &u->c, &how, err);
}

int unmask_begin(struct unmask *u, const struct ts_meta *m, int threads, struct err *err)
{
	char *fit = NULL;
	int rc;

	u->threads = threads;
	if (threads < 1 || threads > 4096)
		return err_fail(err, "%d threads: 1 to 4096 can work", threads);
	rc = ts_meta_get_str(m, "fit", &fit) == 1 && strcmp(fit, UNMASK_BUNDLE_FIT) == 0 ?
		     0 :
		     err_fail(err, "is not a detector; ood-pack makes those");
	free(fit);
	if (rc == 0 && ts_meta_get_str(m, "method", &u->method) != 1)
		rc = err_fail(err, "does not name its method (meta 'method')");
	return rc;
}

int unmask_build(struct unmask *u, const struct ts_set *set, struct err *err)
{
	int rc;

	pthread_mutex_lock(&opening);
	rc = build(u, set, err);
	pthread_mutex_unlock(&opening);
	return rc;
}

void unmask_release(struct unmask *u)
{
	um_extras_free(u->pass);
	ood_scorers_free(u->scorer, u->n_scorers);
	ood_verdict_release(&u->verdict);
	ood_output_release(&u->output);
	ood_threshold_release(&u->threshold);
	ood_basis_release(&u->basis);
	ood_fit_free(u->fit);
	ood_fit_free(u->val);
	net_checkpoint_release(&u->c);
	ts_batch_release(&u->image);
	ts_batch_release(&u->feature);
	ts_batch_release(&u->score);
	ts_header_release(&u->images);
	ts_header_release(&u->features);
	ts_header_release(&u->scores);
	ts_strs_free(u->names, u->n_names);
	ds_pixels_release(&u->picture);
	ds_pixels_release(&u->spare);
	free(u->method);
	free(u->device);
	free(u->reference);
	if (u->watch.kept)
		ood_watch_release(&u->watch);
}
