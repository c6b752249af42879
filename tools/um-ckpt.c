/* SPDX-License-Identifier: MIT
 * um-ckpt: checkpoints, without running them. Makes them of other programs' files and the other way round,
 * lists and compares them; `bake` makes an ordinary checkpoint of a masked one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "net/foreign/net_export.h"
#include "net/foreign/net_foreign.h"
#include "net/foreign/net_import.h"
#include "report/report_state.h"

enum { BY_NAME, PTH, SAFETENSORS }; /* --format */

static struct {
	const char *arch, *size, *normalise, *mean, *std, *classes, *key, *prefix;
	struct cli_list renames;
	long format, scope, rule; /* the last two: enum net_mask_scope, enum net_mask_rule */
	double keep, tolerance;
	bool full, partial, masks;
} o = { .keep = -1, .masks = true };

static const struct cli_option options[] = {
	{ "arch", 'a', CLI_STR, "SPEC", &o.arch, 0, 0, "import: architecture (default: guessed)" },
	{ "size", 0, CLI_STR, "N|CxHxW", &o.size, 0, 0,
	  "import: input (default: 32, or 224 if the first convolution is 7x7)" },
	{ "normalise", 0, CLI_STR, NET_NORMALISERS, &o.normalise, 0, 0,
	  "import: input normalisation that the network was trained with; this or --mean and --std" },
	{ "mean", 0, CLI_STR, "X,...", &o.mean, 0, 0, "import: mean of each channel, pixels in [0, 1]" },
	{ "std", 0, CLI_STR, "X,...", &o.std, 0, 0, "import: standard deviation of each channel" },
	{ "classes", 0, CLI_STR, "FILE", &o.classes, 0, 0, "import: names of the classes, one per line" },
	{ "key", 0, CLI_STR, "NAME", &o.key, 0, 0, "entry of a training dictionary (default: state_dict...)" },
	{ "prefix", 0, CLI_STR, "NAME", &o.prefix, 0, 0,
	  "import: the network's names begin with NAME. (default: found)" },
	{ "rename", 0, CLI_LIST, "FROM=TO", &o.renames, 0, 0,
	  "import: what is called FROM, in front or behind a dot, is TO; may be given again" },
	{ "partial", 0, CLI_FLAG, NULL, &o.partial, 0, 0, "import: take what fits, fresh values for the rest" },
	{ "keep", 0, CLI_DOUBLE, "X", &o.keep, 0, 1, "import: fraction of weights that scores keep" },
	{ "scope", 0, CLI_CHOICE, NET_MASK_SCOPES, &o.scope, 0, 0, "import: what scores are compared within" },
	{ "rule", 0, CLI_CHOICE, "top|sample|quantile", &o.rule, 0, 0,
	  "import: what scores mean: the largest stay, each stays by chance, what reaches a quantile stays" },
	{ "masks", 0, CLI_FLAG, NULL, &o.masks, 0, 0, "import: take masks (--no-masks: leave them out)" },
	{ "format", 0, CLI_CHOICE, "name|pth|safetensors", &o.format, 0, 0,
	  "export: what to write (default: as FILE of -o is called, else pth)" },
	{ "full", 0, CLI_FLAG, NULL, &o.full, 0, 0, "bake, export: the full network, without masks" },
	{ "tolerance", 0, CLI_DOUBLE, "X", &o.tolerance, 0, 1e30, "diff: differences up to X are none" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-ckpt",
	"import|export|show|bake [option...] [FILE]\n       um-ckpt diff [option...] A B",
	"Convert between checkpoints and PyTorch or safetensors files; list, compare and bake them.",
	options,
	"Reads .pth, .pt, .tar, .state of any PyTorch, and safetensors, and executes nothing in them.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_OUTPUT | CLI_SEED,
	NULL
};

static const char *called(const char *path)
{
	return path && strcmp(path, "-") != 0 ? path : "<stdin>";
}

/* ---- import ---- */

static void check_normalisation(void)
{
	if (o.normalise && (o.mean || o.std))
		cli_usage("--normalise, or --mean and --std, not both");
	if (!o.mean != !o.std)
		cli_usage("--mean and --std go together");
	if ((o.normalise && !net_is_normaliser(o.normalise)) || (!o.normalise && !o.mean))
		cli_usage("with which normalisation of its input was the network trained? --normalise " NET_NORMALISERS
			  ", or --mean and --std; no file says it");
}

static int normalise(struct net_checkpoint *c)
{
	struct err err;

	if (o.mean)
		return net_normalise_by(c, o.mean, o.std, &err) < 0 ? cli_error("--%s", err.text) : 0;
	if (net_normalise(c, o.normalise, &err) < 0)
		return cli_error("%s; --mean and --std say others", err.text);
	if (strcmp(o.normalise, "cifar10") == 0)
		cli_warn("normalisation: std %.4f,%.4f,%.4f; if it was trained with 0.2023,0.1994,0.2010, "
			 "--normalise cifar10-narrow",
			 c->std[0], c->std[1], c->std[2]);
	return 0;
}

/* Are the names as many as the network's classes? Takes them into *c. */
static int class_names(struct net_checkpoint *c, char ***names, size_t n)
{
	if (o.classes && n != (size_t)c->net->classes)
		return cli_error("'%s' names %zu classes, one per line; the network has %d", o.classes, n,
				 c->net->classes);
	c->classes = *names;
	c->n_classes = n;
	*names = NULL;
	if (!o.classes)
		cli_warn("its classes have no names: labels are taken for the model's numbers; --classes FILE names "
			 "them, "
			 "a line each");
	return 0;
}

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

static void say(bool wrong, const char *line)
{
	if (wrong)
		cli_error("%s", line);
	else
		cli_warn("%s", line);
}

/* What the file holds beside the tensors that were read. */
static void left_out(const struct net_foreign *f)
{
	if (*f->module)
		cli_warn("the tensors were taken out of a module of class '%s', which is not run: what it computes "
			 "beyond its layers is not in the file",
			 f->module);
	if (*f->unknown)
		cli_warn("objects that are not known are not made, and nothing is called for them: %s", f->unknown);
	if (*f->left)
		cli_warn("tensors whose numbers cannot be read are left out: %s", f->left);
	if (f->skipped)
		cli_warn("%zu entries of the state are left out", f->skipped);
}

static int import(const char *path)
{
	struct net_foreign f;
	struct net_import how = { .arch = o.arch,
				  .partial = o.partial,
				  .prefix = o.prefix,
				  .renames = o.renames.v,
				  .n_renames = o.renames.n,
				  .left = f.left,
				  .no_masks = !o.masks,
				  .rule = (enum net_mask_rule)o.rule,
				  .keep = o.keep,
				  .scope = (enum net_mask_scope)o.scope,
				  .seed = (uint64_t)cli.seed,
				  .say = say };
	struct net_checkpoint c = { 0 };
	char **names = NULL;
	size_t n_names = 0;
	struct err err;
	int rc = -1;

	parse_size(&how);
	if (o.classes && !(names = cli_lines(o.classes, &n_names)))
		return -1;
	how.classes = n_names;
	if (net_foreign_read(&f, path, o.key, &err) < 0) {
		ts_strs_free(names, n_names);
		return cli_error("%s", err.text);
	}
	if (strncmp(f.format, "unmask", 6) == 0) {
		rc = cli_error("'%s' is a checkpoint already", called(path));
		goto out;
	}
	if (*f.key)
		cli_warn("using the state dict under '%s'%s%s", f.key, *f.others ? "; --key could say:" : "", f.others);
	left_out(&f);
	if (net_import(&c, &f.state, &how, &err) < 0)
		cli_error("'%s': %s", called(path), err.text);
	else if (normalise(&c) == 0 && class_names(&c, &names, n_names) == 0) {
		cli_history(&c.header, NULL, 0);
		rc = net_save(&c, cli.output, &err);
		if (rc < 0)
			cli_error("%s", err.text);
	}
out:
	net_checkpoint_release(&c);
	net_foreign_release(&f);
	ts_strs_free(names, n_names);
	return rc;
}

/* ---- the others ---- */

static int export(const char *path)
{
	const char *dot = cli.output ? strrchr(cli.output, '.') : NULL;
	const bool safetensors =
		o.format == SAFETENSORS || (o.format == BY_NAME && dot && strcmp(dot, ".safetensors") == 0);
	struct net_checkpoint c;
	struct err err;
	int rc = net_load(&c, path, &err);

	if (rc == 0)
		rc = net_export(&c, safetensors ? NET_EXPORT_SAFETENSORS : NET_EXPORT_PTH, o.full, cli.output, &err);
	if (rc < 0)
		cli_error("%s", err.text);
	net_checkpoint_release(&c);
	return rc;
}

static int show(const char *path)
{
	struct net_foreign f;
	struct err err;

	if (net_foreign_read(&f, path, o.key, &err) < 0)
		return cli_error("%s", err.text);
	printf("# format\t\"%s\"\n", f.format);
	if (*f.module)
		printf("# module\t\"%s\"\n", f.module);
	if (*f.left)
		printf("# left out\t\"%s\"\n", f.left);
	if (report_state(stdout, &f.meta, &f.state) < 0)
		cli_oom();
	net_foreign_release(&f);
	return 0;
}

static int diff(const char *a, const char *b)
{
	struct net_foreign f = { 0 }, g = { 0 };
	struct err err;
	int rc = -1;

	if (net_foreign_read(&f, a, o.key, &err) < 0 || net_foreign_read(&g, b, o.key, &err) < 0 ||
	    net_import_prefixes(&f.state, &err) < 0 || net_import_prefixes(&g.state, &err) < 0)
		cli_error("%s", err.text);
	else
		rc = report_state_diff(stdout, &f.state, &g.state, o.tolerance) ? -1 : 0;
	if (f.doubles || g.doubles)
		cli_warn("%zu tensors of A and %zu of B are double precision; compared in single", f.doubles,
			 g.doubles);
	net_foreign_release(&f);
	net_foreign_release(&g);
	return rc;
}

static int bake(const char *path)
{
	struct net_checkpoint c = { 0 };
	double sparsity = 0;
	struct err err;
	int rc = -1;

	if (net_load(&c, path, &err) == 0) {
		if (!c.mask)
			err_fail(&err, "'%s' has no masks: it is an ordinary checkpoint", called(path));
		else if (net_bake(&c, !o.full, &sparsity, &err) == 0) {
			net_strip_meta(&c.header.meta);
			cli_history_anew(&c.header, (const struct ts_header *[]){ &c.header }, 1);
			rc = net_save(&c, cli.output, &err);
		}
	}
	if (rc < 0)
		cli_error("%s", err.text);
	else
		cli_log("sparsity=%.6f", sparsity);
	net_checkpoint_release(&c);
	return rc;
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
		cli_usage("what to do? give import, export, show, diff or bake%s%s", *verb ? ", not " : "", verb);
	if (!verbs[v].run && left != 2)
		cli_usage("diff takes two files, %d are given", left < 0 ? 0 : left);
	if (verbs[v].run && left > 1)
		cli_usage("at most one FILE, %d are given", left);
	if (verbs[v].run == import)
		check_normalisation();
	if (!verbs[v].run) {
		const bool differ = diff(argv[first + 1], argv[first + 2]) < 0;
		return cli_finish(0) || differ; /* a full disk is said too */
	}
	ts_reader_close(cli_open(argv[first + 1])); /* refuses a terminal */
	if (verbs[v].run != show)
		ts_writer_close(cli_output());
	return cli_finish(verbs[v].run(argv[first + 1]));
}
