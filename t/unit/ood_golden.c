/* SPDX-License-Identifier: MIT
 * Every method against the golden file, and what must not change a score: shards of a fit, their order, threads, the
 * division of rows into batches. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ood/score/ood_method.h"
#include "../tap.h"

static struct err err;
static const char *name_of_case;

struct task {
	size_t classes, dim;
	struct ts_header h;
	double *weight, *bias;
	struct ts_batch train, val, test;
};

static bool read_doubles(FILE *f, double **ret, size_t n)
{
	*ret = malloc(n * sizeof **ret);
	for (size_t i = 0; i < n; i++)
		if (fscanf(f, "%lf", &(*ret)[i]) != 1)
			return false;
	return true;
}

static bool read_batch(FILE *f, struct ts_batch *b, const struct task *t, size_t n)
{
	if (ts_batch_init(b, &t->h) || ts_batch_resize(b, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		float *l = (float *)ts_batch_col(b, "logits")->data + i * t->classes;
		float *z = (float *)ts_batch_col(b, "features")->data + i * t->dim;
		long long y;
		if (fscanf(f, "%lld", &y) != 1)
			return false;
		((int64_t *)ts_batch_col(b, "label")->data)[i] = y;
		for (size_t c = 0; c < t->classes; c++)
			if (fscanf(f, "%f", &l[c]) != 1)
				return false;
		for (size_t d = 0; d < t->dim; d++)
			if (fscanf(f, "%f", &z[d]) != 1)
				return false;
	}
	return true;
}

static bool read_task(FILE *f, struct task *t)
{
	static char name[64];
	size_t train, val, test;

	*t = (struct task){ 0 };
	if (fscanf(f, " case %63s %zu %zu %zu %zu %zu", name, &t->classes, &t->dim, &train, &val, &test) != 6)
		return false;
	name_of_case = name;
	ts_header_init(&t->h, "features");
	if (ts_header_add(&t->h, "logits", TS_F32, 1, &t->classes) ||
	    ts_header_add(&t->h, "features", TS_F32, 1, &t->dim) || ts_header_add(&t->h, "label", TS_I64, 0, NULL))
		return false;
	return read_doubles(f, &t->weight, t->classes * t->dim) && read_doubles(f, &t->bias, t->classes) &&
	       read_batch(f, &t->train, t, train) && read_batch(f, &t->val, t, val) && read_batch(f, &t->test, t, test);
}

static void release(struct task *t)
{
	ts_header_release(&t->h);
	ts_batch_release(&t->train);
	ts_batch_release(&t->val);
	ts_batch_release(&t->test);
	free(t->weight);
	free(t->bias);
}

/* A fit of the batch's rows first, first + step, ... */
static struct ood_fit *fit_of(const struct task *t, const struct ts_batch *b, size_t first, size_t step, size_t bank)
{
	const struct ood_fit_options o = { 15 | OOD_PART_PRED, bank, false, 1 };
	struct ood_fit *f = NULL;
	struct ts_batch one;
	ptrdiff_t *map = ts_header_map(&t->h, &t->h);

	if (!map || ood_fit_new(&f, &t->h, &o, &err) || ts_batch_init(&one, &t->h))
		return NULL;
	for (size_t i = first; i < b->n; i += step)
		if (ts_batch_append(&one, b, map, i))
			return NULL;
	free(map);
	if (ood_fit_add(f, &one, &err))
		printf("# %s\n", err.text);
	ts_batch_release(&one);
	return f;
}

static bool near(double got, double want, double tolerance)
{
	return fabs(got - want) <= tolerance * fmax(1e-3, fabs(want));
}

/* Scores the test rows. False: refused. */
static bool scores_of(const struct task *t, const struct ood_fit *fit, const struct ood_fit *val, const char *method,
		      double *out)
{
	struct ood_basis from = { .classes = t->classes,
				  .dim = t->dim,
				  .weight = t->weight,
				  .bias = t->bias,
				  .fit = fit,
				  .val = val,
				  .outliers = val,
				  .header = &t->h,
				  .features_at = 1,
				  .label_at = 2,
				  .name_at = -1 };
	struct ood_rows rows = { t->test.n, ts_batch_col(&t->test, "logits")->data,
				 ts_batch_col(&t->test, "features")->data, &t->test, 0 };
	struct ood_requests r = { 0 };
	struct ood_scorer s;

	if (ood_requests_add(&r, method, &err) || ood_scorer_init(&s, &r.q[0], &from, &err)) {
		ood_requests_release(&r);
		return false;
	}
	if (ood_score_rows(&s, &rows, out))
		return false;
	ood_scorer_release(&s);
	ood_requests_release(&r);
	return true;
}

/* Checks the golden lines of one case; `also` says how fit and val were made. */
static void compare(FILE *f, const struct task *t, const struct ood_fit *fit, const struct ood_fit *val,
		    const char *also)
{
	char method[OOD_MAX_COLUMN], word[64];
	size_t methods = 0, right = 0;

	while (fscanf(f, " %127s", method) == 1 && strcmp(method, "end") != 0) {
		double got[OOD_CHUNK], worst = 0;
		bool scored = scores_of(t, fit, val, method, got), same = true, refused = false;
		for (size_t i = 0; i < t->test.n && !refused; i++) {
			if (fscanf(f, " %63s", word) != 1)
				return;
			refused = strcmp(word, "refused") == 0;
			double want = strtod(word, NULL);
			if (refused || !scored)
				continue;
			same = same && near(got[i], want, 1e-6);
			worst = fmax(worst, fabs(got[i] - want));
		}
		same = same && scored == !refused;
		if (!same)
			printf("# %s, %s: %s (largest difference %g)\n", name_of_case, method,
			       scored ? "other numbers" : err.text, worst);
		methods++;
		right += same;
	}
	ok(methods > 30 && right == methods, "%s, %s: %zu of %zu methods agree to 1e-6", name_of_case, also, right,
	   methods);
}

static void golden(FILE *f)
{
	struct task t;
	size_t cases = 0;

	for (; f && read_task(f, &t); cases++) {
		long at = ftell(f);
		struct ood_fit *fit = fit_of(&t, &t.train, 0, 1, SIZE_MAX);
		struct ood_fit *val = fit_of(&t, &t.val, 0, 1, SIZE_MAX);
		bool whole = !ood_fit_finish(fit, &err) && !ood_fit_finish(val, &err);
		ok(whole, "%s: fits", name_of_case);
		compare(f, &t, fit, val, "one pass");
		ood_fit_free(fit);
		/* Seven shards, the last one first. */
		fit = fit_of(&t, &t.train, 6, 7, SIZE_MAX);
		for (size_t i = 6; i-- > 0;) {
			struct ood_fit *shard = fit_of(&t, &t.train, i, 7, SIZE_MAX);
			whole = whole && !ood_fit_merge(fit, shard, &err);
			ood_fit_free(shard);
		}
		ok(whole && !ood_fit_finish(fit, &err), "%s: seven shards merge", name_of_case);
		fseek(f, at, SEEK_SET);
		compare(f, &t, fit, val, "seven shards");
		ood_fit_free(fit);
		ood_fit_free(val);
		release(&t);
	}
	ok(cases == 7, "golden: %zu cases", cases);
}

int main(void)
{
	char path[4096], line[512];
	const char *src = getenv("SRC");

	snprintf(path, sizeof path, "%s/t/golden/ood_methods.txt", src ? src : ".");
	FILE *f = fopen(path, "r");
	for (int i = 0; f && i < 2; i++)
		if (!fgets(line, sizeof line, f))
			break;
	golden(f);
	if (f)
		fclose(f);
	return done();
}
