/* SPDX-License-Identifier: MIT
 * How well the scores of a network tell the sets of --ood from the validation images: every score that needs one
 * network, its training images and one forward pass, as um-embed, ood-fit and ood-score would compute it. */
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"
#include "num/num_sort.h"
#include "ood/eval/ood_metrics.h"
#include "ood/score/ood_method.h"
#include "ts/ts_images.h"
#include "um/embed/um_extra.h"

enum { ROWS = 256, BANK = 50000 }; /* images at a time; rows of the fit's bank, as in ood-fit */

struct list {
	float *v;
	size_t n;
};

struct scoring {
	const struct job *j;
	struct net_checkpoint c; /* baked */
	struct um_extras *e;
	struct ts_header images, features;
	struct ts_batch in, out; /* of these */
	size_t label;            /* its column in out; images are the first column of in */
	struct ood_fit *fit;
	struct ood_basis from;
	struct ood_requests asked;
	struct ood_scorer *s;
	size_t n;
	struct list *id, *ood; /* (n) */
	float **column;        /* (n) */
};

/* What to do with the features of a batch. */
typedef int use_fn(struct scoring *k, struct list *to, struct err *err);

static int fit(struct scoring *k, struct list *to, struct err *err)
{
	(void)to;
	return ood_fit_add(k->fit, &k->out, err);
}

static int score(struct scoring *k, struct list *to, struct err *err)
{
	for (size_t m = 0; m < k->n; m++) {
		float *v = realloc(to[m].v, (to[m].n + k->out.n) * sizeof *v);

		if (!v)
			return err_memory(err);
		to[m].v = v;
		k->column[m] = v + to[m].n;
		to[m].n += k->out.n;
	}
	return ood_score_batch(k->s, k->n, &k->out, 0, (int)k->j->o->how.threads, k->column, err);
}

/* Passes features of n images with their labels (NULL: none) to use(), ROWS at a time. */
static int pass(struct scoring *k, const uint8_t *image, const int64_t *label, size_t n, use_fn *use, struct list *to,
		struct err *err)
{
	const size_t row = net_node_size(&k->c.net->nodes[0]);

	for (size_t i = 0; i < n; i += ROWS) {
		const size_t rows = n - i < ROWS ? n - i : ROWS;
		int64_t *y;

		if (ts_batch_resize(&k->in, rows) < 0 || ts_batch_resize(&k->out, rows) < 0)
			return err_memory(err);
		memcpy(k->in.cols[0].data, image + i * row, rows * row);
		y = k->out.cols[k->label].data;
		for (size_t r = 0; r < rows; r++)
			y[r] = label ? label[i + r] : -1;
		if (um_extras_start(k->e, &k->in, i, &k->out, err) < 0 || um_extras_finish(k->e, err) < 0 ||
		    use(k, to, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- getting ready ---- */

/* Opens the pass that computes features of images of the network's size; for scores with ODIN's and RankFeat's columns,
 * which a fit does not use and which take several passes. */
static int open_pass(struct scoring *k, bool masked, bool scores, struct err *err)
{
	if (net_copy(&k->c, &k->j->c, err) < 0 || net_bake(&k->c, masked, NULL, err) < 0)
		return -1;
	const struct job_options *o = k->j->o;
	const struct net *n = k->c.net;
	const bool maps = n->n_stages > 0;
	const struct um_extra_options extra = { .odin = scores ? "eps=0.0014:temperature=1000" : NULL,
						.layers = maps,
						.rankfeat = maps && scores };
	const size_t shape[3] = { (size_t)n->c, (size_t)n->h, (size_t)n->w };

	ts_header_init(&k->images, "images");
	ts_header_init(&k->features, "features");
	if (ts_header_add(&k->images, "image", TS_U8, 3, shape) < 0 ||
	    ts_header_add(&k->images, "label", TS_I64, 0, NULL) < 0)
		return err_memory(err);
	if (um_extras_new(&k->e, &extra, &k->c, err) < 0 ||
	    um_extras_header(k->e, &k->features, &k->images, &k->c, err) < 0 ||
	    um_extras_open(k->e, &k->c, &o->how, err) < 0)
		return -1;
	k->label = (size_t)ts_header_col(&k->features, "label");
	return ts_batch_init(&k->in, &k->images) < 0 || ts_batch_init(&k->out, &k->features) < 0 ? err_memory(err) : 0;
}

static void close_pass(struct scoring *k)
{
	ts_batch_release(&k->in);
	ts_batch_release(&k->out);
	ts_header_release(&k->images);
	ts_header_release(&k->features);
	um_extras_free(k->e);
	k->e = NULL;
	net_checkpoint_release(&k->c);
}

/* Fits the network's training images. */
static int make_fit(struct scoring *k, struct err *err)
{
	const struct um_data *d = &k->j->data;
	struct ood_fit_options o = { .parts = OOD_PART_LAYERS, .bank = BANK, .seed = k->j->o->train.seed };

	for (size_t i = 0; i < k->asked.n; i++)
		o.parts |= k->asked.q[i].method->parts;
	if (ood_fit_new(&k->fit, &k->features, &o, err) < 0 || pass(k, d->image, d->label, d->n, fit, NULL, err) < 0)
		return -1;
	return ood_fit_finish(k->fit, err);
}

static void left_out(void *data, const struct ood_request *q, const char *why)
{
	(void)data;
	cli_info("'%s' is left out: %s", q->column, why);
}

/* Creates every method that works here; for the others, prints what is missing if the user wants to know. */
static int make_scorers(struct scoring *k, struct err *err)
{
	if (ood_basis_of(&k->from, &k->features, err) < 0)
		return -1;
	k->from.fit = k->fit;
	if (ood_scorers_new(&k->s, &k->n, &k->asked, &k->from, left_out, NULL, err) < 0)
		return -1;
	k->id = calloc(k->n + 1, sizeof *k->id);
	k->ood = calloc(k->n + 1, sizeof *k->ood);
	k->column = calloc(k->n + 1, sizeof *k->column);
	return k->id && k->ood && k->column ? 0 : err_memory(err);
}

static void release(struct scoring *k)
{
	for (size_t m = 0; m < k->n && k->id && k->ood; m++) {
		free(k->id[m].v);
		free(k->ood[m].v);
	}
	ood_scorers_free(k->s, k->n);
	free(k->id);
	free(k->ood);
	free(k->column);
	ood_basis_release(&k->from);
	ood_fit_free(k->fit);
	close_pass(k);
	ood_requests_release(&k->asked);
}

/* ---- a set ---- */

/* Scores the images of an open stream. */
static int score_batches(struct scoring *k, struct ts_reader *r, struct err *err)
{
	const size_t image = (size_t)ts_header_col(ts_reader_header(r), "image");
	struct ts_batch b;
	int rc, failed = 0;

	if (ts_batch_init(&b, ts_reader_header(r)) < 0)
		return err_memory(err);
	while (!failed && (rc = ts_reader_next(r, &b)) == 1)
		failed = pass(k, b.cols[image].data, NULL, b.n, score, k->ood, err) < 0;
	ts_batch_release(&b);
	if (failed)
		return -1;
	return rc < 0 || ts_images_some(r) < 0 ? err_fail(err, "%s", ts_reader_error(r)) : 0;
}

/* Scores a stream of images, labelled or not, that the network takes. */
static int score_stream(struct scoring *k, const char *path, struct err *err)
{
	struct ts_reader *r = cli_open(path);
	int rc = net_check_images(k->j->c.net, r);

	for (size_t m = 0; m < k->n; m++)
		k->ood[m].n = 0;
	rc = rc < 0 ? err_fail(err, "%s", ts_reader_error(r)) : score_batches(k, r, err);
	ts_reader_close(r);
	return rc;
}

static int sort(struct scoring *k, const struct list *l, struct err *err)
{
	for (size_t m = 0; m < k->n; m++)
		if (num_sort(l[m].v, l[m].n) < 0)
			return err_memory(err);
	return 0;
}

/* Prints one line per score for the set NAME=FILE, against the sorted scores of ID images. */
static int report_set(struct scoring *k, const char *which, const char *set, struct err *err)
{
	const char *equals = strchr(set, '=');

	if (score_stream(k, equals + 1, err) < 0 || sort(k, k->ood, err) < 0)
		return -1;
	for (size_t m = 0; m < k->n; m++) {
		const struct list *id = &k->id[m], *ood = &k->ood[m];
		const struct ood_metrics x = ood_compare(&(struct ood_sample){ .v = id->v, .n = id->n },
							 &(struct ood_sample){ .v = ood->v, .n = ood->n },
							 &(struct ood_conventions){ .fpr = OOD_FPR_NEAREST });

		job_say(k->j, "%s: %s ood=%.*s auroc=%.2f aupr_in=%.2f fpr95=%.2f id_rows=%zu rows=%zu", which,
			k->s[m].request.column, (int)(equals - set), set, 100 * x.v[OOD_AUROC], 100 * x.v[OOD_AUPR_IN],
			100 * x.v[OOD_FPR95], id->n, ood->n);
	}
	return 0;
}

int job_report_ood(const struct job *j, bool masked, const char *which, struct err *err)
{
	struct scoring k = { .j = j };
	char note[OOD_NOTE];
	int rc = ood_requests_add(&k.asked, "all", err);

	if (rc == 0)
		rc = open_pass(&k, masked, false, err);
	if (rc == 0)
		rc = make_fit(&k, err);
	close_pass(&k);
	if (rc == 0)
		rc = open_pass(&k, masked, true, err);
	if (rc == 0)
		rc = make_scorers(&k, err);
	if (rc == 0)
		rc = pass(&k, j->held.image, NULL, j->held.n, score, k.id, err);
	if (rc == 0)
		rc = sort(&k, k.id, err);
	for (size_t i = 0; i < j->o->ood.n && rc == 0; i++)
		rc = report_set(&k, which, j->o->ood.v[i], err);
	for (size_t m = 0; m < k.n && rc == 0; m++)
		if (*ood_score_note(&k.s[m], note))
			cli_info("%s: %s", k.s[m].request.column, note);
	release(&k);
	return rc;
}
