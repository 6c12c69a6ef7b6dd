/* tunnel_end DEVICE LOCAL GATEWAY [gre]: a host's end of an IP-in-IP or GRE tunnel by TUN and raw socket, for
 * kernels that have neither. It makes DEVICE; addresses and routes are the caller's. Outer TOS and DF follow the
 * inner header, and congestion marks come back in (RFC 6040), by the gateway's own code. Runs until it is killed. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap.h"
#include "log.h"
#include "packet.h"
#include "pktio_open.h"

static uint8_t bytes[PACKET_MAX + 1];

static void
to_gateway(const struct relay_fds *fds, const int raw[RELAY_DF_COUNT], bool gre, const struct sockaddr_in *gateway)
{
	struct iovec parts[2] = { { (void *)encap_gre_header, GRE_HEADER_LEN }, { bytes, 0 } };
	struct msghdr message = { .msg_name = (void *)gateway, .msg_namelen = sizeof(*gateway),
		                  .msg_iov = gre ? &parts[0] : &parts[1], .msg_iovlen = gre ? 2 : 1 };
	ssize_t n = read(fds->tun, bytes, sizeof(bytes));
	struct packet p;
	int fd, tos;

	if (n <= 0 || !packet_parse(&p, bytes, (size_t)n))
		return;
	parts[1].iov_len = p.len;
	fd = raw[p.dont_fragment ? RELAY_DF : RELAY_FRAGMENT];
	tos = p.tos;
	setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	sendmsg(fd, &message, 0);
}

static void
from_gateway(const struct relay_fds *fds, int raw, ip4_t gateway)
{
	struct packet outer, p;
	uint8_t *inner;
	size_t len;
	ssize_t n = recv(raw, bytes, sizeof(bytes), 0);

	if (n <= 0 || !packet_parse(&outer, bytes, (size_t)n) || outer.src != gateway ||
	    encap_strip(&outer, &inner, &len) != ENCAP_OK || !packet_parse(&p, inner, len) ||
	    !encap_take_ecn(outer.tos, &p))
		return;
	if (write(fds->tun, p.bytes, p.len) < 0)
		fprintf(stderr, "tunnel_end: write: %s\n", strerror(errno));
}

int
main(int argc, char **argv)
{
	bool gre = argc == 5 && strcmp(argv[4], "gre") == 0;
	struct sockaddr_in local = { .sin_family = AF_INET }, gateway = { .sin_family = AF_INET };
	struct relay_fds fds;
	const int *raw = gre ? fds.gre : fds.ipip;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &local.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &gateway.sin_addr) != 1) {
		fprintf(stderr, "usage: tunnel_end DEVICE LOCAL GATEWAY [gre]\n");
		return 2;
	}
	log_init("tunnel_end", LOG_TO_STDERR, LOG_LVL_INFO, false);
	if ((fds.tun = pktio_open_tun(argv[1])) < 0 || !pktio_open_tunnels(&fds))
		return 1;
	for (int df = 0; df < RELAY_DF_COUNT; df++)
		bind(raw[df], (struct sockaddr *)&local, sizeof(local));
	for (;;) {
		struct pollfd ready[] = { { .fd = fds.tun, .events = POLLIN }, { .fd = raw[RELAY_DF], .events = POLLIN } };

		if (poll(ready, 2, -1) < 0)
			return 1;
		if ((ready[0].revents & POLLIN) != 0)
			to_gateway(&fds, raw, gre, &gateway);
		if ((ready[1].revents & POLLIN) != 0)
			from_gateway(&fds, raw[RELAY_DF], ntohl(gateway.sin_addr.s_addr));
	}
}
