/* SPDX-License-Identifier: MIT
 * Embeds numbers from files beside the graph's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/onnx_internal.h"

/* Protocol Buffers have no messages of 2 GiB, so the whole cannot be larger either. */
enum { MOST = INT32_MAX };

/* Where the numbers of a constant are. */
struct place {
	struct onnx_span location;
	uint64_t offset, length;
	bool whole; /* no length given: to the end of the file */
};

/* Parses a number. */
static int number(struct onnx_span text, uint64_t *v)
{
	*v = 0;
	if (text.n == 0 || text.n > 18)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		*v = *v * 10 + (uint64_t)(text.at[i] - '0');
	}
	return 0;
}

/* external_data: entries of key and value. */
static int read_place(struct onnx_span tensor, struct place *p)
{
	struct onnx_field f, e;

	*p = (struct place){ .whole = true };
	while (onnx_next(&tensor, &f) == 1) {
		struct onnx_span key = { 0 }, value = { 0 };

		if (f.number != ONNX_TENSOR_EXTERNAL || f.wire != ONNX_BYTES)
			continue;
		while (onnx_next(&f.bytes, &e) == 1)
			*(e.number == 1 ? &key : &value) = e.bytes;
		if (onnx_is(key, "location"))
			p->location = value;
		if (onnx_is(key, "offset") && number(value, &p->offset) < 0)
			return -1;
		if (onnx_is(key, "length")) {
			if (number(value, &p->length) < 0)
				return -1;
			p->whole = false;
		}
	}
	return p->location.n ? 0 : -1;
}

/* A path within the folder: not from the root, and never up. */
static bool stays_inside(const char *path)
{
	if (*path == '/')
		return false;
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
			return false;
	}
	return true;
}

static int read_fully(int fd, uint8_t *to, size_t n, uint64_t offset)
{
	errno = 0; /* no error if it ends early */
	while (n) {
		const ssize_t got = pread(fd, to, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

/* The numbers of a place, *n bytes of new memory. */
static uint8_t *fetch(const char *path, const struct place *p, size_t *n, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
	char name[PATH_MAX];
	uint8_t *data = NULL;
	struct stat st;
	int fd;

	if (folder + p->location.n >= sizeof name || memchr(p->location.at, '\0', p->location.n)) {
		err_fail(err, "the file of a constant's numbers has no possible name");
		return NULL;
	}
	memcpy(name, path, folder);
	memcpy(name + folder, p->location.at, p->location.n);
	name[folder + p->location.n] = '\0';
	if (!stays_inside(name + folder)) {
		err_fail(err, "its numbers would be in '" ERR_NAME "', which is not in the folder of the file",
			 name + folder);
		return NULL;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_fail(err, "its numbers are in '%s', which cannot be opened: %s; put it beside the file", name,
			 strerror(errno));
	} else if (!S_ISREG(st.st_mode) || p->offset > (uint64_t)st.st_size ||
		   (!p->whole && p->length > (uint64_t)st.st_size - p->offset)) {
		err_fail(err, "its numbers are in '%s', which ends before them", name);
	} else {
		*n = p->whole ? (size_t)((uint64_t)st.st_size - p->offset) : (size_t)p->length;
		if (*n > MOST)
			err_fail(err, "a constant of 2 GiB or more cannot be taken into one file");
		else if (!(data = malloc(*n + 1)))
			err_memory(err);
		else if (read_fully(fd, data, *n, p->offset) < 0) {
			err_fail(err, "cannot read '%s': %s", name, errno ? strerror(errno) : "it ends early");
			free(data);
			data = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return data;
}

/* A constant with its numbers, as a field of the graph. */
static int put_tensor(struct onnx_bytes *graph, struct onnx_span tensor, const char *path, struct err *err)
{
	struct onnx_bytes t = { 0 };
	struct onnx_span s = tensor;
	struct onnx_field f;
	struct place place;
	uint8_t *data;
	size_t n = 0;

	if (read_place(tensor, &place) < 0)
		return onnx_damaged(err);
	if (!(data = fetch(path, &place, &n, err)))
		return -1;
	while (onnx_next(&s, &f) == 1)
		if (f.number != ONNX_TENSOR_EXTERNAL && f.number != ONNX_TENSOR_LOCATION)
			onnx_put(&t, f.all.at, f.all.n);
	onnx_put_head(&t, ONNX_TENSOR_RAW, n);
	onnx_put(&t, data, n);
	onnx_put_head(graph, ONNX_GRAPH_TENSOR, t.n);
	onnx_put(graph, t.p, t.n);
	graph->failed = graph->failed || t.failed;
	free(t.p);
	free(data);
	return 0;
}

static int put_graph(struct onnx_bytes *graph, struct onnx_span s, const char *path, struct err *err)
{
	struct onnx_field f;

	while (onnx_next(&s, &f) == 1) {
		if (f.number != ONNX_GRAPH_TENSOR || f.wire != ONNX_BYTES || !onnx_is_external(f.bytes))
			onnx_put(graph, f.all.at, f.all.n);
		else if (put_tensor(graph, f.bytes, path, err) < 0)
			return -1;
		if (graph->n > MOST)
			return err_fail(err, "with its numbers it has more than 2 GiB, which ONNX's files cannot have");
	}
	return 0;
}

int onnx_embed(const struct onnx *g, const void *bytes, size_t n, const char *path, uint8_t **ret, size_t *ret_n,
	       struct err *err)
{
	struct onnx_span s = { bytes, n };
	struct onnx_bytes all = { 0 };
	struct onnx_field f;
	int rc = 0;

	while (rc == 0 && onnx_next(&s, &f) == 1) {
		struct onnx_bytes graph = { 0 };

		if (!g->external || f.number != ONNX_MODEL_GRAPH || f.wire != ONNX_BYTES) {
			onnx_put(&all, f.all.at, f.all.n);
			continue;
		}
		rc = put_graph(&graph, f.bytes, path, err);
		onnx_put_head(&all, ONNX_MODEL_GRAPH, graph.n);
		onnx_put(&all, graph.p, graph.n);
		all.failed = all.failed || graph.failed;
		free(graph.p);
	}
	if (rc == 0 && all.failed)
		rc = err_memory(err);
	if (rc < 0)
		free(all.p);
	*ret = rc < 0 ? NULL : all.p;
	*ret_n = rc < 0 ? 0 : all.n;
	return rc;
}
