/* SPDX-License-Identifier: MIT
 *
 * kit_live: standard input that arrives over time, in lines or in blocks, for a program that SIGINT and SIGTERM end in
 * an orderly way, even while it waits. Data is passed on as soon as it arrives.
 *
 *	struct kit_live in;
 *
 *	kit_live_init(&in, STDIN_FILENO);
 *	while ((rc = kit_live_line(&in, &line, &err)) == 1)
 *		...
 *	kit_live_release(&in);
 */
#ifndef KIT_LIVE_H
#define KIT_LIVE_H

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kit_live {
	int fd;
	char *p; /* bytes from..n have arrived and have not been taken */
	size_t from, n, cap;
	bool over; /* there is nothing more to read */
};

/* From now on SIGINT and SIGTERM are noted (cli_stopping()) and end the input. The caller keeps fd. */
void kit_live_init(struct kit_live *in, int fd);
void kit_live_release(struct kit_live *in);
/* The next line without its end, borrowed until the next call; the last one may lack its newline. 1; 0: the end, or a
 * signal; -1 with err: a read error, out of memory, a line of more than 64 KiB, or a zero byte in it. */
int kit_live_line(struct kit_live *in, char **line, struct err *err) TS_CHECKED;
/* Warns if a signal came before all lines that have arrived were taken: they are names, and lost. */
void kit_live_unread(const struct kit_live *in);
/* Reads the next n bytes into `to`. 1; 0: the end came before the first of them, or a signal; -1 with err: a read
 * error, out of memory, or the end came before the nth byte. */
int kit_live_block(struct kit_live *in, void *to, size_t n, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
