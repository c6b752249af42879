/* SPDX-License-Identifier: MIT
 *
 * net_export: a checkpoint as a file for PyTorch or safetensors.
 */
#ifndef NET_EXPORT_H
#define NET_EXPORT_H

#include "err/err.h"
#include "net/mask/net_mask.h"

#ifdef __cplusplus
extern "C" {
#endif

enum net_export_format { NET_EXPORT_PTH, NET_EXPORT_SAFETENSORS };

/* Writes c to path (NULL: standard output), whole or not at all. A masked checkpoint is written as by the published
 * program: the masked network's statistics, and conv1.scores or conv1.mask beside conv1.weight; the scores of a mask
 * that follows the weights are these; with `full`, the full network without masks. The state for resuming a run is left
 * out. safetensors say what net_recorded.h lists. -1 with a line in err. */
int net_export(const struct net_checkpoint *c, enum net_export_format format, bool full, const char *path,
	       struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
