/* SPDX-License-Identifier: MIT
 * Standard input that arrives bit by bit. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_internal.h"
#include "cli/cli_live.h"

enum { READ_SIZE = 64 << 10, LONGEST = 64 << 10 };

static struct {
	char *buf; /* bytes read from standard input: buf[start..len) */
	size_t start, len, cap;
	bool eof;
} live;

/* Waits. True: standard input can be read. False: a signal came. */
static bool wait_input(void)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };

	while ((p[1].fd = cli_signal_wait()) >= 0)
		if (poll(p, 2, -1) > 0 && p[0].revents && !p[1].revents)
			return true;
	return false;
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
	if (cli_stopping() && live.len > live.start)
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
