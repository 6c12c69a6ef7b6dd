#include "config.h"

#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static int serving_fd = -1; /* in the daemon: a byte into it means that it serves */

/* Passes on what the daemon has said so far; from does not block. */
static void
pass_errors(int from)
{
	char text[4096];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0) {
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			return;
	}
}

/* Waits for the daemon's byte, or for the daemon's end without one. */
_Noreturn static void
launcher(int serving, int errors)
{
	struct pollfd fds[] = { { .fd = serving, .events = POLLIN }, { .fd = errors, .events = POLLIN } };
	char byte;

	fcntl(errors, F_SETFL, O_NONBLOCK);
	while (fds[0].revents == 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		pass_errors(errors);
		if (fds[1].revents & POLLHUP)
			fds[1].fd = -1;
	}
	_exit(read(serving, &byte, 1) == 1 ? 0 : 1);
}

static void
standard_fds(int errors)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
		log_fatal("detach", "cannot detach error=\"%s\"", strerror(errno));
	close(null);
}

void
detach_start(void)
{
	int serving[2], errors[2];
	pid_t pid = -1;

	if (pipe2(serving, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0)
		pid = fork();
	if (pid < 0)
		log_fatal("detach", "cannot detach error=\"%s\"", strerror(errno));
	if (pid > 0) {
		close(serving[1]);
		close(errors[1]);
		launcher(serving[0], errors[0]);
	}
	close(serving[0]);
	close(errors[0]);
	setsid();
	if (chdir("/") != 0)
		log_fatal("detach", "cannot go to / error=\"%s\"", strerror(errno));
	standard_fds(errors[1]);
	close(errors[1]);
	serving_fd = serving[1];
}

void
detach_serving(void)
{
	const char byte = 0;
	int null;

	if (serving_fd < 0)
		return;
	if (write(serving_fd, &byte, 1) < 0)
		log_warn("detach", "nobody waits for the start any more");
	close(serving_fd);
	serving_fd = -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}
