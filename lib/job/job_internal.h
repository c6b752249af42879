/* SPDX-License-Identifier: MIT
 * Shared by the files of lib/job. Calls go one way: job_main calls job_loop and job_data; job_loop calls job_report,
 * job_log, job_doubts and job_data; job_doubts calls job_data; these call job_ood, job_score, job_dir and job_oe;
 * job_options calls job_oe. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "err/err.h"
#include "job/job.h"

/* ---- job_dir.c: where a run is kept ---- */

/* Opens the run directory: the newest one, to resume, or a new one. Comes last before training, so that a refused run
 * leaves no directory. Does nothing without --run. */
int job_dir_open(struct job *j, struct err *err) TS_CHECKED;
void job_dir_close(struct job *j);
/* Writes the first files of a run's directory; again, if the run was killed before they were there, or goes on for
 * longer. */
int job_dir_begin(const struct job *j, struct err *err) TS_CHECKED;
/* Only sets j->dir to the run that --resume would take. */
int job_dir_find(struct job *j, struct err *err) TS_CHECKED;
bool job_dir_is_open(const struct job *j);
/* Writes the path of a file in the run directory to buf, and returns buf. */
const char *job_dir_path(const struct job *j, const char *name, char buf[JOB_PATH]);
/* Compares the run's settings with those of this call; -1 names the first that differs. More epochs are allowed. */
int job_dir_same_settings(const struct job *j, struct err *err) TS_CHECKED;

/* ---- job_team.c: what ranks share ---- */

/* Gives all ranks rank 0's checkpoint, and how to continue from it. */
int job_team_checkpoint(struct job *j, struct err *err) TS_CHECKED;
/* Have all read the same images? */
int job_team_images(const struct job *j, struct err *err) TS_CHECKED;
/* Do all have the same values in j->c? */
int job_team_values(const struct job *j, struct err *err) TS_CHECKED;
/* Does every rank have an image in each pass? */
int job_team_batches(const struct job *j, struct err *err) TS_CHECKED;

/* The header of the images that --val-fraction holds out, as --held writes it; the caller releases it. */
int job_held_header(const struct job *j, struct ts_header *h, struct err *err) TS_CHECKED;

/* ---- job_doubts.c: warnings ---- */

/* What will not be as it was asked for, before training. */
void job_doubts_before(const struct job *j);
/* What training has not done: accuracy is that of the last epoch, steps those of the optimiser since the run began. */
void job_doubts_after(const struct job *j, double accuracy, long steps);

/* ---- job_log.c: messages ---- */

enum { JOB_WORTH = 96 };

/* One row of log.tsv. */
struct job_row {
	long epoch; /* done */
	double lr, loss, folded, accuracy, seconds;
	struct um_worth val; /* NANs: no validation */
	size_t n;            /* images processed in these seconds */
	double outlier;      /* the outliers' part of the loss; NAN: no outliers */
};

/* Begins the logs. Drops rows after `epoch` from log.tsv, as a resumed run writes them again. */
int job_log_open(struct job *j, long epoch, struct err *err) TS_CHECKED;
/* Prints a line to stderr and to the log in the directory. */
void job_say(const struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* " val_loss= val_acc= val_acc5=" for a line, the last only with more than five classes. */
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

/* Reports for each score and each set of --ood how well the network, masked or not, tells the set from the validation
 * images. */
int job_report_ood(const struct job *j, bool masked, const char *which, struct err *err) TS_CHECKED;

/* ---- job_score.c: how good a network is ---- */

/* An engine for a checkpoint whose masks are baked. */
int job_engine(const struct job *j, struct um_engine **ret, struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* How well j->c does on the validation data: the masked network, if there are masks. */
int job_evaluate(const struct job *j, struct um_worth *worth, struct err *err) TS_CHECKED;

#endif
