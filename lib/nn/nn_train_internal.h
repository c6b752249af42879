/* SPDX-License-Identifier: MIT What the files of nn_train know of each other: nn_train.c plans and runs, nn_view.c
 * reads maps and gives gradients back through batch norms and ReLUs, nn_back.c has the operations. */
#ifndef NN_TRAIN_INTERNAL_H
#define NN_TRAIN_INTERNAL_H

#include "nn/nn_train.h"

/* A map of all images: v (N, pixels, stride), g = dL/dv alike; h = dL/dx^ alike, if a batch norm reads it. */
struct nn_plane {
	float *v, *g, *h;
	size_t stride, pixels; /* channels; of an image */
	float *mean, *scale;   /* (stride) statistics of the batch: mean, 1 / sigma */
	bool *known;           /* (stride) has a batch norm before taken the statistics? while planning */
};

/* What a node's readers see: channels at..at+c of a plane, through a batch norm and a ReLU. */
struct nn_view {
	int plane;
	size_t at;
	int c, h, w;
	int bn; /* node of a batch norm, or -1 */
	bool relu;
};

enum nn_step {
	NN_S_INPUT,
	NN_S_CONV,
	NN_S_STATS,
	NN_S_AVERAGE,
	NN_S_MAXIMUM,
	NN_S_FLATTEN,
	NN_S_ADD,
	NN_S_COPY,
	NN_S_DROPOUT
};

struct nn_stage {
	enum nn_step kind;
	int node;
	struct nn_view in, other, out; /* other: NN_S_ADD's second; out is plain */
	int kh, kw, stride, pad;
	size_t lo, hi;   /* NN_S_STATS: channels of the plane whose statistics are new */
	size_t groups;   /* of images, in which sums over images are made */
	uint32_t *index; /* NN_S_MAXIMUM: (N, pixels, c) which pixel of the input won */
	uint8_t *kept;   /* NN_S_DROPOUT: (N, pixels, c) */
};

struct nn_train {
	const struct net *net;
	struct nn_train_options o;
	struct nn_plane *plane;
	int n_planes, cap_planes;
	struct nn_stage *stage;
	int n_stages, cap_stages;
	struct nn_view *view;      /* (n_nodes) */
	float *values, *gradients; /* trained ones, then running statistics; trained ones */
	size_t n_gradients;
	size_t *offset;  /* (n_params) into values */
	float **a, **b;  /* (n_nodes) of a batch norm: y = a x + b of this batch (c) */
	float *weight;   /* of the convolution at hand, (K, M) */
	float *partial;  /* sums of groups: (groups, K * M) */
	double *sums;    /* (groups, 2, channels) */
	float **scratch; /* (threads) */
	size_t most_weight, most_partial, most_channels, most_scratch;
	size_t n; /* images of the last forward */
	uint64_t seed;
	double momentum;
	void **owned;
	int n_owned, cap_owned;
};

enum { NN_GROUPS = 8 };

/* Images from..to of group g of G. */
static inline void nn_group(const struct nn_train *t, size_t g, size_t G, size_t *from, size_t *to)
{
	*from = t->n * g / G;
	*to = t->n * (g + 1) / G;
}

static inline size_t nn_view_pixels(const struct nn_view *v)
{
	return (size_t)v->h * (size_t)v->w;
}

static inline float *nn_view_at(const struct nn_train *t, const struct nn_view *v, size_t image)
{
	const struct nn_plane *p = &t->plane[v->plane];
	return p->v + image * p->pixels * p->stride + v->at;
}

static inline float *nn_view_gradient(const struct nn_train *t, const struct nn_view *v, size_t image)
{
	const struct nn_plane *p = &t->plane[v->plane];
	return p->g + image * p->pixels * p->stride + v->at;
}

static inline bool nn_view_plain(const struct nn_view *v)
{
	return v->bn < 0 && !v->relu;
}

/* y (pixels, c) of one image: what a reader of the view sees. */
void nn_view_read(const struct nn_train *t, const struct nn_view *v, size_t image, float *y);
/* dL/dy (pixels, c; rows dy_stride apart) of one image is added to the plane's gradients; sums (2, c): dgamma and
 * dbeta of the view's batch norm, added to. */
void nn_view_give(const struct nn_train *t, const struct nn_view *v, size_t image, const float *dy, size_t dy_stride,
		  double *sums);
/* Adds the groups' sums up, into the gradients of the view's batch norm. */
void nn_view_gather(struct nn_train *t, const struct nn_view *v, size_t groups);
/* A batch norm's statistics where they are new, its a and b, its running statistics. */
void nn_stats_forward(struct nn_train *t, const struct nn_stage *s);
/* From h to g, for the channels whose statistics this stage took. */
void nn_stats_backward(struct nn_train *t, const struct nn_stage *s);

void nn_stage_forward(struct nn_train *t, const struct nn_stage *s, const uint8_t *image);
void nn_stage_backward(struct nn_train *t, const struct nn_stage *s);
/* Floats that a thread needs for it. */
size_t nn_stage_scratch(const struct nn_train *t, const struct nn_stage *s);

#endif
