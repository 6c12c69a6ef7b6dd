#include "capture.h"

#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "link_layer.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH_ACK 0x18
#define IP_FRAGMENT 0x3fff /* more fragments, and the offset */

struct capture_out {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
};

/* Reads the IPv4 header and narrows r to its payload; returns the protocol, or -1. */
static int
read_ip(struct rbuf *r, struct segment *s, unsigned long *fragments)
{
	struct rbuf packet;
	uint8_t first = rbuf_u8(r), protocol;
	size_t header_len = (first & 0xfu) * 4;
	uint16_t total;
	bool fragment;

	rbuf_u8(r); /* TOS */
	total = rbuf_u16(r);
	rbuf_u16(r); /* ID */
	fragment = (rbuf_u16(r) & IP_FRAGMENT) != 0;
	rbuf_u8(r); /* TTL */
	protocol = rbuf_u8(r);
	rbuf_u16(r); /* checksum */
	s->src = rbuf_u32(r);
	s->dst = rbuf_u32(r);
	if (r->bad || first >> 4 != 4 || header_len < 20 || total < header_len)
		return -1;
	rbuf_take(r, header_len - 20);
	packet = rbuf_sub(r, total - header_len); /* without the padding of a short Ethernet frame */
	*r = packet;
	*fragments += fragment;
	return packet.bad || fragment ? -1 : protocol;
}

static bool
read_udp(struct rbuf *r, struct segment *s)
{
	uint16_t len;

	s->src_port = rbuf_u16(r);
	s->dst_port = rbuf_u16(r);
	len = rbuf_u16(r);
	rbuf_u16(r); /* checksum */
	if (r->bad || len < 8)
		return false;
	s->len = len - 8u;
	s->data = rbuf_take(r, s->len);
	return s->data != NULL;
}

static bool
read_tcp(struct rbuf *r, struct segment *s)
{
	uint8_t offset, flags;

	s->tcp = true;
	s->src_port = rbuf_u16(r);
	s->dst_port = rbuf_u16(r);
	s->seq = rbuf_u32(r);
	rbuf_u32(r); /* acknowledgement */
	offset = rbuf_u8(r) >> 4;
	flags = rbuf_u8(r);
	rbuf_take(r, 6); /* window, checksum, urgent pointer */
	if (r->bad || offset < 5)
		return false;
	rbuf_take(r, offset * 4u - 20);
	s->syn = (flags & TCP_SYN) != 0;
	s->ended = (flags & (TCP_FIN | TCP_RST)) != 0;
	s->len = rbuf_left(r);
	s->data = rbuf_take(r, s->len);
	return !r->bad;
}

static void
read_packet(const struct pcap_pkthdr *header, const uint8_t *bytes, int link_type, capture_cb *cb, void *arg,
            unsigned long *fragments)
{
	struct segment s = { .time = header->ts };
	struct rbuf r;
	int protocol;

	rbuf_init(&r, bytes, header->caplen);
	if (!link_layer_strip(&r, link_type))
		return;
	protocol = read_ip(&r, &s, fragments);
	if ((protocol == IPPROTO_UDP && read_udp(&r, &s)) || (protocol == IPPROTO_TCP && read_tcp(&r, &s)))
		cb(arg, &s);
}

bool
capture_read(const char *path, capture_cb *cb, void *arg, unsigned long *fragments)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, err);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got;

	if (pcap == NULL) {
		fprintf(stderr, "%s\n", err);
		return false;
	}
	while ((got = pcap_next_ex(pcap, &header, &bytes)) == 1)
		read_packet(header, bytes, pcap_datalink(pcap), cb, arg, fragments);
	if (got == PCAP_ERROR)
		fprintf(stderr, "%s: %s\n", path, pcap_geterr(pcap));
	pcap_close(pcap);
	return got != PCAP_ERROR;
}

struct capture_out *
capture_create(const char *path)
{
	struct capture_out *out = calloc(1, sizeof(*out));

	if (out == NULL || (out->pcap = pcap_open_dead(DLT_RAW, 65535)) == NULL ||
	    (out->dumper = pcap_dump_open(out->pcap, path)) == NULL) {
		fprintf(stderr, "%s: %s\n", path, out != NULL && out->pcap != NULL ? pcap_geterr(out->pcap) : "out of memory");
		exit(1);
	}
	return out;
}

static uint16_t
ip_checksum(const uint8_t header[20])
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

static void
write_ip(struct wbuf *w, const struct segment *s, size_t payload_len)
{
	wbuf_u16(w, 0x4500);
	wbuf_u16(w, (uint16_t)(20 + payload_len));
	wbuf_u32(w, 0x00004000); /* ID 0, don't fragment */
	wbuf_u8(w, 64);
	wbuf_u8(w, s->tcp ? IPPROTO_TCP : IPPROTO_UDP);
	wbuf_u16(w, 0);
	wbuf_u32(w, s->src);
	wbuf_u32(w, s->dst);
	wbuf_patch_u16(w, 10, ip_checksum(w->base));
}

static void
write_tcp(struct wbuf *w, const struct segment *s)
{
	wbuf_u16(w, s->src_port);
	wbuf_u16(w, s->dst_port);
	wbuf_u32(w, s->seq);
	wbuf_u32(w, 0);
	wbuf_u8(w, 5 << 4);
	wbuf_u8(w, s->syn ? TCP_SYN : s->ended ? TCP_FIN : TCP_PSH_ACK);
	wbuf_u16(w, 65535);
	wbuf_u32(w, 0);
}

static void
write_udp(struct wbuf *w, const struct segment *s)
{
	wbuf_u16(w, s->src_port);
	wbuf_u16(w, s->dst_port);
	wbuf_u16(w, (uint16_t)(8 + s->len));
	wbuf_u16(w, 0); /* no checksum */
}

void
capture_put(struct capture_out *out, const struct segment *s)
{
	static uint8_t packet[65535];
	struct pcap_pkthdr header = { .ts = s->time };
	struct wbuf w;

	wbuf_init(&w, packet, sizeof(packet));
	write_ip(&w, s, (s->tcp ? 20 : 8) + s->len);
	if (s->tcp)
		write_tcp(&w, s);
	else
		write_udp(&w, s);
	wbuf_bytes(&w, s->data, s->len);
	if (w.full)
		abort();
	header.caplen = header.len = (bpf_u_int32)w.len;
	pcap_dump((u_char *)out->dumper, &header, packet);
}

void
capture_close(struct capture_out *out)
{
	if (pcap_dump_flush(out->dumper) != 0) {
		perror("capture");
		exit(1);
	}
	pcap_dump_close(out->dumper);
	pcap_close(out->pcap);
	free(out);
}
