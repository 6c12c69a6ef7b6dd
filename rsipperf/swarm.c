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
}

void
swarm_free(struct swarm *swarm)
{
	free(swarm->hosts);
	free(swarm->bind_ids);
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

/* --- requests --- */

static void
send_request(struct swarm *swarm, struct sim_host *h, int64_t now_us)
{
	uint8_t bytes[LINK_REQUEST_MAX];
	size_t len = op_request(swarm->plan, h->op, h->client_id, h->subject, h->counter, bytes, sizeof(bytes));

	h->due_us = now_us + (swarm->plan->tcp ? TCP_WAIT_US : FIRST_WAIT_US << h->attempts);
	h->attempts++;
	DL_APPEND(swarm->by_attempts[h->attempts], h); /* all of one list wait equally long: it stays in order */
	swarm->events->send(swarm->arg, number_of(swarm, h), bytes, len);
}

void
swarm_begin(struct swarm *swarm, uint32_t host, enum op op, unsigned which, int64_t now_us)
{
	struct sim_host *h = &swarm->hosts[host];

	if (++h->counter == 0) /* 0 marks what the gateway sends unasked, RFC 3103 10.1 */
		h->counter = 1;
	h->op = op;
	h->subject = op == OP_FREE || op == OP_EXTEND ? bind_ids_of(swarm, h)[which] : 0;
	h->began_us = now_us;
	h->failed = false;
	swarm->waiting++;
	swarm->tally->op[op].sent++;
	send_request(swarm, h, now_us);
}

static void
end_request(struct swarm *swarm, struct sim_host *h)
{
	DL_DELETE(swarm->by_attempts[h->attempts], h);
	h->attempts = 0;
	swarm->waiting--;
	swarm->events->idle(swarm->arg, number_of(swarm, h));
}

static void
give_up(struct swarm *swarm, struct sim_host *h)
{
	swarm->tally->op[h->op].lost++;
	h->failed = true;
	end_request(swarm, h);
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
		drop(swarm, h, h->subject);
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
		drop(swarm, h, h->subject);
}

static void
answered(struct swarm *swarm, struct sim_host *h, const struct rsip_message *m, int64_t now_us)
{
	struct tally_op *op = &swarm->tally->op[h->op];

	histogram_add(&op->waited, (uint64_t)(now_us - h->began_us));
	h->failed = !op_granted(swarm->plan, h->op, m);
	if (h->failed) {
		op->refused++;
		refused(swarm, h, m);
	} else {
		op->granted++;
		granted(swarm, h, m);
	}
	end_request(swarm, h);
}

void
swarm_received(struct swarm *swarm, uint32_t host, const uint8_t *bytes, size_t len, int64_t now_us)
{
	static struct rsip_message m;
	struct sim_host *h = &swarm->hosts[host];

	if (message_decode(&m, bytes, len) != RSIP_OK)
		swarm->tally->unread++;
	else if (h->attempts == 0 || !m.has_counter || m.counter != h->counter)
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
			send_request(swarm, h, now_us);
		}
	}
}
