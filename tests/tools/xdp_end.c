/* The far end of a veth pair for native XDP: a device that takes redirected frames, which a veth does where an XDP program
 * runs on it. This one lets everything pass. It stays when the program ends.
 *
 *   xdp_end DEVICE      puts the program there
 *   xdp_end DEVICE off  takes it away */
#include "config.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static int
load_pass(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "lab_pass", "GPL", insns, sizeof(insns) / sizeof(insns[0]), NULL);
}

int
main(int argc, char *argv[])
{
	unsigned ifindex = argc >= 2 ? if_nametoindex(argv[1]) : 0;
	int fd = argc == 2 ? load_pass() : -1;

	if (ifindex == 0 || (argc == 2 && fd < 0) || bpf_xdp_attach((int)ifindex, fd, XDP_FLAGS_DRV_MODE, NULL) != 0) {
		fprintf(stderr, "xdp_end: %s: %s\n", argc >= 2 ? argv[1] : "usage: xdp_end DEVICE", strerror(errno));
		return 1;
	}
	return 0;
}
