#include "kernel_inner.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "wire.h"

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

/* ---- IPv6 ---- */

static void
address_6(const xfrm_address_t *prefix, uint8_t len, uint8_t out[16])
{
	memcpy(out, prefix->a6, 16);
	if (len == 0)
		inet_pton(AF_INET6, "2001:db8::1", out);
	else if (len < 127)
		out[15] |= 1;
}

void
kernel_inner_ends(struct netlink *nl, const struct xfrm_selector *selector, struct kernel_inner *out)
{
	*out = (struct kernel_inner){ .version = selector->family == AF_INET6 ? 6 : 4 };
	if (out->version == 6) {
		address_6(&selector->saddr, selector->prefixlen_s, out->src);
		address_6(&selector->daddr, selector->prefixlen_d, out->dst);
	} else {
		struct ip4_prefix from = { ntohl(selector->saddr.a4), selector->prefixlen_s };
		struct ip4_prefix to = { ntohl(selector->daddr.a4), selector->prefixlen_d };

		wire_put32(out->src, own_address(nl, from));
		wire_put32(out->dst, far_address(to));
	}
}
