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
#include "ts/ts_images.h"

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
	int rc;

	if (v)
		l->v = v;
	rc = z && v ? um_engine_run(e, image, n, z, NULL, NULL, err) : err_memory(err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		l->v[l->n++] = (float)energy(z + i * C, C);
	free(z);
	return rc;
}

/* Energies of the images of an open stream. */
static int score_batches(struct um_engine *e, struct ts_reader *r, struct list *l, struct err *err)
{
	struct ts_batch b;
	int rc;

	if (ts_batch_init(&b, ts_reader_header(r)) < 0)
		return err_memory(err);
	while ((rc = ts_reader_next(r, &b)) == 1)
		if (score(e, ts_batch_col(&b, "image")->data, b.n, l, err) < 0)
			break;
	ts_batch_release(&b);
	if (rc == 0)
		rc = ts_images_some(r);
	return rc < 0 ? err_fail(err, "%s", ts_reader_error(r)) : rc == 0 ? 0 : -1;
}

/* Energies of a stream of images that the network takes, labelled or not. */
static int score_stream(struct um_engine *e, const char *path, struct list *l, struct err *err)
{
	struct ts_reader *r = cli_open(path);
	int rc = net_check_images(um_engine_net(e), r);

	rc = rc < 0 ? err_fail(err, "%s", ts_reader_error(r)) : score_batches(e, r, l, err);
	ts_reader_close(r);
	return rc;
}

static int sort(struct list *l, struct err *err)
{
	if (num_sort(l->v, l->n) == 0)
		return 0;
	return err_memory(err);
}

/* A line for the set NAME=FILE, whose energies are compared with the sorted ones of ID images. */
static int report_set(const struct job *j, struct um_engine *e, const char *which, const char *set,
		      const struct list *id, struct err *err)
{
	const char *equals = strchr(set, '=');
	struct list ood = { 0 };
	struct ood_metrics k;
	int rc = score_stream(e, equals + 1, &ood, err);

	if (rc == 0)
		rc = sort(&ood, err);
	if (rc == 0) {
		k = ood_compare(&(struct ood_sample){ .v = id->v, .n = id->n },
				&(struct ood_sample){ .v = ood.v, .n = ood.n },
				&(struct ood_conventions){ .fpr = OOD_FPR_NEAREST });
		job_say(j, "%s: energy ood=%.*s auroc=%.2f aupr_in=%.2f fpr95=%.2f id_rows=%zu rows=%zu", which,
			(int)(equals - set), set, 100 * k.v[OOD_AUROC], 100 * k.v[OOD_AUPR_IN], 100 * k.v[OOD_FPR95],
			id->n, ood.n);
	}
	free(ood.v);
	return rc;
}

static int report_ood(const struct job *j, struct um_engine *e, const char *which, struct err *err)
{
	struct list id = { 0 };
	int rc = score(e, j->held.image, j->held.n, &id, err);

	if (rc == 0)
		rc = sort(&id, err);
	for (size_t i = 0; i < j->o->ood.n && rc == 0; i++)
		rc = report_set(j, e, which, j->o->ood.v[i], &id, err);
	free(id.v);
	return rc;
}

static int report_one(const struct job *j, bool masked, const char *which, struct err *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	double loss = 0, accuracy = 0, sparsity;
	int rc = net_copy(&copy, &j->c, err);

	if (rc == 0)
		rc = net_bake(&copy, masked, &sparsity, err);
	if (rc == 0)
		rc = job_engine(j, &e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, &j->held, &loss, &accuracy, err);
	if (rc == 0) {
		job_say(j, "%s: val_loss=%.6g val_acc=%.4f sparsity=%.4f", which, loss, accuracy, sparsity);
		rc = j->o->ood.n ? report_ood(j, e, which, err) : 0;
	}
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc;
}

int job_report(const struct job *j, struct err *err)
{
	const bool masked = j->c.mask != NULL;

	if (!j->held.n || (!masked && !j->o->ood.n))
		return 0;
	if (masked && report_one(j, true, "masked network", err) < 0)
		return -1;
	return report_one(j, false, masked ? "full network" : "network", err);
}
