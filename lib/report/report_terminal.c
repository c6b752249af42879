/* SPDX-License-Identifier: MIT
 * Pictures on terminals. */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <png.h>

#include "report/report_html.h"
#include "report/report_terminal.h"

/* ---- capabilities ---- */

static bool says(const char *variable, const char *word)
{
	const char *value = getenv(variable);

	return value && strstr(value, word) != NULL;
}

/* What a terminal has to answer: one beyond a slow connection needs more than a second. */
enum { PATIENCE = 3000 }; /* milliseconds */

/* Milliseconds left of that since `then`. */
static int left_of(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	const long gone = (now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
	return gone < PATIENCE ? (int)(PATIENCE - gone) : 0;
}

/* Reads the terminal's answer, up to the end of its device attributes, which every terminal sends. */
static void hear(int fd, char *answer, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec then;
	size_t n = 0;

	clock_gettime(CLOCK_MONOTONIC, &then);
	while (n + 1 < room && poll(&p, 1, left_of(&then)) > 0) {
		const ssize_t got = read(fd, answer + n, room - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
		answer[n] = '\0';
		const char *attributes = strstr(answer, "\033[?");
		if (attributes && strchr(attributes, 'c'))
			break;
	}
	answer[n] = '\0';
}

/* Is `number` among the attributes "\033[?62;4;22c"? */
static bool has_attribute(const char *answer, const char *number)
{
	const char *p = strstr(answer, "\033[?");

	for (p = p ? p + 3 : NULL; p && *p && *p != 'c'; p += *p == ';') {
		const size_t n = strcspn(p, ";c");

		if (n == strlen(number) && strncmp(p, number, n) == 0)
			return true;
		p += n;
	}
	return false;
}

/* Asks with a picture of one pixel that is not shown, which kitty's protocol answers with OK, and a request for the
 * attributes, of which 4 means sixels. */
static void question(int fd, char *answer, size_t room)
{
	static const char ask[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[c";
	struct termios was, raw;
	sigset_t all, before;

	if (tcgetattr(fd, &was) < 0)
		return;
	raw = was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before); /* who presses ^C now gets the terminal back as it was */
	if (tcsetattr(fd, TCSANOW, &raw) == 0) {
		if (write(fd, ask, sizeof ask - 1) == (ssize_t)(sizeof ask - 1))
			hear(fd, answer, room);
		tcsetattr(fd, TCSANOW, &was);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Standard input may be a stream, so the terminal is opened by its own name. In the background it is another's, and is
 * left alone. */
static enum report_terminal ask_terminal(void)
{
	const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char answer[512] = "";

	if (fd < 0)
		return REPORT_NO_PICTURES;
	if (tcgetpgrp(fd) == getpgrp())
		question(fd, answer, sizeof answer);
	close(fd);
	return strstr(answer, "\033_Gi=31;OK") ? REPORT_KITTY :
	       has_attribute(answer, "4")      ? REPORT_SIXEL :
						 REPORT_NO_PICTURES;
}

enum report_terminal report_terminal_ask(void)
{
	const bool inside = getenv("TMUX") || says("TERM", "screen") || says("TERM", "tmux"); /* they interfere, too */

	if (says("TERM", "dumb"))
		return REPORT_NO_PICTURES;
	if (!inside && (getenv("KITTY_WINDOW_ID") || says("TERM", "kitty") || says("TERM_PROGRAM", "ghostty")))
		return REPORT_KITTY;
	return ask_terminal();
}

/* ---- kitty ---- */

enum { PIECE = 4096 }; /* of base64, the most that an escape sequence may hold */

static void show_kitty(FILE *f, const unsigned char *png, size_t n)
{
	const size_t most = PIECE / 4 * 3;

	for (size_t at = 0; at < n; at += most) {
		const size_t piece = n - at < most ? n - at : most;

		fprintf(f, "\033_G%sm=%d;", at == 0 ? "a=T,f=100," : "", at + piece < n);
		report_html_base64(f, png + at, piece);
		fputs("\033\\", f);
	}
	fputs("\n", f);
}

/* ---- sixel ---- */

#define SIXEL_SO "libsixel.so.1"
enum { RGB888 = 3, COLOURS = 256, FAILED = 0x1000 }; /* sixel.h: pixelFormat, a palette, SIXEL_FAILED() */

/* sixel.h, of version 1. */
struct sixel {
	int (*output_new)(void **output, int (*write)(char *data, int size, void *to), void *to, void *allocator);
	void (*output_unref)(void *output);
	int (*dither_new)(void **dither, int colours, void *allocator);
	int (*dither_initialize)(void *dither, unsigned char *data, int width, int height, int format, int largest,
				 int representative, int quality);
	void (*dither_unref)(void *dither);
	int (*encode)(unsigned char *pixels, int width, int height, int depth, void *dither, void *output);
};

static int open_sixel(struct sixel *s, struct err *err)
{
	void *library = dlopen(SIXEL_SO, RTLD_NOW | RTLD_LOCAL), *f;
	const struct {
		const char *name;
		void *to;
	} calls[] = { { "sixel_output_new", &s->output_new },     { "sixel_output_unref", &s->output_unref },
		      { "sixel_dither_new", &s->dither_new },     { "sixel_dither_initialize", &s->dither_initialize },
		      { "sixel_dither_unref", &s->dither_unref }, { "sixel_encode", &s->encode } };

	if (!library)
		return err_fail(err, "sixels need " SIXEL_SO " (Debian: libsixel1), which is not installed");
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (!(f = dlsym(library, calls[i].name)))
			return err_fail(err, SIXEL_SO " has no %s: it is another version", calls[i].name);
		memcpy(calls[i].to, &f, sizeof f);
	}
	return 0;
}

static int put(char *data, int size, void *to)
{
	return (int)fwrite(data, 1, (size_t)size, to);
}

static int encode(const struct sixel *s, FILE *f, unsigned char *rgb, int w, int h)
{
	void *output = NULL, *dither = NULL;
	int rc = s->output_new(&output, put, f, NULL);

	if (!(rc & FAILED))
		rc = s->dither_new(&dither, COLOURS, NULL);
	if (!(rc & FAILED))
		rc = s->dither_initialize(dither, rgb, w, h, RGB888, 0, 0, 0);
	if (!(rc & FAILED))
		rc = s->encode(rgb, w, h, 3, dither, output);
	if (dither)
		s->dither_unref(dither);
	if (output)
		s->output_unref(output);
	return rc & FAILED ? -1 : 0;
}

static int show_sixel(FILE *f, const unsigned char *png, size_t n, struct err *err)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	unsigned char *rgb = NULL;
	struct sixel s;
	int rc = -1;

	if (open_sixel(&s, err) < 0)
		return -1;
	if (png_image_begin_read_from_memory(&image, png, n)) {
		image.format = PNG_FORMAT_RGB;
		rgb = malloc(PNG_IMAGE_SIZE(image));
	}
	if (rgb && png_image_finish_read(&image, NULL, rgb, 0, NULL))
		rc = encode(&s, f, rgb, (int)image.width, (int)image.height);
	if (rc < 0)
		err_fail(err, "cannot make sixels of the picture: %s",
			 *image.message ? image.message : "out of memory");
	else
		fputs("\n", f);
	png_image_free(&image);
	free(rgb);
	return rc;
}

int report_terminal_show(FILE *f, enum report_terminal how, const unsigned char *png, size_t n, struct err *err)
{
	if (how == REPORT_SIXEL)
		return show_sixel(f, png, n, err);
	show_kitty(f, png, n);
	return 0;
}
