/* SPDX-License-Identifier: MIT
 * um-ckpt: handles checkpoints without running them. Converts them from and to other programs' files, lists and
 * compares them; `bake` turns a masked checkpoint into an ordinary one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ds/ds_prep.h"
#include "err/err_near.h"
#include "job/job_model.h"
#include "net/foreign/net_export.h"
#include "net/foreign/net_foreign.h"
#include "net/foreign/net_import.h"
#include "report/report_state.h"
#include "um/run/um_graph.h"

enum { BY_NAME, PTH, SAFETENSORS }; /* --format */

static struct {
	struct job_model model;
	const char *arch, *size, *prepare, *classes, *key, *prefix;
	struct ds_shape shape; /* of prepare */
	struct cli_list renames;
	long format, scope, rule; /* the last two: enum net_mask_scope, enum net_mask_rule */
	double keep, tolerance;
	bool full, partial, masks;
} o = { .keep = -1, .masks = true };

static const struct cli_option options[] = {
	{ "arch", 'a', CLI_STR, "SPEC", &o.arch, 0, 0, "import: architecture (default: guessed)" },
	{ "size", 0, CLI_STR, "N|CxHxW", &o.size, 0, 0,
	  "import: input size (default: 32, or 224 if the first convolution has a stride)" },
	{ "prepare", 0, CLI_STR, "WORDS", &o.prepare, 0, 0,
	  "import: how to prepare its images, as in 'size=256 resize=short crop=224', for ds-pack --for" },
	{ "normalise", 0, CLI_STR, NET_NORMALISERS, &o.model.normalise, 0, 0,
	  "import: input normalisation that the network was trained with (or give --mean and --std)" },
	{ "mean", 0, CLI_STR, "X,...", &o.model.mean, 0, 0, "import: mean of each channel, pixels in [0, 1]" },
	{ "std", 0, CLI_STR, "X,...", &o.model.std, 0, 0, "import: standard deviation of each channel" },
	{ "features", 0, CLI_STR, "NODE", &o.model.features, 0, 0,
	  "import of ONNX: the value to take as features (default: the last linear layer's input)" },
	{ "logits", 0, CLI_STR, "NODE", &o.model.logits, 0, 0,
	  "import of ONNX: the value to take as logits, or none (default: the first output)" },
	{ "classes", 0, CLI_STR, "FILE", &o.classes, 0, 0, "import: names of the classes, one per line" },
	{ "key", 0, CLI_STR, "NAME", &o.key, 0, 0, "entry that holds the weights (default: state_dict...)" },
	{ "prefix", 0, CLI_STR, "NAME", &o.prefix, 0, 0,
	  "import: prefix of the network's names, without the dot (default: detected)" },
	{ "rename", 0, CLI_LIST, "FROM=TO", &o.renames, 0, 0,
	  "import: rename FROM, a part of a name between dots, to TO; may be repeated" },
	{ "partial", 0, CLI_FLAG, NULL, &o.partial, 0, 0, "import: take the tensors that fit, initialise the rest" },
	{ "keep", 0, CLI_DOUBLE, "X", &o.keep, 0, 1, "import: fraction of weights that mask scores keep" },
	{ "scope", 0, CLI_CHOICE, NET_MASK_SCOPES, &o.scope, 0, 0,
	  "import: compare scores within a layer or over the model" },
	{ "rule", 0, CLI_CHOICE, "top|sample|quantile", &o.rule, 0, 0,
	  "import: how scores become a mask: keep the largest, keep each at random, keep those that reach a quantile" },
	{ "masks", 0, CLI_FLAG, NULL, &o.masks, 0, 0, "import: take masks (--no-masks: drop them)" },
	{ "format", 0, CLI_CHOICE, "name|pth|safetensors", &o.format, 0, 0,
	  "export: format to write (default: by the suffix of -o FILE, else pth)" },
	{ "full", 0, CLI_FLAG, NULL, &o.full, 0, 0, "bake, export: the full network, without masks" },
	{ "tolerance", 0, CLI_DOUBLE, "X", &o.tolerance, 0, 1e30, "diff: ignore differences up to X" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-ckpt",
	"import|export|show|bake [option...] [FILE]\n       um-ckpt diff [option...] A B",
	"Convert PyTorch, safetensors and ONNX files to checkpoints; export, list, compare and bake them.",
	options,
	"Reads .pth, .pt, .tar, .state of any PyTorch, safetensors, and ONNX, and executes nothing in them.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_OUTPUT | CLI_SEED | CLI_ROWS,
	NULL
};

/* Prints why something failed, if it did. */
static int tell(int rc, const struct err *err)
{
	return rc < 0 ? cli_error("%s", err->text) : rc;
}

/* ---- import ---- */

/* N, HxW or CxHxW. */
static void parse_size(struct net_import *how)
{
	long v[3];
	const int n = o.size ? cli_parse_sizes(o.size, 4096, v, 3) : 0;

	if (o.size && n == 0)
		cli_usage("--size takes N, HxW or CxHxW, not '%s'", o.size);
	how->c = n == 3 ? (int)v[0] : 0;
	how->h = n ? (int)v[n == 3] : 0;
	how->w = n ? (int)v[n - 1] : 0;
}

/* Parses --prepare, which also gives the input's size if --size does not. */
static void parse_prepare(struct net_import *how)
{
	struct err err;
	int h, w;

	if (!o.prepare)
		return;
	if (ds_prep_parse(&o.shape, o.prepare, &err) < 0)
		cli_usage("--prepare: %s", err.text);
	if (!o.size && ds_prep_size(&o.shape, &h, &w)) {
		how->h = h;
		how->w = w;
	}
}

/* Records how images are prepared for the network, if that is known. */
static int take_prepare(struct net_checkpoint *c, struct err *err)
{
	if (!o.prepare)
		return 0;
	if (ds_prep_check(&o.shape, c->net->c, c->net->h, c->net->w, err) < 0)
		return err_prefix(err, "--prepare ");
	return ds_prep_put(&c->header.meta, &o.shape) < 0 ? err_memory(err) : 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of --classes, each up to a tab, read as ds-pack reads such files. Labels of images are matched by these
 * names. */
static char **class_names(size_t *n)
{
	char **names = cli_lines(o.classes, n), **sorted = names ? malloc(*n * sizeof *sorted) : NULL;

	if (!names)
		return NULL;
	if (!sorted)
		cli_oom();
	for (size_t i = 0; i < *n; i++) {
		names[i][strcspn(names[i], "\t")] = '\0';
		sorted[i] = names[i];
	}
	qsort(sorted, *n, sizeof *sorted, by_text);
	for (size_t i = 1; i < *n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			cli_warn("'%s': two classes are called '%s': labels go by names, and the first one gets all",
				 o.classes, sorted[i]);
	free(sorted);
	return names;
}

/* An ONNX file describes its network itself. */
static int import_onnx(struct net_checkpoint *c, const char *path, const struct net_import *how, struct err *err)
{
	const struct net_onnx onnx = { .features = o.model.features,
				       .logits = o.model.logits,
				       .c = how->c,
				       .h = how->h,
				       .w = how->w,
				       .names = how->names,
				       .classes = how->classes,
				       .probe = um_graph_sizes,
				       .say = job_model_say };

	if (o.arch || o.key || o.prefix || o.renames.n || o.partial || o.keep >= 0)
		return err_fail(err,
				"'%s' is an ONNX graph: --arch, --key, --prefix, --rename, --partial and --keep are "
				"for files of tensors",
				path);
	return net_onnx_read(c, path, &onnx, err);
}

static bool is_called_safetensors(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".safetensors") == 0;
}

/* Of what we exported, safetensors have the normalisation. */
static bool may_record(const char *path)
{
	return !path || strcmp(path, "-") == 0 || is_called_safetensors(path);
}

static int import(const char *path)
{
	struct net_import how = { .arch = o.arch,
				  .partial = o.partial,
				  .prefix = o.prefix,
				  .renames = o.renames.v,
				  .n_renames = o.renames.n,
				  .no_masks = !o.masks,
				  .rule = (enum net_mask_rule)o.rule,
				  .keep = o.keep,
				  .scope = (enum net_mask_scope)o.scope,
				  .seed = (uint64_t)cli.seed,
				  .say = job_model_say };
	struct net_checkpoint c = { 0 };
	char **names = NULL;
	struct err err;
	int rc;

	parse_size(&how);
	parse_prepare(&how);
	if ((o.model.features || o.model.logits) && !net_onnx_is(path))
		cli_usage("--features and --logits are for an ONNX file, which '%s' is not", net_foreign_name(path));
	if (o.classes && !(names = class_names(&how.classes)))
		return -1;
	how.names = names;
	rc = tell(net_onnx_is(path) ? import_onnx(&c, path, &how, &err) : net_import_file(&c, path, o.key, &how, &err),
		  &err);
	if (rc == 0)
		rc = tell(job_model_normalise(&o.model, &c, &err), &err);
	if (rc == 0)
		rc = tell(take_prepare(&c, &err), &err);
	if (rc == 0) {
		cli_history(&c.header, NULL, 0);
		rc = tell(net_save(&c, cli.output, &err), &err);
	}
	net_checkpoint_release(&c);
	ts_strs_free(names, how.classes);
	return rc;
}

/* ---- the other subcommands ---- */

static int export(const char *path)
{
	const bool safetensors =
		o.format == SAFETENSORS || (o.format == BY_NAME && cli.output && is_called_safetensors(cli.output));
	struct net_checkpoint c;
	struct err err;
	int rc = net_load(&c, path, &err);

	if (rc == 0)
		rc = net_export(&c, safetensors ? NET_EXPORT_SAFETENSORS : NET_EXPORT_PTH, o.full, cli.output, &err);
	net_checkpoint_release(&c);
	return tell(rc, &err);
}

static int show(const char *path)
{
	struct err err;

	return tell(report_state(stdout, path, o.key, &err), &err);
}

/* Returns 0 if they are equal. */
static int diff(const char *a, const char *b)
{
	struct err err;
	size_t rows = 0;

	return tell(report_state_diff(stdout, a, b, o.key, o.tolerance, &rows, &err), &err) < 0 || rows;
}

static int bake(const char *path)
{
	struct net_checkpoint c = { 0 };
	double sparsity = 0;
	struct err err;
	int rc = -1;

	if (net_load(&c, path, &err) == 0) {
		if (!c.mask)
			err_fail(&err, "'%s' has no masks: it is an ordinary checkpoint", net_foreign_name(path));
		else if (net_bake(&c, !o.full, &sparsity, &err) == 0) {
			net_strip_meta(&c.header.meta);
			cli_history_anew(&c.header, (const struct ts_header *[]){ &c.header }, 1);
			rc = net_save(&c, cli.output, &err);
		}
	}
	if (rc == 0)
		cli_log("sparsity=%.6f", sparsity);
	net_checkpoint_release(&c);
	return tell(rc, &err);
}

static void unknown_verb(const char *verb)
{
	static const char *const names[] = { "import", "export", "show", "diff", "bake" };
	struct err_near near = err_near(verb);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		err_near_try(&near, names[i]);
	cli_usage("what to do? give import, export, show, diff or bake%s%s%s", *verb ? ", not " : "", verb,
		  err_near_text(&near, "'"));
}

/* Most options are for import. */
static void check_options(const char *verb)
{
	static const struct {
		const void *value;
		const char *verbs;
	} others[] = { { &o.key, "import, show and diff" },
		       { &o.format, "export" },
		       { &o.full, "bake and export" },
		       { &o.tolerance, "diff" } };

	for (const struct cli_option *one = options; one->name; one++) {
		const char *verbs = "import";

		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			verbs = others[i].value == one->value ? others[i].verbs : verbs;
		if (cli_given(one->value) && !strstr(verbs, verb))
			cli_usage("--%s goes with %s, not with %s", one->name, verbs, verb);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const char *path);
	} verbs[] = {
		{ "import", import }, { "export", export }, { "bake", bake }, { "show", show }, { "diff", NULL }
	};
	int first = cli_parse(&tool, argc, argv), v = 0;
	const char *verb = first < argc ? argv[first] : "";
	const int left = argc - first - 1;

	while (v < 5 && strcmp(verbs[v].name, verb) != 0)
		v++;
	if (v == 5)
		unknown_verb(verb);
	check_options(verb);
	if (cli_given(&cli.output) && (!verbs[v].run || verbs[v].run == show))
		cli_usage("%s prints on standard output, and --output is for files that import, export and bake write",
			  verb);
	if (!verbs[v].run && left != 2)
		cli_usage("diff takes two files, %d are given", left < 0 ? 0 : left);
	if (verbs[v].run && left > 1)
		cli_usage("at most one FILE, %d are given", left);
	if (cli.json && verbs[v].run && verbs[v].run != show)
		cli_usage("--json goes with show and diff");
	if (verbs[v].run == import)
		job_model_check(&o.model, may_record(argv[first + 1]));
	if (!verbs[v].run) {
		const int differ = diff(argv[first + 1], argv[first + 2]);
		return cli_finish(0) || differ; /* a full disk is reported, too */
	}
	ts_reader_close(cli_open(argv[first + 1])); /* refuses a terminal */
	if (verbs[v].run != show)
		ts_writer_close(cli_output());
	return cli_finish(verbs[v].run(argv[first + 1]));
}
