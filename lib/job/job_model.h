/* SPDX-License-Identifier: MIT
 *
 * job_model: what um-embed and um-ckpt ask of a model that another program made, and its file does not say: how its
 * input is normalised; of ONNX, which of its values are features and logits.
 */
#ifndef JOB_MODEL_H
#define JOB_MODEL_H

#include "cli/cli.h"
#include "net/foreign/net_onnx.h"

#ifdef __cplusplus
extern "C" {
#endif

struct job_model {
	const char *normalise, *mean, *std; /* a name of NET_NORMALISERS; or one number per channel, twice */
	const char *features, *logits;      /* values of an ONNX graph, or NULL */
};

/* Is one way to normalise given, and nothing twice? Else a usage error. */
void job_model_check(const struct job_model *o);
/* Sets it in c, whose network is there. */
int job_model_normalise(const struct job_model *o, struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* Says a line that is wrong, or that is worth knowing. */
void job_model_say(bool wrong, const char *line);

#ifdef __cplusplus
}
#endif
#endif
