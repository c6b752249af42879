/* SPDX-License-Identifier: MIT
 * CombOOD (Rajasekaran, Sajol, Berglind, Mukhopadhyay, Das, "COMBOOD: a semiparametric approach for detecting
 * out-of-distribution data for image classification", SDM 2024), as in its authors' program. What is near in the last
 * features joins what is usual in all layers:
 *
 *	conf = -sqrt(D) log d_k - y^T (S + reg I)^-1 y
 *
 * d_k is the squared distance to the k-th nearest training feature, as in knn. y are minus the smallest and the largest
 * input of each activation layer (um-embed --extremes), the largest logit and minus the smallest; each is standardised,
 * bent by the power transform of Yeo and Johnson ("A new family of power transformations to improve normality or
 * symmetry", Biometrika 2000) of greatest likelihood, and standardised again. All of this, and the covariance S of y,
 * comes from the bank. A distance of 0 counts as the smallest normal number. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "ood/score/ood_neighbours.h"

enum { K, REG };

/* One number of y, from the raw number x: (bend((x - mean) / sd) - centre) / spread. */
struct axis {
	double mean, sd;
	double lambda, centre, spread; /* spread 0: it is the same in all training rows, and not looked at */
};
struct combood {
	size_t column, wide; /* of the stream; how many numbers it has */
	size_t n;            /* axes: wide + 2 */
	struct axis *axis;   /* (n) */
	double *root;        /* (n,n): U of S + reg I = U^T U */
};

/* ---- Yeo and Johnson's transform ------------------------------------------------------------------ */

/* T(k) = (e^(k u) - 1) / k for u = log(1 + |x|), k = lambda where x >= 0, else 2 - lambda; with the sign of x. */
static double bend(double x, double lambda)
{
	const double u = log1p(fabs(x)), k = x >= 0 ? lambda : 2 - lambda;

	return copysign(k == 0 ? u : expm1(k * u) / k, x);
}

/* dT / dk, which is the derivative by lambda of bend() for either sign of x: u T + (u - T) / k, or its series. */
static double bend_slope(double u, double k, double t)
{
	const double v = k * u;

	return fabs(v) < 1e-3 ? u * u * (1.0 / 2 + v * (1.0 / 3 + v * (1.0 / 8 + v / 30))) : u * t + (u - t) / k;
}

static double mean_of(const double *v, size_t n)
{
	double sum = 0;

#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

static double variance(const double *v, size_t n, double mean)
{
	double sum = 0;

#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < n; i++)
		sum += (v[i] - mean) * (v[i] - mean);
	return sum / (double)n;
}

/* The derivative by lambda of the log-likelihood -n/2 log var(bend(x)) + (lambda - 1) sum sgn(x) u of x (n). u (n):
 * log(1 + |x|). t, d: (n) room. */
static double slope(const double *x, const double *u, size_t n, double lambda, double *t, double *d)
{
	double both = 0, square = 0, rest = 0;

	for (size_t i = 0; i < n; i++) {
		const double k = x[i] >= 0 ? lambda : 2 - lambda, T = k == 0 ? u[i] : expm1(k * u[i]) / k;
		t[i] = copysign(T, x[i]);
		d[i] = bend_slope(u[i], k, T);
		rest += copysign(u[i], x[i]);
	}
	const double of_t = mean_of(t, n), of_d = mean_of(d, n);
	for (size_t i = 0; i < n; i++) {
		both += (t[i] - of_t) * (d[i] - of_d);
		square += (t[i] - of_t) * (t[i] - of_t);
	}
	return rest - (double)n * both / square;
}

/* The lambda of greatest likelihood. The likelihood is concave (Marchand and others, "SecureFedYJ", NeurIPS 2022), so
 * its derivative falls and has one zero: false position in Illinois' variant, which halves the value of an end that
 * stays. It is looked for where no power overflows. room: (3n). */
static double best_lambda(const double *x, size_t n, double *room)
{
	double *u = room, *t = u + n, *d = t + n, far = 0;

	for (size_t i = 0; i < n; i++) {
		u[i] = log1p(fabs(x[i]));
		far = fmax(far, u[i]);
	}
	const double most = fmin(64, 300 / far);
	double a = 0, b = 2, at_a, at_b;
	while ((at_a = slope(x, u, n, a, t, d)) < 0 && a > 2 - most)
		a = fmax(2 * a - 2, 2 - most);
	while ((at_b = slope(x, u, n, b, t, d)) > 0 && b < most)
		b = fmin(2 * b, most);
	if (at_a <= 0 || at_b >= 0)
		return at_a <= 0 ? a : b;
	for (int i = 0, stays = 0; i < 200 && b - a > 1e-13 * (1 + fabs(a)); i++) {
		const double c = a + (b - a) * at_a / (at_a - at_b), at_c = slope(x, u, n, c, t, d);

		if (at_c == 0 || !(c > a && c < b))
			return c;
		if (at_c > 0) {
			a = c;
			at_a = at_c;
			at_b *= stays > 0 ? 0.5 : 1;
			stays = 1;
		} else {
			b = c;
			at_b = at_c;
			at_a *= stays < 0 ? 0.5 : 1;
			stays = -1;
		}
	}
	return (a + b) / 2;
}

/* ---- the fit -------------------------------------------------------------------------------------- */

/* Number i of a row. */
static double raw(const struct combood *k, const float *extremes, const float *logits, size_t C, size_t i)
{
	double most = logits[0];

	if (i < k->wide)
		return extremes[i];
	for (size_t c = 1; c < C; c++)
		most = i == k->wide ? fmax(most, logits[c]) : fmin(most, logits[c]);
	return i == k->wide ? most : -most;
}

static double standard(const struct axis *a, double x)
{
	return a->spread > 0 ? (bend((x - a->mean) / a->sd, a->lambda) - a->centre) / a->spread : 0;
}

/* x: (n) the axis's numbers in the training rows, overwritten; room: (3n). */
static void fit_axis(struct axis *a, double *x, size_t n, double *room)
{
	a->mean = mean_of(x, n);
	a->sd = sqrt(variance(x, n, a->mean));
	if (!(a->sd > 1e-12 * fabs(a->mean)))
		return;
	for (size_t i = 0; i < n; i++)
		x[i] = (x[i] - a->mean) / a->sd;
	a->lambda = best_lambda(x, n, room);
	for (size_t i = 0; i < n; i++)
		x[i] = bend(x[i], a->lambda);
	a->centre = mean_of(x, n);
	a->spread = sqrt(variance(x, n, a->centre));
}

/* Tasks, as this may run in one thread of several that prepare methods: those that are idle help. Each fits axes of its
 * own, so the result does not depend on their number. There are few: of more than 64 a thread libgomp shares none. */
static int fit_axes(struct combood *k, const struct ood_fit *f, struct err *err)
{
	const size_t n = f->bank.n, C = f->classes;
	bool failed = false;

#pragma omp taskloop num_tasks(32) shared(failed)
	for (size_t i = 0; i < k->n; i++) {
		double *x = malloc(4 * n * sizeof *x);
		for (size_t j = 0; x && j < n; j++)
			x[j] = raw(k, f->bank.beside[OOD_EXTREMES] + j * k->wide, f->bank.logits + j * C, C, i);
		if (x) {
			fit_axis(&k->axis[i], x, n, x + n);
		} else {
#pragma omp atomic write
			failed = true;
		}
		free(x);
	}
	return failed ? err_memory(err) : 0;
}

/* y (rows,n) of rows of the extremes and of logits. */
static void axes_of(const struct combood *k, const float *extremes, const float *logits, size_t rows, size_t C,
		    double *y)
{
	for (size_t j = 0; j < rows; j++)
		for (size_t i = 0; i < k->n; i++)
			y[j * k->n + i] = standard(&k->axis[i], raw(k, extremes + j * k->wide, logits + j * C, C, i));
}

/* The covariance of y, whose mean is 0, plus reg on the diagonal, and its root. */
static int fit_covariance(struct combood *k, const struct ood_fit *f, double reg, struct err *err)
{
	const size_t n = f->bank.n, C = f->classes;
	double *y = malloc(OOD_CHUNK * k->n * sizeof *y);

	if (!y)
		return err_memory(err);
	for (size_t i = 0; i < n; i += OOD_CHUNK) {
		const size_t rows = n - i < OOD_CHUNK ? n - i : OOD_CHUNK;
		axes_of(k, f->bank.beside[OOD_EXTREMES] + i * k->wide, f->bank.logits + i * C, rows, C, y);
		num_add_at_a(y, rows, k->n, 1 / (double)(n - 1), k->root);
	}
	free(y);
	for (size_t i = 0; i < k->n; i++)
		k->root[i * k->n + i] += reg;
	return num_cholesky(k->root, k->n) < 0 ?
		       err_fail(err, "the covariance of the extremes has no inverse: a larger reg gives it one") :
		       0;
}

/* ---- the method ----------------------------------------------------------------------------------- */

static int combood_end(struct ood_near *p, double *out)
{
	const struct combood *k = p->b->own;
	const size_t C = p->s->basis->classes;
	const float *extremes = (const float *)p->rows->batch->cols[k->column].data + p->rows->first * k->wide;
	double *y = malloc(k->n * sizeof *y);

	if (!y || ood_nearest_end(p, true, out) < 0) {
		free(y);
		return -1;
	}
	for (size_t i = 0; i < p->rows->n; i++) {
		double unusual = 0;
		axes_of(k, extremes + i * k->wide, p->rows->logits + i * C, 1, C, y);
		num_solve_upper(k->root, k->n, true, y);
		for (size_t j = 0; j < k->n; j++)
			unusual += y[j] * y[j];
		out[i] = -sqrt((double)p->s->basis->dim) * log(fmax(-out[i], DBL_MIN)) - unusual;
	}
	free(y);
	return 0;
}

static const struct ood_look combood_look = { ood_nearest_begin, ood_nearest_tile, combood_end, ood_tops_free };

static int combood_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	const struct ts_field *column = ts_header_field(s->basis->header, "extremes");

	if (!column || column->type != TS_F32 || column->ndim != 1)
		return err_fail(err, "the stream has no column 'extremes', <f4: um-embed --extremes adds it");
	if (!f || !f->bank.beside[OOD_EXTREMES])
		return err_fail(err, "needs a fit of features with um-embed --extremes: --fit FILE");
	if (ood_need_logits_of(f, err) < 0)
		return -1;
	if (f->bank.wide[OOD_EXTREMES] != column->shape[0])
		return err_fail(
			err, "the fit's extremes are %zu numbers a row, and the stream's %zu: those of another network",
			f->bank.wide[OOD_EXTREMES], column->shape[0]);
	if (f->bank.n < 2)
		return err_fail(err, "the bank holds a single row");
	if (ood_nearest_prepare(s, &combood_look, f->bank.n, false, err) < 0)
		return -1;
	struct combood *k = ((struct ood_neighbours *)s->state)->own = ood_keep(s, 1, sizeof *k, err);
	if (!k)
		return -1;
	k->column = (size_t)(column - s->basis->header->fields);
	k->wide = column->shape[0];
	k->n = k->wide + 2;
	if (!(k->axis = ood_keep(s, k->n, sizeof *k->axis, err)) ||
	    !(k->root = ood_keep(s, k->n * k->n, sizeof *k->root, err)) || fit_axes(k, f, err) < 0)
		return -1;
	return fit_covariance(k, f, s->request.params[REG], err);
}

const struct ood_method ood_combood_family[] = {
	{ .name = "combood",
	  .help = "nearness of the last features, and how usual the extremes of all layers are",
	  .needs = "um-embed --extremes, and --fit of such",
	  .fitted = true,
	  .params = { [K] = { "k", 50, 1, 1e9, "which neighbour, from 1" },
		      [REG] = { "reg", 1, 0, 1e6, "added to the variance of every extreme" } },
	  .prepare = combood_prepare,
	  .together = ood_near_together },
	{ 0 }
};
