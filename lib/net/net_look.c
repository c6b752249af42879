/* SPDX-License-Identifier: MIT
 * One thread, and a list that only grows: net_look_at() appends, the thread follows. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "net/net_look.h"
#include "net/net_state.h"

struct seen {
	struct ts_tensor t; /* borrowed */
	uint64_t sum;       /* of all tensors up to this one */
};

struct net_look {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct seen *seen; /* (most) */
	size_t n, most;
	size_t bytes; /* of these */
	char *room;   /* to be made ready, or NULL */
	size_t room_bytes;
	bool over, joined, finite;
	XXH3_state_t *hash;
};

/* Waits for something to do: a room to make ready, or else tensor i. False: nothing more will come. */
static bool next(struct net_look *l, size_t i, char **room, size_t *bytes, struct seen **s)
{
	pthread_mutex_lock(&l->lock);
	while (!l->room && i == l->n && !l->over)
		pthread_cond_wait(&l->more, &l->lock);
	*room = l->over ? NULL : l->room;
	*bytes = l->room_bytes;
	l->room = NULL;
	*s = i < l->n ? &l->seen[i] : NULL;
	pthread_mutex_unlock(&l->lock);
	return *room || *s;
}

enum { PIECE = 2 << 20 };

/* Only a hint: where the kernel does not know it, the reader touches all pages itself. */
static void make_ready(char *room, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
	const uintptr_t begin = (uintptr_t)room / PIECE * PIECE;

	for (uintptr_t at = ((uintptr_t)room + bytes) / PIECE * PIECE; at > begin; at -= PIECE)
		(void)madvise((void *)(at - PIECE), PIECE, MADV_POPULATE_WRITE);
#else
	(void)room;
	(void)bytes;
#endif
}

enum { BLOCK = 16 << 10 }; /* numbers at a time, so that they come from memory once */

static void look(struct net_look *l, const struct ts_tensor *t)
{
	const size_t size = ts_type_size(t->type), n = ts_tensor_count(t);
	struct ts_tensor part = { .type = t->type, .ndim = 1 };

	XXH3_64bits_update(l->hash, t->name, strlen(t->name) + 1);
	for (size_t i = 0; i < n; i += BLOCK) {
		part.shape[0] = n - i < BLOCK ? n - i : BLOCK;
		part.data = (char *)t->data + i * size;
		XXH3_64bits_update(l->hash, part.data, part.shape[0] * size);
		l->finite = l->finite && net_first_infinite(&part) == part.shape[0];
	}
}

static void *follow(void *data)
{
	struct net_look *l = data;
	struct seen *s;
	char *room;
	size_t bytes;

	for (size_t i = 0; next(l, i, &room, &bytes, &s);) {
		if (room) {
			make_ready(room, bytes);
			continue;
		}
		look(l, &s->t);
		s->sum = XXH3_64bits_digest(l->hash);
		i++;
	}
	return NULL;
}

struct net_look *net_look_begin(size_t tensors)
{
	struct net_look *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->most = tensors;
	l->finite = true;
	l->seen = calloc(tensors + 1, sizeof *l->seen);
	l->hash = XXH3_createState();
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->more, NULL);
	if (l->hash)
		XXH3_64bits_reset(l->hash);
	l->joined = !l->seen || !l->hash || pthread_create(&l->thread, NULL, follow, l) != 0;
	if (!l->joined)
		return l;
	net_look_end(l);
	return NULL;
}

void net_look_begins(void *look, void *room, size_t bytes)
{
	struct net_look *l = look;

	pthread_mutex_lock(&l->lock);
	if (bytes >= 2 * PIECE && bytes <= l->bytes) {
		l->room = room;
		l->room_bytes = bytes;
		pthread_cond_signal(&l->more);
	}
	pthread_mutex_unlock(&l->lock);
}

void net_look_at(void *look, const struct ts_tensor *t)
{
	struct net_look *l = look;

	pthread_mutex_lock(&l->lock);
	l->room = NULL;
	l->bytes += ts_tensor_bytes(t);
	if (l->n < l->most)
		l->seen[l->n++].t = *t;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);
}

void net_look_wait(struct net_look *l)
{
	if (l->joined)
		return;
	pthread_mutex_lock(&l->lock);
	l->over = true;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	l->joined = true;
}

void net_look_end(struct net_look *l)
{
	if (!l)
		return;
	net_look_wait(l);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->lock);
	XXH3_freeState(l->hash);
	free(l->seen);
	free(l);
}

bool net_look_finite(const struct net_look *l)
{
	return l->finite;
}

bool net_look_hash(const struct net_look *l, const struct ts_set *state, char sum[17])
{
	if (state->n == 0 || state->n > l->n)
		return false;
	for (size_t i = 0; i < state->n; i++)
		if (l->seen[i].t.data != state->t[i].data)
			return false;
	net_identity_text(l->seen[state->n - 1].sum, sum);
	return true;
}
