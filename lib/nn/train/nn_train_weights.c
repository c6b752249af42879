/* SPDX-License-Identifier: MIT
 * The operations of convolutions in training, forward and back, and their weights: W as it is and, for going back,
 * turned around (nn_train_conv.c). */
#include <string.h>

#include "nn/train/nn_train_internal.h"

enum { ROWS = 512 }; /* pixels of images that are processed together */

static int own_weights(struct nn_train *t, struct nn_op *op, struct err *err)
{
	op->w = nn_train_own(t, nn_product_packed(op), sizeof(float));
	return op->w ? 0 : err_memory(err);
}

/* Places of the window, along one side of length k, that reach input pixels at, at + stride, ...: how many; *last: the
 * last of them, which reaches output pixel u + *first from input pixel at + stride u. */
static int reach(int k, int stride, int pad, int at, int *last, int *first)
{
	int n = 0;

	*last = *first = 0;
	for (int i = 0; i < k; i++)
		if ((at + pad - i) % stride == 0) {
			*last = i;
			*first = (at + pad - i) / stride;
			n++;
		}
	return n;
}

/* The operation that gives dy at pixels (i, j), (i, j + stride), ... of the input; none if no window reaches them. */
static int plan_back(struct nn_train *t, struct nn_stage *s, int i, int j, struct err *err)
{
	int last, top, left;
	const int kh = reach(s->kh, s->stride, s->pad, i, &last, &top);
	const int kw = reach(s->kw, s->stride, s->pad, j, &last, &left);
	struct nn_op *op = &s->back[s->n_back];

	if (!kh || !kw || i >= s->in.h || j >= s->in.w)
		return 0;
	*op = (struct nn_op){ .kind = s->op.kind == NN_BF16 ? NN_BF16 : NN_CONV,
			      .kh = kh,
			      .kw = kw,
			      .stride = 1,
			      .loose = !nn_train_whole(s),
			      .add = { .buf = -1 } };
	op->in = nn_view_map(&s->out, (size_t)s->out.c);
	op->out = nn_view_map(&s->in, (size_t)s->in.c);
	op->out.h = (s->in.h - i + s->stride - 1) / s->stride;
	op->out.w = (s->in.w - j + s->stride - 1) / s->stride;
	if (top != left)
		return err_fail(err, "node %d: a convolution whose sides differ is not known to training", s->node);
	op->pad = -top;
	if (s->wide)
		op->kind = NN_WINOGRAD;
	else if (s->stride == 1)
		op->kind = nn_product_kind(&t->base, op);
	s->back_at[s->n_back++] = i * s->stride + j;
	return own_weights(t, op, err);
}

int nn_train_conv_plan(struct nn_train *t, struct nn_stage *s, struct err *err)
{
	const size_t P = nn_view_pixels(&s->out);
	struct nn_op *op = &s->op;

	if (s->stride * s->stride > NN_MOST_BACK)
		return err_fail(err, "node %d: strides above 4 are not known to training", s->node);
	s->images = P >= ROWS ? 1 : ROWS / P;
	*op = (struct nn_op){ .kh = s->kh, .kw = s->kw, .stride = s->stride, .pad = s->pad, .add = { .buf = -1 } };
	op->in = nn_view_map(&s->in, t->plane[s->in.plane].stride);
	op->out = nn_view_map(&s->out, t->plane[s->out.plane].stride);
	s->wide = nn_train_wide(t, s);
	op->kind = s->wide ? NN_WINOGRAD : nn_product_kind(&t->base, op);
	if (!nn_train_reads_plane(s)) {
		op->pad = 0;
		op->in.h += 2 * s->pad;
		op->in.w += 2 * s->pad;
		op->in.stride = (size_t)s->in.c;
	}
	if (own_weights(t, op, err) < 0)
		return -1;
	if (t->o.forward || (!t->o.pixels && s->in.plane == t->view[0].plane))
		return 0;
	for (int i = 0; i < s->stride; i++)
		for (int j = 0; j < s->stride; j++)
			if (plan_back(t, s, i, j, err) < 0)
				return -1;
	return 0;
}

/* ---- weights ---- */

/* Writes the weights (C, M, kh, kw) of operation k that goes back, from W (M, C, kh, kw). */
static void turn(const struct nn_stage *s, int k, const float *w, float *to)
{
	const struct nn_op *op = &s->back[k];
	const int M = s->out.c, C = s->in.c;
	int y1, x1, first;

	reach(s->kh, s->stride, s->pad, s->back_at[k] / s->stride, &y1, &first);
	reach(s->kw, s->stride, s->pad, s->back_at[k] % s->stride, &x1, &first);
	for (int c = 0; c < C; c++)
		for (int m = 0; m < M; m++)
			for (int i = 0; i < op->kh; i++)
				for (int j = 0; j < op->kw; j++)
					*to++ = w[((m * C + c) * s->kh + y1 - i * s->stride) * s->kw + x1 -
						  j * s->stride];
}

/* One row of a panel: n numbers, `step` floats apart, and zeros. */
static void pack_row(const float *from, size_t step, size_t n, float *to)
{
	if (step == 1 && n == NN_PANEL) {
		memcpy(to, from, NN_PANEL * sizeof *to);
		return;
	}
	for (size_t c = 0; c < n; c++)
		to[c] = from[c * step];
	memset(to + n, 0, (NN_PANEL - n) * sizeof *to);
}

/* The weights of operation k that goes back as nn_conv_panels() packs them: (panels of C, kh, kw, M, NN_PANEL). In W
 * (M, C, kh, kw), a panel's channels lie side by side already. */
static void pack_turned(const struct nn_stage *s, int k, const float *w)
{
	const struct nn_op *op = &s->back[k];
	const size_t M = (size_t)s->out.c, C = (size_t)s->in.c, places = (size_t)(s->kh * s->kw);
	float *to = op->w;
	int y1, x1, first;

	reach(s->kh, s->stride, s->pad, s->back_at[k] / s->stride, &y1, &first);
	reach(s->kw, s->stride, s->pad, s->back_at[k] % s->stride, &x1, &first);
	for (size_t p = 0; p < C; p += NN_PANEL) {
		const size_t n = C - p < NN_PANEL ? C - p : NN_PANEL;

		for (int i = 0; i < op->kh * op->kw; i++) {
			const int y = y1 - i / op->kw * s->stride, x = x1 - i % op->kw * s->stride;
			const float *from = w + p * places + (size_t)(y * s->kw + x);

			for (size_t m = 0; m < M; m++, from += C * places, to += NN_PANEL)
				pack_row(from, places, n, to);
		}
	}
}

static void pack(const struct nn *m, struct nn_op op, const float *plain)
{
	const size_t panels = ((size_t)op.out.c + NN_PANEL - 1) / NN_PANEL;

	op.plain = plain;
	nn_product_panels(m, &op, 0, panels);
}

void nn_train_conv_pack(struct nn_train *t, const struct nn_stage *s, float *room)
{
	const float *w = nn_train_value(t, t->net->nodes[s->node].param);

	pack(&t->base, s->op, w);
	for (int k = 0; k < s->n_back; k++) {
		if (s->back[k].kind == NN_CONV) {
			pack_turned(s, k, w);
			continue;
		}
		turn(s, k, w, room);
		pack(&t->base, s->back[k], room);
	}
}
