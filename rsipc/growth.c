#include "growth.h"

#include <stddef.h>

#include "agent.h"
#include "clock.h"
#include "conf.h"
#include "lease.h"
#include "log.h"
#include "ports_used.h"

bool
growth_allowed(const struct conf_lease *want)
{
	return want->method == RSIP_METHOD_RSAP_IP && !want->listen && want->max_ports > want->ports;
}

bool
growth_possible(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_leases; i++) {
		if (growth_allowed(&conf->leases[i]))
			return true;
	}
	return false;
}

static unsigned
used_of(const struct lease *lease, const struct ports_used *used)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lease->grant.n_ports; i++)
		n += ports_used_count(used, lease->grant.ports[i]);
	return n;
}

/* All leases of one section of the config. */
struct tally {
	unsigned leased, used;
	bool asking;                /* there are some that are not held yet */
	const struct lease *asked;  /* one of them that is a growth, or NULL */
};

static struct tally
count(const struct agent *agent, const struct conf_lease *want, const void *owner, const struct ports_used *used)
{
	struct tally t = { 0 };

	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->want != want || l->owner != owner)
			continue;
		if (l->state == LEASE_HELD) {
			t.leased += l->n_ports;
			t.used += used_of(l, used);
		} else {
			t.asking = true;
			t.asked = l->extra ? l : t.asked;
		}
	}
	return t;
}

static bool
is_scarce(const struct tally *t)
{
	return (t->leased - t->used) * 4 < t->leased;
}

/* A growth that has not been used for a while, if without it at least half of the rest is free. */
static const struct lease *
find_spare(struct agent *agent, const struct conf_lease *want, const void *owner, const struct ports_used *used,
    const struct tally *t)
{
	int64_t now = clock_now();

	for (const struct lease *l = agent_leases(agent); l != NULL; l = l->next) {
		if (l->want != want || !l->extra || l->owner != owner || l->state != LEASE_HELD)
			continue;
		if (used_of(l, used) > 0)
			agent_note_used(agent, l, now);
		else if (now - l->used_at >= GROWTH_IDLE_MS && t->used * 2 <= t->leased - l->n_ports)
			return l;
	}
	return NULL;
}

const struct lease *
growth_of(struct agent *agent, const struct conf_lease *want, const void *owner, const struct ports_used *used)
{
	struct tally t = count(agent, want, owner, used);
	const struct lease *spare = t.asking ? t.asked : find_spare(agent, want, owner, used, &t);
	unsigned more = want->max_ports > t.leased ? want->max_ports - t.leased : 0;

	if (!is_scarce(&t))
		return spare;
	if (!t.asking && more > 0) {
		more = more < want->ports ? more : want->ports;
		log_info("agent", "ports run out lease=%s leased=%u used=%u more=%u", want->name, t.leased, t.used, more);
		agent_want_more(agent, want, owner, (uint16_t)more);
	}
	return NULL;
}

void
growth_step(const struct conf *conf, struct agent *agent, const struct ports_used *used)
{
	const struct lease *spare;

	for (size_t i = 0; i < conf->n_leases; i++) {
		if (growth_allowed(&conf->leases[i]) && (spare = growth_of(agent, &conf->leases[i], NULL, used)) != NULL)
			agent_give_back(agent, spare);
	}
}
