/* SPDX-License-Identifier: MIT
 * Messages, progress, the exit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_internal.h"

struct cli_shared cli = { .device = "cpu" };
const struct cli_tool *cli_tool_now;
int cli_progress_mode = -1;
static bool line_shown;
static FILE *line_file; /* where it is shown; NULL: not determined yet */

static void clear_line(void)
{
	if (line_shown) {
		fputs("\r\033[K", line_file);
		fflush(line_file);
	}
	line_shown = false;
}

/* Prints one line. It may quote names from files, so control characters are kept from the terminal. */
__attribute__((format(printf, 1, 0))) static void say_plain(const char *fmt, va_list ap)
{
	char line[8192];

	vsnprintf(line, sizeof line, fmt, ap);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	fflush(stdout);
	clear_line();
	fprintf(stderr, "%s\n", line);
}

__attribute__((format(printf, 1, 0))) static void say(const char *fmt, va_list ap)
{
	int saved = errno;

	clear_line();
	fprintf(stderr, "%s: ", cli_tool_now ? cli_tool_now->name : "unmask");
	say_plain(fmt, ap);
	errno = saved;
}

static bool told;                      /* an error was printed */
static bool output_open, output_whole; /* of a stream on standard output */

int cli_error(const char *fmt, ...)
{
	va_list ap;
	told = true;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return -1;
}

void cli_warn(const char *fmt, ...)
{
	va_list ap;
	if (cli.quiet)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void cli_info(const char *fmt, ...)
{
	va_list ap;
	if (!cli.verbose)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void cli_log(const char *fmt, ...)
{
	va_list ap;
	if (cli.quiet)
		return;
	va_start(ap, fmt);
	say_plain(fmt, ap);
	va_end(ap);
}

void cli_told(void)
{
	told = true;
}

/* The program that reads our stream fails as well, and need not report it: an error is reported once per pipe, where it
 * arose. */
static void tell_reader(void)
{
	if (output_open && !output_whole && told)
		ts_tell_failure(STDOUT_FILENO, cli.tool);
	output_open = false;
}

void cli_watch_output(struct ts_writer *w)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	output_open = true;
	ts_writer_watch(w, &output_whole);
	atexit(tell_reader);
}

void cli_usage(const char *fmt, ...)
{
	va_list ap;
	told = true;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", cli_tool_now ? cli_tool_now->name : "unmask");
	exit(2);
}

int cli_failed(void)
{
	return cli_tool_now && cli_tool_now->flags & CLI_ANSWERS ? 2 : 1;
}

void cli_oom(void)
{
	cli_error("out of memory");
	exit(cli_failed());
}

/* Where the progress line goes; NULL: nowhere. */
static FILE *progress_file(void)
{
	static bool asked;
	const char *path;
	int fd;

	if (asked)
		return line_file;
	asked = true;
	if (cli.quiet || cli_progress_mode == 0)
		return NULL;
	if (cli_progress_mode > 0 || isatty(STDERR_FILENO))
		return line_file = stderr;
	path = getenv("UNMASK_PROGRESS");
	fd = path && *path ? open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;
	if (fd >= 0 && (!isatty(fd) || !(line_file = fdopen(fd, "w"))))
		close(fd);
	return line_file;
}

static double seconds_since(const struct timespec *then, const struct timespec *now)
{
	return (double)(now->tv_sec - then->tv_sec) + 1e-9 * (double)(now->tv_nsec - then->tv_nsec);
}

void cli_progress(const char *fmt, ...)
{
	static struct timespec last;
	struct timespec now;
	FILE *f = progress_file();
	va_list ap;

	if (!f)
		return;
	if (!*fmt) {
		clear_line();
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (last.tv_sec && seconds_since(&last, &now) < 0.25)
		return;
	last = now;
	clear_line();
	if (f != stderr)
		fprintf(f, "%s: ", cli.tool);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fflush(f);
	line_shown = true;
}

const char *cli_pace(const char *what, double done, double total)
{
	static struct timespec first;
	static double before;
	static char text[80];
	struct timespec now;
	double seconds, rate;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!first.tv_sec) {
		first = now;
		before = done;
	}
	seconds = seconds_since(&first, &now);
	rate = seconds > 0 ? (done - before) / seconds : 0;
	if (rate <= 0)
		return "starting";
	n = snprintf(text, sizeof text, "%.*f %s/s", rate < 100, rate, what);
	seconds = (total - done) / rate;
	if (total > 0 && seconds < 360000) {
		const long s = (long)(seconds + 0.5);

		if (s >= 3600)
			snprintf(text + n, sizeof text - (size_t)n, ", %ld:%02ld:%02ld left", s / 3600, s / 60 % 60,
				 s % 60);
		else
			snprintf(text + n, sizeof text - (size_t)n, ", %ld:%02ld left", s / 60, s % 60);
	}
	return text;
}

void cli_print(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

int cli_finish(int status)
{
	const bool lost = ferror(stdout) != 0; /* before fclose(), after which it may not be asked */

	clear_line();
	tell_reader();
	if (fclose(stdout) != 0 || lost) {
		if (status == 0 || !told)
			cli_error("cannot write to standard output: %s", strerror(errno));
		status = 1;
	}
	return status ? cli_failed() : 0;
}
