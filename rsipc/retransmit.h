/* When to send a request once more, and when to give up: RFC 3103 5 and 10.1. Pure: the caller keeps the bytes (the
 * "last message" buffer) and sends them when told to. */
#ifndef RSIPC_RETRANSMIT_H
#define RSIPC_RETRANSMIT_H

#include <stdint.h>

/* The wait after attempt n (counted from 0) is first_us << n; after the last attempt's wait the request has failed. */
struct retransmit_plan { int64_t first_us; unsigned attempts; };

extern const struct retransmit_plan retransmit_udp; /* 12.5 ms, seven attempts: 1.5875 s in all (RFC 3103 5) */
extern const struct retransmit_plan retransmit_tcp; /* TCP repeats by itself: one attempt, 15 s for the gateway */

struct retransmit {
	const struct retransmit_plan *plan; /* NULL = idle */
	int64_t started;                    /* clock_now() at the first attempt */
	unsigned sent;                      /* attempts made */
};

enum retransmit_verdict { RETRANSMIT_WAIT, RETRANSMIT_SEND, RETRANSMIT_GIVE_UP };

/* The first attempt has just been sent. */
void retransmit_start(struct retransmit *r, const struct retransmit_plan *plan);

/* An answer came, or none is wanted any more. */
void retransmit_stop(struct retransmit *r);

/* When to call retransmit_step; WHEN_NEVER while idle. */
int64_t retransmit_due(const struct retransmit *r);

/* RETRANSMIT_SEND: send the same bytes now, it is counted as sent. RETRANSMIT_GIVE_UP: all attempts went unanswered;
 * the timer is idle again. */
enum retransmit_verdict retransmit_step(struct retransmit *r);

/* The message counter behind this one: at the largest 32-bit value "it will wrap around to 1, not 0" (RFC 3103 10.1),
 * as 0 marks what the gateway sends unasked. */
uint32_t retransmit_next_counter(uint32_t counter);

#endif
