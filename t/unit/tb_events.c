/* SPDX-License-Identifier: MIT
 * CRC-32C on its published vectors, and errors of event files; their contents are read back in
 * t/2050-runs.t and t/1030-events.t. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../tap.h"
#include "tb/tb.h"

int main(int argc, char **argv)
{
	const float v[5] = { 1, 2, 3, NAN, 4 }, same[2] = { 2, 2 };
	unsigned char zeros[32] = { 0 };
	char err[512], long_tag[4000];
	struct tb_writer *w;

	if (argc == 2) {                      /* for t/1030-events.t: two files in this folder */
		w = tb_open(argv[1], -1, err, sizeof err);
		if (!w || tb_scalar(w, "a/b", 1, 0.25) < 0 || tb_scalar(w, "a/b", 300, -1e30) < 0 ||
		    tb_histogram(w, "h", 7, v, 5) < 0 || tb_histogram(w, "same", 8, same, 2) < 0 ||
		    tb_histogram(w, "none", 9, v, 0) < 0 || tb_close(w) < 0)
			return 1;
		w = tb_open(argv[1], 300, err, sizeof err);
		return !w || tb_scalar(w, "a/b", 300, 5) < 0 || tb_close(w) < 0;
	}
	ok(tb_crc32c("123456789", 9) == 0xe3069283u, "CRC-32C of 123456789");
	ok(tb_crc32c(zeros, 32) == 0x8a9136aau, "of 32 zeros (RFC 3720)");
	ok(!tb_open("/no/such/folder", -1, err, sizeof err) && strstr(err, "/no/such/folder"),
	   "a folder that is not there is named");
	ok(tb_close(NULL) == 0, "closing nothing");
	w = tb_open(".", -1, err, sizeof err);
	memset(long_tag, 'x', sizeof long_tag - 1);
	long_tag[sizeof long_tag - 1] = '\0';
	ok(w && tb_scalar(w, long_tag, 1, 1) < 0 && strstr(tb_error(w), "too long"),
	   "a tag that is too long");
	ok(w && tb_scalar(w, "x", 1, 1) < 0, "errors stay");
	ok(tb_close(w) < 0, "and closing tells");
	remove("events.out.tfevents.0000000000.unmask");
	return done();
}
