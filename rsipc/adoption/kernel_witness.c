#include "kernel_witness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "verdict.h"

#define SNAPLEN 96   /* IP header with options, UDP, SPI and sequence number */

struct witness {
	int fd;
	struct loop_event *event;
	void (*readable)(void *arg);
	void *arg;
	struct verdict verdict;
};

/* UDP to that end, first fragment, not sent by this machine, SPI behind the UDP header. */
static bool
attach_filter(int fd, uint32_t spi, struct sa_end local)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 12, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, local.addr, 0, 8),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 6, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, local.port, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, spi, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAPLEN),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static void
readable_cb(int fd, void *arg)
{
	struct witness *witness = arg;

	(void)fd;
	witness->readable(witness->arg);
}

/* Made without a protocol, so that nothing comes in before the filter is there; bind starts it. */
static int
open_socket(uint32_t spi, struct sa_end local)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 1 << 20;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (attach_filter(fd, spi, local) && bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0)
		return fd;
	close(fd);
	return -1;
}

struct witness *
witness_open(struct loop *loop, uint32_t spi, struct sa_end local, void (*readable)(void *arg), void *arg)
{
	int fd = open_socket(spi, local);
	struct witness *witness;

	if (fd < 0) {
		log_error("adoption", "cannot capture: a move of the peer is not seen error=\"%s\"", strerror(errno));
		return NULL;
	}
	witness = mem_zero(1, sizeof(*witness));
	witness->fd = fd;
	witness->readable = readable;
	witness->arg = arg;
	verdict_begin(&witness->verdict);
	witness->event = loop_readable(loop, fd, readable_cb, witness);
	return witness;
}

void
witness_close(struct witness *witness)
{
	if (witness == NULL)
		return;
	loop_event_free(witness->event);
	close(witness->fd);
	free(witness);
}

void
witness_mapping(struct witness *witness, struct sa_end source)
{
	verdict_mapping(&witness->verdict, source);
}

/* The filter has looked at all of it but the length. */
static bool
read_header(const uint8_t *packet, size_t len, struct verdict_header *out)
{
	size_t header = 4u * (packet[0] & 15);
	const uint8_t *udp = packet + header;
	uint32_t source;

	if (len < 20 || header < 20 || len < header + 16)
		return false;
	memcpy(&source, packet + 12, sizeof(source));
	out->source = (struct sa_end){ ntohl(source), (uint16_t)(udp[0] << 8 | udp[1]) };
	out->sequence = (uint32_t)udp[12] << 24 | (uint32_t)udp[13] << 16 | (uint32_t)udp[14] << 8 | udp[15];
	return true;
}

static bool
socket_lost(const struct witness *witness)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return getsockopt(witness->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) != 0 || stats.tp_drops > 0;
}

static void
read_waiting(struct witness *witness)
{
	uint8_t packet[SNAPLEN] = { 0 };
	struct verdict_header header;
	bool fits = true;
	ssize_t len;

	while ((len = recv(witness->fd, packet, sizeof(packet), 0)) > 0) {
		if (fits && read_header(packet, (size_t)len, &header))
			fits = verdict_header(&witness->verdict, header.source, header.sequence);
	}
	if (!fits || socket_lost(witness))
		verdict_lost(&witness->verdict);
}

bool
witness_judge(struct witness *witness, uint64_t h, struct sa_end own, struct sa_end *source)
{
	verdict_highest(&witness->verdict, h);
	read_waiting(witness);
	return verdict_judge(&witness->verdict, h, own, source);
}
