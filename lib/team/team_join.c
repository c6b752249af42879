/* SPDX-License-Identifier: MIT
 * How ranks meet: each listens on an address of its own; all tell theirs to rank 0, whose address is known; rank 0
 * sends all addresses to all; then each connects to the ranks below it. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "team/team_internal.h"

/* An address to listen on. */
struct address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a;
};

/* The first message of a rank on a connection. */
struct hello {
	char magic[8];
	uint64_t job;
	int32_t rank, size;
	struct address at; /* to rank 0: where it listens */
};
enum { SILENCE = 60 };
static const char magic[8] = "unmask1";

/* A team that is being formed. */
struct meeting {
	struct team *t;
	const struct team_place *p;
	struct address zero;   /* rank 0's address */
	struct address *table; /* (size) everybody's */
	struct address mine;
	int listener;
	double end; /* when to give up, by team_now() */
};

static bool is_tcp(const struct meeting *m)
{
	return m->p->host[0] != '\0';
}

static bool is_loopback(const struct address *a)
{
	if (a->a.any.sa_family == AF_INET)
		return ntohl(a->a.in.sin_addr.s_addr) >> 24 == 127;
	if (a->a.any.sa_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&a->a.in6.sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&a->a.in6.sin6_addr) && a->a.in6.sin6_addr.s6_addr[12] == 127);
}

static in_port_t *port_of(struct address *a)
{
	return a->a.any.sa_family == AF_INET6 ? &a->a.in6.sin6_port : &a->a.in.sin_port;
}

/* ---- one connection ---- */

/* Sends or receives n bytes before m->end. */
static int move(const struct meeting *m, int fd, void *buf, size_t n, bool out)
{
	for (size_t at = 0; at < n;) {
		struct pollfd poll_fd = { .fd = fd, .events = out ? POLLOUT : POLLIN };
		const double left = m->end - team_now();
		ssize_t k;

		if (left <= 0)
			return -1;
		if (poll(&poll_fd, 1, (int)(1000 * left) + 1) < 1)
			continue;
		k = out ? send(fd, (char *)buf + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT) :
			  recv(fd, (char *)buf + at, n - at, MSG_DONTWAIT);
		if (k == 0 || (k < 0 && errno != EAGAIN && errno != EINTR))
			return -1;
		at += k > 0 ? (size_t)k : 0;
	}
	return 0;
}

static void tune(const struct meeting *m, int fd)
{
	const int on = 1, times = 6, idle = m->t->silence / 2, every = (m->t->silence - idle + times - 1) / times;

	if (!is_tcp(m))
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* A machine that is gone sends nothing. This detects it while no bytes are being sent to it; otherwise
	 * team_exchange() does. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

/* For a Unix socket: is the peer a process of this user? Anybody may connect, and listen under any name. */
static bool is_ours(const struct meeting *m, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;

	return is_tcp(m) || (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid());
}

/* Tries until the other side listens. -1: it did not in time. */
static int connect_to(const struct meeting *m, const struct address *a)
{
	while (team_now() < m->end) {
		const int fd = socket(a->a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -1;
		if (connect(fd, &a->a.any, a->len) == 0 && is_ours(m, fd)) {
			tune(m, fd);
			return fd;
		}
		close(fd);
		poll(NULL, 0, 50);
	}
	return -1;
}

/* Accepts the next connection of a rank and returns its number. Connections from outside this run are dropped, as a
 * port is open to all. -1: no rank came in time, or one that makes no sense. */
static int accept_rank(struct meeting *m, struct hello *h, struct err *err)
{
	struct team *t = m->t;
	struct pollfd poll_fd = { .fd = m->listener, .events = POLLIN };
	double left;

	while ((left = m->end - team_now()) > 0) {
		struct meeting brief = *m; /* a silent stranger must not use up the others' time */
		int fd;

		if (poll(&poll_fd, 1, (int)(1000 * left) + 1) < 1 ||
		    (fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		brief.end = team_now() + 5 < m->end ? team_now() + 5 : m->end;
		if (!is_ours(m, fd) || move(&brief, fd, h, sizeof *h, false) < 0 ||
		    memcmp(h->magic, magic, sizeof magic) != 0 || h->job != m->p->job) {
			close(fd);
			continue;
		}
		if (h->size != t->size || h->rank <= 0 || h->rank >= t->size || t->peer[h->rank].fd >= 0) {
			close(fd);
			return err_fail(err,
					"a process came as rank %d of %d, which does not go with rank %d of %d here",
					h->rank, h->size, t->rank, t->size);
		}
		tune(m, fd);
		t->peer[h->rank].fd = fd;
		return h->rank;
	}
	for (int r = t->rank + 1; r < t->size; r++)
		if (t->peer[r].fd < 0)
			return err_fail(err,
					"rank %d of %d did not come within %d seconds: did its process start? To train "
					"with one process although a launcher set variables of several, give --ranks 1",
					r, t->size, m->p->seconds);
	return -1;
}

static int say_hello(const struct meeting *m, int fd)
{
	struct hello h = { .job = m->p->job, .rank = m->p->rank, .size = m->p->size, .at = m->mine };

	memcpy(h.magic, magic, sizeof magic);
	return move(m, fd, &h, sizeof h, true);
}

/* ---- places ---- */

/* Rank 0's address: on one machine a name that vanishes with the process; on several a port. */
static int find_zero(struct meeting *m, struct err *err)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	struct address *z = &m->zero;
	char port[16];
	int rc;

	if (!is_tcp(m)) {
		z->a.un.sun_family = AF_UNIX;
		z->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1);
		z->len += (socklen_t)snprintf(z->a.un.sun_path + 1, sizeof z->a.un.sun_path - 1, "unmask/%u/%016llx",
					      geteuid(), (unsigned long long)m->p->job);
		return 0;
	}
	snprintf(port, sizeof port, "%ld", m->p->port);
	rc = getaddrinfo(m->p->host, port, &want, &found);
	if (rc != 0)
		return err_fail(err,
				"cannot find the machine of rank 0, '" ERR_NAME "': %s; set MASTER_ADDR to its name",
				m->p->host, gai_strerror(rc));
	z->len = found->ai_addrlen;
	memcpy(&z->a, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

/* Where this rank listens. The machine's name may resolve to loopback, as in Debian's /etc/hosts, so the socket is
 * bound to loopback only if the host is given that way. */
static struct address place_of(const struct meeting *m)
{
	struct address a = m->zero;

	if (!is_tcp(m)) {
		if (m->p->rank > 0)
			a = (struct address){ sizeof(sa_family_t), { .un = { .sun_family = AF_UNIX } } };
		return a;
	}
	if (m->p->rank > 0)
		*port_of(&a) = 0;
	if (strcmp(m->p->host, "localhost") == 0 || strncmp(m->p->host, "127.", 4) == 0 ||
	    strcmp(m->p->host, "::1") == 0)
		return a;
	if (a.a.any.sa_family == AF_INET)
		a.a.in.sin_addr.s_addr = htonl(INADDR_ANY);
	else
		a.a.in6.sin6_addr = in6addr_any;
	return a;
}

static int start_listening(struct meeting *m, struct err *err)
{
	const struct address at = place_of(m);
	const int on = 1;

	m->listener = socket(at.a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (m->listener < 0)
		return err_fail(err, "cannot make a socket: %s", strerror(errno));
	if (is_tcp(m))
		setsockopt(m->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	m->mine.len = sizeof m->mine.a;
	/* The previous run in the same job may not have ended completely. */
	while (bind(m->listener, &at.a.any, at.len) < 0) {
		if (errno != EADDRINUSE || team_now() > m->end)
			return err_fail(err, "rank %d cannot listen for the others%s%s: %s", m->p->rank,
					is_tcp(m) ? " at " : "", m->p->host, strerror(errno));
		poll(NULL, 0, 50);
	}
	if (listen(m->listener, TEAM_MOST) < 0 || getsockname(m->listener, &m->mine.a.any, &m->mine.len) < 0)
		return err_fail(err, "rank %d cannot listen for the others: %s", m->p->rank, strerror(errno));
	return 0;
}

/* ---- meeting ---- */

/* Rank 0: all tell where they listen, and learn it about the others. Ranks on this machine, which connect through
 * loopback, have rank 0's address for the others. */
static int gather_places(struct meeting *m, struct err *err)
{
	struct team *t = m->t;

	for (int i = 1; i < t->size; i++) {
		struct address from = { .len = sizeof from.a };
		struct hello h;
		const int r = accept_rank(m, &h, err);

		if (r < 0)
			return -1;
		m->table[r] = h.at;
		if (!is_tcp(m))
			continue;
		if (getpeername(t->peer[r].fd, &from.a.any, &from.len) < 0)
			return err_fail(err, "rank %d is gone: %s", r, strerror(errno));
		*port_of(&from) = *port_of(&h.at);
		m->table[r] = from;
	}
	for (int r = 1; r < t->size; r++)
		if (move(m, t->peer[r].fd, m->table, (size_t)t->size * sizeof *m->table, true) < 0)
			return err_fail(err, "rank %d is gone: its process ended, or was killed", r);
	return 0;
}

/* Other ranks: connect to rank 0, then to those below; those above connect here. */
static int go_to_all(struct meeting *m, struct err *err)
{
	struct team *t = m->t;
	struct address zero = { .len = sizeof zero.a };

	t->peer[0].fd = connect_to(m, &m->zero);
	if (t->peer[0].fd < 0 || say_hello(m, t->peer[0].fd) < 0 ||
	    move(m, t->peer[0].fd, m->table, (size_t)t->size * sizeof *m->table, false) < 0)
		return err_fail(err,
				"rank %d finds no rank 0%s%s: its process ended, or did not start within %d seconds",
				t->rank, is_tcp(m) ? " at " : "", m->p->host, m->p->seconds);
	if (getpeername(t->peer[0].fd, &zero.a.any, &zero.len) < 0)
		return err_fail(err, "rank 0 is gone: %s", strerror(errno));
	for (int r = 1; r < t->rank; r++) {
		struct address a = m->table[r];

		if (is_tcp(m) && is_loopback(&a)) {
			a = zero;
			*port_of(&a) = *port_of(&m->table[r]);
		}
		t->peer[r].fd = connect_to(m, &a);
		if (t->peer[r].fd < 0 || say_hello(m, t->peer[r].fd) < 0)
			return err_fail(err, "rank %d does not reach rank %d: does a firewall stand between them?",
					t->rank, r);
	}
	for (int r = t->rank + 1; r < t->size; r++) {
		struct hello h;

		if (accept_rank(m, &h, err) < 0)
			return -1;
	}
	return 0;
}

int team_join(struct team **ret, const struct team_place *p, struct err *err)
{
	struct meeting m = { .t = calloc(1, sizeof *m.t), .p = p, .listener = -1, .end = team_now() + p->seconds };
	int rc = 0;

	*ret = NULL;
	m.table = calloc((size_t)p->size, sizeof *m.table);
	if (m.t)
		m.t->peer = calloc((size_t)p->size, sizeof *m.t->peer);
	if (!m.table || !m.t || !m.t->peer)
		rc = err_memory(err);
	if (rc == 0) {
		m.t->rank = p->rank;
		m.t->size = p->size;
		memcpy(m.t->child, p->child, sizeof m.t->child);
		memcpy(m.t->host, p->host, sizeof m.t->host);
		m.t->silence = !is_tcp(&m) ? 0 : p->silence ? p->silence : SILENCE;
		for (int r = 0; r < p->size; r++)
			m.t->peer[r].fd = -1;
		rc = find_zero(&m, err);
	}
	if (rc == 0)
		rc = start_listening(&m, err);
	if (rc == 0)
		rc = p->rank == 0 ? gather_places(&m, err) : go_to_all(&m, err);
	if (m.listener >= 0)
		close(m.listener);
	free(m.table);
	if (rc == 0) {
		*ret = m.t;
	} else {
		if (m.t)
			m.t->failed = true; /* do not wait for those that have not come */
		team_free(m.t);
	}
	return rc;
}
