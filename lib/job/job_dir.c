/* SPDX-License-Identifier: MIT
 * The run directory: where it is, and its settings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job/job_internal.h"
#include "ts/ts_file.h"

/* Options that belong to a call and do not make it a different run. */
static const char *const not_settings[] = { "resume", "print-run", "held", NULL };

bool job_dir_is_open(const struct job *j)
{
	return j->dir[0] != '\0';
}

const char *job_dir_path(const struct job *j, const char *name, char buf[JOB_PATH])
{
	snprintf(buf, JOB_PATH, "%s/%s", j->dir, name);
	return buf;
}

static int fail(struct err *err, const char *what, const char *path)
{
	return err_fail(err, "cannot %s '%s': %s", what, path, strerror(errno));
}

/* mkdir -p; 1 if the last part was created, 0 if it existed. */
static int make_dirs(const char *path, struct err *err)
{
	char part[PATH_MAX];
	int made = 0;

	for (const char *p = path; p;) {
		p = strchr(p + 1, '/');
		snprintf(part, sizeof part, "%.*s", (int)(p ? (size_t)(p - path) : strlen(path)), path);
		made = mkdir(part, 0777) == 0;
		if (!made && errno != EEXIST)
			return fail(err, "make", part);
	}
	return made;
}

static bool is_run(const char *path)
{
	char inner[JOB_PATH];
	struct stat st;

	snprintf(inner, sizeof inner, "%s/checkpoints", path);
	return stat(inner, &st) == 0;
}

/* The run directory whose settings.yaml is the config file; false, and "", if it is some other file. */
static bool run_of_config(char path[JOB_DIR])
{
	char *slash = cli.config && realpath(cli.config, path) ? strrchr(path, '/') : NULL;
	bool is = slash && strcmp(slash, "/settings.yaml") == 0;

	if (is) {
		*slash = '\0';
		is = is_run(path);
	}
	if (!is)
		*path = '\0';
	return is;
}

/* Cuts the last part off a path and returns it. */
static const char *cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return path;
	*slash = '\0';
	return slash + 1;
}

static const char pruned[] = "prune_rate=";

/* CONFIG of DIR/CONFIG/NAME: the config file's stem or, if that is a run's settings.yaml, the run's CONFIG. */
static void config_stem(char *buf, size_t len)
{
	char path[PATH_MAX], outer[PATH_MAX];
	const char *part = cli.tool;

	if (run_of_config(path)) {
		snprintf(outer, sizeof outer, "%s", path);
		cut_last(outer);
		if (is_run(outer)) /* a number in it, or pruned runs beside it */
			memcpy(path, outer, sizeof path);
		if (strncmp(cut_last(path), pruned, sizeof pruned - 1) == 0)
			cut_last(path); /* it was NAME */
		part = cut_last(path);
	} else if (cli.config) {
		part = strrchr(cli.config, '/') ? strrchr(cli.config, '/') + 1 : cli.config;
	}
	snprintf(buf, len, "%.*s", (int)len - 1, part);
	if (part != cli.tool && strrchr(buf, '.') && strrchr(buf, '.') != buf)
		*strrchr(buf, '.') = '\0';
}

/* Sets j->dir to the first of base, base/0, base/1, ... that is not a run yet, or (last) to the last that is. */
static int choose(struct job *j, const char *base, bool last, struct err *err)
{
	char path[sizeof j->dir];

	j->dir[0] = '\0';
	snprintf(path, sizeof path, "%s", base);
	for (int n = 0; is_run(path); n++) {
		memcpy(j->dir, path, sizeof path);
		snprintf(path, sizeof path, "%s/%d", base, n);
	}
	if (last && !j->dir[0])
		return err_fail(err, "nothing to resume in '%s'; leave --resume out to begin", base);
	if (!last)
		memcpy(j->dir, path, sizeof path);
	return 0;
}

static int write_settings(const struct job *j, struct err *err)
{
	char *text = cli_settings(not_settings), *all = NULL, buf[JOB_PATH];
	const char *path = job_dir_path(j, "settings.yaml", buf);
	struct ts_file *f = ts_file_open(path);
	char *input = strdup(j->input), begun[64] = "";
	int len, rc = -1;

	for (char *c = input; c && *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?'; /* from a file's name: it would begin another option */
	if (j->was)
		snprintf(begun, sizeof begun, "# epochs: %ld until it was resumed with more\n", j->was);
	len = input ? asprintf(&all, "# input: %s\n%s%s", input, begun, text) : -1;
	free(input);
	if (len < 0 || !f)
		err_memory(err);
	else if (ts_file_put(f, all, (size_t)len) < 0 || ts_file_finish(f) < 0)
		err_fail(err, "%s", ts_file_error(f));
	else
		rc = 0;
	if (len >= 0)
		free(all);
	ts_file_close(f);
	free(text);
	return rc;
}

/* Is it NAME.XXXXXX, a temporary of ts_file, for a file of a run? */
static bool is_temporary(const char *name)
{
	static const char *const of[] = { "initial.ckpt", "last.ckpt", "best.ckpt", "settings.yaml", "log.tsv", NULL };
	const char *end = strrchr(name, '.');
	size_t len = end ? (size_t)(end - name) : 0;

	if (!end || strspn(end + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != 6 || end[7])
		return false;
	for (int i = 0; of[i]; i++)
		if (len == strlen(of[i]) && strncmp(name, of[i], len) == 0)
			return true;
	return strncmp(name, "epoch_", 6) == 0 && len > 11 && strncmp(end - 5, ".ckpt", 5) == 0;
}

/* Removes files that killed runs had started to write. The holder of the lock is alone here. */
static void sweep(const struct job *j, const char *folder)
{
	char path[JOB_PATH], file[JOB_PATH + 256];
	DIR *d = opendir(job_dir_path(j, folder, path));
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		if (is_temporary(e->d_name))
			unlink(file);
	}
	if (d)
		closedir(d);
}

/* Two runs in one directory would mix up its files. The lock goes with the process, or with job_dir_close(). */
static int lock(struct job *j, struct err *err)
{
	j->lock = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->lock < 0)
		return fail(err, "open", j->dir);
	if (flock(j->lock, LOCK_EX | LOCK_NB) == 0) {
		sweep(j, ".");
		sweep(j, "checkpoints");
		return 0;
	}
	if (errno == ENOTSUP || errno == ENOLCK)
		return 0;
	job_dir_close(j);
	return err_fail(err, "'%s' is in use by another process", j->dir);
}

void job_dir_close(struct job *j)
{
	if (j->lock >= 0)
		close(j->lock);
	j->lock = -1;
}

/* DIR/CONFIG/NAME, and for a network with masks DIR/CONFIG/NAME/prune_rate=K, named as by the published program. */
static int base_of(const struct job *j, double keep, char base[JOB_DIR], struct err *err)
{
	const struct job_options *o = j->o;
	char stem[NAME_MAX + 1], kept[64] = "";

	config_stem(stem, sizeof stem);
	if (!isnan(keep)) /* as Python writes it */
		snprintf(kept, sizeof kept, "/%s%.12g%s", pruned, keep, keep == 0 || keep == 1 ? ".0" : "");
	if (snprintf(base, JOB_DIR, "%s/%s/%s%s", o->run, stem, o->name, kept) >= 3800)
		return err_fail(err, "--run and --name are too long");
	return 0;
}

/* Finds the newest run. Earlier versions named those without masks prune_rate=1.0. */
static int newest(struct job *j, struct err *err)
{
	char base[JOB_DIR], older[JOB_DIR];

	if (base_of(j, j->keep, base, err) < 0 || base_of(j, 1, older, err) < 0)
		return -1;
	if (isnan(j->keep) && !is_run(base) && is_run(older))
		return choose(j, older, true, err);
	return choose(j, base, true, err);
}

int job_dir_open(struct job *j, struct err *err)
{
	char base[JOB_DIR], path[JOB_PATH];
	int made;

	if (!j->o->run || !job_is_first(j->o))
		return 0;
	if (j->o->resume)
		return run_of_config(j->dir) || newest(j, err) == 0 ? lock(j, err) : -1;
	if (base_of(j, j->keep, base, err) < 0)
		return -1;
	do { /* whoever creates the folder gets the number */
		if (choose(j, base, false, err) < 0)
			return -1;
		made = make_dirs(job_dir_path(j, "checkpoints", path), err);
	} while (made == 0);
	return made < 0 || lock(j, err) < 0 ? -1 : job_dir_begin(j, err);
}

int job_dir_begin(const struct job *j, struct err *err)
{
	char path[JOB_PATH];

	return make_dirs(job_dir_path(j, "logs", path), err) < 0 ? -1 : write_settings(j, err);
}

int job_dir_find(struct job *j, struct err *err)
{
	return run_of_config(j->dir) ? 0 : newest(j, err);
}

/* Lines that may differ: they affect speed, or the last bits, but not the computation. */
static bool may_differ(const char *line)
{
	return line[0] == '#' || strncmp(line, "threads:", 8) == 0 || strncmp(line, "device:", 7) == 0 ||
	       strncmp(line, "max-memory:", 11) == 0 || strncmp(line, "ranks:", 6) == 0 ||
	       strncmp(line, "run:", 4) == 0;
}

/* The next line of *text that must be the same, without '\n'; NULL at the end. */
static char *next_line(char **text)
{
	while (*text && **text) {
		char *line = *text, *end = strchr(line, '\n');

		*text = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		if (!may_differ(line))
			return line;
	}
	return NULL;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!f || !text || fread(text, 1, (1 << 20) - 1, f) == 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

/* Compares an old and a new line of settings: more epochs make a run longer, not different. */
static bool is_longer(const char *was, const char *is)
{
	static const char key[] = "epochs: ";
	const size_t n = sizeof key - 1;

	return was && is && strncmp(was, key, n) == 0 && strncmp(is, key, n) == 0 &&
	       strtol(is + n, NULL, 10) > strtol(was + n, NULL, 10);
}

/* Does some line of text begin with the first n bytes of `line`? */
static bool has_line(const char *text, const char *line, size_t n)
{
	for (; text && *text; text = strchr(text, '\n'), text += text != NULL)
		if (strncmp(text, line, n) == 0 && (line[n] != '\0' || text[n] == '\n'))
			return true;
	return false;
}

/* Is it the default of an option that is newer than the run? */
static bool is_newer(const char *was, const char *is)
{
	return is && !has_line(was, is, strcspn(is, ":") + 1) && has_line(cli.defaults, is, strlen(is));
}

int job_dir_same_settings(const struct job *j, struct err *err)
{
	char buf[JOB_PATH];
	const char *path = job_dir_path(j, "settings.yaml", buf);
	char *was = read_file(path), *whole = was ? strdup(was) : NULL, *is = cli_settings(not_settings);
	char *a = was, *b = is;
	int rc = 0;

	if (!was)
		rc = fail(err, "read", path);
	else if (!whole)
		rc = err_memory(err);
	while (rc == 0) {
		char *x = next_line(&a), *y = next_line(&b);

		while (is_newer(whole, y))
			y = next_line(&b);
		if (!x && !y)
			break;
		if (x && y && (strcmp(x, y) == 0 || is_longer(x, y)))
			continue;
		err_fail(err,
			 "a run is resumed with the options that it began with, or more --epochs, but '%s' of "
			 "'%s' is '%s' now; --config that file gives them again",
			 x ? x : "nothing", path, y ? y : "nothing");
		rc = -1;
	}
	free(was);
	free(whole);
	free(is);
	return rc;
}
