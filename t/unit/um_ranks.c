/* SPDX-License-Identifier: MIT
 * A step of several ranks without common batch statistics equals that of one process that runs each rank's images
 * separately: gradients add up, running statistics are the mean, weighted by the shares. Also teams: sums in the order
 * of the ranks, what all must have in common, and who reports a failure. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "team/team.h"
#include "um/loss/um_loss.h"
#include "um/um.h"

enum { N = 23, C = 10, SIDE = 16, PIXELS = 3 * SIDE * SIDE, MOST = 100000 };

/* ---- processes ---- */

/* What a rank returns to the test. */
struct report {
	float v[MOST];
	char text[200];
	bool says;
};

typedef void rank_fn(struct team *t, void *data, struct report *to);

/* Runs fn in a team of `size` processes and collects each one's report. Ranks in `absent` do not start. */
static void run_team(int size, rank_fn *fn, void *data, int absent, struct report *to)
{
	static uint64_t job;
	int pipes[8][2];

	job++;
	for (int r = 0; r < size; r++) {
		if (pipe(pipes[r]) < 0 || fork() != 0)
			continue;
		const struct team_place place = {
			.rank = r, .size = size, .job = ((uint64_t)getppid() << 8) + job, .seconds = 2
		};
		struct report *mine = calloc(1, sizeof *mine);
		struct team *t = NULL;
		struct err err;

		if (r == absent)
			_exit(0);
		if (team_join(&t, &place, &err) < 0)
			snprintf(mine->text, sizeof mine->text, "%.190s", err.text);
		else
			fn(t, data, mine);
		team_free(t);
		for (size_t at = 0; at < sizeof *mine;) {
			const ssize_t n = write(pipes[r][1], (char *)mine + at, sizeof *mine - at);

			at += n > 0 ? (size_t)n : 0;
		}
		_exit(0);
	}
	for (int r = 0; r < size; r++) {
		close(pipes[r][1]);
		memset(&to[r], 0, sizeof to[r]);
		for (size_t at = 0; at < sizeof to[r];) {
			const ssize_t n = read(pipes[r][0], (char *)&to[r] + at, sizeof to[r] - at);

			if (n <= 0)
				break;
			at += (size_t)n;
		}
		close(pipes[r][0]);
	}
	while (wait(NULL) > 0)
		;
}

/* ---- teams ---- */

static float number(int rank, size_t i)
{
	return (float)sin((double)i * 0.37 + rank) * (rank == 1 ? 1e6f : 1);
}

/* v: the sum of all ranks' numbers; then 7 rows, of which each rank has set its own. */
static void sums(struct team *t, void *data, struct report *to)
{
	const size_t n = *(size_t *)data;
	struct err err;
	float rows[7] = { 0 };
	size_t from, end;

	for (size_t i = 0; i < n; i++)
		to->v[i] = number(team_rank(t), i);
	team_sum(t, to->v, n);
	team_share(t, 7, &from, &end);
	for (size_t i = from; i < end; i++)
		rows[i] = (float)i + 1;
	team_rows(t, rows, 7, sizeof *rows);
	memcpy(to->v + n, rows, sizeof rows);
	to->says = team_check(t, &err) == 0 && team_any(t, team_rank(t) == 1) && !team_any(t, false);
}

static void check_sums(int size, size_t n)
{
	struct report *got = calloc((size_t)size, sizeof *got);
	bool right = true;

	run_team(size, sums, &n, -1, got);
	for (int r = 0; r < size; r++) {
		right = right && got[r].says;
		for (size_t i = 0; i < n; i++) {
			double sum = 0;

			for (int k = 0; k < size; k++)
				sum += (double)number(k, i);
			right = right && got[r].v[i] == (float)sum;
		}
		for (size_t i = 0; i < 7; i++)
			right = right && got[r].v[n + i] == (float)i + 1;
	}
	ok(right, "%d ranks: sums of %zu numbers in the order of the ranks, rows, any", size, n);
	free(got);
}

/* Rank *data ends silently, fails on its own, or disagrees with the others. */
static void goes(struct team *t, void *data, struct report *to)
{
	struct err err;
	float v = 1;

	if (team_rank(t) == *(int *)data)
		return;
	for (int i = 0; i < 3; i++)
		team_sum(t, &v, 1);
	if (team_check(t, &err) < 0) {
		to->says = team_fail(t, &err);
		snprintf(to->text, sizeof to->text, "%.190s", err.text);
	}
}

static void fails_itself(struct team *t, void *data, struct report *to)
{
	struct err err;

	if (team_rank(t) == *(int *)data) {
		err_fail(&err, "no such file");
		to->says = team_fail(t, &err);
		snprintf(to->text, sizeof to->text, "%.190s", err.text);
	} else {
		goes(t, &(int){ -1 }, to);
	}
}

static void differs(struct team *t, void *data, struct report *to)
{
	struct err err;

	if (team_same(t, "options", team_rank(t) == *(int *)data ? "a: 1\nb: 3\nc: 5\n" : "a: 1\nb: 2\nc: 5\n", &err) <
	    0) {
		to->says = team_fail(t, &err);
		snprintf(to->text, sizeof to->text, "%.190s", err.text);
	}
}

/* Exactly one rank reports it, and it is this one. */
static bool said_once(const struct report *got, int size, int by, const char *text)
{
	int n = 0;

	for (int r = 0; r < size; r++)
		n += got[r].says;
	if (n == 1 && got[by].says && strcmp(got[by].text, text) == 0)
		return true;
	for (int r = 0; r < size; r++)
		printf("# rank %d: %s%s\n", r, got[r].says ? "says " : "", got[r].text);
	return false;
}

static void check_failures(struct report *got)
{
	int who = 1;

	run_team(3, goes, &who, -1, got);
	ok(said_once(got, 3, 0, "rank 1 of 3 is gone: its process ended without a word, or its machine did") ||
		   said_once(got, 3, 0,
			     "rank 2: rank 1 of 3 is gone: its process ended without a word, or its machine did"),
	   "a rank that is gone: rank 0 says so");
	who = 0;
	run_team(3, goes, &who, -1, got);
	ok(said_once(got, 3, 1, "rank 0 of 3 is gone: its process ended without a word, or its machine did"),
	   "rank 0 is gone: rank 1 says so");
	who = 2;
	run_team(3, fails_itself, &who, -1, got);
	ok(said_once(got, 3, 0, "rank 2: no such file"), "a rank that failed: rank 0 says whose failure it was");
	who = 0;
	run_team(3, fails_itself, &who, -1, got);
	ok(said_once(got, 3, 0, "no such file"), "rank 0 failed: it says why");
	who = 2;
	run_team(3, differs, &who, -1, got);
	ok(said_once(got, 3, 0, "rank 2 has other options than rank 0: 'b: 3', not 'b: 2'"),
	   "the line that differs is named");
	run_team(2, goes, &who, 1, got);
	ok(strstr(got[0].text, "rank 1 of 2 did not come within 2 seconds"), "a rank that does not start");
}

/* Of three ranks started by team_start(), rank 0 does not join: it is gone, or cannot open a socket. Do all end? */
static bool all_end(bool gone)
{
	struct pollfd ends = { .events = POLLIN };
	int pipes[2], n;

	if (pipe(pipes) < 0)
		return false;
	if (fork() == 0) {
		struct team_place place;
		struct team *t;
		struct err err;

		close(pipes[0]);
		if (team_start(&place, 3, &err) < 0 || (place.rank == 0 && gone))
			_exit(1);
		if (place.rank == 0)
			setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0 });
		_exit(team_join(&t, &place, &err) < 0);
	}
	close(pipes[1]);
	ends.fd = pipes[0]; /* closes when the last of them ends */
	n = poll(&ends, 1, 10000);
	close(pipes[0]);
	return n == 1;
}

static void check_starts(void)
{
	ok(all_end(true), "rank 0 is gone before it meets those that it started: they end, too");
	ok(all_end(false), "rank 0 cannot meet them: it does not wait for them, and they end, too");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* ---- a step ---- */

struct work {
	struct net_checkpoint c;
	struct um_data d;
	struct um_train_options o;
};

static void make(struct work *w)
{
	struct ts_rng rng = ts_rng_new(5, 1);
	struct err err;

	w->c.net = net_new("densenet:depth=10,growth=4", 3, SIDE, SIDE, C, &err);
	for (int i = 0; i < 4; i++)
		w->c.mean[i] = w->c.std[i] = 0.5;
	if (net_init_as(w->c.net, &(struct net_init_options){ 0 }, &rng, &w->c.state) < 0)
		_exit(99);
	w->d = (struct um_data){
		.n = N, .c = 3, .h = SIDE, .w = SIDE, .image = malloc(N * PIXELS), .label = calloc(N, 8)
	};
	w->d.n_classes = C;
	for (size_t i = 0; i < N * PIXELS; i++)
		w->d.image[i] = (uint8_t)(ts_rng_below(&rng, 128) + i / PIXELS * 5);
	for (size_t i = 0; i < N; i++)
		w->d.label[i] = (int64_t)(i % C);
	w->o = (struct um_train_options){
		.epochs = 1, .batch = N, .lr = 0.5, .lr_policy = UM_LR_CONSTANT, .beta = 1, .seed = 9
	};
}

static size_t copy_values(const struct um_model *m, float *to)
{
	size_t at = 0;

	for (int i = 0; i < m->n; i++)
		if (m->v[i].v) {
			memcpy(to + at, m->v[i].v, m->v[i].n * sizeof *to);
			at += m->v[i].n;
		}
	return at;
}

static struct um_model *model(struct work *w, struct team *t, bool sync)
{
	struct um_model *m;
	struct err err;

	if (um_model_new(&m, &w->c, &(struct um_exec_options){ .threads = 1, .batch = N, .team = t, .sync_bn = sync },
			 &err) < 0 ||
	    um_model_train(m, &w->o, &err) < 0)
		_exit(99);
	return m;
}

/* Trains an epoch of one step; to->v gets the values after it. */
static void train(struct work *w, struct team *t, bool sync, struct report *to)
{
	struct um_model *m = model(w, t, sync);
	struct um_progress p = um_epoch_start(&w->o, 0);
	struct err err;

	if (um_train_epoch(m, &w->d, &w->o, NULL, &p, &(struct um_watch){ 0 }, &err) < 0)
		snprintf(to->text, sizeof to->text, "%.190s", err.text);
	copy_values(m, to->v);
	um_model_free(m);
}

static void alone_stats(struct team *t, void *data, struct report *to)
{
	train(data, t, false, to);
}

static void common_stats(struct team *t, void *data, struct report *to)
{
	train(data, t, true, to);
}

/* The same in one process, rank by rank. Returns the number of values. */
static size_t simulate(struct work *w, int size, float *to)
{
	struct um_model *m = model(w, NULL, false);
	struct ts_rng order = ts_rng_new(w->o.seed, UM_RNG_ORDER);
	size_t idx[N], n;
	uint8_t *image = malloc(N * PIXELS);
	int64_t label[N];
	float z[N * C], dz[N * C], *mean = calloc(MOST, sizeof *mean), *before = calloc(MOST, sizeof *before);
	struct err err;

	ts_rng_permutation(&order, idx, N);
	um_data_batch(&w->d, idx, N, UM_AS_THEY_ARE, NULL, image, label);
	n = copy_values(m, before);
	for (int r = 0; r < size; r++) {
		const size_t from = N * (size_t)r / (size_t)size, to_row = N * (size_t)(r + 1) / (size_t)size,
			     k = to_row - from;
		const double share = (double)k / N;
		size_t at = 0;

		memset(dz, 0, sizeof dz);
		for (int i = 0; i < m->n; i++)
			if (m->v[i].v) { /* running statistics start from their old values */
				memcpy(m->v[i].v, before + at, m->v[i].n * sizeof *before);
				at += m->v[i].n;
			}
		if (um_model_forward(m, image + from * PIXELS, k, UM_TRAINING, true, z, NULL, &err) < 0)
			_exit(99);
		(void)um_loss_cross_entropy(z, label + from, k, C, 0, share, dz);
		if (um_model_backward(m, dz, r > 0, &err) < 0)
			_exit(99);
		n = copy_values(m, to);
		for (size_t i = 0; i < n; i++)
			mean[i] += (float)(share * (double)to[i]);
	}
	n = 0;
	for (int i = 0; i < m->n; i++) {
		const struct um_value *v = &m->v[i];

		for (size_t k = 0; v->v && k < v->n; k++, n++)
			to[n] = v->trained ? before[n] - (float)w->o.lr * v->gradient[k] : mean[n];
	}
	free(image);
	free(mean);
	free(before);
	um_model_free(m);
	return n;
}

static double apart(const float *a, const float *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - (double)b[i]));
	return most;
}

static void check_step(struct work *w, struct report *got)
{
	float *want = calloc(MOST, sizeof *want), *one = calloc(MOST, sizeof *one);
	struct report *alone = calloc(1, sizeof *alone);
	size_t n = simulate(w, 1, one);

	train(w, NULL, false, alone);
	ok(apart(alone->v, one, n) < 1e-6, "the simulation of one rank is what a process alone does");
	for (int size = 2; size <= 3; size++) {
		n = simulate(w, size, want);
		run_team(size, alone_stats, w, -1, got);
		ok(apart(got[0].v, want, n) < 1e-6, "%d ranks, each with its own statistics: as simulated (%.2g)", size,
		   apart(got[0].v, want, n));
		ok(apart(want, one, n) > 1e-4, "which is not what one process does (%.2g)", apart(want, one, n));
		ok(memcmp(got[0].v, got[size - 1].v, n * sizeof *want) == 0, "the ranks' values are the same bytes");
		run_team(size, common_stats, w, -1, got);
		ok(apart(got[0].v, one, n) < 1e-6, "%d ranks with common statistics: as one process (%.2g)", size,
		   apart(got[0].v, one, n));
		ok(memcmp(got[0].v, got[size - 1].v, n * sizeof *want) == 0, "the ranks' values are the same bytes");
	}
	free(want);
	free(one);
	free(alone);
}

int main(void)
{
	struct report *got = calloc(3, sizeof *got);
	struct work w = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int size = 2; size <= 4; size++)
		for (size_t n = 1; n <= 90000; n = n * 300 - 1)
			check_sums(size, n);
	check_failures(got);
	check_starts();
	make(&w);
	check_step(&w, got);
	um_data_release(&w.d);
	net_checkpoint_release(&w.c);
	free(got);
	return done();
}
