#include "kernel_state.h"

#include <arpa/inet.h>
#include <linux/udp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mem.h"
#include "netlink_xfrm.h"

#define SEQUENCE_MARGIN 2

/* ---- reading ---- */

struct nlmsghdr *
kernel_raw_copy(const struct nlmsghdr *header)
{
	struct nlmsghdr *copy = mem_zero(1, NLMSG_ALIGN(header->nlmsg_len));

	memcpy(copy, header, header->nlmsg_len);
	return copy;
}

void
kernel_raw_free(struct nlmsghdr *raw)
{
	if (raw != NULL)
		explicit_bzero(raw, raw->nlmsg_len);
	free(raw);
}

/* The attribute of that type, if it is there and long enough for what it should hold. */
static const void *
attribute(const struct nlmsghdr *header, size_t fixed, int type, size_t len)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, (int)fixed, type);

	return attr != NULL && (size_t)nla_len(attr) >= len ? nla_data(attr) : NULL;
}

static void
read_replay(const struct nlmsghdr *header, size_t fixed, struct kernel_state *out)
{
	const struct xfrm_replay_state_esn *esn = attribute(header, fixed, XFRMA_REPLAY_ESN_VAL, sizeof(*esn));
	const struct xfrm_replay_state *plain = attribute(header, fixed, XFRMA_REPLAY_VAL, sizeof(*plain));

	if (esn != NULL) {
		out->seq = (uint64_t)esn->seq_hi << 32 | esn->seq;
		out->oseq = (uint64_t)esn->oseq_hi << 32 | esn->oseq;
	} else if (plain != NULL) {
		out->seq = plain->seq;
		out->oseq = plain->oseq;
	}
}

/* What is part of a name beside what stands in the fixed part. */
static void
read_selectors(const struct nlmsghdr *header, size_t fixed, struct xfrm_mark *mark, uint32_t *if_id)
{
	const struct xfrm_mark *found_mark = attribute(header, fixed, XFRMA_MARK, sizeof(*mark));
	const uint32_t *found_id = attribute(header, fixed, XFRMA_IF_ID, sizeof(*if_id));

	if (found_mark != NULL)
		*mark = *found_mark;
	if (found_id != NULL)
		*if_id = *found_id;
}

bool
kernel_state_read(const struct nlmsghdr *header, struct kernel_state *out)
{
	const struct xfrm_usersa_info *info = nlmsg_data(header);
	const struct xfrm_encap_tmpl *encap;
	size_t fixed = sizeof(*info);

	if (!nlmsg_valid_hdr(header, (int)fixed) || info->family != AF_INET || info->id.proto != IPPROTO_ESP ||
	    info->mode != XFRM_MODE_TUNNEL)
		return false;
	*out = (struct kernel_state){
		.spi = ntohl(info->id.spi), .reqid = info->reqid, .src.addr = ntohl(info->saddr.a4),
		.dst.addr = ntohl(info->id.daddr.a4), .esn = (info->flags & XFRM_STATE_ESN) != 0,
		.add_time = info->curlft.add_time, .counts = { info->curlft.packets, info->curlft.bytes },
	};
	if ((encap = attribute(header, fixed, XFRMA_ENCAP, sizeof(*encap))) != NULL) {
		out->encap = true;
		out->src.port = ntohs(encap->encap_sport);
		out->dst.port = ntohs(encap->encap_dport);
	}
	read_selectors(header, fixed, &out->mark, &out->if_id);
	read_replay(header, fixed, out);
	return true;
}

bool
kernel_policy_read(const struct nlmsghdr *header, struct kernel_policy *out)
{
	const struct xfrm_userpolicy_info *info = nlmsg_data(header);
	const struct xfrm_user_tmpl *tmpl;
	struct nlattr *attr;

	if (!nlmsg_valid_hdr(header, sizeof(*info)) || info->dir >= XFRM_POLICY_MAX)
		return false;
	attr = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, sizeof(*info), XFRMA_TMPL);
	if (attr == NULL || nla_len(attr) != sizeof(*tmpl))
		return false;
	tmpl = nla_data(attr);
	if (tmpl->family != AF_INET || tmpl->id.proto != IPPROTO_ESP || tmpl->mode != XFRM_MODE_TUNNEL)
		return false;
	*out = (struct kernel_policy){
		.index = info->index, .dir = info->dir, .reqid = tmpl->reqid, .src = ntohl(tmpl->saddr.a4),
		.dst = ntohl(tmpl->id.daddr.a4), .spi = ntohl(tmpl->id.spi),
	};
	read_selectors(header, sizeof(*info), &out->mark, &out->if_id);
	return true;
}

/* ---- one SA ---- */

static struct xfrm_usersa_id
id_of(const struct kernel_state *state)
{
	return (struct xfrm_usersa_id){
		.daddr.a4 = htonl(state->dst.addr), .spi = htonl(state->spi), .family = AF_INET, .proto = IPPROTO_ESP,
	};
}

static void
put_selectors(struct nl_msg *msg, struct xfrm_mark mark, uint32_t if_id)
{
	if (mark.m != 0)
		nla_put(msg, XFRMA_MARK, sizeof(mark), &mark);
	if (if_id != 0)
		nla_put_u32(msg, XFRMA_IF_ID, if_id);
}

static void
event_cb(const struct nlmsghdr *header, void *arg)
{
	struct kernel_state *state = arg;
	const size_t fixed = sizeof(struct xfrm_aevent_id);
	const void *found; /* aligned to 4 bytes only */
	struct xfrm_lifetime_cur use;

	if (header->nlmsg_type != XFRM_MSG_NEWAE || !nlmsg_valid_hdr(header, (int)fixed))
		return;
	read_replay(header, fixed, state);
	if ((found = attribute(header, fixed, XFRMA_LTIME_VAL, sizeof(use))) != NULL) {
		memcpy(&use, found, sizeof(use));
		state->counts = (struct sa_counts){ use.packets, use.bytes };
	}
}

int
kernel_state_refresh(struct xfrm_nl *nl, struct kernel_state *state)
{
	struct xfrm_aevent_id id = { .sa_id = id_of(state), .flags = XFRM_AE_RVAL | XFRM_AE_LVAL };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_GETAE, 0, &id, sizeof(id));

	put_selectors(msg, state->mark, state->if_id);
	return xfrm_nl_ask(nl, msg, event_cb, state);
}

static void
reread_cb(const struct nlmsghdr *header, void *arg)
{
	struct kernel_state *state = arg, now;

	if (header->nlmsg_type != XFRM_MSG_NEWSA || !kernel_state_read(header, &now))
		return;
	kernel_raw_free(state->raw);
	*state = now;
	state->raw = kernel_raw_copy(header);
}

struct nl_msg *
kernel_state_question(const struct kernel_state *state)
{
	struct xfrm_usersa_id id = id_of(state);
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_GETSA, 0, &id, sizeof(id));

	put_selectors(msg, state->mark, state->if_id);
	return msg;
}

int
kernel_state_reread(struct xfrm_nl *nl, struct kernel_state *state)
{
	return xfrm_nl_ask(nl, kernel_state_question(state), reread_cb, state);
}

void
kernel_state_clear(struct kernel_state *state)
{
	kernel_raw_free(state->raw);
	state->raw = NULL;
}

uint64_t
kernel_state_next(struct xfrm_nl *nl, const struct kernel_state *state)
{
	struct kernel_state now = *state;

	if (kernel_state_refresh(nl, &now) != 0 || now.oseq < state->oseq)
		return state->oseq + SEQUENCE_MARGIN;
	return now.oseq + SEQUENCE_MARGIN + 4 * (now.oseq - state->oseq);
}

struct nl_msg *
kernel_state_delete(const struct kernel_state *state)
{
	struct xfrm_usersa_id id = id_of(state);
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_DELSA, 0, &id, sizeof(id));

	put_selectors(msg, state->mark, state->if_id);
	return msg;
}

struct nl_msg *
kernel_state_use(const struct kernel_state *state, struct kernel_place at)
{
	const struct xfrm_usersa_info *info = nlmsg_data(state->raw);
	struct xfrm_aevent_id id = { .sa_id = id_of(state), .saddr.a4 = htonl(at.src.addr), .reqid = state->reqid };
	struct nl_msg *msg;

	id.sa_id.daddr.a4 = htonl(at.dst.addr);
	msg = xfrm_nl_message(XFRM_MSG_NEWAE, NLM_F_REPLACE, &id, sizeof(id));
	put_selectors(msg, state->mark, state->if_id);
	nla_put(msg, XFRMA_LTIME_VAL, sizeof(info->curlft), &info->curlft);
	return msg;
}

/* ---- the same, elsewhere ---- */

static void
put_replay(struct nl_msg *msg, const struct nlattr *attr, uint64_t oseq)
{
	uint8_t *at = nla_data(nla_reserve(msg, nla_type(attr), nla_len(attr)));

	memcpy(at, nla_data(attr), (size_t)nla_len(attr));
	if (nla_type(attr) == XFRMA_REPLAY_ESN_VAL) {
		struct xfrm_replay_state_esn *esn = (void *)at;

		esn->oseq = (uint32_t)oseq;
		esn->oseq_hi = (uint32_t)(oseq >> 32);
	} else {
		((struct xfrm_replay_state *)(void *)at)->oseq = (uint32_t)oseq;
	}
}

static void
put_encap(struct nl_msg *msg, const struct nlattr *attr, struct kernel_place to)
{
	struct xfrm_encap_tmpl encap;

	memcpy(&encap, nla_data(attr), sizeof(encap));
	encap.encap_sport = htons(to.src.port);
	encap.encap_dport = htons(to.dst.port);
	nla_put(msg, XFRMA_ENCAP, sizeof(encap), &encap);
}

struct nl_msg *
kernel_state_add(const struct kernel_state *state, struct kernel_place to, uint64_t oseq)
{
	struct xfrm_usersa_info info;
	struct nlattr *attr;
	struct nl_msg *msg;
	int left;

	memcpy(&info, nlmsg_data(state->raw), sizeof(info));
	info.id.daddr.a4 = htonl(to.dst.addr);
	info.saddr.a4 = htonl(to.src.addr);
	msg = xfrm_nl_message(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	if (oseq < state->oseq)
		oseq = state->oseq;
	nlmsg_for_each_attr(attr, state->raw, (int)sizeof(info), left) {
		switch (nla_type(attr)) {
		case XFRMA_ENCAP: put_encap(msg, attr, to); break;
		case XFRMA_REPLAY_VAL:
		case XFRMA_REPLAY_ESN_VAL: put_replay(msg, attr, oseq); break;
		case XFRMA_LASTUSED:
		case XFRMA_LTIME_VAL:
		case XFRMA_PAD: break;
		default: nla_put(msg, nla_type(attr), nla_len(attr), nla_data(attr));
		}
	}
	nla_put(msg, XFRMA_LTIME_VAL, sizeof(info.curlft), &info.curlft);
	return msg;
}

/* ---- policies ---- */

struct nl_msg *
kernel_policy_question(const struct kernel_policy *policy)
{
	struct xfrm_userpolicy_id id = { .index = policy->index, .dir = policy->dir };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_GETPOLICY, 0, &id, sizeof(id));

	put_selectors(msg, policy->mark, policy->if_id);
	return msg;
}

struct nl_msg *
kernel_policy_update(const struct kernel_policy *policy, ip4_t src, ip4_t dst)
{
	struct xfrm_userpolicy_info *info = nlmsg_data(policy->raw);
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_UPDPOLICY, 0, info, sizeof(*info));
	struct xfrm_user_tmpl tmpl;
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, policy->raw, (int)sizeof(*info), left) {
		if (nla_type(attr) == XFRMA_TMPL) {
			memcpy(&tmpl, nla_data(attr), sizeof(tmpl));
			tmpl.saddr.a4 = htonl(src);
			tmpl.id.daddr.a4 = htonl(dst);
			nla_put(msg, XFRMA_TMPL, sizeof(tmpl), &tmpl);
		} else if (nla_type(attr) != XFRMA_LASTUSED && nla_type(attr) != XFRMA_PAD) {
			nla_put(msg, nla_type(attr), nla_len(attr), nla_data(attr));
		}
	}
	return msg;
}

struct nl_msg *
kernel_policy_migrate(const struct kernel_policy *policy, const struct kernel_state *state, struct kernel_place to)
{
	const struct xfrm_userpolicy_info *info = nlmsg_data(policy->raw);
	struct xfrm_userpolicy_id id = { .sel = info->sel, .dir = info->dir };
	struct xfrm_user_migrate migrate = {
		.old_daddr.a4 = htonl(state->dst.addr), .old_saddr.a4 = htonl(state->src.addr),
		.new_daddr.a4 = htonl(to.dst.addr), .new_saddr.a4 = htonl(to.src.addr),
		.proto = IPPROTO_ESP, .mode = XFRM_MODE_TUNNEL, .reqid = state->reqid, .old_family = AF_INET, .new_family = AF_INET,
	};
	struct xfrm_encap_tmpl encap = {
		.encap_type = UDP_ENCAP_ESPINUDP, .encap_sport = htons(to.src.port), .encap_dport = htons(to.dst.port),
	};
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_MIGRATE, 0, &id, sizeof(id));

	nla_put(msg, XFRMA_MIGRATE, sizeof(migrate), &migrate);
	if (state->encap)
		nla_put(msg, XFRMA_ENCAP, sizeof(encap), &encap);
	if (state->if_id != 0)
		nla_put_u32(msg, XFRMA_IF_ID, state->if_id);
	return msg;
}

const struct xfrm_selector *
kernel_policy_selector(const struct kernel_policy *policy)
{
	return &((const struct xfrm_userpolicy_info *)nlmsg_data(policy->raw))->sel;
}
