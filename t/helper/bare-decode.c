/* SPDX-License-Identifier: MIT
 * bare-decode: measures what bare libjpeg calls cost: decodes every JPEG below FOLDER to RGB, once, on one core, and
 * prints the processor seconds, without reading the files, and the number of files.
 * bare-decode FOLDER */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jpeglib.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void decode(const unsigned char *p, size_t n, unsigned char **pixels, size_t *cap)
{
	struct jpeg_decompress_struct j;
	struct jpeg_error_mgr e;
	size_t row;

	j.err = jpeg_std_error(&e);
	jpeg_create_decompress(&j);
	jpeg_mem_src(&j, p, n);
	jpeg_read_header(&j, TRUE);
	j.out_color_space = JCS_RGB;
	jpeg_start_decompress(&j);
	row = (size_t)j.output_width * 3;
	if (row * j.output_height > *cap) {
		*cap = row * j.output_height;
		*pixels = realloc(*pixels, *cap);
		if (!*pixels)
			exit(1);
	}
	while (j.output_scanline < j.output_height) {
		JSAMPROW at = *pixels + j.output_scanline * row;
		jpeg_read_scanlines(&j, &at, 1);
	}
	jpeg_finish_decompress(&j);
	jpeg_destroy_decompress(&j);
}

int main(int argc, char **argv)
{
	char *roots[] = { argc == 2 ? argv[1] : NULL, NULL };
	FTS *walk = argc == 2 ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
	static unsigned char file[1 << 24];
	unsigned char *pixels = NULL;
	size_t cap = 0, count = 0;
	double seconds = 0, start;
	FTSENT *f;

	if (!walk) {
		fputs("usage: bare-decode FOLDER\n", stderr);
		return 2;
	}
	while ((f = fts_read(walk)) != NULL) {
		FILE *in = f->fts_info == FTS_F ? fopen(f->fts_accpath, "rb") : NULL;
		size_t n = in ? fread(file, 1, sizeof file, in) : 0;

		if (in)
			fclose(in);
		if (n < 3 || memcmp(file, "\xff\xd8\xff", 3) != 0)
			continue;
		start = now();
		decode(file, n, &pixels, &cap);
		seconds += now() - start;
		count++;
	}
	fts_close(walk);
	free(pixels);
	printf("%.4f %zu\n", seconds, count);
	return 0;
}
