/* SPDX-License-Identifier: MIT
 * ood-report: one page on how well scores separate OOD sets from an ID set: table, pictures, images, and the history of
 * each input. Holds the scores of all sets, and the images that it shows; writes once every input has reached its
 * END. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/kit.h"
#include "ood/act/ood_watch.h"
#include "ood/eval/ood_eval.h"
#include "report/report_html.h"
#include "report/report_operands.h"
#include "report/report_page.h"
#include "report/report_read.h"
#include "ts/ts_file.h"

static const char *id_path, *drift_path, *trajectory_path, *method_list,
	*title = "How well scores tell what is unfamiliar";
static long top = 8, replicates;
static struct cli_list images;

static const struct cli_option options[] = {
	{ "id", 'i', CLI_STR, "FILE", &id_path, 0, 0, "scores of the ID set (default: id.scores of a DIR)" },
	{ "method", 'm', CLI_STR, "LIST", &method_list, 0, 0, "columns of scores, separated by commas (default all)" },
	{ "images", 0, CLI_LIST, "SET=FILE", &images, 0, 0,
	  "the images of a set, or of 'id', to show its most extreme ones; may be repeated" },
	{ "top", 0, CLI_INT, "N", &top, 1, 100, "images at each end of a score (default 8)" },
	{ "drift", 0, CLI_STR, "FILE", &drift_path, 0, 0,
	  "scores in the order in which they came, to show how they leave those of the ID set" },
	{ "trajectory", 0, CLI_STR, "FILE", &trajectory_path, 0, 0,
	  "the table of pipelines/trajectory.mk, to show quality along training" },
	{ "bootstrap", 'b', CLI_INT, "N", &replicates, 0, 1e6,
	  "confidence intervals of all metrics, from N resamplings (default 0: of AUROC, by DeLong)" },
	{ "title", 0, CLI_STR, "TEXT", &title, 0, 0, "heading of the page" },
	{ "output", 'o', CLI_STR, "FILE", &cli.output, 0, 0,
	  "write to FILE, whole or not at all (default: standard output)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ood-report",
	"[option...] {DIR | [near:|far:][NAME=]FILE}...",
	"Write an HTML page that shows how well scores tell each OOD set from the ID set.",
	options,
	"A FILE is a scores stream, or text as ood-metrics reads it. A DIR stands for its files "
	"*.scores,\nexcept the one of --id.",
	CLI_SEED | CLI_THREADS,
	NULL
};

/* ---- operands -------------------------------------------------------------------------------- */

static struct cli_list files; /* operands, with folders replaced by their files; they live to the end */

static char *joined(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		cli_oom();
	return path;
}

static int is_scores(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && dot != e->d_name && strcmp(dot, ".scores") == 0;
}

static void add_file(const char *path)
{
	if (!(files.v = realloc(files.v, (files.n + 1) * sizeof *files.v)))
		cli_oom();
	files.v[files.n++] = path;
}

/* Adds the score files of a folder, sorted by name. */
static void add_folder(const char *dir)
{
	struct dirent **e;
	int n = scandir(dir, &e, is_scores, alphasort);

	if (n <= 0) {
		cli_error("the folder '%s' holds no scores, which are files *.scores", dir);
		exit(1);
	}
	if (!id_path)
		id_path = joined(dir, "id.scores");
	for (int i = 0; i < n; i++) {
		char *path = joined(dir, e[i]->d_name);

		if (ts_file_same(path, id_path))
			free(path);
		else
			add_file(path);
		free(e[i]);
	}
	free(e);
}

static void add_operands(int n, char **args)
{
	struct stat st;

	for (int i = 0; i < n; i++)
		if (stat(args[i], &st) == 0 && S_ISDIR(st.st_mode))
			add_folder(args[i]);
		else
			add_file(args[i]);
}

/* ---- the work -------------------------------------------------------------------------------- */

struct work {
	struct report_operand *operands;
	struct report_page page;
	struct report_read read;
	struct ood_eval *eval;
};

static int read_id(struct work *k)
{
	const struct ood_eval_options o = { .delong = true,
					    .bootstrap = (size_t)replicates,
					    .confidence = .95,
					    .seed = (uint64_t)cli.seed,
					    .threads = (int)cli.threads };
	struct report_page *p = &k->page;
	struct err err;

	if (kit_no_terminal(id_path) < 0)
		return -1;
	p->id = (struct report_page_set){ .name = "id", .path = id_path };
	ts_header_init(&p->id.history, "scores");
	if (report_read_id(&k->read, id_path, method_list, OOD_SCORES_ORDER, &p->id.scores, &p->id.history, &err) < 0)
		return cli_error("%s", err.text);
	if (*k->read.seen.text)
		cli_warn("%s", k->read.seen.text);
	if (*k->read.guess.text)
		cli_warn("%s", k->read.guess.text);
	p->methods = k->read.methods;
	p->n_methods = k->read.n;
	if (!(k->eval = ood_eval_new(&p->id.scores, &o)))
		cli_oom();
	return 0;
}

static int read_ood(struct work *k, struct report_page_set *s, struct report_operand *from)
{
	struct err err;

	if (kit_no_terminal(from->path) < 0)
		return -1;
	*s = (struct report_page_set){ .name = from->name,
				       .path = from->path,
				       .results = calloc(k->read.n, sizeof *s->results) };
	ts_header_init(&s->history, "scores");
	if (report_read_ood(&k->read, from->path, OOD_SCORES_ORDER, &s->scores, &s->history, &err) < 0)
		return cli_error("%s", err.text);
	from->hash = ood_scores_hash(&s->scores);
	if (s->scores.n < OOD_EVAL_FEW || k->page.id.scores.n < OOD_EVAL_FEW)
		cli_warn("'%s': of %zu ID and %zu OOD rows: of fewer than %d, intervals are too narrow", s->name,
			 k->page.id.scores.n, s->scores.n, OOD_EVAL_FEW);
	if (!s->results || ood_eval_set(k->eval, &s->scores, from->groups, s->results) < 0)
		cli_oom();
	return 0;
}

/* Reads the other inputs that were requested. */
static int read_others(struct work *k)
{
	struct report_page *p = &k->page;
	struct err err;

	if (trajectory_path && report_trajectory_read(&p->trajectory, trajectory_path, &err) < 0)
		return cli_error("%s", err.text);
	if (!drift_path)
		return 0;
	if (kit_no_terminal(drift_path) < 0)
		return -1;
	if (ood_watch_few(p->id.scores.n, id_path, "a reference of --drift", &err))
		cli_warn("%s", err.text);
	p->drift = (struct report_page_set){ .name = "as they came", .path = drift_path };
	ts_header_init(&p->drift.history, "scores");
	if (report_read_ood(&k->read, drift_path, OOD_SCORES_ORDER, &p->drift.scores, &p->drift.history, &err) < 0)
		return cli_error("%s", err.text);
	return 0;
}

static bool is_named(const char *text, const char *name)
{
	const size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && text[len] == '=';
}

/* Finds the set that is named before the '='; the path of its images follows it. */
static struct report_page_set *set_of(struct report_page *p, const char *text)
{
	if (is_named(text, p->id.name))
		return &p->id;
	for (size_t i = 0; i < p->n_sets; i++)
		if (is_named(text, p->sets[i].name))
			return &p->sets[i];
	cli_usage("--images: '%s' names no set; it is SET=FILE, with 'id' or the name of an OOD set", text);
}

static int read_images(struct work *k)
{
	struct err err;

	for (size_t i = 0; i < images.n; i++) {
		struct report_page_set *s = set_of(&k->page, images.v[i]);

		if (strcmp(s->path, "-") == 0)
			cli_usage("--images: the scores of '%s' must be a file, as they are read twice", s->name);
		if (s->thumbs.n)
			cli_usage("--images: the images of '%s' appear twice", s->name);
		if (report_thumbs_read(&s->thumbs, s->path, images.v[i] + strlen(s->name) + 1, k->read.methods,
				       k->read.n, (size_t)top, &err) < 0)
			return cli_error("%s", err.text);
	}
	return 0;
}

static int run(struct work *k)
{
	struct report_page *p = &k->page;
	struct err err;

	if (read_id(k) < 0)
		return -1;
	for (size_t i = 0; i < p->n_sets; i++)
		if (read_ood(k, &p->sets[i], &k->operands[i]) < 0)
			return -1;
	for (int g = 0; g < OOD_MAX_GROUPS; g++) {
		if (ood_eval_group_size(k->eval, g) == 0)
			continue;
		if (!(p->averages[g] = calloc(k->read.n, sizeof *p->averages[g])) ||
		    ood_eval_group(k->eval, g, p->averages[g]) < 0)
			cli_oom();
	}
	if (report_operands_alike(k->operands, p->n_sets, ood_scores_hash(&p->id.scores), &err))
		cli_warn("%s", err.text);
	if (ood_eval_reversed(k->eval, REPORT_ALL, k->read.methods, &err))
		cli_warn("%s", err.text);
	return read_others(k) < 0 ? -1 : read_images(k);
}

/* Builds the page in memory and writes it at once. */
static int write_page(const struct report_page *p)
{
	struct ts_file *out = ts_file_open(cli.output);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct err err;
	int rc;

	if (!out || !f)
		cli_oom();
	rc = report_page_put(f, p, &err) < 0 ? cli_error("%s", err.text) : 0;
	if (fclose(f) != 0)
		cli_oom();
	if (rc == 0 && (ts_file_put(out, text, len) < 0 || ts_file_finish(out) < 0))
		rc = cli_error("%s", ts_file_error(out));
	ts_file_close(out);
	free(text);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct work k = { .page = { .title = title, .bootstrap = replicates > 0 } };
	struct err err;

	add_operands(argc - first, argv + first);
	if (!id_path)
		cli_usage("--id FILE is missing");
	cli_check_once("--method", method_list);
	if (report_operands_new(&k.operands, (int)files.n, (char **)files.v, id_path, &err) < 0)
		cli_usage("%s", err.text);
	k.page.n_sets = files.n;
	if (!(k.page.sets = calloc(files.n, sizeof *k.page.sets)))
		cli_oom();
	rc = run(&k);
	if (rc == 0)
		rc = write_page(&k.page);
	report_page_release(&k.page);
	report_read_release(&k.read);
	ood_eval_free(k.eval);
	report_operands_free(k.operands, (int)files.n);
	return cli_finish(rc);
}
