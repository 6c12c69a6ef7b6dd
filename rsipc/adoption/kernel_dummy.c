#include "kernel_dummy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "sockaddr.h"

/* Linux at the far end answers an IPv4 packet of an unknown protocol with an ICMP error, through the tunnel: an authentic
 * answer, at most one a second. */
#define NOTHING IPPROTO_NONE

/* ---- IPv4 ---- */

/* An address of the prefix: the machine's own where it has one in it, else the prefix's first that a host may have. */
static ip4_t
own_address(struct netlink *nl, struct ip4_prefix prefix)
{
	struct netlink_addr *all;
	ip4_t found = 0;
	size_t n = prefix.len < 32 ? netlink_addresses(nl, &all) : 0;

	for (size_t i = 0; i < n && found == 0; i++) {
		if (ip4_prefix_has(prefix, all[i].addr) && all[i].addr >> 24 != 127)
			found = all[i].addr;
	}
	if (prefix.len < 32)
		free(all);
	return found != 0 ? found : prefix.len < 31 ? prefix.addr + 1 : prefix.addr;
}

/* "Anywhere" needs an address that is routed out, whoever has it. */
static ip4_t
far_address(struct ip4_prefix prefix)
{
	static const ip4_t documentation = 0xc6336401; /* 198.51.100.1, RFC 5737 */

	if (prefix.len == 0)
		return documentation;
	return prefix.len < 31 ? prefix.addr + 1 : prefix.addr;
}

static int
send_4(struct netlink *nl, const struct xfrm_selector *selector)
{
	struct ip4_prefix from = { ntohl(selector->saddr.a4), selector->prefixlen_s };
	struct ip4_prefix to = { ntohl(selector->daddr.a4), selector->prefixlen_d };
	struct sockaddr_in src = sockaddr_of(own_address(nl, from), 0), dst = sockaddr_of(far_address(to), 0);
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

/* ---- IPv6 ---- */

static struct sockaddr_in6
address_6(const xfrm_address_t *prefix, uint8_t len)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };

	memcpy(&addr.sin6_addr, prefix->a6, sizeof(addr.sin6_addr));
	if (len == 0)
		inet_pton(AF_INET6, "2001:db8::1", &addr.sin6_addr);
	else if (len < 127)
		addr.sin6_addr.s6_addr[15] |= 1;
	return addr;
}

static int
send_6(const struct xfrm_selector *selector)
{
	struct sockaddr_in6 src = address_6(&selector->saddr, selector->prefixlen_s);
	struct sockaddr_in6 dst = address_6(&selector->daddr, selector->prefixlen_d);
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NOTHING), on = 1, hops = 1, err = 0;

	if (fd < 0)
		return errno;
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
	if (selector->proto != 0 && selector->proto != NOTHING)
		return ENOTSUP;
	return selector->family == AF_INET6 ? send_6(selector) : send_4(nl, selector);
}
