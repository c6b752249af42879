/* SPDX-License-Identifier: MIT
 * What a network is worth: accuracy on the validation images, and how its energy tells the sets of --ood
 * from them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"
#include "ood/eval/ood_metrics.h"
#include "num/num_sort.h"

/* The score of all reports: the published one. */
static double energy(const float *logits, size_t n)
{
	const double max = (double)logits[num_argmax(logits, n)];
	return max + num_log_sum_exp(logits, n, n, max, 1);
}

struct list {
	float *v;
	size_t n;
};

/* Appends the energies of n images. */
static int score(struct um_engine *e, const uint8_t *image, size_t n, struct list *l, struct err *err)
{
	const size_t C = (size_t)um_engine_net(e)->classes;
	float *z = malloc(n * C * sizeof *z), *v = realloc(l->v, (l->n + n) * sizeof *v);
	int rc = -1;

	if (v)
		l->v = v;
	err_memory(err);
	if (z && v)
		rc = um_engine_run(e, image, n, z, NULL, NULL, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		l->v[l->n++] = (float)energy(z + i * C, C);
	free(z);
	return rc;
}

/* Energies of a stream of images that the network takes, labelled or not. */
static int score_stream(struct um_engine *e, const char *path, struct list *l, struct err *err)
{
	struct ts_reader *r = cli_open(path);
	const struct ts_header *h = ts_reader_expect(r, "images");
	const struct ts_field *f = h ? ts_header_field(h, "image") : NULL;
	const struct net *n = um_engine_net(e);
	struct ts_batch b = { 0 };
	int rc = -1;

	err->text[0] = '\0';
	if (h && (!f || f->type != TS_U8 || f->ndim != 3 || f->shape[0] != (size_t)n->c ||
		  f->shape[1] != (size_t)n->h || f->shape[2] != (size_t)n->w))
		ts_reader_fail(r, "holds no images of %dx%dx%d, which the model takes", n->c, n->h, n->w);
	else if (h && ts_batch_init(&b, h) < 0)
		cli_oom();
	else if (h)
		while ((rc = ts_reader_next(r, &b)) == 1)
			if (score(e, ts_batch_col(&b, "image")->data, b.n, l, err) < 0)
				break;
	if (rc == 0 && l->n == 0)
		rc = ts_reader_fail(r, "holds no images");
	if (rc != 0 && ts_reader_error(r))
		err_fail(err, "%s", ts_reader_error(r));
	ts_batch_release(&b);
	ts_reader_close(r);
	return rc == 0 ? 0 : -1;
}

static int sort(struct list *l, struct err *err)
{
	if (num_sort(l->v, l->n) == 0)
		return 0;
	return err_memory(err);
}

/* A line for each set of --ood. */
static int report_ood(struct um_engine *e, const char *which, struct err *err)
{
	struct list id = { 0 };
	int rc = score(e, job.held.image, job.held.n, &id, err);

	if (rc == 0)
		rc = sort(&id, err);
	for (size_t i = 0; i < job.ood.n && rc == 0; i++) {
		const char *equals = strchr(job.ood.v[i], '=');
		struct list ood = { 0 };
		struct ood_metrics k;

		rc = score_stream(e, equals + 1, &ood, err);
		if (rc == 0)
			rc = sort(&ood, err);
		if (rc == 0) {
			k = ood_compare(&(struct ood_sample){ id.v, id.n, NULL },
					&(struct ood_sample){ ood.v, ood.n, NULL },
					&(struct ood_conventions){ .fpr = OOD_FPR_NEAREST });
			job_say("%s: energy ood=%.*s auroc=%.2f aupr_in=%.2f fpr95=%.2f id_rows=%zu rows=%zu", which,
				(int)(equals - job.ood.v[i]), job.ood.v[i], 100 * k.v[OOD_AUROC], 100 * k.v[OOD_AUPR_IN],
				100 * k.v[OOD_FPR95], id.n, ood.n);
		}
		free(ood.v);
	}
	free(id.v);
	return rc;
}

static int report_one(const struct net_checkpoint *c, bool masked, const char *which, struct err *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	double loss = 0, accuracy = 0, sparsity;
	int rc = net_copy(&copy, c, err);

	if (rc == 0)
		rc = net_bake(&copy, masked, &sparsity, err);
	if (rc == 0)
		rc = job_engine(&e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, &job.held, &loss, &accuracy, err);
	if (rc == 0) {
		job_say("%s: val_loss=%.6g val_acc=%.4f sparsity=%.4f", which, loss, accuracy, sparsity);
		rc = job.ood.n ? report_ood(e, which, err) : 0;
	}
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc;
}

int job_report(const struct net_checkpoint *c)
{
	struct err err;

	if (!job.held.n || (!c->mask && !job.ood.n))
		return 0;
	if ((c->mask && report_one(c, true, "masked network", &err) < 0) ||
	    report_one(c, false, c->mask ? "full network" : "network", &err) < 0)
		return cli_error("%s", err.text);
	return 0;
}
