/* What the XDP programs and user space share: the tables' keys and values, and why a packet is passed up.
 *
 * Read by clang for BPF and by the compiler of the suite, so it knows the kernel's integer types only. Addresses,
 * ports in packets, SPIs and learned cookies are in NETWORK byte order here, as the programs find them in packets;
 * ports that are an index or a range, and all else, are in host order. */
#ifndef RSIPD_XDP_ABI_H
#define RSIPD_XDP_ABI_H

#include <linux/types.h>

/* Changes with every change of a key, a value or a map below: maps of another number are not taken over. */
#define XDP_ABI_VERSION 8

/* The maps, by their names in the object. */
#define XDP_MAPS(X)                                                                                              \
	X(ADDRS, addrs)       /* hash: address -> struct xdp_addr */                                             \
	X(PORTS, ports)       /* array, memory-mapped: struct xdp_ports of an address that shares its ports */   \
	X(BINDINGS, bindings) /* array, memory-mapped: struct xdp_binding; 0 is nobody */                        \
	X(COUNTS_IN, counts_in)   /* array, memory-mapped: struct xdp_count of the same: public -> host */       \
	X(COUNTS_OUT, counts_out) /* array, memory-mapped: struct xdp_count of the same: host -> public */       \
	X(TERMS, terms)       /* array, memory-mapped: struct xdp_terms of the binding with the same index */    \
	X(SPIS, spis)         /* array, memory-mapped: struct xdp_line: leased blocks (xdp_block_key.h) */       \
	X(COOKIES, cookies)   /* array, memory-mapped: the same */                                               \
	X(CLAIMS, claims)     /* hash: struct xdp_claim_key -> struct xdp_claim: learned cookies */              \
	X(IPSEC, ipsec)       /* hash: struct xdp_ipsec_key -> binding: who may send ESP and AH */               \
	X(FLOWS, flows)       /* LRU hash: struct xdp_flow_key -> struct xdp_flow; the programs' own */          \
	X(ROUTES, routes)     /* array: struct xdp_route_pair, XDP_ROUTES_CPU a CPU; the programs' own */        \
	X(HOPS, hops)         /* array: struct xdp_shared_hop: the ways of bindings; the programs' own */        \
	X(HOP_IDS, hop_ids)   /* LRU hash: struct xdp_hop_key -> struct xdp_hop_id; the programs' own */         \
	X(STATE, state)       /* array of one, memory-mapped: struct xdp_state */                                \
	X(DEVICES, devices)   /* array: struct xdp_device by ifindex */                                          \
	X(EGRESS, egress)     /* array: struct xdp_egress by number */                                           \
	X(TOTALS, totals)     /* array, memory-mapped: struct xdp_totals by CPU */

enum xdp_map {
#define X(id, name) XDP_MAP_##id,
	XDP_MAPS(X)
#undef X
	XDP_MAP_COUNT
};

/* Why a packet that concerns us is left to the relay: XDP itself drops nothing. */
#define XDP_PASS_REASONS(X)                                                                            \
	X(HEADER, "header")         /* IP options, or lengths or checksum that do not hold together */ \
	X(FRAGMENT, "fragment")     /* its owner is found by its first one */                          \
	X(TTL, "ttl")               /* the sender must be told */                                      \
	X(ADDRESS, "address")       /* of a kind that routers look at twice: martian, multicast */     \
	X(PROTOCOL, "protocol")     /* ICMP, and what has no ports and no SPI */                       \
	X(NO_LEASE, "no_lease")     /* nobody's, or not in the tables */                               \
	X(COOKIE, "cookie")         /* IKE whose cookies nobody holds */                               \
	X(IKE_OUT, "ike_out")       /* IKE of a host: cookies are learned from it */                   \
	X(SPI_OUT, "spi_out")       /* the first packets of a peer's SPI, learned from it */           \
	X(REMOTE, "remote_policy")  /* another peer than remote flow policy says */                    \
	X(TUNNEL, "tunnel")         /* outbound: not the tunnel that the binding has */                \
	X(ECN, "congestion")        /* outer header marked, inner not ECN-capable */                   \
	X(MSS, "mss")               /* a SYN whose MSS may have to be lowered */                       \
	X(TOO_BIG, "too_big")       /* for the way on */                                               \
	X(NEXT_HOP, "next_hop")     /* no way on, or no link address of it yet */                      \
	X(PROBE, "probe")           /* now and then one, so that the kernel sees that a neighbour lives */ \
	X(HEADROOM, "headroom")     /* the driver left no room for the tunnel header */

enum xdp_pass {
#define X(id, name) XDP_PASS_##id,
	XDP_PASS_REASONS(X)
#undef X
	XDP_PASS_COUNT
};

#define XDP_FIXED_MAX 4  /* sizes of cookie blocks in use on one address that the programs look through */
#define XDP_SHIFTS_MAX 4 /* and of SPI blocks */

enum xdp_addr_flags {
	XDP_ADDR_MSS_CLAMP = 1, /* SYNs go up */
	XDP_ADDR_COOKIES_UP = 2, /* more sizes are in use than XDP_FIXED_MAX: a miss says nothing, and a hit too little */
	XDP_ADDR_CLAIMS = 4,     /* cookies were learned: CLAIMS has some */
};

/* A public address that the gateway serves. */
struct xdp_addr {
	__u32 whole; /* the binding that leases all of it, or 0 */
	__u32 ports; /* index into PORTS; 0 = none */
	__u32 mix;   /* of the address: what tells its SPIs and cookies from those of others (xdp_block_key.h) */
	__u8 flags;
	__u8 n_fixed, n_shifts;
	__u8 fixed[XDP_FIXED_MAX];   /* how many bits the cookies of a block have in common */
	__u8 shifts[XDP_SHIFTS_MAX]; /* log2 of the SPI blocks' sizes */
	__u8 pad;
};

/* Who leases a port: a binding's index, or one of the words below. */
#define XDP_PORT_NOBODY 0u
#define XDP_PORT_IKE 0xffffffffu  /* shared IKE port 500 */
#define XDP_PORT_NATT 0xfffffffeu /* shared IKE port that speaks as 4500 does (RFC 3948) */
#define XDP_PORT_MIXED 0xfffffffdu /* of a block only: ask each port */

/* Leases are mostly aligned blocks of ports, so one small table answers for most packets and stays in the cache, where a
 * look at each port would miss it. */
#define XDP_PORT_BLOCK 16
struct xdp_ports {
	__u32 block[65536 / XDP_PORT_BLOCK]; /* the owner of all its ports, or XDP_PORT_MIXED */
	__u32 owner[65536];                  /* of each port */
};

/* The way to a neighbour: its link address in the first six bytes, the number of the device in the last two; 0 = not
 * known. One word, so that it is never seen half changed. */
union xdp_hop {
	__u64 word;
	struct {
		__u8 mac[6];
		__u16 egress;
	};
};

/* A hop as the kernel's tables had it lately. */
struct xdp_next_hop {
	__u64 hop;
	__u32 stamp; /* when, in the programs' units; 0 = never */
	__u16 mtu;   /* of the route */
	__u16 generation; /* of struct xdp_state then */
};

/* Many hosts are reached by the same few neighbours, so a binding says the number of its hop only. A hop that has been
 * asked for again has a new number, and numbers are not used again: what a number leads to never changes, until its
 * place goes to another one. */
#define XDP_HOPS 16384 /* a power of two */
struct xdp_shared_hop {
	struct xdp_next_hop next_hop;
	__u32 id, pad;
};
struct xdp_hop_key { __u64 hop; __u32 mtu, pad; };
struct xdp_hop_id {
	__u32 id;     /* lately */
	__u32 probed; /* when the kernel was last shown a packet to the neighbour: a stamp */
};

struct xdp_port_range { __u16 first, last; };
#define XDP_REMOTE_PORTS_MAX 2 /* ranges of remote micro-flow policy; a binding with more stays with the relay */

enum xdp_binding_flags {
	XDP_BINDING_LIVE = 1,
	XDP_BINDING_REMOTE = 2,       /* the terms' remote_addr holds */
	XDP_BINDING_REMOTE_PORTS = 4, /* and their remote_ports */
	XDP_BINDING_IPSEC = 8,        /* RSIPSEC */
	XDP_BINDING_WHOLE = 16,       /* RSA-IP */
	XDP_BINDING_GRE = 32,         /* the tunnel; else IP-IP */
};

/* A binding. While it is live only path_mtu, hop and the counters change: what else changes makes a new entry, and an
 * entry that is free is not used again for a while, so that no program still looks at it.
 *
 * With many bindings each look at another cache line waits for memory, and what is in one keeps others out of the
 * cache. So here is what most packets need, four bindings a line; the counters, which no packet has to wait for, have
 * others of their own, what many bindings share is said by its number, and what few ask for is in the terms. */
struct xdp_binding {
	__u32 host_addr, local_addr;
	__u32 hop;      /* the way to the host: struct xdp_shared_hop's id, 0 = not known */
	__u16 path_mtu; /* to the host: the longest outer packet */
	__u8 gateway;   /* the tunnel's end here: of struct xdp_state's gateways */
	__u8 flags;
};

/* What was forwarded; inner bytes. */
struct xdp_count { __u64 packets, bytes; };

/* The rest of a binding, which does not change while it is live. */
struct xdp_terms {
	__u32 bind_id; /* 0 = free */
	__u32 client_id;
	__u32 remote_addr, pad;
	struct xdp_port_range remote_ports[XDP_REMOTE_PORTS_MAX]; /* unused ones: 1-0 */
	__u64 cookie_value; /* of its block of IKE cookies, in host order; 0 = none */
	__u64 user[3];     /* user space's own */
};

/* Who leases which block of SPIs or of IKE cookies: items of one word each, so that none is ever seen half changed.
 * 0 = free. */
#define XDP_LINE_ITEMS 8
struct xdp_line { __u64 items[XDP_LINE_ITEMS]; };

/* How many lines of a table are in use: few where there are few blocks, so that each line that is looked at brings many
 * of them into the cache. wide is the least 2^k - 1 that is not below n - 1. */
struct xdp_lines { __u32 n, wide; };

struct xdp_claim_key { __u64 cookie; __u32 addr, pad; };

/* Of cookies that only the peer has used so far the first to go is the one that the relay has not seen the longest, so it
 * has to see all of their packets. */
#define XDP_CLAIM_UP 0xffffffffu

/* stamp: when the relay was last shown a packet of it; 0 = when it was learned. binding may be XDP_CLAIM_UP. */
struct xdp_claim { __u32 binding, stamp; };

/* Any RSIPSEC binding of the host on the address. */
struct xdp_ipsec_key { __u32 addr, host; };

/* ESP or AH that a host sends: the peer chose the SPI. */
struct xdp_flow_key { __u32 addr, peer, host, spi, protocol; };
struct xdp_flow { __u32 binding, stamp; };

/* The way to an Internet address, as a packet from this source takes it. */
struct xdp_route {
	__u32 src, dst; /* src 0 where routes do not depend on it */
	struct xdp_next_hop next_hop;
};
/* Two with one hash, the later used one first: a cache line. */
struct xdp_route_pair { struct xdp_route routes[2]; __u64 pad[2]; };
#define XDP_ROUTES_CPU 8192 /* pairs; a power of two */

/* Who watches the kernel's routes and neighbours changes generation with each change that a path may be touched by:
 * what the programs remember of paths is void then. */
#define XDP_OWN_MAX 6
#define XDP_GATEWAYS_MAX 64 /* a power of two; bindings of yet other ones stay with the relay */
struct xdp_state {
	__u32 generation;
	__u32 by_destination; /* no routing rule looks at more than destinations and devices: one path for all sources */
	__u32 own[XDP_OWN_MAX]; /* the machine's addresses: no packet from elsewhere has them for its source */
	struct xdp_lines spis, cookies; /* in use */
	__u32 seed; /* of xdp_addr.mix: who would fill one line of those has to guess it */
	__u32 n_spis, n_cookies; /* items; user space's own */
	__u32 hop; /* the number given last; the programs' own */
	__u32 gateways[XDP_GATEWAYS_MAX]; /* from the first on; 0 = none yet */
};

enum xdp_device_roles { XDP_DEVICE_PUBLIC = 1, XDP_DEVICE_PRIVATE = 2 };

/* A device that a program is attached to. egress = 0: frames cannot be redirected to it. */
struct xdp_device { __u8 mac[6]; __u8 roles; __u8 egress; };
#define XDP_EGRESS_MAX 128
struct xdp_egress { __u32 ifindex; __u8 mac[6]; __u16 pad; };

/* Of one CPU, which alone writes it. */
struct xdp_totals {
	__u64 in_packets, in_bytes, out_packets, out_bytes;
	__u64 passed[XDP_PASS_COUNT];
	__u64 pad[11];
};

_Static_assert(sizeof(struct xdp_addr) == 24 && sizeof(struct xdp_terms) == 56 && sizeof(struct xdp_claim_key) == 16,
               "no hidden padding");
_Static_assert(sizeof(struct xdp_line) == 64 && sizeof(struct xdp_state) % 64 == 0, "whole cache lines");
_Static_assert(sizeof(struct xdp_binding) == 16 && sizeof(struct xdp_count) == 16, "in no two cache lines");
_Static_assert(sizeof(struct xdp_shared_hop) == 24 && sizeof(struct xdp_hop_key) == 16, "no hidden padding");
_Static_assert(sizeof(struct xdp_route_pair) == 64 && sizeof(struct xdp_totals) == 256, "no hidden padding");

#endif
