/* SPDX-License-Identifier: MIT
 * Where command line and streams meet: operands, terminals, history. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_internal.h"
#include "version.h"

static bool is_dash(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

struct ts_reader *cli_open(const char *path)
{
	struct ts_reader *r;

	if (is_dash(path) && isatty(STDIN_FILENO)) {
		cli_error("cannot read a binary stream from a terminal; name a FILE or use a pipe");
		exit(cli_failed());
	}
	r = ts_reader_open(path);
	if (!r)
		cli_oom();
	return r;
}

const char *cli_operand(int first, int argc, char **argv)
{
	if (argc - first > 1)
		cli_usage("at most one FILE, but '%s' follows '%s'", argv[first + 1], argv[first]);
	return first < argc ? argv[first] : NULL;
}

struct ts_reader *cli_input(int first, int argc, char **argv)
{
	return cli_open(cli_operand(first, argc, argv));
}

struct ts_writer *cli_output(void)
{
	struct ts_writer *w;

	if (is_dash(cli.output) && isatty(STDOUT_FILENO)) {
		cli_error("cannot write a binary stream to a terminal; use -o FILE, a pipe, or ts-dump");
		exit(cli_failed());
	}
	w = ts_writer_open(cli.output);
	if (!w)
		cli_oom();
	if (is_dash(cli.output))
		cli_watch_output(w);
	return w;
}

static void no_history(const struct ts_header *h)
{
	if (h->n_history < TS_MAX_HISTORY)
		cli_oom();
	cli_error("its history would have more than %d steps, which is all that a header holds; --no-history leaves it "
		  "out",
		  TS_MAX_HISTORY);
	exit(cli_failed());
}

static void add_step(struct ts_header *h, const struct ts_header *const *inputs, size_t n, int argc, char **argv)
{
	if (cli.no_history)
		return;
	for (size_t i = 0; i < n; i++)
		if (inputs[i] && ts_header_chain(h, inputs[i]) < 0)
			no_history(h);
	if (ts_header_log(h, cli_tool_now->name, UNMASK_VERSION, argc, argv, inputs, n) < 0)
		no_history(h);
}

void cli_history(struct ts_header *h, const struct ts_header *const *inputs, size_t n)
{
	add_step(h, inputs, n, cli.argc, cli.argv);
}

void cli_history_part(struct ts_header *h, const struct ts_header *const *inputs, size_t n, const char *part)
{
	char **argv = calloc((size_t)cli.argc + 1, sizeof *argv), comment[64];

	if (!argv)
		cli_oom();
	memcpy(argv, cli.argv, (size_t)cli.argc * sizeof *argv);
	snprintf(comment, sizeof comment, "# %s", part);
	argv[cli.argc] = comment;
	add_step(h, inputs, n, cli.argc + 1, argv);
	free(argv);
}

void cli_history_anew(struct ts_header *h, const struct ts_header *const *inputs, size_t n)
{
	struct ts_header to;

	ts_header_init(&to, h->kind);
	cli_history(&to, inputs, n);
	if (ts_meta_merge(&to.meta, &h->meta) < 0)
		cli_oom();
	ts_header_release(h);
	*h = to;
}

int cli_check_reader(const struct ts_reader *r)
{
	const char *e = ts_reader_error(r);

	if (!e || !ts_reader_told(r))
		return e ? cli_error("%s", e) : 0;
	cli_info("%s", e);
	cli_told();
	return -1;
}

int cli_check_writer(const struct ts_writer *w)
{
	const char *e = ts_writer_error(w);
	return e ? cli_error("%s", e) : 0;
}
