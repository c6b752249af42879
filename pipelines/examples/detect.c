/* cc detect.c $(pkg-config --cflags --libs unmask) -o detect && djpeg photo.jpg | ./detect my.detector
 * Judges a PPM picture from standard input. */
#include <stdio.h>
#include <unmask.h>

static uint8_t pixels[3 * 4096 * 4096];

int main(int argc, char **argv)
{
	struct unmask_image image = { .rgb = pixels };
	struct unmask_result r;
	struct unmask *u;
	int rc = 2;

	if (argc != 2 || scanf("P6 %d %d 255", &image.width, &image.height) != 2 || getchar() == EOF ||
	    image.width < 1 || image.height < 1 || image.width > 4096 || image.height > 4096 ||
	    fread(pixels, 3 * (size_t)image.width, (size_t)image.height, stdin) != (size_t)image.height) {
		fprintf(stderr, "usage: detect DETECTOR <picture.ppm\n");
		return rc;
	}
	u = unmask_open(argv[1], 1);
	if (unmask_error(u) || unmask_images(u, &image, 1, &r) < 0)
		fprintf(stderr, "detect: %s\n", unmask_error(u));
	else
		rc = printf("%s\t%.9g\t%s\n", r.class_name, r.score, r.out ? "out" : "in") < 0 ? 2 : r.out;
	unmask_close(u);
	return rc;
}
