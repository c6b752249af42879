/* SPDX-License-Identifier: MIT
 * Thresholds: ranks against SciPy, the guarantees by simulation, verdicts, files. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num/num_sort.h"
#include "ood/act/ood_threshold.h"
#include "ts/ts_rng.h"
#include "../tap.h"

static const double confidences[] = { 0.5, 0.9, 0.95, 0.99, 0.999999 };

/* One line "rank n alpha k k0..k4" or "below n p k tail". */
static bool check_line(const char *line, double *worst)
{
	unsigned long n, k, b[5];
	double alpha, want;

	if (sscanf(line, "rank %lu %lf %lu %lu %lu %lu %lu %lu", &n, &alpha, &k, b, b + 1, b + 2, b + 3, b + 4) == 8) {
		struct ood_promise promise = { OOD_CONFORMAL, alpha, 0 };
		bool same = ood_promise_rank(&promise, n) == k;
		for (int i = 0; i < 5; i++) {
			promise = (struct ood_promise){ OOD_BINOMIAL, alpha, confidences[i] };
			same = same && ood_promise_rank(&promise, n) == b[i];
		}
		return same;
	}
	if (sscanf(line, "below %lu %lf %lu %lf", &n, &alpha, &k, &want) != 4)
		return false;
	double got = ood_binomial_below(n, alpha, k), off = fabs(got - want);
	*worst = fmax(*worst, off);
	return off <= 1e-10 && off <= 1e-6 * want;
}

static void golden(void)
{
	char path[4096], line[256];
	double worst = 0;
	int lines = 0, bad = 0;

	snprintf(path, sizeof path, "%s/t/golden/ood_threshold.txt", getenv("SRC"));
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f)) {
		lines++;
		if (!check_line(line, &worst)) {
			bad++;
			printf("# %s", line);
		}
	}
	if (f)
		fclose(f);
	printf("# %d lines, tails off by %.2g at the most\n", lines, worst);
	ok(lines > 200 && bad == 0, "ranks and tails are SciPy's");
}

static void needed(void)
{
	bool right = true;
	double alphas[] = { 1e-6, 0.001, 0.01, 0.05, 0.29, 0.5, 0.9 };

	for (int i = 0; i < 7 * 6; i++) {
		struct ood_promise promise = { i % 6 ? OOD_BINOMIAL : OOD_CONFORMAL, alphas[i / 6],
					       i % 6 ? confidences[i % 6 - 1] : 0 };
		uint64_t n = ood_promise_rows(&promise);
		right = right && n > 0 && ood_promise_rank(&promise, n) > 0 &&
			(n == 1 || ood_promise_rank(&promise, n - 1) == 0);
	}
	ok(right, "rows needed: one less is too few");
	ok(ood_promise_rows(&(struct ood_promise){ OOD_CONFORMAL, 0.01, 0 }) == 99 &&
		   ood_promise_rows(&(struct ood_promise){ OOD_BINOMIAL, 0.05, 0.95 }) == 59,
	   "99 rows for 1 %% on average, 59 for 5 %% with confidence 95 %%");
}

/* Thresholds of n uniform scores, rounded to 1/grain (0: not rounded): the rate is known exactly. */
static void simulate(const struct ood_promise *promise, int n, int grain, double *mean, double *kept)
{
	enum { DRAWS = 20000 };
	struct ts_rng r = ts_rng_new(7, (uint64_t)grain);
	float v[200];

	*mean = *kept = 0;
	for (int d = 0; d < DRAWS; d++) {
		for (int i = 0; i < n; i++) {
			double u = ts_rng_double(&r);
			v[i] = (float)(grain ? floor(u * grain) / grain : u);
		}
		if (num_sort(v, (size_t)n))
			return;
		/* P(score < threshold); on the grid, a threshold is a point of it */
		double rate = v[ood_promise_rank(promise, (uint64_t)n) - 1];
		*mean += rate / DRAWS;
		*kept += (rate <= promise->alpha) / (double)DRAWS;
	}
}

static void promises(void)
{
	struct ood_promise c = { OOD_CONFORMAL, 0.1, 0 }, b = { OOD_BINOMIAL, 0.1, 0.9 };
	double mean, kept;

	simulate(&c, 99, 0, &mean, &kept);
	ok(fabs(mean - 0.1) < 0.001, "conformal: the mean rate is alpha (%.4f)", mean);
	ok(kept < 0.6, "but a single set's may be above (kept by %.3f)", kept);
	simulate(&c, 99, 7, &mean, &kept);
	ok(mean < 0.101, "with ties it is less (%.4f)", mean);
	simulate(&b, 99, 0, &mean, &kept);
	ok(kept > 0.894 && kept < 0.96, "binomial: the rate is kept with confidence (%.3f)", kept);
	simulate(&b, 99, 7, &mean, &kept);
	ok(kept > 0.894, "and with ties (%.3f)", kept);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* Scores s = i and msp = -i; pred is i mod 3, except that class 2 only has rows below 20. */
static bool write_scores(const char *path, int n)
{
	struct ts_writer *w = ts_writer_open(path);
	struct ts_header h;
	struct ts_batch b = { 0 };

	ts_header_init(&h, "scores");
	bool good = ts_header_add(&h, "s", TS_F32, 0, NULL) == 0 && ts_header_add(&h, "msp", TS_F32, 0, NULL) == 0 &&
		    ts_header_add(&h, "pred", TS_I64, 0, NULL) == 0 && ts_batch_init(&b, &h) == 0 &&
		    ts_batch_resize(&b, (size_t)n) == 0;
	for (int i = 0; good && i < n; i++) {
		((float *)b.cols[0].data)[i] = (float)i;
		((float *)b.cols[1].data)[i] = (float)-i;
		((int64_t *)b.cols[2].data)[i] = i % 3 == 2 && i >= 20 ? 0 : i % 3;
	}
	good = good && ts_writer_begin(w, &h) == 0 && ts_writer_write(w, &b) == 0 && ts_writer_finish(w) == 0;
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	return good;
}

static int fit(struct ood_threshold *t, const char *path, int n_methods, unsigned flags, struct err *err)
{
	char *methods[] = { (char[]){ "s" }, (char[]){ "msp" } };
	struct ood_promise promise = { OOD_CONFORMAL, 0.1, 0 };
	struct ts_reader *r = ts_reader_open(path);
	int rc = ood_threshold_fit(t, r, methods, (size_t)n_methods, &promise, flags);

	err_fail(err, "%s", rc ? ts_reader_error(r) : "");
	ts_reader_close(r);
	return rc;
}

static int save(const struct ood_threshold *t, const char *path)
{
	struct ts_header h;
	struct ts_writer *w = ts_writer_open(path);

	ts_header_init(&h, "fit");
	struct err err;
	int rc = ood_threshold_write(t, &h, w, &err);
	ts_writer_close(w);
	ts_header_release(&h);
	return rc;
}

/* A file of thresholds as another version might write it. */
static int save_promise(const char *guarantee, const char *path)
{
	struct ts_header h;
	struct ts_set set = { 0 };
	struct ts_writer *w = ts_writer_open(path);
	struct ts_tensor *one = ts_set_add(&set, "s", TS_F32, 1, &(size_t){ 1 });
	struct err err;
	int rc = -1;

	ts_header_init(&h, "fit");
	if (one && ts_meta_set_str(&h.meta, "fit", "threshold") == 0 && ts_meta_set_double(&h.meta, "alpha", .1) == 0 &&
	    ts_meta_set_str(&h.meta, "guarantee", guarantee) == 0 && ts_meta_set_int(&h.meta, "rows", 99) == 0) {
		*(float *)one->data = 1;
		rc = ts_set_write(w, &h, &set, &err);
	}
	ts_writer_close(w);
	ts_header_release(&h);
	ts_set_release(&set);
	return rc;
}

/* The verdict on one row: 1, 0, or -1 with what is wrong in err; -2: no column. */
static int verdict(const struct ood_threshold *t, const char *column, float score, int64_t pred, struct err *err)
{
	struct ts_header h;
	struct ood_verdict by = { 0 };
	struct ts_batch b = { 0 };
	char name[300];
	int v = -2;

	ts_header_init(&h, "scores");
	snprintf(name, sizeof name, "verdict:%s", column);
	err->text[0] = '\0';
	if (ts_header_add(&h, "s", TS_F32, 0, NULL) || ts_header_add(&h, "msp", TS_F32, 0, NULL) ||
	    ts_header_add(&h, "pred", TS_I64, 0, NULL) || ood_verdict_init(&by, t, &h, err) || ts_batch_init(&b, &h) ||
	    ts_batch_resize(&b, 1))
		goto out;
	for (int i = 0; i < 2; i++)
		*(float *)b.cols[i].data = score;
	*(int64_t *)b.cols[2].data = pred;
	v = ood_verdict_rows(&by, &b, 7, err);
	if (v == 0)
		v = ts_batch_col(&b, name) ? *(uint8_t *)ts_batch_col(&b, name)->data : -2;
out:
	ood_verdict_release(&by);
	ts_batch_release(&b);
	ts_header_release(&h);
	return v;
}

static void files(const char *dir)
{
	char path[200], to[200];
	struct err err;
	struct ood_threshold t, back;

	snprintf(path, sizeof path, "%s/scores", dir);
	snprintf(to, sizeof to, "%s/fit", dir);
	ok(write_scores(path, 99) && fit(&t, path, 2, 0, &err) == 0 && t.rows == 99 && !t.classes, "fits two columns");
	ok(save(&t, to) == 0 && ood_threshold_load(&back, to, &err) == 0 && back.set.n == 2 && back.rows == 99 &&
		   back.promise.alpha == 0.1,
	   "is read back");
	ok(verdict(&back, "s", 8.5f, -1, &err) == 1 && verdict(&back, "s", 9, -1, &err) == 0 &&
		   verdict(&back, "msp", -89.5f, 0, &err) == 1 && verdict(&back, "msp", -89, 0, &err) == 0,
	   "the tenth smallest of 99 at 10 %%; flagged strictly below");
	ood_threshold_release(&t);
	ood_threshold_release(&back);

	ok(fit(&t, path, 1, OOD_THRESHOLD_PER_CLASS, &err) && strstr(err.text, "class 2: 6 rows are too few") &&
		   strstr(err.text, "it takes 9"),
	   "a class of too few rows is named: %s", err.text);
	ood_threshold_release(&t);
	ok(fit(&t, path, 1, OOD_THRESHOLD_PER_CLASS | OOD_THRESHOLD_FALLBACK, &err) == 0 && t.classes == 3 &&
		   t.fallback == 1 && save(&t, to) == 0 && ood_threshold_load(&back, to, &err) == 0 &&
		   back.classes == 3 && back.class_rows[0] == 60 && back.class_rows[1] == 33 && back.class_rows[2] == 6,
	   "unless all rows may speak for it");
	/* class 0: 0 3 6 ... 18 20 21 23: its 6th of 60; class 1: 1 4 7: its 3rd of 33; class 2: all */
	ok(verdict(&back, "s", 14.9f, 0, &err) == 1 && verdict(&back, "s", 15, 0, &err) == 0 &&
		   verdict(&back, "s", 6.9f, 1, &err) == 1 && verdict(&back, "s", 7, 1, &err) == 0 &&
		   verdict(&back, "s", 8.9f, 2, &err) == 1 && verdict(&back, "s", 9, 2, &err) == 0,
	   "each class has its own");
	ok(verdict(&back, "s", 0, 3, &err) == -1 && verdict(&back, "s", 0, -1, &err) == -1,
	   "a class that was not there has none");
	ok(strstr(err.text, "row 7: no threshold for class -1"), "it and the row are named: %s", err.text);
	ood_threshold_release(&t);
	ood_threshold_release(&back);

	ok(write_scores(path, 8) && fit(&t, path, 1, 0, &err) && strstr(err.text, "8 rows are too few") &&
		   strstr(err.text, path),
	   "too few rows in all: %s", err.text);
	ood_threshold_release(&t);
	ok(ood_threshold_load(&back, path, &err) && strstr(err.text, "holds scores where a fit"),
	   "scores are no thresholds: %s", err.text);
	ood_threshold_release(&back);
	ok(save_promise("conformal", to) == 0 && ood_threshold_load(&back, to, &err) == 0, "a promise that is known");
	ood_threshold_release(&back);
	ok(save_promise("sharper", to) == 0 && ood_threshold_load(&back, to, &err) &&
		   strstr(err.text, "promise 'sharper', which this version does not know"),
	   "another is not taken for one that is: %s", err.text);
	ood_threshold_release(&back);
	unlink(path);
	unlink(to);
}

int main(void)
{
	char dir[] = "/tmp/ood_threshold.XXXXXX";

	golden();
	needed();
	promises();
	if (mkdtemp(dir)) {
		files(dir);
		rmdir(dir);
	}
	return done();
}
