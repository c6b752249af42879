/* SPDX-License-Identifier: MIT
 * The loop of epochs: train, validate, keep, log; stop and go on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"

struct loop {
	struct um_model *m;
	struct um_oe *oe;                 /* NULL: no outliers */
	struct um_progress p;
	double best;                      /* validation accuracy of best.ckpt; below 0: none yet */
	size_t before;                    /* images of the epoch that were done when a run was resumed */
	char err[UM_ERR];
};

static size_t images;

static void tick(const struct um_progress *p)
{
	cli_progress("epoch %ld/%ld, %zu of %zu images, loss %.4f", p->epoch + 1, job.o.epochs, p->row,
		     images, p->loss / (double)p->row);
}

/* ---- checkpoints of the run ---- */

static const char *const run_keys[] = {
	"train/epoch", "train/row", "train/right", "train/batches", "train/augment", "train/dropout",
	"train/mask", "train/steps", "train/loss", "train/folded", "train/data", "train/best", "train/aux",
	"train/outlier", "train/oe/steps", NULL
};

void job_strip(struct net_checkpoint *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->extra.n; i++)
		if (strncmp(c->extra.t[i].name, "train/", 6) == 0)
			ts_tensor_release(&c->extra.t[i]);
		else
			c->extra.t[n++] = c->extra.t[i];
	c->extra.n = n;
	for (int i = 0; run_keys[i]; i++)
		ts_meta_del(&c->header.meta, run_keys[i]);
}

static int save(const char *name, char *err)
{
	return job_dir_is_open() ? net_save(&job.c, job_dir_path(name), err) : 0;
}

/* Copies the model's values to job.c. -2: some are not finite, so they must not take the place of a good
 * checkpoint; a loss may be finite once more when the statistics of a batch norm are not. */
static int take_state(struct loop *l)
{
	const struct ts_set *const sets[] = { &job.c.state, &job.c.extra };

	if (um_model_state(l->m, &job.c, l->err) < 0)
		return -1;
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < sets[s]->n; i++) {
			const struct ts_tensor *t = &sets[s]->t[i];

			for (size_t k = 0; t->type == TS_F32 && k < ts_tensor_count(t); k++)
				if (!isfinite(((const float *)t->data)[k])) {
					snprintf(l->err, UM_ERR, "'%.100s' is not finite any more: training diverged; "
						 "try a smaller --lr (it is %g)", t->name, um_lr(&job.o, l->p.epoch));
					return -2;
				}
		}
	return 0;
}

/* Writes last.ckpt: the model as it is now, and all that is needed to go on from here. */
static int save_last(struct loop *l)
{
	int rc;

	if (!job_dir_is_open())
		return 0;
	rc = take_state(l);
	if (rc == 0)
		rc = um_train_save(l->m, &l->p, &job.c, l->err);
	if (rc == 0 && l->oe)
		rc = um_oe_save(l->oe, &l->p, &job.c, l->err);
	if (rc == 0) {
		if ((l->oe && ts_meta_set_int(&job.c.header.meta, "train/aux", (int64_t)job.aux_hash) < 0) ||
		    ts_meta_set_int(&job.c.header.meta, "train/data", (int64_t)job.hash) < 0 ||
		    ts_meta_set_double(&job.c.header.meta, "train/best", l->best) < 0)
			cli_oom();
		rc = save("checkpoints/last.ckpt", l->err);
	}
	job_strip(&job.c);
	return rc;
}

/* ---- an epoch ---- */

struct um_engine_options job_how(void)
{
	return (struct um_engine_options){ .torch = strcmp(cli.device, "cpu") != 0, .device = cli.device,
					   .threads = cli.threads };
}

int job_engine(struct um_engine **ret, struct net_checkpoint *c, char *err)
{
	const struct um_engine_options how = job_how();

	return um_engine_new(ret, c, &how, err);
}

int job_evaluate(const struct net_checkpoint *c, const struct um_data *d, bool full, double *loss,
		 double *accuracy, char *err)
{
	struct net_checkpoint copy;
	struct um_engine *e = NULL;
	int rc = net_copy(&copy, c, err);

	if (rc == 0)
		rc = net_bake(&copy, !full, NULL, err);
	if (rc == 0)
		rc = job_engine(&e, &copy, err);
	if (rc == 0)
		rc = um_evaluate(e, d, loss, accuracy, err);
	um_engine_free(e);
	net_checkpoint_release(&copy);
	return rc;
}

static void set_meta(const struct job_row *r)
{
	struct ts_meta *m = &job.c.header.meta;

	if (ts_meta_set_int(m, "epoch", r->epoch) < 0 || ts_meta_set_double(m, "train_loss", r->loss) < 0 ||
	    ts_meta_set_double(m, "train_accuracy", r->accuracy) < 0 ||
	    (job.o.um && ts_meta_set_double(m, "um", job.o.level) < 0) ||
	    (job.aux && ts_meta_set_str(m, "oe", job_oe_name()) < 0) ||
	    (job.held.n && ts_meta_set_double(m, "val_accuracy", r->val_accuracy) < 0))
		cli_oom();
}

/* The epoch of l->p is through: what it gave, into row, the checkpoint and the logs. */
static int finish_epoch(struct loop *l)
{
	const double n = (double)job.data.n;
	struct job_row r = { l->p.epoch + 1, um_lr(&job.o, l->p.epoch), l->p.loss / n, l->p.folded / n,
		(double)l->p.right / n, l->p.seconds, NAN, NAN,
		job.data.n - l->before, job.aux ? l->p.outlier / n : NAN };
	char name[64];
	int rc = take_state(l);

	if (rc < 0)
		return rc;
	if (job.held.n && job_evaluate(&job.c, &job.held, false, &r.val_loss, &r.val_accuracy, l->err) < 0)
		return -1;
	set_meta(&r);
	if (job_log_row(&r, l->err) < 0 || job_log_scores(&job.c, r.epoch, l->err) < 0)
		return -1;
	snprintf(name, sizeof name, "checkpoints/epoch_%04ld.ckpt", r.epoch);
	if (job.save_every && r.epoch % job.save_every == 0 && save(name, l->err) < 0)
		return -1;
	if (job.held.n && r.val_accuracy > l->best) {
		l->best = r.val_accuracy;
		if (save("checkpoints/best.ckpt", l->err) < 0)
			return -1;
	}
	l->p = um_epoch_start(&job.o, r.epoch);
	l->before = 0;
	return save_last(l);
}

/* SIGINT or SIGTERM: the batch is through, the checkpoint gets into place, the signal gets its way. */
static void stop(struct loop *l)
{
	if (save_last(l) < 0) {
		cli_error("%s", l->err);
		return;
	}
	job_say("stopped in epoch %ld after %zu images; --resume goes on from there", l->p.epoch + 1,
		l->p.row);
	if (job_log_close(l->err) < 0)
		cli_error("%s", l->err);
	cli_reraise_stop();
}

static int epochs(struct loop *l)
{
	const struct um_watch watch = { tick, job_dir_is_open() ? cli_stopping : NULL };
	int rc = 0;

	while (rc == 0 && l->p.epoch < job.o.epochs) {
		rc = um_train_epoch(l->m, &job.data, &job.o, l->oe, &l->p, &watch, l->err);
		if (rc == 0)
			rc = finish_epoch(l);
		if (rc == 1 || (rc == 0 && job_dir_is_open() && cli_stopping())) {
			stop(l);
			return -1;
		}
	}
	if (rc == 0)
		return 0;
	cli_error("%s", l->err);
	if (rc == -2 && job_dir_is_open())
		cli_error("the last good checkpoint is '%s'", job_dir_path(l->p.epoch > 0 || job.resumed ?
			  "checkpoints/last.ckpt" : "checkpoints/initial.ckpt"));
	return -1;
}

/* ---- a run ---- */

static int load_progress(struct loop *l)
{
	char why[UM_ERR];
	int rc = um_train_load(l->m, &l->p, &job.c, why);

	if (rc == 0 && l->oe)
		rc = um_oe_load(l->oe, &l->p, &job.c, why);
	if (rc == 0 && ts_meta_get_double(&job.c.header.meta, "train/best", &l->best) != 1) {
		snprintf(why, sizeof why, "'train/best' is missing: nothing can be resumed from it");
		rc = -1;
	}
	if (rc < 0)
		snprintf(l->err, UM_ERR, "'%.200s': %.250s", job_dir_path("checkpoints/last.ckpt"), why);
	return rc;
}

static int begin(struct loop *l)
{
	if (um_open(cli.device, cli.threads, l->err) < 0 || um_model_new(&l->m, &job.c, l->err) < 0 ||
	    um_model_train(l->m, &job.o, l->err) < 0)
		return -1;
	if (job.aux && um_oe_new(&l->oe, &job.c, l->m, &job.data, &job.outliers, &job.oe, &job.o, l->err) < 0)
		return -1;
	l->m->dropout = job.o.dropout;
	l->p = um_epoch_start(&job.o, 0);
	l->best = -1;
	if (job.resumed && load_progress(l) < 0)
		return -1;
	job_strip(&job.c);
	/* All that can be refused has been: a run that was not to be leaves no directory. */
	if (!job.resume && job_dir_open(l->err) < 0)
		return -1;
	if (job_log_open(job.resumed ? l->p.epoch : -1, l->err) < 0)
		return -1;
	if (job_dir_is_open()) {
		cli_catch_stop();
		job_say("run %s", job_dir_path(NULL));
	}
	if (job.o.um)
		job_say("unleashing mask: loss folded at %g, beta %g", job.o.level, job.o.beta);
	if (l->oe)
		job_say("outlier exposure: %s, weight %g, %zu of %zu outliers an epoch", job_oe_name(),
			um_oe_weight(l->oe), um_oe_per_epoch(l->oe), job.outliers.n);
	if (job.resumed)
		job_say("resumed in epoch %ld after %zu images", l->p.epoch + 1, l->p.row);
	else if (save("checkpoints/initial.ckpt", l->err) < 0)
		return -1;
	images = job.data.n;
	l->before = l->p.row;
	return 0;
}

int job_run(void)
{
	struct loop l = { 0 };
	int rc = begin(&l);

	if (rc < 0)
		cli_error("%s", l.err);
	else
		rc = epochs(&l);
	if (rc == 0 && (cli.output || !job_dir_is_open()) &&
	    net_save(&job.c, cli.output, l.err) < 0)
		rc = cli_error("%s", l.err);
	um_oe_free(l.oe);
	um_model_free(l.m);
	if (rc == 0)
		rc = job_report(&job.c);
	if (job_log_close(l.err) < 0)
		rc = cli_error("%s", l.err);
	return rc;
}
