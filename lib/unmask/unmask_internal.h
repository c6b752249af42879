/* SPDX-License-Identifier: MIT
 *
 * unmask_internal: a handle, shared by the files of lib/unmask.
 */
#ifndef UNMASK_INTERNAL_H
#define UNMASK_INTERNAL_H

#include <stdbool.h>

#include "ds/ds_prep.h"
#include "err/err.h"
#include "net/net.h"
#include "ood/act/ood_threshold.h"
#include "ood/act/ood_watch.h"
#include "ood/score/ood_method.h"
#include "ood/score/ood_output.h"
#include "um/embed/um_extra.h"
#include "unmask/unmask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many images are processed at a time. */
enum { UNMASK_CHUNK = OOD_CHUNK };

/* The same streams as between the programs, one batch of each: those that um-embed and ood-score, with its thresholds,
 * would write. */
struct unmask {
	bool broken; /* it could not be opened: error permanently says why */
	int threads;
	char *device;     /* that the network runs on; NULL: "cpu" */
	struct err error; /* "" none */

	struct net_checkpoint c; /* its values are the engine's */
	struct ds_shape shape;   /* how pictures become images; */
	char prepare[DS_PREP];   /* the same in words; "": unknown */
	struct um_extras *pass;
	struct ood_basis basis;
	struct ood_fit *fit, *val; /* or NULL */
	struct ood_scorer *scorer; /* a single one */
	size_t n_scorers;
	struct ood_output output;
	struct ood_threshold threshold;
	struct ood_verdict verdict;
	struct ts_header images, features, scores; /* headers of the batches; their columns: */
	struct ts_batch image, feature, score;
	size_t logits_at, features_at, pred_at;
	char *method;
	char **names; /* of the classes */
	size_t n_names;
	struct ds_pixels picture, spare;

	double *reference; /* (n_reference), or NULL */
	size_t n_reference;
	struct ood_watch watch; /* kept NULL: not requested */
	uint64_t watched;       /* images since unmask_watch() */
	uint64_t begun;         /* how many of these the current test has not seen */
};

/* Build a detector (unmask_bundle.h) in the handle, which is zero, step by step: from its header's meta; from its part
 * "model", if that is read separately; from its tensors, which are no longer needed afterwards. */
int unmask_begin(struct unmask *u, const struct ts_meta *m, int threads, struct err *err) TS_CHECKED;
int unmask_read_model(struct unmask *u, struct ts_reader *r, struct err *err) TS_CHECKED;
int unmask_build(struct unmask *u, const struct ts_set *set, struct err *err) TS_CHECKED;
void unmask_release(struct unmask *u);

#ifdef __cplusplus
}
#endif
#endif
