/* SPDX-License-Identifier: MIT
 *
 * job: a training run, which um-train and um-prune share: its options, its data, its run directory,
 * the loop of epochs, resuming. With lib/cli the only library that talks to the user; the tools add
 * what they do to the checkpoint before.
 *
 *	static const struct cli_tool tool = { ..., job_options };
 *	job_check();					// after cli_parse()
 *	if (job_open(reader) == 0 &&			// data and the checkpoint to start from
 *	    (job.resumed || my_change(&job.c) == 0))
 *		rc = job_run();				// train, write
 *	job_close();
 *
 * A run directory (--run DIR) is DIR/CONFIG/NAME/prune_rate=K, or a numbered folder in it if that is
 * taken; CONFIG is the config file's stem (without one, the tool's name):
 *
 *	settings.yaml          every option with its value; use as --config
 *	log.tsv                a line an epoch
 *	SET_log.txt            what was said; SET is the source of the images
 *	checkpoints/           initial, last, best (by validation accuracy), epoch_NNNN (--save-every)
 *	logs/                  TensorBoard's events
 *
 * last.ckpt has all that --resume needs: with it, a run that was killed at any moment ends in the
 * same bytes as one that was not. It is written after each epoch, and when SIGINT or SIGTERM ends
 * the run in the middle of one.
 */
#ifndef JOB_H
#define JOB_H

#include "cli/cli.h"
#include "err/err.h"
#include "um/um.h"
#include "um/oe/um_oe.h"

#ifdef __cplusplus
extern "C" {
#endif

struct job {
	/* The options. */
	struct um_train_options o;
	struct um_oe_options oe;
	const char *aux;                  /* file of outliers, or NULL */
	double beta;                      /* NAN: not given */
	long criterion;                   /* 0 as --um says, 1 plain, 2 folded */
	const char *start;                /* checkpoint to start from, or NULL; the tool's option */
	const char *val, *run, *name;
	double val_fraction;
	long save_every, max_memory;
	bool resume;
	struct cli_list ood;              /* NAME=FILE to report on at the end */
	double keep;                      /* for the directory's name: kept fraction, NAN: the checkpoint's */

	/* Of the run. */
	struct net_checkpoint c;
	struct um_data data, held;        /* to train on, to validate on (n = 0: none) */
	struct um_data outliers;          /* of --aux (n = 0: none) */
	const char *input;                /* name of the stream that the data came from */
	uint64_t hash, aux_hash;          /* of all of the data; of the outliers */
	bool resumed;                     /* c is what a run resumes from */
};
extern struct job job;
extern const struct cli_option job_options[];

/* Holds that the options agree; misuse ends the program. */
void job_check(void);
/* Reads the data from r, and the checkpoint to start from: job.start, or that of the run to be
 * resumed; without either job.c has no network yet, and `fresh` makes one for the data. -1 after a
 * message; the reader's own errors are left to cli_check_reader(). */
int job_open(struct ts_reader *r, int (*fresh)(struct net_checkpoint *c, const struct um_data *d,
					       struct err *err)) TS_CHECKED;
/* Trains job.c, keeps the run directory, writes the checkpoint to cli.output, reports. -1 after a
 * message. SIGINT and SIGTERM end the program here if there is a run directory. */
int job_run(void) TS_CHECKED;
/* Says accuracy and OOD scores (energy) of the network, of both if it is masked, on the data held for
 * validation and the sets of --ood. */
int job_report(const struct net_checkpoint *c) TS_CHECKED;
void job_close(void);

#ifdef __cplusplus
}
#endif
#endif
