/* SPDX-License-Identifier: MIT
 *
 * arr_import: arrays as the columns of a stream of features or of scores. The role of an array follows from its name
 * (case is ignored, and a word among others is enough: train_feats), or is given by the caller:
 *
 *	features   features feature feats feat embeddings embedding emb x     (n,D): numbers, as <f4
 *	logits     logits logit                                               (n,C): numbers, as <f4
 *	label      labels label targets target classes class y                (n): whole numbers, -1: none
 *	name       names name paths path files file filenames filename ids    (n): text
 *	           (but not class_names and the like, which have a word of labels)
 *	pred       preds pred predictions prediction                          (n): whole numbers; of scores
 *
 * The only two-dimensional array of numbers is features, whatever its name, and the user is told. With features or
 * logits the stream is one of features, otherwise of scores: every other array with one number per row is then a score,
 * <f2, <f4 or <f8 as it comes. Features may have dimensions of 1 after the second. Unused arrays are reported.
 *
 * With a last layer (arr_head_read(), or arrays called fc.weight and fc.bias) its meta are fc.weight and fc.bias, and
 * missing logits are computed as W x + b. If there is neither, meta "n_classes" is one more than the largest label.
 */
#ifndef ARR_IMPORT_H
#define ARR_IMPORT_H

#include "arr/arr.h"
#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const char *const arr_roles[]; /* their names */

struct arr_options {
	const char *kind;            /* "features", "scores"; NULL: decided by the arrays */
	const char *role[ARR_ROLES]; /* the array with this role; NULL: found by its name, or none */
	const char *columns; /* others that become columns, "a,b"; "all"; NULL: none for features, all for scores */
	size_t classes;      /* 0: determined by the labels */
	const char *head;    /* files of the last layer, separated by commas; NULL */
	void (*say)(const char *text); /* receives messages for the user, one line each */
};

struct arr_import;

/* Makes *h, which must be all zero, and the object that fills its batches, from arrays that outlive it. -1 with a line
 * in err: which array is missing, does not fit, or is ambiguous. */
int arr_import_new(struct arr_import **ret, struct ts_header *h, const struct arr_set *s, const struct arr_options *o,
		   struct err *err) TS_CHECKED;
void arr_import_free(struct arr_import *im);
size_t arr_import_rows(const struct arr_import *im);
/* Fills rows to..to+n of a batch of the header from rows first..first+n of the arrays. -1 with a line in err that names
 * the row: an invalid label, a number too large for its type, text that is not UTF-8. */
int arr_import_fill(struct arr_import *im, struct ts_batch *b, size_t to, size_t first, size_t n,
		    struct err *err) TS_CHECKED;
/* To be called after the last row: reports for each column whether numbers were rounded, or are not finite. */
void arr_import_end(const struct arr_import *im);

/* The last layer: W (C,D) and b (C), in new memory that the caller frees. */
struct arr_head {
	double *weight, *bias;
	size_t classes, dim;
	bool wide; /* its numbers are doubles */
};
/* Reads it from files, separated by commas: those of W and b, or one with both. Of several pairs NAME.weight (C,D) and
 * NAME.bias (C), takes the only one that fits features of `dim` numbers. say: as above. */
int arr_head_read(struct arr_head *head, const char *paths, size_t dim, void (*say)(const char *text),
		  struct err *err) TS_CHECKED;
/* The same from the arrays fc.weight and fc.bias of the set. 1: they exist; 0: they do not. */
int arr_head_of(struct arr_head *head, const struct arr_set *s, struct err *err) TS_CHECKED;
void arr_head_release(struct arr_head *head);
/* Stores it in a stream's meta, as fc.weight and fc.bias. */
int arr_head_keep(const struct arr_head *head, struct ts_meta *meta, struct err *err) TS_CHECKED;
/* Computes logits out (C) of features x (D): W x + b, in double. */
void arr_head_logits(const struct arr_head *head, const double *x, double *out);

#ifdef __cplusplus
}
#endif
#endif
