/* SPDX-License-Identifier: MIT
 * Outlines as signed distances: discs and polygons, joined (min) and cut (max). */
#include <math.h>

#include "ds/synth/ds_synth_internal.h"

#define POLYGON(p, v) polygon(p, v, sizeof(v) / sizeof((v)[0]))

static double disc(struct ds_vec p, double x, double y, double r)
{
	return sqrt((p.x - x) * (p.x - x) + (p.y - y) * (p.y - y)) - r;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

/* Distance of p to the polygon v[n]. For each edge v[i], v[j], the nearest point is v[i] + t e with e = v[j] - v[i], w
 * = p - v[i], t = w.e / e.e clamped to 0..1; the smallest |w - t e| is the distance. p is inside if a ray from it to
 * the right (+x) crosses an odd number of edges: those with one end below p.y and the other not, which cross that
 * height to the right of p. */
static double polygon(struct ds_vec p, const struct ds_vec *v, size_t n)
{
	double best = 1e9;
	bool inside = false;
	for (size_t i = 0, j = n - 1; i < n; j = i++) {
		double ex = v[j].x - v[i].x, ey = v[j].y - v[i].y;
		double wx = p.x - v[i].x, wy = p.y - v[i].y;
		double t = (wx * ex + wy * ey) / (ex * ex + ey * ey);
		t = t < 0 ? 0 : t > 1 ? 1 : t;
		double bx = wx - ex * t, by = wy - ey * t;
		best = least(best, bx * bx + by * by);
		if ((v[i].y > p.y) != (v[j].y > p.y) && wx < ex * wy / ey)
			inside = !inside;
	}
	return inside ? -sqrt(best) : sqrt(best);
}

static const struct ds_vec square[] = { { -.72, -.72 }, { .72, -.72 }, { .72, .72 }, { -.72, .72 } };
static const struct ds_vec triangle[] = { { 0, -.98 }, { .88, .6 }, { -.88, .6 } };
static const struct ds_vec star[] = { { 0, -1 },  { .24, -.33 }, { .95, -.31 }, { .39, .12 },   { .59, .81 },
				      { 0, .41 }, { -.59, .81 }, { -.39, .12 }, { -.95, -.31 }, { -.24, -.33 } };
static const struct ds_vec cross[] = { { -.3, -.95 }, { .3, -.95 }, { .3, -.3 },   { .95, -.3 },
				       { .95, .3 },   { .3, .3 },   { .3, .95 },   { -.3, .95 },
				       { -.3, .3 },   { -.95, .3 }, { -.95, -.3 }, { -.3, -.3 } };
static const struct ds_vec heart[] = { { 0, -.46 },   { .18, -.79 },  { .46, -.88 },  { .74, -.73 },
				       { .86, -.4 },  { .74, -.04 },  { .46, .29 },   { .18, .58 },
				       { 0, .88 },    { -.18, .58 },  { -.46, .29 },  { -.74, -.04 },
				       { -.86, -.4 }, { -.74, -.73 }, { -.46, -.88 }, { -.18, -.79 } };
static const struct ds_vec arrow[] = { { 0, -1 },     { .78, -.1 },  { .26, -.1 }, { .26, .95 },
				       { -.26, .95 }, { -.26, -.1 }, { -.78, -.1 } };
static const struct ds_vec hourglass[] = {
	{ -.7, -.85 }, { .7, -.85 }, { .1, 0 }, { .7, .85 }, { -.7, .85 }, { -.1, 0 }
};
static const struct ds_vec tee[] = { { -.85, -.85 }, { .85, -.85 }, { .85, -.35 },  { .27, -.35 },
				     { .27, .92 },   { -.27, .92 }, { -.27, -.35 }, { -.85, -.35 } };

static const struct ds_vec pentagon[] = { { 0, -1 }, { .95, -.31 }, { .59, .81 }, { -.59, .81 }, { -.95, -.31 } };
static const struct ds_vec drop[] = { { 0, -1 },     { .53, .13 },  { .58, .32 },  { .56, .51 },  { .49, .69 },
				      { .36, .83 },  { .19, .93 },  { 0, .96 },    { -.19, .93 }, { -.36, .83 },
				      { -.49, .69 }, { -.56, .51 }, { -.58, .32 }, { -.53, .13 } };
static const struct ds_vec chevron[] = { { 0, -.65 }, { .9, .2 }, { .9, .8 }, { 0, -.05 }, { -.9, .8 }, { -.9, .2 } };
static const struct ds_vec bolt[] = { { .25, -1 },  { -.6, .15 }, { -.08, .15 },
				      { -.3, .98 }, { .6, -.25 }, { .08, -.25 } };
static const struct ds_vec ell[] = {
	{ -.6, -.95 }, { -.05, -.95 }, { -.05, .4 }, { .7, .4 }, { .7, .92 }, { -.6, .92 }
};

const char *const ds_outline_names[DS_OUTLINES] = { "disc",     "square", "triangle", "star",      "cross",
						    "crescent", "heart",  "arrow",    "hourglass", "tee",
						    "pentagon", "drop",   "chevron",  "halfdisc",  "bolt",
						    "clover",   "ell",    "capsule" };

_Static_assert((int)DS_PENTAGON == (int)DS_SYNTH_CLASSES, "the ID classes come first");

double ds_outline(int shape, struct ds_vec p)
{
	switch (shape) {
	case DS_DISC: return disc(p, 0, 0, .9);
	case DS_SQUARE: return POLYGON(p, square);
	case DS_TRIANGLE: return POLYGON(p, triangle);
	case DS_STAR: return POLYGON(p, star);
	case DS_CROSS: return POLYGON(p, cross);
	case DS_CRESCENT: return most(disc(p, -.1, 0, .95), -disc(p, .42, 0, .8));
	case DS_HEART: return POLYGON(p, heart);
	case DS_ARROW: return POLYGON(p, arrow);
	case DS_HOURGLASS: return POLYGON(p, hourglass);
	case DS_TEE: return POLYGON(p, tee);
	case DS_PENTAGON: return POLYGON(p, pentagon);
	case DS_DROP: return POLYGON(p, drop);
	case DS_CHEVRON: return POLYGON(p, chevron);
	case DS_HALFDISC: return most(disc(p, 0, -.4, .98), -.35 - p.y);
	case DS_BOLT: return POLYGON(p, bolt);
	case DS_CLOVER:
		return least(least(disc(p, -.5, 0, .45), disc(p, .5, 0, .45)),
			     least(disc(p, 0, -.5, .45), disc(p, 0, .5, .45)));
	case DS_ELL: return POLYGON(p, ell);
	default: return disc(p, 0, p.y < -.55 ? -.55 : p.y > .55 ? .55 : p.y, .4); /* CAPSULE */
	}
}
