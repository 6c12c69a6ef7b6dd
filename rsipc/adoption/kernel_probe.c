#include "kernel_probe.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "esp/esp_packet.h"
#include "kernel_inner.h"
#include "kernel_keys.h"
#include "kernel_state.h"
#include "loop.h"
#include "mem.h"
#include "sockaddr.h"
#include "wire.h"

#define AHEAD 8 /* of the kernel's last number: less than any replay window */
#define ANSWER_MS 5000
#define TOKEN_LEN 16
#define ECHO_LEN (8 + TOKEN_LEN)
#define HEADER_MAX 40
#define UDP_HEADER_LEN 8
#define HOPS 64

struct kernel_probe {
	struct loop *loop;
	void (*answered)(struct sa_end to, void *arg);
	void *arg;
	int fd;                /* hears echo replies, -1 = none is waited for */
	uint8_t version;
	struct loop_event *readable, *over;
	uint8_t token[TOKEN_LEN];
	struct sa_end to;
	uint32_t spi;
	uint64_t sequence;     /* the last that was taken, of that SPI */
};

/* ---- the answer ---- */

static void
stop_waiting(void *arg)
{
	struct kernel_probe *probe = arg;

	if (probe->fd < 0)
		return;
	loop_event_free(probe->readable);
	loop_timer_cancel(probe->over);
	close(probe->fd);
	probe->fd = -1;
}

/* A raw socket of IPv4 gives the IP header too. */
static bool
is_answer(const struct kernel_probe *probe, const uint8_t *packet, size_t len)
{
	size_t header = probe->version == 4 && len > 0 ? 4u * (packet[0] & 15) : 0;
	uint8_t reply = probe->version == 4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;

	return len == header + ECHO_LEN && packet[header] == reply &&
	    CRYPTO_memcmp(packet + header + 8, probe->token, TOKEN_LEN) == 0;
}

static void
readable_cb(int fd, void *arg)
{
	struct kernel_probe *probe = arg;
	uint8_t packet[HEADER_MAX + 20 + ECHO_LEN + 1];
	ssize_t len;

	while ((len = recv(fd, packet, sizeof(packet), 0)) >= 0) {
		if (is_answer(probe, packet, (size_t)len)) {
			stop_waiting(probe);
			probe->answered(probe->to, probe->arg);
			return;
		}
	}
}

static bool
only_replies(int fd, uint8_t version)
{
	struct icmp_filter filter = { ~(1u << ICMP_ECHOREPLY) };
	struct icmp6_filter filter6;

	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	if (version == 4)
		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0;
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6)) == 0;
}

/* Bound to our end inside, which must be the machine's own: what comes for it is otherwise sent on. */
static bool
bind_inner(int fd, const struct kernel_inner *inner)
{
	struct sockaddr_in at = sockaddr_of(wire_get32(inner->src), 0);
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6 };

	memcpy(&at6.sin6_addr, inner->src, sizeof(at6.sin6_addr));
	if (inner->version == 4)
		return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	return bind(fd, (struct sockaddr *)&at6, sizeof(at6)) == 0;
}

/* Probes of one end are alike until one is answered: an answer that was longer on its way than the next probe took is as
 * good. */
static int
begin_waiting(struct kernel_probe *probe, const struct kernel_inner *inner, struct sa_end to)
{
	bool four = inner->version == 4;
	int fd, err;

	if (probe->fd >= 0 && sa_end_equal(probe->to, to) && probe->version == inner->version) {
		loop_timer_set(probe->over, ANSWER_MS);
		return 0;
	}
	stop_waiting(probe);
	if (RAND_bytes(probe->token, TOKEN_LEN) != 1)
		return EIO;
	fd = socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (fd < 0)
		return errno;
	if (!only_replies(fd, inner->version) || !bind_inner(fd, inner)) {
		err = errno;
		close(fd);
		return err;
	}
	probe->fd = fd;
	probe->to = to;
	probe->version = inner->version;
	probe->readable = loop_readable(probe->loop, fd, readable_cb, probe);
	loop_timer_set(probe->over, ANSWER_MS);
	return 0;
}

/* ---- the probe ---- */

static size_t
put_echo_4(const struct kernel_inner *inner, const uint8_t *token, uint8_t *out)
{
	uint8_t *icmp = out + 20;

	memset(out, 0, 20 + ECHO_LEN);
	out[0] = 0x45;
	wire_put16(out + 2, 20 + ECHO_LEN);
	out[8] = HOPS;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, inner->src, 4);
	memcpy(out + 16, inner->dst, 4);
	wire_put16(out + 10, checksum(out, 20));
	icmp[0] = ICMP_ECHO;
	memcpy(icmp + 8, token, TOKEN_LEN);
	wire_put16(icmp + 2, checksum(icmp, ECHO_LEN));
	return 20 + ECHO_LEN;
}

/* The pseudo-header of RFC 8200 8.1 has the addresses as they stand in the header; length and protocol are added. */
static size_t
put_echo_6(const struct kernel_inner *inner, const uint8_t *token, uint8_t *out)
{
	uint8_t *icmp = out + 40;

	memset(out, 0, 40 + ECHO_LEN);
	out[0] = 0x60;
	wire_put16(out + 4, ECHO_LEN);
	out[6] = IPPROTO_ICMPV6;
	out[7] = HOPS;
	memcpy(out + 8, inner->src, 16);
	memcpy(out + 24, inner->dst, 16);
	icmp[0] = ICMP6_ECHO_REQUEST;
	memcpy(icmp + 8, token, TOKEN_LEN);
	wire_put16(icmp + 2, checksum_with(ECHO_LEN + IPPROTO_ICMPV6, out + 8, 32 + ECHO_LEN));
	return 40 + ECHO_LEN;
}

/* It is sealed already, and no policy is to lead it into a tunnel. */
static bool
bypass(int fd)
{
	struct xfrm_userpolicy_info policy = {
		.action = XFRM_POLICY_ALLOW, .dir = XFRM_POLICY_OUT, .sel = { .family = AF_INET }
	};

	return setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &policy, sizeof(policy)) == 0;
}

/* UDP as RFC 3948 2.1 has it, without a checksum; the kernel, which holds the port, does not notice. */
static int
send_outer(struct sa_end from, struct sa_end to, uint8_t *udp, size_t len)
{
	struct sockaddr_in src = sockaddr_of(from.addr, 0), dst = sockaddr_of(to.addr, 0);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP), err = 0;

	if (fd < 0)
		return errno;
	wire_put16(udp, from.port);
	wire_put16(udp + 2, to.port);
	wire_put16(udp + 4, (uint16_t)len);
	wire_put16(udp + 6, 0);
	if (!bypass(fd) || bind(fd, (struct sockaddr *)&src, sizeof(src)) != 0 ||
	    sendto(fd, udp, len, 0, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		err = errno;
	close(fd);
	return err;
}

static uint64_t
take_sequence(struct kernel_probe *probe, const struct kernel_state *out)
{
	uint64_t sequence = out->oseq + AHEAD;

	if (probe->spi == out->spi && sequence <= probe->sequence)
		sequence = probe->sequence + 1;
	probe->spi = out->spi;
	probe->sequence = sequence;
	return sequence;
}

/* out has ->raw. */
static int
send_sealed(struct kernel_probe *probe, const struct kernel_state *out, const struct kernel_inner *inner, struct sa_end to)
{
	uint8_t packet[UDP_HEADER_LEN + ESP_HEAD_MAX + HEADER_MAX + ECHO_LEN + ESP_TAIL_MAX];
	struct esp_transform *sealer = kernel_keys_sealer(out);
	uint64_t iv, sequence = take_sequence(probe, out);
	uint8_t *esp = packet + UDP_HEADER_LEN, *plain;
	size_t len;

	if (sealer == NULL)
		return ENOTSUP;
	plain = esp + esp_head_len(esp_transform_algorithm(sealer));
	len = inner->version == 4 ? put_echo_4(inner, probe->token, plain) : put_echo_6(inner, probe->token, plain);
	if (RAND_bytes((uint8_t *)&iv, sizeof(iv)) == 1 && (out->esn || sequence <= UINT32_MAX))
		len = esp_seal(sealer, esp, len, inner->version == 4 ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6, out->spi, sequence, iv);
	else
		len = 0;
	esp_transform_free(sealer);
	return len == 0 ? EOVERFLOW : send_outer(out->src, to, packet, UDP_HEADER_LEN + len);
}

int
kernel_probe_send(struct kernel_probe *probe, struct kernel_probe_nl nl, const struct kernel_state *out,
    const struct xfrm_selector *selector, struct sa_end to)
{
	struct kernel_inner inner;
	struct kernel_state now = *out;
	uint8_t echo = selector->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int err;

	if (selector->proto != 0 && selector->proto != echo)
		return ENOTSUP;
	kernel_inner_ends(nl.net, selector, &inner);
	now.raw = NULL;
	if ((err = begin_waiting(probe, &inner, to)) == 0 && (err = kernel_state_reread(nl.xfrm, &now)) == 0)
		err = send_sealed(probe, &now, &inner, to);
	kernel_state_clear(&now);
	if (err != 0)
		stop_waiting(probe);
	return err;
}

/* ---- life ---- */

struct kernel_probe *
kernel_probe_new(struct loop *loop, void (*answered)(struct sa_end to, void *arg), void *arg)
{
	struct kernel_probe *probe = mem_zero(1, sizeof(*probe));

	probe->loop = loop;
	probe->answered = answered;
	probe->arg = arg;
	probe->fd = -1;
	probe->over = loop_timer(loop, stop_waiting, probe);
	return probe;
}

void
kernel_probe_free(struct kernel_probe *probe)
{
	if (probe == NULL)
		return;
	stop_waiting(probe);
	loop_event_free(probe->over);
	free(probe);
}
