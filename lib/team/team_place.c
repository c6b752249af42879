/* SPDX-License-Identifier: MIT
 * Reads what launchers tell about a process in environment variables. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include "team/team_internal.h"

enum { PATIENCE = 300, TORCH_PORT = 29500 };

uint64_t team_hash(const char *text)
{
	return XXH3_64bits(text, strlen(text));
}

/* A launcher's variables. local: how many ranks this machine has; nodes: how many machines there are; seat: the rank's
 * index on its machine. These may be NULL. */
struct launcher {
	const char *rank, *size, *local, *nodes, *seat;
	const char *job[3]; /* that distinguish its runs; may be NULL */
};

static const struct launcher launchers[] = {
	{ "RANK",
	  "WORLD_SIZE",
	  "LOCAL_WORLD_SIZE",
	  NULL,
	  "LOCAL_RANK",
	  { "TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT" } },
	{ "OMPI_COMM_WORLD_RANK",
	  "OMPI_COMM_WORLD_SIZE",
	  "OMPI_COMM_WORLD_LOCAL_SIZE",
	  NULL,
	  "OMPI_COMM_WORLD_LOCAL_RANK",
	  { "PMIX_NAMESPACE" } },
	{ "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", NULL, "MPI_LOCALRANKID", { 0 } },
	{ "SLURM_PROCID",
	  "SLURM_STEP_NUM_TASKS",
	  NULL,
	  "SLURM_STEP_NUM_NODES",
	  "SLURM_LOCALID",
	  { "SLURM_JOB_ID", "SLURM_STEP_ID" } },
	{ 0 }
};

/* Reads a whole number from a variable. 1; 0: it is not set; -1: it is not a number. */
static int number(const char *name, long least, long most, long *ret, struct err *err)
{
	const char *text = name ? getenv(name) : NULL;
	char *end;

	if (!text || !*text)
		return 0;
	*ret = strtol(text, &end, 10);
	if (*end || *ret < least || *ret > most)
		return err_fail(err, "%s is '" ERR_NAME "', not a whole number from %ld to %ld", name, text, least,
				most);
	return 1;
}

/* MPICH does not name its runs, but the process at the other end of its socket is the same for all ranks of a machine,
 * even with shells in between. */
static long launcher_process(void)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof who;
	struct err ignored;
	long fd;

	if (number("PMI_FD", 0, 1 << 20, &fd, &ignored) == 1 &&
	    getsockopt((int)fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.pid > 0)
		return who.pid;
	return getppid();
}

static size_t add_names(char *text, size_t len, const char *const names[3], bool *any)
{
	size_t at = 0;

	for (int i = 0; i < 3; i++) {
		const char *v = names[i] ? getenv(names[i]) : NULL;

		at += (size_t)snprintf(text + at, len - at, "%.200s/", v ? v : "");
		*any = *any || v;
	}
	return at;
}

/* A launcher that does not name runs has a process on each machine, so runs on several machines are distinguished by
 * where they meet. */
static uint64_t job_of(const struct launcher *l, bool one_machine)
{
	static const char *const meeting[3] = { "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID" };
	static const char *const step[3] = { "SLURM_STEP_ID" };
	char text[6 * TEAM_HOST] = "";
	bool named = false;
	size_t at = add_names(text, sizeof text, l->job, &named);

	if (!named && one_machine)
		snprintf(text, sizeof text, "process %ld", launcher_process());
	else if (!named) {
		at = add_names(text, sizeof text, meeting, &named);
		add_names(text + at, sizeof text - at, step, &named);
	}
	return team_hash(text);
}

/* The first of "a,b", "node[07-12,20]" or "node[3,5]-x": rank 0's machine, as srun orders them. */
static void first_node(const char *list, char host[TEAM_HOST])
{
	const size_t stem = strcspn(list, "[,");
	const char *digits = list[stem] == '[' ? list + stem + 1 : "", *close = strchr(digits, ']');

	snprintf(host, TEAM_HOST, "%.*s%.*s%.*s", (int)(stem < 100 ? stem : 100), list, (int)strcspn(digits, "-,]"),
		 digits, close ? (int)strcspn(close + 1, ",") : 0, close ? close + 1 : "");
}

/* Finds where rank 0 is, if ranks are on several machines or that is not known. */
static int find_host(struct team_place *p, struct err *err)
{
	const char *host = getenv("MASTER_ADDR"), *nodes = getenv("SLURM_STEP_NODELIST");
	const char *agent = getenv("TORCHELASTIC_USE_AGENT_STORE");
	int rc;

	p->port = nodes ? 20000 + (long)(p->job % 20000) : TORCH_PORT;
	rc = number("MASTER_PORT", 1, 65534, &p->port, err);
	if (rc < 0)
		return -1;
	if (agent && strcmp(agent, "True") == 0)
		p->port++; /* torchrun itself listens on it */
	if (host && *host)
		snprintf(p->host, sizeof p->host, "%.250s", host);
	else if (nodes)
		first_node(nodes, p->host);
	else
		return err_fail(err,
				"this is rank %d of %d on several machines, and MASTER_ADDR does not name that of "
				"rank 0: mpirun -x MASTER_ADDR=HOST (MPICH: -genv MASTER_ADDR HOST); on one "
				"machine MASTER_ADDR=localhost",
				p->rank, p->size);
	return 0;
}

int team_find(struct team_place *p, struct err *err)
{
	const struct launcher *l = launchers;
	long rank = 0, size = 1, local = 0, nodes = 0, seat;
	bool one_machine;
	int found = 0;

	*p = (struct team_place){ .size = 1, .seconds = PATIENCE };
	for (; l->rank && found == 0; l += found == 0) {
		found = number(l->size, 1, TEAM_MOST, &size, err);
		if (found == 1)
			found = number(l->rank, 0, size - 1, &rank, err);
	}
	if (found <= 0 || size == 1)
		return found < 0 ? -1 : 0;
	if (number(l->local, 1, size, &local, err) < 0 || number(l->nodes, 1, size, &nodes, err) < 0)
		return -1;
	one_machine = local == size || nodes == 1;
	seat = one_machine ? rank : 0;
	if (number(l->seat, 0, size - 1, &seat, err) < 0)
		return -1;
	p->rank = (int)rank;
	p->size = (int)size;
	p->local = (int)seat;
	p->job = job_of(l, one_machine);
	return one_machine || find_host(p, err) == 0 ? 1 : -1;
}

int team_start(struct team_place *p, int size, struct err *err)
{
	const pid_t parent = getpid();
	char text[64];

	snprintf(text, sizeof text, "started by %ld at %.9f", (long)parent, team_now());
	*p = (struct team_place){ .size = size, .job = team_hash(text), .seconds = PATIENCE };
	for (int r = 1; r < size; r++) {
		const pid_t pid = fork();

		if (pid < 0)
			return err_fail(err, "cannot start rank %d of %d: %s", r, size, strerror(errno));
		if (pid == 0) {
			/* Until all ranks have met, nothing else ends this process when rank 0 dies. */
			if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
				return err_fail(err, "rank 0, which started rank %d of %d, is gone", r, size);
			p->rank = p->local = r;
			memset(p->child, 0, sizeof p->child);
			break;
		}
		p->child[r] = pid;
	}
	return 0;
}
