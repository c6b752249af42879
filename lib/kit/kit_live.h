/* SPDX-License-Identifier: MIT
 *
 * kit_live: standard input that comes as it comes, in lines or in blocks, of a program that SIGINT and SIGTERM end in
 * order: also while it waits. What has arrived is handed on at once.
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
	char *p; /* bytes from..n have arrived and were not taken */
	size_t from, n, cap;
	bool over; /* there is nothing more to read */
};

/* From now on SIGINT and SIGTERM are noted, cli_stopping(), and end the input. fd stays the caller's. */
void kit_live_init(struct kit_live *in, int fd);
void kit_live_release(struct kit_live *in);
/* The next line without its end, borrowed until the next call; the last one may lack its newline. 1; 0: the end, or a
 * signal; -1 with err: cannot be read, no memory, a line of more than 64 KiB, a zero byte in it. */
int kit_live_line(struct kit_live *in, char **line, struct err *err) TS_CHECKED;
/* The next n bytes, to `to`. 1; 0: the end in front of them, or a signal; -1 with err: cannot be read, no memory, or
 * the end came before the nth byte, which err says. */
int kit_live_block(struct kit_live *in, void *to, size_t n, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
