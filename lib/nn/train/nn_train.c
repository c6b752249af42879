/* SPDX-License-Identifier: MIT
 * Runs stages in order, forward and back. Threads take groups of images as they become free, and meet after each
 * part. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/train/nn_train_internal.h"

int nn_train_new(struct nn_train **ret, const struct net *net, const struct nn_train_options *o, struct err *err)
{
	const size_t N = (size_t)net->n_nodes;
	struct nn_train *t = calloc(1, sizeof *t);
	int rc;

	*ret = NULL;
	if (!t)
		return err_memory(err);
	t->net = net;
	t->o = *o;
	t->momentum = 0.1;
	t->base.threads = o->threads;
	t->base.isa = nn_isa(o->isa);
	t->view = nn_train_own(t, N, sizeof *t->view);
	t->norm = nn_train_own(t, N, sizeof *t->norm);
	t->base.bf16 = o->bf16;
	rc = (o->bf16 ? nn_check_bf16 : nn_check)(o->isa, err);
	if (rc == 0 && (!t->view || !t->norm))
		rc = err_memory(err);
	if (rc == 0)
		rc = nn_train_plan(t, err);
	if (rc == 0)
		rc = nn_train_room(t, err);
	if (rc < 0)
		nn_train_free(t);
	else
		*ret = t;
	return rc;
}

void nn_train_free(struct nn_train *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->n_owned; i++)
		free(t->owned[i]);
	free(t->owned);
	free(t->plane);
	free(t->stage);
	free(t);
}

void nn_train_among(struct nn_train *t, const struct nn_among *among)
{
	t->among = *among;
}

/* ---- threads ---- */

/* One thread in a run. All threads make the same calls of each() and once(). */
struct worker {
	struct nn_train *t;
	struct nn_meeting *meeting;
	unsigned threads;
	int id;
	size_t part; /* parts of the run so far */
};

/* Calls run() once for each of n units, on whichever thread is free; then all meet. */
static void each(struct worker *w, size_t n, void (*run)(struct worker *w, int stage, size_t unit), int stage)
{
	_Atomic size_t *counter = &w->t->counter[w->part++];

	for (size_t i; (i = atomic_fetch_add(counter, 1)) < n;)
		run(w, stage, i);
	nn_meet(w->meeting, w->threads);
}

static void once(struct worker *w, void (*run)(struct worker *w, int stage), int stage)
{
	if (w->id == 0)
		run(w, stage);
	nn_meet(w->meeting, w->threads);
}

static void start(struct nn_train *t, void (*work)(struct worker *w))
{
	struct nn_meeting meeting = { 0 };

	for (size_t i = 0; i < NN_PARTS(t); i++)
		atomic_store(&t->counter[i], 0);
#pragma omp parallel num_threads(t->o.threads)
	work(&(struct worker){
		.t = t, .meeting = &meeting, .threads = (unsigned)omp_get_num_threads(), .id = omp_get_thread_num() });
}

/* ---- forward ---- */

static void pack_weights(struct worker *w, int stage, size_t unit)
{
	const struct nn_stage *s = &w->t->stage[unit];

	(void)stage;
	if (s->kind == NN_S_CONV)
		nn_train_conv_pack(w->t, s, w->t->scratch[w->id]);
}

static void forward_group(struct worker *w, int stage, size_t g)
{
	struct nn_train *t = w->t;
	const struct nn_stage *s = &t->stage[stage];
	float *scratch = t->scratch[w->id];
	size_t from, to;

	nn_group(t, g, NN_GROUPS, &from, &to);
	for (size_t i = from, n; i < to; i += n) {
		n = s->kind != NN_S_CONV ? 1 : to - i < s->images ? to - i : s->images;
		if (s->kind == NN_S_CONV)
			nn_train_conv_forward(t, s, i, i + n, scratch);
		else
			nn_train_op_forward(t, s, i, scratch);
		if (s->moments && t->mode == NN_TRAIN) /* while it is in the cache */
			nn_norm_measure(t, s, g, i, i + n);
	}
}

static void wide_in(struct worker *w, int stage, size_t g)
{
	size_t from, to;

	nn_group(w->t, g, NN_GROUPS, &from, &to);
	nn_train_wide_in(w->t, &w->t->stage[stage], from, to);
}

static void wide_multiply(struct worker *w, int stage, size_t k)
{
	nn_train_wide_multiply(w->t, &w->t->stage[stage], k, w->t->scratch[w->id]);
}

static void wide_out(struct worker *w, int stage, size_t g)
{
	struct nn_train *t = w->t;
	const struct nn_stage *s = &t->stage[stage];
	size_t from, to;

	nn_group(t, g, NN_GROUPS, &from, &to);
	nn_train_wide_out(t, s, from, to);
	if (s->moments && t->mode == NN_TRAIN && to > from)
		nn_norm_measure(t, s, g, from, to);
}

static void forward_stage(struct worker *w, int stage)
{
	if (!w->t->stage[stage].wide) {
		each(w, NN_GROUPS, forward_group, stage);
		return;
	}
	each(w, NN_GROUPS, wide_in, stage);
	each(w, NN_WINO_TAPS, wide_multiply, stage);
	each(w, NN_GROUPS, wide_out, stage);
}

/* After a stage, and before the next that is not a batch norm: merges statistics, and sets up the batch norms that use
 * them. */
static void settle(struct worker *w, int stage)
{
	struct nn_train *t = w->t;

	if (stage >= 0 && t->stage[stage].moments && t->mode == NN_TRAIN)
		nn_norm_merge(t, &t->stage[stage]);
	for (int i = stage + 1; i < t->n_stages && t->stage[i].kind == NN_S_NORM; i++)
		nn_norm_forward(t, &t->stage[i]);
}

static void forward(struct worker *w)
{
	if (!w->t->packed)
		each(w, (size_t)w->t->n_stages, pack_weights, 0);
	for (int i = 0; i < w->t->end; i++)
		if (w->t->stage[i].kind != NN_S_NORM) {
			forward_stage(w, i);
			once(w, settle, i);
		}
}

/* Copies out a map of one pixel, of all images, as its readers see it. */
static void hand_out(const struct nn_train *t, const struct nn_view *v, float *to)
{
	nn_view_read(t, v, (struct nn_rows){ 0, 0, t->n }, to, (size_t)v->c);
}

/* Runs forward up to node `top`. */
static void run_forward(struct nn_train *t, const void *image, size_t n, enum nn_mode mode, int top)
{
	t->n = n;
	t->mode = mode;
	t->image = image;
	t->top = top;
	t->end = 0;
	while (t->end < t->n_stages && t->stage[t->end].node <= top)
		t->end++;
	start(t, forward);
	t->packed = t->o.fixed;
}

void nn_train_forward(struct nn_train *t, const void *image, size_t n, enum nn_mode mode, uint64_t seed, float *logits,
		      float *features)
{
	t->seed = seed;
	run_forward(t, image, n, mode, t->net->n_nodes - 1);
	hand_out(t, &t->view[t->net->head], logits);
	if (features)
		hand_out(t, &t->view[t->net->feature], features);
}

void nn_train_means(struct nn_train *t, const void *image, size_t n, int stage, float *means)
{
	const struct nn_view *v = &t->view[stage];
	const size_t C = (size_t)v->c, P = nn_view_pixels(v);
	double *sum = nn_group_sums(t, 0);

	run_forward(t, image, n, NN_EVALUATE, stage);
	for (size_t i = 0; i < n; i++) {
		memset(sum, 0, C * sizeof *sum);
		for (size_t p = 0; p < P; p++) {
			nn_view_read(t, v, (struct nn_rows){ i, p, 1 }, t->outside, C);
			for (size_t c = 0; c < C; c++)
				sum[c] += (double)t->outside[c];
		}
		for (size_t c = 0; c < C; c++)
			means[i * C + c] = (float)(sum[c] / (double)P);
	}
}

/* ---- back ---- */

/* Takes in the caller's dL/dmean (n, C) over the view's pixels (mostly one); NULL: zeros. Goes through t->outside, as
 * whole vectors are read. */
static void take_in(struct nn_train *t, const struct nn_view *v, const float *d)
{
	static const struct nn_fresh all = { .all = true };
	const size_t C = (size_t)v->c, P = nn_view_pixels(v);
	double *sums = nn_group_sums(t, 0);

	memset(sums, 0, 2 * t->most_channels * sizeof *sums);
	memset(t->outside, 0, C * sizeof *t->outside);
	for (size_t i = 0; i < t->n; i++) {
		for (size_t c = 0; d && c < C; c++)
			t->outside[c] = d[i * C + c] / (float)P;
		nn_view_give(t, v, &all, (struct nn_rows){ i, 0, P }, t->outside, 0, sums);
	}
	nn_view_gather(t, v, 1, sums);
}

static bool goes_back(const struct nn_train *t, const struct nn_stage *s)
{
	switch (s->kind) {
	case NN_S_INPUT:
	case NN_S_NORM: return false;
	case NN_S_CONV: return !t->o.fixed || s->n_back > 0;
	default: return t->plane[s->in.plane].g != NULL;
	}
}

static void backward_group(struct worker *w, int stage, size_t g)
{
	struct nn_train *t = w->t;
	const struct nn_stage *s = &t->stage[stage];
	size_t from, to;

	if (s->kind == NN_S_CONV) {
		nn_train_conv_backward(t, s, g, t->scratch[w->id]);
		return;
	}
	memset(nn_group_sums(t, g), 0, 4 * t->most_channels * sizeof(double));
	nn_group(t, g, s->groups, &from, &to);
	for (size_t i = from; i < to; i++)
		nn_train_op_backward(t, s, i, nn_group_sums(t, g), t->scratch[w->id]);
}

static void gather_row(struct worker *w, int stage, size_t m)
{
	nn_train_conv_gather(w->t, &w->t->stage[stage], m);
}

static void wide_back_in(struct worker *w, int stage, size_t g)
{
	nn_train_wide_back_in(w->t, &w->t->stage[stage], g, w->t->scratch[w->id]);
}

static void wide_back_unit(struct worker *w, int stage, size_t unit)
{
	nn_train_wide_back_unit(w->t, &w->t->stage[stage], unit, w->t->scratch[w->id]);
}

static void wide_back_out(struct worker *w, int stage, size_t g)
{
	nn_train_wide_back_out(w->t, &w->t->stage[stage], g, w->t->scratch[w->id]);
}

static void backward_stage(struct worker *w, int stage)
{
	const struct nn_stage *s = &w->t->stage[stage];

	if (s->wide) {
		each(w, s->groups, wide_back_in, stage);
		each(w, nn_train_wide_units(w->t, s), wide_back_unit, stage);
		if (s->n_back)
			each(w, s->groups, wide_back_out, stage);
		return;
	}
	each(w, s->groups, backward_group, stage);
	if (s->kind == NN_S_CONV && !w->t->o.fixed)
		each(w, (size_t)s->out.c, gather_row, stage);
}

/* Sums for what the stage read, and preparations for the next stage to go back. */
static void turn_back(struct worker *w, int stage)
{
	struct nn_train *t = w->t;

	if (stage < t->end) {
		const struct nn_stage *s = &t->stage[stage];

		nn_view_gather(t, &s->in, s->groups, nn_group_sums(t, 0));
		if (s->kind == NN_S_ADD)
			nn_view_gather(t, &s->other, s->groups, nn_group_sums(t, 0) + 2 * t->most_channels);
	}
	while (--stage >= 0 && !goes_back(t, &t->stage[stage]))
		;
	if (stage >= 0)
		nn_view_prepare(t, &t->stage[stage].out);
}

static void backward(struct worker *w)
{
	struct nn_train *t = w->t;

	once(w, turn_back, t->end);
	for (int i = t->end; i-- > 0;) {
		if (!goes_back(t, &t->stage[i]))
			continue;
		backward_stage(w, i);
		once(w, turn_back, i);
	}
}

static void forget_sums(struct nn_train *t)
{
	for (int i = 0; i < t->n_planes; i++)
		if (t->plane[i].normal) {
			memset(t->plane[i].along, 0, t->plane[i].stride * sizeof(double));
			memset(t->plane[i].sum, 0, t->plane[i].stride * sizeof(double));
		}
}

static void give_pixels(const struct nn_train *t, float *dpixels)
{
	const struct nn_view *in = &t->view[0];
	const size_t C = (size_t)in->c, P = nn_view_pixels(in);

	for (size_t i = 0; i < t->n; i++)
		for (size_t p = 0; p < P; p++)
			for (size_t c = 0; c < C; c++)
				dpixels[(i * C + c) * P + p] = nn_view_gradient(t, in, i)[p * C + c];
}

void nn_train_backward(struct nn_train *t, const float *dlogits, const float *dfeatures, float *dpixels, bool add)
{
	if (!add)
		memset(t->gradients, 0, t->n_gradients * sizeof *t->gradients);
	forget_sums(t);
	take_in(t, &t->view[t->net->head], dlogits);
	take_in(t, &t->view[t->net->feature], dfeatures);
	start(t, backward);
	if (dpixels)
		give_pixels(t, dpixels);
}

void nn_train_means_backward(struct nn_train *t, const float *dmeans, float *dpixels)
{
	memset(t->gradients, 0, t->n_gradients * sizeof *t->gradients);
	forget_sums(t);
	take_in(t, &t->view[t->top], dmeans);
	start(t, backward);
	give_pixels(t, dpixels);
}
