#include "config.h"

#include "esp_out.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "esp_tunnel.h"
#include "log.h"
#include "mem.h"
#include "sockaddr.h"

#define ENTRIES 64
#define ROOM (1 << 19)
#define RUN_PACKETS 64 /* the kernel's UDP_MAX_SEGMENTS */
#define RUN_BYTES 65000

/* One message: a packet, or a run of packets of one size, of which the last may be shorter. */
struct entry {
	struct esp_tunnel *tunnel;
	size_t at, len, size; /* in the room; size: of each packet but the last */
	unsigned packets;
	bool df, closed;
	uint8_t tos;
};

/* What a message points to until the batch has left. */
struct message {
	struct sockaddr_in to;
	struct iovec part;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
	} control;
};

struct esp_out {
	int udp, raw;
	int df_mode[2]; /* IP_MTU_DISCOVER of each socket now */
	bool runs;      /* UDP_SEGMENT works here */
	void (*too_big)(struct esp_tunnel *t, void *arg);
	void *arg;
	struct entry entries[ENTRIES];
	unsigned n;
	struct entry next; /* roomed, not committed */
	bool joins;        /* next goes behind the last entry */
	size_t used;
	struct message messages[ENTRIES];
	struct mmsghdr batch[ENTRIES];
	uint8_t *room;
};

static struct log_limit limit;

struct esp_out *
esp_out_new(int udp, int raw, void (*too_big)(struct esp_tunnel *t, void *arg), void *arg)
{
	struct esp_out *out = mem_zero(1, sizeof(*out));

	*out = (struct esp_out){ .udp = udp, .raw = raw, .df_mode = { -1, -1 }, .runs = true, .too_big = too_big, .arg = arg };
	out->room = mem_zero(1, ROOM);
	return out;
}

void
esp_out_free(struct esp_out *out)
{
	if (out == NULL)
		return;
	free(out->room);
	free(out);
}

/* ---- the batch ---- */

static bool
may_join(const struct esp_out *out, const struct entry *next)
{
	const struct entry *last = &out->entries[out->n > 0 ? out->n - 1 : 0];

	return out->runs && out->n > 0 && !last->closed && last->tunnel == next->tunnel && last->tos == next->tos &&
	       last->df == next->df && next->tunnel->sa.encap && next->len <= last->size && last->packets < RUN_PACKETS &&
	       last->len + next->len <= RUN_BYTES;
}

uint8_t *
esp_out_room(struct esp_out *out, struct esp_tunnel *t, size_t len, uint8_t tos, bool df)
{
	out->next = (struct entry){ .tunnel = t, .len = len, .size = len, .packets = 1, .df = df, .tos = tos };
	out->joins = may_join(out, &out->next);
	if (out->used + len > ROOM || (!out->joins && out->n == ENTRIES)) {
		esp_out_flush(out);
		out->joins = false;
	}
	out->next.at = out->used;
	return out->room + out->used;
}

void
esp_out_commit(struct esp_out *out)
{
	struct entry *last;

	out->used += out->next.len;
	if (!out->joins) {
		out->entries[out->n++] = out->next;
		return;
	}
	last = &out->entries[out->n - 1];
	last->len += out->next.len;
	last->packets++;
	last->closed = out->next.len < last->size;
}

/* ---- messages ---- */

static struct cmsghdr *
put_control(struct cmsghdr *cmsg, struct msghdr *msg, int level, int type, const void *value, size_t len)
{
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), value, len);
	msg->msg_controllen += CMSG_SPACE(len);
	return (struct cmsghdr *)((char *)cmsg + CMSG_SPACE(len));
}

static void
build(struct esp_out *out, const struct entry *e, struct message *m, struct msghdr *msg)
{
	const struct sa *sa = &e->tunnel->sa;
	struct in_pktinfo from = { .ipi_spec_dst.s_addr = htonl(sa->local.addr) };
	struct cmsghdr *cmsg = &m->control.align;
	uint16_t size = (uint16_t)e->size;
	int tos = e->tos;

	m->to = sockaddr_of(sa->remote.addr, sa->encap ? sa->remote.port : 0);
	m->part = (struct iovec){ out->room + e->at, e->len };
	memset(&m->control, 0, sizeof(m->control));
	*msg = (struct msghdr){ .msg_name = &m->to, .msg_namelen = sizeof(m->to), .msg_iov = &m->part, .msg_iovlen = 1,
	                        .msg_control = m->control.space };
	cmsg = put_control(cmsg, msg, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	cmsg = put_control(cmsg, msg, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
	if (e->packets > 1)
		put_control(cmsg, msg, SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
}

/* ---- sending ---- */

static int
socket_of(const struct esp_out *out, const struct entry *e)
{
	return e->tunnel->sa.encap ? out->udp : out->raw;
}

static void
set_df(struct esp_out *out, const struct entry *e)
{
	int mode = e->df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT, *now = &out->df_mode[e->tunnel->sa.encap];

	if (*now != mode && setsockopt(socket_of(out, e), IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)) == 0)
		*now = mode;
}

static void
give_up(struct esp_out *out, const struct entry *e, int error)
{
	if (error == EMSGSIZE && e->df) {
		e->tunnel->drops.too_big += e->packets;
		out->too_big(e->tunnel, out->arg);
		return;
	}
	e->tunnel->drops.failed += e->packets;
	log_warn_limited(&limit, "esp", "cannot send sa=%s error=\"%s\"", e->tunnel->sa.name, strerror(error));
}

/* Errors that tell of an earlier packet (ICMP came back), once each. */
static bool
of_earlier(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == EPROTO || error == ENOPROTOOPT;
}

static void
send_single(struct esp_out *out, const struct entry *e)
{
	struct message m;
	struct msghdr msg;
	ssize_t n;

	build(out, e, &m, &msg);
	if ((n = sendmsg(socket_of(out, e), &msg, MSG_DONTWAIT)) < 0 && of_earlier(errno))
		n = sendmsg(socket_of(out, e), &msg, MSG_DONTWAIT);
	if (n < 0)
		give_up(out, e, errno);
}

/* A run that the kernel or the device does not take, packet by packet. EIO: the device cannot do checksums, and never
 * will: no more runs. */
static void
send_one_by_one(struct esp_out *out, const struct entry *run, int error)
{
	struct entry e = *run;

	if (error == EIO)
		out->runs = false;
	e.packets = 1;
	for (size_t left = run->len; left > 0; left -= e.len, e.at += e.len) {
		e.len = left < run->size ? left : run->size;
		send_single(out, &e);
	}
}

/* Sends entries [first..end), all through one socket with the same DF. */
static void
send_group(struct esp_out *out, unsigned first, unsigned end)
{
	bool again = false;
	int fd = socket_of(out, &out->entries[first]);

	set_df(out, &out->entries[first]);
	while (first < end) {
		int sent = sendmmsg(fd, &out->batch[first], end - first, MSG_DONTWAIT), error = errno;

		if (sent > 0) {
			first += (unsigned)sent;
			again = false;
			continue;
		}
		if (!again && of_earlier(error)) {
			again = true;
			continue;
		}
		again = false;
		if (out->entries[first].packets > 1)
			send_one_by_one(out, &out->entries[first], error);
		else
			give_up(out, &out->entries[first], error);
		first++;
	}
}

void
esp_out_flush(struct esp_out *out)
{
	for (unsigned i = 0; i < out->n; i++)
		build(out, &out->entries[i], &out->messages[i], &out->batch[i].msg_hdr);
	for (unsigned first = 0, end; first < out->n; first = end) {
		const struct entry *e = &out->entries[first];

		for (end = first + 1; end < out->n && out->entries[end].df == e->df &&
		                      socket_of(out, &out->entries[end]) == socket_of(out, e);)
			end++;
		send_group(out, first, end);
	}
	out->n = 0;
	out->used = 0;
}

void
esp_out_datagram(struct esp_out *out, struct esp_tunnel *t, const void *bytes, size_t len)
{
	esp_out_flush(out);
	memcpy(esp_out_room(out, t, len, 0, false), bytes, len);
	esp_out_commit(out);
	esp_out_flush(out);
}
