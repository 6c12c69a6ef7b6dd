#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log.h"

static long
pid_in(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10);
}

int
pidfile_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len)
		return fd;
	if (fd >= 0 && errno == EWOULDBLOCK)
		log_error("monitor", "another rsipd serves with this control socket; stop it first pid=%ld pidfile=\"%s\"",
		          pid_in(fd), path);
	else
		log_error("monitor", "cannot write the pid file path=\"%s\" error=\"%s\"", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void
pidfile_close(int fd, const char *path)
{
	if (fd < 0)
		return;
	unlink(path);
	close(fd);
}
