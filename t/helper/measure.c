/* SPDX-License-Identifier: MIT
 * measure N COMMAND...: runs it N times, discards its output, and prints the median and the
 * largest wall time in seconds and the peak resident memory in MiB, separated by blanks. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RUNS = 101 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, status;
	struct rusage use;
	double t[MAX_RUNS];

	if (n < 1 || n > MAX_RUNS) {
		fprintf(stderr, "usage: measure N COMMAND...\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		double start = now();
		pid_t pid = fork();

		if (pid == 0) {
			int null = open("/dev/null", O_WRONLY);
			dup2(null, 1);
			dup2(null, 2);
			execvp(argv[2], argv + 2);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "measure: '%s' failed\n", argv[2]);
			return 1;
		}
		t[i] = now() - start;
	}
	qsort(t, (size_t)n, sizeof *t, ascending);
	getrusage(RUSAGE_CHILDREN, &use);
	printf("%.4f %.4f %.1f\n", t[n / 2], t[n - 1], (double)use.ru_maxrss / 1024);
	return 0;
}
