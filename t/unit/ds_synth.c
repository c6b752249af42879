/* SPDX-License-Identifier: MIT
 * The synthetic sets: bytes, splits, labels, statistics. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ds/synth/ds_synth.h"
#include "../tap.h"

enum { N = 2000 };
static struct ds_synth_row row;

static const uint8_t *image(enum ds_synth_set set, bool train, uint64_t seed, uint64_t i)
{
	struct ds_synth s = { .set = set, .train = train, .seed = seed, .atypical = .1 };
	ds_synth_row(&s, i, &row);
	return row.image;
}

/* Bytes of the first n plain rows of a set. */
static uint64_t plain_bytes(enum ds_synth_set set, uint64_t n)
{
	const struct ds_synth s = { .set = set, .plain = true };
	XXH3_state_t *x = XXH3_createState();
	XXH3_64bits_reset(x);
	for (uint64_t i = 0; i < n; i++) {
		ds_synth_row(&s, i, &row);
		XXH3_64bits_update(x, row.image, DS_SYNTH_BYTES);
	}
	const uint64_t got = XXH3_64bits_digest(x);
	XXH3_freeState(x);
	return got;
}

/* The bytes are part of the interface: other machines and compilers must get the same. */
static void bytes(void)
{
	static const uint64_t want[DS_SYNTH_SETS] = {
		0x12e608007d8b2a8d, 0x12d2270829c7caf1, 0x8c3476b2e3bbd6b2, 0x3b97990ffb7ebe9e,
		0xc8061b9a405e4dc9, 0x9e2621289d50852d, 0x857d7fb8ef0a95bc,
	};
	for (int set = 0; set < DS_SYNTH_SETS; set++) {
		XXH3_state_t *x = XXH3_createState();
		XXH3_64bits_reset(x);
		for (uint64_t i = 0; i < 200; i++)
			XXH3_64bits_update(x, image(set, false, 0, i), DS_SYNTH_BYTES);
		uint64_t got = XXH3_64bits_digest(x);
		XXH3_freeState(x);
		ok(got == want[set], "%s: the bytes of 200 rows, 0x%016llx", ds_synth_name(set),
		   (unsigned long long)got);
	}
	ok(plain_bytes(DS_SYNTH_ID, 200) == 0xc3ce5968f4381d89, "id, plain: 0x%016llx",
	   (unsigned long long)plain_bytes(DS_SYNTH_ID, 200));
	ok(plain_bytes(DS_SYNTH_UNSEEN_SHAPES, 200) == 0xeaaf0f170fa806fc, "unseen-shapes, plain: 0x%016llx",
	   (unsigned long long)plain_bytes(DS_SYNTH_UNSEEN_SHAPES, 200));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void no_equal_images(enum ds_synth_set set)
{
	static uint64_t hash[3 * N];
	size_t n = 0, equal = 0;

	for (uint64_t i = 0; i < N; i++) {
		hash[n++] = XXH3_64bits(image(set, true, 0, i), DS_SYNTH_BYTES);
		hash[n++] = XXH3_64bits(image(set, false, 0, i), DS_SYNTH_BYTES);
		hash[n++] = XXH3_64bits(image(set, false, 1, i), DS_SYNTH_BYTES);
	}
	qsort(hash, n, sizeof *hash, by_value);
	for (size_t i = 1; i < n; i++)
		equal += hash[i] == hash[i - 1];
	ok(equal == 0, "%s: train, test, another seed: no image in common", ds_synth_name(set));
}

static void id_set(void)
{
	int count[DS_SYNTH_CLASSES] = { 0 }, odd = 0, changed = 0, named = 0;
	static uint8_t before[DS_SYNTH_BYTES];
	struct ds_synth more = { .set = DS_SYNTH_ID, .train = true, .atypical = .5 };

	for (uint64_t i = 0; i < N; i++) {
		memcpy(before, image(DS_SYNTH_ID, true, 0, i), sizeof before);
		bool was = row.atypical;
		count[row.label]++;
		odd += was;
		named += strncmp(row.name, ds_synth_classes[row.label], strlen(ds_synth_classes[row.label])) == 0;
		ds_synth_row(&more, i, &row);
		changed += (was && !row.atypical) ||
			   ((memcmp(before, row.image, sizeof before) != 0) != (row.atypical && !was));
	}
	for (int c = 1; c < DS_SYNTH_CLASSES; c++)
		count[0] = count[c] == count[0] ? count[0] : -1;
	ok(count[0] == N / DS_SYNTH_CLASSES, "labels are balanced");
	ok(named == N, "names begin with the class");
	ok(abs(odd - N / 10) < 4 * sqrt(N * .09), "a tenth is atypical: %d of %d", odd, N);
	ok(changed == 0, "a larger share changes only the rows that become atypical");
}

static void inverted(void)
{
	static uint8_t id[DS_SYNTH_BYTES];
	int off = 0;

	for (uint64_t i = 0; i < 100; i++) {
		memcpy(id, image(DS_SYNTH_ID, false, 0, i), sizeof id);
		image(DS_SYNTH_ID_INVERTED, false, 0, i);
		for (int k = 0; k < DS_SYNTH_BYTES; k++)
			off += abs(id[k] + row.image[k] - 255) > 1;
	}
	ok(off == 0 && row.label == -1, "id-inverted is 255 - id, without labels");
}

struct stats {
	double mean, sd, smooth; /* smooth: correlation of neighbours in x */
	double extreme, dark;    /* shares of pixels at 0 or 255, and at 0 */
	double seen;             /* share of names that begin with an ID class */
};

static struct stats stats_of(enum ds_synth_set set)
{
	double n = 0, sum = 0, sq = 0, diff = 0, extreme = 0, dark = 0, seen = 0;
	for (uint64_t i = 0; i < 500; i++) {
		const uint8_t *v = image(set, false, 0, i);
		for (int k = 0; k < DS_SYNTH_BYTES; k++, n++) {
			double next = v[k % DS_SYNTH_SIZE ? k - 1 : k + 1];
			sum += v[k];
			sq += (double)v[k] * v[k];
			diff += (v[k] - next) * (v[k] - next);
			extreme += v[k] == 0 || v[k] == 255;
			dark += v[k] == 0;
		}
		for (int c = 0; c < DS_SYNTH_CLASSES; c++)
			seen += strncmp(row.name, ds_synth_classes[c], strlen(ds_synth_classes[c])) == 0;
	}
	double var = sq / n - sum / n * sum / n;
	return (struct stats){ sum / n, sqrt(var), 1 - diff / n / 2 / var, extreme / n, dark / n, seen / 500 };
}

static void statistics(void)
{
	struct stats s[DS_SYNTH_SETS];
	for (int i = 0; i < DS_SYNTH_SETS; i++) {
		s[i] = stats_of(i);
		printf("# %s: mean %.1f sd %.1f neighbours %.3f at the ends %.3f dark %.3f\n", ds_synth_name(i),
		       s[i].mean, s[i].sd, s[i].smooth, s[i].extreme, s[i].dark);
		ok((i == DS_SYNTH_ID) == (row.label >= 0), "%s: label", ds_synth_name(i));
	}
	struct stats *g = &s[DS_SYNTH_GAUSSIAN], *r = &s[DS_SYNTH_RADEMACHER];
	struct stats *b = &s[DS_SYNTH_BLOBS], *t = &s[DS_SYNTH_TEXTURES];
	/* a normal of sd 63.75 cut at 2 sd on both sides has sd 61.4, 4.55 % at the ends */
	ok(fabs(g->mean - 127.5) < .5 && fabs(g->sd - 61.4) < .5 && fabs(g->smooth) < .01 &&
		   fabs(g->extreme - .046) < .002,
	   "gaussian");
	ok(fabs(r->mean - 127.5) < .5 && r->extreme == 1 && fabs(r->smooth) < .01, "rademacher");
	ok(b->dark > .7 && b->dark < .9 && b->smooth > .6, "blobs");
	ok(t->smooth > .4 && t->sd > 40 && t->extreme < .1, "textures");
	ok(s[DS_SYNTH_ID].smooth > .7 && s[DS_SYNTH_ID].mean < 110 && s[DS_SYNTH_ID].seen == 1, "id");
	ok(fabs(s[DS_SYNTH_UNSEEN_SHAPES].mean - s[DS_SYNTH_ID].mean) < 3 &&
		   fabs(s[DS_SYNTH_UNSEEN_SHAPES].sd - s[DS_SYNTH_ID].sd) < 3 && s[DS_SYNTH_UNSEEN_SHAPES].seen == 0,
	   "unseen-shapes: like id in all but the outline");
}

int main(void)
{
	bytes();
	for (int set = 0; set < DS_SYNTH_SETS; set++)
		no_equal_images(set);
	id_set();
	inverted();
	statistics();
	ok(ds_synth_find("blobs") == DS_SYNTH_BLOBS && ds_synth_find("blob") < 0, "names");
	return done();
}
