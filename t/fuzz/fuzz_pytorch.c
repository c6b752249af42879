/* SPDX-License-Identifier: MIT
 * fuzz_pytorch: any bytes as a file of torch.save(), in either form. The result is finite in number and size, and stays
 * the same when written and read again. */
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import.h"
#include "net/foreign/net_pytorch.h"
#include "file.h"

struct mem {
	unsigned char *p;
	size_t n;
};

static ssize_t mem_write(void *ctx, const void *buf, size_t len)
{
	struct mem *m = ctx;

	m->p = realloc(m->p, m->n + len + 1);
	hold(m->p != NULL);
	memcpy(m->p + m->n, buf, len);
	m->n += len;
	return (ssize_t)len;
}

static void again(const struct net_foreign *f, struct err *err)
{
	struct net_foreign g = { 0 };
	struct mem m = { 0 };
	struct ts_file *out = ts_file_open_fn(mem_write, &m, "memory");

	hold(out && net_pytorch_write(out, &f->state, err) == 0 && ts_file_finish(out) == 0);
	ts_file_close(out);
	g.file_size = m.n;
	hold(net_pytorch_read(&g, m.p, m.n, NULL, err) == 0 && g.state.n == f->state.n);
	for (size_t i = 0; i < g.state.n; i++) {
		const struct ts_tensor *a = &f->state.t[i], *b = &g.state.t[i];

		hold(strcmp(a->name, b->name) == 0 && a->type == b->type && a->ndim == b->ndim &&
		     ts_tensor_bytes(a) == ts_tensor_bytes(b) && memcmp(a->data, b->data, ts_tensor_bytes(a)) == 0);
	}
	net_foreign_release(&g);
	free(m.p);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct net_foreign f = { .file_size = size };
	struct err err = { 0 };
	size_t bytes = 0;

	if (net_pytorch_read(&f, data, size, NULL, &err) == 0) {
		for (size_t i = 0; i < f.state.n; i++)
			bytes += ts_tensor_bytes(&f.state.t[i]);
		hold(bytes <= 8 * size && f.state.n > 0 && f.state.n <= TS_MAX_FIELDS);
		again(&f, &err);
	} else {
		hold_text(&err);
	}
	net_foreign_release(&f);
	return 0;
}
