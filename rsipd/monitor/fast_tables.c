#include "config.h"

#include "fast_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpffs.h"
#include "log.h"
#include "xdp_object.h"
#include "xdp_pins.h"

/* The descriptors of the object's tables go with it; those of the pins are ours. */
static bool
pin_new(struct fast_tables *f, const struct xdp_object *object, char *why, size_t size)
{
	int fd[XDP_MAP_COUNT];

	xdp_object_maps(object, fd);
	if (!xdp_pins_make(f->dir, fd))
		snprintf(why, size, "the tables cannot be kept in %s: %s", f->dir, strerror(errno));
	return xdp_pins_open(f->dir, f->fd);
}

static bool
make_or_take_over(struct fast_tables *f, const struct conf *conf, char *why, size_t size)
{
	struct xdp_object *object;
	struct xdp_sizes sizes;
	bool found;

	xdp_sizes_of(conf, &sizes);
	xdp_pins_dir(f->home, &sizes, f->dir);
	found = xdp_pins_open(f->dir, f->fd);
	object = xdp_object_open(&sizes, found ? f->fd : NULL);
	if (object == NULL || !xdp_object_load(object)) {
		snprintf(why, size, "%s", xdp_object_error());
		xdp_object_free(object);
		return false;
	}
	if (found)
		log_info("xdp", "takes over the tables of an earlier rsipd path=\"%s\"", f->dir);
	else
		found = pin_new(f, object, why, size);
	xdp_object_free(object);
	return found;
}

bool
fast_tables_open(struct fast_tables *f, const struct conf *conf, char *why, size_t size)
{
	memset(f, 0, sizeof(*f));
	memset(f->fd, -1, sizeof(f->fd));
	bpffs_home(f->home);
	if (!bpffs_ready(why, size) || !make_or_take_over(f, conf, why, size))
		return false;
	f->ready = xdp_tables_open(&f->xdp, f->fd);
	if (!f->ready)
		snprintf(why, size, "the XDP tables cannot be mapped into memory");
	return f->ready;
}

void
fast_tables_close(struct fast_tables *f)
{
	if (f->home[0] == '\0')
		return;
	if (f->ready)
		xdp_tables_close(&f->xdp);
	f->ready = false;
	xdp_pins_close(f->fd);
}

void
fast_tables_unpin(const struct fast_tables *f, bool all)
{
	bpffs_remove_others(f->home, all ? NULL : strrchr(f->dir, '/') + 1);
}
