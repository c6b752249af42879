/* SPDX-License-Identifier: MIT
 * What a run says: log.tsv, SET_log.txt, TensorBoard's events. All are complete after each epoch. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"
#include "tb/tb.h"

static FILE *table, *text;
static struct tb_writer *events;
static const char heading[] =
	"epoch\tlr\tloss\tfolded\ttrain_acc\tval_loss\tval_acc\timages_s\tseconds";

static int fail(struct err *err, const char *what, const char *name)
{
	return err_fail(err, "cannot %s '%s': %s", what, job_dir_path(name), strerror(errno));
}

/* Keeps the heading and the rows up to `epoch` of log.tsv. */
static int open_table(long epoch, struct err *err)
{
	FILE *old = epoch >= 0 ? fopen(job_dir_path("log.tsv"), "r") : NULL;
	char line[512], *kept = NULL;
	size_t len;
	FILE *f = open_memstream(&kept, &len);

	if (!f)
		cli_oom();
	while (old && fgets(line, sizeof line, old))
		if (line[0] >= '0' && line[0] <= '9' && strtol(line, NULL, 10) <= epoch)
			fputs(line, f);
	if (old)
		fclose(old);
	if (fclose(f) != 0)
		cli_oom();
	table = fopen(job_dir_path("log.tsv"), "w");
	if (!table || fprintf(table, "%s%s\n", heading, job.aux ? "\toe" : "") < 0 ||
	    fputs(kept, table) < 0 || fflush(table) != 0) {
		free(kept);
		return fail(err, "write", "log.tsv");
	}
	free(kept);
	return 0;
}

int job_log_open(long epoch, struct err *err)
{
	char name[160];

	if (!job_dir_is_open())
		return 0;
	snprintf(name, sizeof name, "%s_log.txt", job_source());
	text = fopen(job_dir_path(name), "a");
	if (!text)
		return fail(err, "write", name);
	setvbuf(text, NULL, _IOLBF, 0);
	if (open_table(epoch, err) < 0)
		return -1;
	/* A resumed run takes back what an earlier file says of epochs that it does again. */
	events = tb_open(job_dir_path("logs"), epoch < 0 ? -1 : epoch + 1, err);
	return events ? 0 : -1;
}

void job_say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	cli_log("%s", line);
	if (text)
		fprintf(text, "%s\n", line);
}

static void put(const char *tag, long epoch, double v)
{
	if (!isnan(v))
		tb_scalar(events, tag, epoch, v);        /* errors are sticky, see below */
}

int job_log_row(const struct job_row *r, struct err *err)
{
	char val[96] = "", oe[32] = "";
	const double speed = r->seconds > 0 ? (double)r->n / r->seconds : 0;   /* 0: too fast to tell */

	if (!isnan(r->val_loss))
		snprintf(val, sizeof val, " val_loss=%.6g val_acc=%.4f", r->val_loss, r->val_accuracy);
	if (!isnan(r->outlier))
		snprintf(oe, sizeof oe, " oe=%.6g", r->outlier);
	job_say("epoch=%ld lr=%.6g loss=%.6g folded=%.6g%s train_acc=%.4f%s images_s=%.1f seconds=%.1f",
		r->epoch, r->lr, r->loss, r->folded, oe, r->accuracy, val, speed, r->seconds);
	if (!table)
		return 0;
	fprintf(table, "%ld\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.1f\t%.1f", r->epoch, r->lr, r->loss,
		r->folded, r->accuracy, r->val_loss, r->val_accuracy, speed, r->seconds);
	if (isnan(r->outlier))
		fputc('\n', table);
	else
		fprintf(table, "\t%.9g\n", r->outlier);
	put("train/loss", r->epoch, r->loss);
	put("train/folded", r->epoch, r->folded);
	put("train/outliers", r->epoch, r->outlier);
	put("train/accuracy", r->epoch, r->accuracy);
	put("val/loss", r->epoch, r->val_loss);
	put("val/accuracy", r->epoch, r->val_accuracy);
	put("lr", r->epoch, r->lr);
	put("time/epoch", r->epoch, r->seconds);
	if (tb_flush(events) < 0) {
		return err_fail(err, "%s", tb_error(events));
	}
	if (fflush(table) != 0 || ferror(table))
		return fail(err, "write", "log.tsv");
	return ferror(text) ? fail(err, "write", "the log of") : 0;
}

int job_log_scores(const struct net_checkpoint *c, long epoch, struct err *err)
{
	size_t n = 0;
	float *all = NULL;

	if (!events || !c->mask)
		return 0;
	for (size_t i = 0; i < c->extra.n; i++) {
		const struct ts_tensor *t = &c->extra.t[i];
		const char *end = strrchr(t->name, '.');
		const size_t more = ts_tensor_count(t);
		float *grown;

		if (!end || strcmp(end, ".scores") != 0 || net_is_run_state(t->name))
			continue;
		grown = realloc(all, (n + more) * sizeof *all);
		if (!grown)
			cli_oom();
		all = grown;
		memcpy(all + n, t->data, more * sizeof *all);
		n += more;
	}
	if (n && tb_histogram(events, "scores", epoch, all, n) < 0) {
		err_fail(err, "%s", tb_error(events));
		free(all);
		return -1;
	}
	free(all);
	return 0;
}

int job_log_close(struct err *err)
{
	int rc = 0;

	if (events && tb_flush(events) < 0) {
		err_fail(err, "%s", tb_error(events));
		rc = -1;
	}
	tb_close(events);
	if (table && fclose(table) != 0)
		rc = fail(err, "write", "log.tsv");
	if (text && fclose(text) != 0)
		rc = fail(err, "write", "the log of");
	text = table = NULL;
	events = NULL;
	return rc;
}
