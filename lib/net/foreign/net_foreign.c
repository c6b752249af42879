/* SPDX-License-Identifier: MIT
 * Foreign files: recognises their format, and converts numbers to f32 and i64. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_pytorch.h"
#include "net/foreign/net_safetensors.h"
#include "onnx/onnx.h"

/* Does it begin like any format that is read here? */
static bool is_known(const unsigned char *p, size_t n)
{
	return net_pytorch_is(p, n) || net_safetensors_is(p, n) || (n && (*p & 0xf0) == 0x80);
}

/* Reads all of fd, growing as bytes arrive; only the beginning, if no known format begins like that. NULL with a line
 * in err. */
static unsigned char *read_all(int fd, size_t *n, struct err *err)
{
	enum { BEGINNING = 16 };
	size_t cap = 1 << 16;
	unsigned char *p = malloc(cap), *grown;
	ssize_t got = 1;

	*n = 0;
	while (p && got != 0) {
		if (*n == cap) {
			grown = cap < NET_MAX_FILE ? realloc(p, 2 * cap) : NULL;
			if (!grown) {
				if (cap < NET_MAX_FILE)
					err_fail(err, "not enough memory for more than %zu bytes", cap);
				else
					err_fail(err, "has more than %zu bytes", cap);
				free(p);
				return NULL;
			}
			p = grown;
			cap *= 2;
		}
		got = read(fd, p + *n, cap - *n);
		if (got < 0 && errno != EINTR) {
			err_fail(err, "cannot read: %s", strerror(errno));
			free(p);
			return NULL;
		}
		*n += got > 0 ? (size_t)got : 0;
		if (*n >= BEGINNING && !is_known(p, *n)) /* it may have no end */
			break;
	}
	if (!p)
		err_memory(err);
	return p;
}

/* Reads one of our checkpoints. That reader names the file itself. */
static int read_own(struct net_foreign *f, const unsigned char *p, size_t n, const char *name, struct err *err)
{
	struct ts_reader *r = ts_reader_open_bytes(p, n, name);
	const struct ts_header *h = r ? ts_reader_expect(r, "checkpoint") : NULL;
	int rc = 0;

	f->format = "unmask checkpoint";
	if (!r)
		return err_memory(err);
	if (!h || ts_reader_set(r, &f->state) < 0)
		rc = err_fail(err, "%s", ts_reader_error(r));
	else if (ts_meta_merge(&f->meta, &h->meta) < 0 || ts_header_chain(&f->made, h) < 0)
		rc = err_memory(err);
	ts_reader_close(r);
	return rc;
}

bool net_foreign_is_own(const struct net_foreign *f)
{
	return f->format && strncmp(f->format, "unmask", 6) == 0;
}

const char *net_foreign_name(const char *path)
{
	return path && strcmp(path, "-") != 0 ? path : "<stdin>";
}

int net_foreign_read(struct net_foreign *f, const char *path, const char *key, struct err *err)
{
	const char *name = net_foreign_name(path);
	const bool in = name != path;
	int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	unsigned char *p = NULL;
	size_t n = 0;

	*f = (struct net_foreign){ 0 };
	if (fd < 0)
		return err_fail(err, "cannot open '%s': %s", path, strerror(errno));
	p = read_all(fd, &n, err);
	f->file_size = n;
	if (p && n == 0)
		err_fail(err, "is empty");
	else if (p && net_pytorch_is(p, n))
		rc = net_pytorch_read(f, p, n, key, err);
	else if (p && net_safetensors_is(p, n))
		rc = net_safetensors_read(f, p, n, err);
	else if (p && (*p & 0xf0) == 0x80)
		rc = read_own(f, p, n, name, err);
	else if (p && onnx_starts(p, n))
		err_fail(err, "is an ONNX graph, which only um-ckpt import and um-embed read, and only from a file");
	else if (p)
		err_fail(err, "is neither a PyTorch file (zip or legacy pickle), safetensors, nor an "
			      "unmask checkpoint");
	if (rc < 0 && !(p && net_foreign_is_own(f)))
		err_prefix(err, "'%s': ", name);
	free(p);
	if (!in)
		close(fd);
	if (rc < 0)
		net_foreign_release(f);
	return rc;
}
