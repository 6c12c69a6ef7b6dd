/* Packet to demultiplexing fields, as the relay's classify.c reads them; here only of whole packets without options. */
#ifndef XDP_BPF_FIELDS_H
#define XDP_BPF_FIELDS_H

#include "header.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

/* RFC 2408 3.1, RFC 7296 3.1: the header of both versions of IKE. Packed: it has 28 bytes, not a multiple of 8. */
struct ike_header {
	__u64 initiator, responder;
	__u8 next_payload, version, exchange, flags;
	__u32 message_id, length;
} __attribute__((packed));
_Static_assert(sizeof(struct ike_header) == 28, "as on the wire");
#define IKEV2_FLAG_INITIATOR 0x08

#define UDP_HEADER_LEN 8
#define NAT_KEEPALIVE_LEN 1

enum field_kind { FIELD_OTHER, FIELD_PORTS, FIELD_SPI, FIELD_BAD };

struct fields {
	__u16 src_port, dst_port; /* FIELD_PORTS; host order */
	__u32 spi;                /* FIELD_SPI */
	const void *udp_data;     /* UDP only, with its length by the UDP header */
	__u32 udp_len;
	__u8 syn; /* TCP only */
};

/* Who leases the port, by the address's table. */
static __always_inline __u32
owner_of_port(const struct xdp_ports *table, __u16 port)
{
	__u32 owner = table->block[bounded(port) / XDP_PORT_BLOCK];

	return owner != XDP_PORT_MIXED ? owner : table->owner[bounded(port)];
}

/* All five transports begin with the ports; need is the shortest header of the protocol. */
static __always_inline enum field_kind
read_ports(const struct frame *f, __u32 payload_len, __u32 need, struct fields *out)
{
	const __u16 *port = (const void *)(f->ip + 1);

	if (payload_len < need || (const void *)(port + 4) > f->end)
		return FIELD_BAD;
	out->src_port = bpf_ntohs(port[0]);
	out->dst_port = bpf_ntohs(port[1]);
	return FIELD_PORTS;
}

static __always_inline enum field_kind
read_udp(const struct frame *f, __u32 payload_len, struct fields *out)
{
	const __u16 *udp = (const void *)(f->ip + 1);
	enum field_kind kind = read_ports(f, payload_len, UDP_HEADER_LEN, out);
	__u32 len;

	if (kind == FIELD_BAD)
		return kind;
	len = bpf_ntohs(udp[2]);
	if (len < UDP_HEADER_LEN || len > payload_len)
		return FIELD_BAD;
	out->udp_data = udp + 4;
	out->udp_len = len - UDP_HEADER_LEN;
	return kind;
}

static __always_inline enum field_kind
read_tcp(const struct frame *f, __u32 payload_len, struct fields *out)
{
	const __u8 *tcp = (const void *)(f->ip + 1);
	enum field_kind kind = read_ports(f, payload_len, 20, out);

	if (kind == FIELD_BAD || (const void *)(tcp + 20) > f->end)
		return FIELD_BAD;
	out->syn = tcp[13] & 0x02;
	return kind;
}

static __always_inline enum field_kind
read_spi(const struct frame *f, __u32 payload_len, __u32 need, __u32 at, struct fields *out)
{
	const __u8 *payload = (const void *)(f->ip + 1);

	if (payload_len < need || (const void *)(payload + 8) > f->end)
		return FIELD_BAD;
	out->spi = *(const __u32 *)(payload + at);
	return FIELD_SPI;
}

/* FIELD_BAD: too short for the header that it announces, or a false length in it. */
static __always_inline enum field_kind
fields_read(const struct frame *f, struct fields *out)
{
	__u32 payload_len = f->len - sizeof(*f->ip);

	switch (f->ip->protocol) {
	case IPPROTO_TCP:
		return read_tcp(f, payload_len, out);
	case IPPROTO_UDP:
		return read_udp(f, payload_len, out);
	case IPPROTO_UDPLITE:
		return read_ports(f, payload_len, UDP_HEADER_LEN, out);
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return read_ports(f, payload_len, 12, out);
	case IPPROTO_ESP:
		return read_spi(f, payload_len, 8, 0, out);
	case IPPROTO_AH:
		return read_spi(f, payload_len, 12, 4, out);
	default:
		return FIELD_OTHER;
	}
}

enum natt_kind { NATT_OTHER, NATT_IKE, NATT_ESP };

/* What a UDP packet on a shared port other than 500 holds (RFC 3948): four zero bytes before IKE, else ESP with its
 * SPI. Keepalives, and what is too short, are NATT_OTHER. */
static __always_inline enum natt_kind
natt_read(const struct frame *f, struct fields *fields)
{
	const __u32 *word = fields->udp_data;

	if (fields->udp_len < sizeof(*word) || (const void *)(word + 1) > f->end)
		return NATT_OTHER;
	fields->spi = *word;
	return *word != 0 ? NATT_ESP : NATT_IKE;
}

#endif
