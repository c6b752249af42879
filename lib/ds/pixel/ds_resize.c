/* SPDX-License-Identifier: MIT
 * Resizing, number for number as Pillow 13 does it, because other bilinear filters shift OOD scores by whole points.
 * The method of its Resample.c: a filter, stretched by the scale, so that every source pixel counts when shrinking;
 * weights in fixed point with 22 bits; first along rows, rounded to 8 bits, then along columns, or, for tall images,
 * the other way round. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "ds/ds.h"

enum {
	BITS = 22, /* fraction bits of a weight: 1 is 1 << BITS */
	HALF = 11  /* where a weight is split in two, for 16-bit multiplications */
};

/* ---- the filters, of a distance in pixels ---- */

static double bilinear(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

/* Keys 1981, a = -1/2. */
static double bicubic(double x)
{
	const double a = -0.5;

	x = fabs(x);
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x)
{
	x *= M_PI;
	return x == 0 ? 1 : sin(x) / x;
}

/* Three lobes of a sinc, windowed by the middle lobe of a wider one. */
static double lanczos(double x)
{
	return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static double box(double x)
{
	return -0.5 < x && x <= 0.5 ? 1 : 0;
}

/* The window's constants are floats in Pillow, too. */
static double hamming(double x)
{
	x = fabs(x);
	if (x == 0)
		return 1;
	return x < 1 ? sinc(x) * (0.54f + 0.46f * cos(x * M_PI)) : 0;
}

/* In the order of enum ds_filter; beyond `support` they are 0. */
static const struct {
	double (*weight)(double x);
	double support;
} filters[] = { { bilinear, 1 }, { bicubic, 2 }, { lanczos, 3 }, { box, 0.5 }, { hamming, 1 } };

/* Output position o is the sum of weight[o][i] * input[first[o] + i], i below count[o]. */
struct filter {
	int taps;           /* the largest count */
	int *first, *count; /* (out) */
	int32_t *weight;    /* (out, taps); 0 beyond count */
};

static void filter_release(struct filter *f)
{
	free(f->first);
	free(f->count);
	free(f->weight);
}

static int32_t fixed(double weight)
{
	return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << BITS));
}

/* in, out: lengths of a row (or column) before and after.
 *
 * Output pixel o has its centre at c = (o + 0.5) * scale of the input, scale = in / out. Input pixel i, centre i + 0.5,
 * weighs weight((i + 0.5 - c) / stretch); stretch = max(scale, 1) makes the filter as wide in output pixels when
 * shrinking as in input pixels when enlarging. So input positions from c - support * stretch to c + support * stretch
 * count, cut off at the borders, and their weights are divided by their sum. */
static int filter_init(struct filter *f, enum ds_filter kind, int in, int out, struct err *err)
{
	double scale = (double)in / out, stretch = fmax(scale, 1), support = filters[kind].support * stretch;
	double *w;

	f->taps = (int)ceil(support) * 2 + 1;
	f->first = malloc((size_t)out * sizeof *f->first);
	f->count = malloc((size_t)out * sizeof *f->count);
	f->weight = calloc((size_t)out * (size_t)f->taps, sizeof *f->weight);
	w = malloc((size_t)f->taps * sizeof *w);
	if (!f->first || !f->count || !f->weight || !w) {
		free(w);
		return err_memory(err);
	}
	for (int o = 0; o < out; o++) {
		double center = (o + 0.5) * scale, sum = 0;
		int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5);

		lo = lo < 0 ? 0 : lo;
		hi = hi > in ? in : hi;
		for (int i = lo; i < hi; i++) {
			w[i - lo] = filters[kind].weight((i - center + 0.5) * (1 / stretch));
			sum += w[i - lo];
		}
		for (int i = 0; i < hi - lo; i++)
			f->weight[o * f->taps + i] = fixed(sum != 0 ? w[i] / sum : w[i]);
		f->first[o] = lo;
		f->count[o] = hi - lo;
	}
	free(w);
	return 0;
}

/* Converts fixed point to a byte; sums begin with one half, 1 << (BITS - 1), so that this rounds. */
static uint8_t round_off(int32_t sum)
{
	int32_t v = sum >> BITS;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* weigh(): computes one output pixel, 3 bytes, from n input pixels at p with weights k. */
#ifdef __SSE2__
/* Two pixels per step. _mm_madd_epi16 multiplies 16-bit numbers and adds pairs of products: with pixel bytes (r0 r1 g0
 * g1 b0 b1 ..) and weights (w0 w1 w0 w1 ..) it gives r0 w0 + r1 w1, g0 w0 + g1 w1, .. in 32 bits. A weight has 22 bits,
 * so it is split into w = high << HALF | low, each half is summed by itself, and low + (high << HALF) is the same sum
 * to the last bit. k: for every two pixels the low halves of both weights, then the high ones (pair_weights()). Reads
 * up to 4 bytes after the last pixel: hence DS_SLACK. */
static void weigh(const uint8_t *p, const int32_t *k, int n, uint8_t *out)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i low = zero, high = zero;
	int32_t sum[4];

	for (int i = 0; i < n; i += 2, p += 6, k += 2) {
		int32_t first, second;
		__m128i both;

		memcpy(&first, p, 4);      /* r g b r */
		memcpy(&second, p + 3, 4); /* r g b and an arbitrary byte */
		both = _mm_unpacklo_epi8(_mm_cvtsi32_si128(first), _mm_cvtsi32_si128(second));
		both = _mm_unpacklo_epi8(both, zero);
		low = _mm_add_epi32(low, _mm_madd_epi16(both, _mm_set1_epi32(k[0])));
		high = _mm_add_epi32(high, _mm_madd_epi16(both, _mm_set1_epi32(k[1])));
	}
	low = _mm_add_epi32(_mm_add_epi32(low, _mm_slli_epi32(high, HALF)), _mm_set1_epi32(1 << (BITS - 1)));
	_mm_storeu_si128((__m128i *)sum, low);
	for (int c = 0; c < 3; c++)
		out[c] = round_off(sum[c]);
}

/* Two 16-bit numbers as one. */
static int32_t pair(int32_t first, int32_t second)
{
	return (int32_t)(((uint32_t)first & 0xffff) | (uint32_t)second << 16);
}

/* Converts the weights (n, taps) to the form that weigh() takes; f->taps is rounded up to an even number. */
static int pair_weights(struct filter *f, int n, struct err *err)
{
	const int taps = f->taps + (f->taps & 1), mask = (1 << HALF) - 1;
	int32_t *pairs = calloc((size_t)n * (size_t)taps, sizeof *pairs);

	if (!pairs)
		return err_memory(err);
	for (int x = 0; x < n; x++)
		for (int i = 0; i < f->count[x]; i += 2) {
			const int32_t *k = f->weight + x * f->taps + i;
			const int32_t w0 = k[0], w1 = i + 1 < f->count[x] ? k[1] : 0;

			pairs[x * taps + i] = pair(w0 & mask, w1 & mask);
			pairs[x * taps + i + 1] = pair(w0 >> HALF, w1 >> HALF);
		}
	free(f->weight);
	f->weight = pairs;
	f->taps = taps;
	return 0;
}
#else
static void weigh(const uint8_t *p, const int32_t *k, int n, uint8_t *out)
{
	int32_t r = 1 << (BITS - 1), g = r, b = r;

	for (int i = 0; i < n; i++, p += 3) {
		r += p[0] * k[i];
		g += p[1] * k[i];
		b += p[2] * k[i];
	}
	out[0] = round_off(r);
	out[1] = round_off(g);
	out[2] = round_off(b);
}

static int pair_weights(struct filter *f, int n, struct err *err)
{
	(void)f;
	(void)n;
	(void)err;
	return 0;
}
#endif

/* (h, w_in, 3) to (h, w, 3). */
static int resize_rows(const struct ds_pixels *from, struct ds_pixels *to, int w, enum ds_filter kind, struct err *err)
{
	struct filter f = { 0 };
	int rc = -1;

	if (filter_init(&f, kind, from->w, w, err) < 0 || pair_weights(&f, w, err) < 0 ||
	    ds_pixels_resize(to, from->h, w, err) < 0)
		goto out;
	for (int y = 0; y < from->h; y++) {
		const uint8_t *in = from->rgb + (size_t)y * (size_t)from->w * 3;
		uint8_t *out = to->rgb + (size_t)y * (size_t)w * 3;

		for (int x = 0; x < w; x++)
			weigh(in + (size_t)f.first[x] * 3, f.weight + x * f.taps, f.count[x], out + 3 * x);
	}
	rc = 0;
out:
	filter_release(&f);
	return rc;
}

/* (h_in, w, 3) to (h, w, 3): whole rows are weighted and added, since they are contiguous in memory. */
static int resize_columns(const struct ds_pixels *from, struct ds_pixels *to, int h, enum ds_filter kind,
			  struct err *err)
{
	struct filter f = { 0 };
	size_t row = (size_t)from->w * 3;
	int32_t *sum = malloc(row * sizeof *sum);
	int rc = -1;

	if (!sum) {
		err_memory(err);
		goto out;
	}
	if (filter_init(&f, kind, from->h, h, err) < 0 || ds_pixels_resize(to, h, from->w, err) < 0)
		goto out;
	for (int y = 0; y < h; y++) {
		for (size_t x = 0; x < row; x++)
			sum[x] = 1 << (BITS - 1);
		for (int i = 0; i < f.count[y]; i++) {
			const uint8_t *in = from->rgb + (size_t)(f.first[y] + i) * row;
			int32_t k = f.weight[y * f.taps + i];

			for (size_t x = 0; x < row; x++)
				sum[x] += in[x] * k;
		}
		for (size_t x = 0; x < row; x++)
			to->rgb[(size_t)y * row + x] = round_off(sum[x]);
	}
	rc = 0;
out:
	free(sum);
	filter_release(&f);
	return rc;
}

static int copy(const struct ds_pixels *from, struct ds_pixels *to, struct err *err)
{
	if (ds_pixels_resize(to, from->h, from->w, err) < 0)
		return -1;
	memcpy(to->rgb, from->rgb, (size_t)from->h * (size_t)from->w * 3);
	return 0;
}

/* Is the height reduced by more than twice the factor of the width? Then Pillow shrinks columns first, since version
 * 13.0 (pull request 9549), so that less is left for the rows; earlier versions always began with the rows. Because the
 * first pass rounds, one number in five differs, by one. */
static bool columns_first(const struct ds_pixels *from, int h, int w)
{
	return from->h > h && from->h - h > 2 * (from->w - w);
}

int ds_resize(const struct ds_pixels *from, struct ds_pixels *to, int h, int w, enum ds_filter kind, struct err *err)
{
	struct ds_pixels between = { 0 };
	int rc;

	/* As in Pillow, a direction that keeps its length is not filtered. */
	if (w == from->w)
		return h == from->h ? copy(from, to, err) : resize_columns(from, to, h, kind, err);
	if (h == from->h)
		return resize_rows(from, to, w, kind, err);
	if (columns_first(from, h, w)) {
		rc = resize_columns(from, &between, h, kind, err);
		if (rc == 0)
			rc = resize_rows(&between, to, w, kind, err);
	} else {
		rc = resize_rows(from, &between, w, kind, err);
		if (rc == 0)
			rc = resize_columns(&between, to, h, kind, err);
	}
	ds_pixels_release(&between);
	return rc;
}
