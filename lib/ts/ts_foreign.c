/* SPDX-License-Identifier: MIT
 * Recognises files by their first bytes. */
#include <stdbool.h>
#include <string.h>

#include "ts/ts_foreign.h"

static bool begins(const unsigned char *p, size_t n, const char *magic, size_t len)
{
	return n >= len && memcmp(p, magic, len) == 0;
}

static bool ends_in(const char *name, size_t n, const char *end)
{
	const size_t len = strlen(end);

	return n >= len && memcmp(name + n - len, end, len) == 0;
}

/* The first file's name is at byte 30, its length at byte 26. PyTorch puts its files into a folder. */
static enum ts_foreign zip(const unsigned char *p, size_t n)
{
	static const char *const torch[] = { "/data.pkl", "/version", "/.format_version", "/byteorder",
					     "/constants.pkl" };
	const size_t len = n >= 30 ? (size_t)p[26] | (size_t)p[27] << 8 : 0;
	const char *name = (const char *)p + 30;

	if (n < 30 || len > n - 30)
		return TS_ZIP;
	for (size_t i = 0; i < sizeof torch / sizeof *torch; i++)
		if (ends_in(name, len, torch[i]))
			return TS_PYTORCH;
	return ends_in(name, len, ".npy") ? TS_NPZ : TS_ZIP;
}

static bool is_text(const unsigned char *p, size_t n)
{
	n = n < 512 ? n : 512;
	for (size_t i = 0; i < n; i++)
		if (p[i] == 0x7f || (p[i] < 32 && !strchr("\t\n\r\f", p[i])) || p[i] == 0)
			return false;
	return n > 0 && (p[0] < 0x80 || p[0] >= 0xc2);
}

enum ts_foreign ts_foreign_of(const void *bytes, size_t n)
{
	static const struct {
		const char *magic;
		size_t len;
		enum ts_foreign is;
	} known[] = {
		{ "\x93NUMPY", 6, TS_NPY },
		{ "\x89HDF", 4, TS_HDF5 },
		{ "PAR1", 4, TS_PARQUET },
		{ "MATLAB", 6, TS_MATLAB },
		{ "\x89PNG", 4, TS_PICTURE },
		{ "\xff\xd8\xff", 3, TS_PICTURE },
		{ "GIF8", 4, TS_PICTURE },
		{ "RIFF", 4, TS_PICTURE },
		{ "BM", 2, TS_PICTURE },
		{ "\x1f\x8b", 2, TS_GZIP },
		{ "BZh", 3, TS_PACKED },
		{ "\xfd"
		  "7zXZ",
		  5, TS_PACKED },
		{ "\x28\xb5\x2f\xfd", 4, TS_PACKED },
		{ "\x80\2\x8a\nl\xfc\x9c", 7, TS_PYTORCH }, /* as torch.save() wrote it before 1.6 */
		{ "\x80\2", 2, TS_PICKLE },
		{ "\x80\3", 2, TS_PICKLE },
		{ "\x80\4", 2, TS_PICKLE },
		{ "\x80\5", 2, TS_PICKLE },
	};
	const unsigned char *p = bytes;

	if (begins(p, n, "PK\3\4", 4))
		return zip(p, n);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (begins(p, n, known[i].magic, known[i].len) &&
		    (known[i].is != TS_PICTURE || known[i].len > 2 || !is_text(p, n)))
			return known[i].is;
	if (n > 262 && memcmp(p + 257, "ustar", 5) == 0)
		return TS_PACKED;
	if (n > 9 && p[8] == '{' && p[6] == 0 && p[7] == 0)
		return TS_SAFETENSORS;
	return is_text(p, n) ? TS_TEXT : TS_UNKNOWN;
}

static const struct {
	const char *name, *remedy;
} what[] = {
	[TS_UNKNOWN] = { NULL, NULL },
	[TS_PYTORCH] = { "a PyTorch file", "um-ckpt import makes a checkpoint of it" },
	[TS_PICKLE] = { "a pickle", "of a model um-ckpt import makes a checkpoint, of images ds-pack a stream" },
	[TS_NPY] = { "a NumPy array", "ts-import makes a stream of features or scores, ds-pack of images" },
	[TS_NPZ] = { "NumPy arrays", "ts-import makes a stream of features or scores, ds-pack of images" },
	[TS_ZIP] = { "a zip", "ds-pack makes a stream of the images in it" },
	[TS_SAFETENSORS] = { "safetensors",
			     "um-ckpt import makes a checkpoint of a model, ts-import a stream of features" },
	[TS_HDF5] = { "HDF5", NULL },
	[TS_PARQUET] = { "Parquet", "ts-import makes a stream of features or scores, ds-pack of images" },
	[TS_MATLAB] = { "a MATLAB file", "ds-pack makes a stream of its images, if it is SVHN" },
	[TS_PICTURE] = { "a picture", "ds-pack makes a stream of it" },
	[TS_GZIP] = { "gzip", "ds-pack makes a stream of the images in it" },
	[TS_PACKED] = { "an archive", "ds-pack makes a stream of the images in it" },
	[TS_TEXT] = { "text", "ts-import makes a stream of a table" },
};

const char *ts_foreign_name(enum ts_foreign f)
{
	return what[f].name;
}

const char *ts_foreign_remedy(enum ts_foreign f)
{
	return what[f].remedy;
}
