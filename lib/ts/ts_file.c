/* SPDX-License-Identifier: MIT
 * Files that are either complete or absent: a temporary name, then a rename. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ts/ts_file.h"

#ifndef STATX_ATTR_MOUNT_ROOT /* headers before Linux 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

enum { MAX_TEMPORARIES = 16 };

struct ts_file {
	ssize_t (*write)(void *ctx, const void *buf, size_t len);
	void *ctx;
	int fd;                 /* a file's, or STDOUT_FILENO */
	char *name, *temporary; /* temporary: NULL when writing to a pipe */
	char *target; /* what the temporary is renamed to: name, or the target of a symbolic link called name */
	int slot;     /* in temporaries[], or -1 */
	char error[ERR_TEXT];
};

/* Names for the signal handler. A slot is set after its text is whole and cleared before it is
 * freed. */
static char *volatile temporaries[MAX_TEMPORARIES];

void ts_remove_temporaries(void)
{
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (temporaries[i])
			unlink(temporaries[i]);
}

static int __attribute__((format(printf, 2, 3))) fail(struct ts_file *f, const char *fmt, ...)
{
	va_list ap;

	if (f->error[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(f->error, sizeof f->error, fmt, ap);
	va_end(ap);
	return -1;
}

const char *ts_file_error(const struct ts_file *f)
{
	return f->error[0] ? f->error : NULL;
}

const char *ts_file_name(const struct ts_file *f)
{
	return f->name;
}

static ssize_t write_fd(void *ctx, const void *buf, size_t len)
{
	const struct ts_file *f = ctx;
	ssize_t n;
	do
		n = write(f->fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

struct ts_file *ts_file_open_fn(ssize_t (*fn)(void *, const void *, size_t), void *ctx, const char *name)
{
	struct ts_file *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	f->write = fn;
	f->ctx = ctx;
	f->slot = -1;
	f->fd = -1;
	f->name = strdup(name);
	if (!f->name) {
		ts_file_close(f);
		return NULL;
	}
	return f;
}

/* Creates the temporary and registers it for the signal handler, which must not run in between. */
static void create_temporary(struct ts_file *f)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	f->fd = mkostemp(f->temporary, O_CLOEXEC);
	int saved = errno;
	for (int i = 0; i < MAX_TEMPORARIES && f->slot < 0 && f->fd >= 0; i++)
		if (!temporaries[i]) {
			temporaries[i] = f->temporary;
			f->slot = i;
		}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
}

/* Is the file another user's, in a folder such as /tmp where only its owner may remove it? */
static bool is_protected(const char *path, const struct stat *st)
{
	char *copy = strdup(path);
	struct stat folder;
	const bool sticky = copy && stat(dirname(copy), &folder) == 0 && (folder.st_mode & S_ISVTX);

	free(copy);
	return sticky && geteuid() != 0 && geteuid() != st->st_uid && geteuid() != folder.st_uid;
}

/* Fails if the target is there and no rename can replace it: known now, and not when hours of work are to be saved. */
static int check_replaceable(struct ts_file *f, const struct stat *st)
{
	struct statx x;
	const uint64_t on =
		statx(AT_FDCWD, f->target, 0, STATX_MODE, &x) == 0 ? x.stx_attributes & x.stx_attributes_mask : 0;

	if (on & STATX_ATTR_MOUNT_ROOT)
		return fail(f, "cannot replace '%s', which is mounted by itself; write into a folder that is mounted",
			    f->name);
	if (on & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return fail(f, "cannot replace '%s', whose attributes forbid it (lsattr)", f->name);
	if (is_protected(f->target, st))
		return fail(f, "cannot replace '%s', which is another user's, in a folder with the sticky bit",
			    f->name);
	return 0;
}

/* old: the existing file, or NULL; its mode is kept, and a symbolic link to it stays. */
static int open_temporary(struct ts_file *f, const struct stat *old)
{
	mode_t mask = umask(0);
	size_t len;

	umask(mask);
	f->target = old ? realpath(f->name, NULL) : strdup(f->name);
	if (!f->target)
		return fail(f, "cannot create '%s': %s", f->name, strerror(errno));
	if (old && check_replaceable(f, old) < 0)
		return -1;
	len = strlen(f->target) + 8;
	f->temporary = malloc(len);
	if (!f->temporary)
		return fail(f, "out of memory");
	snprintf(f->temporary, len, "%s.XXXXXX", f->target);
	create_temporary(f);
	if (f->fd < 0) {
		fail(f, "cannot create '%s': %s", f->name, strerror(errno));
		free(f->temporary);
		f->temporary = NULL;
		return -1;
	}
	if (fchmod(f->fd, old ? old->st_mode & 0777 : 0666 & ~mask) < 0)
		return fail(f, "cannot create '%s': %s", f->name, strerror(errno));
	return 0;
}

/* Finds where a file is or will be: its folder without links and dots, plus its name. false: there is no such
 * folder. */
static bool resolve(const char *path, char to[static 2 * PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];

	if (realpath(path, to))
		return true;
	if (slash && (size_t)(slash - path) >= sizeof folder)
		return false;
	snprintf(folder, sizeof folder, "%.*s/", slash ? (int)(slash - path) : 1, slash ? path : ".");
	if (!realpath(folder, to))
		return false;
	snprintf(to + strlen(to), PATH_MAX, "/%.*s", NAME_MAX, name);
	return true;
}

bool ts_file_same(const char *a, const char *b)
{
	char x[2 * PATH_MAX], y[2 * PATH_MAX];
	const bool a_out = !a || strcmp(a, "-") == 0, b_out = !b || strcmp(b, "-") == 0;

	if (a_out || b_out)
		return a_out && b_out;
	return strcmp(a, b) == 0 || (resolve(a, x) && resolve(b, y) && strcmp(x, y) == 0);
}

struct ts_file *ts_file_open(const char *path)
{
	bool is_stdout = !path || strcmp(path, "-") == 0;
	struct ts_file *f = ts_file_open_fn(write_fd, NULL, is_stdout ? "<stdout>" : path);
	struct stat st;
	bool there;

	if (!f)
		return NULL;
	f->ctx = f;
	there = !is_stdout && stat(path, &st) == 0;
	if (is_stdout)
		f->fd = STDOUT_FILENO;
	else if (there && !S_ISREG(st.st_mode)) {
		/* A device or a pipe has no temporary: it is written directly. */
		f->fd = open(path, O_WRONLY | O_CLOEXEC);
		if (f->fd < 0)
			fail(f, "cannot open '%s': %s", path, strerror(errno));
	} else {
		(void)open_temporary(f, there ? &st : NULL);
	}
	return f;
}

int ts_file_put(struct ts_file *f, const void *data, size_t len)
{
	const char *p = data;

	if (f->error[0])
		return -1;
	while (len) {
		ssize_t n = f->write(f->ctx, p, len);
		if (n <= 0)
			return fail(f, "cannot write '%s': %s", f->name, n ? strerror(errno) : "nothing was taken");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory entry must reach the disk too, or a power failure undoes the rename. */
static void sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!fsync(fd);
		close(fd);
	}
	free(copy);
}

int ts_file_finish(struct ts_file *f)
{
	if (f->error[0])
		return -1;
	if (!f->temporary)
		return 0;
	int rc = fsync(f->fd);
	int rc2 = close(f->fd);
	f->fd = -1;
	if (rc < 0 || rc2 < 0 || rename(f->temporary, f->target) < 0)
		return fail(f, "cannot write '%s': %s", f->name, strerror(errno));
	if (f->slot >= 0)
		temporaries[f->slot] = NULL;
	f->slot = -1;
	free(f->temporary);
	f->temporary = NULL;
	sync_folder(f->target);
	return 0;
}

void ts_file_close(struct ts_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0 && f->fd != STDOUT_FILENO)
		close(f->fd);
	if (f->temporary)
		unlink(f->temporary);
	if (f->slot >= 0)
		temporaries[f->slot] = NULL;
	free(f->temporary);
	free(f->target);
	free(f->name);
	free(f);
}
