/* SPDX-License-Identifier: MIT
 * Outliers of a run: checks that the options agree, and that these are outliers. */
#include <string.h>

#include "job/job_internal.h"
#include "kit/kit.h"

int job_oe_check(const struct job_options *j, struct err *err)
{
	const struct um_oe_options *o = &j->oe;

	if (j->aux && o->method == UM_OE_NONE)
		return err_fail(err, "--aux needs --oe METHOD: how to use the outliers");
	if (!j->aux && o->method != UM_OE_NONE)
		return err_fail(err, "--oe %s needs --aux FILE: the outliers", um_oe_name(o->method));
	if (!j->aux && (o->fixed || o->separate_bn || o->crop))
		return err_fail(err, "--%s is about outliers and needs --aux FILE",
				o->fixed ? "aux-fixed" :
				o->crop  ? "aux-crop" :
					   "separate-bn");
	if (!j->aux && (cli_given(&o->weight) || cli_given(&o->ratio)))
		return err_fail(err, "--%s is about outliers and needs --aux FILE",
				cli_given(&o->weight) ? "oe-weight" : "aux-ratio");
	if (o->poem_published && o->method != UM_OE_POEM)
		return err_fail(err, "--poem-published needs --oe poem");
	if (o->doe_published && o->method != UM_OE_DOE)
		return err_fail(err, "--doe-published needs --oe doe");
	if (o->fixed && o->method == UM_OE_POEM)
		return err_fail(err,
				"--aux-fixed chooses outliers once, but --oe poem chooses them anew in each epoch");
	return 0;
}

/* Is this name that of one of the model's classes? */
static bool is_id(const struct net_checkpoint *c, const char *name)
{
	for (size_t i = 0; c->classes && i < c->n_classes; i++)
		if (strcmp(c->classes[i], name) == 0)
			return true;
	return false;
}

/* A labelled row is an outlier only if its class has a name that is not that of an ID class. */
static int check_labels(const struct job *j, struct err *err)
{
	const struct um_data *d = &j->outliers;

	for (size_t i = 0; i < d->n; i++) {
		if (d->label[i] < 0)
			continue;
		if (!d->classes)
			return err_fail(err,
					"'%s': row %zu has label %lld, and no class names show that it is not an ID "
					"class; if it is not, drop the labels with ts-cat --select image",
					j->o->aux, i, (long long)d->label[i]);
		if (!j->c.classes)
			return err_fail(
				err,
				"'%s': row %zu is of class '%s', and neither the model nor its images name their "
				"classes, so nothing shows that it is not an ID class; if it is not, drop the labels "
				"with "
				"ts-cat --select image",
				j->o->aux, i, d->classes[d->label[i]]);
		if (is_id(&j->c, d->classes[d->label[i]]))
			return err_fail(err,
					"'%s': row %zu is of class '%s', which is one of the model's; "
					"outliers are of other classes",
					j->o->aux, i, d->classes[d->label[i]]);
	}
	return 0;
}

/* Checks that the outliers have the network's size or, with --aux-crop, at least that. */
static int check_size(const struct job *j, struct err *err)
{
	const struct um_data *d = &j->outliers;
	const struct net *n = j->c.net;
	const bool larger = d->c == n->c && d->h >= n->h && d->w >= n->w;

	if ((larger && j->o->oe.crop) || net_check_input(n, d->c, d->h, d->w, err) == 0)
		return 0;
	if (larger)
		err_append(err, "; --aux-crop takes random windows of larger ones");
	return err_prefix(err, "'%s': ", j->o->aux);
}

int job_oe_read(struct job *j, struct err *err)
{
	struct ts_reader *r = cli_open(j->o->aux);
	struct um_data *d = &j->outliers;
	int rc = um_data_read_outliers(d, r, (size_t)j->o->max_memory << 20);

	if (rc < 0)
		err_fail(err, "%s", ts_reader_error(r));
	if (rc == 0 && !j->o->oe.crop)
		kit_warn_prepared(j->o->aux, &ts_reader_header(r)->meta, j->c.net->h, j->c.net->w, &j->c.header.meta);
	ts_header_init(&j->parents[JOB_AUX], "images");
	if (rc == 0 && ts_header_chain(&j->parents[JOB_AUX], ts_reader_header(r)) < 0)
		rc = err_memory(err);
	ts_reader_close(r);
	if (rc < 0)
		return -1;
	if (check_size(j, err) < 0)
		return -1;
	j->aux_hash = um_data_hash(d);
	return check_labels(j, err);
}
