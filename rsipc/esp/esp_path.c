#include "esp_path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

#define DISCARD_PORT 9
#define MTU_MIN 576 /* less is no path for IPv4 hosts: RFC 791 */
#define MTU_MAX 65535

/* A UDP socket over which nothing is sent: connecting it looks up the path, of which the kernel keeps what it
 * learned. */
bool
esp_path_look(ip4_t local, ip4_t remote, struct esp_path *out)
{
	struct sockaddr_in from = sockaddr_of(local, 0), to = sockaddr_of(remote, DISCARD_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu, saved;
	socklen_t from_len = sizeof(from), mtu_len = sizeof(mtu);
	bool found;

	if (fd < 0)
		return false;
	found = bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	        connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	        getsockname(fd, (struct sockaddr *)&from, &from_len) == 0 &&
	        getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &mtu_len) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	if (!found)
		return false;
	out->local = ntohl(from.sin_addr.s_addr);
	out->mtu = mtu < MTU_MIN ? MTU_MIN : mtu > MTU_MAX ? MTU_MAX : (unsigned)mtu;
	return true;
}
