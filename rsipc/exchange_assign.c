/* ASSIGN and LISTEN, RFC 3103 9.6, 9.8, 9.16, RFC 3104 6.2: a lease is asked for, granted or refused. */
#include <stdio.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "exchange_impl.h"
#include "lease.h"
#include "log.h"
#include "names.h"
#include "reason.h"
#include "request.h"

#define UNWANTED_S 60 /* for so long a binding of no lease time is there to be freed */

/* All leases go through one tunnel, so the first one decides on its key. */
static struct tunnel_kind
tunnel_wanted(const struct agent *agent)
{
	const struct lease *held = agent_any_held(agent);

	return (struct tunnel_kind){
		.type = agent->conf->tunnel,
		.gre_key = held != NULL ? held->grant.gre_key : agent->conf->gre_key,
	};
}

void
exchange_assign_build(const struct agent *agent, struct rsip_message *m)
{
	const struct lease *lease = agent->subject;

	request_assign(m, agent->reg.client_id, agent->reg.remote_flow, lease, agent_near(agent, lease),
	               tunnel_wanted(agent));
}

static void
log_grant(const struct lease *lease, uint32_t lease_s)
{
	const struct grant *grant = &lease->grant;
	char addr[IP4_STRLEN];

	log_info("agent", "leased name=%s bind_id=%u method=%s address=%s ports=%u first_port=%u lease_s=%u",
	    lease->want->name, grant->bind_id, rsip_method_name(grant->method), ip4_str(grant->address, addr),
	    grant_port_count(grant), grant->n_ports > 0 ? grant->ports[0].first : 0, lease_s);
}

/* A binding that we have but cannot use, or that nobody waits for any more, is freed (RFC 3103 9.7.3). */
static void
assign_unusable(struct agent *agent, struct lease *lease, const struct grant *grant, const struct rsip_message *m,
    const char *fault)
{
	struct lease *unwanted = lease_new(NULL, lease != NULL ? lease->owner : NULL);

	log_warn("agent", "grant given back bind_id=%u reason=\"%s\"", grant->bind_id, fault);
	lease_granted(unwanted, grant, m->lease_time != 0 ? m->lease_time : UNWANTED_S);
	unwanted->state = LEASE_UNWANTED;
	DL_APPEND(agent->leases, unwanted);
	if (lease == NULL)
		return;
	if (lease->want == NULL) {
		agent_drop_lease(agent, lease);
		return;
	}
	lease->error = RSIP_UNKNOWN_ERROR;
	snprintf(lease->error_text, sizeof(lease->error_text), "the gateway's grant cannot be used: %s", fault);
	lease->ask_at = clock_now() + backoff_fail(&lease->backoff);
}

/* Gateways that do not know our extensions ignore them. The lease is of use all the same. */
static void
warn_of_the_missing(const struct conf_lease *want, const struct rsip_message *m, uint32_t gre_key)
{
	char peer[IP4_STRLEN];

	if (want->cookie_block && !m->has_cookie)
		log_warn("agent", "the gateway leases no block of IKE cookies, it has to learn them lease=%s", want->name);
	if (gre_key != 0 && m->gre_key == 0)
		log_warn("agent", "the gateway does not speak GRE keys, the tunnel has none lease=%s", want->name);
	if (want->ike_peer != 0 && m->ike_listener != want->ike_peer)
		log_warn("agent", "the gateway lets no peer begin IKE with us, it ignores ike-peer lease=%s peer=%s", want->name,
		    ip4_str(want->ike_peer, peer));
}

void
exchange_assign_done(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;
	struct grant_asked asked = {
		.lease = lease != NULL ? lease->want : NULL,
		.n_ports = lease != NULL ? lease->n_ports : 0,
		.tunnel = tunnel_wanted(agent),
		.key_settled = agent_any_held(agent) != NULL,
	};
	struct grant grant;
	const char *fault = grant_read(&grant, m, &asked);

	agent->changed = true;
	if (fault != NULL) {
		assign_unusable(agent, lease, &grant, m, fault);
		return;
	}
	lease_granted(lease, &grant, m->lease_time);
	exchange_prolong(agent, lease->expires);
	log_grant(lease, m->lease_time);
	warn_of_the_missing(lease->want, m, asked.tunnel.gre_key);
}

/* Errors that another choice of address, ports or SPIs may avoid. */
static bool
is_about_choice(enum rsip_error error)
{
	switch (error) {
	case RSIP_LOCAL_ADDR_UNAVAILABLE:
	case RSIP_LOCAL_ADDRPORT_UNAVAILABLE:
	case RSIP_LOCAL_ADDR_INUSE:
	case RSIP_LOCAL_ADDRPORT_INUSE:
	case RSIP_LOCAL_ADDR_UNALLOWED:
	case RSIP_LOCAL_ADDRPORT_UNALLOWED:
	case RSIP_IPSEC_SPI_UNAVAILABLE:
	case RSIP_IPSEC_SPI_INUSE:
		return true;
	default:
		return false;
	}
}

/* What was asked for by name cannot be had: ask for less by name, at once. False when there was no name to drop. */
static bool
ask_for_less(struct agent *agent, struct lease *lease)
{
	if (lease->ask == ASK_SAME) {
		lease->ask = ASK_NEAR;
		return true;
	}
	if (lease->ask == ASK_NEAR && agent_near(agent, lease) != 0 && !lease->extra) { /* more, but not of another address */
		lease->ask = ASK_ANY;
		return true;
	}
	return false;
}

void
exchange_assign_refused(struct agent *agent, const struct rsip_message *m)
{
	struct lease *lease = agent->subject;
	char what[96];
	int64_t wait;

	agent->changed = true;
	if (lease == NULL)
		return;
	if (lease->want == NULL) {
		agent_drop_lease(agent, lease);
		return;
	}
	if (is_about_choice(m->error) && ask_for_less(agent, lease)) {
		log_debug("agent", "lease refused by name, asking for less name=%s error=%s", lease->want->name,
		    rsip_error_name(m->error));
		return;
	}
	wait = backoff_fail(&lease->backoff);
	lease->ask = ASK_NEAR;
	lease->ask_at = clock_now() + wait;
	lease->error = m->error;
	reason_text(m, lease->error_text, sizeof(lease->error_text));
	snprintf(what, sizeof(what), "lease %s", lease->want->name);
	exchange_log_refusal(what, m, wait);
}
