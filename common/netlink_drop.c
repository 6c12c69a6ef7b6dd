/* Frames that the kernel's own stack shall not have: netlink.h. */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <string.h>

#include "netlink_impl.h"

#define DROP_PRIORITY 1 /* before any other filter: a frame that one of them takes would be handled twice */
#define DROP_HANDLE 0x4555
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

static struct nl_msg *
tc_message(int type, int flags, unsigned ifindex, uint32_t parent, uint32_t handle, uint32_t info)
{
	const struct tcmsg tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent,
		                      .tcm_handle = handle, .tcm_info = info };
	struct nl_msg *msg = netlink_must(nlmsg_alloc_size(128 * 1024));

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
	nlmsg_append(msg, (void *)&tc, sizeof(tc), NLMSG_ALIGNTO);
	return msg;
}

int
netlink_ingress_add(struct netlink *nl, unsigned ifindex)
{
	struct nl_msg *msg = tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, TC_H_CLSACT,
	                                TC_H_MAKE(TC_H_CLSACT, 0), 0);

	nla_put_string(msg, TCA_KIND, "clsact");
	return netlink_errno(nl_send_sync(nl->sock, msg));
}

int
netlink_ingress_del(struct netlink *nl, unsigned ifindex)
{
	struct nl_msg *msg = tc_message(RTM_DELQDISC, 0, ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), 0);

	return netlink_errno(nl_send_sync(nl->sock, msg));
}

int
netlink_drop_set(struct netlink *nl, unsigned ifindex, const struct sock_filter *code, uint16_t len, bool again)
{
	struct nl_msg *msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | (again ? 0 : NLM_F_EXCL), ifindex, INGRESS, DROP_HANDLE,
	                                TC_H_MAKE(DROP_PRIORITY << 16, htons(ETH_P_IP)));
	struct nlattr *options;

	nla_put_string(msg, TCA_KIND, "bpf");
	options = netlink_must(nla_nest_start(msg, TCA_OPTIONS));
	nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	nla_put_u16(msg, TCA_BPF_OPS_LEN, len);
	nla_put(msg, TCA_BPF_OPS, (int)(len * sizeof(*code)), code);
	nla_nest_end(msg, options);
	return netlink_errno(nl_send_sync(nl->sock, msg));
}

int
netlink_drop_del(struct netlink *nl, unsigned ifindex)
{
	struct nl_msg *msg = tc_message(RTM_DELTFILTER, 0, ifindex, INGRESS, DROP_HANDLE,
	                                TC_H_MAKE(DROP_PRIORITY << 16, htons(ETH_P_IP)));

	nla_put_string(msg, TCA_KIND, "bpf");
	return netlink_errno(nl_send_sync(nl->sock, msg));
}
