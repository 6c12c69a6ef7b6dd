#include "lease.h"

#include "clock.h"
#include "conf.h"
#include "mem.h"
#include "renew.h"

#define PORTS_MAX 255  /* RFC 3103 8.2: Number is one byte */
#define PORTS_BLOCK 128

struct lease *
lease_new(const struct conf_lease *want, const void *owner)
{
	struct lease *lease = mem_zero(1, sizeof(*lease));

	lease->want = want;
	lease->owner = owner;
	lease->n_ports = want != NULL ? want->ports : 0;
	lease->port = want != NULL ? want->port : 0;
	lease->state = LEASE_WANTED;
	lease->ask = ASK_NEAR;
	return lease;
}

uint16_t
lease_ports_per_request(uint16_t wanted, bool micro_flow)
{
	if (micro_flow && wanted > 0)
		return 1;
	return wanted <= PORTS_MAX ? wanted : PORTS_BLOCK;
}

struct lease *
lease_carve(struct lease *lease, uint16_t n_ports)
{
	struct lease *rest;

	if (lease->n_ports <= n_ports)
		return NULL;
	rest = lease_new(lease->want, lease->owner);
	rest->extra = lease->extra;
	rest->n_ports = (uint16_t)(lease->n_ports - n_ports);
	rest->port = lease->port == 0 ? 0 : (uint16_t)(lease->port + n_ports);
	lease->n_ports = n_ports;
	return rest;
}

void
lease_granted(struct lease *lease, const struct grant *grant, uint32_t lease_s)
{
	lease->grant = *grant;
	lease->had = true;
	lease->state = LEASE_HELD;
	lease->error = RSIP_OK;
	lease->used_at = clock_now();
	backoff_reset(&lease->backoff);
	renew_granted(&lease->expires, &lease->renew_at, lease_s);
}

void
lease_lost(struct lease *lease, int64_t wait_ms)
{
	lease->state = LEASE_WANTED;
	lease->ask = ASK_SAME;
	lease->ask_at = clock_now() + wait_ms;
}
