#include "config.h"

#include "esp_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp_out.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "packet.h"
#include "sockaddr.h"
#include "wire.h"

#define BATCH 32
#define OUTER_TTL 64
#define SOCKET_BUFFER (4 << 20) /* both ways: a burst of one scheduling delay */
#define MARKER_LEN 4            /* RFC 3948 2.2: zeroes in front of IKE */
#define KEEPALIVE 0xff          /* RFC 3948 2.3 */

struct slot {
	struct sockaddr_in from;
	struct iovec part;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int))];
	} control;
};

struct esp_wire {
	int udp, raw;
	struct loop_event *udp_readable, *raw_readable;
	struct esp_wire_events events;
	struct esp_wire_counters counters;
	struct esp_out *out;
	struct slot slots[BATCH];
	struct mmsghdr batch[BATCH];
	uint8_t (*packets)[ESP_WIRE_HEAD + PACKET_MAX];
};

/* ---- in ---- */

static void
arm(struct esp_wire *wire)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct slot *slot = &wire->slots[i];

		slot->part = (struct iovec){ wire->packets[i] + ESP_WIRE_HEAD, PACKET_MAX };
		wire->batch[i].msg_hdr = (struct msghdr){ .msg_name = &slot->from, .msg_namelen = sizeof(slot->from),
		                                          .msg_iov = &slot->part, .msg_iovlen = 1, .msg_control = slot->control.space,
		                                          .msg_controllen = sizeof(slot->control.space) };
	}
}

/* The outer TOS, and of what size the packets are that the kernel has joined (0: it is one). */
static void
read_control(struct msghdr *msg, uint8_t *tos, size_t *size)
{
	int value;

	*tos = 0;
	*size = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			*tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			*size = value > 0 ? (size_t)value : 0;
		}
	}
}

static void
take_datagram(struct esp_wire *wire, uint8_t *bytes, size_t len, struct sa_end from, uint8_t tos)
{
	if (len == 1 && bytes[0] == KEEPALIVE)
		wire->counters.keepalives_in++;
	else if (len < MARKER_LEN)
		wire->counters.malformed++;
	else if (wire_get32(bytes) == 0)
		wire->counters.ike++;
	else
		wire->events.packet(bytes, len, from, true, tos, wire->events.arg);
}

static void
udp_readable(int fd, void *arg)
{
	struct esp_wire *wire = arg;
	int n;

	arm(wire);
	n = recvmmsg(fd, wire->batch, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		const struct sockaddr_in *from = &wire->slots[i].from;
		struct sa_end end = { ntohl(from->sin_addr.s_addr), ntohs(from->sin_port) };
		size_t len = wire->batch[i].msg_len, size, take;
		uint8_t *bytes = wire->packets[i] + ESP_WIRE_HEAD, tos;

		read_control(&wire->batch[i].msg_hdr, &tos, &size);
		for (; len > 0; bytes += take, len -= take) {
			take = size > 0 && size < len ? size : len;
			take_datagram(wire, bytes, take, end, tos);
		}
	}
	wire->events.batch_end(wire->events.arg);
}

static void
raw_readable(int fd, void *arg)
{
	struct esp_wire *wire = arg;
	struct packet outer;
	int n;

	arm(wire);
	n = recvmmsg(fd, wire->batch, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		uint8_t *bytes = wire->packets[i] + ESP_WIRE_HEAD;

		if (packet_parse(&outer, bytes, wire->batch[i].msg_len) && outer.proto == IP_PROTO_ESP && !packet_is_fragment(&outer))
			wire->events.packet(bytes + outer.payload, outer.payload_len, (struct sa_end){ outer.src, 0 }, false, outer.tos,
			    wire->events.arg);
		else
			wire->counters.malformed++;
	}
	wire->events.batch_end(wire->events.arg);
}

/* ---- out ---- */

uint8_t *
esp_wire_room(struct esp_wire *wire, struct esp_tunnel *t, size_t len, uint8_t tos, bool df)
{
	return esp_out_room(wire->out, t, len, tos, df);
}

void
esp_wire_commit(struct esp_wire *wire)
{
	esp_out_commit(wire->out);
}

void
esp_wire_flush(struct esp_wire *wire)
{
	esp_out_flush(wire->out);
}

void
esp_wire_keepalive(struct esp_wire *wire, struct esp_tunnel *t)
{
	static const uint8_t keepalive = KEEPALIVE;

	esp_out_datagram(wire->out, t, &keepalive, sizeof(keepalive));
	wire->counters.keepalives_out++;
}

/* ---- life ---- */

static int
open_socket(int type, int protocol)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	int on = 1, buffer = SOCKET_BUFFER, ttl = OUTER_TTL;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	/* Larger buffers are a help, not a need: outside of the initial user namespace they are refused. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) != 0)
		log_debug("esp", "socket buffers stay as they are error=\"%s\"", strerror(errno));
	return fd;
}

static bool
open_udp(struct esp_wire *wire, struct loop *loop, uint16_t port)
{
	struct sockaddr_in any = sockaddr_of(0, port);
	int on = 1;

	if ((wire->udp = open_socket(SOCK_DGRAM, 0)) < 0 || bind(wire->udp, (struct sockaddr *)&any, sizeof(any)) != 0) {
		log_error("esp", "UDP port cannot be used port=%u error=\"%s\": an IKE daemon may have it; set port in section "
		          "esp", port, strerror(errno));
		return false;
	}
	if (setsockopt(wire->udp, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0)
		log_debug("esp", "packets come one by one error=\"%s\"", strerror(errno));
	wire->udp_readable = loop_readable(loop, wire->udp, udp_readable, wire);
	return true;
}

static bool
open_raw(struct esp_wire *wire, struct loop *loop)
{
	if ((wire->raw = open_socket(SOCK_RAW, IP_PROTO_ESP)) < 0) {
		log_error("esp", "no raw socket for native ESP error=\"%s\": root or CAP_NET_RAW is needed", strerror(errno));
		return false;
	}
	wire->raw_readable = loop_readable(loop, wire->raw, raw_readable, wire);
	return true;
}

struct esp_wire *
esp_wire_open(struct loop *loop, uint16_t port, bool native, const struct esp_wire_events *events)
{
	struct esp_wire *wire = mem_zero(1, sizeof(*wire));

	wire->udp = wire->raw = -1;
	wire->events = *events;
	if ((port != 0 && !open_udp(wire, loop, port)) || (native && !open_raw(wire, loop))) {
		esp_wire_close(wire);
		return NULL;
	}
	wire->packets = mem_zero(BATCH, sizeof(*wire->packets));
	wire->out = esp_out_new(wire->udp, wire->raw, events->too_big, events->arg);
	return wire;
}

void
esp_wire_close(struct esp_wire *wire)
{
	if (wire == NULL)
		return;
	loop_event_free(wire->udp_readable);
	loop_event_free(wire->raw_readable);
	if (wire->udp >= 0)
		close(wire->udp);
	if (wire->raw >= 0)
		close(wire->raw);
	esp_out_free(wire->out);
	free(wire->packets);
	free(wire);
}

const struct esp_wire_counters *
esp_wire_counters(const struct esp_wire *wire)
{
	return &wire->counters;
}
