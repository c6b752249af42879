/* SPDX-License-Identifier: MIT
 * TAP from a C test: ok(condition, "what is claimed", ...) and, at the end of main, return done(). */
#ifndef TAP_H
#define TAP_H
#include <stdio.h>

static int tap_n, tap_bad;
#define ok(c, ...) \
	do { \
		int ok_ = !!(c); \
		printf("%sok %d - ", ok_ ? "" : "not ", ++tap_n); \
		printf(__VA_ARGS__); \
		putchar('\n'); \
		if (!ok_) { \
			tap_bad++; \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #c); \
		} \
	} while (0)
#define done() (printf("1..%d\n", tap_n), tap_bad != 0)
#endif
