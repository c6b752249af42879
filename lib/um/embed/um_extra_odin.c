/* SPDX-License-Identifier: MIT
 * ODIN's input step (Liang, Li, Srikant, ICLR 2018, eq. 2): x' = x - eps sgn(d CE(l / T, argmax l) / dx);
 * the column holds the logits at x'. One pass forward and backward serves every eps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "um/embed/um_extra_internal.h"
#include "um/embed/um_shape.h"

struct odin {
	const char *name; /* of the option and its columns */
	bool one;         /* moves only the number of the image with the largest gradient */
	double temperature, eps[UM_MAX_EPS];
	int n_eps;
	const char *space;
	bool shaped;                /* gradient and logits go through `shape` */
	bool threshold, percentile; /* were they given? */
	struct um_shape shape;
};

/* The default, pixel space, is that of the published Unleashing Mask program. The original steps by eps / std in
 * normalised space, which is the same; 'normalised' leaves that division out. */
static const char *const spaces[] = { "pixel", "scale-std", "normalised", NULL };

static int set_space(struct odin *o, const char *word, struct err *err)
{
	for (int i = 0; spaces[i]; i++)
		if (strcmp(spaces[i], word) == 0) {
			o->space = spaces[i];
			return 0;
		}
	err_fail(err, "--%s: '%s' is not a space; choose pixel, scale-std or normalised", o->name, word);
	return UM_BAD_OPTIONS;
}

/* Takes shape=NAME, percentile=P or threshold=T; published: 65 and 1. Returns 1 if text is none of these. */
static int set_shape(struct odin *o, const char *text, struct err *err)
{
	const bool percentile = strncmp(text, "percentile=", 11) == 0, threshold = strncmp(text, "threshold=", 10) == 0;
	char *end;

	if (o->one || (!percentile && !threshold && strncmp(text, "shape=", 6) != 0))
		return 1;
	if (!percentile && !threshold) {
		o->shaped = (o->shape.kind = um_shape_find(text + 6)) >= 0;
		if (o->shaped)
			return 0;
		err_fail(err, "--odin: '%s' is not a shape; choose react, ash-p, ash-b or ash-s", text + 6);
		return UM_BAD_OPTIONS;
	}
	const char *number = strchr(text, '=') + 1;
	const double x = strtod(number, &end);
	if (end != number && !*end && x >= 0 && (threshold ? x <= 1e30 : x < 100)) {
		*(threshold ? &o->shape.threshold : &o->shape.percentile) = x;
		*(threshold ? &o->threshold : &o->percentile) = true;
		return 0;
	}
	err_fail(err, "--odin: %.*s '%s' is not a number from 0 to %s", (int)(number - text - 1), text, number,
		 threshold ? "1e30" : "less than 100");
	return UM_BAD_OPTIONS;
}

/* Were only those numbers given that the shape uses? */
static int check_shape(const struct odin *o, struct err *err)
{
	const bool prunes = o->shaped && um_shape_prunes(&o->shape), clips = o->shaped && !prunes;

	if (o->percentile && !prunes)
		err_fail(err, "--odin: percentile= is for shape=ash-p, ash-b and ash-s");
	else if (o->threshold && !clips)
		err_fail(err, "--odin: threshold= is for shape=react");
	else
		return 0;
	return UM_BAD_OPTIONS;
}

/* Takes "key=value". */
static int set_one(struct odin *o, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	const size_t len = equals ? (size_t)(equals - text) : 0;
	char *end;

	if (len == 3 && strncmp(text, "eps", len) == 0) {
		o->n_eps = um_eps_list(equals + 1, o->one ? "--i-odin eps" : "--odin eps", o->eps, err);
		return o->n_eps < 0 ? UM_BAD_OPTIONS : 0;
	}
	if (len == 5 && strncmp(text, "space", len) == 0)
		return set_space(o, equals + 1, err);
	if (len == 11 && strncmp(text, "temperature", len) == 0) {
		o->temperature = strtod(equals + 1, &end);
		if (end != equals + 1 && !*end && o->temperature >= 1e-3 && o->temperature <= 1e9)
			return 0;
		err_fail(err, "--%s: temperature '%s' is not a number from 0.001 to 1e9", o->name, equals + 1);
		return UM_BAD_OPTIONS;
	}
	const int rc = set_shape(o, text, err);
	if (rc <= 0)
		return rc;
	err_fail(err, "--%s: '%s' is not eps=, temperature= or space=%s", o->name, text,
		 o->one ? "" : ", nor shape=, percentile= or threshold=");
	return UM_BAD_OPTIONS;
}

static int init_as(void **state, const char *what, const char *name, bool one, struct err *err)
{
	struct odin *o;
	char *copy, *part, *next;
	int rc = 0;

	if (!what)
		return 0;
	*state = o = calloc(1, sizeof *o);
	copy = strdup(what);
	if (!o || !copy) {
		free(copy);
		return err_memory(err);
	}
	*o = (struct odin){ .name = name,
			    .one = one,
			    .temperature = 1000,
			    .eps = { 0.0014 },
			    .n_eps = 1,
			    .space = spaces[0],
			    .shape = { .threshold = 1, .percentile = 65 } };
	for (part = *copy ? copy : NULL; part && rc == 0; part = next) {
		next = strchr(part, ':');
		if (next)
			*next++ = '\0';
		rc = set_one(o, part, err);
	}
	free(copy);
	return rc == 0 ? check_shape(o, err) : rc;
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	(void)keep;
	const int rc = init_as(state, o->odin, "odin", false, err);
	struct odin *own = *state;

	return rc == 0 && own && own->shaped ? um_shape_open(&own->shape, c, err) : rc;
}

static int init_one(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		    struct err *err)
{
	(void)c, (void)keep;
	return init_as(state, o->iodin, "i-odin", true, err);
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct odin *o = state;
	const size_t C = (size_t)n->classes;
	char method[16], name[64]; /* method: "odin", "ash-s+odin" */

	snprintf(method, sizeof method, "%s%s%s", o->shaped ? um_shape_name(&o->shape) : "", o->shaped ? "+" : "",
		 o->name);
	for (int i = 0; i < o->n_eps; i++) {
		snprintf(name, sizeof name, "%s:eps=%g", method, o->eps[i]);
		if (um_pass_add(to, name, 1, &C, err) < 0)
			return -1;
	}
	if (o->shaped) {
		const bool prunes = um_shape_prunes(&o->shape);
		snprintf(name, sizeof name, "%s.%s", method, prunes ? "percentile" : "threshold");
		if (ts_meta_set_double(&to->meta, name, prunes ? o->shape.percentile : o->shape.threshold) < 0)
			return err_memory(err);
	}
	snprintf(name, sizeof name, "%s.temperature", method);
	if (ts_meta_set_double(&to->meta, name, o->temperature) < 0)
		return err_memory(err);
	snprintf(name, sizeof name, "%s.space", method);
	return ts_meta_set_str(&to->meta, name, o->space) < 0 ? err_memory(err) : 0;
}

/* Logits l (n,C) of pixels x, of reshaped features if asked for; f: (n,D) features. */
static int logits_of(const struct odin *o, const struct um_pass *p, const float *x, bool back, float *l, float *f,
		     struct err *err)
{
	if (um_exec_forward(p->exec, x, p->n, UM_EVALUATION, 0, back, l, o->shaped ? f : NULL, err) < 0)
		return -1;
	return o->shaped && um_shape_logits(&o->shape, f, p->n, l) < 0 ? err_memory(err) : 0;
}

/* d CE(l / T, argmax l) / dx (n,c,h,w), times T: its sign is all that counts, and 1/T would only cost digits. */
static int gradient(const struct odin *o, const struct um_pass *p, float *g, struct err *err)
{
	const size_t C = (size_t)p->net->classes, D = (size_t)p->net->nodes[p->net->feature].c;
	float *z = malloc(p->n * C * sizeof *z), *f = malloc(2 * p->n * D * sizeof *f), *df = f + p->n * D;
	double *q = malloc(C * sizeof *q);
	int rc = z && f && q ? 0 : err_memory(err);

	if (rc == 0)
		rc = logits_of(o, p, p->pixels, true, z, f, err);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		float *l = z + i * C;

		num_softmax(l, C, o->temperature, q);
		q[num_argmax(l, C)] -= 1;
		for (size_t c = 0; c < C; c++)
			l[c] = (float)q[c];
	}
	if (rc == 0 && o->shaped) {
		if (um_shape_back(&o->shape, f, z, p->n, df) < 0)
			rc = err_memory(err);
		memset(z, 0, p->n * C * sizeof *z); /* the network's own last layer is not used */
	}
	if (rc == 0)
		rc = um_exec_backward(p->exec, z, o->shaped ? df : NULL, g, false, err);
	free(z);
	free(f);
	free(q);
	return rc;
}

/* Undoes the step in the images x (n,c,h,w) except at the number with the largest gradient, the first among equals. */
static void keep_one(const struct um_pass *p, const float *g, float *x)
{
	const size_t size = net_node_size(&p->net->nodes[0]);

	for (size_t i = 0; i < p->n; i++) {
		size_t top = i * size;

		for (size_t k = i * size; k < (i + 1) * size; k++)
			top = fabsf(g[k]) > fabsf(g[top]) ? k : top;
		for (size_t k = i * size; k < (i + 1) * size; k++)
			x[k] = k == top ? x[k] : p->pixels[k];
	}
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct odin *o = state;
	const size_t count = p->n * net_node_size(&p->net->nodes[0]);
	const bool pixel = strcmp(o->space, "normalised") != 0;
	float *g = malloc(count * sizeof *g), *x = malloc(count * sizeof *x);
	float *f = malloc(p->n * (size_t)p->net->nodes[p->net->feature].c * sizeof *f);
	int rc = g && x && f ? gradient(o, p, g, err) : err_memory(err);

	for (int i = 0; i < o->n_eps && rc == 0; i++) {
		double step[4] = { 0 };

		for (int c = 0; c < p->net->c; c++)
			step[c] = pixel ? -o->eps[i] : -o->eps[i] * p->std[c];
		um_pass_step(p, g, step, x);
		if (o->one)
			keep_one(p, g, x);
		rc = logits_of(o, p, x, false, um_pass_column(p, (size_t)i), f, err);
	}
	free(f);
	free(g);
	free(x);
	return rc;
}

static void release(void *state)
{
	struct odin *o = state;

	um_shape_release(&o->shape);
	free(o);
}

const struct um_extra um_extra_odin = { true, init, columns, run, release, NULL };
/* i-ODIN (Regmi, "Going beyond conventional OOD detection", 2024): only one of the normalised pixels moves. */
const struct um_extra um_extra_iodin = { true, init_one, columns, run, release, NULL };
