/* SPDX-License-Identifier: MIT
 *
 * ood_fit: what scores need to know about a set of ID samples, from one pass over their features.
 * A stream of kind "fit" holds it:
 *
 *	features.{total,centre,scatter,count,mean}     ood_moments.h, of the features
 *	unit.{...}                                     the same for features divided by their norm
 *	layerK.{...}, layerK.precision                 the same for each column layerK, and the
 *	                                               pseudo-inverse of its covariance within classes
 *	gram:NAME.min, gram:NAME.max (C,5d)            smallest and largest numbers of each column gram:NAME
 *	                                               among the rows that the model takes for each class
 *	right.count (C), right.features (C,D), right.logits (C,C)
 *	                                               rows of each class that the model gets right, and
 *	                                               the means of their features and logits
 *	pred.count (C), pred.prob (C,C)                rows predicted as each class, and the
 *	                                               mean of their softmax probabilities
 *	pred.features (C,D)                            the mean of their features
 *	bank.features (N,D), bank.logits (N,C), bank.label (N), bank.key (N)
 *	                                               a sample of rows, or all of them
 *	bank.moved (N,D)                               their features after um-embed --adascale's step
 *	bank.extremes (N,E)                            their column of um-embed --extremes
 *	meta fit ("features"), rows, unlabelled, parts (enum ood_part), bank (rows at most; -1: all), bank_half (its
 *	features are <f2), seed; from the features fc.weight, fc.bias, arch and their other meta; what ood_tune.h adds
 *
 * All but the bank is O(D^2 + C D) memory, whatever the number of rows. The bank holds the rows whose
 * key, a hash of the row's contents under the seed, is smallest: every row has the same chance, and which ones are kept
 * does not depend on the order of rows or on how they were split. So the fits of parts merge into the fit of the whole:
 * counts and bank exactly, means and scatter up to rounding.
 */
#ifndef OOD_FIT_H
#define OOD_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ood/fit/ood_moments.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_MAX_LAYERS = 64, OOD_MAX_GRAMS = 4096 };

/* The optional parts of a fit; the means of the classes are always there. */
enum ood_part {
	OOD_PART_MOMENTS = 1 << 0, /* scatter of the features: O(D^2) */
	OOD_PART_UNIT = 1 << 1,    /* the same for features divided by their norm */
	OOD_PART_BANK = 1 << 2,    /* rows */
	OOD_PART_LAYERS = 1 << 3,  /* scatter of the columns layer0, layer1, ... */
	OOD_PART_GRAM = 1 << 4,    /* ranges of the columns gram:... */
	OOD_PART_PRED = 1 << 5,    /* mean features by predicted class; only with logits */
	OOD_PART_MOVED = 1 << 6,   /* the bank's rows of the column adascale; only if the features have it */
	OOD_PART_EXTREMES = 1 << 7 /* the same, of the column extremes */
};

/* Columns that a bank keeps beside its rows' features. */
enum ood_beside { OOD_MOVED, OOD_EXTREMES, OOD_BESIDES };

struct ood_bank {
	size_t n, max;              /* rows; at most (SIZE_MAX: all) */
	enum ts_type type;          /* of features: TS_F32 or TS_F16 */
	void *features;             /* (n,D) */
	float *logits;              /* (n,C) */
	float *beside[OOD_BESIDES]; /* (n,wide): of each such column; NULL without its part */
	size_t wide[OOD_BESIDES];   /* D, E; 0 without its part */
	int64_t *label;             /* (n), -1: none */
	uint64_t *key;              /* (n), ascending once the fit is complete */
	size_t cap;
	bool heap; /* full: the rows form a heap, the largest key first */
};

struct ood_layer {
	char name[16]; /* of its column: layer0 ... */
	size_t column; /* its number in batches to add */
	struct ood_moments m;
	double *precision; /* (d,d), once the fit is complete */
};

struct ood_ranges {
	char name[200];    /* of its column, gram:... */
	size_t column;     /* its number in batches to add */
	size_t size;       /* numbers per row: 5 d */
	double *min, *max; /* (C,size); zeros where pred.count is 0 */
};

struct ood_fit {
	size_t classes, dim; /* C, D */
	bool logits;         /* rows have them; without them there is no right, pred, bank.logits or last layer */
	unsigned parts;
	uint64_t rows, unlabelled, seed;
	struct ood_moments features, unit;                   /* unit: all NULL without OOD_PART_UNIT */
	double *right_count, *right_features, *right_logits; /* (C), (C,D), (C,C); NULL without logits */
	double *pred_count, *pred_prob, *pred_features;      /* (C), (C,C), (C,D); likewise; the last with its part */
	struct ood_bank bank;
	struct ood_layer layers[OOD_MAX_LAYERS];
	size_t n_layers;
	struct ood_ranges *grams;
	size_t n_grams;
	double *weight, *bias;         /* (C,D), (C): the last layer; NULL: not known */
	size_t logits_at, features_at; /* numbers of the columns in batches to add */
	size_t beside_at[OOD_BESIDES]; /* those with their part */
	ptrdiff_t label_at;            /* -1: there are no labels */
	struct ts_set set;             /* owns the arrays, except the bank's */
	struct ts_header header;       /* of the file that it was loaded from */
};

struct ood_fit_options {
	unsigned parts;
	size_t bank; /* maximum number of rows in the bank; SIZE_MAX: all */
	bool half;   /* keep the bank's features as <f2 */
	uint64_t seed;
};

/* Makes an empty fit for streams with this header, of kind "features". Logits may be missing: then C is meta
 * "n_classes" or the number of "classes", or 1 if there are no labels. Fails if the header lacks features (<f4, one
 * vector per row), if logits are not <f4 with two or more classes, if labels are not <i8 or nothing gives C, or if a
 * layer is not a vector. */
int ood_fit_new(struct ood_fit **ret, const struct ts_header *h, const struct ood_fit_options *o,
		struct err *err) TS_CHECKED;
/* Adds the rows of a batch of this header. Fails, naming the row of the batch, on a number that is not finite and on a
 * label that is not a class. */
int ood_fit_add(struct ood_fit *f, const struct ts_batch *b, struct err *err) TS_CHECKED;
/* Adds what another fit holds, complete or not. Fails if the two differ in model, parts, sizes, seed or bank. */
int ood_fit_merge(struct ood_fit *f, const struct ood_fit *other, struct err *err) TS_CHECKED;
/* Does one of the two hold only rows that are in the other, as far as their banks show? 1 or 0; -1: out of memory. */
int ood_fit_repeats(const struct ood_fit *f, const struct ood_fit *other) TS_CHECKED;
/* Completes the fit: sorts the bank, inverts the layers' covariances. Nothing can be added afterwards. Fails if there
 * are no rows. */
int ood_fit_finish(struct ood_fit *f, struct err *err) TS_CHECKED;
/* Are the labels of its rows none of the model's, or in another order? ood_guess_words(); false without logits, and if
 * some rows have no label, as predictions are counted over all rows. */
bool ood_fit_guesses(const struct ood_fit *f, struct err *words);
/* Writes a complete fit to w and finishes it, with the caller's meta and history in h. */
int ood_fit_write(struct ood_fit *f, struct ts_header *h, struct ts_writer *w, struct err *err) TS_CHECKED;
/* Reads a fit and checks that all shapes and counts agree. The line in err names the file. */
int ood_fit_load(struct ood_fit **ret, const char *path, struct err *err) TS_CHECKED;
int ood_fit_read(struct ood_fit **ret, struct ts_reader *r, struct err *err) TS_CHECKED;
/* Returns one array of a fit as it was read, borrowed: (a) finite numbers if b is 0, else (a,b). NULL: err says that it
 * is missing, or what it is instead. */
double *ood_fit_tensor(const struct ts_set *s, const char *name, size_t a, size_t b, struct err *err) TS_CHECKED;
/* Hash of what a fit has learnt: its arrays, but not its bank, which is a sample of the same rows. 0: no fit. */
uint64_t ood_fit_hash(const struct ood_fit *f);
/* Identifies what um-embed --perturb takes from a fit for a layer: mean (C,d) and precision (d,d). It writes it to meta
 * "layerK.fit", by which ood_layers_new() knows steps toward the means of another fit. */
void ood_layer_text(char text[17], const double *mean, size_t C, const double *precision, size_t d);
void ood_fit_free(struct ood_fit *f);
/* Frees the arrays and keeps the header: for fits that have been merged. */
void ood_fit_shrink(struct ood_fit *f);

/* Returns rows first..first+n of the bank's features as <f4, (n,D): copied into buf, or in place. */
const float *ood_bank_rows(const struct ood_fit *f, size_t first, size_t n, float *buf);
/* The p-th percentile, 0..100, of all features of the bank, by linear interpolation like NumPy's, into *ret. -1: out of
 * memory, or an empty bank. */
int ood_bank_percentile(const struct ood_fit *f, double p, double *ret, struct err *err) TS_CHECKED;
/* The same for each feature separately, into ret (D). */
int ood_bank_percentile_each(const struct ood_fit *f, double p, double *ret, struct err *err) TS_CHECKED;

/* Reads the last layer from the meta of a stream of features: fc.weight (C,D) and fc.bias (C), as new arrays of double
 * that the caller owns; NULL if they are missing, or classes or dim is 0. -1: they cannot be read, or have another
 * shape. */
int ood_head_read(const struct ts_meta *m, size_t classes, size_t dim, double **weight, double **bias,
		  struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
