/* SPDX-License-Identifier: MIT
 * Private to ds_synth: outlines, and how they are painted. Pictures are double in 0..1, one plane per colour; units are
 * pixels, x to the right, y down. */
#ifndef DS_SYNTH_INTERNAL_H
#define DS_SYNTH_INTERNAL_H

#include "ds/synth/ds_synth.h"
#include "ts/ts_rng.h"

enum { DS_N = DS_SYNTH_SIZE, DS_PIXELS = DS_N * DS_N };

struct ds_picture {
	double px[3 * DS_PIXELS]; /* (3,32,32) */
};

struct ds_vec {
	double x, y;
};

struct ds_color {
	double c[3];
};

/* Outlines, each within the unit circle of its own frame; "up" is -y. The first DS_SYNTH_CLASSES are the
 * ID classes. */
enum ds_shape_name {
	DS_DISC,
	DS_SQUARE,
	DS_TRIANGLE,
	DS_STAR,
	DS_CROSS,
	DS_CRESCENT,
	DS_HEART,
	DS_ARROW,
	DS_HOURGLASS,
	DS_TEE,
	DS_PENTAGON,
	DS_DROP,
	DS_CHEVRON,
	DS_HALFDISC,
	DS_BOLT,
	DS_CLOVER,
	DS_ELL,
	DS_CAPSULE,
	DS_OUTLINES
};
extern const char *const ds_outline_names[DS_OUTLINES];
/* Signed distance of p to the outline: negative inside, exact near the outline. */
double ds_outline(int shape, struct ds_vec p);

/* An object: an outline of radius r at (x, y), turned by the unit vector turn, its width multiplied by
 * squash; filled, or drawn with a line of width stroke. Coloured from a (top) to b (bottom). */
struct ds_object {
	int shape;
	double x, y, r, squash, stroke, alpha;
	struct ds_vec turn;
	struct ds_color a, b;
};
void ds_draw_object(struct ds_picture *p, const struct ds_object *o);

/* Uniform in [lo, hi). */
double ds_uniform(struct ts_rng *r, double lo, double hi);
/* A unit vector of uniform direction, and the one with angle given by t = tan(angle / 2). */
struct ds_vec ds_direction(struct ts_rng *r);
struct ds_vec ds_turn(double t);
/* Any hue, with the given luminance as far as that is possible. */
struct ds_color ds_color_new(struct ts_rng *r, double luminance);
struct ds_color ds_color_mix(struct ds_color a, struct ds_color b, double t);

/* These paint the whole picture: a background between the colours a and b, of a random kind; a wilder texture of any
 * colours; light from one side and dark corners; noise of standard deviation sigma. */
void ds_paint_background(struct ds_picture *p, struct ts_rng *r, struct ds_color a, struct ds_color b);
void ds_paint_texture(struct ds_picture *p, struct ts_rng *r);
void ds_paint_light(struct ds_picture *p, struct ts_rng *r);
void ds_paint_noise(struct ds_picture *p, struct ts_rng *r, double sigma);

#endif
