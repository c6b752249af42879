/* SPDX-License-Identifier: MIT
 * Two runs in one process, open at the same time with different options: each gives what it gives alone. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "job/job.h"

enum { N = 24, CLASSES = 3, SIDE = 8 };

static char folder[] = "/tmp/um_job.XXXXXX";

/* A path in the folder; one at a time. */
static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* Writes labelled noise. */
static bool write_images(const char *path)
{
	const size_t shape[3] = { 1, SIDE, SIDE };
	struct ts_rng rng = ts_rng_new(7, 0);
	struct ts_writer *w = ts_writer_open(path);
	struct ts_header h;
	struct ts_batch b;
	bool good;

	ts_header_init(&h, "images");
	good = w && ts_header_add(&h, "image", TS_U8, 3, shape) == 0 &&
	       ts_header_add(&h, "label", TS_I64, 0, NULL) == 0 && ts_batch_init(&b, &h) == 0 &&
	       ts_batch_resize(&b, N) == 0;
	for (size_t i = 0; good && i < (size_t)N * SIDE * SIDE; i++)
		((uint8_t *)ts_batch_col(&b, "image")->data)[i] = (uint8_t)ts_rng_below(&rng, 256);
	for (size_t i = 0; good && i < N; i++)
		((int64_t *)ts_batch_col(&b, "label")->data)[i] = (int64_t)(i % CLASSES);
	good = good && ts_writer_begin(w, &h) == 0 && ts_writer_write(w, &b) == 0 && ts_writer_finish(w) == 0;
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	return good;
}

/* data: counts the calls. */
static int fresh(void *data, struct net_checkpoint *c, const struct um_data *d, struct err *err)
{
	struct ts_rng rng = ts_rng_new(3, UM_RNG_INIT);

	++*(int *)data;
	ts_header_init(&c->header, "checkpoint");
	c->mean[0] = 0.5;
	c->std[0] = 0.25;
	c->net = net_new("fc", d->c, d->h, d->w, (int)d->n_classes, err);
	return c->net && net_init(c->net, &rng, &c->state) == 0 ? 0 : -1;
}

/* A run of this many epochs, with a directory if it has a name. */
struct one {
	struct job_options o;
	struct cli_option rows[JOB_OPTION_ROWS];
	struct job job;
	struct ts_reader *r;
	int made;
};

static bool good(int rc, const struct err *err)
{
	if (rc != 0)
		printf("# %s\n", err->text);
	return rc == 0;
}

static void set(struct one *a, const char *name, long epochs, double lr)
{
	job_options_init(&a->o, a->rows);
	a->o.name = name ? name : a->o.name;
	a->o.run = name ? folder : NULL;
	a->o.train.epochs = epochs;
	a->o.train.batch = 8;
	a->o.train.lr = lr;
	a->o.val_fraction = 0.25;
	a->made = 0;
}

static bool open_run(struct one *a)
{
	struct err err;

	a->r = ts_reader_open(in_folder("images.ts"));
	return good(job_options_check(&a->o, &err), &err) &&
	       good(job_open(&a->job, &a->o, a->r, &(struct job_program){ .data = &a->made, .fresh = fresh }, &err),
		    &err);
}

static void close_run(struct one *a)
{
	job_close(&a->job);
	job_options_release(&a->o);
	ts_reader_close(a->r);
}

static bool same_state(const struct net_checkpoint *a, const struct net_checkpoint *b)
{
	for (size_t i = 0; i < a->state.n; i++)
		if (memcmp(a->state.t[i].data, b->state.t[i].data, ts_tensor_bytes(&a->state.t[i])) != 0)
			return false;
	return a->state.n == b->state.n;
}

/* Does run a match the same run alone? */
static bool as_alone(const struct one *a)
{
	static struct one alone;
	struct err err;
	bool same;

	set(&alone, NULL, a->o.train.epochs, a->o.train.lr);
	same = open_run(&alone);
	alone.o.out = ts_writer_open(in_folder("alone.ckpt"));
	same = same && good(job_run(&alone.job, &err), &err) && same_state(&alone.job.c, &a->job.c);
	ts_writer_close(alone.o.out);
	close_run(&alone);
	return same;
}

static bool is_there(const struct one *a, const char *name)
{
	char path[JOB_PATH + 64];

	snprintf(path, sizeof path, "%s/%s", a->job.dir, name);
	return access(path, R_OK) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void remove_all(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	static struct one a, b;
	char *argv[] = { (char *)"um_job", (char *)"-q", NULL };
	static const struct cli_option own[] = { { 0 } };
	const struct cli_tool tool = { "um_job", "", "", own, NULL, CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_OUTPUT,
				       a.rows };
	struct err err;

	ok(mkdtemp(folder) && write_images(in_folder("images.ts")), "images");
	set(&a, "a", 2, 0.1);
	cli_parse(&tool, 2, argv);
	set(&a, "a", 2, 0.1);
	set(&b, "b", 3, 0.02);
	ok(open_run(&a) && open_run(&b), "two runs are open");
	ok(a.made == 1 && b.made == 1, "each made its network, by its own context");
	ok(good(job_run(&a.job, &err), &err) && good(job_run(&b.job, &err), &err), "both are trained");
	ok(strcmp(strrchr(a.job.dir, '/'), "/a") == 0 && strcmp(strrchr(b.job.dir, '/'), "/b") == 0,
	   "each has its directory");
	ok(is_there(&a, "checkpoints/last.ckpt") && is_there(&b, "checkpoints/last.ckpt") &&
		   is_there(&a, "images_log.txt") && is_there(&b, "log.tsv"),
	   "and keeps there what is its");
	ok(!same_state(&a.job.c, &b.job.c), "they are not the same");
	ok(as_alone(&a) && as_alone(&b), "each is what it is alone");
	close_run(&a);
	close_run(&b);
	remove_all();
	return done();
}
