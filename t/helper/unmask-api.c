/* SPDX-License-Identifier: MIT
 * unmask-api DETECTOR THREADS: uses the library as a multithreaded program does. Each thread opens its own detector,
 * from memory, and judges the same pictures, one or many at a time; all results must be the same to the bit. Then come
 * the same features twice, a child after fork(), and calls that must fail with a reason. Prints one line per complaint;
 * exit status 1 if there was one. */
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unmask/unmask.h"

enum { PICTURES = 150, SIDE = 32, MOST = 16 };

static unsigned char *file;
static size_t file_bytes;
static int complaints;
static uint8_t pixels[PICTURES][SIDE * (SIDE * 3 + 5)]; /* rows are 5 bytes longer than necessary */

static void complain(const char *what, const char *why)
{
	printf("%s: %s\n", what, why ? why : "no reason");
	complaints++;
}

static int read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0)
		return -1;
	rewind(f);
	file_bytes = (size_t)n;
	file = malloc(file_bytes);
	n = file && fread(file, 1, file_bytes, f) == file_bytes ? 0 : -1;
	fclose(f);
	return (int)n;
}

struct job {
	pthread_t thread;
	size_t step; /* pictures per call */
	struct unmask_result r[PICTURES];
	char why[200];
};

static void *work(void *data)
{
	struct job *j = data;
	struct unmask *u = unmask_open_memory(file, file_bytes, j->step == 1 ? 1 : 2);
	struct unmask_image images[PICTURES];

	for (size_t i = 0; i < PICTURES; i++)
		images[i] = (struct unmask_image){
			.rgb = pixels[i], .width = SIDE, .height = SIDE, .stride = SIDE * 3 + 5
		};
	for (size_t i = 0; i < PICTURES && !unmask_error(u); i += j->step)
		(void)unmask_images(u, images + i, j->step < PICTURES - i ? j->step : PICTURES - i, j->r + i);
	if (unmask_error(u))
		snprintf(j->why, sizeof j->why, "%s", unmask_error(u));
	unmask_close(u);
	return NULL;
}

static int same(const struct unmask_result *a, const struct unmask_result *b)
{
	return a->score == b->score && a->threshold == b->threshold && a->out == b->out &&
	       a->class_index == b->class_index;
}

static void threads(size_t n)
{
	static struct job jobs[MOST];

	for (size_t i = 0; i < n; i++) {
		jobs[i].step = i % 3 == 0 ? 1 : i % 3 == 1 ? 7 : PICTURES;
		if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(jobs[i].thread, NULL);
		if (jobs[i].why[0])
			complain("a thread", jobs[i].why);
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < PICTURES; k++)
			if (!same(&jobs[0].r[k], &jobs[i].r[k])) {
				complain("a thread", "another result than the first's");
				break;
			}
}

/* Result of the first picture. */
static struct unmask_result first(struct unmask *u)
{
	struct unmask_image image = { .rgb = pixels[0], .width = SIDE, .height = SIDE, .stride = SIDE * 3 + 5 };
	struct unmask_result r = { .class_index = -2 };

	(void)unmask_images(u, &image, 1, &r);
	return r;
}

/* In a child its parent's handle goes on, and another detector can be opened; in the parent, too. */
static void forks(void)
{
	struct unmask *u = unmask_open_memory(file, file_bytes, 2), *own;
	const struct unmask_result want = first(u);
	const pid_t pid = fork();
	struct unmask_result r, mine;
	int status = -1;

	if (pid == 0)
		alarm(60); /* a thread that is waited for and does not exist */
	r = first(u);
	own = unmask_open_memory(file, file_bytes, 2);
	mine = first(own);
	unmask_close(own);
	unmask_close(u);
	if (pid == 0)
		_exit(same(&want, &r) && same(&want, &mine) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		complain("a child", WIFSIGNALED(status) ? "hangs" : "another result than its parent's");
	if (!same(&want, &r) || !same(&want, &mine))
		complain("a parent", "another result than before");
}

/* Must fail with a reason. */
static void must_fail(const char *what, struct unmask *u, int rc)
{
	if (rc != -1 || !unmask_error(u) || strchr(unmask_error(u), '\n'))
		complain(what, rc == -1 ? "no reason, or no line" : "did not fail");
}

static void errors(void)
{
	struct unmask *u = unmask_open_memory(file, file_bytes, 1);
	struct unmask_image none = { 0 }, narrow = { .rgb = pixels[0], .width = SIDE, .height = SIDE, .stride = SIDE };
	struct unmask_result r;
	float x = 0;

	must_fail("an empty picture", u, unmask_images(u, &none, 1, &r));
	must_fail("a short row", u, unmask_images(u, &narrow, 1, &r));
	must_fail("no features", u, unmask_features(u, NULL, NULL, 1, &r));
	must_fail("no reference", u, unmask_watch(u, 0.1, 0));
	if (unmask_images(u, &none, 0, &r) != 0 || unmask_error(u))
		complain("no pictures", "are an error");
	unmask_close(u);
	must_fail("0 threads", u = unmask_open_memory(file, file_bytes, 0), -1);
	must_fail("a broken handle", u, unmask_images(u, &narrow, 1, &r));
	must_fail("features of one", u, unmask_features(u, &x, &x, 1, &r));
	must_fail("a watch of one", u, unmask_watch(u, 0.1, 0));
	if (unmask_classes(u) || unmask_class_name(u, 0) || *unmask_method(u) || unmask_prepare(u))
		complain("a broken handle", "knows something");
	unmask_close(u);
	for (size_t i = 0; i < 40; i++) { /* cut off anywhere */
		u = unmask_open_memory(file, file_bytes * i / 40, 1);
		must_fail("a detector that is cut off", u, -1);
		unmask_close(u);
	}
	must_fail("no file", u = unmask_open("no/such/file", 1), -1);
	unmask_close(u);
	unmask_close(NULL);
	if (!unmask_error(NULL))
		complain("a handle that is NULL", "no error");
}

static void features(void)
{
	struct unmask *u = unmask_open_memory(file, file_bytes, 1);
	const size_t C = unmask_classes(u);
	struct unmask_result r[4];
	size_t D;
	float *v;

	unmask_sizes(u, NULL, NULL, NULL, &D);
	if (!(v = malloc(4 * (C + D) * sizeof *v)))
		abort();
	for (size_t i = 0; i < 4 * (C + D); i++)
		v[i] = (float)(i * 7 % 13) / 13; /* the second half of rows is the first's */
	memcpy(v + 2 * C, v, 2 * C * sizeof *v);
	memcpy(v + 4 * C + 2 * D, v + 4 * C, 2 * D * sizeof *v);
	if (unmask_features(u, v, v + 4 * C, 4, r) < 0)
		complain("features", unmask_error(u));
	else if (!same(&r[0], &r[2]) || !same(&r[1], &r[3]) || (r[0].score < r[0].threshold) != r[0].out ||
		 strcmp(r[0].class_name, unmask_class_name(u, (size_t)r[0].class_index)) != 0)
		complain("features", "results that do not go together");
	free(v);
	unmask_close(u);
}

int main(int argc, char **argv)
{
	const long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	unsigned seed = 1;

	if (n < 1 || n > MOST || read_file(argv[1]) < 0) {
		fprintf(stderr, "usage: unmask-api DETECTOR THREADS\n");
		return 2;
	}
	setlocale(LC_ALL, "");
	for (size_t i = 0; i < sizeof pixels; i++)
		((uint8_t *)pixels)[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	threads((size_t)n);
	forks();
	errors();
	features();
	free(file);
	return complaints > 0;
}
