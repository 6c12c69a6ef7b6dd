#include "sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN 256

static bool
path_of(const char *key, char path[PATH_LEN])
{
	errno = ENAMETOOLONG;
	return snprintf(path, PATH_LEN, "/proc/sys/%s", key) < PATH_LEN;
}

static int
sysctl_open(const char *key, int flags)
{
	char path[PATH_LEN];

	return path_of(key, path) ? open(path, flags | O_CLOEXEC) : -1;
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
	char line[SYSCTL_VALUE_MAX + 1];
	int len = snprintf(line, sizeof(line), "%s\n", value); /* the newline makes an empty value a write at all */
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, line, (size_t)len);
	close(fd);
	return n == len;
}

void
sysctl_each(const char *key, sysctl_visit *visit, void *arg)
{
	char path[PATH_LEN];
	DIR *dir = path_of(key, path) ? opendir(path) : NULL;

	if (dir == NULL)
		return;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] != '.')
			visit(entry->d_name, arg);
	}
	closedir(dir);
}
