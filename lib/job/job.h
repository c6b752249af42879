/* SPDX-License-Identifier: MIT
 *
 * job: a training run, shared by um-train and um-prune: its options, its data, its run directory, the loop of epochs,
 * resuming. The request (struct job_options) and the state of the run (struct job) belong to the caller, and nothing is
 * kept elsewhere, so a process may have several runs. The run's log goes through lib/cli; functions that return int
 * give -1 with a line in err, which the tool prints.
 *
 *	static struct job_options o;
 *	static struct cli_option rows[JOB_OPTION_ROWS];
 *	static const struct cli_tool tool = { ..., rows };
 *
 *	job_options_init(&o, rows);
 *	first = cli_parse(&tool, argc, argv);
 *	if (job_options_check(&o, &err) < 0)
 *		cli_usage("%s", err.text);
 *	return job_main(&o, &(struct job_program){ .fresh = my_network }, cli_operand(first, argc, argv));
 *
 * A run directory (--run DIR) is DIR/CONFIG/NAME, for a network with masks that keep K of its weights
 * DIR/CONFIG/NAME/prune_rate=K, or a numbered folder in it if that is taken; CONFIG is the config file's stem (without
 * one, the tool's name):
 *
 *	settings.yaml          every option with its value; use as --config
 *	log.tsv                one line per epoch
 *	SET_log.txt            the run's messages; SET is the source of the images
 *	checkpoints/           initial, last, best (by validation accuracy), epoch_NNNN (--save-every)
 *	logs/                  TensorBoard's events
 *
 * A run may be resumed with more epochs than before: it continues to the new number, with the learning rates of a run
 * of that length, and its settings and its history change to it. last.ckpt has all that --resume needs: with it, a run
 * that was killed at any moment ends in the same bytes as one that was not. It is written after each epoch, and when
 * SIGINT or SIGTERM ends the run in the middle of one. A run that was killed before its first last.ckpt starts again
 * from initial.ckpt, and one without even that from the beginning, in its directory. Resuming removes temporary files
 * that kills left there.
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

/* ---- options, filled by the command line ---- */

/* --criterion: the fold if --um is given, never, or --um must be given. */
enum job_criterion { JOB_AUTO, JOB_CE, JOB_UM };

struct job_options {
	struct um_train_options train;
	struct um_oe_options oe;
	const char *aux;   /* file of outliers, or NULL */
	double beta;       /* NAN: not given */
	long criterion;    /* enum job_criterion */
	long engine;       /* enum um_runner */
	long precision;    /* enum um_precision, in training; validation and reports always use floats */
	const char *start; /* checkpoint to start from, or NULL; the tool's option */
	const char *val, *run, *name;
	double val_fraction;
	const char *held;            /* file for the images that --val-fraction holds out, or NULL */
	long save_every, max_memory; /* MiB */
	bool resume, print_run;
	struct cli_list ood; /* NAME=FILE, to report on at the end */
	double keep; /* kept fraction, for the directory's name; NAN: that of the checkpoint's masks, if it has any */
	struct kit_ranks ranks; /* several processes train together, see job_join(), */
	bool sync_bn;           /* and batch norms use the images of all */

	/* From the options that all tools share; job_options_check() sets them. */
	struct um_engine_options how; /* how networks are run */
	struct team *team;            /* set by job_join(); NULL: this process is alone */
	struct ts_writer *out;        /* where the checkpoint goes, opened at the start so that hours of work do not
				       * fail at the end; borrowed; NULL: only the run directory */
};

/* Sets *o to the defaults, and fills table, the table of its options, which becomes `more` in a struct cli_tool. */
enum { JOB_OPTION_ROWS = 60 };
void job_options_init(struct job_options *o, struct cli_option table[JOB_OPTION_ROWS]);
/* Checks that the options agree, and completes them. -1: misuse. */
int job_options_check(struct job_options *o, struct err *err) TS_CHECKED;
void job_options_release(struct job_options *o);

/* With several ranks, joins them to train together, as o->team; see kit_join(). Only rank 0 reads checkpoints and
 * writes; o->out stays NULL for the others. From here on kit_say_failure() reports failures. */
int job_join(struct job_options *o, struct err *err) TS_CHECKED;
/* Is this the process that reads checkpoints and writes? */
bool job_is_first(const struct job_options *o);

/* ---- the state of a run ---- */

enum { JOB_DIR = PATH_MAX, JOB_PATH = JOB_DIR + 64 }; /* bytes of the path of a run directory; of a file in it */
enum { JOB_START, JOB_IMAGES, JOB_VAL, JOB_AUX, JOB_PARENTS };

struct job {
	const struct job_options *o; /* borrowed */
	struct net_checkpoint c;
	struct um_data data, held;             /* to train on, to validate on (n = 0: none) */
	struct um_data outliers;               /* of --aux (n = 0: none) */
	const char *input;                     /* name of the stream of the data, the reader's */
	uint64_t hash, aux_hash, val_hash;     /* of all of the data; of the outliers; of the images of --val */
	bool resumed;                          /* c is the checkpoint of a resumed run, */
	bool at_start;                         /* namely its initial.ckpt: no epoch was saved; */
	long was;                              /* the run's old number of epochs, if fewer than asked for now; else 0 */
	double keep;                           /* for the directory's name; NAN: nothing is pruned */
	struct ts_header parents[JOB_PARENTS]; /* headers that were read, for the history */

	char dir[JOB_DIR];  /* the run directory; empty: none */
	int lock;           /* on it; -1: none */
	FILE *table, *text; /* log.tsv, SET_log.txt; NULL: not open */
	struct tb_writer *events;
};

enum job_end { JOB_FAILED = -1, JOB_DONE, JOB_STOPPED };

/* What a program adds to a run. What is NULL is left out; data is passed on to each. */
struct job_program {
	void *data;
	const char *alone; /* what one process does by itself ("computes the mask"), so that more are refused */
	/* Makes a network for the data if there is no checkpoint to start from; needed unless o->start is always set. */
	int (*fresh)(void *data, struct net_checkpoint *c, const struct um_data *d, struct err *err);
	/* Checks the checkpoint o->start before the data are read, also if the run is resumed; on rank 0 only. */
	int (*check)(void *data, const struct net_checkpoint *c, struct err *err);
	/* Changes the network of a run that begins, but not of one that is resumed. */
	int (*begin)(void *data, struct job *j, struct err *err);
	/* Replaces job_run(). */
	enum job_end (*run)(void *data, struct job *j, struct err *err);
};

/* The rest of main(), from options that were checked: joins the other ranks; then prints the run's directory, if that
 * is asked for, or opens input and output, calls job_open(), job_run() and job_close(), and reports what fails. Returns
 * the exit status. */
int job_main(struct job_options *o, const struct job_program *p, const char *input);

/* Reads the data from r to its end, and the checkpoint to start from: o->start, or that of the run to be resumed;
 * without either, p->fresh() makes one. Then calls p->begin(). -1: err has errors of r, too. Call job_close() even
 * then. The reader stays open until then. */
int job_open(struct job *j, const struct job_options *o, struct ts_reader *r, const struct job_program *p,
	     struct err *err) TS_CHECKED;
/* Trains j->c, keeps the run directory up to date, writes the checkpoint to o->output, and reports. JOB_STOPPED: SIGINT
 * or SIGTERM came (a run with a directory handles them); all is written, and the caller ends with
 * cli_reraise_stop(). */
enum job_end job_run(struct job *j, struct err *err) TS_CHECKED;
/* Reports the accuracy of the network (of both networks if it is masked) on the validation data, and how well each
 * score tells the sets of --ood from it. */
int job_report(const struct job *j, struct err *err) TS_CHECKED;
void job_close(struct job *j);
/* Prints the run directory that --resume would take: the newest with these options. -1: there is none. */
int job_print_run(const struct job_options *o, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
