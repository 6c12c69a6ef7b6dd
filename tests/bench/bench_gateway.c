/* bench_gateway N PUBLIC-DEVICE PRIVATE-DEVICE PUBLIC-ROUTER-MAC PRIVATE-ROUTER-MAC: a gateway of N bindings
 * (bench_site.h) whose XDP tables are written as rsipd writes them: control's messages, applied to the relay's tables,
 * which feed those of the programs. Prints "ready SECONDS MEGABYTES", then obeys standard input, a command a line:
 *
 *   attach rsip|redirect|encap|strip|none   what runs at the devices from now on; answers "done"
 *   run port|spi|cookie|out|encap|nothing LENGTH   prints the ns that a packet takes in test runs over all bindings; the
 *                                           making of it, which is nothing's, is in all of them
 *   passed                                  prints how many packets went up to the relay so far, by reason
 */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "bench_site.h" /* before the skeleton, which uses its types */
#include "bench_tool.h"

#include "bench.skel.h"
#include "demux.h"
#include "dp_apply.h"
#include "log.h"
#include "xdp_feed.h"
#include "xdp_object.h"
#include "xdp_tables.h"

enum { PUBLIC, PRIVATE, DEVICES };
#define RUNS 60
#define RUN 10000 /* packets */

struct gateway {
	uint32_t n;
	unsigned ifindex[DEVICES];
	uint8_t mac[DEVICES][6], router[DEVICES][6];
	struct xdp_object *object;
	struct xdp_tables tables;
	struct demux *demux;
	struct bench_bpf *bare;
};

/* ---- the tables ---- */

static void
tell(struct gateway *g, const void *message, size_t len)
{
	need(dp_apply(g->demux, message, len, 0) != DP_REFUSED, "apply a message");
}

static void
tell_binding(struct gateway *g, uint32_t i)
{
	struct {
		struct dp_bind lease;
		struct port_range ports;
		struct spi_range spis;
	} message = {
		.lease = { .op = DP_BIND, .bind_id = i + 1, .client_id = i + 1, .host_addr = bench_host(i),
		           .local_addr = bench_address(i), .method = RSIP_METHOD_RSIPSEC, .tunnel = RSIP_TUNNEL_IP_IP,
		           .flags = DP_F_COOKIE_BLOCK, .n_ports = 1, .n_spis = 1, .cookie_value = bench_cookie(i),
		           .cookie_mask = BENCH_COOKIE_MASK },
		.ports = { bench_port(i), (uint16_t)(bench_port(i) + BENCH_PORTS - 1) },
		.spis = { bench_spi(i), bench_spi(i) + BENCH_SPIS - 1 },
	};
	size_t len = sizeof(message.lease);
	uint8_t bytes[sizeof(message)];

	memcpy(bytes, &message.lease, len);
	memcpy(bytes + len, &message.ports, sizeof(message.ports));
	len += sizeof(message.ports);
	memcpy(bytes + len, &message.spis, sizeof(message.spis));
	tell(g, bytes, len + sizeof(message.spis));
}

static void
fill(struct gateway *g)
{
	const struct dp_sync begin = { DP_SYNC_BEGIN }, end = { DP_SYNC_END };
	const struct dp_pool pool = {
		.op = DP_POOL, .addresses = { BENCH_POOL, bench_address(g->n - 1) }, .ports = { 1024, 65535 },
		.ike_ports = { 500, 4500 }, .n_ike_ports = 2, .shared = true,
	};

	tell(g, &begin, sizeof(begin));
	tell(g, &pool, sizeof(pool));
	for (uint32_t i = 0; i < g->n; i++)
		tell_binding(g, i);
	tell(g, &end, sizeof(end));
}

static void
host_new_cb(struct demux_host *host, void *arg)
{
	(void)arg;
	host->path_mtu = 1500;
}

static void
forgotten_cb(const struct learned *item, void *arg)
{
	(void)item;
	(void)arg;
}

static struct xdp_sizes
sizes_for(uint32_t n)
{
	const uint32_t bindings = n < 16384 ? 16384 : n;

	return (struct xdp_sizes){
		.addresses = n / BENCH_PER_ADDRESS + 1, .port_tables = n / BENCH_PER_ADDRESS + 1,
		.bindings = bindings + bindings / 4, .claims = bindings, .ipsec = bindings,
		.spi_lines = xdp_lines(bindings), .cookie_lines = xdp_lines(bindings),
		.flows = 65536, .devices = 1024, .cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
	};
}

static void
make_tables(struct gateway *g)
{
	const struct xdp_sizes sizes = sizes_for(g->n);
	const struct demux_events events = { .forgotten = forgotten_cb, .host_new = host_new_cb };
	const unsigned roles[DEVICES] = { XDP_DEVICE_PUBLIC, XDP_DEVICE_PRIVATE };
	int maps[XDP_MAP_COUNT];

	need((g->object = xdp_object_open(&sizes, NULL)) != NULL && xdp_object_load(g->object), xdp_object_error());
	xdp_object_maps(g->object, maps);
	need(xdp_tables_open(&g->tables, maps), "open the tables");
	for (int d = 0; d < DEVICES; d++)
		need(xdp_tables_device(&g->tables, g->ifindex[d], g->mac[d], roles[d], (unsigned)d + 1), "enter the device");
	g->demux = demux_new(&events);
	need(xdp_feed_new(&g->tables, g->demux, BENCH_GATEWAY) != NULL, "feed the tables");
	fill(g);
	xdp_tables_paths(&g->tables, true);
}

/* ---- yardsticks ---- */

static void
fill_ways(struct gateway *g)
{
	int map = bpf_map__fd(g->bare->maps.ways);

	for (uint32_t i = 0; i < g->n; i++) {
		struct bench_key key = { bench_address(i), (bench_port(i) - BENCH_PORT_FIRST) / BENCH_PORTS };
		struct bench_way way = { .host = bench_host(i) };
		memcpy(way.dst, g->router[PRIVATE], 6);
		memcpy(way.src, g->mac[PRIVATE], 6);
		need(bpf_map_update_elem(map, &key, &way, BPF_ANY) == 0, "fill the bare table");
	}
}

/* The bare programs send one way only: to is where. */
static struct bench_bpf *
make_bare(struct gateway *g, int to)
{
	struct bench_bpf *bare = bench_bpf__open();
	struct bench_way way = { 0 };

	need(bare != NULL, "open the bare programs");
	memcpy(way.dst, g->router[to], 6);
	memcpy(way.src, g->mac[to], 6);
	memcpy((void *)&bare->rodata->redirect_way, &way, sizeof(way));
	*(volatile uint32_t *)&bare->rodata->redirect_to = g->ifindex[to];
	bpf_map__set_max_entries(bare->maps.ways, g->n);
	need(bench_bpf__load(bare) == 0, "load the bare programs");
	return bare;
}

/* ---- commands ---- */

static void
attach(struct gateway *g, int device, int program)
{
	need(bpf_xdp_attach((int)g->ifindex[device], program, 0, NULL) == 0, "attach a program");
}

static void
do_attach(struct gateway *g, const char *what)
{
	int public = -1, private = -1;

	if (strcmp(what, "rsip") == 0) {
		public = xdp_object_program(g->object, XDP_PROGRAM_INBOUND);
		private = xdp_object_program(g->object, XDP_PROGRAM_OUTBOUND);
	} else if (strcmp(what, "none") != 0) {
		bench_bpf__destroy(g->bare);
		g->bare = make_bare(g, strcmp(what, "strip") == 0 ? PUBLIC : PRIVATE);
		if (strcmp(what, "encap") == 0)
			fill_ways(g);
		public = bpf_program__fd(strcmp(what, "encap") == 0 ? g->bare->progs.bare_encap : g->bare->progs.bare_redirect);
		private = bpf_program__fd(strcmp(what, "strip") == 0 ? g->bare->progs.bare_strip : g->bare->progs.bare_nothing);
	}
	attach(g, PUBLIC, public);
	attach(g, PRIVATE, private);
	puts("done");
}

/* The program that a word means, and the kind of frames that it is given. */
static int
program_of(struct gateway *g, const char *what, uint32_t *kind)
{
	static const char *const kinds[] = { "port", "spi", "cookie", "out" };

	*kind = BENCH_PORT;
	if (strcmp(what, "nothing") == 0 || strcmp(what, "encap") == 0) {
		bench_bpf__destroy(g->bare);
		g->bare = make_bare(g, PRIVATE);
		fill_ways(g);
		return bpf_program__fd(what[0] == 'e' ? g->bare->progs.bare_encap : g->bare->progs.bare_nothing);
	}
	for (uint32_t k = 0; k < 4; k++)
		*kind = strcmp(what, kinds[k]) == 0 ? k : *kind;
	return xdp_object_program(g->object, *kind == BENCH_OUT ? XDP_PROGRAM_OUTBOUND : XDP_PROGRAM_INBOUND);
}

/* A program that writes a frame for each run of the one that is measured. */
static struct bench_bpf *
make_source(const struct gateway *g, int program, uint32_t kind, uint32_t len)
{
	struct bench_bpf *source = bench_bpf__open();
	struct bench_traffic traffic = { .kind = kind, .n = g->n, .len = len };
	uint32_t only = 0;

	need(source != NULL, "open the source of frames");
	memcpy(traffic.way.dst, g->mac[kind == BENCH_OUT ? PRIVATE : PUBLIC], 6);
	memcpy((void *)&source->rodata->traffic, &traffic, sizeof(traffic));
	need(bench_bpf__load(source) == 0 &&
	     bpf_map_update_elem(bpf_map__fd(source->maps.measured), &only, &program, BPF_ANY) == 0, "make a source of frames");
	return source;
}

/* A turn through all bindings first: the first packet of each asks for its way. Then the least of several runs: what
 * else the machine did is no part of it. */
static void
do_run(struct gateway *g, const char *what, uint32_t len)
{
	static uint8_t frame[2048];
	struct bench_bpf *source;
	uint32_t kind, least = UINT32_MAX;
	int program = program_of(g, what, &kind);

	source = make_source(g, program, kind, len);
	for (int i = 0; i < RUNS; i++) {
		struct xdp_md context = { .data_end = len, .ingress_ifindex = g->ifindex[kind == BENCH_OUT ? PRIVATE : PUBLIC] };
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = len, .ctx_in = &context,
		            .ctx_size_in = sizeof(context), .repeat = (int)(i == 0 && g->n > RUN ? 2 * g->n : RUN));
		need(bpf_prog_test_run_opts(bpf_program__fd(source->progs.source_of_run), &options) == 0, "run a program");
		if (i > 0 && options.duration < least)
			least = options.duration;
	}
	bench_bpf__destroy(source);
	printf("%u\n", least);
}

static void
do_passed(struct gateway *g)
{
	struct xdp_totals sum;

	xdp_tables_totals(&g->tables, &sum);
	for (int i = 0; i < XDP_PASS_COUNT; i++) {
		if (sum.passed[i] != 0)
			printf("%s=%llu ", xdp_pass_name((enum xdp_pass)i), (unsigned long long)sum.passed[i]);
	}
	puts("");
}

static void
serve(struct gateway *g)
{
	char line[128], what[16];
	unsigned len = 0;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "attach %15s", what) == 1)
			do_attach(g, what);
		else if (sscanf(line, "run %15s %u", what, &len) == 2)
			do_run(g, what, len);
		else if (strcmp(line, "passed\n") == 0)
			do_passed(g);
		fflush(stdout);
	}
}

static void
find_device(struct gateway *g, int device, const char *name, const char *router)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t *r = g->router[device];

	g->ifindex[device] = if_nametoindex(name);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	need(fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0, "find the device");
	memcpy(g->mac[device], request.ifr_hwaddr.sa_data, 6);
	close(fd);
	errno = EINVAL;
	need(sscanf(router, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", r, r + 1, r + 2, r + 3, r + 4, r + 5) == 6,
	     "read a router's address");
}

static uint64_t
memory_of(const struct gateway *g)
{
	return xdp_sizes_memory(&g->tables.sizes) >> 20;
}

int
main(int argc, char **argv)
{
	static struct gateway g;
	double start;

	log_init("bench_gateway", LOG_TO_STDERR, LOG_LVL_WARN, false);
	if (argc != 6 || (g.n = (uint32_t)strtoul(argv[1], NULL, 10)) == 0) {
		fprintf(stderr, "usage: bench_gateway N PUBLIC-DEVICE PRIVATE-DEVICE PUBLIC-ROUTER-MAC PRIVATE-ROUTER-MAC\n");
		return 2;
	}
	find_device(&g, PUBLIC, argv[2], argv[4]);
	find_device(&g, PRIVATE, argv[3], argv[5]);
	start = seconds();
	make_tables(&g);
	printf("ready %.2f %llu\n", seconds() - start, (unsigned long long)memory_of(&g));
	fflush(stdout);
	serve(&g);
	bpf_xdp_attach((int)g.ifindex[PUBLIC], -1, 0, NULL);
	bpf_xdp_attach((int)g.ifindex[PRIVATE], -1, 0, NULL);
	return 0;
}
