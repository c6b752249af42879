/* SPDX-License-Identifier: MIT
 * um-ckpt: checkpoints, without running them. `bake` makes an ordinary checkpoint of a masked one. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "net/net_mask.h"

static bool full;

static const struct cli_option options[] = {
	{ "full", 0, CLI_FLAG, NULL, &full, 0, 0, "bake: the full network (default: the masked one)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-ckpt", "bake [option...] [FILE]",
	"Make an ordinary checkpoint of one of the two networks of a masked checkpoint.", options,
	"The share of weights that are 0 goes to standard error.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_OUTPUT, NULL
};

/* Drops what a run would resume from: it belongs to the checkpoint as it was. */
static void drop_run(struct ts_meta *m)
{
	for (size_t i = m->n; i-- > 0;)
		if (strncmp(m->e[i].key, "train/", 6) == 0)
			ts_meta_del(m, m->e[i].key);
}

static int bake(const char *path)
{
	struct net_checkpoint c = { 0 };
	struct ts_header from = { 0 }, to;
	double sparsity = 0;
	char err[NET_ERR];
	int rc = -1;

	ts_header_init(&to, "checkpoint");
	if (net_load(&c, path, err) < 0) {
		cli_error("%s", err);
	} else if (!c.mask) {
		cli_error("'%s' has no masks: it is an ordinary checkpoint", path ? path : "<stdin>");
	} else if (net_bake(&c, !full, &sparsity, err) < 0) {
		cli_error("%s", err);
	} else {
		from = c.header;
		drop_run(&from.meta);
		cli_history(&to, (const struct ts_header *[]){ &from }, 1);
		if (ts_meta_merge(&to.meta, &from.meta) < 0)
			cli_oom();
		c.header = to;
		to = from;
		rc = net_save(&c, cli.output, err);
		if (rc < 0)
			cli_error("%s", err);
		else
			cli_log("sparsity=%.6f", sparsity);
	}
	ts_header_release(&to);
	net_checkpoint_release(&c);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;

	if (first >= argc || strcmp(argv[first], "bake") != 0)
		cli_usage("what to do? bake%s%s", first < argc ? ", not " : "", first < argc ? argv[first] : "");
	if (argc - first > 2)
		cli_usage("one FILE at most, %d are given", argc - first - 1);
	ts_reader_close(cli_open(argv[first + 1]));   /* refuses a terminal */
	ts_writer_close(cli_output());
	rc = bake(argv[first + 1]);
	return cli_finish(rc);
}
