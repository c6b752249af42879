/* SPDX-License-Identifier: MIT
 *
 * cli_live: programs that run for as long as there is input. Signals do not interrupt their work; they are checked for
 * where it is convenient, and while waiting for standard input.
 *
 *	cli_live_begin(false);				// before there are threads
 *	while ((what = cli_live_line(&line)) == CLI_LINE) {
 *		...					// line is the next of standard input
 *		if (!cli_live_ready())
 *			flush();			// nothing else has come yet
 *	}
 *	cli_reraise_stop();				// dies here by the signal, if that is why it ended
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Like cli_catch_stop() (then ask cli_stopping()); in addition, waiting for standard input ends when a signal comes.
 * Signals that the parent blocked come, too. hangup: SIGHUP is recorded, too, even where nohup ignores it. -1: an error
 * was printed. */
int cli_live_begin(bool hangup) TS_CHECKED;
/* Has SIGHUP come since the last call? */
bool cli_live_again(void);

/* ---- standard input, which nothing else may read then ---- */

enum cli_live { CLI_SIGNAL = -2, CLI_BROKEN = -1, CLI_END = 0, CLI_LINE = 1 };
/* Peeks at the next up to n bytes: as many as are available at once, and at least 1 unless the input has ended; into
 * buf, their number into *got. CLI_LINE; CLI_SIGNAL: a signal came first; CLI_BROKEN: an error was printed. */
enum cli_live cli_live_peek(unsigned char *buf, size_t n, size_t *got);
/* The next line without its end, which may be that of Windows, and may be missing from the last; valid until the next
 * call. A signal does not come before lines that have arrived: ask cli_stopping(). Lines of more than 64 KiB, or
 * with a zero byte, are errors. */
enum cli_live cli_live_line(char **line);
/* Warns if a signal came before all lines that have arrived were taken: they are names, and lost. */
void cli_live_unread(void);
/* Is a line, or the end, available without waiting? */
bool cli_live_ready(void);
/* Reads the next bytes like read(2), waiting until there are some; errno EINTR: a signal came first. */
ssize_t cli_live_read(void *buf, size_t n);

#ifdef __cplusplus
}
#endif
#endif
