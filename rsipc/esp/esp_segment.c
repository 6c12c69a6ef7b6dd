#include "esp_segment.h"

#include <string.h>

#include "checksum.h"
#include "wire.h"

#define IPV4_ID 4

/* What CHECKSUM_PARTIAL left out: the field holds the sum of the pseudo-header. */
static bool
complete_checksum(const struct virtio_net_hdr *header, uint8_t *bytes, size_t len)
{
	size_t start = header->csum_start, field = start + header->csum_offset;
	uint16_t sum;

	if (field + 2 > len)
		return false;
	sum = checksum(bytes + start, len - start);
	wire_put16(bytes + field, sum != 0 ? sum : 0xffff); /* 0 means none in UDP, and the same elsewhere */
	return true;
}

bool
segmenter_begin(struct segmenter *s, const struct virtio_net_hdr *header, uint8_t *bytes, size_t len)
{
	*s = (struct segmenter){ .bytes = bytes, .tcp = { .len = len } };
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 || complete_checksum(header, bytes, len);
	s->mss = header->gso_size;
	return s->mss > 0 && (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 &&
	       tcp_find(&s->tcp, bytes, len, header->csum_start) && s->tcp.payload < len;
}

size_t
segmenter_peek(const struct segmenter *s)
{
	size_t left;

	if (s->mss == 0)
		return s->index == 0 ? s->tcp.len : 0;
	left = s->tcp.len - s->tcp.payload - s->done;
	return left == 0 ? 0 : s->tcp.payload + (left < s->mss ? left : s->mss);
}

/* CWR is for the first segment, FIN and PSH are for the last (RFC 3168 6.1.2; as any offload does). */
static uint8_t
flags_of(uint8_t flags, bool first, bool last)
{
	if (!first)
		flags &= (uint8_t)~TCP_CWR;
	if (!last)
		flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
	return flags;
}

void
segmenter_next(struct segmenter *s, uint8_t *out)
{
	size_t len = segmenter_peek(s), payload = len - s->tcp.payload;
	size_t tcp_len = len - s->tcp.tcp;
	uint8_t *tcp = out + s->tcp.tcp;

	if (s->mss == 0) {
		memcpy(out, s->bytes, len);
		s->index++;
		return;
	}
	memcpy(out, s->bytes, s->tcp.payload);
	memcpy(out + s->tcp.payload, s->bytes + s->tcp.payload + s->done, payload);
	if (s->tcp.version == 4)
		wire_put16(out + IPV4_ID, (uint16_t)(wire_get16(out + IPV4_ID) + s->index));
	tcp_set_ip_len(out, s->tcp.version, len);
	wire_put32(tcp + TCP_SEQ, wire_get32(tcp + TCP_SEQ) + (uint32_t)s->done);
	s->done += payload;
	tcp[TCP_FLAGS] = flags_of(tcp[TCP_FLAGS], s->index == 0, s->tcp.payload + s->done == s->tcp.len);
	wire_put16(tcp + TCP_CHECKSUM, 0);
	wire_put16(tcp + TCP_CHECKSUM, checksum_with(tcp_pseudo(out, s->tcp.version, tcp_len), tcp, tcp_len));
	s->index++;
}
