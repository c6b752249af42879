/* SPDX-License-Identifier: MIT
 * Places in the arena, so that two buffers in use at the same time do not overlap: largest first, each at the lowest
 * place that is free for its whole life. Also the arenas themselves, which plans may share. */
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"
#include "ts/ts_room.h"

static bool meet(const struct nn_buffer *a, const struct nn_buffer *b)
{
	return a->first >= 0 && b->first >= 0 && a->first <= b->last && b->first <= a->last;
}

static int by_size(const void *x, const void *y)
{
	const struct nn_buffer *a = *(struct nn_buffer *const *)x, *b = *(struct nn_buffer *const *)y;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return (a > b) - (a < b);
}

/* The lowest place for order[k] that does not conflict with order[0..k). */
static size_t lowest(struct nn_buffer *const *order, int k)
{
	size_t at = 0;

	for (int i = 0; i < k; i++) {
		const struct nn_buffer *b = order[i];

		if (meet(b, order[k]) && at < b->at + b->size && b->at < at + order[k]->size) {
			at = b->at + b->size;
			i = -1; /* buffers checked before may be in the way now */
		}
	}
	return at;
}

int nn_place(struct nn *m)
{
	struct nn_buffer **order = malloc((size_t)(m->n_bufs + 1) * sizeof *order);

	if (!order)
		return -1;
	for (int i = 0; i < m->n_bufs; i++) {
		m->bufs[i].size = nn_round(m->bufs[i].size, NN_MAX_VEC);
		order[i] = &m->bufs[i];
	}
	qsort(order, (size_t)m->n_bufs, sizeof *order, by_size);
	for (int k = 0; k < m->n_bufs; k++) {
		order[k]->at = lowest(order, k);
		if (order[k]->at + order[k]->size > m->arena)
			m->arena = order[k]->at + order[k]->size;
	}
	free(order);
	return 0;
}

/* ---- arenas ---- */

static float *reserve(size_t n)
{
	const size_t bytes = nn_round((n + NN_MAX_VEC) * sizeof(float), 64);
	float *v = ts_room(bytes);

	return v ? memset(v, 0, bytes) : NULL;
}

static void empty(struct nn_room *r)
{
	for (int i = 0; i < r->threads; i++) {
		free(r->arenas ? r->arenas[i] : NULL);
		free(r->scratches ? r->scratches[i] : NULL);
	}
	free(r->arenas);
	free(r->scratches);
}

/* Makes room for at least this much per thread. The contents are lost; on failure nothing changes. */
static int widen(struct nn_room *r, int threads, size_t arena, size_t scratch)
{
	const size_t T = (size_t)(threads > r->threads ? threads : r->threads);
	struct nn_room wide = { r->users,
				(int)T,
				arena > r->arena ? arena : r->arena,
				scratch > r->scratch ? scratch : r->scratch,
				calloc(T, sizeof *wide.arenas),
				calloc(T, sizeof *wide.scratches) };
	bool whole = wide.arenas && wide.scratches;

	for (size_t i = 0; i < T && whole; i++)
		whole = (wide.arenas[i] = reserve(wide.arena)) && (wide.scratches[i] = reserve(wide.scratch));
	empty(whole ? r : &wide);
	if (whole)
		*r = wide;
	return whole ? 0 : -1;
}

int nn_room_join(struct nn *m, const struct nn *beside)
{
	const size_t arena = m->arena * (size_t)m->chunk;
	struct nn_room *r = m->room = beside ? beside->room : calloc(1, sizeof *r);

	if (!r)
		return -1;
	r->users++;
	return m->threads <= r->threads && arena <= r->arena && m->scratch <= r->scratch ?
		       0 :
		       widen(r, m->threads, arena, m->scratch);
}

void nn_room_leave(struct nn *m)
{
	struct nn_room *r = m->room;

	if (!r || --r->users > 0)
		return;
	empty(r);
	free(r);
}

int nn_own(struct nn *m, void *v)
{
	if (m->n_owned == m->cap_owned) {
		const int cap = m->cap_owned ? 2 * m->cap_owned : 64;
		void **grown = v ? realloc(m->owned, (size_t)cap * sizeof *grown) : NULL;

		if (!grown) {
			free(v);
			return -1;
		}
		m->owned = grown;
		m->cap_owned = cap;
	}
	m->owned[m->n_owned++] = v;
	return v ? 0 : -1;
}

float *nn_uncleared(struct nn *m, size_t n)
{
	float *v = ts_room(nn_round((n + NN_MAX_VEC) * sizeof(float), 64));

	return nn_own(m, v) < 0 ? NULL : v;
}

float *nn_floats(struct nn *m, size_t n)
{
	float *v = nn_uncleared(m, n);

	return v ? memset(v, 0, (n + NN_MAX_VEC) * sizeof *v) : NULL;
}
