/* SPDX-License-Identifier: MIT
 * Sources that change between the two passes: an error, never another image under a row's name. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"
#include "../tap.h"

static struct err err;
static char dir[] = "/tmp/ds_source.XXXXXX";
static struct ds_options all = { .per_class = -1, .sample = -1, .limit = -1, .n_shards = 1 };

static struct ds_source *open_dir(void)
{
	char *path = dir;
	return ds_open(&path, 1, &all, &err);
}

static void put(const char *name, const void *data, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f) {
		fwrite(data, 1, n, f);
		fclose(f);
	}
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	unlink(path);
}

/* Rows that are read until something goes wrong; *rc tells what. */
static int read_all(struct ds_source *s, int *rc)
{
	struct ds_row row;
	int n = 0;

	while ((*rc = ds_next(s, &row, &err)) == 1)
		n++;
	return n;
}

static void cifar(void)
{
	static unsigned char rows[3 * 3073];
	struct ds_source *s;
	int rc, n;

	put("test_batch.bin", rows, sizeof rows);
	s = open_dir();
	ok(s && ds_rows(s) == 3 && read_all(s, &rc) == 3 && rc == 0, "three rows");
	ds_close(s);
	s = open_dir();
	put("test_batch.bin", rows, 3073 + 100);
	n = s ? read_all(s, &rc) : -1;
	ok(n == 1 && rc < 0 && strstr(err.text, "changed"), "cut while it is read: %s", err.text);
	ds_close(s);
	put("test_batch.bin", rows, sizeof rows);
	s = open_dir();
	put("test_batch.bin", rows, 0);
	n = s ? read_all(s, &rc) : -1;
	ok(n == 0 && rc == -1 && strstr(err.text, "changed"), "emptied while it is read: %s", err.text);
	ds_close(s);
	drop("test_batch.bin");
}

static void images(const unsigned char *png, size_t size)
{
	struct ds_source *s;
	int rc, n;

	put("b.png", png, size);
	put("d.png", png, size);
	s = open_dir();
	ok(s && ds_rows(s) == 2 && read_all(s, &rc) == 2 && rc == 0, "two images");
	ok(s && read_all(s, &rc) == 0 && rc == 0, "and then the end, again");
	ds_close(s);

	s = open_dir();
	put("c.png", png, size);
	n = s ? read_all(s, &rc) : -1;
	ok(n == 2 && rc == 0, "one more in between: it was not chosen");
	ds_close(s);
	drop("c.png");

	s = open_dir();
	drop("b.png");
	n = s ? read_all(s, &rc) : -1;
	ok(n == 0 && rc == -2 && strstr(err.text, "b.png"), "one less: %s", err.text);
	ds_close(s);
	put("b.png", png, size);

	s = open_dir();
	put("b.png", png, size / 2);
	n = s ? read_all(s, &rc) : -1;
	ok(n == 0 && rc == -1 && strstr(err.text, "b.png"), "half of one: %s", err.text);
	ok(s && read_all(s, &rc) == 1 && rc == 0, "the next row is read all the same");
	ds_close(s);
	ds_close(NULL);
	drop("b.png");
	drop("d.png");
}

int main(void)
{
	unsigned char png[4096];
	char path[4096];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/t/golden/ds/formats/rgb8.png", getenv("SRC") ? getenv("SRC") : ".");
	f = fopen(path, "rb");
	if (f) {
		n = fread(png, 1, sizeof png, f);
		fclose(f);
	}
	ok(n > 100 && mkdtemp(dir), "a folder of one's own");
	for (all.threads = 1; all.threads <= 3; all.threads += 2) {
		cifar();
		images(png, n);
	}
	rmdir(dir);
	return done();
}
