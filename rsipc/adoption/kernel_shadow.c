#include "kernel_shadow.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "kernel_tunnel.h"
#include "log.h"
#include "mem.h"
#include "netlink_xfrm.h"

static const struct xfrm_mark shadow_mark = { .v = 0, .m = KERNEL_SHADOW_MARK };
static struct log_limit lay_limit;

/* ---- messages ---- */

static const struct xfrm_userpolicy_info *
info_of(const struct kernel_policy *policy)
{
	return nlmsg_data(policy->raw);
}

static bool
is_shadow(const struct kernel_policy *policy)
{
	return policy->mark.v == shadow_mark.v && policy->mark.m == shadow_mark.m;
}

/* One that has no mark of its own, and that another one can come before. */
static bool
can_have_one(const struct kernel_policy *policy)
{
	return policy->mark.m == 0 && info_of(policy)->priority > 0;
}

static void
put_template(struct nl_msg *msg, const struct nlattr *attr)
{
	struct xfrm_user_tmpl tmpl;

	memcpy(&tmpl, nla_data(attr), sizeof(tmpl));
	tmpl.id.spi = 0;
	nla_put(msg, XFRMA_TMPL, sizeof(tmpl), &tmpl);
}

static struct nl_msg *
shadow_of(const struct kernel_policy *policy)
{
	struct xfrm_userpolicy_info info = *info_of(policy);
	struct nlattr *attr;
	struct nl_msg *msg;
	int left;

	info.priority--;
	info.index = 0;
	info.lft.hard_add_expires_seconds = KERNEL_SHADOW_S;
	msg = xfrm_nl_message(XFRM_MSG_UPDPOLICY, 0, &info, sizeof(info)); /* one that is there begins its time anew */
	nlmsg_for_each_attr(attr, policy->raw, (int)sizeof(info), left) {
		if (nla_type(attr) == XFRMA_TMPL)
			put_template(msg, attr);
		else if (nla_type(attr) != XFRMA_MARK && nla_type(attr) != XFRMA_LASTUSED && nla_type(attr) != XFRMA_PAD)
			nla_put(msg, nla_type(attr), nla_len(attr), nla_data(attr));
	}
	nla_put(msg, XFRMA_MARK, sizeof(shadow_mark), &shadow_mark);
	return msg;
}

static struct nl_msg *
removal_of(const struct kernel_policy *shadow)
{
	const struct xfrm_userpolicy_info *info = info_of(shadow);
	struct xfrm_userpolicy_id id = { .sel = info->sel, .dir = info->dir };
	struct nl_msg *msg = xfrm_nl_message(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id));
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, shadow->raw, (int)sizeof(*info), left) {
		int type = nla_type(attr);

		if (type == XFRMA_MARK || type == XFRMA_IF_ID || type == XFRMA_POLICY_TYPE || type == XFRMA_SEC_CTX)
			nla_put(msg, type, nla_len(attr), nla_data(attr));
	}
	return msg;
}

/* ---- laying ---- */

static bool
is_between(ip4_t src, ip4_t dst, const struct sa *sa, bool out)
{
	ip4_t from = out ? sa->local.addr : sa->remote.addr, to = out ? sa->remote.addr : sa->local.addr;

	return (src == 0 || src == from) && (dst == 0 || dst == to);
}

/* Does it lead the tunnel's packets to its ends, and by no other SA than its own? That may be missing for a moment, while the
 * daemon deletes and adds it. */
static bool
leads(const struct kernel_policy *policy, const struct tunnel *tunnel)
{
	return (policy->spi == 0 || policy->spi == tunnel->spi_out) &&
	    is_between(policy->src, policy->dst, &tunnel->sa, policy->dir == XFRM_POLICY_OUT);
}

static void
lay(struct tunnel *tunnel, const struct kernel_table *table)
{
	struct nl_msg **msgs = mem_grow(NULL, table->n_policies + 1, sizeof(struct nl_msg *));
	size_t n = 0;
	int err;

	for (size_t i = 0; i < table->n_policies; i++) {
		const struct kernel_policy *policy = &table->policies[i];

		if (leads(policy, tunnel) && can_have_one(policy))
			msgs[n++] = shadow_of(policy);
	}
	if ((err = xfrm_nl_do(tunnel->backend->nl, msgs, n, NULL)) != 0)
		log_warn_limited(&lay_limit, "adoption", "cannot double policies sa=%s error=\"%s\"", tunnel->sa.name,
		    strerror(err));
	tunnel->shadowed = n > 0 ? clock_now() + KERNEL_SHADOW_S * 1000 : 0;
	tunnel->unshadowed = false;
	free(msgs);
}

void
kernel_shadow_lay(struct kernel_group *group, const struct kernel_table *table)
{
	struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->unshadowed && tunnel->found && !tunnel->astray)
			lay(tunnel, table);
	}
}

/* ---- ending ---- */

static void
take_away(struct xfrm_nl *nl, const struct kernel_table *table)
{
	struct nl_msg **msgs = mem_grow(NULL, table->n_policies + 1, sizeof(struct nl_msg *));
	size_t n = 0;

	for (size_t i = 0; i < table->n_policies; i++) {
		if (is_shadow(&table->policies[i]))
			msgs[n++] = removal_of(&table->policies[i]);
	}
	xfrm_nl_do(nl, msgs, n, NULL); /* one whose time is over has gone by itself */
	free(msgs);
}

void
kernel_shadow_end(struct tunnel *tunnel)
{
	struct kernel_backend *backend = tunnel->backend;
	struct kernel_group *group = tunnel->group;
	bool any = tunnel->shadowed > clock_now();
	struct kernel_table table;

	tunnel->unshadowed = tunnel->contradicted = false;
	tunnel->shadowed = 0;
	if (!any)
		return;
	if (kernel_group_read(group, backend->nl, false, &table) == 0)
		take_away(backend->nl, &table);
	kernel_table_clear(&table);
	DL_FOREACH2(group->tunnels, tunnel, group_next)
		tunnel->shadowed = 0;
}

void
kernel_shadow_clear(struct kernel_backend *backend)
{
	struct kernel_table table;

	if (kernel_table_read(backend->nl, &table) == 0)
		take_away(backend->nl, &table);
	kernel_table_clear(&table);
}

/* ---- what contradicts ---- */

/* Any generation's: the old ones move as well. One that is missing for a moment is known when it comes back. */
static bool
is_known(const struct kernel_group *group, uint32_t spi)
{
	const struct tunnel *tunnel;

	DL_FOREACH2(group->tunnels, tunnel, group_next) {
		if (tunnel->in.spi == spi || tunnel->spi_out == spi)
			return true;
	}
	return false;
}

static bool
contradicts_state(const struct tunnel *tunnel, const struct kernel_state *state)
{
	return !is_known(tunnel->group, state->spi) ||
	    (!is_between(state->src.addr, state->dst.addr, &tunnel->sa, true) &&
	     !is_between(state->src.addr, state->dst.addr, &tunnel->sa, false));
}

static bool
contradicts_policy(const struct tunnel *tunnel, const struct kernel_policy *policy)
{
	return !is_shadow(policy) && !leads(policy, tunnel);
}

/* The tunnels of a reqid whose shadows are contradicted by the one or the other, or by anything at all. */
static void
note(struct kernel_backend *backend, uint32_t reqid, const struct kernel_state *state, const struct kernel_policy *policy)
{
	struct kernel_group *group = kernel_names_group(backend->names, reqid);
	struct tunnel *tunnel;

	DL_FOREACH2(group != NULL ? group->tunnels : NULL, tunnel, group_next) {
		if (tunnel->shadowed == 0 || (state != NULL && !contradicts_state(tunnel, state)) ||
		    (policy != NULL && !contradicts_policy(tunnel, policy)))
			continue;
		tunnel->contradicted = backend->contradicted = true;
	}
}

static void
note_all(struct kernel_backend *backend)
{
	struct tunnel *tunnel;

	DL_FOREACH(backend->tunnels, tunnel)
		tunnel->contradicted = tunnel->shadowed != 0;
	backend->contradicted = true;
}

/* One of `out` is never deleted on the way of a tunnel to another place, only blocked. */
static void
note_end(struct kernel_backend *backend, const struct nlmsghdr *header)
{
	const struct xfrm_userpolicy_id *id = nlmsg_data(header);
	const struct nlattr *tmpl, *mark;

	if (!nlmsg_valid_hdr(header, sizeof(*id)) || id->dir != XFRM_POLICY_OUT)
		return;
	tmpl = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, sizeof(*id), XFRMA_TMPL);
	mark = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, sizeof(*id), XFRMA_MARK);
	if (tmpl != NULL && (size_t)nla_len(tmpl) >= sizeof(struct xfrm_user_tmpl) && mark == NULL)
		note(backend, ((const struct xfrm_user_tmpl *)nla_data(tmpl))->reqid, NULL, NULL);
}

void
kernel_shadow_told(struct kernel_backend *backend, const struct nlmsghdr *header)
{
	struct kernel_state state;
	struct kernel_policy policy;

	switch (header != NULL ? header->nlmsg_type : XFRM_MSG_FLUSHPOLICY) {
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		if (kernel_state_read(header, &state))
			note(backend, state.reqid, &state, NULL);
		break;
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		if (kernel_policy_read(header, &policy))
			note(backend, policy.reqid, NULL, &policy);
		break;
	case XFRM_MSG_DELPOLICY: note_end(backend, header); break;
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_FLUSHPOLICY: note_all(backend); break;
	default: break;
	}
}

void
kernel_shadow_settle(struct kernel_backend *backend)
{
	struct tunnel *tunnel;

	if (!backend->contradicted)
		return;
	backend->contradicted = false;
	DL_FOREACH(backend->tunnels, tunnel) {
		if (tunnel->contradicted)
			kernel_shadow_end(tunnel);
	}
}
