/* One lease of this host: what is wanted, what was granted, and when to look after it. */
#ifndef RSIPC_LEASE_H
#define RSIPC_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "grant.h"
#include "rsip_proto.h"

struct conf_lease;

enum lease_state {
	LEASE_WANTED,   /* not held: to be asked for at ask_at */
	LEASE_HELD,
	LEASE_UNWANTED, /* held, and to be freed */
};

/* How much of what it had before a wanted lease asks for by name; each refusal makes it ask for less. */
enum lease_ask {
	ASK_SAME, /* address, ports, SPIs, cookie block */
	ASK_NEAR, /* the address that the host's other leases are on */
	ASK_ANY,
};

struct lease {
	struct lease *prev, *next;
	const struct conf_lease *want; /* NULL: a binding that nobody wants, to be freed; borrowed */
	const void *owner;             /* on whose behalf; NULL = the config file */
	uint16_t n_ports;              /* its share of want->ports */
	uint16_t port;                 /* the first of them by name, 0 = the gateway chooses */
	enum lease_state state;
	enum lease_ask ask;
	bool extra;         /* more than want->ports: growth.h */
	int64_t used_at;    /* extra: when its ports were seen in use last */
	bool had;           /* grant tells what was held last */
	struct grant grant; /* valid when held, unwanted, or had */
	int64_t expires, renew_at, ask_at; /* clock_now() milliseconds */
	struct backoff backoff;
	enum rsip_error error; /* why the last request for it was refused; RSIP_OK: it was not */
	char error_text[128];  /* the same in words */
};

/* All of `want`, or, where that is NULL, nothing. The caller frees with free(). */
struct lease *lease_new(const struct conf_lease *want, const void *owner);

/* Ports that fit one request: exactly one under a local micro-flow policy (RFC 3103 7.1), else at most 255, as many as
 * the one-byte Number counts. Larger leases come in blocks of 128, a power of two, which gateways find places for. */
uint16_t lease_ports_per_request(uint16_t wanted, bool micro_flow);

/* Cuts a wanted lease down to n_ports. Returns a new one for the rest, to be put behind it, or NULL if there is none. */
struct lease *lease_carve(struct lease *lease, uint16_t n_ports);

void lease_granted(struct lease *lease, const struct grant *grant, uint32_t lease_s);

/* It ran out or was taken away: wanted again after wait_ms, by the values it had. */
void lease_lost(struct lease *lease, int64_t wait_ms);

#endif
