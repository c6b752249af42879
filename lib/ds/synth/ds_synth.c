/* SPDX-License-Identifier: MIT
 * The sets, and how a row of each is generated. */
#include <stdio.h>
#include <string.h>

#include "ds/synth/ds_synth_internal.h"

typedef void painter(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
		     struct ds_synth_row *ret);
static painter paint_id, paint_unseen, paint_inverted, paint_textures, paint_blobs, paint_gaussian, paint_rademacher;

/* In the order of enum ds_synth_set. */
static const struct {
	const char *name, *help;
	painter *paint;
} sets[DS_SYNTH_SETS] = {
	{ "id", "ten classes of objects on varied backgrounds, some atypical: the labelled set", paint_id },
	{ "unseen-shapes", "objects of eight other outlines, painted the same way: near OOD", paint_unseen },
	{ "id-inverted", "the images of the ID set as photographic negatives", paint_inverted },
	{ "textures", "stripes, checks and dots, bent and overlaid: no object", paint_textures },
	{ "blobs", "blurred random bits, cut off below a threshold", paint_blobs },
	{ "gaussian", "normal noise in every pixel", paint_gaussian },
	{ "rademacher", "every pixel's channels full on or off", paint_rademacher },
};

const char *const ds_synth_classes[] = { "disc",     "square", "triangle", "star",      "cross",
					 "crescent", "heart",  "arrow",    "hourglass", "tee" };

const char *ds_synth_name(enum ds_synth_set set)
{
	return sets[set].name;
}

const char *ds_synth_help(enum ds_synth_set set)
{
	return sets[set].help;
}

int ds_synth_find(const char *name)
{
	for (int i = 0; i < DS_SYNTH_SETS; i++)
		if (strcmp(sets[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- scenes: a background, an object, and what makes some of them atypical ------------------- */

/* Cut off by the frame, behind a wall, overlaid with an object of another class, tiny, hardly brighter than the
 * background, upside down and squeezed. */
enum { TYPICAL = -1, TRUNCATED, OCCLUDED, BLENDED, TINY, FAINT, POSED, N_ATYPICAL };

/* Radius, rotation and position of an object; all of it is inside the picture, unless it is TRUNCATED. The order in
 * which the numbers are drawn is part of what a seed means, here as everywhere. */

static struct ds_object new_object(struct ts_rng *r, int shape, int fate)
{
	struct ds_object o = { .shape = shape, .alpha = 1 };
	o.r = fate == TINY ? ds_uniform(r, 2, 3.5) : ds_uniform(r, 7, 12);
	o.squash = fate == POSED ? ds_uniform(r, .35, .5) : ds_uniform(r, .8, 1);
	o.turn = ds_turn(ds_uniform(r, -.35, .35));
	if (ts_rng_below(r, 4) == 0 && fate != TINY)
		o.stroke = ds_uniform(r, 1.8, 3);
	double slack = 15 - o.r;
	o.x = 16 + ds_uniform(r, -slack, slack);
	o.y = 16 + ds_uniform(r, -slack, slack);
	if (fate == POSED) {
		struct ds_vec t = ds_turn(ds_uniform(r, -.5, .5));
		o.turn = (struct ds_vec){ -t.x, -t.y };
	}
	if (fate == TRUNCATED) {
		double out = o.r * ds_uniform(r, -.1, .25);
		switch (ts_rng_below(r, 4)) {
		case 0: o.x = -out; break;
		case 1: o.x = DS_N + out; break;
		case 2: o.y = -out; break;
		default: o.y = DS_N + out;
		}
	}
	return o;
}

/* Something in front: a thin bar across a typical object, a wall over more than half of an occluded one. Both are
 * squares, the wall of 60 x 60 pixels, the bar squeezed to 2 to 4 x 60, in a random direction. The centre is `off`
 * pixels from the object's, across, so that the wall's edge lies .1 to .4 radii beyond the object's centre. */
static void occlude(struct ds_picture *p, struct ts_rng *r, const struct ds_object *o, struct ds_color k, bool wall)
{
	struct ds_object w = { .shape = DS_SQUARE, .turn = ds_direction(r), .alpha = 1, .a = k, .b = k };
	double off = wall ? 30 - o->r * ds_uniform(r, .1, .4) : o->r * ds_uniform(r, -.5, .5);
	w.r = 30 / .72; /* half the square's side is .72 of this: 30 pixels, beyond the picture */
	w.squash = wall ? 1 : ds_uniform(r, 1, 2) / 30;
	w.x = o->x + off * w.turn.x;
	w.y = o->y + off * w.turn.y;
	ds_draw_object(p, &w);
}

static void shadow(struct ds_picture *p, struct ts_rng *r, const struct ds_object *o)
{
	struct ds_object s = *o;
	s.x += ds_uniform(r, .5, 2.5);
	s.y += ds_uniform(r, .5, 2.5);
	s.alpha = ds_uniform(r, .2, .5);
	s.a = s.b = (struct ds_color){ { 0, 0, 0 } };
	ds_draw_object(p, &s);
}

/* One picture. Background and object differ in luminance by `contrast`, a quarter of the bright scenes the other way
 * round; colours are free, so that colour says nothing about the class. From back to front: background, shadow, object,
 * another object (BLENDED), bar or wall, light, noise. */
static void scene(struct ts_rng *r, struct ds_picture *p, int shape, int fate)
{
	double light = ds_uniform(r, .15, .5);
	struct ds_color a = ds_color_new(r, light + ds_uniform(r, -.12, .12));
	struct ds_color b = ds_color_new(r, light + ds_uniform(r, -.12, .12));
	double contrast = fate == FAINT ? ds_uniform(r, .04, .08) : ds_uniform(r, .25, .45);
	if (light > .35 && ts_rng_below(r, 4) == 0)
		contrast = -contrast;
	struct ds_object o = new_object(r, shape, fate);
	if (fate == FAINT) {
		o.a = ds_color_mix(a, b, .5);
		for (int c = 0; c < 3; c++)
			o.a.c[c] += contrast;
		o.b = o.a;
	} else {
		o.a = ds_color_new(r, light + contrast);
		o.b = ds_color_mix(o.a, ds_color_new(r, light + contrast), .4);
	}
	ds_paint_background(p, r, a, b);
	if (fate != FAINT && ts_rng_below(r, 5) < 2)
		shadow(p, r, &o);
	ds_draw_object(p, &o);
	if (fate == BLENDED) {
		int step = 1 + (int)ts_rng_below(r, DS_SYNTH_CLASSES - 1);
		struct ds_object other = new_object(r, (shape + step) % DS_SYNTH_CLASSES, fate);
		other.x = o.x + ds_uniform(r, -2, 2);
		other.y = o.y + ds_uniform(r, -2, 2);
		other.r = o.r;
		other.a = other.b = ds_color_mix(o.a, ds_color_new(r, light + contrast), .3);
		other.alpha = ds_uniform(r, .55, .75);
		ds_draw_object(p, &other);
	}
	bool bar = ts_rng_below(r, 5) == 0;
	if (bar || fate == OCCLUDED)
		occlude(p, r, &o, ds_color_new(r, light), fate == OCCLUDED);
	ds_paint_light(p, r);
	ds_paint_noise(p, r, ds_uniform(r, .005, .06));
}

/* The object alone: bright, filled, whole and near the middle, on a darker background of one colour. */
static void plain_scene(struct ts_rng *r, struct ds_picture *p, int shape)
{
	double light = ds_uniform(r, .1, .3);
	struct ds_color ground = ds_color_new(r, light);
	struct ds_object o = { .shape = shape, .alpha = 1 };
	o.a = o.b = ds_color_new(r, light + ds_uniform(r, .3, .5));
	o.r = ds_uniform(r, 9, 13);
	o.squash = ds_uniform(r, .8, 1);
	o.turn = ds_turn(ds_uniform(r, -.15, .15));
	o.x = 16 + ds_uniform(r, -2, 2);
	o.y = 16 + ds_uniform(r, -2, 2);
	for (int k = 0; k < 3 * DS_PIXELS; k++)
		p->px[k] = ground.c[k / DS_PIXELS];
	ds_draw_object(p, &o);
	ds_paint_noise(p, r, ds_uniform(r, .005, .06));
}

static void paint_shape(const struct ds_synth *s, struct ts_rng *r, struct ds_picture *p, int shape, int fate)
{
	if (s->plain && fate == TYPICAL)
		plain_scene(r, p, shape);
	else
		scene(r, p, shape, fate);
}

static void paint_id(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
		     struct ds_synth_row *ret)
{
	double u = ts_rng_double(r);
	int fate = (int)ts_rng_below(r, N_ATYPICAL);
	ret->label = (int)(i % DS_SYNTH_CLASSES);
	ret->atypical = u < s->atypical;
	paint_shape(s, r, p, ret->label, ret->atypical ? fate : TYPICAL);
	snprintf(ret->name, sizeof ret->name, "%s/%06llu", ds_synth_classes[ret->label], (unsigned long long)i);
}

static void paint_unseen(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			 struct ds_synth_row *ret)
{
	int shape = DS_SYNTH_CLASSES + (int)(i % (DS_OUTLINES - DS_SYNTH_CLASSES));
	paint_shape(s, r, p, shape, TYPICAL);
	snprintf(ret->name, sizeof ret->name, "%s/%06llu", ds_outline_names[shape], (unsigned long long)i);
}

static void paint_inverted(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			   struct ds_synth_row *ret)
{
	paint_id(s, i, r, p, ret);
	ret->label = -1;
	for (int k = 0; k < DS_SYNTH_BYTES; k++)
		p->px[k] = 1 - p->px[k];
}

/* ---- no objects ------------------------------------------------------------------------------ */

static void paint_textures(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			   struct ds_synth_row *ret)
{
	(void)s, (void)i, (void)ret;
	ds_paint_texture(p, r);
	ds_paint_noise(p, r, ds_uniform(r, .005, .06));
}

/* Blurs n values that are `step` apart: v[i] becomes the sum of w[|k|] v[i + k], k from -5 to 5; the end values are
 * repeated beyond the ends. */
static void blur(double *v, int n, int step)
{
	enum { REACH = 5 };
	static const double w[REACH + 1] = { /* exp(-k^2 / (2 * 1.5^2)), divided by their sum */
					     0.2660117, 0.2130055, 0.1093607, 0.0360008, 0.0075988, 0.0010284
	};
	double line[DS_N + 2 * REACH];
	for (int i = -REACH; i < n + REACH; i++)
		line[i + REACH] = v[(i < 0 ? 0 : i >= n ? n - 1 : i) * step];
	for (int i = 0; i < n; i++) {
		const double *at = line + i + REACH;
		double sum = w[0] * at[0];
		for (int k = 1; k <= REACH; k++)
			sum += w[k] * (at[-k] + at[k]);
		v[i * step] = sum;
	}
}

/* The blobs of the outlier-exposure experiments (Hendrycks et al., ICLR 2019): bits that are 1 with
 * probability 0.7, blurred over height, width and channel with sigma 1.5, set to 0 below 0.75. */
static void paint_blobs(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			struct ds_synth_row *ret)
{
	(void)s, (void)i, (void)ret;
	double *v = p->px;
	for (int k = 0; k < DS_SYNTH_BYTES; k++)
		v[k] = ts_rng_double(r) < .7;
	for (int k = 0; k < 3 * DS_N; k++) /* rows, */
		blur(v + k * DS_N, DS_N, 1);
	for (int k = 0; k < 3 * DS_N; k++) /* columns, */
		blur(v + k / DS_N * DS_PIXELS + k % DS_N, DS_N, DS_N);
	for (int k = 0; k < DS_PIXELS; k++) /* channels */
		blur(v + k, 3, DS_PIXELS);
	for (int k = 0; k < DS_SYNTH_BYTES; k++)
		if (v[k] < .75)
			v[k] = 0;
}

/* Mean 1/2, standard deviation 1/4, as in the same experiments. Nearly normal without log or cos: the number of ones
 * in 64 random bits (mean 32, variance 16) plus a uniform of -1/2..1/2, which fills the gaps between whole numbers
 * (variance 1/12). sqrt(16 + 1/12) = 4.0104. */
static void paint_gaussian(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			   struct ds_synth_row *ret)
{
	(void)s, (void)i, (void)ret;
	for (int k = 0; k < DS_SYNTH_BYTES; k++) {
		double x = __builtin_popcountll(ts_rng_u64(r)) - 32;
		x += ds_uniform(r, -.5, .5);
		p->px[k] = .5 + .25 * x / 4.0104;
	}
}

static void paint_rademacher(const struct ds_synth *s, uint64_t i, struct ts_rng *r, struct ds_picture *p,
			     struct ds_synth_row *ret)
{
	(void)s, (void)i, (void)ret;
	for (int k = 0; k < DS_SYNTH_BYTES; k++)
		p->px[k] = (double)(ts_rng_u64(r) >> 63);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A number for a set and its split: a hash of the name (FNV-1a), so that adding a set does not change the others. The
 * inverted set has the ID set's number, because it holds the negatives of the same rows. */
static uint64_t stream_of(const struct ds_synth *s)
{
	uint64_t h = 0xcbf29ce484222325u;
	const char *name = sets[s->set == DS_SYNTH_ID_INVERTED ? DS_SYNTH_ID : s->set].name;
	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return (h ^ s->train) * 0x100000001b3u;
}

void ds_synth_row(const struct ds_synth *s, uint64_t i, struct ds_synth_row *ret)
{
	struct ds_picture p;
	struct ts_rng r = ts_rng_new(s->seed, stream_of(s) + i);
	ret->label = -1;
	ret->atypical = false;
	snprintf(ret->name, sizeof ret->name, "%s/%06llu", sets[s->set].name, (unsigned long long)i);
	sets[s->set].paint(s, i, &r, &p, ret);
	for (int k = 0; k < DS_SYNTH_BYTES; k++) {
		double v = p.px[k] * 255 + .5;
		ret->image[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
}
