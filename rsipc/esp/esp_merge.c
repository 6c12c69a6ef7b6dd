#include "esp_merge.h"

#include <string.h>

#include "checksum.h"
#include "esp_inner.h"
#include "packet.h"
#include "wire.h"

#define IPV4_ID 4
#define LEN_MAX 65000 /* of a super-packet */

/* A segment with data and no flag that stands for more than itself, and no damage: a joined packet's checksum is not
 * looked at any more. Options of IPv4 are left alone. */
static bool
joinable(struct tcp_packet *p, const uint8_t *bytes, size_t len)
{
	if (len > LEN_MAX || !tcp_find(p, bytes, len, 0) || p->payload == len)
		return false;
	if (p->version == 4 && p->tcp != IPV4_HEADER_LEN)
		return false;
	return (bytes[p->tcp + TCP_FLAGS] & ~TCP_PSH) == TCP_ACKS &&
	       checksum_with(tcp_pseudo(bytes, p->version, len - p->tcp), bytes + p->tcp, len - p->tcp) == 0;
}

/* All of the IP header but length, ID and checksum; IDs of a sender that counts them. */
static bool
same_ip(const struct merger *m, const uint8_t *there, const uint8_t *bytes)
{
	if (m->tcp.version == 6)
		return memcmp(there, bytes, 4) == 0 && memcmp(there + 6, bytes + 6, INNER_IPV6_HEADER_LEN - 6) == 0;
	return memcmp(there, bytes, 2) == 0 && memcmp(there + 6, bytes + 6, 4) == 0 &&
	       memcmp(there + IPV4_SRC, bytes + IPV4_SRC, 8) == 0 &&
	       wire_get16(bytes + IPV4_ID) == (uint16_t)(wire_get16(there + IPV4_ID) + m->segments);
}

/* Ports, acknowledgement, window and options; the next bytes of the stream. */
static bool
follows(const struct merger *m, const struct tcp_packet *p, const uint8_t *bytes)
{
	const uint8_t *there = m->room + MERGE_HEAD, *old = there + m->tcp.tcp, *new = bytes + p->tcp;

	return p->version == m->tcp.version && p->tcp == m->tcp.tcp && p->payload == m->tcp.payload &&
	       same_ip(m, there, bytes) && memcmp(old, new, 4) == 0 && memcmp(old + TCP_ACK, new + TCP_ACK, 5) == 0 &&
	       memcmp(old + 14, new + 14, 2) == 0 &&
	       memcmp(old + TCP_HEADER_MIN, new + TCP_HEADER_MIN, p->payload - p->tcp - TCP_HEADER_MIN) == 0 &&
	       wire_get32(new + TCP_SEQ) == wire_get32(old + TCP_SEQ) + (uint32_t)(m->tcp.len - m->tcp.payload);
}

static void
begin(struct merger *m, const struct tcp_packet *p, const uint8_t *bytes)
{
	memcpy(m->room + MERGE_HEAD, bytes, p->len);
	m->tcp = *p;
	m->mss = p->len - p->payload;
	m->segments = 1;
	m->closed = (bytes[p->tcp + TCP_FLAGS] & TCP_PSH) != 0;
}

bool
merger_take(struct merger *m, const uint8_t *bytes, size_t len)
{
	struct tcp_packet p;
	size_t payload;

	if (!joinable(&p, bytes, len))
		return false;
	if (m->tcp.len == 0) {
		begin(m, &p, bytes);
		return true;
	}
	payload = len - p.payload;
	if (m->closed || payload > m->mss || m->tcp.len + payload > LEN_MAX || !follows(m, &p, bytes))
		return false;
	memcpy(m->room + MERGE_HEAD + m->tcp.len, bytes + p.payload, payload);
	m->room[MERGE_HEAD + m->tcp.tcp + TCP_FLAGS] |= bytes[p.tcp + TCP_FLAGS] & TCP_PSH;
	m->closed = payload < m->mss || (bytes[p.tcp + TCP_FLAGS] & TCP_PSH) != 0;
	m->tcp.len += payload;
	m->segments++;
	return true;
}

size_t
merger_finish(struct merger *m, uint8_t **packet, struct virtio_net_hdr *header)
{
	uint8_t *bytes = m->room + MERGE_HEAD;
	size_t len = m->tcp.len;

	*packet = bytes;
	*header = (struct virtio_net_hdr){ 0 };
	m->tcp.len = 0;
	if (len == 0 || m->segments == 1)
		return len;
	tcp_set_ip_len(bytes, m->tcp.version, len);
	/* The sum of the pseudo-header, not its complement: the kernel or the device adds the rest. */
	wire_put16(bytes + m->tcp.tcp + TCP_CHECKSUM,
	    (uint16_t)~checksum_with(tcp_pseudo(bytes, m->tcp.version, len - m->tcp.tcp), NULL, 0));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->gso_type = m->tcp.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	header->hdr_len = (uint16_t)m->tcp.payload;
	header->gso_size = (uint16_t)m->mss;
	header->csum_start = (uint16_t)m->tcp.tcp;
	header->csum_offset = TCP_CHECKSUM;
	return len;
}
