/* SPDX-License-Identifier: MIT
 * Decompression of pages, through libraries that are opened when a file needs them, except zlib. */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <zlib.h>

#include "parquet/parquet_internal.h"

static const char *const names[] = { "nothing", "snappy", "gzip", "LZO", "Brotli", "LZ4", "zstd", "LZ4" };

/* snappy-c.h: these return a snappy_status (0: success). zstd.h: a number of bytes, or an error. */
static struct {
	int (*snappy)(const char *p, size_t n, char *to, size_t *room);
	size_t (*zstd)(void *to, size_t room, const void *p, size_t n);
} libraries;

static void open_libraries(void)
{
	void *snappy = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
	void *zstd = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
	void *f;

	if (snappy && (f = dlsym(snappy, "snappy_uncompress")))
		memcpy(&libraries.snappy, &f, sizeof f);
	if (zstd && (f = dlsym(zstd, "ZSTD_decompress")))
		memcpy(&libraries.zstd, &f, sizeof f);
}

int parquet_codec_check(int codec, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (codec == PARQUET_PLAIN_CODEC || codec == PARQUET_GZIP)
		return 0;
	pthread_once(&once, open_libraries);
	if (codec == PARQUET_SNAPPY ? libraries.snappy != NULL : codec == PARQUET_ZSTD && libraries.zstd)
		return 0;
	if (codec == PARQUET_SNAPPY || codec == PARQUET_ZSTD)
		return err_fail(err, "it is compressed with %s, and %s is not installed", names[codec],
				codec == PARQUET_SNAPPY ? "libsnappy.so.1 (Debian: libsnappy1v5)" :
							  "libzstd.so.1 (Debian: libzstd1)");
	if (codec > 0 && codec < (int)(sizeof names / sizeof *names))
		return err_fail(err,
				"it is compressed with %s, which is not read; snappy, zstd, gzip and uncompressed are",
				names[codec]);
	return err_fail(err, "it is compressed with the unknown codec %d", codec);
}

/* Unpacks gzip's members one after another. Returns how many bytes, or want + 1: they are not valid, or more. */
static size_t gunzip(const unsigned char *p, size_t n, unsigned char *to, size_t want)
{
	z_stream z = {
		.next_in = (unsigned char *)(uintptr_t)p, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)want
	};
	int rc = inflateInit2(&z, 15 + 16); /* a window of 2^15 bytes, gzip's header */

	if (rc != Z_OK)
		return want + 1;
	while ((rc = inflate(&z, Z_FINISH)) == Z_STREAM_END && z.avail_in > 0)
		if (inflateReset(&z) != Z_OK)
			break;
	inflateEnd(&z);
	return rc == Z_STREAM_END ? want - z.avail_out : want + 1;
}

int parquet_unpack(int codec, const unsigned char *p, size_t n, unsigned char *to, size_t want, struct err *err)
{
	size_t got = want;

	if (codec == PARQUET_PLAIN_CODEC) {
		if (n != want)
			return err_fail(err, "damaged page: %zu bytes instead of %zu", n, want);
		memcpy(to, p, n);
		return 0;
	}
	if (codec == PARQUET_SNAPPY) {
		if (libraries.snappy((const char *)p, n, (char *)to, &got) != 0)
			got = want + 1;
	} else if (codec == PARQUET_GZIP) {
		got = gunzip(p, n, to, want);
	} else {
		got = libraries.zstd(to, want, p, n);
	}
	return got == want ? 0 : err_fail(err, "damaged page: its %s does not unpack to %zu bytes", names[codec], want);
}
