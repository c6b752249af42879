/* SPDX-License-Identifier: MIT
 * faults: runs a command once for each call that can fail (t/shim/fault.c), and judges what is left.
 *
 *	faults SHIM KIND FROM STEP [-c] [-o FILE]... -- COMMAND...
 *
 * The first run, without a fault, tells how many calls there are and what the right results are: standard output,
 * and each FILE. Then the calls FROM, FROM + STEP, ... fail, each in a run of its own, once alone and once with all
 * that follow. After each: no signal, no waiting for ever (20 s); exit status 0 only with the right results; otherwise
 * 1 or 2 with a line on standard error and FILE as it was before ("old"); no file that was not there. A line for each
 * finding, at last the counts; exit status 1 if there is a finding. -c: a library of Debian's is known to crash
 * without memory (libarchive's archive_read_new()), so SIGSEGV is counted and no finding, as long as nothing is left
 * behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FILES = 8, MAX_NAMES = 512, LIMIT = 20 };

static const char *shim, *kind, *out[MAX_FILES];
static size_t n_out, n_names;
static char names[MAX_NAMES][256];
static char *right[MAX_FILES + 1];
static size_t right_len[MAX_FILES + 1];
static const char *const result = ".faults.out", *const words = ".faults.err", *const counted = ".faults.count";
static long findings, runs, refused, went_on, crashes;
static bool frail;

static void die(const char *what)
{
	fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
	exit(99);
}

static char *take(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0, n;

	*len = 0;
	if (!f)
		return NULL;
	do {
		if (*len == cap && !(text = realloc(text, (cap = 2 * cap + 4096) + 1)))
			die(path);
		n = fread(text + *len, 1, cap - *len, f);
		*len += n;
	} while (n);
	text[*len] = '\0';
	fclose(f);
	return text;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		die(path);
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The names of this folder: noted, or those that are new removed and told. */
static size_t look(bool note, char *first)
{
	DIR *d = opendir(".");
	struct dirent *e;
	size_t new = 0;

	if (!d)
		die(".");
	while ((e = readdir(d)) != NULL) {
		if (note && n_names < MAX_NAMES) {
			snprintf(names[n_names++], sizeof *names, "%s", e->d_name);
		} else if (!is_known(e->d_name)) {
			snprintf(first, 256, "%s", e->d_name);
			unlink(e->d_name);
			new ++;
		}
	}
	closedir(d);
	return new;
}

/* Runs the command with the fault; its status as wait() gives it. */
static int run(char **argv, const char *fault)
{
	int status;
	pid_t pid;

	for (size_t i = 0; i < n_out; i++)
		put(out[i], "old");
	put(counted, "");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int in = open("/dev/null", O_RDONLY), to = open(result, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		int err = open(words, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dup2(in, 0);
		dup2(to, 1);
		dup2(err, 2);
		alarm(LIMIT);
		setenv("FAULT", fault, 1);
		setenv("FAULT_COUNT", counted, 1);
		setenv("LD_PRELOAD", shim, 1);
		setenv("OMP_NUM_THREADS", "1", 1);
		setenv("OPENBLAS_NUM_THREADS", "1", 1);
		execvp(argv[0], argv);
		_exit(126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	return status;
}

static bool same(const char *path, size_t k)
{
	size_t len;
	char *text = take(path, &len);
	bool is = text && len == right_len[k] && memcmp(text, right[k], len) == 0;

	free(text);
	return is;
}

static bool is_old(const char *path)
{
	size_t len;
	char *text = take(path, &len);
	bool is = text && strcmp(text, "old") == 0;

	free(text);
	return is;
}

static void finding(const char *fault, const char *what, const char *more)
{
	if (findings++ < 40)
		printf("# %s: %s%s%s\n", fault, what, *more ? ": " : "", more);
}

static void judge(const char *fault, int status)
{
	char name[256] = "", text[64];
	size_t len;
	char *said = take(words, &len);
	bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	runs++;
	refused += !done;
	went_on += done;
	if (said) /* the first line that says something: libgomp's begin with an empty one */
		memmove(said, said + strspn(said, "\n"), len + 1 - strspn(said, "\n"));
	if (said)
		said[strcspn(said, "\n")] = '\0';
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && frail) {
		crashes++;
	} else if (WIFSIGNALED(status)) {
		snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
		finding(fault, WTERMSIG(status) == SIGALRM ? "does not end" : text, said ? said : "");
	} else if (!done && WEXITSTATUS(status) != 1 && WEXITSTATUS(status) != 2) {
		snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(status));
		finding(fault, text, said ? said : "");
	} else if (!done && (!said || !*said)) {
		finding(fault, "fails without a word", "");
	}
	if (done && !same(result, 0))
		finding(fault, "exit 0 with another standard output", said ? said : "");
	for (size_t i = 0; i < n_out; i++) {
		if (done && !same(out[i], i + 1))
			finding(fault, "exit 0 with another result in", out[i]);
		if (!done && !is_old(out[i]) && !same(out[i], i + 1))
			finding(fault, "fails, and leaves something else in", out[i]);
	}
	if (look(false, name))
		finding(fault, "leaves behind", name);
	free(said);
}

int main(int argc, char **argv)
{
	int i = 5;
	char fault[64];

	if (argc < 7)
		return 99;
	shim = argv[1];
	kind = argv[2];
	long from = atol(argv[3]), step = atol(argv[4]), calls;
	if (strcmp(argv[i], "-c") == 0) {
		frail = true;
		i++;
	}
	for (; i + 1 < argc && strcmp(argv[i], "-o") == 0 && n_out < MAX_FILES; i += 2)
		out[n_out++] = argv[i + 1];
	argv += i + 1;
	put(result, "");
	put(words, "");
	snprintf(fault, sizeof fault, "%s:0", kind);
	int status = run(argv, fault);
	look(true, NULL);
	if (status != 0) {
		size_t len;
		char *said = take(words, &len);
		printf("# without a fault it fails: %s", said ? said : "");
		return 1;
	}
	char *n = take(counted, right_len);
	calls = n ? atol(n) : 0;
	free(n);
	right[0] = take(result, right_len);
	for (size_t k = 0; k < n_out; k++)
		right[k + 1] = take(out[k], right_len + k + 1);
	for (long k = from; k <= calls; k += step)
		for (int all = 0; all < 2; all++) {
			snprintf(fault, sizeof fault, "%s:%ld%s", kind, k, all ? "+" : "");
			judge(fault, run(argv, fault));
		}
	printf("# %s: %ld calls, %ld runs: %ld refused, %ld went on to the same result; %ld findings", kind, calls,
	       runs, refused, went_on, findings);
	printf(crashes ? ", %ld crashes in a library\n" : "\n", crashes);
	return findings > 0;
}
