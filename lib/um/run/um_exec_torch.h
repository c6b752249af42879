/* SPDX-License-Identifier: MIT
 * um_exec_torch: the executor through libtorch; see um_exec.h. */
#ifndef UM_EXEC_TORCH_H
#define UM_EXEC_TORCH_H

#include "um/run/um_exec.h"

struct um_exec_torch;

int um_exec_torch_new(struct um_exec_torch **ret, const struct net_checkpoint *c, const struct um_exec_options *o,
		      struct err *err) TS_CHECKED;
void um_exec_torch_free(struct um_exec_torch *e);
const char *um_exec_torch_note(const struct um_exec_torch *e);
float *um_exec_torch_value(struct um_exec_torch *e, int i);
float *um_exec_torch_gradient(struct um_exec_torch *e, int i);
bool um_exec_torch_apart(const struct um_exec_torch *e);
const struct um_exec_arrays *um_exec_torch_stay(struct um_exec_torch *e, bool stay);
int um_exec_torch_fetch(struct um_exec_torch *e, struct err *err) TS_CHECKED;
void um_exec_torch_changed(struct um_exec_torch *e);
int um_exec_torch_forward(struct um_exec_torch *e, const void *image, size_t n, enum um_pass_mode mode, uint64_t seed,
			  bool back, float *logits, float *features, struct err *err) TS_CHECKED;
int um_exec_torch_backward(struct um_exec_torch *e, const float *dlogits, const float *dfeatures, float *dpixels,
			   bool add, struct err *err) TS_CHECKED;
int um_exec_torch_means(struct um_exec_torch *e, const void *image, size_t n, int stage, bool back, float *means,
			struct err *err) TS_CHECKED;
int um_exec_torch_means_backward(struct um_exec_torch *e, const float *dmeans, float *dpixels,
				 struct err *err) TS_CHECKED;

#endif
