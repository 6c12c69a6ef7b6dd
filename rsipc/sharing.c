#include "sharing.h"

#include <linux/rtnetlink.h>

#include "netlink.h"
#include "packet.h"
#include "routes.h"

#define PRIORITY_OURS 1
#define PRIORITY_OTHERS 2
#define PRIORITY_LOCAL 3
#define LOOPBACK "lo" /* what the machine itself sends comes in here, to a rule */

/* Not confined to what we send, although the others come to table local anyway: the kernel looks at the ports of packets
 * that come in, the source check included, only if a rule for packets that come in has ports. */
void
sharing_want_port(struct routes *routes, ip4_t addr, struct port_range ports)
{
	struct netlink_rule rule = {
		.priority = PRIORITY_OURS, .table = RT_TABLE_LOCAL, .to = { addr, 32 }, .dports = ports,
	};

	routes_want_rule(routes, rule);
}

/* ICMP has no ports, and errors that the machine sends to itself are among it: it stays. */
void
sharing_want_address(struct routes *routes, ip4_t addr, unsigned table)
{
	static const uint8_t transports[] = { IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_DCCP, IP_PROTO_UDPLITE };
	struct netlink_rule rule = {
		.priority = PRIORITY_OTHERS, .table = table, .iif = LOOPBACK, .to = { addr, 32 },
	};

	for (size_t i = 0; i < sizeof(transports); i++) {
		rule.transport = transports[i];
		routes_want_rule(routes, rule);
	}
}

bool
sharing_move_local(struct netlink *nl, bool away, unsigned char protocol)
{
	struct netlink_rule home = { .priority = 0, .table = RT_TABLE_LOCAL, .protocol = RTPROT_KERNEL };
	struct netlink_rule moved = { .priority = PRIORITY_LOCAL, .table = RT_TABLE_LOCAL, .protocol = protocol };

	if (netlink_rule_add(nl, away ? &moved : &home) != 0)
		return false;
	netlink_rule_del(nl, away ? &home : &moved);
	return true;
}

bool
sharing_local_is_away(struct netlink *nl)
{
	return !netlink_rule_asks(nl, 0, RT_TABLE_LOCAL) && netlink_rule_asks(nl, PRIORITY_LOCAL, RT_TABLE_LOCAL);
}
