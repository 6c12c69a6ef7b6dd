#include "config.h"

#include "path_mtu.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "packet.h"

#define ANY_PORT 9 /* discard */

uint16_t
path_mtu(int probe, ip4_t host_addr)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(ANY_PORT), .sin_addr.s_addr = htonl(host_addr) };
	socklen_t len = sizeof(int);
	int mtu = 0;

	if (connect(probe, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    getsockopt(probe, IPPROTO_IP, IP_MTU, &mtu, &len) != 0)
		return 0;
	return mtu > PACKET_MAX ? PACKET_MAX : (uint16_t)mtu;
}
