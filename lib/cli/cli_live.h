/* SPDX-License-Identifier: MIT
 *
 * cli_live: programs that go on for as long as something comes. Signals do not interrupt what they do; they are looked
 * for where it is convenient, and while standard input is waited for.
 *
 *	cli_live_begin();				// before there are threads
 *	while ((what = cli_live_line(&line)) == CLI_LINE) {
 *		...					// line is the next of standard input
 *		if (!cli_live_ready())
 *			flush();			// nothing else has come yet
 *	}
 *	cli_live_end();					// dies here by the signal, if that is why it ended
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From now on SIGTERM, SIGINT and SIGHUP are noted and do nothing else, in this thread and in those that it starts. One
 * that is ignored, as nohup and shells do for what runs in the background, stays so, but for SIGHUP. -1: told. */
int cli_live_begin(void) TS_CHECKED;
/* Has SIGTERM or SIGINT come? It stays so. */
bool cli_live_stopping(void);
/* Has SIGHUP come, since this was asked last? */
bool cli_live_again(void);
/* If stopping: ends the program by the signal. */
void cli_live_end(void);

/* ---- standard input, which nothing else reads then ---- */

enum cli_live { CLI_SIGNAL = -2, CLI_BROKEN = -1, CLI_END = 0, CLI_LINE = 1 };
/* Looks at what comes next: up to n bytes, as many as there are at once, and 1 at least unless it has ended; into *got.
 * CLI_LINE; CLI_SIGNAL: one came first; CLI_BROKEN: told. */
enum cli_live cli_live_peek(unsigned char *buf, size_t n, size_t *got);
/* The next line without its end, valid until the next call. */
enum cli_live cli_live_line(char **line);
/* Is there a line, or an end, without waiting? */
bool cli_live_ready(void);
/* The next bytes, as read(2) gives them, once there are some; errno EINTR: a signal came first. */
ssize_t cli_live_read(void *buf, size_t n);

#ifdef __cplusplus
}
#endif
#endif
