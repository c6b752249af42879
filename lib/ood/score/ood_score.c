/* SPDX-License-Identifier: MIT
 * Scorers: prepares methods and runs them over batches, one chunk of rows per job. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* ---- for methods ------------------------------------------------------------------------------ */

void *ood_keep(struct ood_scorer *s, size_t count, size_t size, struct err *err)
{
	void **bigger = realloc(s->kept, (s->n_kept + 1) * sizeof *bigger);

	if (bigger)
		s->kept = bigger;
	void *p = bigger ? calloc(count ? count : 1, size) : NULL;
	if (p)
		s->kept[s->n_kept++] = p;
	else
		err_memory(err);
	return p;
}

static const char remedy[] = "; of features alone, ts-import --head computes them by the last layer";

int ood_need_logits_of(const struct ood_fit *f, struct err *err)
{
	return f->logits ? 0 : err_fail(err, "the fit is of features without logits%s", remedy);
}

int ood_need_logits(const struct ood_scorer *s, struct err *err)
{
	if (s->basis->classes == 0)
		return err_fail(err, "the stream has no column 'logits'%s", remedy);
	return s->basis->fit && s->request.method->parts ? ood_need_logits_of(s->basis->fit, err) : 0;
}

int ood_need_features(const struct ood_scorer *s, struct err *err)
{
	return s->basis->dim ? 0 : err_fail(err, "the stream has no column 'features'");
}

int ood_need_head(const struct ood_scorer *s, struct err *err)
{
	if (ood_need_features(s, err) < 0)
		return -1;
	if (!s->basis->weight)
		return err_fail(
			err, "the stream has no last layer (meta fc.weight, fc.bias); ts-import --head FILE adds it");
	return 0;
}

int ood_need_fit(const struct ood_scorer *s, struct err *err)
{
	if (ood_need_features(s, err) < 0)
		return -1;
	if (!s->basis->fit)
		return err_fail(err, "needs a fit of training data: --fit FILE, from ood-fit");
	if (~s->basis->fit->parts & s->request.method->parts)
		return err_fail(err, "the fit was not made for it: ood-fit --method %s", s->request.method->name);
	return 0;
}

int ood_need_labels(const struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0)
		return -1;
	if (s->basis->fit->unlabelled)
		return err_fail(err, "%llu rows of the fit have no label",
				(unsigned long long)s->basis->fit->unlabelled);
	return 0;
}

const struct ood_fit *ood_validation(const struct ood_scorer *s)
{
	return s->basis->val ? s->basis->val : s->basis->fit;
}

/* ---- scorers ---------------------------------------------------------------------------------- */

void ood_scorer_release(struct ood_scorer *s)
{
	if (s->release)
		s->release(s->state);
	for (size_t i = 0; i < s->n_kept; i++)
		free(s->kept[i]);
	free(s->kept);
	*s = (struct ood_scorer){ 0 };
}

const char *ood_score_note(const struct ood_scorer *s, char note[OOD_NOTE])
{
	note[0] = '\0';
	if (s->request.method->after)
		s->request.method->after(s, note);
	return note;
}

int ood_score_rows(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ood_method *m = s->request.method;

	if (m->together)
		return m->together(&s, 1, rows, &out);
	if (m->score)
		return m->score(s, rows, out);
	for (size_t i = 0; i < rows->n; i++)
		out[i] = m->logits(rows->logits + i * s->basis->classes, s->basis->classes, s->request.params);
	return 0;
}

/* Rows to try a method on: midpoints between neighbouring rows of the bank, so that no row finds itself in the bank. */
static bool make_probes(const struct ood_fit *f, size_t n, float *logits, float *features, float *buf)
{
	const size_t C = f->logits ? f->classes : 0, D = f->dim;
	bool varied = false;

	for (size_t i = 0; i < n; i++) {
		const float *z = ood_bank_rows(f, i, 2, buf), *l = C ? f->bank.logits + i * C : NULL;
		for (size_t d = 0; d < D; d++)
			features[i * D + d] = (z[d] + z[D + d]) / 2;
		for (size_t c = 0; c < C; c++)
			logits[i * C + c] = (l[c] + l[C + c]) / 2;
		varied = varied || memcmp(features, features + i * D, D * sizeof *features) != 0;
	}
	return varied;
}

/* Checks that the scorer tells samples apart at all: a method that does not is set up wrongly for this model, and its
 * results would look like chance. Methods without a fit, or that read other columns, are not checked. */
static int check_constant(const struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	double out[OOD_CHUNK];
	int rc = 0;

	if (!f || f->bank.n < 3 || !s->request.method->parts)
		return 0;
	const size_t C = f->logits ? f->classes : 0;
	size_t n = f->bank.n - 1 < OOD_CHUNK ? f->bank.n - 1 : OOD_CHUNK;
	float *room = malloc((n * C + (n + 2) * f->dim) * sizeof *room);
	if (!room)
		return err_memory(err);
	float *features = room + n * C;
	struct ood_rows rows = { n, C ? room : NULL, features, NULL, 0 };
	if (make_probes(f, n, room, features, features + n * f->dim)) {
		size_t i = 1;
		rc = ood_score_rows(s, &rows, out) < 0 ? err_memory(err) : 0;
		while (rc == 0 && i < n && out[i] == out[0])
			i++;
		if (rc == 0 && i == n)
			rc = err_fail(err, "all samples of the fit get the same score, %g", out[0]);
	}
	free(room);
	return rc;
}

bool ood_scorer_opens(const struct ood_request *q, const struct ood_basis *basis)
{
	return !q->method->logits && basis->dim;
}

int ood_scorer_init(struct ood_scorer *s, const struct ood_request *q, const struct ood_basis *basis, struct err *err)
{
	*s = (struct ood_scorer){ .request = *q, .basis = basis };
	if (ood_scorer_opens(q, basis) && num_linalg_open(err) < 0)
		return -1;
	if ((!q->method->alone && ood_need_logits(s, err) < 0) ||
	    (q->method->prepare && q->method->prepare(s, err) < 0) || check_constant(s, err) < 0) {
		ood_scorer_release(s);
		return -1;
	}
	return 0;
}

/* Index of the first number of v that is not finite, or n. */
static size_t find_infinite(const float *v, size_t n)
{
	size_t i = 0;
	while (i < n && isfinite(v[i]))
		i++;
	return i;
}

static int check_batch(const struct ood_basis *from, const struct ts_batch *b, uint64_t row, struct err *err)
{
	const float *l = from->classes ? b->cols[from->logits_at].data : NULL; /* (n,C) */
	const float *z = from->dim ? b->cols[from->features_at].data : NULL;   /* (n,D) */
	size_t C = from->classes, D = from->dim, i;

	if (l && (i = find_infinite(l, b->n * C)) < b->n * C)
		return err_fail(err, "row %llu: logit %zu is %g", (unsigned long long)row + i / C, i % C, l[i]);
	if (z && (i = find_infinite(z, b->n * D)) < b->n * D)
		return err_fail(err, "row %llu: feature %zu is %g", (unsigned long long)row + i / D, i % D, z[i]);
	return 0;
}

/* Scorers that get their rows together: one, or all that share a together(). */
struct group {
	const struct ood_scorer **s;
	float **out;
	size_t n;
};
/* Where a score could not be computed. */
struct failure {
	const struct ood_scorer *s; /* NULL: out of memory */
	size_t row;
};

/* Sorts n scorers and their columns into at most n groups, with space for n each; returns how many. */
static size_t make_groups(const struct ood_scorer *s, size_t n, float *const *out, struct group *g,
			  const struct ood_scorer **order, float **column)
{
	size_t used = 0, groups = 0;

	for (size_t m = 0; m < n; m++) {
		size_t i = 0;
		while (i < used && order[i] != &s[m])
			i++;
		if (i < used)
			continue;
		g[groups] = (struct group){ order + used, column + used, 0 };
		for (size_t k = m; k < n; k++)
			if (k == m || (s[k].request.method->together &&
				       s[k].request.method->together == s[m].request.method->together)) {
				order[used] = &s[k];
				column[used++] = out[k];
				g[groups].n++;
			}
		groups++;
	}
	return groups;
}

/* Scores one chunk. */
static int score_chunk(const struct group *g, const struct ts_batch *b, size_t first, struct failure *why)
{
	const struct ood_basis *from = g->s[0]->basis;
	const struct ood_method *method = g->s[0]->request.method;
	const float *l = from->classes ? b->cols[from->logits_at].data : NULL;
	const float *z = from->dim ? b->cols[from->features_at].data : NULL;
	size_t n = b->n - first < OOD_CHUNK ? b->n - first : OOD_CHUNK, bad = 0;
	struct ood_rows rows = { n, l ? l + first * from->classes : NULL, z ? z + first * from->dim : NULL, b, first };
	double *score = malloc(g->n * n * sizeof *score); /* (scorers,n) */
	double **out = malloc(g->n * sizeof *out);        /* (scorers): its rows */

	*why = (struct failure){ 0 };
	for (size_t m = 0; out && m < g->n; m++)
		out[m] = score + m * n;
	int rc = -1;
	if (score && out)
		rc = g->n > 1 ? method->together(g->s, g->n, &rows, out) : ood_score_rows(g->s[0], &rows, score);
	while (rc == 0 && bad < g->n * n && fabs(score[bad]) <= FLT_MAX) {
		g->out[bad / n][first + bad % n] = (float)score[bad];
		bad++;
	}
	if (rc == 0 && bad < g->n * n) {
		*why = (struct failure){ g->s[bad / n], first + bad % n };
		rc = -1;
	}
	free(score);
	free(out);
	return rc;
}

/* Scores all chunks with all groups; it reports the first failure in this order, whichever thread finds it. */
static int score_groups(const struct group *g, size_t n, const struct ts_batch *b, int threads, struct failure *first)
{
	long chunks = (long)((b->n + OOD_CHUNK - 1) / OOD_CHUNK), jobs = chunks * (long)n, worst = -1;

/* The jobs of one group follow each other, so that its tables stay in the cache. A single job, too, runs in a parallel
 * region: there OpenBLAS uses one thread, and its sums are the same whatever else is scored. */
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
	for (long j = 0; j < jobs; j++) {
		struct failure why;
		int rc = score_chunk(&g[j / chunks], b, (size_t)(j % chunks) * OOD_CHUNK, &why);
#pragma omp critical
		if (rc && (worst < 0 || j < worst)) {
			worst = j;
			*first = why;
		}
	}
	return worst < 0 ? 0 : -1;
}

int ood_score_batch(const struct ood_scorer *s, size_t n, const struct ts_batch *b, uint64_t row, int threads,
		    float *const *out, struct err *err)
{
	struct failure why = { 0 };
	int rc = -1;

	if (n == 0 || b->n == 0)
		return 0;
	if (check_batch(s->basis, b, row, err) < 0)
		return -1;
	struct group *g = calloc(n, sizeof *g);
	const struct ood_scorer **order = calloc(n, sizeof *order);
	float **column = calloc(n, sizeof *column);
	if (g && order && column)
		rc = score_groups(g, make_groups(s, n, out, g, order, column), b, threads, &why);
	if (rc && why.s)
		err_fail(err, "row %llu: '%s' is too large for <f4, or not a number",
			 (unsigned long long)(row + why.row), why.s->request.column);
	else if (rc)
		err_memory(err);
	free(g);
	free(order);
	free(column);
	return rc;
}
