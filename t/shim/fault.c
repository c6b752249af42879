/* SPDX-License-Identifier: MIT
 * fault: when preloaded, makes the n-th call of a kind fail, or that and all later ones, and counts the calls.
 *
 *	FAULT=KIND:N[+] FAULT_COUNT=FILE LD_PRELOAD=fault.so COMMAND...
 *
 * KIND is alloc (malloc and its kin return NULL), read (EIO, also of stdio), write (ENOSPC, also of stdio, fsync and
 * close), rename (EIO, also of mkostemp and open for writing). N = 0 only counts. FILE, which must exist, gets the
 * number of calls at the end. FAULT_TRACE=1 prints the callers of the failed call (without +). */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

#define REAL(ret, name, ...) \
	static ret (*real)(__VA_ARGS__); \
	if (!real) \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

enum kind { NONE, ALLOC, READ, WRITE, RENAME };

static enum kind wanted;
static long at, count;
static int from_there, begun; /* begun: main() has started, so that libraries' initialisation does not count */

static void begin(void)
{
	static const char *const names[] = { "", "alloc", "read", "write", "rename" };
	const char *s = getenv("FAULT");

	for (int k = ALLOC; s && k <= RENAME; k++)
		if (strncmp(s, names[k], strlen(names[k])) == 0 && s[strlen(names[k])] == ':') {
			s += strlen(names[k]) + 1;
			wanted = (enum kind)k;
			at = 0;
			while (*s >= '0' && *s <= '9')
				at = 10 * at + *s++ - '0';
			from_there = *s == '+';
			break;
		}
}

/* Should this call fail? */
static int fails(enum kind k, int why)
{
	if (!begun || k != wanted)
		return 0;
	long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	if (at == 0 || (from_there ? n < at : n != at))
		return 0;
	if (getenv("FAULT_TRACE")) {
		void *frames[32];
		at = 0; /* backtrace() allocates */
		backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
	}
	errno = why;
	return 1;
}

static int (*real_main)(int, char **, char **);

static int main_here(int argc, char **argv, char **env)
{
	begin();
	begun = 1;
	return real_main(argc, argv, env);
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	REAL(int, __libc_start_main, int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
	     void (*)(void), void *);
	real_main = main;
	return real(main_here, argc, argv, init, fini, rtld_fini, stack_end);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAULT_COUNT");
	char text[32];
	long n = count;
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TRUNC) : -1;

	if (fd < 0)
		return;
	int len = snprintf(text, sizeof text, "%ld\n", n);
	(void)!syscall(SYS_write, fd, text, (size_t)len);
	syscall(SYS_close, fd);
}

/* ---- memory ---- */

void *malloc(size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	return fails(ALLOC, ENOMEM) ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	if (fails(ALLOC, ENOMEM))
		return ENOMEM;
	*p = __libc_memalign(align, n);
	return *p ? 0 : ENOMEM;
}

/* ---- system calls ---- */

ssize_t read(int fd, void *buf, size_t n)
{
	return fails(READ, EIO) ? -1 : syscall(SYS_read, fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t n, off_t where)
{
	return fails(READ, EIO) ? -1 : syscall(SYS_pread64, fd, buf, n, where);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t where)
{
	return pread(fd, buf, n, where);
}

ssize_t write(int fd, const void *buf, size_t n)
{
	return fails(WRITE, ENOSPC) ? -1 : syscall(SYS_write, fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t where)
{
	return fails(WRITE, ENOSPC) ? -1 : syscall(SYS_pwrite64, fd, buf, n, where);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return fails(WRITE, ENOSPC) ? -1 : syscall(SYS_writev, fd, v, n);
}

int fsync(int fd)
{
	return fails(WRITE, EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t n)
{
	return fails(WRITE, EIO) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int rename(const char *from, const char *to)
{
	return fails(RENAME, EIO) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkostemp(char *text, int flags)
{
	REAL(int, mkostemp, char *, int);
	return fails(RENAME, EACCES) ? -1 : real(text, flags);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	int mode = va_arg(ap, int);
	va_end(ap);
	if ((flags & O_ACCMODE) != O_RDONLY ? fails(RENAME, EACCES) : fails(READ, EIO))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	int mode = va_arg(ap, int);
	va_end(ap);
	return open(path, flags, mode);
}

/* ---- stdio, which calls the kernel by its own ways ---- */

/* Marks the stream as failed, for ferror(). */
static int spoil(FILE *f)
{
	f->_flags |= 0x20; /* glibc's _IO_ERR_SEEN */
	return EOF;
}

FILE *fopen(const char *path, const char *mode)
{
	REAL(FILE *, fopen, const char *, const char *);
	return fails(*mode == 'r' ? READ : RENAME, EACCES) ? NULL : real(path, mode);
}

size_t fread(void *p, size_t size, size_t n, FILE *f)
{
	REAL(size_t, fread, void *, size_t, size_t, FILE *);
	return fails(READ, EIO) ? (spoil(f), 0) : real(p, size, n, f);
}

char *fgets(char *s, int n, FILE *f)
{
	REAL(char *, fgets, char *, int, FILE *);
	return fails(READ, EIO) ? (spoil(f), NULL) : real(s, n, f);
}

int getc(FILE *f)
{
	REAL(int, getc, FILE *);
	return fails(READ, EIO) ? spoil(f) : real(f);
}

size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
	REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
	return f != stderr && fails(WRITE, ENOSPC) ? (spoil(f), 0) : real(p, size, n, f);
}

int fputs(const char *s, FILE *f)
{
	REAL(int, fputs, const char *, FILE *);
	return f != stderr && fails(WRITE, ENOSPC) ? spoil(f) : real(s, f);
}

int puts(const char *s)
{
	REAL(int, puts, const char *);
	return fails(WRITE, ENOSPC) ? spoil(stdout) : real(s);
}

int vfprintf(FILE *f, const char *format, va_list ap)
{
	REAL(int, vfprintf, FILE *, const char *, va_list);
	return f != stderr && fails(WRITE, ENOSPC) ? spoil(f) : real(f, format, ap);
}

int fprintf(FILE *f, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vfprintf(f, format, ap);
	va_end(ap);
	return n;
}

int printf(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vfprintf(stdout, format, ap);
	va_end(ap);
	return n;
}

int fflush(FILE *f)
{
	REAL(int, fflush, FILE *);
	return f && f != stderr && fails(WRITE, ENOSPC) ? spoil(f) : real(f);
}

int fclose(FILE *f)
{
	REAL(int, fclose, FILE *);
	return f != stderr && fails(WRITE, ENOSPC) ? (real(f), EOF) : real(f);
}
