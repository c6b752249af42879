/* SPDX-License-Identifier: MIT
 * Standard input, output and error as the rest of the program expects them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_internal.h"

/* Takes the place of a closed stream, so that no file gets its number: messages would be written into it. Using
 * standard input or output is an error then, as if it were closed; messages are lost. */
static void fill(int fd)
{
	const int how = fd == STDIN_FILENO || fd == STDERR_FILENO ? O_WRONLY : O_RDONLY;

	if (open("/dev/null", how) == fd)
		return;
	cli_error("a standard stream is closed, and '/dev/null' cannot take its place: %s", strerror(errno));
	exit(cli_failed());
}

void cli_standard_init(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		const int flags = fcntl(fd, F_GETFL);

		if (flags < 0)
			fill(fd);
		else if (flags & O_NONBLOCK) /* by whoever shares it: stdio would lose what it cannot write at once */
			(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	}
}
