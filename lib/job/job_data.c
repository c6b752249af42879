/* SPDX-License-Identifier: MIT
 * The start of a run: its data, read and checked against the network, and its checkpoint. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/job_internal.h"
#include "kit/kit.h"
#include "num/num_linalg.h"
#include "ts/ts_images.h"

/* Reads images into d, and the parts of their header that the history needs into h. Images to validate on keep all of
 * their columns (beside): --held writes them, and they tell which labels are wrong. */
static int read_data(const struct job *j, struct um_data *d, struct ts_header *h, struct ts_reader *r, bool beside,
		     struct err *err)
{
	if (um_data_read(d, r, (size_t)j->o->max_memory << 20, beside) < 0)
		return err_fail(err, "%s", ts_reader_error(r));
	ts_header_init(h, "images");
	if (ts_header_chain(h, ts_reader_header(r)) < 0 || ts_meta_merge(&h->meta, &ts_reader_header(r)->meta) < 0)
		return err_memory(err);
	return 0;
}

/* Does the data fit the model? */
static int check_data(const struct job *j, const struct um_data *d, const char *name, struct err *err)
{
	const struct net_checkpoint *c = &j->c;
	char why[NET_WHY];

	if (net_check_input(c->net, d->c, d->h, d->w, err) < 0 || net_check_classes(c->net, d->n_classes, err) < 0)
		return err_prefix(err, "'%s': ", name);
	if (!net_same_classes(c->net, c->classes, d->classes, d->n_classes, why))
		return err_fail(err, "'%s': %s", name, why);
	return 0;
}

/* A model imported without class names takes those of the images, whose labels denote its classes from now on. */
static int take_names(struct job *j, struct err *err)
{
	const struct um_data *d = &j->data;

	if (j->c.classes || !d->classes)
		return 0;
	if (!(j->c.classes = ts_copy_classes(d->classes, d->n_classes)))
		return err_memory(err);
	j->c.n_classes = d->n_classes;
	return 0;
}

/* Records how the images that the model is trained on were prepared, if they tell. */
static int take_prepare(struct job *j, struct err *err)
{
	const struct ts_meta *images = &j->parents[JOB_IMAGES].meta;
	struct ts_meta *own = &j->c.header.meta;
	char *was = NULL, *is = NULL;
	int rc = 0;

	kit_warn_distorted(j->input, images);
	if (ts_meta_get_str(images, TS_IMAGES_PREPARE, &is) < 0 || ts_meta_get_str(own, TS_IMAGES_PREPARE, &was) < 0)
		rc = err_fail(err, "meta '" TS_IMAGES_PREPARE "' is not text, or memory ran out");
	if (rc == 0 && is && was && strcmp(is, was) != 0)
		cli_warn("'%s': its images were prepared by '%s', those that the model was trained on before by '%s'",
			 j->input, is, was);
	if (rc == 0 && is && ts_meta_set_str(own, TS_IMAGES_PREPARE, is) < 0)
		rc = err_memory(err);
	free(is);
	free(was);
	return rc;
}

/* Maps the validation images' labels to the model's, by class names: any subset of its classes, in any order. */
static int take_val(struct job *j, struct err *err)
{
	struct um_data *d = &j->held;
	struct ts_class_map m;
	int rc = 0;

	kit_warn_prepared(j->o->val, &j->parents[JOB_VAL].meta, j->c.net->h, j->c.net->w, &j->c.header.meta);
	if (!j->c.classes || !d->classes)
		return check_data(j, d, j->o->val, err);
	if (net_check_input(j->c.net, d->c, d->h, d->w, err) < 0 ||
	    net_map_classes(&m, &j->parents[JOB_VAL], &j->c, err) < 0)
		return err_prefix(err, "'%s': ", j->o->val);
	for (size_t i = 0; m.to && i < m.n && rc == 0; i++)
		if (m.to[i] < 0)
			rc = err_fail(err, "'%s': its classes are not the model's: the model does not know '%s'",
				      j->o->val, d->classes[i]);
	for (size_t i = 0; i < d->n && rc == 0; i++)
		d->label[i] = ts_class_of(&m, d->label[i]);
	ts_class_map_release(&m);
	if (rc < 0)
		return -1;
	ts_strs_free(d->classes, d->n_classes);
	d->classes = NULL;
	d->n_classes = (size_t)j->c.net->classes;
	return 0;
}

static int read_val(struct job *j, struct err *err)
{
	struct ts_reader *v = cli_open(j->o->val);
	int rc = read_data(j, &j->held, &j->parents[JOB_VAL], v, true, err);

	ts_reader_close(v);
	return rc;
}

/* The sets of --ood are read after training, which is a poor time to learn that one, or OpenBLAS, is missing. */
static int check_ood(const struct job_options *o, struct err *err)
{
	for (size_t i = 0; i < o->ood.n; i++) {
		const char *path = strchr(o->ood.v[i], '=') + 1;

		if (strcmp(path, "-") != 0 && access(path, R_OK) < 0)
			return err_fail(err, "cannot open '%s': %s", path, strerror(errno));
	}
	return o->ood.n ? num_linalg_open(err) : 0;
}

/* Is `hash` that of the data on which the checkpoint was trained? If it does not say, `silent`. */
static bool same_data(const struct net_checkpoint *c, const char *key, uint64_t hash, bool silent)
{
	int64_t was;

	return ts_meta_get_int(&c->header.meta, key, &was) == 1 ? (uint64_t)was == hash : silent;
}

static bool is_there(const struct job *j, const char *name)
{
	char path[JOB_PATH];

	return access(job_dir_path(j, name, path), F_OK) == 0;
}

/* Replaces the checkpoint to start from by that of the run: the last or, if the run was killed before there was one,
 * the first. If there is none, the run starts afresh, in its directory. */
static int load_last(struct job *j, struct err *err)
{
	char buf[JOB_PATH];
	const bool last = is_there(j, "checkpoints/last.ckpt"), first = is_there(j, "checkpoints/initial.ckpt");
	const char *path = job_dir_path(j, last ? "checkpoints/last.ckpt" : "checkpoints/initial.ckpt", buf);
	int64_t was;

	if (!last && !first)
		return job_dir_begin(j, err);
	if (job_dir_same_settings(j, err) < 0)
		return -1;
	net_checkpoint_release(&j->c);
	if (net_load(&j->c, path, err) < 0)
		return -1;
	if (!same_data(&j->c, "train/data", j->hash, false))
		return err_fail(err, "'%s' was trained on other images than '%s'", path, j->input);
	if (j->o->aux && !same_data(&j->c, "train/aux", j->aux_hash, false))
		return err_fail(err, "'%s' was trained with other outliers than '%s'", path, j->o->aux);
	if (j->o->val && !same_data(&j->c, "train/val", j->val_hash, true)) /* earlier versions do not say */
		return err_fail(err, "'%s' was validated on other images than '%s'", path, j->o->val);
	j->resumed = true;
	j->at_start = !last;
	if (ts_meta_get_int(&j->c.header.meta, "train/epochs", &was) == 1 && was < j->o->train.epochs)
		j->was = (long)was;
	return 0;
}

/* The checkpoint's new history: its own, the images', this run. A resumed run is the same run and adds nothing, unless
 * it goes on for longer. */
static int write_history(struct job *j, struct err *err)
{
	const struct ts_header *from[JOB_PARENTS];

	if (j->resumed && !j->was)
		return 0;
	if (j->was) {
		ts_header_release(&j->parents[JOB_START]);
		ts_header_init(&j->parents[JOB_START], "checkpoint");
		if (ts_header_chain(&j->parents[JOB_START], &j->c.header) < 0)
			return err_memory(err);
	}
	for (int i = 0; i < JOB_PARENTS; i++)
		from[i] = &j->parents[i];
	cli_history_anew(&j->c.header, from, JOB_PARENTS);
	return 0;
}

/* The checkpoint to start from; without --init or --model there is none yet. */
static int load_start(struct job *j, const struct job_program *p, struct err *err)
{
	ts_header_init(&j->parents[JOB_START], "checkpoint");
	if (!j->o->start || !job_is_first(j->o))
		return 0;
	if (net_load(&j->c, j->o->start, err) < 0 || (p->check && p->check(p->data, &j->c, err) < 0))
		return -1;
	net_strip(&j->c); /* the state of another run: this one must not resume from it */
	return ts_header_chain(&j->parents[JOB_START], &j->c.header) < 0 ? err_memory(err) : 0;
}

static int read_all(struct job *j, struct ts_reader *r, const struct job_program *p, struct err *err)
{
	const struct job_options *o = j->o;

	if (read_data(j, &j->data, &j->parents[JOB_IMAGES], r, o->val_fraction > 0, err) < 0 ||
	    (o->val && read_val(j, err) < 0))
		return -1;
	if (!j->c.net && job_is_first(o) && p->fresh(p->data, &j->c, &j->data, err) < 0)
		return -1;
	if (job_team_checkpoint(j, err) < 0)
		return -1;
	if (check_data(j, &j->data, j->input, err) < 0 || take_names(j, err) < 0 || take_prepare(j, err) < 0 ||
	    (o->val && take_val(j, err) < 0))
		return -1;
	j->val_hash = o->val ? um_data_hash(&j->held) : 0;
	if (o->aux && job_oe_read(j, err) < 0)
		return -1;
	j->hash = um_data_hash(&j->data);
	return job_team_images(j, err);
}

/* Goes on from the run's checkpoint, if it is to be resumed. */
static int resume(struct job *j, struct err *err)
{
	if (!j->o->resume)
		return 0;
	if (job_is_first(j->o) && (job_dir_open(j, err) < 0 || load_last(j, err) < 0))
		return -1;
	return job_team_checkpoint(j, err);
}

int job_held_header(const struct job *j, struct ts_header *h, struct err *err)
{
	const struct ts_header *images = &j->parents[JOB_IMAGES];

	ts_header_init(h, "images");
	cli_history_part(h, &images, 1, "held");
	return ts_meta_merge(&h->meta, &images->meta) < 0 ? err_memory(err) : 0;
}

/* Writes the held-out images as a stream, for thresholds and tables, which need images that the network has not been
 * trained on. */
static int write_held(const struct job *j, struct err *err)
{
	struct ts_writer *w = ts_writer_open(j->o->held);
	struct ts_header h;
	int rc;

	if (!w)
		return err_memory(err);
	rc = job_held_header(j, &h, err) < 0 ? -1 : um_data_write(&j->held, &h, w, err);
	ts_header_release(&h);
	ts_writer_close(w);
	return rc;
}

int job_open(struct job *j, const struct job_options *o, struct ts_reader *r, const struct job_program *p,
	     struct err *err)
{
	*j = (struct job){ .o = o, .input = ts_reader_name(r), .lock = -1 };
	if (o->team && strcmp(j->input, "<stdin>") == 0)
		return err_fail(err, "each rank reads the images, and standard input goes to one: give their FILE");
	if ((job_is_first(o) && check_ood(o, err) < 0) || load_start(j, p, err) < 0 || read_all(j, r, p, err) < 0)
		return -1;
	j->keep = isnan(o->keep) && j->c.mask ? j->c.mask->keep : o->keep;
	if (resume(j, err) < 0)
		return -1;
	if (o->val_fraction > 0 && um_data_hold(&j->data, &j->held, o->val_fraction, o->train.seed, err) < 0)
		return -1;
	if (o->held && job_is_first(o) && write_held(j, err) < 0)
		return -1;
	if (write_history(j, err) < 0)
		return -1;
	return !j->resumed && p->begin ? p->begin(p->data, j, err) : 0;
}

void job_close(struct job *j)
{
	um_data_release(&j->data);
	um_data_release(&j->held);
	um_data_release(&j->outliers);
	net_checkpoint_release(&j->c);
	for (int i = 0; i < JOB_PARENTS; i++)
		ts_header_release(&j->parents[i]);
	job_dir_close(j);
}

int job_print_run(const struct job_options *o, struct err *err)
{
	struct job j = { .o = o, .lock = -1, .keep = o->keep };
	int rc = 0;

	if (isnan(j.keep) && o->start)
		rc = net_load(&j.c, o->start, err);
	if (isnan(j.keep) && j.c.mask)
		j.keep = j.c.mask->keep;
	if (rc == 0)
		rc = job_dir_find(&j, err);
	if (rc == 0)
		cli_print("%s", j.dir);
	net_checkpoint_release(&j.c);
	return rc;
}
