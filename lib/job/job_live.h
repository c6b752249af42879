/* SPDX-License-Identifier: MIT
 *
 * job_live: ds-pack's pictures that come one at a time on standard input, as names of files or as raw frames: a row
 * each, written at once, until the input ends or SIGINT or SIGTERM asks for the end. The stream ends with its END then.
 */
#ifndef JOB_LIVE_H
#define JOB_LIVE_H

#include "ds/ds.h"
#include "kit/kit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct job_live {
	struct ds_shape shape; /* all images have one size: ds_prep_size() */
	bool lenient;
	int h, w;   /* of frames; 0: there are names of files */
	long every; /* of frames, the first and each so many after it */
};

/* Is there one size for all? Else a usage error. */
void job_live_check(const struct job_live *o);
/* Begins, fills and finishes out. A file that is no picture, or damaged, is left out with a warning; a frame that is
 * cut off is an error. -1 after saying why. */
int job_live(const struct job_live *o, struct kit_out *out) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
