/* SPDX-License-Identifier: MIT
 * Standard input as a source. A source is read twice, so data from a pipe is first copied to an unnamed file; a file is
 * read where it lies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds_internal.h"

enum { BLOCK = 256 << 10 };

/* An unnamed file in folder; if the file system cannot do that, it has a name for a moment. */
static int nameless(const char *folder, struct err *err)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && snprintf(path, sizeof path, "%s/unmask-XXXXXX", folder) < (int)sizeof path &&
	    (fd = mkostemp(path, O_CLOEXEC)) >= 0)
		unlink(path);
	if (fd < 0)
		err_fail(err, "no room for a copy in '%s': %s; TMPDIR names another folder", folder, strerror(errno));
	return fd;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		const ssize_t put = write(fd, p, n);

		if (put < 0 && errno != EINTR)
			return -1;
		p += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int copy(int to, const char *folder, struct err *err)
{
	char *block = malloc(BLOCK);
	ssize_t n = block ? 1 : err_memory(err);

	while (n > 0) {
		do
			n = read(STDIN_FILENO, block, BLOCK);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			err_fail(err, "cannot be read: %s", strerror(errno));
		else if (write_all(to, block, (size_t)n) < 0)
			n = err_fail(err, "its copy in '%s' cannot be written: %s; TMPDIR names another folder", folder,
				     strerror(errno));
	}
	free(block);
	return n < 0 ? -1 : 0;
}

int ds_stdin_open(char path[DS_STDIN], int *fd, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	struct stat st;

	*fd = -1;
	if (isatty(STDIN_FILENO))
		return err_fail(err, "is a terminal; give a SOURCE or use a pipe");
	snprintf(path, DS_STDIN, "/proc/self/fd/%d", STDIN_FILENO);
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0)
		return 0;
	folder = folder && *folder ? folder : "/tmp";
	if ((*fd = nameless(folder, err)) < 0)
		return -1;
	snprintf(path, DS_STDIN, "/proc/self/fd/%d", *fd);
	return copy(*fd, folder, err);
}
