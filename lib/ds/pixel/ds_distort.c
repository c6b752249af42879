/* SPDX-License-Identifier: MIT
 * Pictures that are degraded on purpose. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/pixel/ds_decode_internal.h"
#include "ds/pixel/ds_distort.h"
#include "err/err_near.h"

/* ---- the kinds ---- */

struct kind {
	const char *name;
	int (*apply)(const struct kind *k, struct ds_pixels *p, struct ds_pixels *spare, double level, struct err *err);
	double level, least, most; /* level: the default */
	bool whole;
	enum ds_filter filter; /* for the kinds named after a filter */
};

static int compress(const struct kind *k, struct ds_pixels *p, struct ds_pixels *spare, double level, struct err *err)
{
	unsigned char *file;
	size_t len;
	int rc;

	(void)k;
	(void)spare;
	if (ds_encode_jpeg(p, (int)level, &file, &len, err) < 0)
		return -1;
	rc = ds_decode(file, len, p, err);
	free(file);
	return rc;
}

/* Filters row `in` (w,3): each pixel becomes the sum of weight[|i|] times the pixel i away, |i| <= r; the border pixels
 * are repeated beyond the border. */
static void blur_row(const uint8_t *in, double *out, int w, const double *weight, int r)
{
	for (int x = 0; x < w; x++)
		for (int c = 0; c < 3; c++) {
			double sum = 0;

			for (int i = -r; i <= r; i++) {
				const int at = x + i < 0 ? 0 : x + i >= w ? w - 1 : x + i;

				sum += weight[abs(i)] * in[3 * at + c];
			}
			out[3 * x + c] = sum;
		}
}

/* The same along columns. rows: the blurred row y at y modulo 2 r + 1. */
static void blur_columns(const double *rows, uint8_t *out, int y, int h, int w, const double *weight, int r)
{
	const size_t n = 3 * (size_t)w;

	for (size_t x = 0; x < n; x++) {
		double sum = 0;

		for (int i = -r; i <= r; i++) {
			const int at = y + i < 0 ? 0 : y + i >= h ? h - 1 : y + i;

			sum += weight[abs(i)] * rows[(size_t)(at % (2 * r + 1)) * n + x];
		}
		out[x] = (uint8_t)lrint(sum);
	}
}

/* weight[i] is proportional to exp(-i^2 / (2 sigma^2)), up to three sigma; the sum over both sides is 1. */
static void gauss(double *weight, int r, double sigma)
{
	double sum = 0;

	for (int i = 0; i <= r; i++) {
		weight[i] = exp(-i * i / (2 * sigma * sigma));
		sum += i ? 2 * weight[i] : weight[i];
	}
	for (int i = 0; i <= r; i++)
		weight[i] /= sum;
}

/* Only the 2 r + 1 rows that a row of the result needs are held, so that the picture changes in place. */
static int blur(const struct kind *k, struct ds_pixels *p, struct ds_pixels *spare, double sigma, struct err *err)
{
	const int r = (int)ceil(3 * sigma), held = 2 * r + 1;
	const size_t n = 3 * (size_t)p->w;
	double *weight = malloc(((size_t)r + 1) * sizeof *weight);
	double *rows = malloc((size_t)held * n * sizeof *rows);

	(void)k;
	(void)spare;
	if (!weight || !rows) {
		free(weight);
		free(rows);
		return err_memory(err);
	}
	gauss(weight, r, sigma);
	for (int y = 0, next = 0; y < p->h; y++) {
		for (; next <= y + r && next < p->h; next++)
			blur_row(p->rgb + (size_t)next * n, rows + (size_t)(next % held) * n, p->w, weight, r);
		blur_columns(rows, p->rgb + (size_t)y * n, y, p->h, p->w, weight, r);
	}
	free(weight);
	free(rows);
	return 0;
}

/* Pillow blends with black in single precision and truncates. */
static int brighten(const struct kind *k, struct ds_pixels *p, struct ds_pixels *spare, double level, struct err *err)
{
	const float factor = (float)level;

	(void)k;
	(void)spare;
	(void)err;
	for (size_t i = 0; i < 3 * (size_t)p->h * (size_t)p->w; i++) {
		const float v = factor * (float)p->rgb[i];

		p->rgb[i] = v >= 255 ? 255 : (uint8_t)v;
	}
	return 0;
}

static int scaled(int side, double level)
{
	const double n = nearbyint(side * level);

	return n < 1 ? 1 : n > DS_MAX_SIDE ? DS_MAX_SIDE : (int)n;
}

static int there_and_back(const struct kind *k, struct ds_pixels *p, struct ds_pixels *spare, double level,
			  struct err *err)
{
	const int h = p->h, w = p->w, to_h = scaled(h, level), to_w = scaled(w, level);

	if ((size_t)to_h * (size_t)to_w > DS_MAX_PIXELS)
		return err_fail(err, "image of %d x %d pixels is too large to be resized by %g", w, h, level);
	if (ds_resize(p, spare, to_h, to_w, k->filter, err) < 0)
		return -1;
	return ds_resize(spare, p, h, w, k->filter, err);
}

static const struct kind kinds[] = { { "jpeg", compress, 75, 1, 100, true, DS_BILINEAR },
				     { "blur", blur, 1, 0.1, 32, false, DS_BILINEAR },
				     { "brightness", brighten, 1.5, 0, 16, false, DS_BILINEAR },
				     { "bilinear", there_and_back, 0.5, 0.01, 16, false, DS_BILINEAR },
				     { "bicubic", there_and_back, 0.5, 0.01, 16, false, DS_BICUBIC },
				     { "lanczos", there_and_back, 0.5, 0.01, 16, false, DS_LANCZOS },
				     { "box", there_and_back, 0.5, 0.01, 16, false, DS_BOX },
				     { "hamming", there_and_back, 0.5, 0.01, 16, false, DS_HAMMING } };
enum { KINDS = sizeof kinds / sizeof *kinds };

int ds_distort(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_distort *d, struct err *err)
{
	for (int i = 0; i < d->n; i++) {
		const struct kind *k = &kinds[d->step[i].kind];

		if (k->apply(k, p, spare, d->step[i].level, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- words ---- */

static int unknown(const char *word, struct err *err)
{
	struct err_near near = err_near(word);

	for (int i = 0; i < KINDS; i++)
		err_near_try(&near, kinds[i].name);
	return err_fail(
		err, "'" ERR_NAME "' is not one of jpeg, blur, brightness, bilinear, bicubic, lanczos, box, hamming%s",
		word, err_near_text(&near, "'"));
}

/* Adds one word, split at its '='; text NULL: it has none. */
static int add(struct ds_distort *d, const char *name, const char *text, struct err *err)
{
	struct ds_distort_step s = { 0 };
	const struct kind *k;
	char *end = NULL;

	while (s.kind < KINDS && strcmp(name, kinds[s.kind].name) != 0)
		s.kind++;
	if (s.kind == KINDS)
		return unknown(name, err);
	if (d->n == DS_DISTORT_STEPS)
		return err_fail(err, "more than %d distortions", DS_DISTORT_STEPS);
	k = &kinds[s.kind];
	s.level = text ? strtod(text, &end) : k->level;
	if (text && (end == text || *end || !(s.level >= k->least && s.level <= k->most) ||
		     (k->whole && s.level != floor(s.level))))
		return err_fail(err, "%s= takes a %snumber from %g to %g, not '" ERR_NAME "'", name,
				k->whole ? "whole " : "", k->least, k->most, text);
	d->step[d->n++] = s;
	return 0;
}

int ds_distort_parse(struct ds_distort *d, const char *words, struct err *err)
{
	char *copy = strdup(words), *rest = copy, *word;
	int rc = copy ? 0 : err_memory(err);

	*d = (struct ds_distort){ 0 };
	while (rc == 0 && (word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		rc = add(d, word, value, err);
	}
	free(copy);
	return rc;
}

void ds_distort_words(const struct ds_distort *d, char words[DS_DISTORT])
{
	size_t at = 0;

	words[0] = '\0';
	for (int i = 0; i < d->n; i++)
		at += (size_t)snprintf(words + at, DS_DISTORT - at, "%s%s=%.15g", i ? "," : "",
				       kinds[d->step[i].kind].name, d->step[i].level);
}
