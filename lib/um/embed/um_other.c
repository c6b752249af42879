/* SPDX-License-Identifier: MIT
 * Other models that run on the images of a pass. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_images.h"
#include "um/embed/um_extra_internal.h"

void um_other_release(struct um_other *o)
{
	um_engine_free(o->e);
	net_checkpoint_release(&o->c);
}

int um_other_load(struct um_other *o, const char *path, const struct net_checkpoint *c, struct err *err)
{
	const struct net *n = c->net, *other;

	if (net_load(&o->c, path, err) < 0 || net_bake(&o->c, true, NULL, err) < 0)
		return -1;
	other = o->c.net;
	if (other->c != n->c || other->h != n->h || other->w != n->w)
		return err_fail(err, "'%s' takes images of %dx%dx%d where the model takes %dx%dx%d", path, other->c,
				other->h, other->w, n->c, n->h, n->w);
	if (other->classes != n->classes || !ts_same_classes(c->classes, c->n_classes, o->c.classes, o->c.n_classes))
		return err_fail(err, "'%s' has other classes than the model", path);
	return 0;
}

int um_other_tell(const struct um_other *o, size_t n, const char *key, struct ts_header *to, struct err *err)
{
	char id[17], **all = calloc(n, sizeof *all);
	size_t k = 0;
	int rc = all ? 0 : err_memory(err);

	for (; rc == 0 && k < n; k++)
		if (net_identity(&o[k].c, id) < 0 || !(all[k] = strdup(id)))
			rc = err_memory(err);
	if (rc == 0 && ts_meta_set_strs(&to->meta, key, all, n) < 0)
		rc = err_memory(err);
	ts_strs_free(all, k);
	return rc;
}

int um_other_run(struct um_other *o, const struct um_pass *p, float *logits, struct err *err)
{
	if (!o->e && um_engine_new(&o->e, &o->c, p->engine, err) < 0)
		return -1;
	return um_engine_run(o->e, p->image, p->n, logits, NULL, NULL, err);
}
