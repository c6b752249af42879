/* SPDX-License-Identifier: MIT
 * um-train: trains a classifier, from scratch or from a checkpoint, with the plain loss or the one
 * that Unleashing Mask folds. Retains its input: the images are held in memory, as they come. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "um/um.h"

static const char *arch = "densenet", *init_path, *val_path, *mean_text, *std_text;
static bool arch_given;
static long max_memory = 8192;
static struct um_train_options o = {
	.epochs = 100, .batch = 256, .lr_adjust = 30, .lr = 0.1, .lr_gamma = 0.1,
	.lr_drop_epoch = 0.5, .lr_one_drop = 0.05, .momentum = 0.9, .weight_decay = 1e-4,
	.augment = true, .level = NAN, .beta = NAN,
};

static const struct cli_option options[] = {
	{ "arch", 'a', CLI_STR, "SPEC", &arch, 0, 0,
	  "network, such as densenet:depth=40,growth=12 (default densenet)" },
	{ "init", 'i', CLI_STR, "FILE", &init_path, 0, 0, "start from this checkpoint" },
	{ "val", 0, CLI_STR, "FILE", &val_path, 0, 0, "images to validate on after each epoch" },
	{ "um", 0, CLI_DOUBLE, "LOSS", &o.level, 0, 1e6,
	  "Unleashing Mask: fold the loss at LOSS (see um-estimate)" },
	{ "beta", 0, CLI_DOUBLE, "X", &o.beta, 0, 1e6,
	  "factor of the cross-entropy inside the fold (default 1)" },
	{ "epochs", 'e', CLI_INT, "N", &o.epochs, 1, 1e6, "passes over the images (default 100)" },
	{ "batch-size", 'b', CLI_INT, "N", &o.batch, 1, 1e6, "images a step (default 256)" },
	{ "lr", 0, CLI_DOUBLE, "X", &o.lr, 0, 1e3, "learning rate (default 0.1)" },
	{ "lr-policy", 0, CLI_CHOICE, um_lr_policies, &o.lr_policy, 0, 0,
	  "how it changes over the epochs (default cosine)" },
	{ "warmup", 0, CLI_INT, "N", &o.warmup, 0, 1e6,
	  "epochs of linear warm-up, cosine and constant policy" },
	{ "multistep-lr-adjust", 0, CLI_INT, "N", &o.lr_adjust, 1, 1e6,
	  "epochs between multistep's changes (default 30)" },
	{ "multistep-lr-gamma", 0, CLI_DOUBLE, "X", &o.lr_gamma, 0, 1,
	  "multistep's factor (default 0.1)" },
	{ "lr-drop-epoch", 0, CLI_DOUBLE, "X", &o.lr_drop_epoch, 0, 1,
	  "share of the epochs before onedrop's drop (default 0.5)" },
	{ "lr-one-drop", 0, CLI_DOUBLE, "X", &o.lr_one_drop, 0, 1, "onedrop's factor (default 0.05)" },
	{ "momentum", 0, CLI_DOUBLE, "X", &o.momentum, 0, 1, "momentum (default 0.9)" },
	{ "nesterov", 0, CLI_FLAG, NULL, &o.nesterov, 0, 0, "Nesterov's momentum" },
	{ "weight-decay", 0, CLI_DOUBLE, "X", &o.weight_decay, 0, 1e3, "weight decay (default 1e-4)" },
	{ "label-smoothing", 0, CLI_DOUBLE, "X", &o.smoothing, 0, 1, "label smoothing (default 0)" },
	{ "dropout", 0, CLI_DOUBLE, "P", &o.dropout, 0, 0.99, "dropout probability (default 0)" },
	{ "augment", 0, CLI_FLAG, NULL, &o.augment, 0, 0,
	  "pad by 4, crop, mirror (default; --no-augment: as they are)" },
	{ "mean", 0, CLI_STR, "X,...", &mean_text, 0, 0,
	  "mean of each channel, pixels in [0,1] (default: CIFAR-10's)" },
	{ "std", 0, CLI_STR, "X,...", &std_text, 0, 0,
	  "standard deviation of each (default: CIFAR-10's)" },
	{ "max-memory", 0, CLI_INT, "MIB", &max_memory, 1, 1e9,
	  "limit of the images held, each set (default 8192)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-train", "[option...] [FILE]",
	"Train a classifier on a stream of labelled images and write its checkpoint.", options,
	"With no FILE, or when FILE is -, read standard input.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS
};

static long epoch_now;

static void tick(size_t done, double loss)
{
	cli_progress("epoch %ld/%ld, %zu images, loss %.4f", epoch_now + 1, o.epochs, done, loss);
}

/* Reads images into d and the header's copy into h for the history. */
static int read_data(struct um_data *d, struct ts_header *h, struct ts_reader *r)
{
	int rc = um_data_read(d, r, (size_t)max_memory << 20);

	if (rc < 0)
		return cli_check_reader(r);
	ts_header_init(h, "images");
	if (ts_header_chain(h, ts_reader_header(r)) < 0)
		cli_oom();
	return 0;
}

/* "0.5,0.4,0.3" into v[c]; NULL: CIFAR-10's for three channels, else `other`. */
static void parse_channels(const char *name, const char *text, int c, const double *cifar,
			   double other, double *v)
{
	for (int i = 0; i < c; i++) {
		char one[32];
		size_t len = text ? strcspn(text, ",") : 0;

		v[i] = c == 3 ? cifar[i] : other;
		if (!text)
			continue;
		memcpy(one, text, len < sizeof one ? len : 0);
		one[len < sizeof one ? len : 0] = '\0';
		if (cli_parse_double(one, name[0] == 's' ? 1e-6 : -1e6, 1e6, &v[i]) < 0 ||
		    (text[len] == '\0') != (i == c - 1))
			cli_usage("--%s: '%s' is not %d numbers with commas between", name, text, c);
		text += len + 1;
	}
}

static int new_model(struct net_checkpoint *c, const struct um_data *d, char *err)
{
	static const double mean[3] = { 125.3 / 255, 123.0 / 255, 113.9 / 255 };
	static const double std[3] = { 63.0 / 255, 62.1 / 255, 66.7 / 255 };
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed, UM_RNG_INIT);

	c->net = net_new(arch, d->c, d->h, d->w, (int)d->n_classes, err);
	if (!c->net)
		return -1;
	parse_channels("mean", mean_text, d->c, mean, 0.5, c->mean);
	parse_channels("std", std_text, d->c, std, 0.5, c->std);
	ts_header_init(&c->header, "checkpoint");
	if (net_init(c->net, &rng, &c->state) < 0)
		cli_oom();
	if (d->classes) {
		struct ts_meta m = { 0 };
		if (ts_meta_set_strs(&m, "classes", d->classes, d->n_classes) < 0 ||
		    ts_meta_get_strs(&m, "classes", &c->classes, &c->n_classes) != 1)
			cli_oom();
		ts_meta_del(&m, "classes");
		free(m.e);
	}
	return 0;
}

/* Does the data fit the model? */
static int check_data(const struct um_data *d, const char *name, const struct net_checkpoint *c)
{
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

/* An architecture asked for together with --init must be the checkpoint's. */
static int check_arch(const struct net_checkpoint *c, char *err)
{
	struct net *want;
	int rc = 0;

	if (!arch_given)
		return 0;
	want = net_new(arch, c->net->c, c->net->h, c->net->w, c->net->classes, err);
	if (!want)
		return -1;
	if (strcmp(want->spec, c->net->spec) != 0) {
		snprintf(err, UM_ERR, "'%.100s' holds a %.150s, not the %.150s of --arch", init_path,
			 c->net->spec, want->spec);
		rc = -1;
	}
	net_free(want);
	return rc;
}

static void report(const struct um_epoch *e, const struct um_data *d, const struct um_data *val,
		   double val_loss, double val_acc)
{
	char text[96] = "";

	if (val->n)
		snprintf(text, sizeof text, " val_loss=%.6g val_acc=%.4f", val_loss, val_acc);
	cli_log("epoch=%ld lr=%.6g loss=%.6g folded=%.6g train_acc=%.4f%s images_s=%.1f seconds=%.1f",
		epoch_now + 1, e->lr, e->loss, e->folded, e->accuracy, text,
		(double)d->n / e->seconds, e->seconds);
}

static int train(struct net_checkpoint *c, const struct um_data *d, const struct um_data *val,
		 char *err)
{
	struct ts_meta *meta = &c->header.meta;
	struct um_model *m = NULL;
	double val_loss = 0, val_acc = 0;
	struct um_epoch e = { 0 };
	int rc = um_model_new(&m, c, err);

	if (rc == 0)
		rc = um_model_train(m, err);
	if (rc == 0)
		m->dropout = o.dropout;
	if (o.um)
		cli_log("unleashing mask: loss folded at %g, beta %g", o.level, o.beta);
	for (epoch_now = 0; epoch_now < o.epochs && rc == 0; epoch_now++) {
		rc = um_train_epoch(m, d, &o, epoch_now, tick, &e, err);
		if (rc == 0 && val->n)
			rc = um_evaluate(m, val, &val_loss, &val_acc, err);
		if (rc == 0)
			report(&e, d, val, val_loss, val_acc);
	}
	if (rc == 0)
		rc = um_model_state(m, &c->state, err);
	um_model_free(m);
	if (rc == 0 && (ts_meta_set_int(meta, "epoch", o.epochs) < 0 ||
			ts_meta_set_double(meta, "train_loss", e.loss) < 0 ||
			ts_meta_set_double(meta, "train_accuracy", e.accuracy) < 0 ||
			(o.um && ts_meta_set_double(meta, "um", o.level) < 0) ||
			(val->n && ts_meta_set_double(meta, "val_accuracy", val_acc) < 0)))
		cli_oom();
	return rc;
}

/* All that comes after the options: data, model, training, checkpoint. */
static int run(struct ts_reader *r, char *err)
{
	struct um_data d = { 0 }, val = { 0 };
	struct net_checkpoint c = { 0 };
	struct ts_header h[3] = { 0 }, history = { 0 };
	struct ts_reader *v = val_path ? cli_open(val_path) : NULL;
	int rc = -1;

	err[0] = '\0';
	if (init_path && (net_load(&c, init_path, err) < 0 || check_arch(&c, err) < 0))
		goto out;
	if (init_path && ts_header_chain(&h[2], &c.header) < 0)
		cli_oom();
	if (read_data(&d, &h[0], r) < 0 || (v && read_data(&val, &h[1], v) < 0))
		goto out;
	if (!init_path && new_model(&c, &d, err) < 0)
		goto out;
	if (check_data(&d, ts_reader_name(r), &c) < 0 || (v && check_data(&val, val_path, &c) < 0))
		goto out;
	ts_header_init(&history, "checkpoint");
	cli_history(&history, (const struct ts_header *[]){ &h[2], &h[0], &h[1] }, 3);
	if (um_open(cli.device, cli.threads, err) < 0 || train(&c, &d, &val, err) < 0)
		goto out;
	/* The header keeps its meta and takes the new history in place of the old. */
	if (ts_meta_merge(&history.meta, &c.header.meta) < 0)
		cli_oom();
	ts_header_release(&c.header);
	c.header = history;
	history = (struct ts_header){ 0 };
	rc = net_save(&c, cli.output, err);
out:
	ts_reader_close(v);
	um_data_release(&d);
	um_data_release(&val);
	for (int i = 0; i < 3; i++)
		ts_header_release(&h[i]);
	ts_header_release(&history);
	net_checkpoint_release(&c);
	return rc;
}

int main(int argc, char **argv)
{
	const char *default_arch = arch;
	int first = cli_parse(&tool, argc, argv), rc;
	struct ts_reader *r;
	char err[UM_ERR];

	arch_given = arch != default_arch;
	o.um = !isnan(o.level);
	if (!o.um && !isnan(o.beta))
		cli_usage("--beta acts inside the fold and needs --um LOSS");
	if (isnan(o.beta))
		o.beta = 1;
	if (o.warmup >= o.epochs)
		cli_usage("--warmup %ld leaves nothing of --epochs %ld", o.warmup, o.epochs);
	o.seed = (uint64_t)cli.seed;
	r = cli_input(first, argc, argv);
	ts_writer_close(cli_output());        /* refuses a terminal, or a folder that cannot be written */
	rc = run(r, err);
	if (rc < 0 && err[0])
		cli_error("%s", err);
	ts_reader_close(r);
	return cli_finish(rc);
}
