/* The host's side of RSIP: registration and leases, RFC 3103 Appendix D.
 *
 * The agent opens no socket and sets no timer itself. It is told what happens (agent_up, agent_down, agent_input,
 * agent_run) and says through its ops what to do; so a test is the network and the clock. It has one request under way
 * at a time, as the message counter of RFC 3103 10.1 wants it.
 *
 * The life of a registration: REGISTER, ASSIGN or LISTEN for each lease, QUERY, then EXTEND of each binding at half of
 * its life. The gateway may take back anything at any time (FREE_RESPONSE, DE-REGISTER_RESPONSE with counter 0), or have
 * lost it (REGISTER_FIRST); what is gone is asked for again, by its old values first. */
#ifndef RSIPC_AGENT_H
#define RSIPC_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "rsip_proto.h"

struct agent;
struct conf;
struct conf_lease;
struct grant;
struct lease;

/* What the agent asks of its surroundings. None of these may call back into the agent before it returns. */
struct agent_ops {
	void (*open)(void *arg);  /* begin a fresh transport session: agent_up or agent_down follows */
	void (*close)(void *arg); /* end it; nothing follows */
	void (*send)(const void *bytes, size_t len, void *arg);
	void (*wake)(int64_t when, void *arg); /* call agent_run at that time of clock_now(); replaces an earlier one */
	void (*changed)(void *arg);            /* the registration, a lease or the local networks are not what they were */
	void (*stopped)(void *arg);            /* what agent_stop began is over; free the agent later, not in here */
};

/* A registration, as kept over a restart of the agent. */
struct agent_registration {
	uint32_t client_id;
	int64_t expires; /* clock_now() milliseconds */
	uint8_t local_flow, remote_flow; /* enum rsip_local_flow, enum rsip_remote_flow */
};

/* conf and ops are borrowed. With conf_leases, the leases of conf are wanted from the start. Nothing happens before
 * agent_run. */
struct agent *agent_new(const struct conf *conf, bool conf_leases, const struct agent_ops *ops, void *arg);
void agent_free(struct agent *agent);

/* Before the first agent_run: what an earlier run of the agent held. The registration is taken up again, and each
 * binding verified by an EXTEND; a binding whose lease is not in the config, or in other measures, is freed. */
void agent_resume(struct agent *agent, const struct agent_registration *registration);
void agent_resume_binding(struct agent *agent, const char *lease, const struct grant *grant, int64_t expires);

/* Does what is due now. */
void agent_run(struct agent *agent);

/* This host's own address on the way to the gateway is not agent_link_addr any more: takes a session from the new one, and
 * the registration there with it, if the gateway can be asked so in a way that it believes (authentication.h). */
void agent_relocate(struct agent *agent);

/* The machine has slept, or stood still in some other way: what ran out is asked for again at once, what did not is
 * confirmed. */
void agent_woken(struct agent *agent);

/* Transport events. host_addr is this host's own address towards the gateway. */
void agent_up(struct agent *agent, ip4_t host_addr);
void agent_down(struct agent *agent, const char *why);
void agent_input(struct agent *agent, const void *bytes, size_t len);
/* The same, to the port of RSIP: so a gateway that has lost our registration calls us when we send packets. Anybody may
 * have sent it: it is not believed, the gateway is asked. */
void agent_called(struct agent *agent, const void *bytes, size_t len);

/* One more lease, on behalf of owner (not NULL), like `want`, which is borrowed until agent_unwant. */
void agent_want(struct agent *agent, const struct conf_lease *want, const void *owner);
/* Gives back all leases of owner. Once agent_holds(owner) is false, nothing refers to want and owner any more. */
void agent_unwant(struct agent *agent, const void *owner);
bool agent_holds(const struct agent *agent, const void *owner); /* wanted, held, or not yet freed */

/* Leases that grow (growth.h): n_ports more than `want` says, on behalf of owner, NULL for a lease of the config; and one of
 * those given back. */
void agent_want_more(struct agent *agent, const struct conf_lease *want, const void *owner, uint16_t n_ports);
void agent_give_back(struct agent *agent, const struct lease *extra);
void agent_note_used(struct agent *agent, const struct lease *extra, int64_t now);

/* The lease sections of the config are other ones now; what they were is still there until this returns. Leases that are
 * wanted as before go on, others are given back, and new ones asked for. */
void agent_reload(struct agent *agent);

/* De-registers, which frees everything, and then calls ops->stopped; within about three seconds also when the gateway
 * does not answer. */
void agent_stop(struct agent *agent);

/* For displays and for those who put leases to use. Leases in order, linked by ->next; valid until the next call. */
const struct lease *agent_leases(const struct agent *agent);
const struct ip4_prefix *agent_locals(const struct agent *agent, size_t *n); /* QUERY's local networks */
const struct agent_registration *agent_registration(const struct agent *agent); /* NULL = unregistered */
const char *agent_state_name(const struct agent *agent);
bool agent_online(const struct agent *agent);
ip4_t agent_host_addr(const struct agent *agent); /* to the gateway, and of the tunnel; 0 = never connected */
ip4_t agent_link_addr(const struct agent *agent); /* of the transport session; the same, but while a move is due */
uint64_t agent_refused(const struct agent *agent); /* messages in the gateway's name that were not believed */

#endif
