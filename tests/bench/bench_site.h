/* The gateway that the bench measures: which of its n bindings leases what, as the loader tells the data plane and as
 * the traffic is made. Read by clang for BPF as well; all in host order. */
#ifndef BENCH_SITE_H
#define BENCH_SITE_H

#include <linux/types.h>

#define BENCH_POOL 0x64400000u    /* 100.64.0.0: the public addresses, this many bindings on each */
#define BENCH_PER_ADDRESS 1000u
#define BENCH_PORT_FIRST 1024u
#define BENCH_PORTS 16u           /* of a binding */
#define BENCH_SPI_FIRST 0x10000000u
#define BENCH_SPIS 16u
#define BENCH_COOKIE_MASK 0xffffffff00000000ull
#define BENCH_HOSTS 0x0a000001u   /* 10.0.0.1 and on, a host each, behind one router of the private network */
#define BENCH_GATEWAY 0x0aff0001u /* 10.255.0.1 */
#define BENCH_PEERS 0xc6120000u   /* 198.18.0.0 and on, behind one router of the Internet */
#define BENCH_PEER_COUNT 1024u

enum bench_kind { BENCH_PORT, BENCH_SPI, BENCH_COOKIE, BENCH_OUT, BENCH_PLAIN_IN, BENCH_PLAIN_OUT };

static inline __u32 bench_address(__u32 i) { return BENCH_POOL + i / BENCH_PER_ADDRESS; }
static inline __u16 bench_port(__u32 i) { return (__u16)(BENCH_PORT_FIRST + i % BENCH_PER_ADDRESS * BENCH_PORTS); }
static inline __u32 bench_spi(__u32 i) { return BENCH_SPI_FIRST + i * BENCH_SPIS; }
static inline __u64 bench_cookie(__u32 i) { return (__u64)(i + 1) << 32; }
static inline __u32 bench_host(__u32 i) { return BENCH_HOSTS + i; }
static inline __u32 bench_peer(__u32 i) { return BENCH_PEERS + i % BENCH_PEER_COUNT; }

struct bench_way { __u32 host; __u8 dst[6], src[6]; };

/* What the traffic program is told. */
struct bench_traffic {
	__u32 kind;    /* enum bench_kind */
	__u32 n;       /* bindings, resp. flows */
	__u32 len;     /* of the frame */
	__u32 ifindex; /* to send by */
	struct bench_way way;
};

/* What the bare programs look up. */
struct bench_key { __u32 address, block; };

#endif
