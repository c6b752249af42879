/* SPDX-License-Identifier: MIT
 * Metrics with intervals, one set at a time, and their averages. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_test.h"
#include "ood/eval/ood_delong.h"
#include "ood/eval/ood_eval.h"
#include "ts/ts_rng.h"

/* What a group's average needs from the sets seen so far; each array has one element per method. */
struct group {
	size_t sets;
	struct ood_metrics *sum;
	double *placement;                     /* (methods, n_id): sums over the sets */
	double *ood_variance, *ood_difference; /* sums of the OOD rows' part */
	struct ood_metrics *replicate;         /* (methods, replicates): sums */
};

struct ood_eval {
	const struct ood_scores *id;
	struct ood_eval_options o;
	size_t sets; /* seen so far */
	struct group group[OOD_MAX_GROUPS];
};

static bool placements_wanted(const struct ood_eval_options *o)
{
	return o->delong || o->test;
}

void ood_eval_free(struct ood_eval *e)
{
	for (int g = 0; e && g < OOD_MAX_GROUPS; g++) {
		free(e->group[g].sum);
		free(e->group[g].placement);
		free(e->group[g].ood_variance);
		free(e->group[g].ood_difference);
		free(e->group[g].replicate);
	}
	free(e);
}

struct ood_eval *ood_eval_new(const struct ood_scores *id, const struct ood_eval_options *o)
{
	size_t n = id->n_methods, rows = placements_wanted(o) ? id->n : 1;
	struct ood_eval *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->id = id;
	e->o = *o;
	for (int g = 0; g < OOD_MAX_GROUPS; g++) {
		struct group *to = &e->group[g];
		to->sum = calloc(n, sizeof *to->sum);
		to->placement = calloc(n * rows, sizeof *to->placement);
		to->ood_variance = calloc(n, sizeof *to->ood_variance);
		to->ood_difference = calloc(n, sizeof *to->ood_difference);
		to->replicate = calloc(n * (o->bootstrap + 1), sizeof *to->replicate);
		if (!to->sum || !to->placement || !to->ood_variance || !to->ood_difference || !to->replicate) {
			ood_eval_free(e);
			return NULL;
		}
	}
	return e;
}

static void add(struct ood_metrics *to, const struct ood_metrics *m)
{
	for (int k = 0; k < OOD_N_METRICS; k++)
		to->v[k] += m->v[k];
}

/* ---- DeLong ---------------------------------------------------------------------------------- */

/* The normal interval around the AUROC, clipped to 0..1. None without variance: where all ID rows are above all OOD
 * rows, an interval from 1 to 1 would claim to know that of all rows. */
static void normal_interval(const struct ood_eval_options *o, struct ood_result *r, double variance)
{
	double z = num_normal_quantile(.5 + o->confidence / 2);

	r->se = sqrt(variance);
	if (!o->delong || !(variance > 0))
		return;
	r->low.v[OOD_AUROC] = fmax(0, r->m.v[OOD_AUROC] - z * r->se);
	r->high.v[OOD_AUROC] = fmin(1, r->m.v[OOD_AUROC] + z * r->se);
}

/* Placements of method k: of the ID rows into x, of the OOD rows into y. */
static void place(const struct ood_eval *e, const struct ood_scores *ood, size_t k, double *x, double *y)
{
	const struct ood_scores *id = e->id;
	struct ood_sample a, b;

	ood_scores_pair(id, ood, k, &a, &b);
	ood_placements(&a, id->order[k], &b, false, x);
	ood_placements(&b, ood->order[k], &a, true, y);
}

static void holm(struct ood_result *out, double *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		p[k] = out[k].p;
	num_holm(p, n);
	for (size_t k = 0; k < n; k++)
		out[k].p = p[k];
}

/* Intervals and tests of every method, from placements: x (n_id) and y (n_ood) of method k, x0 and y0 of the baseline.
 * Var(AUROC) = var(mean x) + var(mean y), and likewise for a difference, with x - x0 and y - y0. */
static int delong(struct ood_eval *e, const struct ood_scores *ood, unsigned groups, struct ood_result *out)
{
	size_t n = e->id->n_methods, n_id = e->id->n, base = e->o.test ? e->o.baseline : 0;
	double *x = malloc((2 * n_id + 2 * ood->n + n) * sizeof *x), *y, *x0, *y0;

	if (!x)
		return -1;
	y = x + n_id;
	x0 = y + ood->n;
	y0 = x0 + n_id;
	place(e, ood, base, x0, y0);
	for (size_t k = 0; k < n; k++) {
		place(e, ood, k, x, y);
		double of_ood = ood_variance_of_mean(y, NULL, ood->n);
		double of_difference = ood_variance_of_mean(y, y0, ood->n);
		normal_interval(&e->o, &out[k], ood_variance_of_mean(x, NULL, n_id) + of_ood);
		if (e->o.test && k != base)
			out[k].p = num_p_value(out[k].m.v[OOD_AUROC] - out[base].m.v[OOD_AUROC],
					       ood_variance_of_mean(x, x0, n_id) + of_difference);
		for (int g = 0; g < OOD_MAX_GROUPS; g++) {
			if (!(groups >> g & 1))
				continue;
			e->group[g].ood_variance[k] += of_ood;
			e->group[g].ood_difference[k] += of_difference;
			for (size_t i = 0; i < n_id; i++)
				e->group[g].placement[k * n_id + i] += x[i];
		}
	}
	holm(out, x, n);
	free(x);
	return 0;
}

static void delong_group(const struct ood_eval *e, const struct group *g, struct ood_result *out)
{
	size_t n = e->id->n_methods, n_id = e->id->n, base = e->o.baseline;
	double squared = (double)g->sets * (double)g->sets;

	for (size_t k = 0; k < n; k++) {
		const double *x = g->placement + k * n_id, *x0 = g->placement + base * n_id;
		double var = ood_variance_of_mean(x, NULL, n_id) + g->ood_variance[k];
		normal_interval(&e->o, &out[k], var / squared);
		if (e->o.test && k != base)
			out[k].p = num_p_value(out[k].m.v[OOD_AUROC] - out[base].m.v[OOD_AUROC],
					       (ood_variance_of_mean(x, x0, n_id) + g->ood_difference[k]) / squared);
	}
}

/* ---- bootstrap ------------------------------------------------------------------------------- */

/* Space for the weights of one resample. */
struct draw {
	uint32_t *row[2];            /* (n_id), (n_ood): how often each row was drawn */
	uint32_t *sorted[2], *right; /* the same in the order of a method's scores */
};

static void release_draw(struct draw *d)
{
	free(d->row[0]);
	free(d->row[1]);
	free(d->sorted[0]);
	free(d->sorted[1]);
	free(d->right);
}

static int make_draw(struct draw *d, size_t n_id, size_t n_ood)
{
	for (int s = 0; s < 2; s++) {
		d->row[s] = malloc((s ? n_ood : n_id) * sizeof *d->row[s]);
		d->sorted[s] = malloc((s ? n_ood : n_id) * sizeof *d->sorted[s]);
	}
	d->right = malloc(n_id * sizeof *d->right);
	return d->row[0] && d->row[1] && d->sorted[0] && d->sorted[1] && d->right ? 0 : -1;
}

static void draw_rows(uint32_t *count, size_t n, uint64_t seed, uint64_t stream)
{
	struct ts_rng rng = ts_rng_new(seed, stream);

	memset(count, 0, n * sizeof *count);
	for (size_t i = 0; i < n; i++)
		count[ts_rng_below(&rng, n)]++;
}

/* The metrics of method k under these weights. */
static struct ood_metrics resample(const struct ood_eval *e, const struct ood_scores *ood, size_t k, struct draw *d)
{
	const struct ood_scores *id = e->id;
	struct ood_sample a, b;
	size_t n_right = 0;
	uint64_t labelled = 0;

	for (size_t i = 0; i < id->n; i++)
		d->sorted[0][i] = d->row[0][id->order[k][i]];
	for (size_t i = 0; i < ood->n; i++)
		d->sorted[1][i] = d->row[1][ood->order[k][i]];
	ood_scores_pair(id, ood, k, &a, &b);
	a.weight = d->sorted[0];
	b.weight = d->sorted[1];
	struct ood_metrics m = ood_compare(&a, &b, &e->o.by);
	if (!id->mark)
		return m;
	/* The right rows' scores are the same ones in the same order. */
	for (size_t i = 0; i < id->n; i++) {
		uint32_t row = id->order[k][i];
		labelled += id->mark[row] ? d->row[0][row] : 0;
		if (id->mark[row] == OOD_RIGHT)
			d->right[n_right++] = d->row[0][row];
	}
	struct ood_sample right = ood_scores_right(id, k, &a);
	right.weight = d->right;
	if (labelled)
		ood_compare_right(&a, &right, labelled, &b, &m);
	return m;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Quantile q of sorted v (n), by linear interpolation. */
static double quantile(const double *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

/* Intervals from the replicates' metrics, each divided by `by`; none where they would have no width, as above. */
static int percentiles(const struct ood_eval *e, const struct ood_metrics *m, double by, struct ood_result *out)
{
	size_t n = e->o.bootstrap;
	double *v = malloc(n * sizeof *v);

	if (!v)
		return -1;
	for (int k = 0; k < OOD_N_METRICS; k++) {
		bool known = true;
		for (size_t i = 0; i < n; i++) {
			v[i] = m[i].v[k] / by;
			known &= !isnan(v[i]);
		}
		if (!known)
			continue;
		qsort(v, n, sizeof *v, by_value);
		const double low = quantile(v, n, .5 - e->o.confidence / 2);
		const double high = quantile(v, n, .5 + e->o.confidence / 2);
		if (low == high)
			continue;
		out->low.v[k] = low;
		out->high.v[k] = high;
	}
	free(v);
	return 0;
}

static int bootstrap(struct ood_eval *e, const struct ood_scores *ood, unsigned groups, struct ood_result *out)
{
	size_t n = e->id->n_methods, replicates = e->o.bootstrap;
	struct ood_metrics *m = malloc(n * replicates * sizeof *m);
	int rc = m ? 0 : -1;

#pragma omp parallel num_threads(e->o.threads) if (rc == 0)
	{
		struct draw d = { 0 };
		int lacking = make_draw(&d, e->id->n, ood->n) || rc;
#pragma omp for schedule(dynamic)
		for (size_t b = 0; b < replicates; b++) {
			if (lacking) {
#pragma omp atomic write
				rc = -1;
				continue;
			}
			draw_rows(d.row[0], e->id->n, e->o.seed, b << 20);
			draw_rows(d.row[1], ood->n, e->o.seed, (b << 20) + e->sets + 1);
			for (size_t k = 0; k < n; k++)
				m[k * replicates + b] = resample(e, ood, k, &d);
		}
		release_draw(&d);
	}
	for (size_t k = 0; k < n && rc == 0; k++)
		rc = percentiles(e, m + k * replicates, 1, &out[k]);
	for (int g = 0; g < OOD_MAX_GROUPS && rc == 0; g++)
		for (size_t i = 0; (groups >> g & 1) && i < n * replicates; i++)
			add(&e->group[g].replicate[i], &m[i]);
	free(m);
	return rc;
}

/* ---- sets and groups ------------------------------------------------------------------------- */

static void unknown(struct ood_result *r)
{
	r->se = r->p = NAN;
	for (int k = 0; k < OOD_N_METRICS; k++)
		r->low.v[k] = r->high.v[k] = NAN;
}

int ood_eval_set(struct ood_eval *e, const struct ood_scores *ood, unsigned groups, struct ood_result *out)
{
	const struct ood_scores *id = e->id;
	int rc = 0;

#pragma omp parallel for schedule(dynamic) num_threads(e->o.threads)
	for (size_t k = 0; k < id->n_methods; k++) {
		struct ood_sample a, b;
		ood_scores_pair(id, ood, k, &a, &b);
		unknown(&out[k]);
		out[k].m = ood_compare(&a, &b, &e->o.by);
		if (id->mark && id->labelled) {
			const struct ood_sample right = ood_scores_right(id, k, &a);
			ood_compare_right(&a, &right, id->labelled, &b, &out[k].m);
		}
	}
	for (int g = 0; g < OOD_MAX_GROUPS; g++) {
		e->group[g].sets += groups >> g & 1;
		for (size_t k = 0; (groups >> g & 1) && k < id->n_methods; k++)
			add(&e->group[g].sum[k], &out[k].m);
	}
	if (placements_wanted(&e->o))
		rc = delong(e, ood, groups, out);
	if (rc == 0 && e->o.bootstrap)
		rc = bootstrap(e, ood, groups, out);
	e->sets++;
	return rc;
}

size_t ood_eval_group_size(const struct ood_eval *e, int g)
{
	return e->group[g].sets;
}

int ood_eval_group(const struct ood_eval *e, int g, struct ood_result *out)
{
	const struct group *from = &e->group[g];
	size_t n = e->id->n_methods;
	double *p = malloc(n * sizeof *p);
	int rc = p ? 0 : -1;

	for (size_t k = 0; k < n; k++) {
		unknown(&out[k]);
		for (int i = 0; i < OOD_N_METRICS; i++)
			out[k].m.v[i] = from->sum[k].v[i] / (double)from->sets;
	}
	if (rc == 0 && placements_wanted(&e->o)) {
		delong_group(e, from, out);
		holm(out, p, n);
	}
	for (size_t k = 0; k < n && rc == 0 && e->o.bootstrap; k++)
		rc = percentiles(e, from->replicate + k * e->o.bootstrap, (double)from->sets, &out[k]);
	free(p);
	return rc;
}

bool ood_eval_reversed(const struct ood_eval *e, int g, char *const *methods, struct err *words)
{
	enum { MOST = 8 };
	const struct group *of = &e->group[g];
	double highest = 0;
	size_t n = 0;

	*words = (struct err){ .text = "" };
	if (e->id->n < 100) /* it may be chance */
		return false;
	for (size_t k = 0; k < e->id->n_methods; k++) {
		const double auroc = of->sum[k].v[OOD_AUROC] / (double)of->sets;
		if (!(auroc < .4))
			continue;
		if (n++ < MOST)
			err_append(words, "%s'%s'", n > 1 ? ", " : "", methods[k]);
		highest = fmax(highest, auroc);
	}
	if (n > MOST)
		err_append(words, " and %zu more", n - MOST);
	if (n)
		err_append(words,
			   ": OOD rows score above ID rows (AUROC %.1f %%%s), but larger scores must mean ID: is the "
			   "ID file an OOD one, or do these scores need a minus sign?",
			   100 * highest, n > 1 ? " at most" : "");
	return n > 0;
}
