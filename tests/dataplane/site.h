/* The gateway that all cases of cases.h run on: who leases what. Path MTU to every host: 1500. */
#ifndef TESTS_SITE_H
#define TESTS_SITE_H

#include "dataplane.h"
#include "packet_build.h"

#define GW IP(10, 0, 0, 1)       /* Na */
#define A IP(203, 0, 113, 8)     /* shared by many */
#define B IP(203, 0, 113, 9)     /* of the same pool; nobody leases anything of it */
#define C IP(203, 0, 113, 10)    /* of the same pool; leased whole, with remote policy */
#define D IP(203, 0, 113, 11)    /* of the same pool; shared by hosts that speak with each other */
#define W IP(203, 0, 113, 64)    /* leased whole */
#define W2 IP(203, 0, 113, 65)   /* of the same pool, free */
#define OWN IP(203, 0, 113, 1)   /* the gateway's own address, also a pool */
#define Y IP(203, 0, 113, 200)   /* a peer */
#define Z IP(198, 51, 100, 7)    /* another */
#define ROUTER IP(192, 0, 2, 33) /* on the way to them */

#define X1 IP(10, 0, 0, 11)
#define X2 IP(10, 0, 0, 12)
#define X3 IP(10, 0, 0, 13)
#define X4 IP(10, 0, 0, 14)
#define X5 IP(10, 0, 0, 15)
#define X6 IP(10, 0, 0, 16)
#define X7 IP(10, 0, 0, 17)
#define X8 IP(10, 0, 0, 18)
#define X9 IP(10, 0, 0, 19)
#define X10 IP(10, 0, 0, 20)
#define X11 IP(10, 0, 0, 21)
#define X12 IP(10, 0, 0, 22)
#define X13 IP(10, 0, 0, 23)
#define X14 IP(10, 0, 0, 24)
#define X15 IP(10, 0, 0, 25)
#define X16 IP(10, 0, 0, 26)
#define X16_KEY 0x80004711
#define STRANGER IP(10, 0, 0, 99) /* leases nothing */

/* X1's leased cookie block, all that begin with 0x1111, and X11's on D. */
#define X1_BLOCK 0x1111000000000000u
#define X11_BLOCK 0x2222000000000000u
#define BLOCK_MASK 0xffff000000000000u

struct site_binding {
	struct dp_bind lease;
	struct port_range ports[1], remote_ports[1];
	struct spi_range spis[1];
	ip4_t remote_addrs[2];
};

#define IPIP .tunnel = RSIP_TUNNEL_IP_IP
#define PORTS(first, last) .lease.n_ports = 1, .ports = { { first, last } }
#define SPIS(first, last) .lease.n_spis = 1, .spis = { { first, last } }
#define LEASE(id, host, addr, how, ...)                                                                    \
	.lease = { .op = DP_BIND, .bind_id = (id), .client_id = (host) & 0xff, .host_addr = (host), .local_addr = (addr), \
		   .method = RSIP_METHOD_##how, __VA_ARGS__ }

static const struct site_binding site_bindings[] = {
	{ LEASE(1, X1, A, RSAP_IP, IPIP), PORTS(1024, 2047) },
	{ LEASE(2, X1, A, RSIPSEC, IPIP, .flags = DP_F_COOKIE_BLOCK, .cookie_value = X1_BLOCK, .cookie_mask = BLOCK_MASK,
	        .max_claims = 4),
	  SPIS(0x10000000, 0x1000000f) },
	{ LEASE(3, X2, A, RSAP_IP, IPIP), PORTS(2048, 3071) },
	{ LEASE(4, X2, A, RSIPSEC, IPIP, .flags = DP_F_IKE_LISTENER, .ike_listener = Z, .max_claims = 4),
	  SPIS(0x20000000, 0x2000000f) },
	{ LEASE(5, X3, W, RSA_IP, IPIP) },
	{ LEASE(6, X4, A, RSAP_IP, .tunnel = RSIP_TUNNEL_GRE), PORTS(4096, 4159) },
	{ LEASE(7, X5, A, RSAP_IP, IPIP, .remote_addr = Y), PORTS(5000, 5009) },
	{ LEASE(8, X6, A, RSAP_IP, IPIP, .remote_addr = Y, .flags = DP_F_REMOTE_PORTS, .n_remote_ports = 1),
	  PORTS(6000, 6000), .remote_ports = { { 80, 80 } } },
	{ LEASE(9, X7, A, RSIPSEC, IPIP), SPIS(0x30000000, 0x30000000) },
	{ LEASE(10, X1, OWN, RSAP_IP, IPIP), PORTS(1024, 1033) },
	{ LEASE(11, X2, OWN, RSAP_IP, IPIP), PORTS(2048, 2057) },
	{ LEASE(12, X8, A, RSIPSEC, IPIP, .max_claims = 2), SPIS(0x40000000, 0x4000000f) },
	{ LEASE(13, X8, A, RSAP_IP, IPIP, .flags = DP_F_LISTEN), PORTS(80, 80) },
	{ LEASE(14, X9, C, RSA_IP, IPIP, .remote_addr = Y, .flags = DP_F_REMOTE_PORTS, .n_remote_ports = 1),
	  .remote_ports = { { 80, 80 } } },
	{ LEASE(16, X10, A, RSAP_IP, IPIP, .remote_addr = DP_REMOTE_NOBODY, .flags = DP_F_REMOTE_NAME, .n_remote_addrs = 2),
	  PORTS(7000, 7009), .remote_addrs = { Y, ROUTER } },
	{ LEASE(17, X10, A, RSAP_IP, IPIP, .remote_addr = DP_REMOTE_NOBODY, .flags = DP_F_REMOTE_NAME), PORTS(7010, 7019) },
	{ LEASE(15, X2, OWN, RSIPSEC, IPIP, .max_claims = 4), SPIS(0x20000100, 0x2000010f) },
	{ LEASE(18, X11, D, RSIPSEC, IPIP, .flags = DP_F_COOKIE_BLOCK, .cookie_value = X11_BLOCK, .cookie_mask = BLOCK_MASK,
	        .max_claims = 4),
	  SPIS(0x50000000, 0x5000000f) },
	{ LEASE(19, X11, D, RSAP_IP, IPIP), PORTS(1024, 2047) },
	{ LEASE(20, X12, D, RSIPSEC, .tunnel = RSIP_TUNNEL_GRE, .flags = DP_F_IKE_LISTENER, .ike_listener = D, .max_claims = 4),
	  SPIS(0x60000000, 0x6000000f) },
	{ LEASE(21, X12, D, RSAP_IP, .tunnel = RSIP_TUNNEL_GRE), PORTS(2048, 3071) },
	{ LEASE(22, X13, D, RSIPSEC, IPIP, .flags = DP_F_IKE_LISTENER, .ike_listener = A, .max_claims = 4),
	  SPIS(0x70000000, 0x7000000f) },
	{ LEASE(23, X14, D, RSIPSEC, IPIP, .remote_addr = Y, .max_claims = 4), SPIS(0x80000000, 0x8000000f) },
	{ LEASE(24, X15, D, RSIPSEC, IPIP, .remote_addr = Y, .flags = DP_F_REMOTE_PORTS, .n_remote_ports = 1, .max_claims = 4),
	  .remote_ports = { { 80, 80 } }, SPIS(0x90000000, 0x9000000f) },
	{ LEASE(25, X16, A, RSAP_IP, .tunnel = RSIP_TUNNEL_GRE, .gre_key = X16_KEY), PORTS(9000, 9009) },
	{ LEASE(26, X16, A, RSAP_IP, .tunnel = RSIP_TUNNEL_GRE), PORTS(9010, 9019) },
};

static const struct dp_pool site_pools[] = {
	{ .op = DP_POOL, .addresses = { A, D }, .ports = { 1024, 65535 }, .ike_ports = { 500, 4500 }, .n_ike_ports = 2,
	  .shared = true, .mss_clamp = true },
	{ .op = DP_POOL, .addresses = { W, W2 } },
	{ .op = DP_POOL, .addresses = { OWN, OWN }, .ports = { 1024, 2099 }, .ike_ports = { 500, 4500 }, .n_ike_ports = 2,
	  .own = true, .shared = true },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Makes the engine this gateway's. The caller frees e->demux. */
struct engine;
void site_up(struct engine *e);

/* The same in two steps, for who wants to follow the demultiplexer from its beginning: site_begin makes an empty one. */
void site_begin(struct engine *e);
void site_tell(struct engine *e);

#endif
