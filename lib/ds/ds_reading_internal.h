/* SPDX-License-Identifier: MIT
 * ds_reading: shared by the two halves of reading: the ring of chunks with its workers (ds_read.c), and the feed, which
 * fills a chunk (ds_feed.c). */
#ifndef DS_READING_INTERNAL_H
#define DS_READING_INTERNAL_H

#include "ds/ds_internal.h"
#include "err/err.h"

enum {
	CHUNK_ROWS = 64,
	CHUNK_BYTES = 1 << 20, /* of files, or of pixels, at which a chunk is full */
	LARGE_BYTES = 1 << 24, /* of a chunk's pixels: beyond this, rows are decoded when they are requested */
	MAX_THREADS = 256
};

/* A file that holds many rows; only one is held at a time. */
struct shared {
	void *memo;
	const struct ds_layout *layout;
	size_t file;    /* of files[]; SIZE_MAX: none */
	unsigned users; /* number of chunks that are being decoded from it */
};

struct item {
	const struct ds_entry *row;
	size_t from, n; /* its bytes within the chunk's, or at `at` */
	const void *at;
	enum ds_step rc; /* what ds_next() returns for it */
	bool is_short;   /* ds_decoder_short() */
	bool later;      /* it is decoded when requested */
	int c, h, w;
	size_t pixels; /* its place in the chunk's */
	uint64_t bytes, hash;
	char *why; /* the error's text; NULL: none, or no memory for it */
};

struct chunk {
	struct item item[CHUNK_ROWS];
	size_t n, next; /* number of rows; the next to be handed out */
	struct ds_bytes bytes, pixels;
	bool done, shared; /* it is decoded; its rows belong to the shared file */
};

struct worker {
	struct ds_reading *k;
	pthread_t thread;
	struct ds_decoder *decoder;
	struct ds_pixels p, spare;
	struct ds_bytes file;
};

struct ds_reading {
	struct ds_source *s;
	pthread_mutex_t feed; /* held by the worker that reads; taken before lock */
	pthread_mutex_t lock; /* of the ring, stop, over, shared.users */
	pthread_cond_t change;
	struct chunk *ring;
	size_t n_ring, head, tail; /* chunks begun, chunks handed out; both only grow: the place is the number %
				    * n_ring */
	bool stop, over;           /* ds_close() was called; there is nothing more to read */
	struct worker *workers;    /* the last one is ds_next()'s own */
	size_t n_workers, n_started;
	size_t row_bytes; /* bytes of a row's pixels, as last seen */
	char name[DS_NAME];
	/* protected by feed */
	size_t next; /* next row to be read */
	struct ds_files *files;
	size_t operand; /* of files; SIZE_MAX: none */
	uint32_t entry; /* entries passed in it */
	const char *entry_name;
	struct ds_in in;
	struct shared shared;
};

/* Fills the chunk with the next rows, at most `most`, and their bytes; rows of two shared files are never in one chunk.
 * One worker at a time. */
void ds_feed(struct ds_reading *k, struct chunk *c, size_t most);
void ds_shared_forget(struct shared *h);
/* Marks the row as failed, with the names of source and row in front of the reason. Returns -1. */
int ds_fail_row(struct ds_reading *k, struct item *it, enum ds_step rc, const struct err *why);
/* Where the file lies on the disk; false: in an archive. */
bool ds_real_path(const struct ds_source *s, const struct ds_file *f, char path[8192]);

#endif
