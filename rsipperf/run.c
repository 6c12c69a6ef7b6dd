#include "run.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "link.h"
#include "loop.h"
#include "mem.h"
#include "plan.h"
#include "report.h"
#include "swarm.h"
#include "tally.h"
#include "transport.h"

#define TICK_MS 1
#define LIVE_US 1000000

enum phase { PHASE_REGISTER, PHASE_FILL, PHASE_MIX, PHASE_LEAVE, PHASES };

static const char *const phase_names[PHASES] = { "register", "fill", "mix", "leave" };

struct run {
	const struct plan *plan;
	struct loop *loop;
	struct loop_event *tick, *pump;
	struct link_udp *udp; /* one of the two */
	struct link_tcp *tcp;
	struct swarm swarm;
	struct report report;
	enum phase phase;
	struct tally *tally;   /* of this phase */
	uint32_t *queue;       /* a ring of hosts that are free to begin something */
	uint32_t head, queued;
	uint64_t begun;        /* requests in this phase */
	uint64_t random;
	int interrupts;
};

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* splitmix64: a run with the same seed makes the same choices. */
static uint64_t
next_random(struct run *r)
{
	uint64_t z = r->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t
random_below(struct run *r, uint32_t n)
{
	return (uint32_t)((next_random(r) >> 32) * n >> 32);
}

/* --- which host, and what it does --- */

static void
push(struct run *r, uint32_t host)
{
	uint64_t at = (uint64_t)r->head + r->queued++;

	r->queue[at % r->plan->hosts] = host;
}

static uint32_t
pop(struct run *r)
{
	uint32_t host = r->queue[r->head];

	r->head = (r->head + 1) % r->plan->hosts;
	r->queued--;
	return host;
}

/* All hosts, in random order. */
static void
queue_all(struct run *r)
{
	uint32_t n = r->plan->hosts;

	r->head = 0;
	r->queued = n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_below(r, i + 1);
		r->queue[i] = r->queue[j];
		r->queue[j] = i;
	}
}

static bool
possible(const struct run *r, const struct sim_host *h, enum op op)
{
	switch (op) {
	case OP_REGISTER: /* in the mix: the host leaves, and its next operation is to come back */
	case OP_QUERY:
		return true;
	case OP_ASSIGN:
		return h->n_bindings < r->plan->bindings;
	case OP_EXTEND:
	case OP_FREE:
		return h->n_bindings > 0;
	default:
		return false;
	}
}

static enum op
choose_of_mix(struct run *r, const struct sim_host *h)
{
	unsigned total = 0, at;

	if (!h->registered)
		return OP_REGISTER;
	for (enum op op = 0; op < OPS; op++)
		total += possible(r, h, op) ? r->plan->weight[op] : 0;
	if (total == 0) /* such as only FREE in the mix and nothing left to free */
		return h->n_bindings > 0 ? OP_EXTEND : OP_ASSIGN;
	at = random_below(r, total);
	for (enum op op = 0; op < OPS; op++) {
		unsigned weight = possible(r, h, op) ? r->plan->weight[op] : 0;
		if (at < weight)
			return op == OP_REGISTER ? OP_DEREGISTER : op;
		at -= weight;
	}
	return OP_QUERY;
}

/* Returns OPS when the host has nothing more to do in this phase. */
static enum op
choose(struct run *r, const struct sim_host *h)
{
	switch (r->phase) {
	case PHASE_REGISTER:
		return h->registered || h->failed ? OPS : OP_REGISTER;
	case PHASE_FILL:
		return !h->registered || h->failed || h->n_bindings == r->plan->bindings ? OPS : OP_ASSIGN;
	case PHASE_MIX:
		return choose_of_mix(r, h);
	default:
		return !h->registered || h->failed ? OPS : OP_DEREGISTER;
	}
}

/* --- pace and phases --- */

static bool
mix_is_over(const struct run *r, int64_t now)
{
	return r->interrupts > 0 || now - r->tally->began_us >= r->plan->duration_us;
}

/* Whether one more request may begin now. */
static bool
may_begin(const struct run *r, int64_t now)
{
	if (r->queued == 0 || (r->swarm.waiting > 0 && r->swarm.waiting + r->plan->at_once > r->plan->window))
		return false;
	if (r->phase == PHASE_LEAVE)
		return true;
	if (r->phase != PHASE_MIX)
		return r->interrupts == 0;
	return !mix_is_over(r, now) &&
	       (r->plan->rate == 0 || (double)r->begun < r->plan->rate * (double)(now - r->tally->began_us) / 1e6);
}

static bool
phase_is_over(const struct run *r, int64_t now)
{
	if (r->swarm.waiting > 0)
		return false;
	return r->phase == PHASE_MIX ? mix_is_over(r, now) : r->queued == 0 || (r->interrupts > 0 && r->phase != PHASE_LEAVE);
}

static bool
phase_wanted(const struct run *r, enum phase phase)
{
	switch (phase) {
	case PHASE_FILL:
		return r->plan->fill && r->interrupts == 0;
	case PHASE_MIX:
		return r->plan->duration_us > 0 && r->interrupts == 0;
	case PHASE_LEAVE:
		return !r->plan->keep;
	default:
		return true;
	}
}

static void
begin_phase(struct run *r, enum phase phase)
{
	r->phase = phase;
	r->begun = 0;
	r->tally = r->swarm.tally = tally_new(phase_names[phase], now_us());
	for (uint32_t i = 0; i < r->plan->hosts; i++)
		r->swarm.hosts[i].failed = false;
	queue_all(r);
}

static void
end_phase(struct run *r)
{
	enum phase next = r->phase + 1;

	r->tally->ended_us = now_us();
	report_phase(&r->report, r->tally);
	while (next < PHASES && !phase_wanted(r, next))
		next++;
	if (r->swarm.n_registered == 0 && r->phase == PHASE_REGISTER) {
		report_nobody(&r->report, r->tally);
		next = PHASES;
	}
	if (next == PHASES)
		loop_stop(r->loop);
	else
		begin_phase(r, next);
}

static void
begin_one(struct run *r, int64_t now)
{
	uint32_t host = pop(r);
	const struct sim_host *h = &r->swarm.hosts[host];
	enum op op = choose(r, h);

	if (op == OPS)
		return;
	r->begun += swarm_begin(&r->swarm, host, op, h->n_bindings > 0 ? random_below(r, h->n_bindings) : 0, now);
}

static void
on_pump(void *arg)
{
	struct run *r = arg;
	int64_t now = now_us();

	while (may_begin(r, now))
		begin_one(r, now);
	if (r->udp != NULL)
		link_udp_flush(r->udp);
	else
		streams_flush(r->loop);
	if (phase_is_over(r, now)) {
		end_phase(r);
		loop_deferred_raise(r->pump);
	}
}

static void
on_tick(void *arg)
{
	struct run *r = arg;
	int64_t now = now_us();

	swarm_tick(&r->swarm, now);
	if (now - r->report.last_us >= LIVE_US)
		report_live(&r->report, r->tally, &r->swarm, now);
	loop_timer_set(r->tick, TICK_MS);
	loop_deferred_raise(r->pump);
}

static void
on_interrupt(void *arg)
{
	struct run *r = arg;

	if (++r->interrupts > 1)
		loop_stop(r->loop);
	loop_deferred_raise(r->pump);
}

/* --- between hosts and sockets --- */

static void
on_send(void *arg, uint32_t host, const void *bytes, size_t len)
{
	struct run *r = arg;

	if (r->udp != NULL)
		link_udp_send(r->udp, host, bytes, len);
	else
		link_tcp_send(r->tcp, host, bytes, len);
}

static void
on_idle(void *arg, uint32_t host)
{
	struct run *r = arg;

	push(r, host);
	loop_deferred_raise(r->pump);
}

static const struct swarm_events swarm_events = { .send = on_send, .idle = on_idle };

static void
on_received(void *arg, uint32_t host, const uint8_t *bytes, size_t len)
{
	struct run *r = arg;

	swarm_received(&r->swarm, host, bytes, len, now_us());
}

static void
on_broken(void *arg, uint32_t host)
{
	struct run *r = arg;

	swarm_broken(&r->swarm, host);
}

static bool
open_link(struct run *r)
{
	if (r->plan->tcp)
		r->tcp = link_tcp_open(r->loop, r->plan, on_received, on_broken, r);
	else
		r->udp = link_udp_open(r->loop, r->plan, on_received, r);
	return r->tcp != NULL || r->udp != NULL;
}

int
run(const struct plan *plan)
{
	struct run r = { .plan = plan, .loop = loop_new(), .random = plan->seed };
	struct loop_event *signals[2];
	int status = 1;

	r.queue = mem_zero(plan->hosts, sizeof(*r.queue));
	swarm_init(&r.swarm, plan, &swarm_events, &r);
	r.tick = loop_timer(r.loop, on_tick, &r);
	r.pump = loop_deferred(r.loop, on_pump, &r);
	signals[0] = loop_signal(r.loop, SIGINT, on_interrupt, &r);
	signals[1] = loop_signal(r.loop, SIGTERM, on_interrupt, &r);
	if (open_link(&r)) {
		report_begin(&r.report, plan, now_us());
		begin_phase(&r, PHASE_REGISTER);
		on_tick(&r);
		loop_run(r.loop);
		if (r.tally->ended_us == 0) { /* interrupted twice */
			r.tally->ended_us = now_us();
			report_phase(&r.report, r.tally);
		}
		status = report_end(&r.report);
	}
	link_udp_close(r.udp);
	link_tcp_close(r.tcp);
	for (int i = 0; i < 2; i++)
		loop_event_free(signals[i]);
	loop_event_free(r.tick);
	loop_event_free(r.pump);
	swarm_free(&r.swarm);
	free(r.queue);
	loop_free(r.loop);
	return status;
}
