/* SPDX-License-Identifier: MIT
 * A run's logs: log.tsv, SET_log.txt, TensorBoard's events. All are complete after each epoch. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"
#include "tb/tb.h"
#include "ts/ts_file.h"

enum { TEXT_NAME = 192 }; /* bytes of SET_log.txt */
static const char heading[] = "epoch\tlr\tloss\tfolded\ttrain_acc\tval_loss\tval_acc\timages_s\tseconds";

static int cannot_write(const struct job *j, const char *name, struct err *err)
{
	const int why = errno;
	char path[JOB_PATH];

	return err_fail(err, "cannot write '%s': %s", job_dir_path(j, name, path),
			why ? strerror(why) : "a line before did not arrive");
}

/* SET_log.txt: the name of the images' source without its ending, fit for a file's name. */
static void text_name(const struct job *j, char *buf, size_t len)
{
	char *source = NULL;
	const char *name;
	size_t stem;

	if (ts_meta_get_str(&j->parents[JOB_IMAGES].meta, "source", &source) < 0)
		source = NULL;
	for (char *p = source; p && *p; p++)
		*p = *p == '/' ? '_' : *p;
	name = source && source[0] && source[0] != '.' ? source : "images";
	stem = strcspn(name, ".");
	snprintf(buf, len, "%.*s_log.txt", stem < 127 ? (int)stem : 127, name);
	free(source);
}

/* The rows up to `epoch` of log.tsv, in new memory. NULL: out of memory. */
static char *old_rows(const struct job *j, long epoch)
{
	char path[JOB_PATH], line[512], *kept = NULL;
	FILE *old = epoch >= 0 ? fopen(job_dir_path(j, "log.tsv", path), "r") : NULL;
	size_t len;
	FILE *f = open_memstream(&kept, &len);

	while (f && old && fgets(line, sizeof line, old))
		if (line[0] >= '0' && line[0] <= '9' && strtol(line, NULL, 10) <= epoch)
			fputs(line, f);
	if (old)
		fclose(old);
	if (f && fclose(f) == 0)
		return kept;
	free(kept);
	return NULL;
}

/* Writes the file so far, whole or not at all. */
static int write_table(const char *path, const char *first, const char *kept, struct err *err)
{
	struct ts_file *f = ts_file_open(path);
	int rc = f ? 0 : err_memory(err);

	if (f && (ts_file_put(f, first, strlen(first)) < 0 || ts_file_put(f, kept, strlen(kept)) < 0 ||
		  ts_file_finish(f) < 0))
		rc = err_fail(err, "%s", ts_file_error(f));
	ts_file_close(f);
	return rc;
}

static int open_table(struct job *j, long epoch, struct err *err)
{
	char path[JOB_PATH], first[sizeof heading + 16], *kept = old_rows(j, epoch);
	int rc;

	if (!kept)
		return err_memory(err);
	snprintf(first, sizeof first, "%s%s\tval_acc5\n", heading, j->o->aux ? "\toe" : "");
	rc = write_table(job_dir_path(j, "log.tsv", path), first, kept, err);
	free(kept);
	if (rc == 0 && !(j->table = fopen(path, "ae")))
		rc = cannot_write(j, "log.tsv", err);
	return rc;
}

int job_log_open(struct job *j, long epoch, struct err *err)
{
	char name[TEXT_NAME], path[JOB_PATH];

	if (!job_dir_is_open(j))
		return 0;
	text_name(j, name, sizeof name);
	j->text = fopen(job_dir_path(j, name, path), "a");
	if (!j->text)
		return cannot_write(j, name, err);
	setvbuf(j->text, NULL, _IOLBF, 0);
	if (open_table(j, epoch, err) < 0)
		return -1;
	/* A resumed run revokes what earlier files have about epochs that it repeats. */
	j->events = tb_open(job_dir_path(j, "logs", path), epoch < 0 ? -1 : epoch + 1, err);
	return j->events ? 0 : -1;
}

void job_say(const struct job *j, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	cli_log("%s", line);
	if (j->text)
		fprintf(j->text, "%s\n", line);
}

static void put(const struct job *j, const char *tag, long epoch, double v)
{
	if (!isnan(v))
		tb_scalar(j->events, tag, epoch, v); /* errors are sticky, see below */
}

/* Adds the epoch to TensorBoard's curves. */
static int draw(const struct job *j, const struct job_row *r, struct err *err)
{
	put(j, "train/loss", r->epoch, r->loss);
	put(j, "train/folded", r->epoch, r->folded);
	put(j, "train/outliers", r->epoch, r->outlier);
	put(j, "train/accuracy", r->epoch, r->accuracy);
	put(j, "val/loss", r->epoch, r->val.loss);
	put(j, "val/accuracy", r->epoch, r->val.accuracy);
	put(j, "val/accuracy5", r->epoch, r->val.top5);
	put(j, "lr", r->epoch, r->lr);
	put(j, "time/epoch", r->epoch, r->seconds);
	return tb_flush(j->events) < 0 ? err_fail(err, "%s", tb_error(j->events)) : 0;
}

/* Checks that everything written to f has arrived. */
static int check_file(const struct job *j, FILE *f, const char *name, struct err *err)
{
	errno = 0;
	return fflush(f) != 0 || ferror(f) ? cannot_write(j, name, err) : 0;
}

static int check_text(const struct job *j, struct err *err)
{
	char name[TEXT_NAME];

	text_name(j, name, sizeof name);
	return check_file(j, j->text, name, err);
}

const char *job_worth_text(const struct um_worth *w, char buf[JOB_WORTH])
{
	int n = snprintf(buf, JOB_WORTH, " val_loss=%.6g val_acc=%.4f", w->loss, w->accuracy);

	if (!isnan(w->top5))
		snprintf(buf + n, JOB_WORTH - (size_t)n, " val_acc5=%.4f", w->top5);
	return buf;
}

int job_log_row(struct job *j, const struct job_row *r, struct err *err)
{
	char val[JOB_WORTH] = "", oe[32] = "", minimised[48] = "";
	const struct job_options *o = j->o;
	const double speed = r->seconds > 0 ? (double)r->n / r->seconds : 0; /* 0: too fast to measure */

	if (!isnan(r->val.loss))
		job_worth_text(&r->val, val);
	if (!isnan(r->outlier))
		snprintf(oe, sizeof oe, " oe=%.6g", r->outlier);
	if (o->train.um || o->train.smoothing > 0)
		snprintf(minimised, sizeof minimised, " %s=%.6g", o->train.um ? "folded" : "smoothed", r->folded);
	job_say(j, "epoch=%ld lr=%.6g loss=%.6g%s%s train_acc=%.4f%s images_s=%.1f seconds=%.1f", r->epoch, r->lr,
		r->loss, minimised, oe, r->accuracy, val, speed, r->seconds);
	if (!j->table)
		return 0;
	fprintf(j->table, "%ld\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.1f\t%.1f", r->epoch, r->lr, r->loss, r->folded,
		r->accuracy, r->val.loss, r->val.accuracy, speed, r->seconds);
	if (!isnan(r->outlier))
		fprintf(j->table, "\t%.9g", r->outlier);
	fprintf(j->table, "\t%.9g\n", r->val.top5);
	if (draw(j, r, err) < 0 || check_file(j, j->table, "log.tsv", err) < 0)
		return -1;
	return check_text(j, err);
}

int job_log_scores(struct job *j, long epoch, struct err *err)
{
	const struct net_checkpoint *c = &j->c;
	size_t n = 0;
	float *all = NULL;
	int rc = 0;

	if (!j->events || !c->mask)
		return 0;
	for (size_t i = 0; i < c->extra.n; i++) {
		const struct ts_tensor *t = &c->extra.t[i];
		const char *end = strrchr(t->name, '.');
		const size_t more = ts_tensor_count(t);
		float *grown;

		if (!end || strcmp(end, ".scores") != 0 || net_is_run_state(t->name))
			continue;
		grown = realloc(all, (n + more) * sizeof *all);
		if (!grown) {
			free(all);
			return err_memory(err);
		}
		all = grown;
		memcpy(all + n, t->data, more * sizeof *all);
		n += more;
	}
	if (n && tb_histogram(j->events, "scores", epoch, all, n) < 0)
		rc = err_fail(err, "%s", tb_error(j->events));
	free(all);
	return rc;
}

static int close_file(const struct job *j, FILE *f, const char *name, struct err *err)
{
	const int rc = check_file(j, f, name, err);

	return fclose(f) != 0 && rc == 0 ? cannot_write(j, name, err) : rc;
}

int job_log_close(struct job *j, struct err *err)
{
	char name[TEXT_NAME];
	int rc = 0;

	text_name(j, name, sizeof name);
	if (j->events && tb_flush(j->events) < 0)
		rc = err_fail(err, "%s", tb_error(j->events));
	tb_close(j->events);
	if (j->table && close_file(j, j->table, "log.tsv", err) < 0)
		rc = -1;
	if (j->text && close_file(j, j->text, name, err) < 0)
		rc = -1;
	j->text = j->table = NULL;
	j->events = NULL;
	return rc;
}
