/* SPDX-License-Identifier: MIT
 * Resizing, number for number as Pillow does it (its Resample.c describes: a triangle filter
 * stretched by the scale, so that every source pixel counts when shrinking; coefficients in fixed
 * point with 22 bits; first along rows, rounded to 8 bits, then along columns). Other bilinears
 * shift OOD scores by whole points. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "ds/ds.h"

enum { BITS = 22, HALF = 11 };

/* For each output position: the first input position, how many, and their weights. */
struct filter {
	int taps;                         /* at the most */
	int *first, *count;
	int32_t *weight;                  /* (out, taps) */
};

static void filter_release(struct filter *f)
{
	free(f->first);
	free(f->count);
	free(f->weight);
}

static int filter_init(struct filter *f, int in, int out)
{
	double scale = (double)in / out, stretch = fmax(scale, 1), support = stretch;
	double *w;

	f->taps = (int)ceil(support) * 2 + 1;
	f->first = malloc((size_t)out * sizeof *f->first);
	f->count = malloc((size_t)out * sizeof *f->count);
	f->weight = calloc((size_t)out * (size_t)f->taps, sizeof *f->weight);
	w = malloc((size_t)f->taps * sizeof *w);
	if (!f->first || !f->count || !f->weight || !w) {
		free(w);
		return -1;
	}
	for (int o = 0; o < out; o++) {
		double center = (o + 0.5) * scale, sum = 0;
		int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5);

		lo = lo < 0 ? 0 : lo;
		hi = hi > in ? in : hi;
		for (int i = lo; i < hi; i++) {
			double d = fabs((i - center + 0.5) * (1 / stretch));
			w[i - lo] = d < 1 ? 1 - d : 0;
			sum += w[i - lo];
		}
		for (int i = 0; i < hi - lo; i++)
			f->weight[o * f->taps + i] =
				(int32_t)(0.5 + (sum != 0 ? w[i] / sum : w[i]) * (1 << BITS));
		f->first[o] = lo;
		f->count[o] = hi - lo;
	}
	free(w);
	return 0;
}

static uint8_t round_off(int32_t sum)
{
	int32_t v = sum >> BITS;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One pixel: n pixels from p on, weighted. */
#ifdef __SSE2__
/* Two pixels a step: products of 16 bits, so weights are halved into bits above and below the 11th,
 * and the sums are the same to the last bit. Reads up to 4 bytes behind the last pixel, which
 * ds_pixels_resize() provides for. k: for each two pixels, the low halves and the high ones. */
static void weigh(const uint8_t *p, const int32_t *k, int n, uint8_t *out)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i low = zero, high = zero;
	int32_t sum[4];

	for (int i = 0; i < n; i += 2, p += 6, k += 2) {
		int32_t first, second;
		__m128i pair;

		memcpy(&first, p, 4);         /* r g b r */
		memcpy(&second, p + 3, 4);    /* r g b and whatever */
		pair = _mm_unpacklo_epi8(_mm_cvtsi32_si128(first), _mm_cvtsi32_si128(second));
		pair = _mm_unpacklo_epi8(pair, zero);
		low = _mm_add_epi32(low, _mm_madd_epi16(pair, _mm_set1_epi32(k[0])));
		high = _mm_add_epi32(high, _mm_madd_epi16(pair, _mm_set1_epi32(k[1])));
	}
	low = _mm_add_epi32(_mm_add_epi32(low, _mm_slli_epi32(high, HALF)), _mm_set1_epi32(1 << (BITS - 1)));
	_mm_storeu_si128((__m128i *)sum, low);
	for (int c = 0; c < 3; c++)
		out[c] = round_off(sum[c]);
}

/* Makes the weights what weigh() takes; f->taps is even then. -1: out of memory. */
static int pair_weights(struct filter *f, int n)
{
	const int taps = f->taps + (f->taps & 1), mask = (1 << HALF) - 1;
	int32_t *pairs = calloc((size_t)n * (size_t)taps, sizeof *pairs);

	if (!pairs)
		return -1;
	for (int x = 0; x < n; x++)
		for (int i = 0; i < f->count[x]; i += 2) {
			const int32_t *k = f->weight + x * f->taps + i;
			const int32_t w0 = k[0], w1 = i + 1 < f->count[x] ? k[1] : 0;

			pairs[x * taps + i] = (w0 & mask) | (w1 & mask) << 16;
			pairs[x * taps + i + 1] = w0 >> HALF | w1 >> HALF << 16;
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

static int pair_weights(struct filter *f, int n)
{
	(void)f;
	(void)n;
	return 0;
}
#endif

static int resize_rows(const struct ds_pixels *from, struct ds_pixels *to, int w)
{
	struct filter f = { 0 };
	int rc = -1;

	if (filter_init(&f, from->w, w) < 0 || pair_weights(&f, w) < 0 ||
	    ds_pixels_resize(to, from->h, w) < 0)
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

static int resize_columns(const struct ds_pixels *from, struct ds_pixels *to, int h)
{
	struct filter f = { 0 };
	size_t row = (size_t)from->w * 3;
	int32_t *sum = malloc(row * sizeof *sum);
	int rc = -1;

	if (!sum || filter_init(&f, from->h, h) < 0 || ds_pixels_resize(to, h, from->w) < 0)
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

static int copy(const struct ds_pixels *from, struct ds_pixels *to)
{
	if (ds_pixels_resize(to, from->h, from->w) < 0)
		return -1;
	memcpy(to->rgb, from->rgb, (size_t)from->h * (size_t)from->w * 3);
	return 0;
}

int ds_resize(const struct ds_pixels *from, struct ds_pixels *to, int h, int w)
{
	struct ds_pixels between = { 0 };
	int rc;

	if (w == from->w)
		return h == from->h ? copy(from, to) : resize_columns(from, to, h);
	if (h == from->h)
		return resize_rows(from, to, w);
	rc = resize_rows(from, &between, w);
	if (rc == 0)
		rc = resize_columns(&between, to, h);
	ds_pixels_release(&between);
	return rc;
}

/* The middle n x n, its corner at round-half-even((side - n) / 2), as torchvision's CenterCrop. */
static int crop_middle(struct ds_pixels *p, int n, struct err *err)
{
	int top, left;

	if (p->h < n || p->w < n) {
		return err_fail(err, "image of %d x %d pixels is smaller than --crop %d", p->w, p->h, n);
	}
	top = (int)nearbyint((p->h - n) / 2.0);
	left = (int)nearbyint((p->w - n) / 2.0);
	for (int y = 0; y < n; y++)
		memmove(p->rgb + (size_t)y * (size_t)n * 3,
			p->rgb + ((size_t)(y + top) * (size_t)p->w + (size_t)left) * 3, (size_t)n * 3);
	p->h = p->w = n;
	return 0;
}

void ds_gray(struct ds_pixels *p)
{
	uint8_t *at = p->rgb;

	/* All three stay, so that resizing is that of one channel, three times. */
	for (size_t i = 0; i < (size_t)p->h * (size_t)p->w; i++, at += 3)
		at[0] = at[1] = at[2] = (uint8_t)((at[0] * 19595u + at[1] * 38470u + at[2] * 7471u + 0x8000) >> 16);
}

int ds_reshape(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_shape *s, struct err *err)
{
	int h = s->size, w = s->size;

	if (s->gray)
		ds_gray(p);
	if (s->size && s->shorter) {
		if (p->h <= p->w)
			w = (int)((double)s->size * p->w / p->h);
		else
			h = (int)((double)s->size * p->h / p->w);
	}
	if (s->size && (h > DS_MAX_SIDE || w > DS_MAX_SIDE)) {
		return err_fail(err, "image of %d x %d pixels is too narrow to resize", p->w, p->h);
	}
	if (s->size && (h != p->h || w != p->w)) {
		struct ds_pixels t = *p;

		if (ds_resize(p, spare, h, w) < 0) {
			return err_memory(err);
		}
		*p = *spare;
		*spare = t;
	}
	return s->crop ? crop_middle(p, s->crop, err) : 0;
}
