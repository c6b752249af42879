/* SPDX-License-Identifier: MIT
 * A character is one byte below 128, or a first byte that says how many follow, each from 128 to 191; the range of the
 * second may be narrower (RFC 3629, section 4). */
#include <string.h>

#include "ts/ts_utf8.h"

/* Length of the character at p; 0: invalid. */
static size_t character(const unsigned char *p)
{
	const unsigned char c = p[0];
	const size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	const unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	const unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

	if (n > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

size_t ts_utf8_span(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	while (*p && (n = character(p)) != 0)
		p += n;
	return (size_t)(p - (const unsigned char *)s);
}

size_t ts_utf8_mark(const char *s)
{
	return strncmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}
