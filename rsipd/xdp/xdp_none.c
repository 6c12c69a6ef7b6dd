/* In place of the XDP data plane where the suite was built without clang, bpftool or libbpf: nothing can be loaded, so
 * nothing else of it is ever called with anything to do. */
#include "config.h"

#include <string.h>

#include "xdp_feed.h"
#include "xdp_object.h"
#include "xdp_tables.h"

const char *const xdp_program_names[XDP_PROGRAM_COUNT] = { "rsip_inbound", "rsip_outbound", "rsip_both" };

const char *
xdp_object_error(void)
{
	return "this rsipd was built without XDP; build it where clang, bpftool and libbpf are";
}

struct xdp_object *
xdp_object_open(const struct xdp_sizes *sizes, const int reuse[XDP_MAP_COUNT])
{
	(void)sizes;
	(void)reuse;
	return NULL;
}

bool
xdp_object_load(struct xdp_object *object)
{
	(void)object;
	return false;
}

struct bpf_object *
xdp_object_bpf(const struct xdp_object *object)
{
	(void)object;
	return NULL;
}

int
xdp_object_program(const struct xdp_object *object, enum xdp_program program)
{
	(void)object;
	(void)program;
	return -1;
}

void
xdp_object_maps(const struct xdp_object *object, int fd[XDP_MAP_COUNT])
{
	(void)object;
	memset(fd, -1, XDP_MAP_COUNT * sizeof(fd[0]));
}

void
xdp_object_free(struct xdp_object *object)
{
	(void)object;
}

struct xdp_feed *
xdp_feed_new(struct xdp_tables *tables, struct demux *d, ip4_t gateway_addr)
{
	(void)tables;
	(void)d;
	(void)gateway_addr;
	return NULL;
}

void
xdp_feed_free(struct xdp_feed *feed)
{
	(void)feed;
}

void
xdp_feed_path_mtu(struct xdp_feed *feed, const struct demux_host *host)
{
	(void)feed;
	(void)host;
}

void
xdp_tables_protect(struct xdp_tables *t)
{
	(void)t;
}
