/* SPDX-License-Identifier: MIT
 *
 * job: a training run, which um-train and um-prune share: its options, its data, its run directory, the loop of
 * epochs, resuming. What a run is asked for (struct job_options) and what is open of it (struct job) are the
 * caller's, and nothing is kept elsewhere, so a process may have several. Says the run's log through lib/cli;
 * functions that return int give -1 with a line in err, which the tool prints.
 *
 *	static struct job_options o;
 *	static struct cli_option rows[JOB_OPTION_ROWS];
 *	static const struct cli_tool tool = { ..., rows };
 *
 *	job_options_init(&o, rows);
 *	first = cli_parse(&tool, argc, argv);
 *	if (job_options_check(&o, &err) < 0)
 *		cli_usage("%s", err.text);
 *	rc = job_join(&o, &err);				// with the other ranks
 *	rc = job_open(&job, &o, reader, fresh, NULL, &err);	// data and the checkpoint to start from
 *	if (rc == 0 && !job.resumed)
 *		rc = my_change(&job.c, &err);
 *	if (rc == 0)
 *		rc = job_run(&job, &err);			// train, write
 *	job_close(&job);
 *	job_options_release(&o);
 *
 * A run directory (--run DIR) is DIR/CONFIG/NAME, of a network with masks that keep K of its weights
 * DIR/CONFIG/NAME/prune_rate=K, or a numbered folder in it if that is taken; CONFIG is the config file's stem (without
 * one, the tool's name):
 *
 *	settings.yaml          every option with its value; use as --config
 *	log.tsv                a line per epoch
 *	SET_log.txt            what was said; SET is the source of the images
 *	checkpoints/           initial, last, best (by validation accuracy), epoch_NNNN (--save-every)
 *	logs/                  TensorBoard's events
 *
 * A run may be resumed with more epochs than it has: it goes on to these, with the learning rate of each epoch's number
 * among them, and is from then on a run of so many, which its settings and its history say.
 * last.ckpt has all that --resume needs: with it, a run that was killed at any moment ends in the
 * same bytes as one that was not. It is written after each epoch, and when SIGINT or SIGTERM ends
 * the run in the middle of one. A run that was killed before its first is begun again from initial.ckpt, and one that
 * has not even that from the beginning, in its directory. Resuming removes the temporaries that kills left there.
 */
#ifndef JOB_H
#define JOB_H

#include <limits.h>
#include <stdio.h>

#include "cli/cli.h"
#include "err/err.h"
#include "kit/kit_team.h"
#include "um/oe/um_oe.h"
#include "um/run/um_engine.h"
#include "um/um.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options: what the command line fills ---- */

/* --criterion: the fold if --um is given, never, or --um must be given. */
enum job_criterion { JOB_AUTO, JOB_CE, JOB_UM };

/* Of the products of training; validation and reports are in floats always. */
enum job_precision { JOB_F32, JOB_BF16 };

struct job_options {
	struct um_train_options train;
	struct um_oe_options oe;
	const char *aux;   /* file of outliers, or NULL */
	double beta;       /* NAN: not given */
	long criterion;    /* enum job_criterion */
	long engine;       /* enum um_runner */
	long precision;    /* enum job_precision */
	const char *start; /* checkpoint to start from, or NULL; the tool's option */
	const char *val, *run, *name;
	double val_fraction;
	const char *held;            /* file for the images that --val-fraction holds out, or NULL */
	long save_every, max_memory; /* MiB */
	bool resume, print_run;
	struct cli_list ood; /* NAME=FILE to report on at the end */
	double keep; /* for the directory's name: kept fraction; NAN: the masks' of the checkpoint, if it has any */
	struct kit_ranks ranks; /* several processes are one training, see job_join(), */
	bool sync_bn;           /* and batch norms go by the images of all */

	/* Of the options that all tools share; job_options_check() sets them. */
	struct um_engine_options how; /* networks are run */
	struct team *team;            /* job_join() sets it; NULL: this process is alone */
	struct ts_writer *out;        /* where the checkpoint goes, open since the beginning, so that what took hours
				       * can be written; borrowed; NULL: to the run directory alone */
};

/* Sets *o to the defaults, and table to the table of its options, which is to be the `more` of a struct cli_tool. */
enum { JOB_OPTION_ROWS = 60 };
void job_options_init(struct job_options *o, struct cli_option table[JOB_OPTION_ROWS]);
/* Checks that the options agree, and completes them. -1: misuse. */
int job_options_check(struct job_options *o, struct err *err) TS_CHECKED;
void job_options_release(struct job_options *o);

/* Where there are several ranks they become one training, o->team, see kit_join(). Rank 0 alone reads checkpoints and writes; o->out stays NULL for the others. Failures are said by
 * kit_say_failure() from here on. */
int job_join(struct job_options *o, struct err *err) TS_CHECKED;
/* Is this process the one that reads checkpoints and writes? */
bool job_is_first(const struct job_options *o);

/* ---- a run: what is open ---- */

enum { JOB_DIR = PATH_MAX, JOB_PATH = JOB_DIR + 64 }; /* bytes of the path of a run directory; of one in it */
enum { JOB_START, JOB_IMAGES, JOB_VAL, JOB_AUX, JOB_PARENTS };

struct job {
	const struct job_options *o; /* borrowed */
	struct net_checkpoint c;
	struct um_data data, held;             /* to train on, to validate on (n = 0: none) */
	struct um_data outliers;               /* of --aux (n = 0: none) */
	const char *input;                     /* name of the stream that the data came from, the reader's */
	uint64_t hash, aux_hash;               /* of all of the data; of the outliers */
	bool resumed;                          /* c is what a run resumes from, */
	bool at_start;                         /* which is its initial.ckpt: no epoch was saved; */
	long was;                              /* of so many epochs, fewer than asked for now; 0: as many */
	double keep;                           /* for the directory's name; NAN: nothing is pruned */
	struct ts_header parents[JOB_PARENTS]; /* what the history needs of what was read */

	char dir[JOB_DIR];  /* the run directory; empty: none */
	int lock;           /* on it; -1: none */
	FILE *table, *text; /* log.tsv, SET_log.txt; NULL: not open */
	struct tb_writer *events;
};

/* Makes a network for the data where there is no checkpoint to start from. */
typedef int job_fresh(void *data, struct net_checkpoint *c, const struct um_data *d, struct err *err);

/* Reads the data from r to its end, and the checkpoint to start from: o->start, or that of the run to be resumed;
 * without either, fresh(data, ...) makes one. -1: errors of r are in err too. job_close() it also then. The reader
 * stays open until then. */
int job_open(struct job *j, const struct job_options *o, struct ts_reader *r, job_fresh *fresh, void *data,
	     struct err *err) TS_CHECKED;
/* Trains j->c, keeps the run directory, writes the checkpoint to o->output, reports. JOB_STOPPED: SIGINT or SIGTERM
 * came, which a run with a directory waits for; all is written, and the caller ends by cli_reraise_stop(). */
enum job_end { JOB_FAILED = -1, JOB_DONE, JOB_STOPPED };
enum job_end job_run(struct job *j, struct err *err) TS_CHECKED;
/* Says accuracy of the network, of both if it is masked, on the data held for validation, and how each score tells the
 * sets of --ood from it. */
int job_report(const struct job *j, struct err *err) TS_CHECKED;
void job_close(struct job *j);
/* Prints the run directory that --resume would take: the newest of these options. -1: there is none. */
int job_print_run(const struct job_options *o, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
