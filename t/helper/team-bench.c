/* SPDX-License-Identifier: MIT
 * team-bench RANKS NUMBERS TIMES: sums NUMBERS floats over RANKS ranks on this machine, TIMES times. Prints the
 * milliseconds of one sum, and the bytes that a rank sends for it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "team/team.h"
#include "team/team_internal.h"

static int run(int rank, int size, size_t n, int times)
{
	const struct team_place place = { .rank = rank, .size = size, .job = (uint64_t)getpgrp(), .seconds = 60 };
	float *v = calloc(n, sizeof *v);
	struct team *t;
	struct err err;
	double start;

	if (!v || team_join(&t, &place, &err) < 0)
		return 1;
	team_sum(t, v, n); /* so that memory is mapped, and all ranks are at the same point */
	start = team_now();
	for (int i = 0; i < times; i++)
		team_sum(t, v, n);
	if (rank == 0)
		printf("%.2f ms %llu bytes\n", 1000 * (team_now() - start) / times,
		       (unsigned long long)team_cost(t).bytes / (unsigned long long)(times + 1));
	return team_check(t, &err) < 0;
}

int main(int argc, char **argv)
{
	const int size = argc == 4 ? atoi(argv[1]) : 0, times = argc == 4 ? atoi(argv[3]) : 0;
	int status, rc = 0;

	if (size < 2 || times < 1) {
		fprintf(stderr, "usage: team-bench RANKS NUMBERS TIMES\n");
		return 2;
	}
	for (int r = 0; r < size; r++)
		if (fork() == 0)
			exit(run(r, size, strtoul(argv[2], NULL, 10), times));
	while (wait(&status) > 0)
		rc = rc || status != 0;
	return rc;
}
