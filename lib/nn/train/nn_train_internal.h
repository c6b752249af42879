/* SPDX-License-Identifier: MIT
 * Shared by the files of training: nn_train_plan.c turns nodes into stages, nn_train_room.c allocates their memory,
 * nn_train.c runs them; nn_train_weights.c plans convolutions; nn_train_conv.c, nn_train_tiles.c, nn_train_wide.c and
 * nn_train_ops.c are the operations, nn_train_bias.c the biases, nn_train_norm.c the batch norms; nn_train_view.c reads
 * maps and passes gradients back; nn_train_peers.c adds the other processes' statistics. */
#ifndef NN_TRAIN_INTERNAL_H
#define NN_TRAIN_INTERNAL_H

#include <stdatomic.h>

#include "nn/nn_internal.h"
#include "nn/nn_meet.h"
#include "nn/train/nn_train.h"

/* A map of all images: v (N, pixels, stride); g is its gradient, without the part from statistics (see
 * nn_view_settle()). */
struct nn_plane {
	float *v, *g;
	size_t stride, pixels; /* channels; pixels of an image */
	bool normal;           /* a batch norm reads it */
	double *mean, *var;    /* (stride) statistics of the batch */
	double *along, *sum;   /* (stride) sum G (x - mean), sum G, of the G that came through batch norms */
	float *slope, *shift;  /* (stride) dx = G + shift - slope x */
	int writer, reader;    /* the first stage that writes it, the last that reads it: g lives between */
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
	NN_S_NORM,
	NN_S_AVERAGE,
	NN_S_MAXIMUM,
	NN_S_FLATTEN,
	NN_S_ADD,
	NN_S_PAD,
	NN_S_COPY,
	NN_S_DROPOUT
};

/* Gradients that a stage gives to a view: channels lo..hi are set, as the first to arrive there, the others added to;
 * `all`: all are set. */
struct nn_fresh {
	bool all;
	size_t lo, hi;
};

enum { NN_MOST_BACK = 16 }; /* strides up to 4 */

struct nn_stage {
	enum nn_step kind;
	int node;
	struct nn_view in, other, out; /* other: the second input of NN_S_ADD; out is plain */
	struct nn_fresh fresh[2];      /* of in and other */
	int kh, kw, stride, pad;
	bool wide;     /* run by nn_train_wide.c */
	size_t groups; /* groups of images for sums going back; forward there are NN_GROUPS */
	size_t images; /* images at a time */
	bool moments;  /* out's channels are normalised */
	/* NN_S_CONV: the operation, and those that give dy from dout: one for each place (i, j) of a stride x stride
	 * lattice of the input's pixels that some window reaches, at back_at[]. */
	struct nn_op op, back[NN_MOST_BACK];
	int back_at[NN_MOST_BACK], n_back;
	uint32_t *index; /* NN_S_MAXIMUM: (N, pixels, c) which pixel of the input won */
	uint8_t *kept;   /* NN_S_DROPOUT: (N, pixels, c) */
};

/* The statistics that a batch norm uses, and its y = a x + b (c). */
struct nn_norm {
	float *a, *b, *mean, *scale; /* scale: 1 / sigma */
};

struct nn_train {
	const struct net *net;
	struct nn_train_options o;
	struct nn base; /* what operations of lib/nn use: isa, zeros */
	struct nn_plane *plane;
	int n_planes, cap_planes;
	struct nn_stage *stage;
	int n_stages, cap_stages;
	struct nn_view *view;      /* (n_nodes) */
	float *values, *gradients; /* trained ones, then running statistics; gradients of trained ones */
	size_t n_gradients;
	size_t *offset;       /* (n_params) into values */
	struct nn_norm *norm; /* (n_nodes) */
	float *partial;       /* dW of each group: nn_train_conv_partial() floats */
	double *sums;         /* (groups, 4, most_channels) of a stage at work */
	float *outside;       /* a gradient from the caller (most_channels) */
	float **scratch;      /* (threads) */
	size_t most_partial, most_channels, most_scratch;

	/* the run */
	enum nn_mode mode;
	size_t n; /* images */
	struct nn_among among;
	double *mine, *everyones; /* (2 most_channels + 1), (peers, that): sent to peers and received from them */
	uint64_t seed;
	double momentum;
	const void *image;
	int top, end;            /* the output node; the number of stages that lead there */
	bool packed;             /* the values have been packed, and stay so */
	_Atomic size_t *counter; /* (NN_PARTS) units already taken, in each part of a run */
	void **owned;
	int n_owned, cap_owned;
};

/* Zeroed memory that lives as long as t, with room for one vector past the end. NULL: out of memory. */
void *nn_train_own(struct nn_train *t, size_t count, size_t size);

/* ---- planning ---- */

int nn_train_plan(struct nn_train *t, struct err *err) TS_CHECKED;
int nn_train_room(struct nn_train *t, struct err *err) TS_CHECKED;

/* ---- views ---- */

enum { NN_GROUPS = 16 };
/* Parts of a run whose units threads share: at most three per stage, and the packing. */
#define NN_PARTS(t) (3 * (size_t)(t)->n_stages + 1)

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

static inline struct nn_map nn_view_map(const struct nn_view *v, size_t stride)
{
	return (struct nn_map){ .buf = -1, .stride = stride, .c = v->c, .h = v->h, .w = v->w };
}

static inline bool nn_view_plain(const struct nn_view *v)
{
	return v->bn < 0 && !v->relu;
}

/* n rows of pixels from pixel `first` of image `image` on; they may continue into the next images. */
struct nn_rows {
	size_t image, first, n;
};

/* These rows of the view's map, or of its gradient, to prefetch; see nn_ahead. */
struct nn_ahead nn_view_ahead(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, bool gradient);
struct nn_pre nn_view_pre(const struct nn_train *t, const struct nn_view *v);
/* y (n, c; rows to_stride apart): what a reader of the view sees. */
void nn_view_read(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, float *to, size_t to_stride);
/* Passes dL/dy (n, c; rows dy_stride apart) on to the plane's gradients. sums (2, most_channels): sum m (x - mean), sum
 * m, added to; see nn_give. */
void nn_view_give(const struct nn_train *t, const struct nn_view *v, const struct nn_fresh *fresh, struct nn_rows r,
		  const float *dy, size_t dy_stride, double *sums);
/* Clears the gradients that nothing has set yet, and then adds those of every step-th pixel, r.n of them. */
void nn_view_clear(const struct nn_train *t, const struct nn_view *v, const struct nn_fresh *fresh, struct nn_rows r);
void nn_view_give_every(const struct nn_train *t, const struct nn_view *v, size_t step, struct nn_rows r,
			const float *dy, size_t dy_stride, double *sums);
/* Adds the groups' sums to the gradients of the view's batch norm, and to those of the plane. sums: of the first
 * group. */
void nn_view_gather(struct nn_train *t, const struct nn_view *v, size_t groups, const double *sums);
/* Prepares plain view v for its writer to go back. */
void nn_view_prepare(struct nn_train *t, const struct nn_view *v);
/* dL/dv of these rows: in place, or in `room` (n, nn_apart(c)). */
const float *nn_view_settle(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, float *room,
			    size_t *stride);

/* ---- batch norms ---- */

/* Adds images from..to to the group's statistics of what stage s writes. */
void nn_norm_measure(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t from, size_t to);
/* Merges the groups' statistics. */
void nn_norm_merge(struct nn_train *t, const struct nn_stage *s);
/* Computes a and b of the batch norm s->node, and moves its running statistics. */
void nn_norm_forward(struct nn_train *t, const struct nn_stage *s);

/* ---- peers: the same for all of them ---- */

/* Number of images in the batch statistics. */
size_t nn_peers_images(const struct nn_train *t);
/* mean and m2, sums of squares about the mean, (c) of `count` values each, become those of all. Returns their count. */
double nn_peers_moments(struct nn_train *t, double *mean, double *m2, size_t c, double count);
/* Returns the sums over all processes of a and b (c), one after the other; valid until the next call. */
const double *nn_peers_sums(struct nn_train *t, const double *a, const double *b, size_t c);

/* ---- operations ---- */

static inline double *nn_group_sums(const struct nn_train *t, size_t g)
{
	return t->sums + g * 4 * t->most_channels;
}

/* Is it a 1x1 convolution of stride 1, which needs no windows? */
static inline bool nn_train_whole(const struct nn_stage *s)
{
	return s->kh == 1 && s->kw == 1 && s->stride == 1 && s->pad == 0;
}

/* Does the operation read the plane itself? Otherwise it reads a copy with all changes applied and with its border. */
static inline bool nn_train_reads_plane(const struct nn_stage *s)
{
	return s->op.kind != NN_CONV || (s->kh == 1 && s->kw == 1 && s->pad == 0);
}

int nn_train_conv_plan(struct nn_train *t, struct nn_stage *s, struct err *err) TS_CHECKED;
/* Packs the weights, for both ways. room: as many floats as the weights. */
void nn_train_conv_pack(struct nn_train *t, const struct nn_stage *s, float *room);
void nn_train_conv_forward(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to, float *scratch);
/* Computes group g's dW into t->partial, and its dy. */
void nn_train_conv_backward(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch);
/* Row m of dW, and dbias, from all groups. */
void nn_train_conv_gather(struct nn_train *t, const struct nn_stage *s, size_t m);
size_t nn_train_conv_scratch(const struct nn_train *t, const struct nn_stage *s);
size_t nn_train_conv_partial(const struct nn_stage *s); /* floats of a group's dW */

/* Does it use Winograd's tiles, forward and for dW? If so, in this order: floats of a group's sums; floats of scratch;
 * adds n images from `image` on, whose dout has been computed (rows `stride` apart), to group g, where `first` says
 * whether they are its first; adds row m of dW from all groups to `to`. */
static inline bool nn_train_tiled(const struct nn_stage *s)
{
	return s->op.kind == NN_WINOGRAD;
}
size_t nn_train_tiles_partial(const struct nn_stage *s);
size_t nn_train_tiles_room(const struct nn_stage *s);
void nn_train_tiles_backward(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t image, size_t n,
			     const float *dout, size_t stride, bool first, float *scratch);
void nn_train_tiles_gather(const struct nn_train *t, const struct nn_stage *s, size_t m, float *to);
/* A dout A' of tile i of the images at dout, to 36 rows, `step` apart. */
void nn_train_tile_back(const struct nn_train *t, const struct nn_stage *s, size_t i, const float *dout, size_t stride,
			float *to, size_t step);
/* Adds G' u G to `to` (C, 3, 3), u the sum of groups, `group` floats apart, of 36 rows (C), `plane` apart. */
void nn_train_tiles_add(const struct nn_train *t, const float *from, size_t plane, size_t groups, size_t group,
			size_t C, float *to);
/* nn_train_bias(): sums (M) += the n rows of dout. Then the m-th number of dbias, from the sums of all groups. */
void nn_train_bias(const float *dout, size_t stride, size_t n, size_t M, double *sums);
void nn_train_bias_gather(struct nn_train *t, const struct nn_stage *s, size_t m);

/* Is it a 3x3 convolution whose weights are larger than its maps? Then it runs in parts, each over all images: forward
 * in (by images), multiply (units 0..35), out (by images); back back_in (by groups), back_unit (by units()), back_out
 * (by groups). t->partial carries data from part to part; its floats, and those of scratch, are given below. */
bool nn_train_wide(const struct nn_train *t, const struct nn_stage *s);
size_t nn_train_wide_room(const struct nn_train *t, const struct nn_stage *s);
size_t nn_train_wide_scratch(const struct nn_train *t, const struct nn_stage *s);
void nn_train_wide_in(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to);
void nn_train_wide_multiply(const struct nn_train *t, const struct nn_stage *s, size_t k, float *scratch);
void nn_train_wide_out(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to);
size_t nn_train_wide_units(const struct nn_train *t, const struct nn_stage *s);
void nn_train_wide_back_in(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch);
void nn_train_wide_back_unit(struct nn_train *t, const struct nn_stage *s, size_t unit, float *scratch);
void nn_train_wide_back_out(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch);

void nn_train_op_forward(const struct nn_train *t, const struct nn_stage *s, size_t image, float *scratch);
void nn_train_op_backward(const struct nn_train *t, const struct nn_stage *s, size_t image, double *sums,
			  float *scratch);
size_t nn_train_op_scratch(const struct nn_stage *s);

#endif
