#include "kernel_dummy.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_inner.h"
#include "sockaddr.h"
#include "wire.h"

/* Linux at the far end answers an IPv4 packet of an unknown protocol with an ICMP error, through the tunnel: an authentic
 * answer, at most one a second. */
#define NOTHING IPPROTO_NONE

static int
send_4(const struct kernel_inner *inner)
{
	struct sockaddr_in src = sockaddr_of(wire_get32(inner->src), 0), dst = sockaddr_of(wire_get32(inner->dst), 0);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NOTHING), on = 1, ttl = 1, err = 0;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) != 0 ||
	    bind(fd, (struct sockaddr *)&src, sizeof(src)) != 0 ||
	    sendto(fd, "", 0, 0, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int
send_6(const struct kernel_inner *inner)
{
	struct sockaddr_in6 src = { .sin6_family = AF_INET6 }, dst = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NOTHING), on = 1, hops = 1, err = 0;

	if (fd < 0)
		return errno;
	memcpy(&src.sin6_addr, inner->src, sizeof(src.sin6_addr));
	memcpy(&dst.sin6_addr, inner->dst, sizeof(dst.sin6_addr));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) != 0 ||
	    bind(fd, (struct sockaddr *)&src, sizeof(src)) != 0 ||
	    sendto(fd, "", 0, 0, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		err = errno;
	close(fd);
	return err;
}

int
kernel_dummy_send(struct netlink *nl, const struct xfrm_selector *selector)
{
	struct kernel_inner inner;

	if (selector->proto != 0 && selector->proto != NOTHING)
		return ENOTSUP;
	kernel_inner_ends(nl, selector, &inner);
	return inner.version == 6 ? send_6(&inner) : send_4(&inner);
}
