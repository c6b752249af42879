/* SPDX-License-Identifier: MIT
 *
 * job_model: options of um-embed and um-ckpt for a model made by another program, which its file does not tell: how its
 * input is normalised and, for ONNX, which of its values are features and logits.
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

/* Checks that exactly one way to normalise is given, or at most one if the file may record it; otherwise a usage
 * error. */
void job_model_check(const struct job_model *o, bool recorded);
/* Sets the normalisation in c, which must have its network. If c has one already, from its file, that stays where no
 * other is given, and a warning says if another is. */
int job_model_normalise(const struct job_model *o, struct net_checkpoint *c, struct err *err) TS_CHECKED;
/* Prints a line about an error (wrong), or one worth knowing. */
void job_model_say(bool wrong, const char *line);

#ifdef __cplusplus
}
#endif
#endif
