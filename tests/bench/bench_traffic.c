/* bench_traffic SEND-NETNS SEND-DEVICE GATEWAY-MAC SINK-NETNS SINK-DEVICE KIND N LENGTH SECONDS PID...: sends frames of
 * LENGTH bytes, for each of N bindings or flows in turn, as fast as one core can, and prints how many a second arrived
 * at the sink, and how many ns of CPU time the processes PID, which are the gateway, took for each. KIND: port, spi,
 * cookie, out, plain-in, plain-out. The kernel runs the source as a program over frames of its own
 * (BPF_F_TEST_XDP_LIVE_FRAMES), so that the sender is no limit. */
#include "config.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench_site.h" /* before the skeleton, which uses its types */
#include "bench_tool.h"

#include "bench.skel.h"

#define WARM_UP_MAX 5 /* seconds */
#define TURN 65536 /* frames a call */

static unsigned
enter(const char *netns, const char *device)
{
	char path[128];
	unsigned ifindex;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, "enter the network namespace");
	close(fd);
	need((ifindex = if_nametoindex(device)) != 0, "find the device");
	return ifindex;
}

static uint32_t
kind_of(const char *word)
{
	static const char *const words[] = { "port", "spi", "cookie", "out", "plain-in", "plain-out" };

	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	errno = EINVAL;
	need(false, "send traffic of this kind");
	return 0;
}

static void
parse_mac(const char *word, uint8_t mac[6])
{
	errno = EINVAL;
	need(sscanf(word, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) == 6,
	     "read the gateway's address");
}

/* What they have run so far, in ns. */
static uint64_t
cpu_time(char **pids)
{
	uint64_t total = 0, one;
	char path[64];

	for (; *pids != NULL; pids++) {
		snprintf(path, sizeof(path), "/proc/%s/schedstat", *pids);
		FILE *file = fopen(path, "r");
		if (file != NULL && fscanf(file, "%" SCNu64, &one) == 1)
			total += one;
		if (file != NULL)
			fclose(file);
	}
	return total;
}

/* Sends for some seconds, and prints what came of it. */
static void
flood(int program, uint32_t len, uint32_t n, const volatile uint64_t *arrived, double duration, char **pids)
{
	static uint8_t frame[2048];
	struct xdp_md context = { .data_end = len };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = len, .ctx_in = &context,
	            .ctx_size_in = sizeof(context), .repeat = TURN, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	double start, now;
	uint64_t before, cpu, packets;

	/* What is learned, cached and woken up by the first packets of each binding does not count. */
	start = seconds();
	do {
		need(bpf_prog_test_run_opts(program, &options) == 0, "send frames");
		now = seconds();
	} while (now < start + duration / 4 || (*arrived < 2 * n && now < start + WARM_UP_MAX));
	before = *arrived;
	cpu = cpu_time(pids);
	start = seconds();
	do {
		need(bpf_prog_test_run_opts(program, &options) == 0, "send frames");
		now = seconds();
	} while (now < start + duration);
	packets = *arrived - before;
	cpu = cpu_time(pids) - cpu;
	printf("%.0f %.0f\n", (double)packets / (now - start), packets > 0 ? (double)cpu / (double)packets : 0);
}

int
main(int argc, char **argv)
{
	struct bench_traffic traffic = { 0 };
	struct bench_bpf *bench = bench_bpf__open();

	if (argc < 10) {
		fprintf(stderr, "usage: bench_traffic SEND-NETNS SEND-DEVICE GATEWAY-MAC SINK-NETNS SINK-DEVICE KIND N LENGTH "
		                "SECONDS PID...\n");
		return 2;
	}
	need(bench != NULL, "open the programs");
	unsigned sink = enter(argv[4], argv[5]);
	parse_mac(argv[3], traffic.way.dst);
	traffic.way.src[0] = 2;
	traffic.kind = kind_of(argv[6]);
	traffic.n = (uint32_t)strtoul(argv[7], NULL, 10);
	traffic.len = (uint32_t)strtoul(argv[8], NULL, 10);
	int sink_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	traffic.ifindex = enter(argv[1], argv[2]);
	memcpy((void *)&bench->rodata->traffic, &traffic, sizeof(traffic));
	need(bench_bpf__load(bench) == 0, "load the programs");
	need(setns(sink_netns, CLONE_NEWNET) == 0, "enter the sink");
	struct bpf_link *link = bpf_program__attach_xdp(bench->progs.sink, (int)sink);
	need(link != NULL, "attach the sink");
	enter(argv[1], argv[2]);
	const volatile uint64_t *arrived = mmap(NULL, 4096, PROT_READ, MAP_SHARED, bpf_map__fd(bench->maps.arrived), 0);
	need(arrived != MAP_FAILED, "read the count");
	flood(bpf_program__fd(bench->progs.source), traffic.len, traffic.n, arrived, strtod(argv[9], NULL), argv + 10);
	bpf_link__destroy(link);
	bench_bpf__destroy(bench);
	return 0;
}
