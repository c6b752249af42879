/* SPDX-License-Identifier: MIT
 *
 * unmask_internal: a handle, and what its files share.
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

/* Images that are in work at a time. */
enum { UNMASK_CHUNK = OOD_CHUNK };

/* The same streams as between the programs, a batch each: what um-embed, ood-score and its thresholds would write. */
struct unmask {
	bool broken; /* it could not be opened: error says why, for ever */
	int threads;
	char *device;     /* the network's; NULL: "cpu" */
	struct err error; /* "" none */

	struct net_checkpoint c; /* its values are the engine's */
	struct ds_shape shape;   /* how pictures become images; */
	char prepare[DS_PREP];   /* the same in words; "": it is not known */
	struct um_extras *pass;
	struct ood_basis basis;
	struct ood_fit *fit, *val; /* or NULL */
	struct ood_scorer *scorer; /* one */
	size_t n_scorers;
	struct ood_output output;
	struct ood_threshold threshold;
	struct ood_verdict verdict;
	struct ts_header images, features, scores; /* of the batches; their columns: */
	struct ts_batch image, feature, score;
	size_t logits_at, features_at, pred_at;
	char *method;
	char **names; /* of the classes */
	size_t n_names;
	struct ds_pixels picture, spare;

	double *reference; /* (n_reference), or NULL */
	size_t n_reference;
	struct ood_watch watch; /* kept NULL: not asked for */
	uint64_t watched;       /* images since unmask_watch() */
	uint64_t begun;         /* of which the test has not seen so many */
};

/* The handle, which is zero, becomes that of a detector (unmask_bundle.h), step by step: its header's meta; its part
 * "model", if that is read by itself; its tensors, which are not needed any more afterwards. */
int unmask_begin(struct unmask *u, const struct ts_meta *m, int threads, struct err *err) TS_CHECKED;
int unmask_read_model(struct unmask *u, struct ts_reader *r, struct err *err) TS_CHECKED;
int unmask_build(struct unmask *u, const struct ts_set *set, struct err *err) TS_CHECKED;
void unmask_release(struct unmask *u);

#ifdef __cplusplus
}
#endif
#endif
