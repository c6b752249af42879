/* SPDX-License-Identifier: MIT
 * Outliers of a run: do the options agree, and are these outliers? */
#include <stdio.h>
#include <string.h>

#include "job/job_internal.h"

const char *job_oe_name(void)
{
	static char name[16];
	const char *p = um_oe_names;

	for (long i = 0; i < job.oe.method; i++)
		p = strchr(p, '|') + 1;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "|"), p);
	return name;
}

void job_oe_check(void)
{
	const struct um_oe_options *o = &job.oe;

	if (job.aux && o->method == UM_OE_NONE)
		cli_usage("--aux needs --oe METHOD: what is to be done with the outliers");
	if (!job.aux && o->method != UM_OE_NONE)
		cli_usage("--oe %s needs --aux FILE: the outliers", job_oe_name());
	if (!job.aux && (o->fixed || o->separate_bn))
		cli_usage("--%s is about outliers and needs --aux FILE", o->fixed ? "aux-fixed" : "separate-bn");
	if (o->poem_published && o->method != UM_OE_POEM)
		cli_usage("--poem-published needs --oe poem");
	if (o->doe_published && o->method != UM_OE_DOE)
		cli_usage("--doe-published needs --oe doe");
	if (o->fixed && o->method == UM_OE_POEM)
		cli_usage("--aux-fixed chooses outliers once, --oe poem anew for each epoch");
}

/* Is the class called so one of the model's? */
static bool is_id(const char *name)
{
	for (size_t i = 0; job.c.classes && i < job.c.n_classes; i++)
		if (strcmp(job.c.classes[i], name) == 0)
			return true;
	return false;
}

/* A labelled row is an outlier only if its class has a name, and not that of an ID class. */
static int check_labels(const struct um_data *d, struct err *err)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->label[i] < 0)
			continue;
		if (!d->classes)
			err_fail(err, "'%s': row %zu has label %lld, and no class names tell that it is no "
				 "ID class; if it is none, drop the labels with ts-cat --select image", job.aux, i,
				 (long long)d->label[i]);
		else if (is_id(d->classes[d->label[i]]))
			err_fail(err, "'%s': row %zu is of class '%s', which is one of the model's; "
				 "outliers are of other classes", job.aux, i, d->classes[d->label[i]]);
		else
			continue;
		return -1;
	}
	return 0;
}

int job_oe_read(struct ts_header *h, struct err *err)
{
	struct ts_reader *r = cli_open(job.aux);
	const struct net *n = job.c.net;
	struct um_data *d = &job.outliers;
	int rc = um_data_read_outliers(d, r, (size_t)job.max_memory << 20);

	err->text[0] = '\0';
	cli_check_reader(r);
	if (rc == 0) {
		ts_header_init(h, "images");
		if (ts_header_chain(h, ts_reader_header(r)) < 0)
			cli_oom();
	}
	ts_reader_close(r);
	if (rc < 0)
		return -1;
	if (d->c != n->c || d->h != n->h || d->w != n->w) {
		return err_fail(err, "'%s': outliers are %dx%dx%d, the model takes %dx%dx%d", job.aux, d->c,
			 d->h, d->w, n->c, n->h, n->w);
	}
	job.aux_hash = um_data_hash(d);
	return check_labels(d, err);
}
