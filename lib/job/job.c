/* SPDX-License-Identifier: MIT
 * Options of a run, its data, and where it starts from. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/job_internal.h"

struct job job = {
	.o = { .epochs = 100, .batch = 256, .lr_adjust = 30, .lr = 0.1, .lr_gamma = 0.1,
	       .lr_drop_epoch = 0.5, .lr_one_drop = 0.05, .momentum = 0.9, .weight_decay = 1e-4,
	       .augment = true, .level = NAN, .beta = 1 },
	.oe = { .weight = NAN, .ratio = 1, .m_in = -25, .m_out = -7, .slots = 4, .sigma = 20, .noise = 0.5,
		.confidence = 3.9, .doe_warmup = 5, .alpha = 1 },
	.beta = NAN, .name = "default", .max_memory = 8192, .keep = NAN,
};
static struct um_train_options *const o = &job.o;
static struct ts_header parents[4];       /* of the checkpoint, images, validation images, outliers */

const struct cli_option job_options[] = {
	{ "val", 0, CLI_STR, "FILE", &job.val, 0, 0, "images to validate on after each epoch" },
	{ "val-fraction", 0, CLI_DOUBLE, "X", &job.val_fraction, 0, 0.99,
	  "hold out this share of the images instead, to validate on" },
	{ "ood", 0, CLI_LIST, "NAME=FILE", &job.ood, 0, 0,
	  "report on these OOD images at the end; may be given several times" },
	{ "um", 0, CLI_DOUBLE, "LOSS", &job.o.level, 0, 1e6,
	  "Unleashing Mask: fold the loss at LOSS (see um-estimate)" },
	{ "beta", 0, CLI_DOUBLE, "X", &job.beta, 0, 1e6,
	  "factor of the cross-entropy inside the fold (default 1)" },
	{ "criterion", 0, CLI_CHOICE, "auto|ce|um", &job.criterion, 0, 0,
	  "fold the loss if --um is given (default), never, or insist on it" },
	{ "logit-norm", 0, CLI_DOUBLE, "T", &job.o.logit_norm, 0, 1e3,
	  "LogitNorm: the loss is of logits scaled to norm 1/T, such as 0.04 (default 0: as they are)" },
	{ "aux", 0, CLI_STR, "FILE", &job.aux, 0, 0, "outliers to train beside the images" },
	{ "oe", 0, CLI_CHOICE, um_oe_names, &job.oe.method, 0, 0, "what is done with them (needs --aux)" },
	{ "oe-weight", 0, CLI_DOUBLE, "X", &job.oe.weight, 0, 1e6,
	  "factor of their loss (default: oe 0.5, energy and poem 0.1, doe 1, mixoe 5)" },
	{ "aux-ratio", 0, CLI_DOUBLE, "X", &job.oe.ratio, 1e-6, 1e3, "outliers an image (default 1)" },
	{ "aux-fixed", 0, CLI_FLAG, NULL, &job.oe.fixed, 0, 0,
	  "choose and crop them once, as published (default: anew each epoch)" },
	{ "separate-bn", 0, CLI_FLAG, NULL, &job.oe.separate_bn, 0, 0,
	  "a forward pass of their own, apart from the images' batch statistics" },
	{ "m-in", 0, CLI_DOUBLE, "E", &job.oe.m_in, -1e6, 1e6,
	  "energy, poem: margin of the images' energy (default -25)" },
	{ "m-out", 0, CLI_DOUBLE, "E", &job.oe.m_out, -1e6, 1e6,
	  "energy, poem: margin of the outliers' (default -7)" },
	{ "poem-pool", 0, CLI_INT, "N", &job.oe.pool, 0, 1e9,
	  "poem: outliers that an epoch's are mined of (default 0: eight times as many)" },
	{ "poem-buffer", 0, CLI_INT, "N", &job.oe.slots, 1, 1e4,
	  "poem: epochs whose outliers the boundary is fitted to (default 4)" },
	{ "poem-sigma", 0, CLI_DOUBLE, "X", &job.oe.sigma, 1e-9, 1e9,
	  "poem: prior variance of the boundary's weights (default 20)" },
	{ "poem-noise", 0, CLI_DOUBLE, "X", &job.oe.noise, 1e-9, 1e9,
	  "poem: noise variance of its targets (default 0.5)" },
	{ "poem-conf", 0, CLI_DOUBLE, "X", &job.oe.confidence, 0, 1e6, "poem: its targets (default 3.9)" },
	{ "poem-published", 0, CLI_FLAG, NULL, &job.oe.poem_published, 0, 0,
	  "poem: the posterior's covariance times sigma, shifted targets" },
	{ "doe-warmup", 0, CLI_INT, "N", &job.oe.doe_warmup, 0, 1e6,
	  "doe: epochs without perturbation (default 5)" },
	{ "doe-published", 0, CLI_FLAG, NULL, &job.oe.doe_published, 0, 0,
	  "doe: perturb as the published program does" },
	{ "mixoe-alpha", 0, CLI_DOUBLE, "X", &job.oe.alpha, 1e-3, 10,
	  "mixoe: both parameters of the Beta that shares are drawn from (default 1)" },
	{ "epochs", 'e', CLI_INT, "N", &job.o.epochs, 1, 1e6, "passes over the images (default 100)" },
	{ "batch-size", 'b', CLI_INT, "N", &job.o.batch, 1, 1e6, "images a step (default 256)" },
	{ "optimizer", 0, CLI_CHOICE, "sgd|adam", &job.o.optimizer, 0, 0, "the optimiser (default sgd)" },
	{ "lr", 0, CLI_DOUBLE, "X", &job.o.lr, 0, 1e3, "learning rate (default 0.1)" },
	{ "lr-policy", 0, CLI_CHOICE, um_lr_policies, &job.o.lr_policy, 0, 0,
	  "how it changes over the epochs (default cosine)" },
	{ "warmup", 0, CLI_INT, "N", &job.o.warmup, 0, 1e6,
	  "epochs of linear warm-up, cosine and constant policy" },
	{ "multistep-lr-adjust", 0, CLI_INT, "N", &job.o.lr_adjust, 1, 1e6,
	  "epochs between multistep's changes (default 30)" },
	{ "multistep-lr-gamma", 0, CLI_DOUBLE, "X", &job.o.lr_gamma, 0, 1,
	  "multistep's factor (default 0.1)" },
	{ "lr-drop-epoch", 0, CLI_DOUBLE, "X", &job.o.lr_drop_epoch, 0, 1,
	  "share of the epochs before onedrop's drop (default 0.5)" },
	{ "lr-one-drop", 0, CLI_DOUBLE, "X", &job.o.lr_one_drop, 0, 1, "onedrop's factor (default 0.05)" },
	{ "momentum", 0, CLI_DOUBLE, "X", &job.o.momentum, 0, 1, "momentum of sgd (default 0.9)" },
	{ "nesterov", 0, CLI_FLAG, NULL, &job.o.nesterov, 0, 0, "Nesterov's momentum" },
	{ "weight-decay", 0, CLI_DOUBLE, "X", &job.o.weight_decay, 0, 1e3,
	  "weight decay (default 1e-4)" },
	{ "no-bn-decay", 0, CLI_FLAG, NULL, &job.o.no_bn_decay, 0, 0,
	  "none for scales and shifts of batch norms" },
	{ "clip-norm", 0, CLI_DOUBLE, "X", &job.o.clip, 0, 1e9,
	  "largest norm of the gradient (default 0: any)" },
	{ "ema", 0, CLI_DOUBLE, "DECAY", &job.o.ema, 0, 0.999999999,
	  "keep a moving average of the weights and write that (default 0: none)" },
	{ "label-smoothing", 0, CLI_DOUBLE, "X", &job.o.smoothing, 0, 1, "label smoothing (default 0)" },
	{ "dropout", 0, CLI_DOUBLE, "P", &job.o.dropout, 0, 0.99, "dropout probability (default 0)" },
	{ "augment", 0, CLI_FLAG, NULL, &job.o.augment, 0, 0,
	  "pad by 4, crop, mirror (default; --no-augment: as they are)" },
	{ "freeze-conv", 0, CLI_FLAG, NULL, &job.o.freeze_conv, 0, 0, "train the classifier alone" },
	{ "freeze-fc", 0, CLI_FLAG, NULL, &job.o.freeze_fc, 0, 0, "train all but the classifier" },
	{ "freeze-scores", 0, CLI_FLAG, NULL, &job.o.freeze_scores, 0, 0,
	  "do not train the scores of masks" },
	{ "run", 0, CLI_STR, "DIR", &job.run, 0, 0, "keep logs and checkpoints in a run directory there" },
	{ "name", 0, CLI_STR, "NAME", &job.name, 0, 0, "its name (default \"default\")" },
	{ "save-every", 0, CLI_INT, "N", &job.save_every, 0, 1e6,
	  "keep the checkpoint of every N-th epoch there (default 0: none)" },
	{ "resume", 0, CLI_FLAG, NULL, &job.resume, 0, 0, "go on with the newest run there" },
	{ "max-memory", 0, CLI_INT, "MIB", &job.max_memory, 1, 1e9,
	  "limit of the images held, each set (default 8192)" },
	{ 0 }
};

void job_check(void)
{
	const bool level = !isnan(o->level);
	const struct um_engine_options how = job_how();
	char err[UM_ERR];

	if (um_engine_check(&how, err) < 0)
		cli_usage("%s", err);
	o->um = level && job.criterion != 1;
	if (!level && job.criterion == 2)
		cli_usage("--criterion um needs --um LOSS; um-estimate tells it");
	if (!o->um && !isnan(job.beta))
		cli_usage("--beta acts inside the fold and needs --um LOSS");
	if (!isnan(job.beta))
		o->beta = job.beta;
	if (o->warmup >= o->epochs)
		cli_usage("--warmup %ld leaves nothing of --epochs %ld", o->warmup, o->epochs);
	if (job.val && job.val_fraction > 0)
		cli_usage("--val and --val-fraction exclude each other: there is one validation set");
	if (!job.run && (job.resume || job.save_every))
		cli_usage("--%s needs --run DIR", job.resume ? "resume" : "save-every");
	for (size_t i = 0; i < job.ood.n; i++)
		if (!strchr(job.ood.v[i], '=') || job.ood.v[i][0] == '=')
			cli_usage("--ood: '%s' is not NAME=FILE", job.ood.v[i]);
	if (job.ood.n && !job.val && !(job.val_fraction > 0))
		cli_usage("--ood compares with ID images and needs --val or --val-fraction");
	job_oe_check();
	o->seed = (uint64_t)cli.seed;
}

/* Reads images into d, and into h what the history needs of their header. */
static int read_data(struct um_data *d, struct ts_header *h, struct ts_reader *r)
{
	if (um_data_read(d, r, (size_t)job.max_memory << 20) < 0)
		return -1;
	ts_header_init(h, "images");
	if (ts_header_chain(h, ts_reader_header(r)) < 0 ||
	    ts_meta_merge(&h->meta, &ts_reader_header(r)->meta) < 0)
		cli_oom();
	return 0;
}

/* Does the data fit the model? */
static int check_data(const struct um_data *d, const char *name)
{
	const struct net_checkpoint *c = &job.c;
	const struct net *n = c->net;
	bool same = true;

	if (d->c != n->c || d->h != n->h || d->w != n->w)
		return cli_error("'%s': images are %dx%dx%d, the model takes %dx%dx%d", name, d->c, d->h,
				 d->w, n->c, n->h, n->w);
	if (d->n_classes > (size_t)n->classes)
		return cli_error("'%s': labels up to %zu are out of range for a model of %d classes", name,
				 d->n_classes - 1, n->classes);
	for (size_t i = 0; d->classes && c->classes && same && i < c->n_classes; i++)
		same = i < d->n_classes && strcmp(d->classes[i], c->classes[i]) == 0;
	return same ? 0 : cli_error("'%s': its classes are not those of the model", name);
}

static int read_val(void)
{
	struct ts_reader *v = cli_open(job.val);
	int rc = read_data(&job.held, &parents[2], v);

	cli_check_reader(v);
	ts_reader_close(v);
	return rc;
}

/* The sets of --ood are read after training, which is a poor time to hear that one is not there. */
static int check_ood(void)
{
	for (size_t i = 0; i < job.ood.n; i++) {
		const char *path = strchr(job.ood.v[i], '=') + 1;

		if (strcmp(path, "-") != 0 && access(path, R_OK) < 0)
			return cli_error("cannot open '%s': %s", path, strerror(errno));
	}
	return 0;
}

/* Takes the place of the checkpoint to start from with that of the run. */
static int load_last(char *err)
{
	const char *path = job_dir_path("checkpoints/last.ckpt");
	int64_t hash;

	if (job_dir_same_settings(err) < 0)
		return -1;
	net_checkpoint_release(&job.c);
	if (net_load(&job.c, path, err) < 0)
		return -1;
	if (ts_meta_get_int(&job.c.header.meta, "train/data", &hash) != 1 ||
	    (uint64_t)hash != job.hash) {
		snprintf(err, UM_ERR, "'%.200s' was trained on other images than '%.100s'", path, job.input);
		return -1;
	}
	if (job.aux && (ts_meta_get_int(&job.c.header.meta, "train/aux", &hash) != 1 ||
			(uint64_t)hash != job.aux_hash)) {
		snprintf(err, UM_ERR, "'%.200s' was trained with other outliers than '%.100s'", path, job.aux);
		return -1;
	}
	job.resumed = true;
	return 0;
}

/* The checkpoint's new history: its own, the images', this run. A resumed run is the run that it
 * resumes, and adds nothing. */
static void write_history(void)
{
	struct ts_header h;

	if (job.resumed)
		return;
	ts_header_init(&h, "checkpoint");
	cli_history(&h, (const struct ts_header *[]){ &parents[0], &parents[1], &parents[2], &parents[3] },
		    4);
	if (ts_meta_merge(&h.meta, &job.c.header.meta) < 0)
		cli_oom();
	ts_header_release(&job.c.header);
	job.c.header = h;
}

int job_open(struct ts_reader *r, int (*fresh)(struct net_checkpoint *c, const struct um_data *d,
					       char *err))
{
	char err[UM_ERR] = "";

	job.input = ts_reader_name(r);
	if (check_ood() < 0)
		return -1;
	if (job.start && net_load(&job.c, job.start, err) < 0)
		return cli_error("%s", err);
	job_strip(&job.c);                    /* of another run: it is not this one's to resume */
	ts_header_init(&parents[0], "checkpoint");
	if (job.start && ts_header_chain(&parents[0], &job.c.header) < 0)
		cli_oom();
	if (read_data(&job.data, &parents[1], r) < 0 || (job.val && read_val() < 0))
		return -1;
	if (!job.c.net && fresh(&job.c, &job.data, err) < 0)
		return err[0] ? cli_error("%s", err) : -1;
	if (check_data(&job.data, job.input) < 0 || (job.val && check_data(&job.held, job.val) < 0))
		return -1;
	if (job.aux && job_oe_read(&parents[3], err) < 0)
		return err[0] ? cli_error("%s", err) : -1;
	job.hash = um_data_hash(&job.data);
	if (isnan(job.keep))
		job.keep = job.c.mask ? job.c.mask->keep : 1;
	if ((job.resume && (job_dir_open(err) < 0 || load_last(err) < 0)) ||
	    (job.val_fraction > 0 &&
	     um_data_hold(&job.data, &job.held, job.val_fraction, (uint64_t)cli.seed, err) < 0))
		return cli_error("%s", err);
	write_history();
	return 0;
}

const char *job_source(void)
{
	static char name[128];
	char *source = NULL;

	if (ts_meta_get_str(&parents[1].meta, "source", &source) < 0)
		source = NULL;
	snprintf(name, sizeof name, "%s", source && source[0] ? source : "images");
	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '_';
	free(source);
	name[strcspn(name, ".")] = '\0';
	return name[0] ? name : "images";
}

void job_close(void)
{
	um_data_release(&job.data);
	um_data_release(&job.held);
	um_data_release(&job.outliers);
	net_checkpoint_release(&job.c);
	for (int i = 0; i < 4; i++)
		ts_header_release(&parents[i]);
	free(job.ood.v);
}
