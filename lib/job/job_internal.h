/* SPDX-License-Identifier: MIT
 * What the files of lib/job know of each other. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include "err/err.h"
#include "job/job.h"
#include "um/run/um_engine.h"

/* Name of the images' source without its ending, fit for a file's name; static storage. */
const char *job_source(void);

/* One row of log.tsv. */
struct job_row {
	long epoch;                       /* done */
	double lr, loss, folded, accuracy, seconds;
	double val_loss, val_accuracy;    /* NAN: no validation */
	size_t n;                         /* images that the seconds were spent on */
	double outlier;                   /* of what outliers add to the loss; NAN: no outliers */
};

/* Opens job.run's directory: the newest there is, to resume, or a new one, which is made here: the last thing
 * before training, so that what is refused leaves none. Nothing without --run. -1 with a line in err . */
int job_dir_open(struct err *err) TS_CHECKED;
/* Path of a file in it (NULL: of itself); static storage, two at a time. */
const char *job_dir_path(const char *name);
bool job_dir_is_open(void);
/* Compares its settings with those of this call: -1 names the first that differs. */
int job_dir_same_settings(struct err *err) TS_CHECKED;
/* Begins the logs; rows after `epoch` are dropped from log.tsv, which a resumed run writes anew. */
int job_log_open(long epoch, struct err *err) TS_CHECKED;
/* Says a line on stderr and in the directory. */
void job_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int job_log_row(const struct job_row *row, struct err *err) TS_CHECKED;
/* Values of all scores, for the histogram. */
int job_log_scores(const struct net_checkpoint *c, long epoch, struct err *err) TS_CHECKED;
int job_log_close(struct err *err) TS_CHECKED;

/* Holds that the options of outlier exposure agree; misuse ends the program. */
void job_oe_check(void);
/* Name of the method, static storage. */
const char *job_oe_name(void);
/* Reads --aux into job.outliers, with what the history needs of its header in h. -1 after a message, or
 * with a line in err. */
int job_oe_read(struct ts_header *h, struct err *err) TS_CHECKED;

/* How networks are run that are to be evaluated: as the command line says. */
struct um_engine_options job_how(void);
/* An engine for a checkpoint whose masks are baked. */
int job_engine(struct um_engine **ret, struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* Loss and accuracy of the network (the masked one, if there are masks, unless full). */
int job_evaluate(const struct net_checkpoint *c, const struct um_data *d, bool full, double *loss,
		 double *accuracy, struct err *err) TS_CHECKED;

#endif
