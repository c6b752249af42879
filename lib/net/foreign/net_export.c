/* SPDX-License-Identifier: MIT
 * Checkpoints for other programs. */
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_export.h"
#include "net/foreign/net_pytorch.h"
#include "net/foreign/net_recorded.h"
#include "net/foreign/net_safetensors.h"

/* The tensors to write, all borrowed, and names of those that the checkpoint has under others. */
struct chosen {
	struct ts_set set;
	char (*name)[NET_NAME];
};

/* The masked network's statistics get the names of the full one's. */
static void choose_state(struct chosen *out, const struct net_checkpoint *c, bool masks)
{
	for (size_t i = 0; i < c->state.n; i++) {
		const struct ts_tensor *masked = NULL;
		char name[NET_NAME];

		if (masks && net_is_statistic(c->net, (int)i)) {
			net_extra_name(c->net, (int)i, NET_STATISTIC, name);
			masked = ts_set_get(&c->extra, name);
		}
		out->set.t[out->set.n] = masked ? *masked : c->state.t[i];
		out->set.t[out->set.n++].name = c->state.t[i].name;
	}
}

/* A mask that follows the weights has no scores. Where scores make the masks, those of largest absolute value stay: so
 * the weights are such scores. */
static void choose_masks(struct chosen *out, const struct net_checkpoint *c)
{
	for (size_t i = 0; i < c->extra.n; i++) {
		const char *name = c->extra.t[i].name;

		if (!net_is_run_state(name) && strncmp(name, "masked.", 7) != 0)
			out->set.t[out->set.n++] = c->extra.t[i];
	}
	for (size_t i = 0; c->mask->kind == NET_MASK_WEIGHTS && i < c->state.n; i++)
		if (net_is_masked(c->net, c->mask, (int)i)) {
			net_extra_name(c->net, (int)i, NET_SCORES, out->name[i]);
			out->set.t[out->set.n] = c->state.t[i];
			out->set.t[out->set.n++].name = out->name[i];
		}
}

static int choose(struct chosen *out, const struct net_checkpoint *c, bool full)
{
	out->set.t = calloc(2 * c->state.n + c->extra.n + 1, sizeof *out->set.t);
	out->name = calloc(c->state.n + 1, sizeof *out->name);
	if (!out->set.t || !out->name)
		return -1;
	choose_state(out, c, c->mask && !full);
	if (c->mask && !full)
		choose_masks(out, c);
	return 0;
}

int net_export(const struct net_checkpoint *c, enum net_export_format format, bool full, const char *path,
	       struct err *err)
{
	const char *pairs[2 * NET_RECORDS + 3];
	struct ts_file *f = ts_file_open(path);
	struct net_recorded recorded;
	struct chosen out = { 0 };
	int rc = net_record(&recorded, c, !full);

	if (rc < 0 || !f || choose(&out, c, full) < 0) {
		rc = err_memory(err);
	} else {
		net_recorded_pairs(&recorded, pairs);
		rc = format == NET_EXPORT_PTH ? net_pytorch_write(f, &out.set, err) :
						net_safetensors_write(f, &out.set, pairs, err);
	}
	if (rc == 0 && ts_file_finish(f) < 0)
		rc = err_fail(err, "%s", ts_file_error(f));
	net_recorded_release(&recorded);
	free(out.set.t);
	free(out.name);
	ts_file_close(f);
	return rc;
}
