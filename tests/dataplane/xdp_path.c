/* The XDP programs as the fast path under test, by BPF_PROG_TEST_RUN. */
#include "config.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fast_path.h"
#include "mem.h"
#include "site.h"
#include "xdp_feed.h"
#include "xdp_object.h"

struct fast_path {
	struct xdp_object *object;
	struct xdp_tables tables;
	struct xdp_feed *feed;
	unsigned ifindex[2]; /* by direction */
	struct xdp_totals before;
};

/* ---- the links ---- */

/* Two links whose far ends are not needed, every neighbour known, and a device where the gateway has its TUN. */
static bool
build_links(void)
{
	static const char links[] =
	    "link set lo up\n"
	    "link add wan0 type veth peer name wan1\n"
	    "link add lan0 type veth peer name lan1\n"
	    "link add rsipd0 type veth peer name rsipd1\n"
	    "link set rsipd0 up\n"
	    "link set wan1 up\n"
	    "link set lan1 up\n";
	FILE *ip = popen("ip -batch - >/dev/null", "w");
	uint8_t m[6];

	if (ip == NULL)
		return false;
	fputs(links, ip);
	for (int direction = IN; direction <= OUT; direction++) {
		const char *dev = direction == IN ? "wan0" : "lan0";
		char addr[IP4_STRLEN];

		frame_station(frame_gateway((enum direction)direction), m);
		fprintf(ip, "link set %s address %02x:%02x:%02x:%02x:%02x:%02x up\n", dev, m[0], m[1], m[2], m[3], m[4], m[5]);
		fprintf(ip, "address add %s/24 dev %s\n", ip4_str(frame_gateway((enum direction)direction), addr), dev);
	}
	for (uint32_t host = 1; host < 255; host++) {
		for (int side = 0; side < 2; side++) {
			ip4_t addr = (side == 0 ? GW : OWN & 0xffffff00) + host - (side == 0 ? 1 : 0);
			char str[IP4_STRLEN];

			if (!frame_has_station(addr))
				continue;
			frame_station(addr, m);
			fprintf(ip, "neigh replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x nud permanent dev %s\n", ip4_str(addr, str),
			        m[0], m[1], m[2], m[3], m[4], m[5], side == 0 ? "lan0" : "wan0");
		}
	}
	fputs("route add default via 203.0.113.200\n", ip);
	for (size_t i = 0; i < COUNT(site_pools); i++) {
		char str[IP4_STRLEN];

		for (ip4_t addr = site_pools[i].addresses.first; addr <= site_pools[i].addresses.last && addr != OWN; addr++)
			fprintf(ip, "route add %s/32 dev rsipd0\n", ip4_str(addr, str));
	}
	return pclose(ip) == 0;
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* One CPU: the totals before and after a frame are then of that frame. */
static bool
stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* ---- the programs ---- */

static bool
load(struct fast_path *fp, const char **why)
{
	const struct xdp_sizes sizes = { .addresses = 16, .port_tables = 8, .bindings = 256, .spi_lines = 64, .cookie_lines = 128,
		                         .claims = 1024, .ipsec = 256, .flows = 65536, .devices = 64,
		                         .cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF) };
	int fd[XDP_MAP_COUNT];

	fp->object = xdp_object_open(&sizes, NULL);
	if (fp->object == NULL || !xdp_object_load(fp->object)) {
		*why = xdp_object_error();
		return false;
	}
	xdp_object_maps(fp->object, fd);
	*why = "the tables cannot be mapped";
	return xdp_tables_open(&fp->tables, fd);
}

static bool
tell_machine(struct fast_path *fp)
{
	const ip4_t own[] = { GW, OWN };

	xdp_tables_own(&fp->tables, own, COUNT(own));
	for (int direction = IN; direction <= OUT; direction++) {
		uint8_t mac[6];

		fp->ifindex[direction] = if_nametoindex(direction == IN ? "wan0" : "lan0");
		frame_station(frame_gateway((enum direction)direction), mac);
		if (!xdp_tables_device(&fp->tables, fp->ifindex[direction], mac, direction == IN ? XDP_DEVICE_PUBLIC :
		                       XDP_DEVICE_PRIVATE, (unsigned)direction + 1))
			return false;
	}
	return true;
}

struct fast_path *
fast_path_up(const char **why)
{
	struct fast_path *fp = mem_zero(1, sizeof(*fp));

	*why = "it takes root";
	if (geteuid() == 0) {
		*why = "no network namespace of its own, or no ip(8), can be had";
		if (unshare(CLONE_NEWNET) == 0 && build_links() && write_file("/proc/sys/net/ipv4/ip_forward", "1") &&
		    stay_on_one_cpu() && load(fp, why) && tell_machine(fp))
			return fp;
	}
	fast_path_down(fp);
	return NULL;
}

void
fast_path_down(struct fast_path *fp)
{
	xdp_feed_free(fp->feed);
	xdp_tables_close(&fp->tables);
	xdp_object_free(fp->object);
	free(fp);
}

void
fast_path_follow(struct fast_path *fp, struct demux *d)
{
	xdp_feed_free(fp->feed);
	fp->feed = d != NULL ? xdp_feed_new(&fp->tables, d, GW) : NULL;
}

/* ---- a frame ---- */

static const char *
pass_reason(const struct fast_path *fp)
{
	struct xdp_totals now;

	xdp_tables_totals(&fp->tables, &now);
	for (int reason = 0; reason < XDP_PASS_COUNT; reason++) {
		if (now.passed[reason] != fp->before.passed[reason])
			return xdp_pass_name((enum xdp_pass)reason);
	}
	return "not for it";
}

static void
judge(const struct fast_path *fp, const struct frame *f, uint32_t action, struct fast_result *result)
{
	bool same = result->frame.len == f->len && memcmp(result->frame.bytes, f->bytes, f->len) == 0;

	switch (action) {
	case XDP_PASS:
		result->verdict = same ? FAST_PASSED : FAST_FAILED;
		result->why = same ? pass_reason(fp) : "it is passed up, but changed";
		break;
	case XDP_REDIRECT:
	case XDP_TX:
		result->verdict = FAST_SENT;
		result->why = "";
		break;
	default:
		result->verdict = FAST_FAILED;
		result->why = action == XDP_DROP ? "XDP drops nothing" : "XDP gives up";
	}
}

void
fast_path_run(struct fast_path *fp, const struct frame *f, struct fast_result *result)
{
	struct xdp_md ctx = { .data_end = (uint32_t)f->len, .ingress_ifindex = fp->ifindex[f->direction] };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes, .data_size_in = (uint32_t)f->len,
	                    .data_out = result->frame.bytes, .data_size_out = sizeof(result->frame.bytes), .ctx_in = &ctx,
	                    .ctx_size_in = sizeof(ctx), .repeat = 1);
	enum xdp_program program = f->direction == IN ? XDP_PROGRAM_INBOUND : XDP_PROGRAM_OUTBOUND;

	xdp_tables_totals(&fp->tables, &fp->before);
	result->frame.direction = f->direction;
	if (bpf_prog_test_run_opts(xdp_object_program(fp->object, program), &opts) != 0) {
		result->verdict = FAST_FAILED;
		result->why = strerror(errno);
		return;
	}
	result->frame.len = opts.data_size_out;
	judge(fp, f, opts.retval, result);
}
