#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define WORKERS_END_MS 10000 /* those of a killed monitor; a commit on a slow disk may be under way */
#define LOOK_AGAIN_MS 20

/* Two locks. That of flock belongs to the open file, which workers share: it is free when all processes of the other
 * rsipd have ended. That of fcntl is a process's own: it tells who the monitor is, and goes with it. 0: there is none.
 */
static long
monitor_of(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? (long)lock.l_pid : 0;
}

static void
mark_as_monitor(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	fcntl(fd, F_SETLK, &lock);
}

/* Whoever had the lock before may have removed the file since it was opened here. */
static bool
is_at(int fd, const char *path)
{
	struct stat opened, there;

	return fstat(fd, &opened) == 0 && lstat(path, &there) == 0 && opened.st_ino == there.st_ino &&
	       opened.st_dev == there.st_dev;
}

static int
open_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); /* who can open it can lock it */

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int64_t until = clock_now() + WORKERS_END_MS;
	int locked = -1;
	while (monitor_of(fd) == 0 && locked != 0 && clock_now() < until) {
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_AGAIN_MS * 1000000 }, NULL);
		locked = flock(fd, LOCK_EX | LOCK_NB);
	}
	if (locked == 0)
		return fd;
	long pid = monitor_of(fd);
	if (pid != 0)
		log_error("monitor", "another rsipd serves with this control socket; stop it first pid=%ld pidfile=\"%s\"", pid,
		          path);
	else
		log_error("monitor", "workers of an rsipd that was killed do not end; end them: fuser -k \"%s\"", path);
	close(fd);
	errno = 0;
	return -1;
}

/* By a descriptor of its own: workers, which keep the other one, are not to write into it. */
static bool
write_pid(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	bool good = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return good;
}

int
pidfile_open(const char *path)
{
	int fd;

	errno = 0;
	while ((fd = open_locked(path)) >= 0 && !is_at(fd, path))
		close(fd);
	if (fd >= 0 && write_pid(path)) {
		mark_as_monitor(fd); /* now: closing a descriptor of the file would have given the lock up */
		return fd;
	}
	if (errno != 0)
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
