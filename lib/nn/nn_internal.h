/* SPDX-License-Identifier: MIT
 * The structure of a plan. nn_plan.c writes it, nn_buffer.c gives its maps places, nn_run.c runs it. */
#ifndef NN_INTERNAL_H
#define NN_INTERNAL_H

#include "err/err.h"
#include "nn/nn.h"
#include "nn/nn_bf16.h"
#include "nn/nn_kernel.h"

/* Where numbers lie: c per pixel, `stride` floats from pixel to pixel, no gaps between pixels, rows or images. buf -1
 * without base: nowhere. */
struct nn_map {
	int buf;
	size_t at, stride; /* `at`: the first channel's offset in the pixel */
	int c, h, w;
	float *base; /* of the first image, for all threads; NULL: at buf in the thread's arena */
};

enum nn_kind {
	NN_PIXELS, /* |u1 or floats (c,h,w) to normalised pixels with a border of pad zeros */
	NN_TAKE,   /* floats (c,h,w) */
	NN_CONV,   /* also linear layers: 1x1 of one pixel */
	NN_WINOGRAD,
	NN_BF16,
	NN_GROUPED,   /* a convolution in groups */
	NN_DEPTHWISE, /* in which each group has one channel */
	NN_POOL,      /* windows of kh x kw */
	NN_SCALE,     /* out = act(pre(in) + add) */
	NN_MUL,       /* out = in times add, which has one pixel */
	NN_NORM,      /* layer norm: w is gamma, bias is beta, scale is eps */
	NN_TOKENS,    /* out = pre(in) + w, after a pixel that is bias alone */
	NN_ATTEND,    /* attention of `groups` heads */
	NN_FIRST,     /* the first pixel */
	NN_PAD,       /* out = pre(in) with pad channels of zeros on both sides */
	NN_FLATTEN,
	NN_GIVE /* output to the caller, as floats (c,h,w) */
};

enum { NN_LOGITS = -1, NN_FEATURES = -2 }; /* what NN_GIVE gives, if not a node */

struct nn_op {
	enum nn_kind kind;
	struct nn_map in, out, add;
	struct nn_pre pre; /* applied to what is read from `in` */
	int kh, kw, stride, pad, groups;
	bool loose;       /* windows may extend past the far sides of the input although pad is 0 */
	bool relu;        /* applied to what is written */
	enum net_act act; /* applied to what is written, by NN_CONV, NN_GROUPED, NN_DEPTHWISE and NN_SCALE */
	float scale;      /* of a pool: see nn_window */
	int node;
	struct ts_tensor *weight; /* (m, c, kh, kw) as in PyTorch, until it is packed */
	const float *plain;       /* its numbers */
	float *gain;              /* (m) factors from a batch norm that follows; NULL: 1 */
	float *w, *bias;          /* packed; bias (m) or NULL */
};

struct nn_buffer {
	size_t size;     /* floats of an image */
	int first, last; /* operations that use it */
	size_t at;       /* place in the arena, floats of an image */
};

/* Memory that a run writes, for each thread. Plans that never run at the same time may share one. */
struct nn_room {
	int users, threads;
	size_t arena, scratch;       /* floats of a thread */
	float **arenas, **scratches; /* (threads) */
};

struct nn {
	const struct nn_isa *isa;
	bool bf16;              /* convolutions are NN_BF16 */
	int threads, chunk;     /* chunk: images that a thread runs at a time */
	int c, h, w;            /* input */
	bool floats;            /* of pixels */
	float mean[4], gain[4]; /* pixels 0..255 to (pixel - mean) * gain */
	struct nn_op *ops;
	int n_ops, cap_ops;
	struct nn_buffer *bufs;
	int n_bufs, cap_bufs;
	void **owned; /* all memory that the operations point to */
	int n_owned, cap_owned;
	float *zeros;          /* a pixel outside */
	size_t arena, scratch; /* floats: of an image; of a thread */
	struct nn_room *room;
};

/* A run of a plan, or one thread's part of it. */
struct nn_job {
	const struct nn *m;
	float *arena, *scratch;
	const void *input; /* of the first image of this run */
	float *logits, *features, *const *maps;
	size_t first, n;    /* images: number of the first, how many */
	size_t part, parts; /* this thread does part of every operation */
	/* What is read after this run, a row for each of its pixels; if n of the first is 0, it is the next pixels */
	struct nn_ahead ahead[NN_AHEAD];
};

/* This part's share of n units: from *a to *b. */
static inline void nn_share(const struct nn_job *j, size_t n, size_t *a, size_t *b)
{
	*a = n * j->part / j->parts;
	*b = n * (j->part + 1) / j->parts;
}

static inline float *nn_at(const struct nn_job *j, const struct nn_map *m)
{
	return (m->base ? m->base : j->arena + j->m->bufs[m->buf].at * (size_t)j->m->chunk) + m->at;
}

static inline size_t nn_pixels(const struct nn_map *m)
{
	return (size_t)m->h * (size_t)m->w;
}

static inline size_t nn_round(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* Floats from row to row of c numbers each: rows a multiple of a large power of two apart would share few places of the
 * caches. */
static inline size_t nn_apart(size_t c)
{
	return c % (4 * NN_PANEL) == 0 ? c + NN_PANEL : c;
}

/* Zeroed floats that live as long as m, followed by NN_MAX_VEC more. NULL: out of memory. */
float *nn_floats(struct nn *m, size_t n);
/* The same, but uninitialised. */
float *nn_uncleared(struct nn *m, size_t n);
/* Makes m free v with itself. -1: v is NULL, or out of memory; v is freed. */
int nn_own(struct nn *m, void *v);

/* ---- operations ---- */

void nn_product(const struct nn_op *op, const struct nn_job *j); /* for every kind of convolution */
void nn_pixels_op(const struct nn_op *op, const struct nn_job *j);
void nn_take(const struct nn_op *op, const struct nn_job *j);
void nn_pool(const struct nn_op *op, const struct nn_job *j);
void nn_scale(const struct nn_op *op, const struct nn_job *j);
void nn_mul(const struct nn_op *op, const struct nn_job *j);
void nn_norm(const struct nn_op *op, const struct nn_job *j);
void nn_tokens(const struct nn_op *op, const struct nn_job *j);
void nn_first(const struct nn_op *op, const struct nn_job *j);
void nn_attend(const struct nn_op *op, const struct nn_job *j);
size_t nn_attend_scratch(const struct nn_op *op);
void nn_pad(const struct nn_op *op, const struct nn_job *j);
void nn_flatten(const struct nn_op *op, const struct nn_job *j);
void nn_give(const struct nn_op *op, const struct nn_job *j);

/* The best kind for a convolution. */
enum nn_kind nn_product_kind(const struct nn *m, const struct nn_op *op);
bool nn_is_product(const struct nn_op *op);
/* Floats of scratch that it needs. */
size_t nn_product_scratch(const struct nn *m, const struct nn_op *op);
/* nn_product_packed(): floats of op->w, which must be zeroed unless nn_product_whole(): then the panels are all of it.
 * nn_product_panels(): packs op->plain, times op->gain, into its panels from..to, each of NN_PANEL outputs. nn_pack():
 * does all that for every operation; with take, it frees the weights, or turns them into packed ones in their place.
 * -1: out of memory. */
size_t nn_product_packed(const struct nn_op *op);
bool nn_product_whole(const struct nn_op *op);
int nn_pack(struct nn *m, bool take);
void nn_product_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);

void nn_conv(const struct nn_op *op, const struct nn_job *j);
size_t nn_conv_scratch(const struct nn *m, const struct nn_op *op);
size_t nn_conv_packed(const struct nn_op *op);
void nn_conv_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);

void nn_groups(const struct nn_op *op, const struct nn_job *j);
size_t nn_groups_scratch(const struct nn *m, const struct nn_op *op);
size_t nn_groups_packed(const struct nn_op *op);
void nn_groups_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);

void nn_depth(const struct nn_op *op, const struct nn_job *j);
size_t nn_depth_scratch(const struct nn *m, const struct nn_op *op);
size_t nn_depth_packed(const struct nn_op *op);
void nn_depth_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);

void nn_bf16_conv(const struct nn_op *op, const struct nn_job *j);
size_t nn_bf16_scratch(const struct nn_op *op);
size_t nn_bf16_packed(const struct nn_op *op);
void nn_bf16_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);
/* Rows y..y+rows of an image as windows read them: nn_bf16_width() pixels of C bfloat16s, with the border. All of them
 * are nn_bf16_height() rows from -op->pad on. */
void nn_bf16_map(const struct nn_op *op, const float *image, int y, size_t rows, uint16_t *to);
size_t nn_bf16_width(const struct nn_op *op);
size_t nn_bf16_height(const struct nn_op *op);

void nn_winograd(const struct nn_op *op, const struct nn_job *j);
size_t nn_winograd_scratch(const struct nn *m, const struct nn_op *op);
size_t nn_winograd_packed(const struct nn_op *op);
void nn_winograd_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to);
/* Is the convolution faster by Winograd's transformation? */
bool nn_winograd_pays(const struct nn_op *op);

enum {
	NN_WINO_SIDE = 6,
	NN_WINO_TAPS = 36,
	NN_WINO_OUT = 4,
	NN_WINO_GAP = 16 /* floats between planes beyond a multiple of 4096 bytes */
};
/* Tiles at a time, a multiple of R. */
size_t nn_winograd_at_once(const struct nn_op *op, size_t R);
/* Tiles of an image. */
size_t nn_winograd_tiles(const struct nn_op *op);
/* The image and the first output pixel of tile t. */
void nn_winograd_locate(const struct nn_op *op, size_t t, size_t *image, int *y, int *x);
/* V of tile t: 36 rows of C floats, `step` apart. */
void nn_winograd_in(const struct nn_op *op, const struct nn_job *j, size_t t, float *to, size_t step);
/* out = A' Y A for outputs m0..m1 of tile t, with bias, addition and ReLU; Y's 36 rows are `step` apart. */
void nn_winograd_out(const struct nn_op *op, const struct nn_job *j, size_t t, size_t m0, size_t m1, const float *from,
		     size_t step);

/* The part of what is read soon (a row per output pixel) to fetch during product k of tiles t..t+n: a row per tile,
 * with every other product, until all are fetched. */
struct nn_ahead nn_winograd_ahead(struct nn_ahead a, size_t t, size_t n, size_t k);

/* ---- planning ---- */

int nn_plan(struct nn *m, struct net_checkpoint *c, const struct nn_options *o, struct err *err) TS_CHECKED;
/* Packs weights, which it frees if `take`; decides m->chunk; sizes m->scratch and places buffers. */
int nn_finish(struct nn *m, bool take) TS_CHECKED;
/* Places the buffers: sets m->arena, bufs[].at. */
int nn_place(struct nn *m) TS_CHECKED;
/* Sets m->room to that of `beside`, grown to what m needs, or to m's own if `beside` is NULL. */
int nn_room_join(struct nn *m, const struct nn *beside) TS_CHECKED;
void nn_room_leave(struct nn *m);

#endif
