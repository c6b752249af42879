/* SPDX-License-Identifier: MIT
 * image-gen: writes a small image, for tests: image-gen png|png16|pngmap|jpeg|jpeggray|webp|webpl WIDTH HEIGHT >FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

static void jpeg(int gray, unsigned w, unsigned h)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	static unsigned char row[3 * 4096];
	JSAMPROW rows[] = { row };

	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, stdout);
	c.image_width = w;
	c.image_height = h;
	c.input_components = gray ? 1 : 3;
	c.in_color_space = gray ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_start_compress(&c, TRUE);
	for (unsigned y = 0; y < h; y++) {
		for (unsigned x = 0; x < sizeof row; x++)
			row[x] = (unsigned char)(x * 7 + y * 31);
		jpeg_write_scanlines(&c, rows, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
}

static int png(const char *how, unsigned w, unsigned h)
{
	static unsigned char data[1 << 20], map[4 * 256];
	png_image p;

	memset(&p, 0, sizeof p);
	p.version = PNG_IMAGE_VERSION;
	p.width = w;
	p.height = h;
	p.format = strcmp(how, "png16") == 0  ? PNG_FORMAT_LINEAR_RGB_ALPHA :
		   strcmp(how, "pngmap") == 0 ? PNG_FORMAT_RGBA_COLORMAP :
						PNG_FORMAT_RGB;
	p.colormap_entries = 200;
	if (PNG_IMAGE_SIZE(p) > sizeof data)
		return 0;
	for (size_t i = 0; i < PNG_IMAGE_SIZE(p); i++)
		data[i] = (unsigned char)(i * 13 % 200);
	for (size_t i = 0; i < sizeof map; i++)
		map[i] = (unsigned char)(i * 5);
	return png_image_write_to_stdio(&p, stdout, 0, data, 0, map);
}

static int webp(int lossless, unsigned w, unsigned h)
{
	static unsigned char data[1 << 20];
	uint8_t *out = NULL;
	size_t n;

	if ((size_t)3 * w * h > sizeof data)
		return 0;
	for (size_t i = 0; i < (size_t)3 * w * h; i++)
		data[i] = (unsigned char)(i * 13 % 200);
	n = lossless ? WebPEncodeLosslessRGB(data, (int)w, (int)h, (int)(3 * w), &out) :
		       WebPEncodeRGB(data, (int)w, (int)h, (int)(3 * w), 75, &out);
	if (n)
		n = fwrite(out, 1, n, stdout);
	WebPFree(out);
	return n > 0;
}

int main(int argc, char **argv)
{
	unsigned w = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned h = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (w < 1 || w > 4096 || h < 1) {
		fputs("usage: image-gen png|png16|pngmap|jpeg|jpeggray|webp|webpl WIDTH HEIGHT\n", stderr);
		return 2;
	}
	if (strncmp(argv[1], "jpeg", 4) == 0)
		jpeg(argv[1][4] != '\0', w, h);
	else if (strncmp(argv[1], "webp", 4) == 0 && !webp(argv[1][4] != '\0', w, h))
		return 1;
	else if (argv[1][0] == 'p' && !png(argv[1], w, h))
		return 1;
	return fclose(stdout) != 0;
}
