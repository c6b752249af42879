/* SPDX-License-Identifier: MIT
 *
 * report_terminal: a picture on a terminal that can show one: by kitty's graphics protocol
 * (https://sw.kovidgoyal.net/kitty/graphics-protocol) or as sixels, by libsixel, which is opened on first use.
 */
#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum report_terminal { REPORT_NO_PICTURES, REPORT_KITTY, REPORT_SIXEL };

/* What this process's terminal can show: taken from the environment if possible (KITTY_WINDOW_ID, TERM, TERM_PROGRAM),
 * otherwise the terminal is asked, and has three seconds to answer, during which signals wait. A background process
 * does not ask. */
enum report_terminal report_terminal_ask(void);
/* Shows a PNG of n bytes, RGB, and ends the line. -1: no libsixel, out of memory, not a PNG. */
int report_terminal_show(FILE *f, enum report_terminal how, const unsigned char *png, size_t n, struct err *err)
	__attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
