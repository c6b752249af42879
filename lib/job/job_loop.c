/* SPDX-License-Identifier: MIT
 * The loop of epochs: train, validate, save, log; stop and resume. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "job/job_internal.h"

struct loop {
	struct job *j;
	struct um_model *m;
	struct um_oe *oe; /* NULL: no outliers */
	struct um_progress p;
	double best;           /* validation accuracy of best.ckpt; below 0: none yet */
	double accuracy;       /* of the last epoch, */
	long epochs;           /* epochs done by this call */
	size_t before;         /* images of the epoch already done when the run was resumed */
	long steps;            /* of this call's epochs, */
	double seconds;        /* the time that they took, */
	struct team_cost cost; /* and the cost of communication between ranks */
	bool noted;            /* what the executor had to say has been said */
};

static void tick(void *data, const struct um_progress *p)
{
	const struct job *j = ((struct loop *)data)->j;
	const double n = (double)j->data.n, epochs = (double)j->o->train.epochs;
	const char *pace = cli_pace("images", (double)p->epoch * n + (double)p->row, epochs * n);

	cli_progress("epoch %ld/%ld, %zu of %zu images, loss %.4f, %s", p->epoch + 1, j->o->train.epochs, p->row,
		     j->data.n, p->loss / (double)p->row, pace);
}

/* Only a run with a directory can stop and be resumed. Ranks stop together. */
static bool stopping(void *data)
{
	const struct job_options *o = ((struct loop *)data)->j->o;

	return o->run && team_any(o->team, cli_stopping());
}

/* ---- checkpoints of the run ---- */

static int save(struct job *j, const char *name, struct err *err)
{
	char path[JOB_PATH];

	return job_dir_is_open(j) ? net_save(&j->c, job_dir_path(j, name, path), err) : 0;
}

/* Copies the model's values to the checkpoint. UM_DIVERGED: some are not finite, so they must not replace a good
 * checkpoint. The loss may still be finite when the statistics of a batch norm no longer are. */
static int take_state(struct loop *l, struct err *err)
{
	struct net_checkpoint *c = &l->j->c;
	const struct um_train_options *o = &l->j->o->train;
	const struct ts_set *const sets[] = { &c->state, &c->extra };

	if (um_model_state(l->m, c, err) < 0)
		return UM_FAILED;
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < sets[s]->n; i++) {
			const struct ts_tensor *t = &sets[s]->t[i];

			for (size_t k = 0; t->type == TS_F32 && k < ts_tensor_count(t); k++)
				if (!isfinite(((const float *)t->data)[k])) {
					err_fail(err,
						 "'%s' is no longer finite: training diverged; "
						 "try a smaller --lr (it is %g)",
						 t->name, um_lr(o, l->p.epoch));
					return UM_DIVERGED;
				}
		}
	return 0;
}

/* Adds to the checkpoint the data that it is trained on, and for how long. */
static int add_data(struct loop *l, struct err *err)
{
	struct ts_meta *m = &l->j->c.header.meta;

	if ((l->oe && ts_meta_set_int(m, "train/aux", (int64_t)l->j->aux_hash) < 0) ||
	    (l->j->o->val && ts_meta_set_int(m, "train/val", (int64_t)l->j->val_hash) < 0) ||
	    ts_meta_set_int(m, "train/epochs", l->j->o->train.epochs) < 0 ||
	    ts_meta_set_int(m, "train/data", (int64_t)l->j->hash) < 0)
		return err_memory(err);
	return 0;
}

/* Adds to the checkpoint all that is needed to go on from here. */
static int add_progress(struct loop *l, struct err *err)
{
	struct net_checkpoint *c = &l->j->c;
	struct ts_meta *m = &c->header.meta;

	if (um_train_save(l->m, &l->p, c, err) < 0 || (l->oe && um_oe_save(l->oe, &l->p, c, err) < 0))
		return -1;
	if (ts_meta_set_double(m, "train/best", l->best) < 0)
		return err_memory(err);
	return add_data(l, err);
}

/* Writes initial.ckpt, from which a run starts again if it is killed before it has a last.ckpt. */
static int save_initial(struct loop *l, struct err *err)
{
	int rc;

	if (!job_dir_is_open(l->j))
		return 0;
	rc = add_data(l, err) < 0 ? -1 : save(l->j, "checkpoints/initial.ckpt", err);
	net_strip(&l->j->c);
	return rc;
}

/* Writes last.ckpt: the model as it is now, and where training stands. */
static int save_last(struct loop *l, struct err *err)
{
	int rc;

	if (!job_dir_is_open(l->j))
		return 0;
	rc = take_state(l, err);
	if (rc == 0)
		rc = add_progress(l, err);
	if (rc == 0)
		rc = save(l->j, "checkpoints/last.ckpt", err);
	net_strip(&l->j->c);
	return rc;
}

/* ---- an epoch ---- */

static int set_meta(struct job *j, const struct job_row *r, struct err *err)
{
	const struct job_options *o = j->o;
	struct ts_meta *m = &j->c.header.meta;

	if (ts_meta_set_int(m, "epoch", r->epoch) < 0 || ts_meta_set_double(m, "train_loss", r->loss) < 0 ||
	    ts_meta_set_double(m, "train_accuracy", r->accuracy) < 0 ||
	    (o->train.um && ts_meta_set_double(m, "um", o->train.level) < 0) ||
	    (o->aux && ts_meta_set_str(m, "oe", um_oe_name(o->oe.method)) < 0) ||
	    (j->held.n && ts_meta_set_double(m, "val_accuracy", r->val.accuracy) < 0))
		return err_memory(err);
	return 0;
}

/* Saves the checkpoints that --save-every asks for, and the best one. */
static int keep(struct loop *l, const struct job_row *r, struct err *err)
{
	struct job *j = l->j;
	char name[64];

	snprintf(name, sizeof name, "checkpoints/epoch_%04ld.ckpt", r->epoch);
	if (j->o->save_every && r->epoch % j->o->save_every == 0 && save(j, name, err) < 0)
		return -1;
	if (!j->held.n || !(r->val.accuracy > l->best))
		return 0;
	l->best = r->val.accuracy;
	return save(j, "checkpoints/best.ckpt", err);
}

/* Finishes the epoch of l->p: writes its results to the checkpoint and the logs. */
static int finish_epoch(struct loop *l, struct err *err)
{
	struct job *j = l->j;
	const struct um_train_options *o = &j->o->train;
	const double n = (double)j->data.n;
	struct job_row r = { .epoch = l->p.epoch + 1,
			     .lr = um_lr(o, l->p.epoch),
			     .loss = l->p.loss / n,
			     .folded = l->p.folded / n,
			     .accuracy = (double)l->p.right / n,
			     .seconds = l->p.seconds,
			     .val = { NAN, NAN, NAN },
			     .n = j->data.n - l->before,
			     .outlier = l->oe ? l->p.outlier / n : NAN };
	int rc = take_state(l, err);

	if (rc < 0)
		return rc;
	if (job_team_values(j, err) < 0)
		return UM_FAILED;
	l->accuracy = r.accuracy;
	l->epochs++;
	if (j->held.n && job_evaluate(j, &r.val, err) < 0)
		return UM_FAILED;
	if (set_meta(j, &r, err) < 0 || job_log_row(j, &r, err) < 0 || job_log_scores(j, r.epoch, err) < 0 ||
	    keep(l, &r, err) < 0)
		return UM_FAILED;
	l->p = um_epoch_start(o, r.epoch);
	l->before = 0;
	return save_last(l, err);
}

/* After SIGINT or SIGTERM, when the batch is done: saves the checkpoint. */
static enum job_end stop(struct loop *l, struct err *err)
{
	if (save_last(l, err) < 0)
		return JOB_FAILED;
	job_say(l->j, "stopped in epoch %ld after %zu images; --resume goes on from there", l->p.epoch + 1, l->p.row);
	return JOB_STOPPED;
}

/* Trains an epoch, or the rest of it, and measures its cost. */
static int train_epoch(struct loop *l, struct err *err)
{
	const struct um_watch watch = { l, tick, stopping };
	const struct job *j = l->j;
	const struct team_cost before = team_cost(j->o->team);
	const double seconds = l->p.seconds;
	const long steps = l->m->steps;
	const int rc = um_train_epoch(l->m, &j->data, &j->o->train, l->oe, &l->p, &watch, err);
	const struct team_cost after = team_cost(j->o->team);

	l->cost.bytes += after.bytes - before.bytes;
	l->cost.seconds += after.seconds - before.seconds;
	l->seconds += l->p.seconds - seconds;
	l->steps += l->m->steps - steps;
	if (!l->noted && um_exec_note(l->m->exec))
		job_say(l->j, "%s", um_exec_note(l->m->exec));
	l->noted = um_exec_note(l->m->exec) != NULL;
	return rc;
}

static void say_cost(const struct loop *l)
{
	if (l->j->o->team && l->steps > 0 && l->seconds > 0)
		job_say(l->j,
			"rank 0 sent %.3g MB a step; %.1f %% of the time went into that and into waiting for others",
			(double)l->cost.bytes / 1e6 / (double)l->steps, 100 * l->cost.seconds / l->seconds);
}

static enum job_end epochs(struct loop *l, struct err *err)
{
	struct job *j = l->j;
	char path[JOB_PATH];
	int rc = 0;

	while (rc == 0 && l->p.epoch < j->o->train.epochs) {
		rc = train_epoch(l, err);
		if (rc == 0)
			rc = finish_epoch(l, err);
		if (rc == UM_STOPPED || (rc == 0 && stopping(l)))
			return stop(l, err);
	}
	if (rc == 0) {
		say_cost(l);
		if (l->epochs > 0)
			job_doubts_after(j, l->accuracy, l->m->steps);
	}
	if ((rc == UM_DIVERGED || (rc < 0 && team_check(j->o->team, err) < 0)) && job_dir_is_open(j))
		err_append(err, "; the last good checkpoint is '%s'",
			   job_dir_path(j,
					l->p.epoch > 0 || (j->resumed && !j->at_start) ? "checkpoints/last.ckpt" :
											 "checkpoints/initial.ckpt",
					path));
	return rc < 0 ? JOB_FAILED : JOB_DONE;
}

/* ---- a run ---- */

static int load_progress(struct loop *l, struct err *err)
{
	const struct net_checkpoint *c = &l->j->c;
	char path[JOB_PATH];
	int rc = um_train_load(l->m, &l->p, c, err);

	if (rc == 0 && l->oe)
		rc = um_oe_load(l->oe, &l->p, c, err);
	if (rc == 0 && ts_meta_get_double(&c->header.meta, "train/best", &l->best) != 1)
		rc = err_fail(err, "'train/best' is missing: nothing can be resumed from it");
	return rc < 0 ? err_prefix(err, "'%s': ", job_dir_path(l->j, "checkpoints/last.ckpt", path)) : 0;
}

/* Creates the model on the device, and the state of its training. */
static int make(struct loop *l, struct err *err)
{
	struct job *j = l->j;
	const struct job_options *o = j->o;
	const size_t batch = (size_t)o->train.batch < j->data.n ? (size_t)o->train.batch : j->data.n;
	const size_t outliers = o->aux ? um_oe_outliers(&o->oe, batch) : 0;
	const struct um_exec_options how = { .torch = o->how.torch,
					     .device = o->how.device,
					     .threads = o->how.threads,
					     .batch = team_share_most(o->team, batch) +
						      team_share_most(o->team, outliers),
					     .team = o->team,
					     .sync_bn = o->sync_bn,
					     .dropout = o->train.dropout,
					     .precision = o->precision };

	if (job_team_batches(j, err) < 0 || um_model_new(&l->m, &j->c, &how, err) < 0 ||
	    um_model_train(l->m, &o->train, err) < 0)
		return -1;
	if (o->aux && um_oe_new(&l->oe, l->m, &j->data, &j->outliers, &o->oe, &o->train, err) < 0)
		return -1;
	l->p = um_epoch_start(&o->train, 0);
	l->best = -1;
	if (j->resumed && !j->at_start && load_progress(l, err) < 0)
		return -1;
	l->before = l->p.row;
	net_strip(&j->c);
	return 0;
}

/* Extends the run to more epochs. Settings are written first: until the checkpoint agrees, a run that is killed and
 * resumed comes here again. */
static int go_on(struct loop *l, struct err *err)
{
	struct job *j = l->j;
	const long e = l->p.epoch;

	if (job_dir_begin(j, err) < 0)
		return -1;
	job_say(j, "%ld epochs, before %ld: the learning rate is that of epoch %ld of %ld, %.6g, and so on", //
		j->o->train.epochs, j->was, e + 1, j->o->train.epochs, um_lr(&j->o->train, e));
	return j->at_start ? save_initial(l, err) : save_last(l, err);
}

static int begin(struct loop *l, struct err *err)
{
	struct job *j = l->j;
	const struct job_options *o = j->o;

	if (make(l, err) < 0)
		return -1;
	/* Everything that can be refused has been checked: a refused run leaves no directory. */
	if (!o->resume && job_dir_open(j, err) < 0)
		return -1;
	if (job_log_open(j, j->resumed ? l->p.epoch : -1, err) < 0)
		return -1;
	if (o->run)
		cli_catch_stop();
	if (job_dir_is_open(j))
		job_say(j, "run %s", j->dir);
	if (o->team)
		job_say(j, "%d ranks, rank 0 with %ld threads; batch norms use %s", team_size(o->team), o->how.threads,
			o->sync_bn ? "the whole batch" : "each rank's part of a batch (--sync-bn: the whole)");
	if (l->m->where[0])
		job_say(j, "%s", l->m->where);
	if (o->train.um)
		job_say(j, "unleashing mask: loss folded at %g, beta %g", o->train.level, o->train.beta);
	if (l->oe)
		job_say(j, "outlier exposure: %s, weight %g, %zu of %zu outliers per epoch", um_oe_name(o->oe.method),
			um_oe_weight(l->oe), um_oe_per_epoch(l->oe), j->outliers.n);
	job_doubts_before(j);
	if (!j->resumed)
		return save_initial(l, err);
	if (j->was && go_on(l, err) < 0)
		return -1;
	if (j->at_start)
		job_say(j, "no epoch was saved: starting again from initial.ckpt");
	else
		job_say(j, "resumed in epoch %ld after %zu images", l->p.epoch + 1, l->p.row);
	return 0;
}

enum job_end job_run(struct job *j, struct err *err)
{
	struct loop l = { .j = j };
	enum job_end end = begin(&l, err) < 0 ? JOB_FAILED : epochs(&l, err);
	struct err closing;

	/* Everything is in the run directory: a signal no longer loses anything, and need not wait. */
	if (end == JOB_DONE && j->o->run)
		cli_release_stop();
	if (end == JOB_DONE && j->o->out && net_write(&j->c, j->o->out, err) < 0)
		end = JOB_FAILED;
	um_oe_free(l.oe);
	um_model_free(l.m);
	if (end == JOB_DONE && job_is_first(j->o) && job_report(j, err) < 0)
		end = JOB_FAILED;
	if (job_log_close(j, &closing) < 0 && end != JOB_FAILED) {
		*err = closing;
		end = JOB_FAILED;
	}
	return end;
}
