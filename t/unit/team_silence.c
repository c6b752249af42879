/* SPDX-License-Identifier: MIT
 * Ranks on several machines, one of which is cut off: the others notice, whether bytes are on their way to it or not. A
 * rank that is busy, and has no room for incoming bytes, is not given up. The machines are processes, and the cable is
 * the loopback of a private network namespace. */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "team/team_internal.h"

enum { SILENCE = 2, LONG = 6, MANY = 8 << 20 };

/* Of rank 1. */
enum fate { BUSY, CUT_WITH_BYTES, CUT_WITHOUT };
#define FATES 3

/* Switches the loopback of this namespace on or off. */
static bool plug(bool in)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = in ? IFF_UP : 0 };
	const bool good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

struct report {
	bool met, failed;
	double seconds; /* how long rank 0 waited */
	char text[200];
};

/* Rank 0 sends numbers to rank 1, which is busy, or pulls the cable before or after sending. */
static void run_rank(int rank, enum fate fate, struct report *to)
{
	const struct team_place place = {
		.rank = rank, .size = 2, .host = "127.0.0.1", .port = 29500, .job = 1, .seconds = 10, .silence = SILENCE
	};
	const size_t n = fate == CUT_WITHOUT ? 1 : MANY;
	float *v = calloc(n, sizeof *v);
	struct team *t = NULL;
	struct err err;

	alarm(60);
	if (!v || team_join(&t, &place, &err) < 0)
		_exit(1);
	team_sum(t, v, 1);
	if (rank == 1) {
		usleep(fate == CUT_WITHOUT ? 500000 : 0);
		if (fate != BUSY && plug(false))
			pause();
		sleep(LONG);
		team_sum(t, v, n);
		_exit(team_check(t, &err) < 0);
	}
	to->met = true;
	to->seconds = -team_now();
	usleep(fate == CUT_WITH_BYTES ? 500000 : 0);
	team_sum(t, v, n);
	to->seconds += team_now();
	to->failed = team_check(t, &err) < 0;
	if (to->failed)
		snprintf(to->text, sizeof to->text, "%.190s", err.text);
	_exit(0);
}

/* Runs both ranks in their own namespace. Returns the process that started them, which exits with 0. */
static pid_t start(enum fate fate, struct report *to)
{
	const pid_t pid = fork();
	pid_t ranks[2];
	int status;

	if (pid != 0)
		return pid;
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		_exit(77);
	if (!plug(true))
		_exit(77);
	for (int r = 0; r < 2; r++)
		if ((ranks[r] = fork()) == 0)
			run_rank(r, fate, to);
	waitpid(ranks[0], &status, 0);
	if (fate != BUSY)
		kill(ranks[1], SIGKILL);
	waitpid(ranks[1], NULL, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(void)
{
	static const char gone[] = "rank 1 of 2 is gone: its process ended without a word, or its machine did";
	static const char *const claims[FATES] = {
		"a rank that is busy three times as long as silence may last is waited for",
		"a machine that is cut off while bytes are on their way to it is missed",
		"and so is one that was heard last before",
	};
	struct report *got = mmap(NULL, FATES * sizeof *got, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[FATES];

	for (int i = 0; i < FATES; i++)
		pids[i] = start((enum fate)i, &got[i]);
	for (int i = 0; i < FATES; i++) {
		const struct report *g = &got[i];
		int status = 0;

		waitpid(pids[i], &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			printf("ok %d - %s # SKIP no network namespaces here\n", ++tap_n, claims[i]);
		else if (i == BUSY)
			ok(g->met && !g->failed && g->seconds > LONG - 1, "%s (%.1f s)", claims[i], g->seconds);
		else
			ok(g->failed && strcmp(g->text, gone) == 0 && g->seconds < 5 * SILENCE, "%s (%.1f s: %s)",
			   claims[i], g->seconds, g->text);
	}
	return done();
}
