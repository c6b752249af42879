/* SPDX-License-Identifier: MIT
 *
 * ds_synth: images generated from nothing but a seed, so that every experiment runs without downloads.
 *
 * The ID set is ten classes of objects that differ by their outline, never by colour, pose, surface, background or
 * light. A known share of its samples is atypical: hardly visible, or similar to another class. The other sets are OOD,
 * from pixel noise to objects whose outlines are not in the ID set.
 *
 * Row i of a set depends on (seed, set, split, i) alone. The arithmetic is +, -, *, /, sqrt and floor in double, which
 * IEEE 754 defines to the last bit, so the bytes are the same on every machine.
 */
#ifndef DS_SYNTH_H
#define DS_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DS_SYNTH_SIZE = 32,
	DS_SYNTH_BYTES = 3 * DS_SYNTH_SIZE * DS_SYNTH_SIZE,
	DS_SYNTH_CLASSES = 10,
	DS_SYNTH_NAME = 48
};

enum ds_synth_set {
	DS_SYNTH_ID,
	DS_SYNTH_UNSEEN_SHAPES,
	DS_SYNTH_ID_INVERTED,
	DS_SYNTH_TEXTURES,
	DS_SYNTH_BLOBS,
	DS_SYNTH_GAUSSIAN,
	DS_SYNTH_RADEMACHER,
	DS_SYNTH_SETS
};

/* Name of a set, and one line that describes it. */
const char *ds_synth_name(enum ds_synth_set set);
const char *ds_synth_help(enum ds_synth_set set);
/* The set called name, or -1. */
int ds_synth_find(const char *name);
/* Names of the ID classes, DS_SYNTH_CLASSES of them. */
extern const char *const ds_synth_classes[];

struct ds_synth {
	enum ds_synth_set set;
	bool train; /* split: train or test, independent of each other */
	uint64_t seed;
	double atypical; /* share of atypical samples in the sets based on ID;
			  * raising it changes only the rows that become atypical */
	bool plain;      /* typical objects of these sets, and those of unseen-shapes, stand alone: filled,
			  * whole and near the middle of a background of one colour */
};

struct ds_synth_row {
	uint8_t image[DS_SYNTH_BYTES]; /* (3,32,32) */
	int label;                     /* row % DS_SYNTH_CLASSES in the ID set, else -1 */
	bool atypical;
	char name[DS_SYNTH_NAME]; /* "heart/000123" */
};

/* Makes row i. */
void ds_synth_row(const struct ds_synth *s, uint64_t i, struct ds_synth_row *ret);

#ifdef __cplusplus
}
#endif
#endif
