/* SPDX-License-Identifier: MIT
 *
 * job_live: ds-pack's pictures that arrive one at a time on standard input, as file names or as raw frames. Each
 * becomes a row, written at once, until the input ends or SIGINT or SIGTERM comes; then the stream gets its END.
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
	int h, w;   /* of frames; 0: the input has file names */
	long every; /* takes the first frame, and every so many after it */
};

/* Checks that there is one size for all; otherwise a usage error. */
void job_live_check(const struct job_live *o);
/* Begins, fills and finishes out. A file that is damaged or not a picture is left out with a warning; a truncated frame
 * is an error. -1 after a message. */
int job_live(const struct job_live *o, struct kit_out *out) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
