/* SPDX-License-Identifier: MIT
 *
 * unmask_bundle: a detector as one stream, of kind "fit". Its tensors are whole streams, byte for byte, so that each
 * keeps its own checksum, history and meta:
 *
 *	meta fit          "detector"
 *	meta method       the score, as given to ood-score
 *	model |u1         a checkpoint (net.h): masks baked, without what a run resumes from; with the names of the
 *	                  classes and how its images were prepared
 *	threshold |u1     the output of ood-threshold (ood_threshold.h)
 *	fit, val |u1      the outputs of ood-fit for training and validation data (ood_fit.h), if the method needs them
 *	reference <f8 (n) scores of images that the model knows, for unmask_watch(); optional
 *
 * That these belong together is checked whenever the detector is opened: the fits name their model; the threshold names
 * the model, the method with its parameters, and the fits (ood_identity.h).
 */
#ifndef UNMASK_BUNDLE_H
#define UNMASK_BUNDLE_H

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UNMASK_BUNDLE_FIT "detector"

struct unmask_bundle_files {
	const char *model, *threshold;
	const char *fit, *val, *reference; /* or NULL */
	const char *method;                /* NULL: the only one in the threshold */
};
struct unmask_bundle {
	struct ts_header header, model, threshold, fit; /* header: the detector's meta; the others: for the history */
	struct ts_set set;
	struct ts_header reference; /* where its scores come from; empty if they are text */
	bool fit_unused;            /* the method needs no fit, so it was left out */
	bool unchecked;             /* the threshold does not say what made its scores */
};
/* Reads the files, and opens the resulting detector as a check. *b is to be released in either case. */
int unmask_bundle_make(struct unmask_bundle *b, const struct unmask_bundle_files *from, struct err *err) TS_CHECKED;
void unmask_bundle_release(struct unmask_bundle *b);

#ifdef __cplusplus
}
#endif
#endif
