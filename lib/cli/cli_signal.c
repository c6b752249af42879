/* SPDX-License-Identifier: MIT
 * Signals: what ends a program at once, and what asks it to stop. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_internal.h"
#include "cli/cli_live.h"

static volatile sig_atomic_t stop_signal, hangup;
static struct timespec stop_time;
static int wake = -1; /* an eventfd, readable once a signal has come; -1: nothing waits for signals */

static void die(int sig)
{
	ts_remove_temporaries();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* timeout(1) and others send a signal to the process and once more to its group: within a second it is the same one. */
static bool is_repeated(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - stop_time.tv_sec - (now.tv_nsec < stop_time.tv_nsec) >= 1;
}

static void note(int sig)
{
	const int before = errno;
	const uint64_t one = 1;

	if (sig == SIGHUP) {
		hangup = 1;
	} else if (!stop_signal) {
		clock_gettime(CLOCK_MONOTONIC, &stop_time);
		stop_signal = sig;
	} else if (is_repeated()) {
		die(sig);
	}
	if (wake >= 0 && write(wake, &one, sizeof one) < 0) {
		/* it is readable already */
	}
	errno = before;
}

static void install(int sig, void (*fn)(int))
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = SA_ONSTACK | SA_RESTART };

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void handle(int sig, void (*fn)(int))
{
	struct sigaction was;

	if (sigaction(sig, NULL, &was) == 0 && was.sa_handler != SIG_DFL && was.sa_handler != die &&
	    was.sa_handler != note)
		return; /* ignored, by nohup and the like; or handled by a sanitizer */
	install(sig, fn);
}

/* A stack for die(), because when memory runs out some libraries end in infinite recursion (libgfortran, printing that
 * it has none). A sanitizer has its own. */
static void make_signal_stack(void)
{
	static char room[1 << 16];
	const stack_t ours = { .ss_sp = room, .ss_size = sizeof room };
	stack_t now;

	if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE))
		sigaltstack(&ours, NULL);
}

/* However the program ends, no temporary remains: this includes exit() when out of memory, also in libraries that call
 * it. A file that grows too large becomes an error of write(), with its reason. */
void cli_signals_init(void)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGFPE };

	make_signal_stack();
	signal(SIGPIPE, die); /* even if it was ignored before: then we would go on writing to a closed pipe */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		handle(deadly[i], die);
	atexit(ts_remove_temporaries);
}

bool cli_stopping(void)
{
	return stop_signal != 0;
}

void cli_catch_stop(void)
{
	handle(SIGINT, note);
	handle(SIGTERM, note);
}

void cli_release_stop(void)
{
	handle(SIGINT, die);
	handle(SIGTERM, die);
	if (stop_signal)
		raise(stop_signal);
}

void cli_reraise_stop(void)
{
	if (!stop_signal)
		return;
	signal(stop_signal, SIG_DFL);
	raise(stop_signal);
}

/* ---- beside standard input ---- */

/* Signals that the program's parent blocked, as one does that takes its own from a signalfd, would never come. */
static void unblock(bool with_hangup)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (with_hangup)
		sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int cli_live_begin(bool with_hangup)
{
	wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake < 0)
		return cli_error("cannot wait for signals: %s", strerror(errno));
	cli_catch_stop();
	if (with_hangup)
		install(SIGHUP, note);
	unblock(with_hangup);
	return 0;
}

bool cli_live_again(void)
{
	if (!hangup)
		return false;
	hangup = 0;
	return true;
}

int cli_signal_wait(void)
{
	uint64_t count;

	if (wake >= 0 && read(wake, &count, sizeof count) < 0) {
		/* none has come since */
	}
	return stop_signal || hangup ? -1 : wake;
}
