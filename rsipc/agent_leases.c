/* The leases of the agent: those that its owner wants, and what becomes of them. */
#include <stdlib.h>
#include <utlist.h>

#include "agent_impl.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"

#define DOUBT_OVER_MS 60000 /* without errors of the gateway: the next one has all leases checked at once again */

bool
agent_holding(const struct agent *agent)
{
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != LEASE_WANTED)
			return true;
	}
	return false;
}

void
agent_drop_lease(struct agent *agent, struct lease *lease)
{
	if (agent->subject == lease)
		agent->subject = NULL;
	DL_DELETE(agent->leases, lease);
	free(lease);
	agent->changed = true;
}

struct lease *
agent_any_held(const struct agent *agent)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state == LEASE_HELD)
			return lease;
	}
	return NULL;
}

/* RSA-IP gives an address of its own; all else goes together on one, so that the host has one public face. */
ip4_t
agent_near(const struct agent *agent, const struct lease *lease)
{
	const struct lease *other;

	if (lease->want->method == RSIP_METHOD_RSA_IP)
		return 0;
	DL_FOREACH(agent->leases, other) {
		if (other->state == LEASE_HELD && other->grant.method != RSIP_METHOD_RSA_IP)
			return other->grant.address;
	}
	return 0;
}

void
agent_take_lease(struct agent *agent, struct lease *lease, int64_t wait_ms)
{
	if (lease->want == NULL)
		agent_drop_lease(agent, lease);
	else
		lease_lost(lease, wait_ms);
	agent->changed = true;
}

struct lease *
agent_lease_by_bind_id(const struct agent *agent, uint32_t bind_id)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state != LEASE_WANTED && lease->grant.bind_id == bind_id)
			return lease;
	}
	return NULL;
}

void
agent_verify_leases(struct agent *agent)
{
	struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->state == LEASE_HELD)
			lease->renew_at = clock_now();
	}
}

void
agent_doubt(struct agent *agent)
{
	int64_t now = clock_now();

	if (now < agent->doubt_at)
		return;
	if (now - agent->doubt_at >= DOUBT_OVER_MS)
		backoff_reset(&agent->doubting);
	agent->doubt_at = now + backoff_fail(&agent->doubting);
	agent_verify_leases(agent);
}

/* ---- the owner's wishes ---- */

void
agent_want(struct agent *agent, const struct conf_lease *want, const void *owner)
{
	struct lease *lease = lease_new(want, owner);

	DL_APPEND(agent->leases, lease);
	agent->changed = true;
	agent_run(agent);
}

void
agent_want_more(struct agent *agent, const struct conf_lease *want, const void *owner, uint16_t n_ports)
{
	struct lease *lease = lease_new(want, owner);

	lease->extra = true;
	lease->n_ports = n_ports;
	lease->port = 0;
	DL_APPEND(agent->leases, lease);
	agent->changed = true;
	agent_run(agent);
}

static struct lease *
own_lease(struct agent *agent, const struct lease *lease)
{
	struct lease *own;

	DL_FOREACH(agent->leases, own) {
		if (own == lease)
			break;
	}
	return own;
}

/* Nobody wants it any more. One that is being asked for is freed when it is granted. */
static void
give_back(struct agent *agent, struct lease *lease)
{
	lease->want = NULL;
	if (lease->state == LEASE_HELD)
		lease->state = LEASE_UNWANTED;
	else if (lease->state == LEASE_WANTED && lease != agent->subject)
		agent_drop_lease(agent, lease);
}

void
agent_give_back(struct agent *agent, const struct lease *extra)
{
	give_back(agent, own_lease(agent, extra));
	agent->changed = true;
	agent_run(agent);
}

void
agent_note_used(struct agent *agent, const struct lease *extra, int64_t now)
{
	own_lease(agent, extra)->used_at = now;
}

void
agent_unwant(struct agent *agent, const void *owner)
{
	struct lease *lease, *next;

	DL_FOREACH_SAFE(agent->leases, lease, next) {
		if (lease->owner != owner)
			continue;
		give_back(agent, lease);
	}
	agent->changed = true;
	agent_run(agent);
}

/* The section that asks for the same; NULL when there is none any more. */
static const struct conf_lease *
section_like(const struct conf *conf, const struct conf_lease *want)
{
	for (size_t i = 0; i < conf->n_leases; i++) {
		if (conf_lease_same(&conf->leases[i], want))
			return &conf->leases[i];
	}
	return NULL;
}

static bool
is_wanted(const struct agent *agent, const struct conf_lease *want)
{
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->want == want)
			return true;
	}
	return false;
}

void
agent_reload(struct agent *agent)
{
	const struct conf *conf = agent->conf;
	struct lease *lease, *next;

	DL_FOREACH_SAFE(agent->leases, lease, next) {
		const struct conf_lease *want = lease->want;

		if (want == NULL || lease->owner != NULL)
			continue;
		if ((want = section_like(conf, want)) != NULL)
			lease->want = want;
		else
			give_back(agent, lease);
	}
	for (size_t i = 0; i < conf->n_leases; i++) {
		if (!is_wanted(agent, &conf->leases[i])) {
			lease = lease_new(&conf->leases[i], NULL);
			DL_APPEND(agent->leases, lease);
		}
	}
	agent->changed = true;
	agent_run(agent);
}

bool
agent_holds(const struct agent *agent, const void *owner)
{
	const struct lease *lease;

	DL_FOREACH(agent->leases, lease) {
		if (lease->owner == owner)
			return true;
	}
	return false;
}
