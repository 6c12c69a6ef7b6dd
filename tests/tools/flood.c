/* flood SOURCE DESTINATION SECONDS [GATEWAY]: sends UDP packets of 46 bytes (frames of 64), source port 1024, port
 * 1100, as fast as one thread can; with GATEWAY inside IP-in-IP to it. SOURCE is the inner one. Prints packets sent
 * a second. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "checksum.h"
#include "wire.h"

#define BATCH 64
#define PACKET_LEN 46

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* UDP without a checksum, which RFC 768 allows. */
static void
build(uint8_t *packet, struct in_addr src, struct in_addr dst)
{
	memset(packet, 0, PACKET_LEN);
	packet[0] = 0x45;
	wire_put16(packet + 2, PACKET_LEN);
	packet[6] = 0x40; /* DF */
	packet[8] = 64;
	packet[9] = IPPROTO_UDP;
	memcpy(packet + 12, &src, 4);
	memcpy(packet + 16, &dst, 4);
	wire_put16(packet + 10, checksum(packet, 20));
	wire_put16(packet + 20, 1024);
	wire_put16(packet + 22, 1100);
	wire_put16(packet + 24, PACKET_LEN - 20);
}

int
main(int argc, char **argv)
{
	static uint8_t packet[PACKET_LEN];
	struct iovec part = { packet, sizeof(packet) };
	struct mmsghdr batch[BATCH];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct in_addr src, dst;
	unsigned long sent = 0;
	double start, end;

	if (argc < 4 || inet_pton(AF_INET, argv[1], &src) != 1 || inet_pton(AF_INET, argv[2], &dst) != 1 ||
	    inet_pton(AF_INET, argc > 4 ? argv[4] : argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: flood SOURCE DESTINATION SECONDS [GATEWAY]\n");
		return 2;
	}
	int fd = socket(AF_INET, SOCK_RAW, argc > 4 ? IPPROTO_IPIP : IPPROTO_RAW);
	if (fd < 0) {
		perror("flood");
		return 1;
	}
	build(packet, src, dst);
	for (int i = 0; i < BATCH; i++)
		batch[i].msg_hdr = (struct msghdr){ .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1 };
	start = seconds();
	end = start + atof(argv[3]);
	while (seconds() < end) {
		int n = sendmmsg(fd, batch, BATCH, 0);
		sent += n > 0 ? (unsigned long)n : 0;
	}
	printf("%.0f\n", (double)sent / (seconds() - start));
	return 0;
}
