/* SPDX-License-Identifier: MIT
 * Sources that change between the two passes: an error, never another image under a row's name. Also the limits of
 * ds_add_row(), and memory that runs out while names are copied. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds_internal.h"
#include "../tap.h"

/* These replace the C library's everywhere in this program. Call number `fails` returns NULL. */
static unsigned long copies, fails;

char *strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = ++copies == fails ? NULL : malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

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
	remove(path);
}

static void make(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	mkdir(path, 0700);
}

/* ds_open() with the n-th copy of a string failing, for n from 1 until all succeed: "out of memory" each time, and
 * never a source without a name. */
static void memory(const char *what, size_t want)
{
	unsigned long wrong = 0, n = 0;
	struct ds_source *s = NULL;
	size_t classes = 0;

	for (fails = 1; !s && fails < 1000; fails++) {
		copies = 0;
		err.text[0] = '\0';
		s = open_dir();
		n += !s;
		wrong += !s && !strstr(err.text, "out of memory");
	}
	fails = 0;
	if (s)
		ds_classes(s, &classes);
	ok(s && wrong == 0 && n > want && classes == want, "%s: %lu copies, each may fail: %s", what, n, err.text);
	ds_close(s);
}

static void names(void)
{
	static const char text[] = "plane\ncar\nbird\ncat\n", words[] = "n00000001\tcat\nn00000002\tcat\n";
	static const char pickled[] = "\x80\x02}U\x0blabel_names](U\x05planeU\x03"
				      "carU\x04"
				      "birdU\x03"
				      "cates.";
	static const char list[] = "n00000001 1 plane\nn00000002 2 car\n";
	static const char val_data[] =
		"\x80\x02}q\x00(X\x04\x00\x00\x00"
		"dataq\x01"
		"cnumpy.core.multiarray\x0a_reconstruct\x0aq\x02"
		"cnumpy\x0andarray\x0aq\x03K\x00\x85q\x04"
		"c_codecs\x0a"
		"encode\x0aq\x05X\x01\x00\x00\x00"
		"bq\x06X\x06\x00\x00\x00latin1q\x07\x86q\x08Rq\x09\x87q\x0aRq\x0b(K\x01K\x01K\x03\x86q\x0c"
		"cnumpy\x0a"
		"dtype\x0aq\x0dX\x02\x00\x00\x00u1q\x0e\x89\x88\x87q\x0fRq\x10(K\x03X\x01\x00\x00\x00|"
		"q\x11NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x12"
		"b\x89h\x05X\x03\x00\x00\x00\x00\x00\x00q\x13h\x07\x86q\x14Rq\x15tq\x16"
		"bX\x06\x00\x00\x00labelsq\x17]q\x18K\x02"
		"au.";
	static const char annotations[] = "a.png\tn00000001\nb.png\tn00000002\n";
	static const unsigned char row[3073];

	put("test_batch.bin", row, sizeof row);
	put("batches.meta.txt", text, sizeof text - 1);
	memory("CIFAR's names in a text", 4);
	drop("batches.meta.txt");
	put("batches.meta", pickled, sizeof pickled - 1);
	memory("CIFAR's names in a pickle", 4);
	drop("batches.meta");
	drop("test_batch.bin");
	put("val_data", val_data, sizeof val_data - 1);
	put("map_clsloc.txt", list, sizeof list - 1);
	memory("ImageNet's names", 2);
	drop("map_clsloc.txt");
	drop("val_data");
	make("images");
	put("images/a.png", row, 10);
	put("images/b.png", row, 10);
	put("val_annotations.txt", annotations, sizeof annotations - 1);
	put("words.txt", words, sizeof words - 1);
	memory("Tiny ImageNet's words", 2);
	drop("images/a.png");
	drop("images/b.png");
	drop("val_annotations.txt");
	drop("words.txt");
	drop("images");
}

/* The largest index, label and number of rows that fit, and the first ones that do not. */
static void limits(void)
{
	const size_t size = ((size_t)DS_MAX_ROWS + 1) * sizeof(struct ds_entry);
	struct ds_source s = { .n = 0 };

	ds_listing_file(&s, "a/file");
	ok(ds_add_row(&s, NULL, UINT32_MAX, NULL, -1, &err) == 0 && s.rows[0].at == UINT32_MAX, "the last index");
	ok(ds_add_row(&s, NULL, (size_t)UINT32_MAX + 1, NULL, -1, &err) < 0 && s.n == 1 &&
		   strstr(err.text, "more than 4294967296 rows"),
	   "one more: %s", err.text);
	ok(ds_add_row(&s, NULL, 7, NULL, INT32_MAX, &err) == 0 && s.rows[1].label == INT32_MAX && s.numbered,
	   "the largest label");
	ok(ds_add_row(&s, NULL, 7, NULL, (long)INT32_MAX + 1, &err) < 0 && s.n == 2 &&
		   strstr(err.text, "label 2147483648 of row 7 is larger than 2147483647"),
	   "one more: %s", err.text);
	ok(s.n_files == 1 && strcmp(s.files[0].path, "a/file") == 0 && s.files[0].entry == 1, "one file has both");
	free(s.rows);
	/* The maximum number of rows; only the page that is written takes memory. */
	s.rows = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s.cap = (size_t)DS_MAX_ROWS + 1;
	s.n = DS_MAX_ROWS - 1;
	ok(s.rows != MAP_FAILED && ds_add_row(&s, NULL, 0, NULL, -1, &err) == 0 && s.n == DS_MAX_ROWS, "the last row");
	ok(s.rows != MAP_FAILED && ds_add_row(&s, NULL, 0, NULL, -1, &err) < 0 && s.n == DS_MAX_ROWS &&
		   strstr(err.text, "more than 134217728 images in all"),
	   "one more: %s", err.text);
	if (s.rows != MAP_FAILED)
		munmap(s.rows, size);
	free(s.files[0].path);
	free(s.files);
}

/* Reads rows until something goes wrong, and returns their number; *rc says what went wrong. */
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
	ok(n == 0 && rc == DS_DAMAGED && strstr(err.text, "changed"), "emptied while it is read: %s", err.text);
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
	ok(n == 0 && rc == DS_UNREADABLE && strstr(err.text, "b.png"), "one less: %s", err.text);
	ds_close(s);
	put("b.png", png, size);

	s = open_dir();
	put("b.png", png, size / 2);
	n = s ? read_all(s, &rc) : -1;
	ok(n == 0 && rc == DS_DAMAGED && strstr(err.text, "b.png"), "half of one: %s", err.text);
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
	names();
	limits();
	rmdir(dir);
	return done();
}
