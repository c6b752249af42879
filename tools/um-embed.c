/* SPDX-License-Identifier: MIT
 * um-embed: the one forward pass. Images become logits and penultimate features; every other column is passed through,
 * so labels and names stay with their rows. Streaming: it holds one batch, with libtorch two. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds_prep.h"
#include "job/job_model.h"
#include "kit/kit.h"
#include "net/mask/net_mask.h"
#include "ood/ood_identity.h"
#include "ts/ts_images.h"
#include "um/embed/um_extra.h"
#include "um/run/um_graph.h"

static const char *model_path;
static long chunk, engine, precision; /* the last two: enum um_runner, um_precision */
static bool masked, full;
static struct um_extra_options extra;
static struct cli_list ensemble;
static struct job_model onnx;
static long passes;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &model_path, 0, 0, "checkpoint of the network, or an ONNX file (required)" },
	{ "features", 0, CLI_STR, "NODE", &onnx.features, 0, 0,
	  "ONNX: the value to take as features (default: the last linear layer's input)" },
	{ "logits", 0, CLI_STR, "NODE", &onnx.logits, 0, 0,
	  "ONNX: the value to take as logits, or none (default: the first output)" },
	{ "normalise", 0, CLI_STR, NET_NORMALISERS, &onnx.normalise, 0, 0,
	  "ONNX: input normalisation that the network was trained with (or give --mean and --std)" },
	{ "mean", 0, CLI_STR, "X,...", &onnx.mean, 0, 0, "ONNX: mean of each channel, pixels in [0, 1]" },
	{ "std", 0, CLI_STR, "X,...", &onnx.std, 0, 0, "ONNX: standard deviation of each channel" },
	{ "batch-size", 'b', CLI_INT, "N", &chunk, 1, 65536,
	  "images per batch (default 16, on a GPU 256; affects speed, not the result)" },
	{ "engine", 0, CLI_CHOICE, "nn|torch", &engine, 0, 0, "CPU engine: our own kernels (default), or libtorch" },
	{ "precision", 0, CLI_CHOICE, "f32|tf32|bf16", &precision, 0, 0,
	  "float32 (default); TF32 products on a GPU; bfloat16, with AMX or libtorch" },
	{ "masked", 0, CLI_FLAG, NULL, &masked, 0, 0, "run the masked network of a checkpoint with masks (default)" },
	{ "full", 0, CLI_FLAG, NULL, &full, 0, 0, "run the full network of a checkpoint with masks" },
	{ "odin", 0, CLI_STR, "WHAT", &extra.odin, 0, 0,
	  "add logits after ODIN's input step: eps=E,E...:temperature=T:space=S" },
	{ "layers", 0, CLI_FLAG, NULL, &extra.layers, 0, 0, "add channel means of the feature list" },
	{ "perturb", 0, CLI_STR, "FIT", &extra.perturb, 0, 0,
	  "add channel means of the feature list after a step toward the nearest class mean of FIT" },
	{ "perturb-eps", 0, CLI_STR, "E,E...", &extra.perturb_eps, 0, 0, "step sizes for --perturb" },
	{ "against", 0, CLI_STR, "FILE", &extra.against, 0, 0,
	  "add the distance to a second checkpoint's probabilities" },
	{ "ensemble", 0, CLI_LIST, "FILE", &ensemble, 0, 0, "add the logits of another checkpoint; may be repeated" },
	{ "gram", 0, CLI_STR, "stages|all|N", &extra.gram, 0, 0,
	  "add row sums of Gram matrices: of the feature list, or of the last N activations per stage" },
	{ "rankfeat", 0, CLI_FLAG, NULL, &extra.rankfeat, 0, 0,
	  "add logits without the first singular part of the last maps" },
	{ "adascale", 0, CLI_DOUBLE, "SHARE", &extra.adascale, 0, 1,
	  "add features after a step on this share of the pixels, those of smallest gradient (published: 0.05)" },
	{ "i-odin", 0, CLI_STR, "WHAT", &extra.iodin, 0, 0,
	  "as --odin, but only on the value with the largest gradient" },
	{ "passes", 0, CLI_INT, "N", &passes, 1, 1000, "add the logits of N passes with the network's dropout" },
	{ "dropout", 0, CLI_DOUBLE, "P", &extra.dropout, 0, 0.99,
	  "probability of dropping a number in --passes (required with it)" },
	{ "extremes", 0, CLI_FLAG, NULL, &extra.extremes, 0, 0,
	  "add the smallest and largest input of each activation layer" },
	{ "fgsm", 0, CLI_DOUBLE, "EPS", &extra.fgsm, 0, 1,
	  "attack the images first, with a step that raises the loss of their labels" },
	{ 0 }
};

static const struct cli_tool tool = { "um-embed",
				      "-m MODEL [option...] [FILE]",
				      "Run a network over a stream of images and write its logits and features.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS,
				      NULL };

/* Batches on their way from images to features: started and not yet written. */
struct flow {
	struct ts_reader *r;
	struct kit_out out;
	struct net_checkpoint c;
	struct um_extras *e;
	struct ts_batch rows[UM_DEPTH];
	ptrdiff_t *map;              /* where the columns are that are passed through */
	ptrdiff_t label;             /* of the output; -1: none */
	struct ts_class_map classes; /* maps the images' labels to the model's */
	bool strange;                /* a label was too large, and this was reported */
	size_t started, written;
	bool failed; /* and reported */
};

/* Passes columns through; hides labels that are not the model's. */
static int pass_columns(struct flow *f, struct ts_batch *out, const struct ts_batch *in)
{
	int64_t *y;

	if (ts_batch_resize(out, 0) < 0 || ts_batch_resize(out, in->n) < 0 ||
	    ts_batch_copy(out, 0, in, f->map, 0, in->n) < 0)
		cli_oom();
	if (f->label < 0)
		return 0;
	y = out->cols[f->label].data;
	for (size_t i = 0; f->classes.to && i < out->n; i++)
		y[i] = ts_class_of(&f->classes, y[i]);
	if (f->c.net->classes == 0) /* a network without logits has no classes, so labels keep the images' own
				     * meaning */
		return 0;
	for (size_t i = 0; i < out->n; i++) {
		if (y[i] < f->c.net->classes)
			continue;
		if (!f->strange)
			cli_warn("'%s': row %llu: label %lld is not one of the model's %d classes; such labels become "
				 "-1",
				 ts_reader_name(f->r), (unsigned long long)(ts_reader_rows(f->r) - out->n + i),
				 (long long)y[i], f->c.net->classes);
		f->strange = true;
		y[i] = -1;
	}
	return net_check_labels(f->c.net, f->r, y, out->n, -1);
}

/* Writes the oldest batches, until at most `left` remain. */
static int pass_on(struct flow *f, size_t left)
{
	struct err err;

	while (f->started - f->written > left) {
		const struct ts_batch *rows = &f->rows[f->written++ % UM_DEPTH];

		if (um_extras_finish(f->e, &err) < 0)
			return cli_error("'%s': %s", ts_reader_name(f->r), err.text);
		if (ts_writer_write(f->out.w, rows) < 0)
			return -1;
		kit_progress(f->r);
	}
	return 0;
}

/* A batch is written once the next has been started, or if there is no next one to read yet: on a live pipe nothing is
 * held back. */
static int start(void *data, const struct ts_batch *in)
{
	struct flow *f = data;
	struct ts_batch *rows = &f->rows[f->started % UM_DEPTH];
	struct err err;

	f->failed = true;
	if (pass_columns(f, rows, in) < 0)
		return -1;
	if (um_extras_start(f->e, in, ts_reader_rows(f->r) - in->n, rows, &err) < 0)
		return cli_error("'%s': %s", ts_reader_name(f->r), err.text);
	f->started++;
	f->failed = pass_on(f, ts_reader_ready(f->r) ? (size_t)um_extras_depth(f->e) - 1 : 0) < 0;
	return f->failed ? -1 : 0;
}

static int embed(struct flow *f)
{
	int rc;

	for (int i = 0; i < UM_DEPTH; i++)
		if (ts_batch_init(&f->rows[i], &f->out.header) < 0)
			cli_oom();
	rc = kit_each(f->r, start, f);
	if (!f->failed && pass_on(f, 0) < 0) /* also for a stream that breaks off */
		rc = -1;
	if (um_extras_note(f->e))
		cli_warn("%s", um_extras_note(f->e));
	return rc == 0 ? ts_images_some(f->r) : -1;
}

static int make_header(struct flow *f, const struct ts_header *images)
{
	const struct ts_header *inputs[2 + UM_MAX_INPUTS] = { images, &f->c.header };
	struct ts_header *to = &f->out.header;
	struct err err;

	if (um_extras_header(f->e, to, images, &f->c, &err) < 0)
		return ts_reader_fail(f->r, "%s", err.text);
	if (precision == UM_BF16 && ts_meta_set_str(&to->meta, OOD_PRECISION, "bf16") < 0)
		cli_oom();
	cli_history(to, inputs, 2 + um_extras_inputs(f->e, inputs + 2));
	if (!(f->map = ts_header_map(to, images)))
		cli_oom();
	f->label = ts_header_col(to, "label");
	if (net_map_classes(&f->classes, images, &f->c, &err) < 0)
		return ts_reader_fail(f->r, "%s", err.text);
	if (f->classes.to && !f->c.classes)
		ts_meta_del(&to->meta, "classes"); /* they name no classes of the model */
	if (f->label >= 0 && f->classes.to)
		(net_class_map_words(&f->classes, &f->c, &err) ? cli_warn : cli_info)("'%s': %s", ts_reader_name(f->r),
										      err.text);
	return 0;
}

/* Were the images prepared as those of the network, and of the others that see them, were? */
static void compare_prepared(const struct flow *f)
{
	const struct ts_header *inputs[UM_MAX_INPUTS], *images = ts_reader_header(f->r);
	const size_t n = um_extras_inputs(f->e, inputs);
	struct err words;

	kit_warn_prepared(ts_reader_name(f->r), &images->meta, f->c.net->h, f->c.net->w, &f->c.header.meta);
	for (size_t i = 0; i < n; i++)
		if (strcmp(inputs[i]->kind, "checkpoint") == 0 &&
		    ds_prep_differs(&images->meta, f->c.net->h, f->c.net->w, &inputs[i]->meta, &words))
			cli_warn("--against, --ensemble: '%s': %s", ts_reader_name(f->r), words.text);
}

/* Warns of networks of --against and --ensemble, n at `path`, that are the model, or one before them in the list. Their
 * identities are in the output's meta at `key`. */
static void compare_networks(const struct flow *f, const char *key, const char *const *path, size_t n)
{
	const struct ts_meta *m = &f->out.header.meta;
	char *model, **id;
	size_t found;

	if (n == 0)
		return;
	if (ts_meta_get_str(m, "model", &model) < 1 || ts_meta_get_strs(m, key, &id, &found) < 1)
		cli_oom();
	for (size_t k = 0, i; k < n; k++) {
		for (i = 0; i < k && strcmp(id[i], id[k]) != 0;)
			i++;
		if (strcmp(model, id[k]) == 0)
			cli_warn("'%s' is the same network as --model: %s", path[k],
				 path == ensemble.v ? "the ensemble counts it twice" : "every distance will be 0");
		else if (i < k)
			cli_warn("'%s' is the same network as '%s': the ensemble counts it twice", path[k], path[i]);
	}
	ts_strs_free(id, found);
	free(model);
}

static int run(struct flow *f, const struct um_engine_options *how)
{
	struct err err;

	if (net_check_images(f->c.net, f->r) < 0)
		return -1;
	compare_prepared(f);
	if (make_header(f, ts_reader_header(f->r)) < 0)
		return -1;
	compare_networks(f, "ensemble.models", ensemble.v, ensemble.n);
	compare_networks(f, "kl-distance.models", &extra.against, extra.against ? 1 : 0);
	if (um_extras_open(f->e, &f->c, how, &err) < 0)
		return cli_error("%s", err.text);
	return kit_out_begin(&f->out) < 0 || embed(f) < 0 ? -1 : kit_out_finish(&f->out);
}

static int no_masks(struct err *err)
{
	return err_fail(err, "'%s' has no masks; leave --%s out", model_path, full ? "full" : "masked");
}

/* Opens an ONNX file for images of the stream's size; guesses are reported as notes. */
static int open_onnx(struct flow *f, struct err *err)
{
	const struct ts_field *image = ts_images_field(f->r);
	struct net_onnx how = {
		.features = onnx.features, .logits = onnx.logits, .probe = um_graph_sizes, .say = job_model_say
	};

	if (!image)
		return err_fail(err, "%s", ts_reader_error(f->r));
	if (masked || full)
		return no_masks(err);
	how.c = (int)image->shape[0];
	how.h = (int)image->shape[1];
	how.w = (int)image->shape[2];
	return net_onnx_read(&f->c, model_path, &how, err) < 0 ? -1 : job_model_normalise(&onnx, &f->c, err);
}

/* Chooses the requested one of the two networks in a masked checkpoint. */
static int choose(struct net_checkpoint *c, struct err *err)
{
	if (net_load_any(c, model_path, err) < 0)
		return -1;
	if ((masked || full) && !c->mask)
		return no_masks(err);
	if (c->mask && !masked && !full)
		cli_info("'%s' has masks: running the masked network", model_path);
	return net_is_graph(c->net) ? 0 : net_bake(c, !full, NULL, err);
}

static void release(struct flow *f)
{
	for (int i = 0; i < UM_DEPTH; i++)
		ts_batch_release(&f->rows[i]);
	free(f->map);
	ts_class_map_release(&f->classes);
	um_extras_free(f->e);
	net_checkpoint_release(&f->c);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	const struct um_engine_options how = { .graph = true,
					       .torch = um_engine_is_torch(engine, cli.device),
					       .device = cli.device,
					       .threads = cli.threads,
					       .chunk = (size_t)chunk,
					       .precision = precision };
	struct flow f = { 0 };
	struct err err;

	if (!model_path)
		cli_usage("no --model given");
	if (ensemble.n > UM_MAX_ENSEMBLE)
		cli_usage("--ensemble: %zu models, and %d are the most", ensemble.n, UM_MAX_ENSEMBLE);
	extra.ensemble = ensemble.v;
	extra.n_ensemble = ensemble.n;
	extra.passes = (size_t)passes;
	extra.seed = (uint64_t)cli.seed;
	if ((passes > 0) != (extra.dropout > 0))
		cli_usage("--passes and --dropout go together: how many, and the probability, above 0, of dropping a "
			  "number; give the one that the network was trained with");
	if (masked && full)
		cli_usage("--masked and --full exclude each other");
	if (um_engine_check(&how, &err) < 0)
		cli_usage("%s", err.text);
	if (net_onnx_is(model_path))
		job_model_check(&onnx, false);
	else if (onnx.features || onnx.logits || onnx.normalise || onnx.mean || onnx.std)
		cli_usage("--features, --logits, --normalise, --mean and --std are for an ONNX file; '%s' is not one",
			  model_path);
	f.r = cli_input(first, argc, argv);
	if ((net_onnx_is(model_path) ? open_onnx(&f, &err) : choose(&f.c, &err)) == 0)
		rc = um_extras_new(&f.e, &extra, &f.c, &err);
	if (rc == 0 && precision == UM_BF16 && um_extras_gradients(f.e))
		cli_usage("--precision bf16 is for the forward pass alone, not for --odin, --i-odin, --adascale, "
			  "--passes, --perturb and --fgsm");
	if (rc == UM_BAD_OPTIONS)
		cli_usage("%s", err.text);
	kit_out_init(&f.out, "features", cli_output());
	rc = rc < 0 ? cli_error("%s", err.text) : run(&f, &how);
	rc = kit_end(f.r, &f.out, rc);
	release(&f);
	return rc;
}
