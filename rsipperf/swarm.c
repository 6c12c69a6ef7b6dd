#include "swarm.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "link.h"
#include "mem.h"
#include "message.h"
#include "plan.h"
#include "tally.h"

#define FIRST_WAIT_US 12500   /* doubled for each attempt, RFC 3103 5 */
#define TCP_WAIT_US 30000000  /* TCP repeats by itself */

void
swarm_init(struct swarm *swarm, const struct plan *plan, const struct swarm_events *events, void *arg)
{
	memset(swarm, 0, sizeof(*swarm));
	swarm->plan = plan;
	swarm->events = events;
	swarm->arg = arg;
	swarm->hosts = mem_zero(plan->hosts, sizeof(*swarm->hosts));
	swarm->bind_ids = mem_zero((size_t)plan->hosts * plan->bindings, sizeof(*swarm->bind_ids));
	swarm->subjects = mem_zero((size_t)plan->hosts * plan->at_once, sizeof(*swarm->subjects));
}

void
swarm_free(struct swarm *swarm)
{
	free(swarm->hosts);
	free(swarm->bind_ids);
	free(swarm->subjects);
}

static uint32_t
number_of(const struct swarm *swarm, const struct sim_host *h)
{
	return (uint32_t)(h - swarm->hosts);
}

static uint32_t *
bind_ids_of(const struct swarm *swarm, const struct sim_host *h)
{
	return swarm->bind_ids + (size_t)number_of(swarm, h) * swarm->plan->bindings;
}

static uint32_t *
subjects_of(const struct swarm *swarm, const struct sim_host *h)
{
	return swarm->subjects + (size_t)number_of(swarm, h) * swarm->plan->at_once;
}

/* --- requests --- */

/* A host increments its counter when it has been answered (RFC 3103 10.1): of several at once none can have one. */
static uint32_t
next_counter(const struct swarm *swarm, const struct sim_host *h)
{
	if (swarm->plan->at_once > 1)
		return 0;
	return h->counter < UINT32_MAX ? h->counter + 1 : 1; /* 0 marks what the gateway sends unasked */
}

static void
send_requests(struct swarm *swarm, struct sim_host *h, int64_t now_us)
{
	uint8_t bytes[LINK_REQUEST_MAX];

	h->due_us = now_us + (swarm->plan->tcp ? TCP_WAIT_US : FIRST_WAIT_US << h->attempts);
	h->attempts++;
	DL_APPEND(swarm->by_attempts[h->attempts], h); /* all of one list wait equally long: it stays in order */
	for (unsigned i = 0; i < h->asked && h->attempts > 0; i++) { /* 0: its connection has broken meanwhile */
		size_t len = op_request(swarm->plan, h->op, h->client_id, subjects_of(swarm, h)[i], h->counter, bytes,
		                        sizeof(bytes));
		swarm->events->send(swarm->arg, number_of(swarm, h), bytes, len);
	}
}

/* How many of that kind the host can send at once. */
static unsigned
possible_at_once(const struct swarm *swarm, const struct sim_host *h, enum op op)
{
	unsigned most = 1;

	if (op == OP_ASSIGN)
		most = swarm->plan->bindings - h->n_bindings;
	else if (op == OP_FREE || op == OP_EXTEND)
		most = h->n_bindings;
	return most < swarm->plan->at_once ? most : swarm->plan->at_once;
}

unsigned
swarm_begin(struct swarm *swarm, uint32_t host, enum op op, unsigned which, int64_t now_us)
{
	struct sim_host *h = &swarm->hosts[host];
	unsigned n = possible_at_once(swarm, h, op);

	h->counter = next_counter(swarm, h);
	h->op = op;
	h->asked = (uint16_t)n;
	h->answered = 0;
	h->began_us = now_us;
	h->failed = false;
	for (unsigned i = 0; i < n; i++)
		subjects_of(swarm, h)[i] = op == OP_FREE || op == OP_EXTEND ? bind_ids_of(swarm, h)[(which + i) % h->n_bindings] : 0;
	swarm->waiting += n;
	swarm->tally->op[op].sent += n;
	send_requests(swarm, h, now_us);
	return n;
}

static void
end_requests(struct swarm *swarm, struct sim_host *h)
{
	DL_DELETE(swarm->by_attempts[h->attempts], h);
	h->attempts = 0;
	swarm->waiting -= h->asked - h->answered;
	swarm->events->idle(swarm->arg, number_of(swarm, h));
}

static void
give_up(struct swarm *swarm, struct sim_host *h)
{
	swarm->tally->op[h->op].lost += h->asked - h->answered;
	h->failed = true;
	end_requests(swarm, h);
}

/* --- what a host holds --- */

static void
hold(struct swarm *swarm, struct sim_host *h, uint32_t bind_id)
{
	if (h->n_bindings == swarm->plan->bindings)
		return;
	bind_ids_of(swarm, h)[h->n_bindings++] = bind_id;
	swarm->n_bindings++;
}

static void
drop(struct swarm *swarm, struct sim_host *h, uint32_t bind_id)
{
	uint32_t *ids = bind_ids_of(swarm, h);

	for (unsigned i = 0; i < h->n_bindings; i++) {
		if (ids[i] != bind_id)
			continue;
		ids[i] = ids[--h->n_bindings];
		swarm->n_bindings--;
		return;
	}
}

static void
set_registered(struct swarm *swarm, struct sim_host *h, bool registered, uint32_t client_id)
{
	swarm->n_registered += (uint64_t)registered - (uint64_t)h->registered;
	h->registered = registered;
	h->client_id = client_id;
	if (!registered) {
		swarm->n_bindings -= h->n_bindings;
		h->n_bindings = 0;
	}
}

/* --- responses --- */

/* Over one connection answers come in the order of the requests. */
static uint32_t
subject_of_next(const struct swarm *swarm, const struct sim_host *h)
{
	return subjects_of(swarm, h)[h->answered];
}

static void
granted(struct swarm *swarm, struct sim_host *h, const struct rsip_message *m)
{
	switch (h->op) {
	case OP_REGISTER:
		set_registered(swarm, h, true, m->client_id);
		break;
	case OP_ASSIGN:
		hold(swarm, h, m->bind_id);
		break;
	case OP_FREE:
		drop(swarm, h, subject_of_next(swarm, h));
		break;
	case OP_DEREGISTER:
		set_registered(swarm, h, false, 0);
		break;
	default:
		break;
	}
}

/* The host goes on from what the gateway says about it. */
static void
refused(struct swarm *swarm, struct sim_host *h, const struct rsip_message *m)
{
	swarm->tally->error[m->error < TALLY_ERRORS ? m->error : 0]++;
	if (m->error == RSIP_ALREADY_REGISTERED && m->has_client_id)
		set_registered(swarm, h, true, m->client_id);
	else if (m->error == RSIP_REGISTER_FIRST || m->error == RSIP_ALREADY_UNREGISTERED)
		set_registered(swarm, h, false, 0);
	else if (m->error == RSIP_BAD_BIND_ID || m->type == RSIP_FREE_RESPONSE)
		drop(swarm, h, subject_of_next(swarm, h));
}

static void
answered(struct swarm *swarm, struct sim_host *h, const struct rsip_message *m, int64_t now_us)
{
	struct tally_op *op = &swarm->tally->op[h->op];

	histogram_add(&op->waited, (uint64_t)(now_us - h->began_us));
	if (!op_granted(swarm->plan, h->op, m)) {
		h->failed = true;
		op->refused++;
		refused(swarm, h, m);
	} else {
		op->granted++;
		granted(swarm, h, m);
	}
	h->answered++;
	swarm->waiting--;
	if (h->answered == h->asked)
		end_requests(swarm, h);
}

/* What the gateway sends unasked has counter 0 (RFC 3103 10.1). */
static bool
is_awaited(const struct swarm *swarm, const struct sim_host *h, const struct rsip_message *m)
{
	if (h->attempts == 0)
		return false;
	return swarm->plan->at_once > 1 ? !m->has_counter : m->has_counter && m->counter == h->counter;
}

void
swarm_received(struct swarm *swarm, uint32_t host, const uint8_t *bytes, size_t len, int64_t now_us)
{
	static struct rsip_message m;
	struct sim_host *h = &swarm->hosts[host];

	if (message_decode(&m, bytes, len) != RSIP_OK)
		swarm->tally->unread++;
	else if (!is_awaited(swarm, h, &m))
		swarm->tally->unasked++;
	else
		answered(swarm, h, &m, now_us);
}

void
swarm_broken(struct swarm *swarm, uint32_t host)
{
	if (swarm->hosts[host].attempts != 0)
		give_up(swarm, &swarm->hosts[host]);
}

void
swarm_tick(struct swarm *swarm, int64_t now_us)
{
	unsigned tries = swarm->plan->tcp ? 1 : swarm->plan->tries;

	for (unsigned made = tries; made >= 1; made--) {
		struct sim_host *h;

		while ((h = swarm->by_attempts[made]) != NULL && h->due_us <= now_us) {
			if (made == tries) {
				give_up(swarm, h);
				continue;
			}
			DL_DELETE(swarm->by_attempts[made], h);
			swarm->tally->op[h->op].repeats++;
			send_requests(swarm, h, now_us);
		}
	}
}
