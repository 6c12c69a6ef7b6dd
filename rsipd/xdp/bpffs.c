#include "config.h"

#include "bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DIR_MODE 0700

static bool
is_mounted(void)
{
	struct statfs fs;

	return statfs(BPFFS, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

bool
bpffs_ready(char *why, size_t size)
{
	if (is_mounted())
		return true;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700") == 0)
		return true;
	if (errno == ENODEV || errno == ENOENT)
		snprintf(why, size, "this kernel has no BPF file system; it needs CONFIG_BPF_SYSCALL");
	else
		snprintf(why, size, "the BPF file system is not mounted at " BPFFS " and cannot be: %s; mount it: mount -t bpf bpf "
		         BPFFS, strerror(errno));
	return false;
}

void
bpffs_home(char path[PATH_MAX])
{
	struct stat st = { 0 };

	stat("/proc/self/ns/net", &st);
	snprintf(path, PATH_MAX, BPFFS "/rsip/%lu", (unsigned long)st.st_ino);
}

bool
bpffs_make(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *slash = path + sizeof(BPFFS); (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
		*slash = '\0';
		if (mkdir(path, DIR_MODE) != 0 && errno != EEXIST)
			return false;
	}
	return mkdir(path, DIR_MODE) == 0 || errno == EEXIST;
}

static void
each_entry(const char *dir, void (*each)(const char *path, const char *name, void *arg), void *arg)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	char path[PATH_MAX];

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) < sizeof(path))
			each(path, entry->d_name, arg);
	}
	if (d != NULL)
		closedir(d);
}

static void
remove_pin(const char *path, const char *name, void *arg)
{
	(void)name;
	(void)arg;
	unlink(path);
}

void
bpffs_remove(const char *dir)
{
	each_entry(dir, remove_pin, NULL);
	rmdir(dir);
}

static void
remove_layout(const char *path, const char *name, void *arg)
{
	if (arg == NULL || strcmp(name, arg) != 0)
		bpffs_remove(path);
}

void
bpffs_remove_others(const char *home, const char *layout)
{
	each_entry(home, remove_layout, (void *)layout);
	if (layout == NULL) {
		rmdir(home);
		rmdir(BPFFS "/rsip"); /* unless another namespace's gateway has something there */
	}
}
