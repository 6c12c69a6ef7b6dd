/* What the control process tells a data plane, and hears from it. The messages cross a SOCK_SEQPACKET socket between
 * two processes of the same build, one or more messages a packet, in host byte order; every one received is checked for its
 * exact size before use.
 *
 * The order of a life: DP_SYNC_BEGIN, then every pool, live binding and claim, then DP_SYNC_END (the data plane forgets
 * the pools and bindings that were not repeated: that is how a restarted control process and a restarted relay agree),
 * then changes as they come. Claims that were not repeated live on while their binding does, and are told again with
 * DP_CLAIMED after DP_SYNC_END: they were learned while no control process listened. */
#ifndef RSIPD_DATAPLANE_H
#define RSIPD_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "rsip_proto.h"

enum dp_op {
	/* control -> data plane */
	DP_SYNC_BEGIN = 1, /* struct dp_sync */
	DP_SYNC_END,       /* struct dp_sync */
	DP_BIND,           /* struct dp_bind: add, or replace the one with the same bind_id */
	DP_UNBIND,         /* struct dp_unbind */
	DP_CLAIM,          /* struct dp_claim: what was learned before a restart */
	DP_POOL,           /* struct dp_pool: between DP_SYNC_BEGIN and _END: addresses that this gateway serves */
	DP_CHECK,          /* struct dp_check: do the tables say this? */
	/* data plane -> control */
	DP_CLAIMED,   /* struct dp_claim: a host used a new IKE cookie and now owns it, or has since before; or a session */
	DP_UNCLAIMED, /* struct dp_claim: it idled out */
	DP_VIOLATION, /* struct dp_violation */
	DP_CHECKED,   /* struct dp_checked: the answer to DP_CHECK */
};

enum dp_flags {
	DP_F_LISTEN = 1u << 0,       /* a LISTEN binding: remote policy opens it for peers not contacted before */
	DP_F_COOKIE_BLOCK = 1u << 1, /* cookie_value and cookie_mask hold; the mask has its ones first */
	DP_F_REMOTE_PORTS = 1u << 2, /* remote micro-flow policy: remote_ports holds; needs remote_addr */
	DP_F_IKE_LISTENER = 1u << 3, /* ike_listener holds */
	DP_F_REMOTE_NAME = 1u << 4,  /* remote policy for a name: the peers are those of remote_addrs, if any */
};

struct dp_sync { uint32_t op; };

/* One binding, in full. RSA-IP has no ranges: the whole address is the host's. remote_addr 0 = any peer. The ranges
 * follow the struct: n_ports struct port_range, then n_spis struct spi_range, then n_remote_ports struct port_range, then
 * n_remote_addrs ip4_t.
 *
 * A remote side that is a name has several addresses, and others from time to time: DP_F_REMOTE_NAME, and a DP_BIND with
 * the same bind ID and the addresses of now whenever they change. remote_addr is then an address that is no peer, so that
 * who does not know the flag lets nobody through. A fast path may pass up every packet of a binding with DP_F_REMOTE_NAME:
 * the relay decides. */
struct dp_bind {
	uint32_t op;
	uint32_t bind_id, client_id;
	ip4_t host_addr;    /* the only outer source that may use the binding, and where inbound packets are tunnelled */
	ip4_t gateway_addr; /* our end of the host's tunnel, as it was told; 0 = the first listen address */
	ip4_t local_addr;   /* the leased public address */
	ip4_t remote_addr;
	ip4_t ike_listener; /* peer whose unknown IKE goes to this binding */
	uint8_t method;     /* enum rsip_method */
	uint8_t tunnel;     /* enum rsip_tunnel_type: IP-IP or GRE */
	uint16_t flags;     /* enum dp_flags */
	uint16_t n_ports, n_spis, n_remote_ports;
	uint16_t max_claims; /* how many cookies the host may hold learned; 0 = learning is off for it */
	uint32_t gre_key;    /* GRE: the key that both ends put in (RFC 2890), 0 = none */
	uint64_t cookie_value, cookie_mask;
	uint16_t n_remote_addrs; /* at most DP_REMOTE_ADDRS_MAX */
	uint8_t pad_end[6];
};

_Static_assert(sizeof(struct dp_bind) == 72, "struct dp_bind has no hidden padding");

#define DP_RANGES_MAX 1024      /* a bound on n_ports, n_spis and n_remote_ports */
#define DP_REMOTE_ADDRS_MAX 32
#define DP_REMOTE_NOBODY 0xffffffffu /* remote_addr with DP_F_REMOTE_NAME: broadcast, nobody's */

struct dp_unbind { uint32_t op; uint32_t bind_id; };

/* A learned cookie: (local_addr, cookie) leads to bind_id's host. peer is the address it was learned with. Cookie 0: that
 * host, whatever cookies it uses, has a live IKE session with peer. */
struct dp_claim {
	uint32_t op;
	uint32_t bind_id;
	ip4_t local_addr, peer;
	uint64_t cookie;
};

/* How the addresses of one pool are served: in particular which ports are shared IKE ports. An own address that lies in
 * a range has a dp_pool of its own, sent after it: the later one holds. */
struct dp_pool {
	uint32_t op;
	struct ip4_range addresses;
	struct port_range ports;
	uint16_t ike_ports[8];
	uint16_t n_ike_ports;
	bool own;       /* the gateway's own interface address: what no binding owns goes back to the gateway's stack */
	bool shared;    /* RSAP-IP or RSIPSEC is leased here: the gateway answers ICMP requests to it (RFC 3102 6.2) */
	bool mss_clamp; /* lower the MSS of TCP connections through the tunnel; never where the address is leased whole */
	bool upstream;  /* leased from another gateway: what no binding here owns may be its other hosts' */
	uint8_t pad[2];
};

_Static_assert(sizeof(struct dp_pool) == 40, "struct dp_pool has no hidden padding");

/* A host sent what it may not (RFC 3103 10.4); the data plane has dropped the packet and limits these messages to a
 * few a second for each host. */
struct dp_violation {
	uint32_t op;
	ip4_t host_addr;
	uint32_t error;   /* enum rsip_error that the ERROR_RESPONSE carries */
	uint32_t bind_id; /* 0 when no binding is concerned */
	ip4_t local_addr, remote_addr;
	uint16_t local_port, remote_port;
};

/* A question about n bindings, struct dp_check_entry behind the struct: are they in the tables as told, and does all that
 * they lease lead to them? It is answered by what all messages before it have made of the tables. */
struct dp_check { uint32_t op, number, n, pad; };
struct dp_check_entry { uint32_t bind_id, pad; uint64_t fingerprint; }; /* dp_bind_fingerprint */

#define DP_CHECK_MAX 128 /* entries of one question */

#define DP_FAULTS(X)                                                                                            \
	X(MISSING, "it is not in the relay's tables")                                                           \
	X(DIFFERS, "the relay's tables say something else of it")                                               \
	X(ASTRAY, "in the relay's tables not all that it leases leads to it")                                   \
	X(XDP_MISSING, "it is not in the XDP programs' table of bindings")                                      \
	X(XDP_DIFFERS, "the XDP programs' table of bindings says something else of it")                         \
	X(XDP_PORTS, "in the XDP programs' tables not all of its ports lead to it")                             \
	X(XDP_SPIS, "in the XDP programs' tables not all of its SPIs lead to it")                               \
	X(XDP_COOKIES, "in the XDP programs' tables its cookie block does not lead to it")                      \
	X(XDP_ADDRESS, "its address is not in the XDP programs' tables, or not as it is served")                \
	X(XDP_IPSEC, "the XDP programs do not know its host as a sender of ESP and AH")

enum dp_fault {
	DP_NO_FAULT,
#define X(id, text) DP_FAULT_##id,
	DP_FAULTS(X)
#undef X
};
const char *dp_fault_text(enum dp_fault fault);

/* n struct dp_fault_entry follow: those of the question that are not well. n_bindings: how many the relay has in all. */
struct dp_checked { uint32_t op, number, n, n_bindings; };
struct dp_fault_entry { uint32_t bind_id, fault; };

/* A number that differs, but for a chance of 2^-64, when anything that control tells of the binding does: lease, and the
 * ranges and addresses that stand behind it in its message. */
uint64_t dp_bind_fingerprint(const struct dp_bind *lease, const void *ranges);

/* A packet may be several messages, one after another. How long the first of them is; len when what begins there is none. */
#define DP_PACKET_MAX 65536
size_t dp_message_length(const void *bytes, size_t len);

/* True when these bytes are one message of a known operation at exactly its size, counts within bounds. For both ends:
 * nothing else of a message is looked at before. */
bool dp_message_valid(const void *bytes, size_t len);

#define DP_MESSAGE_MAX                                                                                         \
	(sizeof(struct dp_bind) + DP_RANGES_MAX * (2 * sizeof(struct port_range) + sizeof(struct spi_range)) + \
	 DP_REMOTE_ADDRS_MAX * sizeof(ip4_t))

/* How leases reach a data plane. Neither can fail: what cannot be told now is told later. */
struct binding;
struct dp_ops {
	void (*bind)(void *arg, const struct binding *b); /* b is in force and durable, or will be with this commit */
	void (*unbind)(void *arg, uint32_t bind_id);
	void *arg;
};

/* Counters live in memory that both processes and their parent share, so that they cost nothing to read and survive
 * the restart of either. Written by the data plane only. Each drop has its reason, and its own counter. */
#define DP_DROP_REASONS(X)                                                                                 \
	X(NO_LEASE, "no_lease")                     /* inbound: nobody leases this port, SPI or address */     \
	X(UNKNOWN_COOKIE, "unknown_cookie")         /* inbound IKE whose cookies nobody holds */               \
	X(AMBIGUOUS_COOKIE, "ambiguous_cookie")     /* the same, from a peer that several hosts speak IKE with */ \
	X(REMOTE_POLICY_IN, "remote_policy_in")     /* inbound from a peer that remote policy excludes */      \
	X(NOT_REGISTERED, "not_registered")         /* outbound: outer source holds no binding */              \
	X(LOCAL_ADDR, "local_addr_unallowed")       /* outbound: inner source address is not leased to it */   \
	X(LOCAL_PORT, "local_port_unallowed")       /* outbound: nor is the port */                            \
	X(LOCAL_SPI, "local_spi_unallowed")         /* outbound IPsec although no RSIPSEC binding allows it */ \
	X(REMOTE_POLICY_OUT, "remote_policy_out")   /* outbound to a peer that remote policy excludes */       \
	X(TUNNEL_TYPE, "bad_tunnel_type")           /* outbound by another tunnel or GRE key than the binding's */        \
	X(COOKIE_COLLISION, "cookie_collision")     /* outbound IKE with a cookie that another host holds */   \
	X(COOKIE_QUOTA, "cookie_quota")             /* outbound IKE: the host holds its fill of claims */      \
	X(FRAGMENT, "fragment")                     /* a later fragment whose first did not come in time */    \
	X(FRAGMENT_OVERLAP, "fragment_overlap")     /* a later fragment that would overwrite its first */      \
	X(FRAGMENT_FLOOD, "fragment_flood")         /* one that waited for its first: room was needed */       \
	X(MALFORMED, "malformed")                   /* lengths, IHL, version, options that do not hold together */ \
	X(CHECKSUM, "checksum")                     /* wrong IP header checksum */                             \
	X(SOURCE_ROUTE, "source_route")             /* LSRR or SSRR, which would go round every policy: RFC 7126 */ \
	X(TOO_BIG, "too_big")                       /* DF set and too long for the tunnel; the peer was told */ \
	X(TTL, "ttl_exceeded")                      /* the sender was told, unless it had come with TTL 0 */   \
	X(CONGESTION, "congestion")                 /* outer header marked CE, inner not ECN-capable: RFC 6040 */ \
	X(LOOP, "loop")                             /* would go into the tunnel it came from: RFC 2003 3.2 */  \
	X(PROTOCOL, "protocol")                     /* a protocol that no row of the demultiplexer knows */    \
	X(ICMP_UNRELATED, "icmp_unrelated")         /* ICMP about a packet that nobody here sent */            \
	X(ICMP_ID, "icmp_id_collision")             /* outbound ping with an id that another host uses there */ \
	X(ICMP_RATE, "icmp_rate")                   /* a ping to the gateway beyond its rate of answers */     \
	X(SEND_FAILED, "send_failed")               /* the kernel refused: queue full, no route */

enum dp_drop {
#define X(id, name) DP_DROP_##id,
	DP_DROP_REASONS(X)
#undef X
	DP_DROP_COUNT,
	DP_NO_DROP = DP_DROP_COUNT, /* what a check returns that found nothing wrong */
};

struct dp_counters {
	uint64_t in_packets, in_bytes;   /* public -> host, forwarded; inner bytes */
	uint64_t out_packets, out_bytes; /* host -> public, forwarded */
	uint64_t to_stack;               /* own-address mode: handed back to the gateway's own stack */
	uint64_t answered;               /* echo and too-big answered by the gateway itself */
	uint64_t claims;                 /* IKE cookies learned */
	uint64_t tunnel_errors;          /* ICMP errors about packets in tunnels to hosts */
	uint64_t held;                   /* fragments that had to wait for their first */
	uint64_t drops[DP_DROP_COUNT];
};

const char *dp_drop_name(enum dp_drop reason);

#endif
