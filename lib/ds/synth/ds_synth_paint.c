/* SPDX-License-Identifier: MIT
 * Objects, surfaces, light and noise. From libm only sqrt, floor and fabs are used, which are exact to the last bit
 * everywhere: waves are built from cubics, angles from half-angle tangents. And no expression draws two random numbers,
 * because C does not specify which is drawn first. */
#include <math.h>

#include "ds/synth/ds_synth_internal.h"

double ds_uniform(struct ts_rng *r, double lo, double hi)
{
	return lo + (hi - lo) * ts_rng_double(r);
}

static double clamp(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* A point of the unit disc (redrawn until it lies inside, and not near the centre), scaled to the circle. */
struct ds_vec ds_direction(struct ts_rng *r)
{
	double x, y, q;
	do {
		x = ds_uniform(r, -1, 1);
		y = ds_uniform(r, -1, 1);
		q = x * x + y * y;
	} while (q > 1 || q < 1e-4);
	q = sqrt(q);
	return (struct ds_vec){ x / q, y / q };
}

/* With t = tan(angle / 2): cos = (1 - t^2) / (1 + t^2), sin = 2 t / (1 + t^2). */
struct ds_vec ds_turn(double t)
{
	return (struct ds_vec){ (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t) };
}

/* Three uniforms, shifted together until .3 r + .59 g + .11 b is the luminance, then clamped to 0..1. */
struct ds_color ds_color_new(struct ts_rng *r, double luminance)
{
	struct ds_color k;
	for (int c = 0; c < 3; c++)
		k.c[c] = ts_rng_double(r);
	double shift = luminance - (.3 * k.c[0] + .59 * k.c[1] + .11 * k.c[2]);
	for (int c = 0; c < 3; c++)
		k.c[c] = clamp(k.c[c] + shift);
	return k;
}

struct ds_color ds_color_mix(struct ds_color a, struct ds_color b, double t)
{
	for (int c = 0; c < 3; c++)
		a.c[c] += (b.c[c] - a.c[c]) * t;
	return a;
}

/* Pixel i becomes (1 - alpha) * itself + alpha * k. */
static void blend(struct ds_picture *p, int i, struct ds_color k, double alpha)
{
	for (int c = 0; c < 3; c++)
		p->px[c * DS_PIXELS + i] += (k.c[c] - p->px[c * DS_PIXELS + i]) * alpha;
}

/* For each pixel near the object: its centre goes into the outline's frame (moved, turned back, divided by the radius,
 * x also by squash); d is its distance from the outline there, in pixels again (of the shorter axis, so that it is not
 * too large); a stroke is everything within half its width of the line that runs half a width inside the outline. The
 * pixel is covered by 1/2 - d, clamped to 0..1: antialiasing over one pixel. */
void ds_draw_object(struct ds_picture *p, const struct ds_object *o)
{
	double reach = o->r + 1 + o->stroke, squeezed = o->r * o->squash;
	for (int y = 0; y < DS_N; y++)
		for (int x = 0; x < DS_N; x++) {
			double dx = x + .5 - o->x, dy = y + .5 - o->y;
			if (dx * dx + dy * dy > reach * reach)
				continue;
			struct ds_vec q = { (dx * o->turn.x + dy * o->turn.y) / squeezed,
					    (dy * o->turn.x - dx * o->turn.y) / o->r };
			double d = ds_outline(o->shape, q) * squeezed;
			if (o->stroke > 0)
				d = fabs(d + o->stroke / 2) - o->stroke / 2;
			double cover = clamp(.5 - d);
			if (cover > 0)
				blend(p, y * DS_N + x, ds_color_mix(o->a, o->b, clamp(q.y / 2 + .5)), cover * o->alpha);
		}
}

/* Period 1, from 0 up to 1 and back, smooth. */
static double wave(double x)
{
	double t = fabs(2 * (x - floor(x)) - 1);
	return 1 - t * t * (3 - 2 * t);
}

/* A smooth random field in 0..1 with features of about `cell` pixels (value noise): random numbers at the knots of a
 * grid with this spacing, offset by a random part of a cell; between four knots their bilinear mix, with u and v
 * replaced by 3u^2 - 2u^3, whose slope is 0 at the knots. */
static void smooth_field(struct ts_rng *r, double cell, double field[DS_PIXELS])
{
	double knot[DS_N + 2][DS_N + 2], ox = ts_rng_double(r), oy = ts_rng_double(r);
	int n = (int)(DS_N / cell) + 3;
	n = n > DS_N + 2 ? DS_N + 2 : n;
	for (int y = 0; y < n; y++)
		for (int x = 0; x < n; x++)
			knot[y][x] = ts_rng_double(r);
	for (int y = 0; y < DS_N; y++) {
		double v = y / cell + oy;
		int j = (int)v;
		v -= j;
		v *= v * (3 - 2 * v);
		for (int x = 0; x < DS_N; x++) {
			double u = x / cell + ox;
			int i = (int)u;
			u -= i;
			u *= u * (3 - 2 * u);
			double top = knot[j][i] + (knot[j][i + 1] - knot[j][i]) * u;
			double low = knot[j + 1][i] + (knot[j + 1][i + 1] - knot[j + 1][i]) * u;
			field[y * DS_N + x] = top + (low - top) * v;
		}
	}
}

/* Mixes a (0) and b (1) at each pixel. */
static void fill(struct ds_picture *p, struct ds_color a, struct ds_color b, const double mix[DS_PIXELS])
{
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < DS_PIXELS; i++)
			p->px[c * DS_PIXELS + i] = a.c[c] + (b.c[c] - a.c[c]) * mix[i];
}

/* From one side to the other, in a random direction; 1/2 in the middle. */
static void gradient(struct ts_rng *r, double mix[DS_PIXELS])
{
	struct ds_vec d = ds_direction(r);
	for (int i = 0; i < DS_PIXELS; i++)
		mix[i] = .5 + ((i % DS_N - 15.5) * d.x + (i / DS_N - 15.5) * d.y) / (1.4 * DS_N);
}

/* A coarse field and a fine one. */
static void clouds(struct ts_rng *r, double mix[DS_PIXELS])
{
	double fine[DS_PIXELS];
	smooth_field(r, ds_uniform(r, 6, 14), mix);
	smooth_field(r, ds_uniform(r, 2, 5), fine);
	for (int i = 0; i < DS_PIXELS; i++)
		mix[i] = clamp(mix[i] + .6 * (fine[i] - .5));
}

/* Stripes, checks, dots or a grid, with a period of 2.5 pixels or more. (u, v) are a pixel's coordinates in periods,
 * turned to a random direction, after the pixel was moved by a smooth field, so that the lines bend by some pixels.
 * With the waves a = wave(u), b = wave(v): stripes are a; checks a xor b = a + b - 2ab; dots where both are high; a
 * grid where either is. */
static void pattern(struct ts_rng *r, double max_period, double max_bend, double mix[DS_PIXELS])
{
	double warp[DS_PIXELS];
	double period = ds_uniform(r, 2.5, max_period), bend = ds_uniform(r, 0, max_bend);
	struct ds_vec d = ds_direction(r);
	double phase = ts_rng_double(r), stretch = ds_uniform(r, .5, 1);
	enum { STRIPES, CHECKS, DOTS, GRID, KINDS };
	int kind = (int)ts_rng_below(r, KINDS);
	smooth_field(r, 10, warp);
	for (int i = 0; i < DS_PIXELS; i++) {
		double x = i % DS_N - 15.5, y = i / DS_N - 15.5, w = bend * (warp[i] - .5);
		double u = (x * d.x + y * d.y + w) / period + phase;
		double v = (y * d.x - x * d.y + w) / period * stretch + phase;
		double a = wave(u), b = wave(v);
		if (kind == STRIPES)
			mix[i] = a;
		else if (kind == CHECKS)
			mix[i] = a + b - 2 * a * b;
		else if (kind == DOTS)
			mix[i] = clamp(4 * a * b - 1);
		else
			mix[i] = clamp(3 * (a > b ? a : b) - 1.5);
	}
}

/* Small bars and spots in shades between a and b and a little beyond. */
static void clutter(struct ds_picture *p, struct ts_rng *r, struct ds_color a, struct ds_color b)
{
	for (int n = 5 + (int)ts_rng_below(r, 6); n > 0; n--) {
		struct ds_object o = { .alpha = 1 };
		o.shape = ts_rng_below(r, 3) ? DS_SQUARE : DS_DISC;
		o.turn = ds_direction(r);
		o.x = ds_uniform(r, 0, DS_N);
		o.y = ds_uniform(r, 0, DS_N);
		o.r = ds_uniform(r, 2, 9);
		o.squash = ds_uniform(r, .15, .5);
		o.a = o.b = ds_color_mix(a, b, ds_uniform(r, -.4, 1.4));
		ds_draw_object(p, &o);
	}
}

/* A fifth are gradients, three tenths clouds, a fifth patterns, three tenths gradients with clutter. */
void ds_paint_background(struct ds_picture *p, struct ts_rng *r, struct ds_color a, struct ds_color b)
{
	double mix[DS_PIXELS];
	double kind = ts_rng_double(r);
	if (kind < .2)
		gradient(r, mix);
	else if (kind < .5)
		clouds(r, mix);
	else if (kind < .7)
		pattern(r, 12, 8, mix);
	else
		gradient(r, mix);
	fill(p, a, b, mix);
	if (kind >= .7)
		clutter(p, r, a, b);
}

/* A pattern in two colours, and over it a pattern or clouds in a third, partly transparent. */
void ds_paint_texture(struct ds_picture *p, struct ts_rng *r)
{
	double mix[DS_PIXELS], over[DS_PIXELS];
	struct ds_color k[3];
	for (int c = 0; c < 3; c++)
		k[c] = ds_color_new(r, ts_rng_double(r));
	pattern(r, 9, 20, mix);
	fill(p, k[0], k[1], mix);
	if (ts_rng_below(r, 2))
		pattern(r, 16, 12, over);
	else
		clouds(r, over);
	double strength = ds_uniform(r, .2, .8);
	for (int i = 0; i < DS_PIXELS; i++)
		blend(p, i, k[2], strength * over[i]);
}

/* Multiplies each pixel by 1 + side * (its distance towards the light) - corner * (its distance from the middle)^2;
 * 512 is about the square of the corners' distance. */
void ds_paint_light(struct ds_picture *p, struct ts_rng *r)
{
	struct ds_vec d = ds_direction(r);
	double side = ds_uniform(r, 0, .3) / DS_N, corner = ds_uniform(r, .1, .45) / 512;
	for (int i = 0; i < DS_PIXELS; i++) {
		double x = i % DS_N - 15.5, y = i / DS_N - 15.5;
		double light = 1 + (x * d.x + y * d.y) * side - (x * x + y * y) * corner;
		for (int c = 0; c < 3; c++)
			p->px[c * DS_PIXELS + i] *= light;
	}
}

/* The sum of four 16-bit uniforms is close enough to normal for camera noise. Its mean is 4 * 65535/2 = 131070, its
 * variance 4/12 * 65536^2: so sigma * sqrt(3) / 65536 is the scale. */
void ds_paint_noise(struct ds_picture *p, struct ts_rng *r, double sigma)
{
	double scale = sigma * sqrt(3) / 65536;
	for (int i = 0; i < DS_SYNTH_BYTES; i++) {
		uint64_t u = ts_rng_u64(r);
		int sum = (int)(u & 65535) + (int)(u >> 16 & 65535) + (int)(u >> 32 & 65535) + (int)(u >> 48);
		p->px[i] += (sum - 131070) * scale;
	}
}
