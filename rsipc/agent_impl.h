/* The inside of the agent, for agent*.c and exchange*.c only. */
#ifndef RSIPC_AGENT_IMPL_H
#define RSIPC_AGENT_IMPL_H

#include "agent.h"
#include "backoff.h"
#include "exchange.h"
#include "message.h"
#include "retransmit.h"
#include "trust.h"

/* RFC 3103 Appendix D; the two that it leaves out are marked. */
enum agent_state {
	AGENT_UNREGISTERED,
	AGENT_UNREGISTERED_DE_REGISTRATION_PENDING, /* ours: ends a registration of the past, 10.2.1 and 10.2.2 */
	AGENT_REGISTRATION_PENDING,
	AGENT_REGISTERED,
	AGENT_REGISTERED_QUERY_PENDING,
	AGENT_REGISTERED_DE_REGISTRATION_PENDING,
	AGENT_ASSIGNMENT_PENDING,
	AGENT_ASSIGNED,
	AGENT_ASSIGNED_ASSIGNMENT_PENDING,
	AGENT_ASSIGNED_QUERY_PENDING,
	AGENT_ASSIGNED_DE_REGISTRATION_PENDING,
	AGENT_EXTENSION_PENDING, /* ours: Appendix D does not draw EXTEND */
	AGENT_FREE_PENDING,
	AGENT_STATES
};

enum agent_event {
	EV_SEND_REGISTER,
	EV_SEND_DE_REGISTER,
	EV_SEND_ASSIGN, /* also LISTEN */
	EV_SEND_QUERY,
	EV_SEND_EXTEND,
	EV_SEND_FREE,
	EV_REGISTERED,
	EV_HOLDING,      /* nothing under way any more, and at least one binding is held */
	EV_EMPTY,        /* nothing under way any more, and no binding is held */
	EV_UNREGISTERED, /* by the gateway, by us, or by the end of its time */
};

struct agent {
	const struct conf *conf;
	const struct agent_ops *ops;
	void *arg;
	char hostname[65];
	enum agent_state state;

	bool online, opening;
	int64_t open_at; /* while neither: when to try again */
	struct backoff reconnect;
	ip4_t link_addr; /* our own address in the transport session, present or last */
	ip4_t host_addr; /* where the gateway knows us, and sends the tunnel to: link_addr, but while a move is due */
	bool moving;     /* tell the gateway, by extension 5, that we are at link_addr now, before anything else */
	int64_t move_at; /* while moving: when */
	struct trust trust;

	struct agent_registration reg; /* valid unless unregistered */
	int64_t register_at;           /* while unregistered */
	struct backoff registering;
	bool has_stale; /* the gateway may still know us by stale_id: de-register it first */
	uint32_t stale_id;

	/* The request under way, or one that went unanswered and is kept to be sent anew. */
	enum exchange exchange; /* EXCHANGE_NONE: neither */
	struct lease *subject;  /* NULL when it is about none, or when its lease has gone */
	struct retransmit timer;
	int64_t again_at; /* given up (RFC 3103 10.1: the counter must not move): when to repeat it; else WHEN_NEVER */
	uint32_t counter;
	size_t last_len; /* the "last message" buffer */
	uint8_t last[RSIP_MESSAGE_MAX];

	struct lease *leases; /* utlist.h */
	int64_t query_at;
	struct ip4_prefix *locals;
	size_t n_locals;
	int64_t called_at;   /* when the gateway was last asked because it called */
	int64_t doubt_at; /* not before then are leases doubted again, and extended to find out */
	struct backoff doubting;

	bool stopping, stopped, changed;
	int64_t stop_by;
};

/* agent_state.c: the only function that changes agent->state. */
void agent_move(struct agent *agent, enum agent_event event);
bool agent_registered(const struct agent *agent);
const char *agent_state_word(enum agent_state state);

/* agent_leases.c */
bool agent_holding(const struct agent *agent); /* any binding */
struct lease *agent_any_held(const struct agent *agent); /* one of those that the gateway has granted; NULL: none */
ip4_t agent_near(const struct agent *agent, const struct lease *lease); /* where its neighbours are, 0 = no matter */
struct lease *agent_lease_by_bind_id(const struct agent *agent, uint32_t bind_id);
void agent_drop_lease(struct agent *agent, struct lease *lease); /* forgets it wholly and frees it */
/* What was held is no more: it is asked for again after wait_ms, or forgotten where nobody wants it. */
void agent_take_lease(struct agent *agent, struct lease *lease, int64_t wait_ms);
/* Has every lease extended now: the answers tell whether the gateway still knows them. */
void agent_verify_leases(struct agent *agent);
/* The gateway may not know the leases that we think we have: finds out, but not too often. */
void agent_doubt(struct agent *agent);

/* agent_request.c */
void agent_begin(struct agent *agent, enum exchange exchange, struct lease *subject);
void agent_transmit(struct agent *agent); /* the bytes that are there already */
bool agent_in_flight(const struct agent *agent);
void agent_forget_exchange(struct agent *agent);
void agent_give_up(struct agent *agent); /* all attempts went unanswered */
void agent_rest(struct agent *agent); /* from a pending state back to registered or assigned; nothing to do in any other */
void agent_reopen(struct agent *agent, int64_t wait_ms); /* a fresh transport session, in which the counter begins at 1 again */
void agent_end_stop(struct agent *agent);
/* The registration is no more. tell: the gateway may still think otherwise. wait_ms: before the next one. */
void agent_lose(struct agent *agent, const char *why, bool tell, int64_t wait_ms);

#define AGENT_CALLED_PAUSE_MS 1000 /* between two questions that calls to the port of RSIP cause */

#endif
