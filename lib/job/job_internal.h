/* SPDX-License-Identifier: MIT
 * What the files of lib/job know of each other. Arrows go one way: job_loop on job_report, job_log, job_data; these on
 * job_ood, job_score, job_dir, job_oe; job_options on job_oe. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "err/err.h"
#include "job/job.h"

/* ---- job_dir.c: where a run is kept ---- */

/* Opens the run directory: the newest there is, to resume, or a new one, which is made here: the last thing
 * before training, so that what is refused leaves none. Nothing without --run. */
int job_dir_open(struct job *j, struct err *err) TS_CHECKED;
void job_dir_close(struct job *j);
/* Writes what a run's directory has from its beginning: again, if a run was killed before it had it, or goes on for
 * longer. */
int job_dir_begin(const struct job *j, struct err *err) TS_CHECKED;
/* Sets j->dir to the run that --resume would take, and does no more. */
int job_dir_find(struct job *j, struct err *err) TS_CHECKED;
bool job_dir_is_open(const struct job *j);
/* Writes the path of a file in it to buf, which is returned. */
const char *job_dir_path(const struct job *j, const char *name, char buf[JOB_PATH]);
/* Compares its settings with those of this call: -1 names the first that differs. More epochs may be asked for. */
int job_dir_same_settings(const struct job *j, struct err *err) TS_CHECKED;

/* ---- job_team.c: what ranks have in common ---- */

/* Rank 0's checkpoint, and how it is gone on from, become everybody's. */
int job_team_checkpoint(struct job *j, struct err *err) TS_CHECKED;
/* Have all read the same images? */
int job_team_images(const struct job *j, struct err *err) TS_CHECKED;
/* Do all have the same values in j->c? */
int job_team_values(const struct job *j, struct err *err) TS_CHECKED;
/* Has every rank an image of each pass? */
int job_team_batches(const struct job *j, struct err *err) TS_CHECKED;

/* ---- job_log.c: what is said ---- */

enum { JOB_WORTH = 96 };

/* One row of log.tsv. */
struct job_row {
	long epoch; /* done */
	double lr, loss, folded, accuracy, seconds;
	struct um_worth val; /* NANs: no validation */
	size_t n;            /* images that the seconds were spent on */
	double outlier;      /* of what outliers add to the loss; NAN: no outliers */
};

/* Begins the logs; rows after `epoch` are dropped from log.tsv, which a resumed run writes anew. */
int job_log_open(struct job *j, long epoch, struct err *err) TS_CHECKED;
/* Says a line on stderr and in the directory. */
void job_say(const struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* " val_loss= val_acc= val_acc5=" as lines have it, the last where there are more than five classes. */
const char *job_worth_text(const struct um_worth *w, char buf[JOB_WORTH]);
int job_log_row(struct job *j, const struct job_row *row, struct err *err) TS_CHECKED;
/* Values of all scores of j->c, for the histogram. */
int job_log_scores(struct job *j, long epoch, struct err *err) TS_CHECKED;
int job_log_close(struct job *j, struct err *err) TS_CHECKED;

/* ---- job_oe.c: outliers ---- */

/* Checks that the options of outlier exposure agree. */
int job_oe_check(const struct job_options *o, struct err *err) TS_CHECKED;
/* Reads --aux into j->outliers, and checks that they are outliers of j->c. */
int job_oe_read(struct job *j, struct err *err) TS_CHECKED;

/* ---- job_ood.c: scores ---- */

/* Says of each score and each set of --ood how well the network, masked or not, tells the set from the validation
 * images. */
int job_report_ood(const struct job *j, bool masked, const char *which, struct err *err) TS_CHECKED;

/* ---- job_score.c: what a network is worth ---- */

/* An engine for a checkpoint whose masks are baked. */
int job_engine(const struct job *j, struct um_engine **ret, struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* What j->c is worth on the data held for validation: the masked network if there are masks. */
int job_evaluate(const struct job *j, struct um_worth *worth, struct err *err) TS_CHECKED;

#endif
