/* SPDX-License-Identifier: MIT
 * UTF-8: every character, and malformed sequences that look like one. */
#include <stdint.h>
#include <string.h>

#include "ts/ts_utf8.h"
#include "../tap.h"

/* Writes the character c to s, terminated. */
static size_t encode(uint32_t c, char s[5])
{
	const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 63));
	s[0] = (char)(first[n] | c);
	s[n] = '\0';
	return n;
}

int main(void)
{
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x80\x80",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xed\xbf\xbf",
					   "\xff",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xc3",
					   "\xe2\x82",
					   "\xf0\x9f\x98",
					   "\xc3x",
					   "\xe2\x82x",
					   "\xe9" };
	size_t wrong = 0;
	char s[5];

	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		const size_t n = encode(c, s);

		wrong += ts_utf8_span(s) != (c >= 0xd800 && c < 0xe000 ? 0 : n);
	}
	ok(wrong == 0, "all characters but surrogates");
	wrong = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		wrong += ts_utf8_span(bad[i]) != 0;
	ok(wrong == 0, "no other forms");
	ok(ts_utf8_span("caf\xe9") == 3 && ts_utf8_span("caf\xc3\xa9") == 5 && ts_utf8_span("") == 0,
	   "up to the first that is none");
	return done();
}
