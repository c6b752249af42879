/* SPDX-License-Identifier: MIT
 * on-terminal COMMAND...: runs it with standard input and output on a new terminal (standard error
 * stays), and exits with its status, or 128 + signal if it was killed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	pid_t pid;

	if (argc < 2 || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return 99;
	pid = fork();
	if (pid == 0) {
		int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
		if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
			_exit(99);
		close(master);
		execvp(argv[1], argv + 1);
		_exit(99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 99;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
