#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
sysctl_open(const char *key, int flags)
{
	char path[256];

	if (snprintf(path, sizeof(path), "/proc/sys/%s", key) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC);
}

bool
sysctl_read(const char *key, char value[SYSCTL_VALUE_MAX])
{
	int fd = sysctl_open(key, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, value, SYSCTL_VALUE_MAX - 1);
	close(fd);
	if (n < 0)
		return false;
	if (n == SYSCTL_VALUE_MAX - 1) {
		errno = E2BIG;
		return false;
	}
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return true;
}

bool
sysctl_write(const char *key, const char *value)
{
	int fd = sysctl_open(key, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n == (ssize_t)strlen(value);
}
