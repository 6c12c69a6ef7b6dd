#include "xfrm_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink_xfrm.h"

struct xfrm_world xfrm_world;
uint32_t world_reqid = 7;

void
world_clear(void)
{
	xfrm_world = (struct xfrm_world){ 0 };
	world_reqid = 7;
}

void
world_sa(uint32_t spi, struct sa_end src, struct sa_end dst, uint32_t seq, uint32_t oseq, uint64_t packets)
{
	struct world_sa *sa = &xfrm_world.sas[xfrm_world.n_sas++];

	*sa = (struct world_sa){
		.spi = spi, .reqid = world_reqid, .src = src, .dst = dst, .use = { .packets = packets, .bytes = 100 * packets, .add_time = 5 },
		.replay = { .seq = seq, .oseq = oseq, .bitmap = ~0u },
	};
	for (size_t i = 0; i < sizeof(sa->key); i += sizeof(spi))
		memcpy(sa->key + i, &spi, sizeof(spi));
}

void
world_policy(uint8_t dir, uint32_t src, uint32_t dst)
{
	uint32_t index = (uint32_t)(xfrm_world.n_policies + 1) << 3 | dir;

	xfrm_world.policies[xfrm_world.n_policies++] =
	    (struct world_policy){ .dir = dir, .reqid = world_reqid, .src = src, .dst = dst, .index = index };
}

struct world_sa *
world_find(uint32_t spi, uint32_t dst)
{
	for (size_t i = 0; i < xfrm_world.n_sas; i++) {
		if (xfrm_world.sas[i].spi == spi && xfrm_world.sas[i].dst.addr == dst)
			return &xfrm_world.sas[i];
	}
	return NULL;
}

/* ---- messages ---- */

struct nl_msg *
xfrm_nl_message(int type, int flags, const void *fixed, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	nlmsg_append(msg, (void *)(uintptr_t)fixed, len, NLMSG_ALIGNTO);
	return msg;
}

void
xfrm_nl_free(struct nl_msg *msg)
{
	nlmsg_free(msg);
}

static struct nl_msg *
told_sa(const struct world_sa *sa)
{
	struct xfrm_usersa_info info = {
		.id = { .daddr.a4 = htonl(sa->dst.addr), .spi = htonl(sa->spi), .proto = IPPROTO_ESP }, .saddr.a4 = htonl(sa->src.addr),
		.curlft = sa->use, .reqid = sa->reqid, .family = AF_INET, .mode = XFRM_MODE_TUNNEL, .replay_window = 32,
	};
	struct xfrm_encap_tmpl encap = { UDP_ENCAP_ESPINUDP, htons(sa->src.port), htons(sa->dst.port), { 0 } };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_NEWSA, 0, &info, sizeof(info));

	nla_put(msg, XFRMA_ENCAP, sizeof(encap), &encap);
	nla_put(msg, XFRMA_REPLAY_VAL, sizeof(sa->replay), &sa->replay);
	nla_put(msg, XFRMA_ALG_AEAD, sizeof(sa->key), sa->key);
	return msg;
}

static struct nl_msg *
told_policy(const struct world_policy *policy)
{
	struct xfrm_userpolicy_info info = {
		.dir = policy->dir, .index = policy->index, .sel = { .family = AF_INET, .prefixlen_d = 24 },
		.priority = policy->priority, .lft.hard_add_expires_seconds = policy->ends_after,
	};
	struct xfrm_user_tmpl tmpl = {
		.id = { .daddr.a4 = htonl(policy->dst), .spi = htonl(policy->spi), .proto = IPPROTO_ESP },
		.saddr.a4 = htonl(policy->src), .family = AF_INET, .reqid = policy->reqid, .mode = XFRM_MODE_TUNNEL,
	};
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_NEWPOLICY, 0, &info, sizeof(info));

	nla_put(msg, XFRMA_TMPL, sizeof(tmpl), &tmpl);
	if (policy->mark.m != 0)
		nla_put(msg, XFRMA_MARK, sizeof(policy->mark), &policy->mark);
	return msg;
}

static struct nl_msg *
told_replay(const struct world_sa *sa)
{
	struct xfrm_aevent_id id = { .flags = XFRM_AE_RVAL };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_NEWAE, 0, &id, sizeof(id));

	nla_put(msg, XFRMA_REPLAY_VAL, sizeof(sa->replay), &sa->replay);
	nla_put(msg, XFRMA_LTIME_VAL, sizeof(sa->use), &sa->use);
	return msg;
}

/* ---- questions ---- */

static void
tell(struct nl_msg *msg, xfrm_nl_visit *visit, void *arg)
{
	visit(nlmsg_hdr(msg), arg);
	nlmsg_free(msg);
}

static void
tell_all(uint16_t type, xfrm_nl_visit *visit, void *arg)
{
	xfrm_world.dumps++;
	for (size_t i = 0; type == XFRM_MSG_GETSA && i < xfrm_world.n_sas; i++)
		tell(told_sa(&xfrm_world.sas[i]), visit, arg);
	for (size_t i = 0; type == XFRM_MSG_GETPOLICY && i < xfrm_world.n_policies; i++)
		tell(told_policy(&xfrm_world.policies[i]), visit, arg);
}

static void
go_on(struct world_sa *sa)
{
	sa->replay.seq++;
	sa->replay.oseq++;
	sa->use.packets++;
}

static struct world_policy *
policy_of(uint32_t index)
{
	for (size_t i = 0; i < xfrm_world.n_policies; i++) {
		if (xfrm_world.policies[i].index == index)
			return &xfrm_world.policies[i];
	}
	return NULL;
}

/* The answer, or NULL. */
static struct nl_msg *
answer(const struct nlmsghdr *header)
{
	const struct xfrm_usersa_id *id = nlmsg_data(header); /* GETAE begins with one, too */
	const struct xfrm_userpolicy_id *policy_id = nlmsg_data(header);
	struct world_policy *policy;
	struct world_sa *sa;

	if (header->nlmsg_type == XFRM_MSG_GETPOLICY)
		return (policy = policy_of(policy_id->index)) != NULL ? told_policy(policy) : NULL;
	if ((sa = world_find(ntohl(id->spi), ntohl(id->daddr.a4))) == NULL)
		return NULL;
	return header->nlmsg_type == XFRM_MSG_GETSA ? told_sa(sa) : told_replay(sa);
}

int
xfrm_nl_ask(struct xfrm_nl *nl, struct nl_msg *request, xfrm_nl_visit *visit, void *arg)
{
	const struct nlmsghdr *header = nlmsg_hdr(request);
	bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct nl_msg *msg = dump ? NULL : answer(header);

	(void)nl;
	if (dump)
		tell_all(header->nlmsg_type, visit, arg);
	xfrm_world.answers += msg != NULL;
	if (msg != NULL)
		tell(msg, visit, arg);
	for (size_t i = 0; xfrm_world.busy && i < xfrm_world.n_sas; i++)
		go_on(&xfrm_world.sas[i]);
	nlmsg_free(request);
	return msg == NULL && !dump ? ESRCH : 0;
}

int
xfrm_nl_ask_each(struct xfrm_nl *nl, struct nl_msg *const *requests, size_t n, xfrm_nl_visit *visit, void *arg)
{
	for (size_t i = 0; i < n; i++)
		xfrm_nl_ask(nl, requests[i], visit, arg);
	return 0;
}

/* ---- changes ---- */

static int
add(const struct nlmsghdr *header)
{
	const struct xfrm_usersa_info *info = nlmsg_data(header);
	const struct xfrm_encap_tmpl *encap;
	struct world_sa sa = { .spi = ntohl(info->id.spi), .reqid = info->reqid, .use = info->curlft };
	struct nlmsghdr *raw = (struct nlmsghdr *)(uintptr_t)header;

	sa.src.addr = ntohl(info->saddr.a4);
	sa.dst.addr = ntohl(info->id.daddr.a4);
	if (xfrm_world.refuse_add_to != 0 && sa.dst.addr == xfrm_world.refuse_dst)
		return xfrm_world.refuse_add_to;
	if (world_find(sa.spi, sa.dst.addr) != NULL)
		return EEXIST;
	encap = nla_data(nlmsg_find_attr(raw, sizeof(*info), XFRMA_ENCAP));
	sa.src.port = ntohs(encap->encap_sport);
	sa.dst.port = ntohs(encap->encap_dport);
	memcpy(&sa.replay, nla_data(nlmsg_find_attr(raw, sizeof(*info), XFRMA_REPLAY_VAL)), sizeof(sa.replay));
	memcpy(sa.key, nla_data(nlmsg_find_attr(raw, sizeof(*info), XFRMA_ALG_AEAD)), sizeof(sa.key));
	xfrm_world.sas[xfrm_world.n_sas++] = sa;
	xfrm_world.adds++;
	return 0;
}

static int
delete(const struct nlmsghdr *header)
{
	const struct xfrm_usersa_id *id = nlmsg_data(header);
	struct world_sa *sa = world_find(ntohl(id->spi), ntohl(id->daddr.a4));

	if (sa == NULL)
		return ESRCH;
	*sa = xfrm_world.sas[--xfrm_world.n_sas];
	xfrm_world.deletes++;
	return 0;
}

/* The one of this direction and mark, NULL when there is none. All are for the one tunnel. */
static struct world_policy *
find_policy(const struct nlmsghdr *header, size_t fixed, uint8_t dir, struct xfrm_mark *mark)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, (int)fixed, XFRMA_MARK);

	*mark = (struct xfrm_mark){ 0 };
	if (attr != NULL)
		memcpy(mark, nla_data(attr), sizeof(*mark));
	for (size_t i = 0; i < xfrm_world.n_policies; i++) {
		struct world_policy *policy = &xfrm_world.policies[i];

		if (policy->dir == dir && memcmp(&policy->mark, mark, sizeof(*mark)) == 0)
			return policy;
	}
	return NULL;
}

static int
update_policy(const struct nlmsghdr *header)
{
	const struct xfrm_userpolicy_info *info = nlmsg_data(header);
	const struct xfrm_user_tmpl *tmpl =
	    nla_data(nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, sizeof(*info), XFRMA_TMPL));
	struct xfrm_mark mark;
	struct world_policy *policy = find_policy(header, sizeof(*info), info->dir, &mark);

	uint32_t index = policy != NULL ? policy->index : (uint32_t)(xfrm_world.n_policies + 1) << 3 | info->dir;

	if (policy == NULL)
		policy = &xfrm_world.policies[xfrm_world.n_policies++];
	*policy = (struct world_policy){
		.dir = info->dir, .index = index, .reqid = tmpl->reqid, .src = ntohl(tmpl->saddr.a4), .dst = ntohl(tmpl->id.daddr.a4),
		.spi = ntohl(tmpl->id.spi), .priority = info->priority, .mark = mark,
		.ends_after = info->lft.hard_add_expires_seconds,
	};
	return 0;
}

static int
delete_policy(const struct nlmsghdr *header)
{
	const struct xfrm_userpolicy_id *id = nlmsg_data(header);
	struct xfrm_mark mark;
	struct world_policy *policy = find_policy(header, sizeof(*id), id->dir, &mark);

	if (policy == NULL)
		return ENOENT;
	*policy = xfrm_world.policies[--xfrm_world.n_policies];
	return 0;
}

static int
carry_out(const struct nlmsghdr *header)
{
	switch (header->nlmsg_type) {
	case XFRM_MSG_NEWSA: return add(header);
	case XFRM_MSG_DELSA: return delete(header);
	case XFRM_MSG_UPDPOLICY: return update_policy(header);
	case XFRM_MSG_DELPOLICY: return delete_policy(header);
	case XFRM_MSG_MIGRATE: xfrm_world.migrates++; return xfrm_world.has_migrate ? EINVAL : ENOPROTOOPT;
	default: return EINVAL;
	}
}

int
xfrm_nl_do(struct xfrm_nl *nl, struct nl_msg *const *msgs, size_t n, size_t *failed)
{
	int first = 0;

	(void)nl;
	for (size_t i = 0; i < n; i++) {
		int err = carry_out(nlmsg_hdr(msgs[i]));

		if (err != 0 && first == 0 && failed != NULL)
			*failed = i;
		if (first == 0)
			first = err;
		nlmsg_free(msgs[i]);
	}
	return first;
}
