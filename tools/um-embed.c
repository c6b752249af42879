/* SPDX-License-Identifier: MIT
 * um-embed: the one forward pass. Images become logits and penultimate features; every other column
 * goes through, so labels and names stay with their rows. Streaming: it holds one batch, with libtorch two. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "net/mask/net_mask.h"
#include "ts/ts_images.h"
#include "um/embed/um_extra.h"

enum { NN, TORCH }; /* --engine */
static const char *model_path;
static long chunk, engine, precision; /* the last: enum um_precision */
static bool masked, full;
static struct um_extra_options extra;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &model_path, 0, 0, "checkpoint of the network (required)" },
	{ "batch-size", 'b', CLI_INT, "N", &chunk, 1, 65536,
	  "images in work at a time (default 16, on a GPU 256; changes the speed, not the result)" },
	{ "engine", 0, CLI_CHOICE, "nn|torch", &engine, 0, 0,
	  "what runs the network on the CPU: our own kernels (default), or libtorch" },
	{ "precision", 0, CLI_CHOICE, "f32|tf32|bf16", &precision, 0, 0,
	  "floats (default); on a GPU with TF32's products; weights and maps in bfloat16" },
	{ "masked", 0, CLI_FLAG, NULL, &masked, 0, 0, "of a checkpoint with masks, run the masked network (default)" },
	{ "full", 0, CLI_FLAG, NULL, &full, 0, 0, "of a checkpoint with masks, run the full network" },
	{ "odin", 0, CLI_STR, "WHAT", &extra.odin, 0, 0,
	  "add logits after ODIN's input step: eps=E,E...:temperature=T:space=S" },
	{ "layers", 0, CLI_FLAG, NULL, &extra.layers, 0, 0, "add channel means of the feature list" },
	{ "perturb", 0, CLI_STR, "FIT", &extra.perturb, 0, 0,
	  "add channel means of the feature list after a step toward the nearest class mean of FIT" },
	{ "perturb-eps", 0, CLI_STR, "E,E...", &extra.perturb_eps, 0, 0, "sizes of the step of --perturb" },
	{ "against", 0, CLI_STR, "FILE", &extra.against, 0, 0,
	  "add the distance of a second checkpoint's probabilities" },
	{ "gram", 0, CLI_STR, "stages|all|N", &extra.gram, 0, 0,
	  "add row sums of Gram matrices: of the feature list, or of the last N activations per stage" },
	{ "rankfeat", 0, CLI_FLAG, NULL, &extra.rankfeat, 0, 0,
	  "add logits without the last maps' first singular part" },
	{ "fgsm", 0, CLI_DOUBLE, "EPS", &extra.fgsm, 0, 1,
	  "attack the images first, by a step up the loss of their labels" },
	{ 0 }
};

static const struct cli_tool tool = { "um-embed",
				      "-m MODEL [option...] [FILE]",
				      "Run a network over a stream of images and write its logits and features.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS,
				      NULL };

/* Do the images' labels mean the model's classes? True too where names are not known. */
static bool same_classes(const struct ts_header *h, const struct net_checkpoint *c)
{
	char **names = NULL;
	size_t n = 0;
	bool same;

	if (ts_meta_get_strs(&h->meta, "classes", &names, &n) != 1)
		return true;
	same = ts_same_classes(names, n, c->classes, c->n_classes);
	ts_strs_free(names, n);
	return same;
}

/* Logits and features, then what goes through. */
static int add_fields(struct ts_header *to, const struct ts_header *from, const struct net *n, struct err *err)
{
	const size_t C = (size_t)n->classes, D = (size_t)n->nodes[n->feature].c;

	if (ts_header_add(to, "logits", TS_F32, 1, &C) < 0 || ts_header_add(to, "features", TS_F32, 1, &D) < 0)
		return err_memory(err);
	for (size_t i = 0; i < from->n_fields; i++) {
		const struct ts_field *f = &from->fields[i];

		if (strcmp(f->name, "image") == 0)
			continue;
		if (ts_header_field(to, f->name))
			return err_fail(err, "has a field '%s' that um-embed writes itself", f->name);
		if (ts_header_add(to, f->name, f->type, f->ndim, f->shape) < 0)
			return err_memory(err);
	}
	return 0;
}

/* The images' meta, and what scores need of the model. */
static int add_meta(struct ts_meta *m, const struct ts_meta *from, const struct net_checkpoint *c, struct err *err)
{
	struct ts_tensor weight, bias;
	int rc = 0;

	if (net_last_layer(c, &weight, &bias) < 0)
		return err_memory(err);
	if (ts_meta_merge(m, from) < 0 || ts_meta_set_str(m, "arch", c->net->spec) < 0 ||
	    ts_meta_set_tensor(m, "fc.weight", &weight) < 0 || ts_meta_set_tensor(m, "fc.bias", &bias) < 0 ||
	    (c->classes && ts_meta_set_strs(m, "classes", c->classes, c->n_classes) < 0))
		rc = err_memory(err);
	ts_tensor_release(&weight);
	ts_tensor_release(&bias);
	return rc;
}

static int make_header(struct ts_header *to, const struct ts_header *from, const struct net_checkpoint *c,
		       const struct um_extras *e, struct err *err)
{
	const struct ts_header *inputs[4] = { from, &c->header };

	ts_header_init(to, "features");
	if (add_fields(to, from, c->net, err) < 0 || add_meta(&to->meta, &from->meta, c, err) < 0 ||
	    um_extras_header(e, to, err) < 0)
		return -1;
	cli_history(to, inputs, 2 + um_extras_inputs(e, inputs + 2));
	return 0;
}

/* Labels in out: hidden if they mean other classes, else in range. */
static int check_labels(struct ts_reader *r, struct ts_batch *out, size_t n_classes, bool hide)
{
	struct ts_col *label = ts_batch_col(out, "label");

	if (!label || label->type != TS_I64 || label->ndim)
		return 0;
	for (size_t i = 0; i < out->n; i++) {
		int64_t *y = (int64_t *)label->data + i;
		if (hide)
			*y = -1;
		else if (*y < -1 || *y >= (int64_t)n_classes)
			return ts_reader_fail(r,
					      "row %llu: label %lld is out of range for a model of %zu "
					      "classes",
					      (unsigned long long)ts_reader_rows(r) - out->n + i, (long long)*y,
					      n_classes);
	}
	return 0;
}

/* Copies what is not the image from in to out. */
static int copy_columns(struct ts_batch *out, const struct ts_batch *in)
{
	if (ts_batch_resize(out, 0) < 0 || ts_batch_resize(out, in->n) < 0)
		return -1;
	for (size_t k = 0; k < out->n_cols; k++) {
		struct ts_col *to = &out->cols[k];
		const struct ts_col *from = ts_batch_col(in, to->name);

		if (!from)
			continue;
		if (to->type != TS_STR) {
			memcpy(to->data, from->data, in->n * from->row);
			continue;
		}
		for (size_t i = 0; i < in->n; i++)
			if (ts_col_set_str(to, i, ts_col_str(from, i)) < 0)
				return -1;
	}
	return 0;
}

/* What is on its way from images to features: batches that were started and not yet written. */
struct flow {
	struct ts_reader *r;
	struct ts_writer *w;
	struct um_extras *e;
	struct ts_batch out[UM_DEPTH];
	size_t started, written;
};

static int start(struct flow *f, const struct ts_batch *in, const struct net *n, bool hide_labels)
{
	struct ts_batch *out = &f->out[f->started % UM_DEPTH];
	struct err err;

	if (copy_columns(out, in) < 0)
		cli_oom();
	if (check_labels(f->r, out, (size_t)n->classes, hide_labels) < 0)
		return -1;
	if (um_extras_start(f->e, in, ts_reader_rows(f->r) - in->n, out, &err) < 0)
		return cli_error("'%s': %s", ts_reader_name(f->r), err.text);
	f->started++;
	return 0;
}

/* Writes the oldest batches, until at most `left` are on their way. */
static int pass_on(struct flow *f, size_t left)
{
	struct err err;

	while (f->started - f->written > left) {
		const struct ts_batch *out = &f->out[f->written++ % UM_DEPTH];

		if (um_extras_finish(f->e, &err) < 0)
			return cli_error("'%s': %s", ts_reader_name(f->r), err.text);
		if (ts_writer_write(f->w, out) < 0)
			return -1;
		cli_progress("%llu images", (unsigned long long)ts_reader_rows(f->r));
	}
	return 0;
}

/* A batch is written when the next has been started, or when there is no next to be read yet: on a live pipe
 * nothing is held back. */
static int embed(struct flow *f, const struct net *n, const struct ts_header *to, bool hide_labels)
{
	const size_t ahead = (size_t)um_extras_depth(f->e) - 1;
	struct ts_batch in;
	bool failed = false;
	int rc;

	if (ts_batch_init(&in, ts_reader_header(f->r)) < 0)
		cli_oom();
	for (int i = 0; i < UM_DEPTH; i++)
		if (ts_batch_init(&f->out[i], to) < 0)
			cli_oom();
	while (!failed && (rc = ts_reader_next(f->r, &in)) == 1)
		failed = start(f, &in, n, hide_labels) < 0 || pass_on(f, ts_reader_ready(f->r) ? ahead : 0) < 0;
	if (failed || pass_on(f, 0) < 0) /* of a stream that breaks off too */
		rc = -1;
	if (rc == 0 && ts_reader_rows(f->r) == 0)
		rc = ts_reader_fail(f->r, "holds no images");
	if (um_extras_note(f->e))
		cli_warn("%s", um_extras_note(f->e));
	ts_batch_release(&in);
	for (int i = 0; i < UM_DEPTH; i++)
		ts_batch_release(&f->out[i]);
	return rc;
}

static int run(struct ts_reader *r, struct ts_writer *w, struct net_checkpoint *c, struct um_extras *e,
	       const struct um_engine_options *how)
{
	struct flow f = { .r = r, .w = w, .e = e };
	struct ts_header to = { 0 };
	struct err err;
	const struct ts_header *from;
	bool hide;
	int rc = -1;

	if (net_check_images(c->net, r) < 0)
		return -1;
	from = ts_reader_header(r);
	hide = !same_classes(from, c);
	if (hide)
		cli_warn("'%s': its classes are not the model's, so its labels become -1", ts_reader_name(r));
	if (make_header(&to, from, c, e, &err) < 0) {
		ts_reader_fail(r, "%s", err.text);
	} else if (um_extras_open(e, c, how, &err) < 0) {
		cli_error("%s", err.text);
	} else {
		rc = ts_writer_begin(w, &to);
		if (rc == 0)
			rc = embed(&f, c->net, &to, hide);
		if (rc == 0)
			rc = ts_writer_finish(w);
	}
	ts_header_release(&to);
	return rc;
}

/* The network that is asked for, of the two that a masked checkpoint holds. */
static int choose(struct net_checkpoint *c, struct err *err)
{
	if (net_load(c, model_path, err) < 0)
		return -1;
	if ((masked || full) && !c->mask) {
		return err_fail(err, "'%s' has no masks; leave --%s out", model_path, full ? "full" : "masked");
	}
	if (c->mask && !masked && !full)
		cli_info("'%s' has masks: running the masked network", model_path);
	return net_bake(c, !full, NULL, err);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	const struct um_engine_options how = { .graph = true,
					       .torch = engine == TORCH || strcmp(cli.device, "cpu") != 0,
					       .device = cli.device,
					       .threads = cli.threads,
					       .chunk = (size_t)chunk,
					       .precision = precision };
	struct net_checkpoint c = { 0 };
	struct um_extras *e = NULL;
	struct ts_reader *r;
	struct ts_writer *w;
	struct err err;

	if (!model_path)
		cli_usage("no --model given");
	if (masked && full)
		cli_usage("--masked and --full exclude each other");
	if (um_engine_check(&how, &err) < 0)
		cli_usage("%s", err.text);
	r = cli_input(first, argc, argv);
	if (choose(&c, &err) == 0)
		rc = um_extras_new(&e, &extra, &c, &err);
	if (rc == 0 && precision == UM_BF16 && um_extras_gradients(e))
		cli_usage("--precision bf16 is for the forward pass alone, not for --odin, --perturb and --fgsm");
	if (rc == UM_BAD_OPTIONS)
		cli_usage("%s", err.text);
	w = cli_output();
	if (rc < 0)
		cli_error("%s", err.text);
	else
		rc = run(r, w, &c, e, &how);
	cli_check_reader(r);
	cli_check_writer(w);
	ts_reader_close(r);
	ts_writer_close(w);
	um_extras_free(e);
	net_checkpoint_release(&c);
	return cli_finish(rc);
}
