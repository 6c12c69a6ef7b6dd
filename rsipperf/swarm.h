/* The simulated hosts: what each holds, and what it waits for: one request, or over TCP as many of one kind as it sends at
 * once. Which come next is the business of run.c. */
#ifndef RSIPPERF_SWARM_H
#define RSIPPERF_SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops.h"

struct plan;
struct tally;

struct sim_host {
	uint32_t client_id;
	uint32_t counter;  /* of the last request, RFC 3103 10.1 */
	int64_t began_us;  /* when the request was first sent */
	int64_t due_us;    /* when it is sent again */
	struct sim_host *prev, *next; /* among those that wait, with as many attempts made */
	uint16_t n_bindings;
	uint16_t asked, answered; /* requests sent at once, and how many of them do not wait any more */
	uint8_t op;        /* enum op */
	uint8_t attempts;  /* 0: no request waits */
	bool registered;
	bool failed;       /* one of its last requests was refused or lost */
};

#define SWARM_TRIES_MAX 16

struct swarm_events {
	void (*send)(void *arg, uint32_t host, const void *bytes, size_t len);
	void (*idle)(void *arg, uint32_t host); /* what it asked has been answered, or given up */
};

struct swarm {
	const struct plan *plan;
	const struct swarm_events *events;
	void *arg;
	struct tally *tally; /* where everything is counted now */
	struct sim_host *hosts;
	uint32_t *bind_ids;  /* plan->bindings of each host */
	uint32_t *subjects;  /* plan->at_once of each host: the bind IDs that its requests are about */
	uint32_t waiting;    /* requests under way */
	uint64_t n_registered, n_bindings;
	struct sim_host *by_attempts[SWARM_TRIES_MAX + 1]; /* each in the order of due_us */
};

/* events is borrowed. Sets up plan->hosts hosts without registration. */
void swarm_init(struct swarm *swarm, const struct plan *plan, const struct swarm_events *events, void *arg);
void swarm_free(struct swarm *swarm);

/* Sends the request of a host that does not wait, or as many as it sends at once. FREE and EXTEND are about the binding number
 * which, below n_bindings, and those that follow it. Returns how many it sent. */
unsigned swarm_begin(struct swarm *swarm, uint32_t host, enum op op, unsigned which, int64_t now_us);

/* To be called with what comes for a host, when its connection breaks, and about every millisecond for what is to be
 * sent again or given up. */
void swarm_received(struct swarm *swarm, uint32_t host, const uint8_t *bytes, size_t len, int64_t now_us);
void swarm_broken(struct swarm *swarm, uint32_t host);
void swarm_tick(struct swarm *swarm, int64_t now_us);

#endif
