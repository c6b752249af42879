/* SPDX-License-Identifier: MIT
 * Signals as something to read, alongside standard input. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli_live.h"

enum { READ_SIZE = 64 << 10, LONGEST = 64 << 10 };

static struct {
	int signals, stop; /* a signalfd; the signal that ends the program, 0: none */
	bool again;
	char *buf; /* bytes read from standard input: buf[start..len) */
	size_t start, len, cap;
	bool eof;
} live = { .signals = -1 };

int cli_live_begin(bool hangup)
{
	static const int ends[] = { SIGTERM, SIGINT };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	if (hangup)
		sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return live.signals < 0 ? cli_error("cannot wait for signals: %s", strerror(errno)) : 0;
}

static void take_signals(void)
{
	struct signalfd_siginfo s;

	while (live.signals >= 0 && read(live.signals, &s, sizeof s) == (ssize_t)sizeof s)
		if (s.ssi_signo == SIGHUP)
			live.again = true;
		else
			live.stop = (int)s.ssi_signo;
}

bool cli_live_stopping(void)
{
	take_signals();
	return live.stop != 0;
}

bool cli_live_again(void)
{
	bool was;

	take_signals();
	was = live.again;
	live.again = false;
	return was;
}

void cli_live_end(void)
{
	sigset_t set;

	if (!cli_live_stopping())
		return;
	sigemptyset(&set);
	sigaddset(&set, live.stop);
	signal(live.stop, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(live.stop);
}

/* ---- standard input ---- */

/* Waits. True: standard input can be read. False: a signal came. */
static bool wait_input(void)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = live.signals, .events = POLLIN } };

	for (;;) {
		take_signals();
		if (live.stop || live.again)
			return false;
		if (poll(p, 2, -1) > 0 && p[0].revents && !p[1].revents)
			return true;
	}
}

/* Reads some more bytes into the buffer, or none where there are none yet after all. */
static enum cli_live fill(void)
{
	ssize_t n;

	if (live.cap - live.len < READ_SIZE && live.start) {
		memmove(live.buf, live.buf + live.start, live.len - live.start);
		live.len -= live.start;
		live.start = 0;
	}
	if (live.cap - live.len < READ_SIZE) {
		char *p = realloc(live.buf, live.cap + READ_SIZE + 1);

		if (!p)
			cli_oom();
		live.buf = p;
		live.cap += READ_SIZE;
	}
	if (!wait_input())
		return CLI_SIGNAL;
	do
		n = read(STDIN_FILENO, live.buf + live.len, live.cap - live.len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return CLI_LINE;
	if (n < 0)
		return (enum cli_live)cli_error("cannot read standard input: %s", strerror(errno));
	live.len += (size_t)n;
	live.eof = n == 0;
	return CLI_LINE;
}

enum cli_live cli_live_peek(unsigned char *buf, size_t n, size_t *got)
{
	enum cli_live what = CLI_LINE;

	while (what == CLI_LINE && live.len == live.start && !live.eof)
		what = fill();
	*got = n < live.len - live.start ? n : live.len - live.start;
	if (*got)
		memcpy(buf, live.buf + live.start, *got);
	return what;
}

static char *end_of_line(void)
{
	return live.len > live.start ? memchr(live.buf + live.start, '\n', live.len - live.start) : NULL;
}

enum cli_live cli_live_line(char **line)
{
	enum cli_live what = CLI_LINE;
	char *end;

	while (!(end = end_of_line()) && !live.eof && what == CLI_LINE) {
		if (live.len - live.start > LONGEST)
			return (enum cli_live)cli_error("standard input has a line of more than %d bytes", LONGEST);
		what = fill();
	}
	if (!end && what != CLI_LINE)
		return what;
	if (!end && live.len == live.start)
		return CLI_END;
	if (!end)
		end = live.buf + live.len; /* the last line may lack its newline */
	*end = '\0';
	*line = live.buf + live.start;
	if (strlen(*line) != (size_t)(end - *line))
		return (enum cli_live)cli_error("standard input has a zero byte in line '" ERR_NAME "'", *line);
	if (end - *line > LONGEST)
		return (enum cli_live)cli_error("standard input has a line of more than %d bytes", LONGEST);
	live.start = (size_t)(end - live.buf) + (end < live.buf + live.len);
	if (end > *line && end[-1] == '\r')
		end[-1] = '\0';
	return CLI_LINE;
}

void cli_live_unread(void)
{
	if (cli_live_stopping() && live.len > live.start)
		cli_warn_unread(live.buf + live.start, live.len - live.start);
}

bool cli_live_ready(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return end_of_line() || live.eof || poll(&p, 1, 0) != 0;
}

ssize_t cli_live_read(void *buf, size_t n)
{
	unsigned char *to = buf;
	size_t got;
	const enum cli_live what = cli_live_peek(to, n, &got);

	if (what == CLI_SIGNAL || what == CLI_BROKEN) {
		errno = what == CLI_SIGNAL ? EINTR : EIO;
		return -1;
	}
	live.start += got;
	return (ssize_t)got;
}
