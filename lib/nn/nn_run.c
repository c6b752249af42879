/* SPDX-License-Identifier: MIT
 * Running a plan. As long as there are enough images, each thread runs the whole plan on its own; for the rest, say a
 * single image, all threads share each operation. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"
#include "nn/nn_meet.h"

static void run_op(const struct nn_op *op, const struct nn_job *j)
{
	switch (op->kind) {
	case NN_PIXELS: nn_pixels_op(op, j); break;
	case NN_TAKE: nn_take(op, j); break;
	case NN_CONV:
	case NN_WINOGRAD:
	case NN_BF16:
	case NN_GROUPED:
	case NN_DEPTHWISE: nn_product(op, j); break;
	case NN_POOL: nn_pool(op, j); break;
	case NN_SCALE: nn_scale(op, j); break;
	case NN_MUL: nn_mul(op, j); break;
	case NN_NORM: nn_norm(op, j); break;
	case NN_TOKENS: nn_tokens(op, j); break;
	case NN_ATTEND: nn_attend(op, j); break;
	case NN_FIRST: nn_first(op, j); break;
	case NN_PAD: nn_pad(op, j); break;
	case NN_FLATTEN: nn_flatten(op, j); break;
	case NN_GIVE: nn_give(op, j); break;
	}
}

/* The job of images first..first+n of the whole run. */
static struct nn_job images(const struct nn_job *all, size_t first, size_t n)
{
	const struct nn *m = all->m;
	const struct nn_op *in = &m->ops[0];
	const size_t floats = (size_t)in->out.c * nn_pixels(&in->out), pixels = (size_t)(m->c * m->h * m->w);
	const size_t bytes = m->floats ? pixels * sizeof(float) : pixels;
	struct nn_job j = *all;

	j.first = first;
	j.n = n;
	j.input = (const char *)all->input + first * (in->kind == NN_PIXELS ? bytes : floats * sizeof(float));
	return j;
}

void nn_run(struct nn *m, const void *input, size_t n, float *logits, float *features, float *const *maps)
{
	const size_t T = (size_t)m->threads, most = (size_t)m->chunk;
	const size_t chunk = n / T < 1 ? 1 : n / T < most ? n / T : most;
	const size_t alone = n / (chunk * T) * (chunk * T);
	struct nn_meeting meeting = { 0 };
	const struct nn_job all = {
		.m = m, .input = input, .logits = logits, .features = features, .maps = maps, .parts = 1
	};

#pragma omp parallel num_threads(m->threads)
	{
		const int id = omp_get_thread_num();

#pragma omp for schedule(dynamic, 1) nowait
		for (size_t i = 0; i < alone / chunk; i++) {
			struct nn_job j = images(&all, i * chunk, chunk);

			j.arena = m->room->arenas[id];
			j.scratch = m->room->scratches[id];
			for (int k = 0; k < m->n_ops; k++)
				run_op(&m->ops[k], &j);
		}
		nn_meet(&meeting, (unsigned)omp_get_num_threads());
		for (size_t i = alone; i < n; i += most) {
			struct nn_job j = images(&all, i, n - i < most ? n - i : most);

			j.arena = m->room->arenas[0];
			j.scratch = m->room->scratches[id];
			j.part = (size_t)id;
			j.parts = (size_t)omp_get_num_threads();
			for (int k = 0; k < m->n_ops; k++) {
				run_op(&m->ops[k], &j);
				nn_meet(&meeting, (unsigned)j.parts);
			}
		}
	}
}

int nn_new(struct nn **ret, struct net_checkpoint *c, const struct nn_options *o, struct err *err)
{
	struct nn *m = calloc(1, sizeof *m);

	*ret = NULL;
	if (!m)
		return err_memory(err);
	m->threads = o->threads;
	m->isa = nn_isa(o->isa);
	m->bf16 = o->bf16;
	if ((o->bf16 ? nn_check_bf16 : nn_check)(o->isa, err) < 0)
		goto fail;
	m->c = c->net->c;
	m->h = c->net->h;
	m->w = c->net->w;
	m->floats = o->floats;
	for (int i = 0; i < m->c; i++) {
		m->mean[i] = (float)(255 * c->mean[i]);
		m->gain[i] = (float)(1 / (255 * c->std[i]));
	}
	if (nn_plan(m, c, o, err) < 0)
		goto fail;
	if (nn_room_join(m, o->beside) < 0) {
		err_memory(err);
		goto fail;
	}
	*ret = m;
	return 0;
fail:
	nn_free(m);
	return -1;
}

void nn_free(struct nn *m)
{
	if (!m)
		return;
	nn_room_leave(m);
	for (int i = 0; i < m->n_owned; i++)
		free(m->owned[i]);
	free(m->owned);
	free(m->ops);
	free(m->bufs);
	free(m);
}

char *nn_describe(const struct nn *m)
{
	static const char *const names[] = { "pixels", "take",  "conv",  "winograd", "bf16", "groups",
					     "depth",  "pool",  "scale", "mul",      "norm", "tokens",
					     "attend", "first", "pad",   "flatten",  "give" };
	const size_t cap = 128 * (size_t)(m->n_ops + 2);
	char *text = malloc(cap);
	size_t len = 0;

	if (text)
		len = (size_t)snprintf(text, cap, "%s, %d images at a time, %zu floats an image, %zu a thread\n",
				       m->isa->name, m->chunk, m->arena, m->scratch);
	for (int i = 0; text && i < m->n_ops; i++) {
		const struct nn_op *op = &m->ops[i];

		len += (size_t)snprintf(text + len, cap - len, "%-8s %dx%d/%d %dx%dx%d -> %dx%dx%d%s%s%s%s\n",
					names[op->kind], op->kh, op->kw, op->stride, op->in.c, op->in.h, op->in.w,
					op->out.c, op->out.h, op->out.w, op->pre.a ? " (bn" : "",
					op->pre.relu ? " relu)" :
					op->pre.a    ? ")" :
						       "",
					op->add.buf >= 0 ? " +add" : "", op->relu ? " relu" : "");
	}
	return text;
}
