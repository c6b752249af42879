/* SPDX-License-Identifier: MIT
 * Input that arrives over time. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kit/kit_live.h"

enum { LINE = 64 << 10 };

void kit_live_init(struct kit_live *in, int fd)
{
	*in = (struct kit_live){ .fd = fd };
	cli_catch_stop();
}

void kit_live_release(struct kit_live *in)
{
	free(in->p);
	*in = (struct kit_live){ .fd = -1 };
}

void kit_live_unread(const struct kit_live *in)
{
	if (cli_stopping() && in->n > in->from)
		cli_warn_unread(in->p + in->from, in->n - in->from);
}

/* Waits for bytes, the end, or a signal, which cannot slip in between the check and the wait. */
static void wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t stop, was;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, &was);
	if (!cli_stopping())
		(void)ppoll(&p, 1, NULL, &was); /* read() reports what is wrong with fd */
	sigprocmask(SIG_SETMASK, &was, NULL);
}

/* Reads at most n bytes into `to` and returns how many; 0 at the end or after a signal; -1 with err. */
static ssize_t read_some(struct kit_live *in, void *to, size_t n, struct err *err)
{
	ssize_t got = -1;

	if (in->over)
		return 0;
	do {
		wait_for(in->fd);
		if (cli_stopping())
			break;
		got = read(in->fd, to, n);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	in->over = got <= 0;
	if (cli_stopping())
		return 0;
	return got < 0 ? err_fail(err, "cannot be read: %s", strerror(errno)) : got;
}

/* Makes room for more after what has arrived, at most a line and its end. */
static int make_room(struct kit_live *in, struct err *err)
{
	char *grown;

	if (in->from) {
		memmove(in->p, in->p + in->from, in->n - in->from);
		in->n -= in->from;
		in->from = 0;
	}
	if (in->n > LINE)
		return err_fail(err, "a line of more than %d bytes", LINE);
	if (in->p)
		return 0;
	if (!(grown = malloc(LINE + 2)))
		return err_memory(err);
	in->p = grown;
	in->cap = LINE + 1;
	return 0;
}

/* Takes the line that ends at `end`. */
static int take(struct kit_live *in, size_t end, char **line, struct err *err)
{
	*line = in->p + in->from;
	in->p[end] = '\0';
	in->from = end < in->n ? end + 1 : end;
	if (memchr(*line, '\0', (size_t)(in->p + end - *line)))
		return err_fail(err, "a zero byte in line '" ERR_NAME "'", *line);
	if (end > 0 && in->p[end - 1] == '\r' && in->p + end > *line)
		in->p[end - 1] = '\0';
	return 1;
}

int kit_live_line(struct kit_live *in, char **line, struct err *err)
{
	if (cli_stopping())
		return 0;
	for (;;) {
		char *end = in->n > in->from ? memchr(in->p + in->from, '\n', in->n - in->from) : NULL;
		ssize_t got;

		if (end)
			return take(in, (size_t)(end - in->p), line, err);
		if (make_room(in, err) < 0 || (got = read_some(in, in->p + in->n, in->cap - in->n, err)) < 0)
			return -1;
		if (got == 0)
			return cli_stopping() || in->n == in->from ? 0 : take(in, in->n, line, err);
		in->n += (size_t)got;
	}
}

int kit_live_block(struct kit_live *in, void *to, size_t n, struct err *err)
{
	size_t have = 0;

	while (have < n) {
		const ssize_t got = read_some(in, (char *)to + have, n - have, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return cli_stopping() || have == 0 ? 0 : err_fail(err, "ends after %zu of %zu bytes", have, n);
		have += (size_t)got;
	}
	return cli_stopping() ? 0 : 1;
}
