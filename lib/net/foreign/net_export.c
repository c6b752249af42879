/* SPDX-License-Identifier: MIT
 * Checkpoints for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_export.h"
#include "net/foreign/net_pytorch.h"
#include "net/foreign/net_safetensors.h"

/* Chooses the tensors to write, all borrowed. Names are borrowed too; the masked network's statistics get those of the
 * full one. */
static int choose(struct ts_set *out, const struct net_checkpoint *c, bool full)
{
	out->t = calloc(c->state.n + c->extra.n + 1, sizeof *out->t);
	if (!out->t)
		return -1;
	for (size_t i = 0; i < c->state.n; i++) {
		const struct ts_tensor *masked = NULL;
		char name[NET_NAME];

		if (c->mask && !full && net_is_statistic(c->net, (int)i)) {
			net_extra_name(c->net, (int)i, NET_STATISTIC, name);
			masked = ts_set_get(&c->extra, name);
		}
		out->t[out->n] = masked ? *masked : c->state.t[i];
		out->t[out->n++].name = c->state.t[i].name;
	}
	for (size_t i = 0; c->mask && !full && i < c->extra.n; i++) {
		const char *name = c->extra.t[i].name;

		if (!net_is_run_state(name) && strncmp(name, "masked.", 7) != 0)
			out->t[out->n++] = c->extra.t[i];
	}
	return 0;
}

static void numbers(const double *v, int n, char *buf, size_t len)
{
	size_t k = 0;

	for (int i = 0; i < n && k < len; i++)
		k += (size_t)snprintf(buf + k, len - k, "%s%.9g", i ? "," : "", v[i]);
}

int net_export(const struct net_checkpoint *c, enum net_export_format format, bool full, const char *path,
	       struct err *err)
{
	char input[64], mean[128], std[128];
	const char *const pairs[] = { "format",       "pt",  "unmask.arch", c->net->spec,
				      "unmask.input", input, "unmask.mean", mean,
				      "unmask.std",   std,   NULL };
	struct ts_file *f = ts_file_open(path);
	struct ts_set set = { 0 };
	int rc;

	snprintf(input, sizeof input, "%dx%dx%d", c->net->c, c->net->h, c->net->w);
	numbers(c->mean, c->net->c, mean, sizeof mean);
	numbers(c->std, c->net->c, std, sizeof std);
	if (!f || choose(&set, c, full) < 0)
		rc = err_memory(err);
	else
		rc = format == NET_EXPORT_PTH ? net_pytorch_write(f, &set, err) :
						net_safetensors_write(f, &set, pairs, err);
	if (rc == 0 && ts_file_finish(f) < 0)
		rc = err_fail(err, "%s", ts_file_error(f));
	free(set.t);
	ts_file_close(f);
	return rc;
}
