/* SPDX-License-Identifier: MIT
 * AdaSCALE's second pass (Regmi, "AdaSCALE: adaptive scaling for OOD detection", 2025): the features of an image whose
 * least important numbers have been moved. With s the gradient, by the normalised pixels, of the largest logit, the
 * share o of them with the smallest |s| becomes x + 0.5 sgn(s), sgn(0) = 0, in normalised space. The column holds the
 * features there. */
#include <math.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "num/num_sort.h"
#include "um/embed/um_extra_internal.h"

static const double step = 0.5; /* as published */

/* The state is the share. */
static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	double *share;

	(void)c, (void)keep;
	if (o->adascale <= 0)
		return 0;
	if (!(*state = share = malloc(sizeof *share)))
		return err_memory(err);
	*share = o->adascale;
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const size_t D = (size_t)n->nodes[n->feature].c;

	if (um_pass_add(to, "adascale", 1, &D, err) < 0)
		return -1;
	return ts_meta_set_double(&to->meta, "adascale.share", *(const double *)state) < 0 ? err_memory(err) : 0;
}

/* g (n,c,h,w): the gradient of each image's largest logit. */
static int gradient(const struct um_pass *p, float *g, struct err *err)
{
	const size_t C = (size_t)p->net->classes;
	float *z = malloc(p->n * C * sizeof *z);
	int rc = z ? um_exec_forward(p->exec, p->pixels, p->n, UM_EVALUATION, 0, true, z, NULL, err) : err_memory(err);

	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		float *l = z + i * C;
		const size_t k = num_argmax(l, C);

		for (size_t c = 0; c < C; c++)
			l[c] = c == k;
	}
	if (rc == 0)
		rc = um_exec_backward(p->exec, z, NULL, g, false, err);
	free(z);
	return rc;
}

/* Moves the `share` of one image's pixels x (size) with the smallest gradient g, the first among equals; room:
 * (size). */
static void move(const struct um_pass *p, double share, const float *g, float *x, float *room)
{
	const size_t size = net_node_size(&p->net->nodes[0]), channel = size / (size_t)p->net->c;
	const size_t most = (size_t)((double)size * share);
	size_t left = most;

	if (most == 0)
		return;
	for (size_t i = 0; i < size; i++)
		room[i] = fabsf(g[i]);
	const float border = num_select(room, size, most - 1);
	for (size_t i = 0; i < size; i++)
		left -= fabsf(g[i]) < border;
	for (size_t i = 0; i < size; i++) {
		const float much = fabsf(g[i]);
		const bool at = much == border && left > 0;
		left -= at;
		if (much < border || at)
			x[i] += (float)(255 * step * p->std[i / channel] * ((g[i] > 0) - (g[i] < 0)));
	}
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const size_t size = net_node_size(&p->net->nodes[0]), count = p->n * size;
	float *g = malloc(count * sizeof *g), *x = malloc(count * sizeof *x), *room = malloc(size * sizeof *room);
	float *z = malloc(p->n * (size_t)p->net->classes * sizeof *z);
	int rc = g && x && room && z ? gradient(p, g, err) : err_memory(err);

	for (size_t i = 0; i < count && rc == 0; i++)
		x[i] = p->pixels[i];
	for (size_t i = 0; i < p->n && rc == 0; i++)
		move(p, *(const double *)state, g + i * size, x + i * size, room);
	if (rc == 0)
		rc = um_exec_forward(p->exec, x, p->n, UM_EVALUATION, 0, false, z, um_pass_column(p, 0), err);
	free(g);
	free(x);
	free(room);
	free(z);
	return rc;
}

const struct um_extra um_extra_adascale = { true, init, columns, run, free, NULL };
