/* SPDX-License-Identifier: MIT
 * ODIN's input step (Liang, Li, Srikant, ICLR 2018, eq. 2): x' = x - eps sgn(d CE(l / T, argmax l) / dx);
 * the column holds the logits at x'. One pass forward and backward serves every eps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "um/embed/um_extra_internal.h"

struct odin {
	double temperature, eps[UM_MAX_EPS];
	int n_eps;
	const char *space;
};

/* In pixel space as published by the Unleashing Mask program. The original steps by eps / std in
 * normalised space, which is the same; 'normalised' leaves that division out. */
static const char *const spaces[] = { "pixel", "scale-std", "normalised", NULL };

static int set_space(struct odin *o, const char *word, struct err *err)
{
	for (int i = 0; spaces[i]; i++)
		if (strcmp(spaces[i], word) == 0) {
			o->space = spaces[i];
			return 0;
		}
	err_fail(err, "--odin: '%s' is no space; there are: pixel scale-std normalised", word);
	return UM_BAD_OPTIONS;
}

/* Takes "key=value". */
static int set_one(struct odin *o, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	const size_t len = equals ? (size_t)(equals - text) : 0;
	char *end;

	if (len == 3 && strncmp(text, "eps", len) == 0) {
		o->n_eps = um_eps_list(equals + 1, "--odin eps", o->eps, err);
		return o->n_eps < 0 ? UM_BAD_OPTIONS : 0;
	}
	if (len == 5 && strncmp(text, "space", len) == 0)
		return set_space(o, equals + 1, err);
	if (len == 11 && strncmp(text, "temperature", len) == 0) {
		o->temperature = strtod(equals + 1, &end);
		if (end != equals + 1 && !*end && o->temperature >= 1e-3 && o->temperature <= 1e9)
			return 0;
		err_fail(err, "--odin: temperature '%s' is not a number from 0.001 to 1e9", equals + 1);
		return UM_BAD_OPTIONS;
	}
	err_fail(err, "--odin: '%s' is not eps=, temperature= or space=", text);
	return UM_BAD_OPTIONS;
}

static int init(void **state, const struct um_extra_options *opt, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	struct odin *o;
	char *copy, *part, *next;
	int rc = 0;

	(void)c, (void)keep;
	if (!opt->odin)
		return 0;
	*state = o = malloc(sizeof *o);
	copy = strdup(opt->odin);
	if (!o || !copy) {
		free(copy);
		return err_memory(err);
	}
	*o = (struct odin){ 1000, { 0.0014 }, 1, spaces[0] };
	for (part = *copy ? copy : NULL; part && rc == 0; part = next) {
		next = strchr(part, ':');
		if (next)
			*next++ = '\0';
		rc = set_one(o, part, err);
	}
	free(copy);
	return rc;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct odin *o = state;
	const size_t C = (size_t)n->classes;
	char name[64];

	for (int i = 0; i < o->n_eps; i++) {
		snprintf(name, sizeof name, "odin:eps=%g", o->eps[i]);
		if (um_pass_add(to, name, 1, &C, err) < 0)
			return -1;
	}
	if (ts_meta_set_double(&to->meta, "odin.temperature", o->temperature) < 0 ||
	    ts_meta_set_str(&to->meta, "odin.space", o->space) < 0)
		return err_memory(err);
	return 0;
}

/* d CE(l / T, argmax l) / dx (n,c,h,w), times T: its sign is all that counts, and 1/T would only cost digits. */
static int gradient(const struct odin *o, const struct um_pass *p, struct th_tensor **ret, struct err *err)
{
	const size_t C = (size_t)p->net->classes;
	float *v = malloc(p->n * C * sizeof *v);
	double *q = malloc(C * sizeof *q);
	int rc = v && q ? 0 : err_memory(err);

	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		const float *l = p->logits + i * C;

		num_softmax(l, C, o->temperature, q);
		q[num_argmax(l, C)] -= 1;
		for (size_t c = 0; c < C; c++)
			v[i * C + c] = (float)q[c];
	}
	if (rc == 0)
		*ret = th->vjp(p->s, p->z, um_pass_rows(p, v, C), p->x, true);
	free(v);
	free(q);
	return rc;
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct odin *o = state;
	const struct net *net = p->net;
	struct th_tensor *g = NULL;

	if (gradient(o, p, &g, err) < 0)
		return -1;
	for (int i = 0; i < o->n_eps; i++) {
		const float by[4] = { (float)-o->eps[i], (float)-o->eps[i], (float)-o->eps[i], (float)-o->eps[i] };
		const bool pixel = strcmp(o->space, "normalised") != 0;
		struct th_tensor *x = pixel ? um_pass_step(p, g, -o->eps[i]) : th->sign_step(p->s, p->x, g, by);
		struct th_tensor *z = um_pass_again(p, x, net->head);

		th->to_host(p->s, z, um_pass_column(p, (size_t)i), p->n * (size_t)net->classes);
	}
	th->release(p->s, g);
	return 0;
}

const struct um_extra um_extra_odin = { true, init, columns, run, free, NULL };
