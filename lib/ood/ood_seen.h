/* SPDX-License-Identifier: MIT
 *
 * ood_seen: are scored rows some that the network was trained on, or that the fit was made of? A network knows such
 * images better than new ones, so a threshold on them flags more new images than it promises, and a table with them as
 * the ID set looks better than it is. The history of a stream tells, as long as unmask's programs wrote it:
 *
 *	train.images -> um-train -> my.ckpt
 *	train.images -> um-embed -> ood-score -> train.scores		// seen
 *	val.images   -> um-embed -> ood-score -> val.scores		// not seen
 */
#ifndef OOD_SEEN_H
#define OOD_SEEN_H

#include <stdbool.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Are they? Then words is a line that warns of it. scores: the header of a stream of scores or features, called name.
 * The rows of a joined stream count as seen if some are. A history knows commands and not what files held, so images
 * that were packed anew by the very same command count as the same. What ds-pack read from standard input counts as
 * new, like rows without a history, and those of versions that did not tell the parts of a ts-split apart. */
bool ood_seen(const struct ts_header *scores, const char *name, struct err *words);
/* The same of a network and the images that it is to be judged by, from the headers of both. */
bool ood_seen_images(const struct ts_header *network, const struct ts_header *images);

#ifdef __cplusplus
}
#endif
#endif
