#include "config.h"

#include "xdp_pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpffs.h"

static bool
pin_path(char path[PATH_MAX], const char *dir, int map)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, xdp_map_names[map]) < PATH_MAX;
}

/* FNV-1a: a name for a shape, nothing that anybody attacks. */
static uint64_t
hash(uint64_t h, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
	return h;
}

void
xdp_pins_dir(const char *home, const struct xdp_sizes *sizes, char dir[PATH_MAX])
{
	uint64_t h = 0xcbf29ce484222325;

	for (int map = 0; map < XDP_MAP_COUNT; map++) {
		uint32_t entries = xdp_sizes_entries(sizes, (enum xdp_map)map);

		h = hash(h, xdp_map_names[map], strlen(xdp_map_names[map]));
		h = hash(h, &entries, sizeof(entries));
	}
	snprintf(dir, PATH_MAX, "%s/v%d-%016llx", home, XDP_ABI_VERSION, (unsigned long long)h);
}

bool
xdp_pins_open(const char *dir, int fd[XDP_MAP_COUNT])
{
	char path[PATH_MAX];
	bool all = true;

	for (int map = 0; map < XDP_MAP_COUNT; map++) {
		fd[map] = pin_path(path, dir, map) ? bpf_obj_get(path) : -1;
		all = all && fd[map] >= 0;
	}
	if (!all)
		xdp_pins_close(fd);
	return all;
}

bool
xdp_pins_make(const char *dir, const int fd[XDP_MAP_COUNT])
{
	char path[PATH_MAX];

	bpffs_remove(dir); /* what a start that was interrupted has left */
	if (!bpffs_make(dir))
		return false;
	for (int map = 0; map < XDP_MAP_COUNT; map++) {
		if (pin_path(path, dir, map) && bpf_obj_pin(fd[map], path) == 0)
			continue;
		int err = errno;
		bpffs_remove(dir);
		errno = err;
		return false;
	}
	return true;
}

void
xdp_pins_close(int fd[XDP_MAP_COUNT])
{
	for (int map = 0; map < XDP_MAP_COUNT; map++) {
		if (fd[map] >= 0)
			close(fd[map]);
		fd[map] = -1;
	}
}
