/* SPDX-License-Identifier: MIT
 * Options of a run: their rows for the command line, their defaults, and checks that they agree. */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_internal.h"
#include "ts/ts_file.h"
#include "um/run/um_exec.h"

/* A row's value is an offset in struct job_options, until job_options_init() turns it into an address. */
#define AT(member) ((void *)offsetof(struct job_options, member))

static const struct cli_option rows[] = {
	{ "val", 0, CLI_STR, "FILE", AT(val), 0, 0, "images to validate on after each epoch" },
	{ "val-fraction", 0, CLI_DOUBLE, "X", AT(val_fraction), 0, 0.99,
	  "hold out this share of the images for that instead" },
	{ "held", 0, CLI_STR, "FILE", AT(held), 0, 0, "with --val-fraction: write the held-out images to FILE" },
	{ "ood", 0, CLI_LIST, "NAME=FILE", AT(ood), 0, 0, "report on these OOD images at the end; may be repeated" },
	{ "um", 0, CLI_DOUBLE, "LOSS", AT(train.level), 0, 1e6,
	  "Unleashing Mask: fold the loss at LOSS (see um-estimate)" },
	{ "beta", 0, CLI_DOUBLE, "X", AT(beta), 0, 1e6, "factor of the cross-entropy inside the fold (default 1)" },
	{ "criterion", 0, CLI_CHOICE, "auto|ce|um", AT(criterion), 0, 0,
	  "fold the loss if --um is given (default), never, or require --um" },
	{ "engine", 0, CLI_CHOICE, "nn|torch", AT(engine), 0, 0,
	  "CPU engine: our own kernels (default), or libtorch, the reference" },
	{ "precision", 0, CLI_CHOICE, "f32|tf32|bf16", AT(precision), 0, 0,
	  "precision of training: float32 (default), TF32 (GPUs), or bfloat16 (AMX or libtorch)" },
	{ "logit-norm", 0, CLI_DOUBLE, "T", AT(train.logit_norm), 0, 1e3,
	  "LogitNorm: scale logits to norm 1/T in the loss, T such as 0.04 (default 0: off)" },
	{ "aux", 0, CLI_STR, "FILE", AT(aux), 0, 0, "outlier images to train with" },
	{ "oe", 0, CLI_CHOICE, um_oe_names, AT(oe.method), 0, 0, "how to use the outliers (needs --aux)" },
	{ "oe-weight", 0, CLI_DOUBLE, "X", AT(oe.weight), 0, 1e6,
	  "weight of the outliers' loss (default: oe 0.5, energy and poem 0.1, doe 1, mixoe 5)" },
	{ "aux-ratio", 0, CLI_DOUBLE, "X", AT(oe.ratio), 1e-6, 1e3, "outliers per image (default 1)" },
	{ "aux-fixed", 0, CLI_FLAG, NULL, AT(oe.fixed), 0, 0,
	  "choose and crop the outliers once, as published (default: again each epoch)" },
	{ "aux-crop", 0, CLI_FLAG, NULL, AT(oe.crop), 0, 0,
	  "outliers may be larger than the images: crop a random window of each" },
	{ "separate-bn", 0, CLI_FLAG, NULL, AT(oe.separate_bn), 0, 0,
	  "run outliers in a forward pass of their own, with their own batch statistics" },
	{ "m-in", 0, CLI_DOUBLE, "E", AT(oe.m_in), -1e6, 1e6,
	  "energy, poem: margin of the images' energy (default -25)" },
	{ "m-out", 0, CLI_DOUBLE, "E", AT(oe.m_out), -1e6, 1e6,
	  "energy, poem: margin of the outliers' energy (default -7)" },
	{ "poem-pool", 0, CLI_INT, "N", AT(oe.pool), 0, 1e9,
	  "poem: candidates to mine an epoch's outliers from (default 0: eight times as many)" },
	{ "poem-buffer", 0, CLI_INT, "N", AT(oe.slots), 1, 1e4,
	  "poem: fit the boundary to the outliers of the last N epochs (default 4)" },
	{ "poem-sigma", 0, CLI_DOUBLE, "X", AT(oe.sigma), 1e-9, 1e9,
	  "poem: prior variance of the boundary's weights (default 20)" },
	{ "poem-noise", 0, CLI_DOUBLE, "X", AT(oe.noise), 1e-9, 1e9,
	  "poem: noise variance of its targets (default 0.5)" },
	{ "poem-conf", 0, CLI_DOUBLE, "X", AT(oe.confidence), 0, 1e6,
	  "poem: regression targets, -X for images, X for outliers (default 3.9)" },
	{ "poem-published", 0, CLI_FLAG, NULL, AT(oe.poem_published), 0, 0,
	  "poem: as published, posterior covariance times sigma and shifted targets" },
	{ "doe-warmup", 0, CLI_INT, "N", AT(oe.doe_warmup), 0, 1e6, "doe: epochs without perturbation (default 5)" },
	{ "doe-published", 0, CLI_FLAG, NULL, AT(oe.doe_published), 0, 0,
	  "doe: perturb as the published program does" },
	{ "mixoe-alpha", 0, CLI_DOUBLE, "X", AT(oe.alpha), 1e-3, 10,
	  "mixoe: both parameters of the Beta distribution of shares (default 1)" },
	{ "epochs", 'e', CLI_INT, "N", AT(train.epochs), 1, 1e6, "passes over the images (default 100)" },
	{ "batch-size", 'b', CLI_INT, "N", AT(train.batch), 1, 1e6, "images per step (default 256)" },
	{ "optimizer", 0, CLI_CHOICE, "sgd|adam", AT(train.optimizer), 0, 0, "the optimiser (default sgd)" },
	{ "lr", 0, CLI_DOUBLE, "X", AT(train.lr), 0, 1e3, "learning rate (default 0.1)" },
	{ "lr-policy", 0, CLI_CHOICE, um_lr_policies, AT(train.lr_policy), 0, 0,
	  "how the learning rate changes over the epochs (default cosine)" },
	{ "warmup", 0, CLI_INT, "N", AT(train.warmup), 0, 1e6,
	  "epochs of linear warm-up (cosine and constant policies)" },
	{ "multistep-lr-adjust", 0, CLI_INT, "N", AT(train.lr_adjust), 1, 1e6,
	  "epochs between multistep's changes (default 30)" },
	{ "multistep-lr-gamma", 0, CLI_DOUBLE, "X", AT(train.lr_gamma), 0, 1, "multistep's factor (default 0.1)" },
	{ "lr-drop-epoch", 0, CLI_DOUBLE, "X", AT(train.lr_drop_epoch), 0, 1,
	  "share of the epochs before onedrop's drop (default 0.5)" },
	{ "lr-one-drop", 0, CLI_DOUBLE, "X", AT(train.lr_one_drop), 0, 1, "onedrop's factor (default 0.05)" },
	{ "momentum", 0, CLI_DOUBLE, "X", AT(train.momentum), 0, 1, "momentum of sgd (default 0.9)" },
	{ "nesterov", 0, CLI_FLAG, NULL, AT(train.nesterov), 0, 0, "Nesterov's momentum" },
	{ "weight-decay", 0, CLI_DOUBLE, "X", AT(train.weight_decay), 0, 1e3,
	  "weight decay (default: sgd 1e-4, adam 0)" },
	{ "no-bn-decay", 0, CLI_FLAG, NULL, AT(train.no_bn_decay), 0, 0,
	  "no weight decay for scales and shifts of batch norms" },
	{ "clip-norm", 0, CLI_DOUBLE, "X", AT(train.clip), 0, 1e9,
	  "clip the norm of the gradient to X (default 0: no clipping)" },
	{ "ema", 0, CLI_DOUBLE, "DECAY", AT(train.ema), 0, 0.999999999,
	  "write a moving average of the weights (default 0: none)" },
	{ "label-smoothing", 0, CLI_DOUBLE, "X", AT(train.smoothing), 0, 1, "label smoothing (default 0)" },
	{ "dropout", 0, CLI_DOUBLE, "P", AT(train.dropout), 0, 0.99, "dropout probability (default 0)" },
	{ "augment", 0, CLI_CHOICE, um_augment_names, AT(train.augment), 0, 0,
	  "flip, pad by 4 and crop, or both (default); --no-augment: neither" },
	{ "freeze-conv", 0, CLI_FLAG, NULL, AT(train.freeze_conv), 0, 0, "train only the classifier" },
	{ "freeze-fc", 0, CLI_FLAG, NULL, AT(train.freeze_fc), 0, 0, "train everything but the classifier" },
	{ "freeze-scores", 0, CLI_FLAG, NULL, AT(train.freeze_scores), 0, 0, "do not train the scores of masks" },
	{ "run", 0, CLI_STR, "DIR", AT(run), 0, 0, "keep logs and checkpoints in a run directory under DIR" },
	{ "name", 0, CLI_STR, "NAME", AT(name), 0, 0, "name of the run (default \"default\")" },
	{ "save-every", 0, CLI_INT, "N", AT(save_every), 0, 1e6,
	  "keep every N-th epoch's checkpoint in the run directory (default 0: none)" },
	{ "resume", 0, CLI_FLAG, NULL, AT(resume), 0, 0, "resume the newest run under DIR" },
	{ "print-run", 0, CLI_FLAG, NULL, AT(print_run), 0, 0, "print the newest run's directory and exit" },
	KIT_RANKS_ROWS(AT(ranks.n), AT(ranks.gpus)),
	{ "sync-bn", 0, CLI_FLAG, NULL, AT(sync_bn), 0, 0,
	  "with several ranks: batch norms use the whole batch (default: each rank's part)" },
	{ "max-memory", 0, CLI_INT, "MIB", AT(max_memory), 1, 1e9,
	  "limit for the images in memory, per set (default 8192)" },
	{ 0 }
};

static_assert(sizeof rows / sizeof *rows == JOB_OPTION_ROWS, "job.h says how many rows there are");

void job_options_init(struct job_options *o, struct cli_option table[JOB_OPTION_ROWS])
{
	*o = (struct job_options){
		.train = { .epochs = 100,
			   .batch = 256,
			   .lr_adjust = 30,
			   .lr = 0.1,
			   .lr_gamma = 0.1,
			   .lr_drop_epoch = 0.5,
			   .lr_one_drop = 0.05,
			   .momentum = 0.9,
			   .weight_decay = NAN,
			   .augment = UM_FLIP_AND_CROP,
			   .level = NAN,
			   .beta = 1 },
		.oe = { .weight = NAN,
			.ratio = 1,
			.m_in = -25,
			.m_out = -7,
			.slots = 4,
			.sigma = 20,
			.noise = 0.5,
			.confidence = 3.9,
			.doe_warmup = 5,
			.alpha = 1 },
		.beta = NAN,
		.name = "default",
		.max_memory = 8192,
		.keep = NAN,
	};
	memcpy(table, rows, sizeof rows);
	for (size_t i = 0; table[i].name; i++)
		table[i].value = (char *)o + (size_t)rows[i].value;
}

void job_options_release(struct job_options *o)
{
	free(o->ood.v);
	o->ood = (struct cli_list){ 0 };
	team_free(o->team);
	o->team = NULL;
}

static int check_loss(struct job_options *o, struct err *err)
{
	const bool level = !isnan(o->train.level);

	o->train.um = level && o->criterion != JOB_CE;
	if (!level && o->criterion == JOB_UM)
		return err_fail(err, "--criterion um needs --um LOSS; um-estimate measures it");
	if (!o->train.um && !isnan(o->beta))
		return err_fail(err, "--beta acts inside the fold and needs --um LOSS");
	if (!isnan(o->beta))
		o->train.beta = o->beta;
	return 0;
}

/* What only one policy goes by would be ignored with another. */
static int check_policy(const struct um_train_options *o, struct err *err)
{
	const struct {
		const char *name, *of;
		const void *value;
		long policy;
	} only[] = { { "multistep-lr-adjust", "multistep", &o->lr_adjust, UM_LR_MULTISTEP },
		     { "multistep-lr-gamma", "multistep", &o->lr_gamma, UM_LR_MULTISTEP },
		     { "lr-drop-epoch", "onedrop", &o->lr_drop_epoch, UM_LR_ONEDROP },
		     { "lr-one-drop", "onedrop", &o->lr_one_drop, UM_LR_ONEDROP } };

	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (cli_given(only[i].value) && o->lr_policy != only[i].policy)
			return err_fail(err, "--%s goes with --lr-policy %s", only[i].name, only[i].of);
	return 0;
}

static int check_optimiser(const struct um_train_options *o, struct err *err)
{
	if (check_policy(o, err) < 0)
		return -1;
	if (cli_given(&o->momentum) && o->optimizer == UM_ADAM)
		return err_fail(err, "--momentum is for --optimizer sgd");
	if (o->warmup > 0 && o->lr_policy != UM_LR_COSINE && o->lr_policy != UM_LR_CONSTANT)
		return err_fail(err, "--warmup goes with --lr-policy cosine or constant; the others have none");
	if (o->warmup >= o->epochs)
		return err_fail(err, "--warmup %ld leaves nothing of --epochs %ld", o->warmup, o->epochs);
	if (o->lr_policy == UM_LR_SUPERCONVERGE && o->epochs == 1)
		return err_fail(err,
				"--lr-policy superconverge begins at a rate of 0, and --epochs 1 ends there: nothing "
				"would be learnt");
	if (o->nesterov && o->optimizer == UM_ADAM)
		return err_fail(err, "--nesterov is for --optimizer sgd");
	if (o->nesterov && o->momentum <= 0)
		return err_fail(err, "--nesterov needs a --momentum above 0");
	return 0;
}

static int check_ood(const struct job_options *o, struct err *err)
{
	for (size_t i = 0; i < o->ood.n; i++)
		if (!strchr(o->ood.v[i], '=') || o->ood.v[i][0] == '=')
			return err_fail(err, "--ood: '%s' is not NAME=FILE", o->ood.v[i]);
	if (o->ood.n && !o->val && !(o->val_fraction > 0))
		return err_fail(err, "--ood compares with ID images and needs --val or --val-fraction");
	return 0;
}

int job_options_check(struct job_options *o, struct err *err)
{
	if (kit_ranks_check(&o->ranks, err) < 0)
		return -1;
	o->how = (struct um_engine_options){ .torch = um_engine_is_torch(o->engine, cli.device),
					     .device = cli.device,
					     .threads = cli.threads };
	o->train.seed = (uint64_t)cli.seed;
	if (isnan(o->train.weight_decay))
		o->train.weight_decay = o->train.optimizer == UM_ADAM ? 0 : 1e-4; /* as published, and in PyTorch */
	if (um_engine_check(&o->how, err) < 0 || um_exec_check(o->how.torch, o->how.device, o->precision, err) < 0 ||
	    check_loss(o, err) < 0 || check_optimiser(&o->train, err) < 0)
		return -1;
	if (o->val && o->val_fraction > 0)
		return err_fail(err, "--val and --val-fraction exclude each other: there is one validation set");
	if (o->held && ts_file_same(o->held, cli.output))
		return err_fail(err, "--held and --output are the same file, '%s'", o->held);
	if (o->held && !(o->val_fraction > 0))
		return err_fail(err, "--held writes what --val-fraction X holds out");
	if (!o->run && (o->resume || o->save_every || o->print_run))
		return err_fail(err, "--%s needs --run DIR",
				o->resume    ? "resume" :
				o->print_run ? "print-run" :
					       "save-every");
	if (!o->run && cli_given(&o->name))
		return err_fail(err, "--name is that of a run and needs --run DIR");
	return check_ood(o, err) < 0 ? -1 : job_oe_check(o, err);
}
