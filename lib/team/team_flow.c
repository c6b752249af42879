/* SPDX-License-Identifier: MIT
 * Bytes between ranks: to all and from all at once, so that no two wait for each other. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "team/team_internal.h"

double team_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool again(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Has the connection ended, with nothing left to read? */
static bool is_gone(const struct team_peer *p)
{
	char c;
	const ssize_t n = recv(p->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && !again(n));
}

/* Rank r is gone. The first of the remaining ranks reports it. */
static void lose(struct team *t, int r)
{
	t->failed = true;
	t->peer[r].settled = true;
	t->told = false;
	for (int k = 0; k < t->rank && !t->told; k++)
		t->told = k != r && !is_gone(&t->peer[k]);
	err_fail(&t->why, "rank %d of %d is gone: its process ended without a word, or its machine did", r, t->size);
}

/* Has the machine at the other end owed an answer for `silence` seconds, to bytes or to a probe whether there is room
 * for more? TCP_USER_TIMEOUT does nearly that, but mistakes a busy rank, which has no room, for one that is gone; and
 * the kernel's own timeout is a quarter of an hour. Something sent once may still be on its way, or lost, and a rank
 * that is busy for long is probed only every two minutes: so it must have been sent twice. */
static bool is_silent(const struct team *t, const struct team_peer *p)
{
	struct tcp_info i;
	socklen_t len = sizeof i;

	return getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &i, &len) == 0 && i.tcpi_retransmits + i.tcpi_probes >= 2 &&
	       i.tcpi_last_ack_recv >= 1000 * (uint32_t)t->silence;
}

/* Rank r has failed; its reason follows, for rank 0. */
static void hear(struct team *t, int r)
{
	struct team_peer *p = &t->peer[r];
	char text[ERR_TEXT] = "";
	const size_t most = p->in.bytes < sizeof text - 1 ? (size_t)p->in.bytes : sizeof text - 1;

	for (size_t at = 0; at < most;) {
		struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };
		const ssize_t n = poll(&poll_fd, 1, 5000) == 1 ? recv(p->fd, text + at, most - at, MSG_DONTWAIT) : 0;

		if (n == 0 || (n < 0 && !again(n)))
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	t->failed = t->heard = true;
	p->settled = true;
	t->told = t->rank > 0;
	err_fail(&t->why, "rank %d: %s", r, text);
}

/* Sends data to rank r; false: it is gone. */
static bool send_to(struct team *t, int r, const struct team_flow *f)
{
	const struct team_frame head = { TEAM_DATA, t->turn, f->out_n };
	struct team_peer *p = &t->peer[r];
	ssize_t n;

	if (p->out_done < sizeof head)
		n = send(p->fd, (const char *)&head + p->out_done, sizeof head - p->out_done,
			 MSG_NOSIGNAL | MSG_DONTWAIT | (f->out_n ? MSG_MORE : 0));
	else
		n = send(p->fd, (const char *)f->out + (p->out_done - sizeof head),
			 f->out_n - (p->out_done - sizeof head), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		p->out_done += (size_t)n;
	return n > 0 || again(n);
}

/* Receives data from rank r; false: it is gone, has failed, or is at another exchange. */
static bool receive(struct team *t, int r, const struct team_flow *f)
{
	struct team_peer *p = &t->peer[r];
	const bool head = p->in_head < sizeof p->in;
	const ssize_t n = head ? recv(p->fd, (char *)&p->in + p->in_head, sizeof p->in - p->in_head, MSG_DONTWAIT) :
				 recv(p->fd, (char *)f->in + p->in_done, f->in_n - p->in_done, MSG_DONTWAIT);

	if (n <= 0) {
		if (again(n))
			return true;
		lose(t, r);
		return false;
	}
	if (!head) {
		p->in_done += (size_t)n;
		return true;
	}
	p->in_head += (size_t)n;
	if (p->in_head < sizeof p->in)
		return true;
	if (p->in.kind == TEAM_FAIL) {
		hear(t, r);
		return false;
	}
	if (p->in.kind == TEAM_DATA && p->in.turn == t->turn && p->in.bytes == f->in_n)
		return true;
	t->failed = true;
	err_fail(&t->why, "rank %d and rank %d are at different steps: do both run the same version?", r, t->rank);
	return false;
}

static bool sent(const struct team_peer *p)
{
	return p->fd < 0 || p->out_done == p->out_n;
}

static bool received(const struct team_peer *p, const struct team_flow *f)
{
	return p->fd < 0 || (p->in_head == sizeof p->in && p->in_done == f->in_n);
}

/* One round: waits until data can move, and moves it. false: all is done, or the team has failed. */
static bool round_of(struct team *t, const struct team_flow *flow, struct pollfd *fds)
{
	enum { LOOK = 1000 }; /* milliseconds */
	bool open = false;
	int n;

	for (int r = 0; r < t->size; r++) {
		const bool out = !sent(&t->peer[r]), in = !received(&t->peer[r], &flow[r]);

		fds[r] = (struct pollfd){ .fd = out || in ? t->peer[r].fd : -1,
					  .events = (short)((out ? POLLOUT : 0) | (in ? POLLIN : 0)) };
		open = open || out || in;
	}
	if (!open)
		return false;
	n = poll(fds, (nfds_t)t->size, t->silence ? LOOK : -1);
	if (n < 0 && errno != EINTR) {
		t->failed = true;
		err_fail(&t->why, "cannot wait for the other ranks: %s", strerror(errno));
		return false;
	}
	for (int r = 0; r < t->size && n == 0; r++)
		if (fds[r].fd >= 0 && is_silent(t, &t->peer[r])) {
			lose(t, r);
			return false;
		}
	for (int r = 0; r < t->size; r++) {
		const struct team_flow *f = &flow[r];

		/* Read what it sent before noticing that it no longer receives. */
		if (fds[r].revents & (POLLIN | POLLHUP | POLLERR) && !received(&t->peer[r], f) && !receive(t, r, f))
			return false;
		if (fds[r].revents & (POLLOUT | POLLHUP | POLLERR) && !sent(&t->peer[r]) && !send_to(t, r, f)) {
			while (!received(&t->peer[r], f) && !is_gone(&t->peer[r]))
				if (!receive(t, r, f))
					return false;
			lose(t, r);
			return false;
		}
	}
	return true;
}

void team_exchange(struct team *t, const struct team_flow *flow)
{
	const double start = team_now();
	struct pollfd *fds;

	if (t->failed)
		return;
	fds = calloc((size_t)t->size, sizeof *fds);
	if (!fds) {
		t->failed = true;
		err_memory(&t->why);
		return;
	}
	for (int r = 0; r < t->size; r++) {
		struct team_peer *p = &t->peer[r];

		p->in_head = p->in_done = p->out_done = 0;
		p->out_n = sizeof(struct team_frame) + flow[r].out_n;
	}
	t->turn++;
	while (round_of(t, flow, fds))
		;
	free(fds);
	t->cost.seconds += team_now() - start;
	for (int r = 0; r < t->size; r++)
		t->cost.bytes += r == t->rank ? 0 : t->peer[r].out_done;
}

/* ---- the end ---- */

/* Sends a whole frame to a rank that may be busy; false: it is gone, or in the middle of another. */
static bool send_fail(struct team_peer *p, const char *text)
{
	const struct team_frame head = { TEAM_FAIL, 0, strlen(text) };
	char frame[sizeof head + ERR_TEXT];
	const size_t n = sizeof head + strlen(text);
	size_t at = 0;

	if (p->settled || (p->out_done > 0 && p->out_done < p->out_n))
		return false;
	memcpy(frame, &head, sizeof head);
	memcpy(frame + sizeof head, text, n - sizeof head);
	while (at < n) {
		struct pollfd poll_fd = { .fd = p->fd, .events = POLLOUT };
		const ssize_t k = send(p->fd, frame + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && (!again(k) || poll(&poll_fd, 1, 1000) == 0))
			return false;
		at += k > 0 ? (size_t)k : 0;
	}
	return true;
}

/* Reads and discards data until the rank has failed, too, or is gone. */
static void drain(struct team_peer *p)
{
	char waste[65536];
	const size_t left = p->in_head < sizeof p->in ? 0 : (size_t)p->in.bytes - p->in_done;
	ssize_t n;

	if (left > 0) {
		n = recv(p->fd, waste, left < sizeof waste ? left : sizeof waste, MSG_DONTWAIT);
		p->in_done += n > 0 ? (size_t)n : 0;
	} else {
		if (p->in_head == sizeof p->in)
			p->in_head = p->in_done = 0;
		n = recv(p->fd, (char *)&p->in + p->in_head, sizeof p->in - p->in_head, MSG_DONTWAIT);
		p->in_head += n > 0 ? (size_t)n : 0;
	}
	p->settled = (n <= 0 && !again(n)) || (p->in_head == sizeof p->in && p->in.kind == TEAM_FAIL);
}

bool team_tell(struct team *t, const char *why)
{
	enum { ROUNDS = 50, WAIT = 100 }; /* milliseconds */
	bool told = true;

	for (int r = 0; r < t->size; r++)
		if (r != t->rank && !send_fail(&t->peer[r], r == 0 ? why : "") && r == 0)
			told = t->heard;
	/* Closing a connection with unread bytes would discard what was sent. */
	for (int i = 0; i < ROUNDS; i++) {
		bool open = false;

		for (int r = 0; r < t->size; r++) {
			struct pollfd poll_fd = { .fd = t->peer[r].fd, .events = POLLIN };

			while (r != t->rank && !t->peer[r].settled && poll(&poll_fd, 1, 0) > 0)
				drain(&t->peer[r]);
			open = open || (r != t->rank && !t->peer[r].settled);
		}
		if (!open)
			break;
		poll(NULL, 0, WAIT);
	}
	return told;
}
