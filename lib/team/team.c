/* SPDX-License-Identifier: MIT
 * Operations of all ranks together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "team/team_internal.h"

void team_free(struct team *t)
{
	if (!t)
		return;
	for (int r = 0; t->peer && r < t->size; r++)
		if (t->peer[r].fd >= 0)
			close(t->peer[r].fd);
	for (int r = 1; r < t->size && !t->failed; r++)
		if (t->child[r] > 0)
			waitpid(t->child[r], NULL, 0);
	free(t->peer);
	free(t->room);
	free(t);
}

int team_rank(const struct team *t)
{
	return t ? t->rank : 0;
}

int team_size(const struct team *t)
{
	return t ? t->size : 1;
}

const char *team_host(const struct team *t)
{
	return t && t->host[0] ? t->host : "localhost";
}

struct team_cost team_cost(const struct team *t)
{
	return t ? t->cost : (struct team_cost){ 0 };
}

static void share_of(size_t n, int r, int size, size_t *from, size_t *to)
{
	*from = n * (size_t)r / (size_t)size;
	*to = n * (size_t)(r + 1) / (size_t)size;
}

void team_share(const struct team *t, size_t n, size_t *from, size_t *to)
{
	share_of(n, team_rank(t), team_size(t), from, to);
}

size_t team_share_most(const struct team *t, size_t n)
{
	const size_t size = (size_t)team_size(t);

	return (n + size - 1) / size;
}

static void fail_memory(struct team *t)
{
	if (!t->failed)
		err_memory(&t->why);
	t->failed = true;
}

void team_gather(struct team *t, const void *mine, size_t bytes, void *all)
{
	const int size = team_size(t);
	struct team_flow *flow = t ? calloc((size_t)size, sizeof *flow) : NULL;

	for (int r = 0; r < size; r++) /* data from others overwrites it */
		memcpy((char *)all + (size_t)r * bytes, mine, bytes);
	if (!t)
		return;
	for (int r = 0; flow && r < size; r++)
		flow[r] = (struct team_flow){ mine, (char *)all + (size_t)r * bytes, bytes, bytes };
	if (flow)
		team_exchange(t, flow);
	else
		fail_memory(t);
	free(flow);
}

/* With rows of length 1: every rank's share of v goes to all. */
void team_rows(struct team *t, void *v, size_t n, size_t row)
{
	struct team_flow *flow = t ? calloc((size_t)t->size, sizeof *flow) : NULL;
	size_t from, to, mine, end;

	if (!t)
		return;
	if (!flow) {
		fail_memory(t);
		return;
	}
	team_share(t, n, &mine, &end);
	for (int r = 0; r < t->size; r++) {
		share_of(n, r, t->size, &from, &to);
		flow[r] = (struct team_flow){ (char *)v + mine * row, (char *)v + from * row, (end - mine) * row,
					      (to - from) * row };
	}
	team_exchange(t, flow);
	free(flow);
}

static bool make_room(struct team *t, size_t n)
{
	float *room = n > t->cap ? realloc(t->room, n * sizeof *room) : t->room;

	if (!room) {
		fail_memory(t);
		return false;
	}
	t->room = room;
	t->cap = n > t->cap ? n : t->cap;
	return true;
}

/* Each rank adds up one share, in the order of the ranks, and sends it to all: each sends 2 (size - 1) / size of the
 * bytes, which is the minimum. */
void team_sum(struct team *t, float *v, size_t n)
{
	struct team_flow *flow;
	size_t mine, end, from, to;

	if (!t || t->failed)
		return;
	team_share(t, n, &mine, &end);
	flow = calloc((size_t)t->size, sizeof *flow);
	if (!flow || !make_room(t, (size_t)t->size * (end - mine) + 1)) {
		fail_memory(t);
		free(flow);
		return;
	}
	for (int r = 0; r < t->size; r++) {
		share_of(n, r, t->size, &from, &to);
		flow[r] = (struct team_flow){ v + from, t->room + (size_t)r * (end - mine), (to - from) * sizeof *v,
					      (end - mine) * sizeof *v };
	}
	team_exchange(t, flow);
	free(flow);
	memcpy(t->room + (size_t)t->rank * (end - mine), v + mine, (end - mine) * sizeof *v);
	for (size_t i = 0; i < end - mine; i++) {
		double sum = 0;

		for (int r = 0; r < t->size; r++)
			sum += (double)t->room[(size_t)r * (end - mine) + i];
		v[mine + i] = (float)sum;
	}
	team_rows(t, v, n, sizeof *v);
}

bool team_any(struct team *t, bool mine)
{
	bool all[TEAM_MOST], any = false;

	team_gather(t, &mine, sizeof mine, all);
	for (int r = 0; r < team_size(t); r++)
		any = any || all[r];
	return any;
}

int team_spread(struct team *t, void **data, size_t *n, struct err *err)
{
	struct team_flow *flow = t ? calloc((size_t)t->size, sizeof *flow) : NULL;
	size_t all[TEAM_MOST];
	void *in = NULL;

	if (!t)
		return 0;
	team_gather(t, n, sizeof *n, all);
	if (!flow || (t->rank > 0 && !(in = malloc(all[0] + 1)))) {
		free(flow);
		return err_memory(err);
	}
	for (int r = 0; r < t->size; r++)
		if (t->rank == 0)
			flow[r] = (struct team_flow){ .out = *data, .out_n = all[0] };
		else if (r == 0)
			flow[r] = (struct team_flow){ .in = in, .in_n = all[0] };
	team_exchange(t, flow);
	free(flow);
	if (team_check(t, err) < 0) {
		free(in);
		return -1;
	}
	if (t->rank > 0) {
		*data = in;
		*n = all[0];
	}
	return 0;
}

/* The first line in which a text differs from rank 0's. */
struct difference {
	bool is;
	char mine[200], zeros[200];
};

static struct difference differ(const char *a, const char *b)
{
	struct difference d = { .is = true };
	size_t i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	while (i > 0 && a[i - 1] != '\n')
		i--;
	snprintf(d.mine, sizeof d.mine, "%.*s", (int)strcspn(a + i, "\n"), a + i);
	snprintf(d.zeros, sizeof d.zeros, "%.*s", (int)strcspn(b + i, "\n"), b + i);
	return d;
}

int team_same(struct team *t, const char *what, const char *text, struct err *err)
{
	const size_t size = (size_t)team_size(t);
	struct difference d = { 0 }, *all = t ? calloc(size, sizeof *all) : NULL;
	void *zeros = (void *)(uintptr_t)text;
	size_t n = strlen(text) + 1;
	int rc = 0;

	if (!t)
		return 0;
	if (!all)
		return err_memory(err);
	if (team_spread(t, &zeros, &n, err) < 0) {
		free(all);
		return -1;
	}
	if (strcmp(text, zeros) != 0)
		d = differ(text, zeros);
	if (t->rank > 0)
		free(zeros);
	team_gather(t, &d, sizeof d, all);
	rc = team_check(t, err);
	for (size_t r = 1; r < size && rc == 0; r++)
		if (all[r].is)
			rc = err_fail(err, "rank %zu has other %s than rank 0: '%s', not '%s'", r, what, all[r].mine,
				      all[r].zeros);
	free(all);
	return rc;
}

int team_check(const struct team *t, struct err *err)
{
	if (!t || !t->failed)
		return 0;
	*err = t->why;
	return -1;
}

bool team_fail(struct team *t, struct err *err)
{
	bool told;

	if (!t)
		return true;
	told = team_tell(t, t->heard ? "" : err->text);
	if (t->failed)
		return !t->told;
	return t->rank == 0 || !told;
}
