#include "config.h"

#include "tun_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap.h"
#include "icmp.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "packet.h"
#include "rsip_proto.h"
#include "tun_demux.h"

#define BATCH 64
#define OUTER_TTL 64
#define SOCKET_BUFFER (4 << 20) /* both ways: a burst of one scheduling delay */

struct tun_relay_device {
	struct tun_relay *relay;
	uint8_t number;
	int fd;
	struct loop_event *readable;
	void (*gone)(void *arg);
	void *arg;
};

/* One packet to be sent, and what its message points to until the batch is flushed. */
struct outgoing {
	struct packet packet;
	struct iovec parts[2];
	union { struct cmsghdr align; char space[CMSG_SPACE(sizeof(int))]; } control;
};

struct tun_relay {
	struct loop *loop;
	struct tunnel_kind tunnel;
	uint8_t header[GRE_HEADER_MAX]; /* in front of every packet */
	size_t header_len;              /* 0: IP-IP has none */
	ip4_t remote;
	struct tun_relay_end {
		ip4_t local; /* 0: there is none */
		int fd;
		bool df; /* how the socket's packets leave now */
		struct loop_event *readable;
	} end, other; /* packets are sent by the one, and taken by both: while and after the host moves */
	unsigned (*path_changed)(void *arg);
	void *arg;
	struct tun_demux *demux;
	struct tun_relay_device *devices[TUN_DEMUX_DEVICES];
	struct tun_relay_counters counters;
	struct mmsghdr batch[BATCH];
	struct outgoing outgoing[BATCH];
	struct iovec incoming[BATCH];
	uint8_t (*packets)[PACKET_MAX]; /* BATCH of them, used by one direction at a time */
};

static struct log_limit limit;

/* ---- device -> tunnel ---- */

static void
set_df(struct tun_relay *relay, bool df)
{
	int mode = df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;

	if (relay->end.df == df)
		return;
	if (setsockopt(relay->end.fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)) == 0)
		relay->end.df = df;
}

/* Puts the packet into its place of the batch, behind the GRE header where there is one. */
static void
enqueue(struct tun_relay *relay, unsigned i)
{
	struct outgoing *o = &relay->outgoing[i];
	struct msghdr *msg = &relay->batch[i].msg_hdr;
	struct iovec inner = { .iov_base = o->packet.bytes, .iov_len = o->packet.len };
	bool gre = relay->header_len > 0;
	struct cmsghdr *cmsg;
	int tos = o->packet.tos;

	o->parts[0] = (struct iovec){ .iov_base = relay->header, .iov_len = relay->header_len };
	o->parts[gre] = inner;
	*msg = (struct msghdr){ .msg_iov = o->parts, .msg_iovlen = 1u + gre, .msg_control = o->control.space,
	                        .msg_controllen = sizeof(o->control.space) };
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_TOS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(tos));
	memcpy(CMSG_DATA(cmsg), &tos, sizeof(tos));
}

/* Tells the sender, who set DF, what the path takes (RFC 1191); the device's own MTU follows. */
static void
too_big(struct tun_relay_device *device, const struct packet *packet)
{
	uint8_t error[ICMP_ERROR_MAX];
	unsigned mtu = device->relay->path_changed(device->relay->arg);
	size_t len = icmp_error(error, packet, ICMP_TYPE_UNREACHABLE, ICMP_CODE_FRAG_NEEDED, (uint16_t)mtu,
	    device->relay->remote);

	device->relay->counters.too_big++;
	if (len > 0 && write(device->fd, error, len) != (ssize_t)len)
		device->relay->counters.device_failed++;
}

/* Counts the packet that the kernel did not take. ECONNREFUSED and its like tell of an earlier packet (ICMP came back):
 * the same one is tried again. Returns whether to skip it. */
static bool
send_error(struct tun_relay_device *device, const struct packet *packet, bool *retried)
{
	int error = errno;

	if ((error == ECONNREFUSED || error == EHOSTUNREACH || error == EPROTO || error == ENOPROTOOPT) && !*retried) {
		*retried = true;
		return false;
	}
	*retried = false;
	if (error == EMSGSIZE && packet->dont_fragment) {
		too_big(device, packet);
		return true;
	}
	device->relay->counters.send_failed++;
	log_warn_limited(&limit, "tunnel", "cannot send error=\"%s\"", strerror(error));
	return true;
}

/* Sends batch[first..end), all with the same DF. */
static void
flush(struct tun_relay_device *device, unsigned first, unsigned end)
{
	struct tun_relay *relay = device->relay;
	bool retried = false;

	while (first < end) {
		int sent = sendmmsg(relay->end.fd, &relay->batch[first], end - first, MSG_DONTWAIT);

		for (int i = 0; i < sent; i++, first++) {
			relay->counters.out_packets++;
			relay->counters.out_bytes += relay->outgoing[first].packet.len;
		}
		if (sent <= 0 && send_error(device, &relay->outgoing[first].packet, &retried))
			first++;
	}
}

/* Reads up to a batch from the device. Returns how many packets, -1 when the device is gone. */
static int
device_read(struct tun_relay_device *device)
{
	struct tun_relay *relay = device->relay;
	unsigned n = 0;

	while (n < BATCH) {
		uint8_t *bytes = relay->packets[n];
		struct packet *packet = &relay->outgoing[n].packet;
		ssize_t len = read(device->fd, bytes, PACKET_MAX);

		if (len < 0)
			return errno == EBADFD && n == 0 ? -1 : (int)n;
		if (!packet_parse(packet, bytes, (size_t)len)) { /* IPv6: the kernel speaks it wherever it may */
			relay->counters.malformed += bytes[0] >> 4 != 6;
			continue;
		}
		tun_demux_outbound(relay->demux, packet, device->number);
		enqueue(relay, n++);
	}
	return BATCH;
}

static void
device_gone(struct tun_relay_device *device)
{
	void (*gone)(void *arg) = device->gone;
	void *arg = device->arg;

	tun_relay_detach(device);
	if (gone != NULL)
		gone(arg);
}

/* Packets leave in their order, in runs that agree in DF. */
static void
device_readable(int fd, void *arg)
{
	struct tun_relay_device *device = arg;
	struct tun_relay *relay = device->relay;
	int n = device_read(device);

	(void)fd;
	if (n < 0) {
		device_gone(device);
		return;
	}
	for (unsigned first = 0, end; first < (unsigned)n; first = end) {
		bool df = relay->outgoing[first].packet.dont_fragment;

		for (end = first + 1; end < (unsigned)n && relay->outgoing[end].packet.dont_fragment == df;)
			end++;
		set_df(relay, df);
		flush(device, first, end);
	}
}

/* ---- tunnel -> device ---- */

static void
device_write(struct tun_relay *relay, const struct tun_relay_device *device, const struct packet *packet)
{
	if (device == NULL) {
		relay->counters.no_lease++;
	} else if (write(device->fd, packet->bytes, packet->len) == (ssize_t)packet->len) {
		relay->counters.in_packets++;
		relay->counters.in_bytes += packet->len;
	} else {
		relay->counters.device_failed++;
	}
}

static void
deliver(struct tun_relay *relay, const struct packet *packet)
{
	int number = tun_demux_inbound(relay->demux, packet);

	if (number == 0 && relay->devices[0] == NULL)
		return; /* the kernel's own tunnel serves the host, and this socket gets copies of its packets */
	if (number >= 0) {
		device_write(relay, relay->devices[number], packet);
	} else if (number == TUN_DEMUX_ALL) {
		for (unsigned i = 0; i < TUN_DEMUX_DEVICES; i++) {
			if (relay->devices[i] != NULL)
				device_write(relay, relay->devices[i], packet);
		}
	} else {
		relay->counters.no_lease++;
	}
}

/* Takes the tunnel header off. False for what holds no sound IPv4 packet, or was marked in a way that its sender would
 * not understand. */
static bool
strip(const struct tun_relay *relay, uint8_t *bytes, size_t len, struct packet *inner)
{
	struct packet outer;
	uint8_t *at;
	size_t inner_len;

	return packet_parse(&outer, bytes, len) && encap_strip(&outer, &at, &inner_len) == ENCAP_OK &&
	       encap_same(encap_kind(&outer), relay->tunnel) && packet_parse(inner, at, inner_len) &&
	       encap_take_ecn(outer.tos, inner);
}

static void
tunnel_readable(int fd, void *arg)
{
	struct tun_relay *relay = arg;
	struct packet inner;
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		relay->incoming[i] = (struct iovec){ .iov_base = relay->packets[i], .iov_len = PACKET_MAX };
		relay->batch[i].msg_hdr = (struct msghdr){ .msg_iov = &relay->incoming[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(fd, relay->batch, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		if (strip(relay, relay->packets[i], relay->batch[i].msg_len, &inner))
			deliver(relay, &inner);
		else
			relay->counters.malformed++;
	}
}

/* ---- life ---- */

static struct sockaddr_in
address_of(ip4_t addr)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr) };
}

/* Bound and connected, so that only the tunnel's end is heard. */
static int
open_socket(uint8_t tunnel, ip4_t local, ip4_t remote)
{
	struct sockaddr_in from = address_of(local), to = address_of(remote);
	int protocol = tunnel == RSIP_TUNNEL_GRE ? IP_PROTO_GRE : IP_PROTO_IPIP;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	int ttl = OUTER_TTL, mode = IP_PMTUDISC_DO, buffer = SOCKET_BUFFER, saved;

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)) == 0) {
		/* Larger buffers are a help, not a need: outside of the initial user namespace they are refused. */
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) != 0)
			log_debug("tunnel", "socket buffers stay as they are error=\"%s\"", strerror(errno));
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
open_end(struct tun_relay *relay, struct tun_relay_end *end, ip4_t local)
{
	int fd = open_socket(relay->tunnel.type, local, relay->remote);

	if (fd < 0)
		return false;
	*end = (struct tun_relay_end){ .local = local, .fd = fd, .df = true };
	end->readable = loop_readable(relay->loop, fd, tunnel_readable, relay);
	return true;
}

static void
close_end(struct tun_relay_end *end)
{
	if (end->local == 0)
		return;
	loop_event_free(end->readable);
	close(end->fd);
	*end = (struct tun_relay_end){ 0 };
}

bool
tun_relay_expect(struct tun_relay *relay, ip4_t local)
{
	if (local == relay->end.local || local == relay->other.local)
		return true;
	close_end(&relay->other);
	return open_end(relay, &relay->other, local);
}

bool
tun_relay_move(struct tun_relay *relay, ip4_t local)
{
	struct tun_relay_end before = relay->end;

	if (!tun_relay_expect(relay, local))
		return false;
	if (local != before.local) {
		relay->end = relay->other;
		relay->other = before;
	}
	return true;
}

struct tun_relay *
tun_relay_new(struct loop *loop, struct tunnel_kind tunnel, ip4_t local, ip4_t remote,
    unsigned (*path_changed)(void *arg), void *arg)
{
	struct tun_relay *relay = mem_zero(1, sizeof(*relay));

	relay->loop = loop;
	relay->tunnel = tunnel;
	relay->header_len = encap_write(tunnel, relay->header);
	relay->remote = remote;
	if (!open_end(relay, &relay->end, local)) {
		free(relay);
		return NULL;
	}
	relay->path_changed = path_changed;
	relay->arg = arg;
	relay->packets = mem_zero(BATCH, PACKET_MAX);
	relay->demux = tun_demux_new();
	return relay;
}

void
tun_relay_free(struct tun_relay *relay)
{
	if (relay == NULL)
		return;
	for (unsigned i = 0; i < TUN_DEMUX_DEVICES; i++)
		tun_relay_detach(relay->devices[i]);
	close_end(&relay->end);
	close_end(&relay->other);
	tun_demux_free(relay->demux);
	free(relay->packets);
	free(relay);
}

static struct tun_relay_device *
attach(struct tun_relay *relay, uint8_t number, int fd)
{
	struct tun_relay_device *device = mem_zero(1, sizeof(*device));

	device->relay = relay;
	device->number = number;
	device->fd = fd;
	device->readable = loop_readable(relay->loop, fd, device_readable, device);
	relay->devices[number] = device;
	return device;
}

struct tun_relay_device *
tun_relay_attach_host(struct tun_relay *relay, int fd)
{
	return attach(relay, 0, fd);
}

struct tun_relay_device *
tun_relay_attach(struct tun_relay *relay, int fd, void (*gone)(void *arg), void *arg)
{
	for (uint8_t i = 1; i < TUN_DEMUX_DEVICES; i++) {
		if (relay->devices[i] != NULL)
			continue;
		struct tun_relay_device *device = attach(relay, i, fd);
		device->gone = gone;
		device->arg = arg;
		return device;
	}
	close(fd);
	return NULL;
}

void
tun_relay_detach(struct tun_relay_device *device)
{
	if (device == NULL)
		return;
	if (device->number != 0)
		tun_demux_release(device->relay->demux, device->number);
	device->relay->devices[device->number] = NULL;
	loop_event_free(device->readable);
	close(device->fd);
	free(device);
}

void
tun_relay_claim(struct tun_relay_device *device, ip4_t addr, struct port_range ports)
{
	tun_demux_claim(device->relay->demux, addr, ports, device->number);
}

void
tun_relay_address(struct tun_relay *relay, ip4_t addr)
{
	tun_demux_claim(relay->demux, addr, (struct port_range){ 0, 0 }, 0);
}

const struct tun_relay_counters *
tun_relay_counters(const struct tun_relay *relay)
{
	return &relay->counters;
}
