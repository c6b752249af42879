/* SPDX-License-Identifier: MIT
 * faults: runs a command once for each thing that can go wrong, and checks the outcome.
 *
 *	faults SHIM KIND FROM STEP [-c] [-w] [-i FILE] [-o FILE]... -- COMMAND...
 *
 *	alloc, read, write, rename	call number n of that kind fails (t/shim/fault.c), once by itself and once with
 *				all later ones
 *	flip			bit n of FILE, the input of -i, is flipped
 *	cut			FILE ends before its n-th byte
 *	term, kill		SIGTERM or SIGKILL arrives after n thousandths of the command's run time
 *
 * The first run, without a fault, counts the possible faults and records the right results: standard output, and each
 * FILE of -o. Then faults FROM, FROM + STEP, ... follow, each in its own run. After each: no signal but ours, no
 * endless wait (20 s); exit status 0 only with the right results; otherwise 1 or 2 with a line on standard error and
 * FILE unchanged ("old"); no new files, except after SIGKILL. Prints a line for each finding, and finally the counts;
 * exit status 1 if there is a finding. -c: a Debian library is known to crash when out of memory (libarchive's
 * archive_read_new(); libgfortran while OpenBLAS loads it), so SIGSEGV and SIGABRT of alloc are counted but are not
 * findings, as long as nothing is left behind. -w: the input's format has no checksum, so different results are counted
 * but are not findings. */
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
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 8, MAX_NAMES = 512, LIMIT = 20, PARTS = 1000 };

static const char *shim, *kind, *out[MAX_FILES], *in;
static char *in_text;
static size_t in_len;
static int sent;       /* the signal of this kind, or 0 */
static useconds_t all; /* how long the command takes */
static size_t n_out, n_names;
static char names[MAX_NAMES][256];
static char *right[MAX_FILES + 1];
static size_t right_len[MAX_FILES + 1];
static const char *const result = ".faults.out", *const words = ".faults.err", *const counted = ".faults.count";
static long findings, runs, refused, went_on, crashes, killed, left, others;
static bool frail, weak;

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

/* Records the names in this folder, or removes and reports the new ones. */
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

/* Writes the input with fault k of this kind; 0: unchanged. */
static void harm(long k)
{
	FILE *f = in ? fopen(in, "w") : NULL;
	size_t n = strcmp(kind, "cut") == 0 && k ? (size_t)k - 1 : in_len;
	size_t at = strcmp(kind, "flip") == 0 && k ? ((size_t)k - 1) / 8 : in_len;

	if (at < in_len)
		in_text[at] ^= (char)(1 << (k - 1) % 8);
	if (in && (!f || fwrite(in_text, 1, n, f) != n || fclose(f)))
		die(in);
	if (at < in_len)
		in_text[at] ^= (char)(1 << (k - 1) % 8);
}

static void become(char **argv, const char *fault)
{
	int from = open("/dev/null", O_RDONLY), to = open(result, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int err = open(words, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(from, 0);
	dup2(to, 1);
	dup2(err, 2);
	alarm(LIMIT);
	if (!in && !sent) {
		setenv("FAULT", fault, 1);
		setenv("FAULT_COUNT", counted, 1);
		setenv("LD_PRELOAD", shim, 1);
	}
	setenv("OMP_NUM_THREADS", "1", 1);
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	execvp(argv[0], argv);
	_exit(126);
}

/* Runs the command with fault k (0: none), passed to the shim as text; returns the status from wait(). */
static int run(char **argv, const char *fault, long k)
{
	int status;
	pid_t pid;

	for (size_t i = 0; i < n_out; i++)
		put(out[i], "old");
	put(counted, "");
	harm(k);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		become(argv, fault);
	if (sent && k) {
		usleep((useconds_t)((double)all * (double)k / PARTS));
		kill(pid, sent);
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

	const bool ended = sent && WIFSIGNALED(status) && WTERMSIG(status) == sent;
	const bool other = done && weak && !same(result, 0);

	runs++;
	killed += ended;
	refused += !done && !ended;
	others += other;
	went_on += done && !other;
	if (said) /* the first line that is not empty: libgomp's messages begin with an empty one */
		memmove(said, said + strspn(said, "\n"), len + 1 - strspn(said, "\n"));
	if (said)
		said[strcspn(said, "\n")] = '\0';
	const bool crash = WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT);

	if (crash && frail && strcmp(kind, "alloc") == 0) {
		crashes++;
	} else if (WIFSIGNALED(status) && !ended) {
		snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
		finding(fault, WTERMSIG(status) == SIGALRM ? "does not end" : text, said ? said : "");
	} else if (!done && !ended && WEXITSTATUS(status) != 1 && WEXITSTATUS(status) != 2) {
		snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(status));
		finding(fault, text, said ? said : "");
	} else if (!done && !ended && (!said || !*said)) {
		finding(fault, "fails without a word", "");
	}
	if (done && !weak && !same(result, 0))
		finding(fault, "exit 0 with another standard output", said ? said : "");
	for (size_t i = 0; i < n_out; i++) {
		if (done && !weak && !same(out[i], i + 1))
			finding(fault, "exit 0 with another result in", out[i]);
		if (!done && !is_old(out[i]) && !same(out[i], i + 1))
			finding(fault, "fails, and leaves something else in", out[i]);
	}
	if (look(false, name)) {
		left++;
		if (!ended || sent != SIGKILL)
			finding(fault, "leaves behind", name);
	}
	free(said);
}

/* The number of possible faults. */
static long count(void)
{
	size_t len;
	char *n;
	long calls;

	if (in)
		return (long)(strcmp(kind, "flip") == 0 ? 8 * in_len : in_len);
	if (sent)
		return PARTS;
	n = take(counted, &len);
	calls = n ? atol(n) : 0;
	free(n);
	return calls;
}

/* The run without a fault. */
static bool begin(char **argv)
{
	char fault[64];
	struct timespec t0, t1;
	size_t len;
	int status;

	put(result, "");
	put(words, "");
	snprintf(fault, sizeof fault, "%s:0", kind);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	status = run(argv, fault, 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	all = (useconds_t)((double)(t1.tv_sec - t0.tv_sec) * 1e6 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e3);
	look(true, NULL);
	right[0] = take(result, right_len);
	for (size_t k = 0; k < n_out; k++)
		right[k + 1] = take(out[k], right_len + k + 1);
	if (status == 0)
		return true;
	char *said = take(words, &len);
	printf("# without a fault it fails: %s", said ? said : "");
	return false;
}

int main(int argc, char **argv)
{
	int i = 5;
	char fault[64];

	if (argc < 7)
		return 99;
	shim = argv[1];
	kind = argv[2];
	sent = strcmp(kind, "term") == 0 ? SIGTERM : strcmp(kind, "kill") == 0 ? SIGKILL : 0;
	long from = atol(argv[3]), step = atol(argv[4]), calls;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		frail |= strcmp(argv[i], "-c") == 0;
		weak |= strcmp(argv[i], "-w") == 0;
		if (strcmp(argv[i], "-i") == 0 && i + 1 < argc)
			in = argv[++i];
		else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && n_out < MAX_FILES)
			out[n_out++] = argv[++i];
	}
	argv += i + 1;
	if (in && !(in_text = take(in, &in_len)))
		die(in);
	if (!begin(argv))
		return 1;
	calls = count();
	for (long k = from; k <= calls; k += step)
		for (int again = 0; again < (in || sent ? 1 : 2); again++) {
			snprintf(fault, sizeof fault, "%s:%ld%s", kind, k, again ? "+" : "");
			judge(fault, run(argv, fault, k));
		}
	harm(0);
	printf("# %s: %ld %s, %ld runs: %ld refused, %ld went on to the same result; %ld findings", kind, calls,
	       in   ? "places" :
	       sent ? "moments" :
		      "calls",
	       runs, refused, went_on, findings);
	if (weak)
		printf(", %ld other results of a format without checksum", others);
	if (sent)
		printf(", %ld ended by the signal", killed);
	if (left)
		printf(", %ld left a file", left);
	printf(crashes ? ", %ld crashes in a library\n" : "\n", crashes);
	return findings > 0;
}
