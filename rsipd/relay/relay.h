/* The relay process: the user-space data plane, complete (design: two data planes). It parses what strangers and hosts
 * send, so it holds no privilege: every descriptor it needs was opened for it by the monitor with the functions of
 * pktio_open.h.
 *
 * What it needs of the system while it runs: read, write, readv/writev, sendmsg, recvmsg, sendmmsg, recvmmsg and close
 * on the descriptors below; connect and getsockopt on probe; setsockopt and mmap on rings; what libevent's epoll loop,
 * the clock, malloc and the log use.
 *
 * What it needs of the monitor's netlink state:
 *  - the TUN up, MTU 65535, a long transmit queue (4096), no IPv6 on it; rp_filter 0, accept_local 1 and
 *    send_redirects 0 on it (the first and the last of "all" too), ip_forward 1;
 *  - pool addresses routed to the TUN, with the public interface's address as preferred source, so that ICMP errors that
 *    the kernel itself sends to a host (traceroute's first hop) do not carry a private address;
 *  - own-address mode: only packets that come in on the public interface may be steered into the TUN. What the relay
 *    writes back must reach the local stack and never the TUN again. net.ipv4.ip_early_demux 0: the kernel drops on
 *    forwarding what it has already assigned to a socket of its own. */
#ifndef RSIPD_RELAY_H
#define RSIPD_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "dataplane.h"

/* Raw sockets come in pairs: the first sends with DF set and receives, the second lets the kernel fragment and
 * receives nothing. */
enum relay_df { RELAY_DF, RELAY_FRAGMENT, RELAY_DF_COUNT };

#define RELAY_PRIVATE_MAX 64
#define RELAY_RINGS_MAX (1 + RELAY_PRIVATE_MAX)

/* A packet socket with its ring (ring_open.h): frames past the TUN and the raw sockets. */
struct relay_ring {
	int fd;
	unsigned ifindex;
	uint32_t slots, slot_size;
	int xsk; /* AF_XDP socket to send frames to the device by (xsk.h), fresh for each start of the relay; or -1 */
};

struct meters;
struct xdp_tables;

/* What the monitor hands over, the descriptors all non-blocking. Where there are no rings, sender, questions and news
 * are -1. */
struct relay_fds {
	int tun;
	int ipip[RELAY_DF_COUNT]; /* IP protocol 4 */
	int gre[RELAY_DF_COUNT];  /* IP protocol 47 */
	int icmp;                 /* raw: ICMP errors to the gateway, of which those from within tunnels concern the relay */
	int probe;                /* unbound UDP socket, to ask the kernel for the path MTU to a host; sends nothing */
	struct relay_ring rings[RELAY_RINGS_MAX];
	size_t n_rings;
	int sender;               /* packet socket to send frames by */
	int questions, news;      /* netlink_path.h */
	int control;              /* SOCK_SEQPACKET to the control process, dataplane.h */
	int monitor;              /* SOCK_SEQPACKET to the monitor, monitor_proto.h: MON_CONTROL; its end ends the relay */
	struct meters *meters;    /* what each binding carries; may be NULL */
	struct xdp_tables *xdp;   /* of the XDP data plane, with their descriptors; NULL: the relay is alone */
};

/* No descriptor at all, to begin with. */
#define RELAY_NO_FDS \
	((struct relay_fds){ .tun = -1, .ipip = { -1, -1 }, .gre = { -1, -1 }, .icmp = -1, .probe = -1, .sender = -1, \
	                     .questions = -1, .news = -1, .control = -1, .monitor = -1 })

/* Where the gateway stands. A change of any of it is a reason to start the relay anew. */
struct relay_net {
	ip4_t gateway_addr; /* Na: outer source of packets to hosts whose binding names no other */
	ip4_t public_addr;  /* the public interface's address: source of ICMP errors that the relay makes; 0 = the pool address
	                     * that each is about */
	unsigned public_ifindex, tun_ifindex;
	unsigned private_ifindex[RELAY_PRIVATE_MAX]; /* tunnel packets that come in elsewhere are not from hosts */
	size_t n_private;
};

/* Runs the relay until the monitor's end of fds->monitor closes; returns the exit status. SIGTERM may end it at any
 * time: it has nothing to clean up. Call it without privileges. The pointers must outlive the call; counters is
 * shared memory, written here only. */
int relay_main(const struct relay_fds *fds, const struct relay_net *net, struct dp_counters *counters);

#endif
